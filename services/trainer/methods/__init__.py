"""The methods of the paper as objects that a service drives: teacher, Diffusion Forcing, Self-Forcing, and what measures them.

A method is given micro-batches and does one optimiser step; it holds no files, no processes and no clock. Everything that it
draws is a pure function of (seed, step, place of the sample in the step), so a stopped run continues exactly and a step does
not depend on how its batch was cut among ranks.
"""
