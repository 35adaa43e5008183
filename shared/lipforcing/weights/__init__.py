"""Weights in and out: upstream containers and names, adapters, version folders, downloads."""
