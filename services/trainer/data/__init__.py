"""Drawn speakers as training data: takes on disk, and their latents."""
