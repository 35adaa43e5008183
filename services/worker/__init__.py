"""The worker process: probes, prepares and encodes sources, and drives chunks through the inference server."""
