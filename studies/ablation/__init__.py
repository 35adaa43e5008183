"""The honest table: what each step of the distillation is worth, on a small network, with intervals over clips and seeds."""
