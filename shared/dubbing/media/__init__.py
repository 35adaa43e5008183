"""Reading, cutting, writing and checking pictures and sound: exact in frames and samples, flat in memory."""
