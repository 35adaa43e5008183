"""One small file per kind of process: how it is prepared, started, probed and stopped."""
