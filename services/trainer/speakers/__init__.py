"""Speakers made by code: faces, voices and the clips that the demonstration model learns from."""
