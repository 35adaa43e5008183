"""Speakers and speech made by code: for demonstration, tests, benchmarks and training. No torch, nothing of the platform."""
