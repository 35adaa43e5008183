"""The trainer: makes students from footage and speech, measures them and publishes their weights."""
