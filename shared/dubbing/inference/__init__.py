"""Clients of the models: one interface, served by Triton, in this process, or passed through."""
