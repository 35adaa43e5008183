"""The demonstration model's student, Stage 2, from that Stage 1 under that teacher: an hour in all.

Its steps are of 8 clips. Weighted by ``exp(2 z)`` of the standardised reward they would count as 3, by ``exp(z / 2)`` they
count as 6 (effective sample size of normal rewards); and half the rate for twice the steps halves what is left of the noise.
"""

from dataclasses import replace

from services.trainer.methods.reward import Weighting
from services.trainer.recipes import sf_tiny, sf_tiny_gpu

_STAGE = sf_tiny_gpu.STAGE
_RATE = 2.5e-5

RECIPE = replace(
    sf_tiny.RECIPE,
    name="sf_tiny_tuned",
    stage=replace(
        _STAGE,
        student=replace(_STAGE.student, lr=_RATE),
        critic=replace(_STAGE.critic, lr=_RATE),
        weighting=Weighting(beta=0.5),
    ),
    steps=400,
    follows="df_tiny_tuned",
    taught_by="teacher_tiny_tuned",
)
