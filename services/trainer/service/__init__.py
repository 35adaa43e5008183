"""The trainer as a service: runs are rows, a worker launches their processes, and what passes the gate is served."""
