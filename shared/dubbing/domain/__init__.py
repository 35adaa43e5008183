"""What the platform talks about: plain, immutable values without I/O."""
