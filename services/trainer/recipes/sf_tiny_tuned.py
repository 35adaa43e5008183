"""The demonstration model's student, Stage 2, from that Stage 1 under that teacher: an hour in all.

Its steps are of 8 clips. Weighted by ``exp(2 z)`` of the standardised reward they would count as 3, by ``exp(z / 2)`` they
count as 6 (effective sample size of normal rewards). The rates of both stages are low: student and footage are those of a
training that was longer, and what an hour can add to it is less than what a high rate would undo.
"""

from dataclasses import replace

from services.trainer.methods.reward import Weighting
from services.trainer.recipes import sf_tiny, sf_tiny_gpu

_STAGE = sf_tiny_gpu.STAGE
_RATE = 2e-5

RECIPE = replace(
    sf_tiny.RECIPE,
    name="sf_tiny_tuned",
    stage=replace(
        _STAGE,
        student=replace(_STAGE.student, lr=_RATE),
        critic=replace(_STAGE.critic, lr=_RATE),
        weighting=Weighting(beta=0.5),
    ),
    steps=250,
    follows="df_tiny_tuned",
    taught_by="teacher_tiny_tuned",
)
