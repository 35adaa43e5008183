"""Measurements that no process runs: what each step of the distillation is worth, and where its numbers come from."""
