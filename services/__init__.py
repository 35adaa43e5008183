"""One package per process of the system."""
