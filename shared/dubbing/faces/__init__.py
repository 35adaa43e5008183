"""Faces in a film: detection, tracks, the aligned crop, the plan of chunks, and the paste-back."""
