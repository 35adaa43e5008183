"""Serving: slots of K/V, the batching engine, and the Triton backend."""
