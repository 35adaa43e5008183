"""Evaluation: what a student is worth, measured on people, voices and languages that it never saw."""
