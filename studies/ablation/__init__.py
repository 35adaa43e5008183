"""What each step of the distillation is worth, measured on a small network, with intervals over clips and seeds."""
