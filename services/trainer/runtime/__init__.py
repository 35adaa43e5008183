"""A run while it runs: its processes, checkpoints and legs; chains of runs without the platform, and how they come home."""
