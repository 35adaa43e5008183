"""The HTTP API: uploads, jobs, their progress and their results."""
