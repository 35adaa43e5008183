"""The local stack: the real servers and our services on one machine, supervised, without root and without containers."""
