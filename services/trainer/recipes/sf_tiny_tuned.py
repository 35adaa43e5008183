"""The demonstration model's student, Stage 2, from that Stage 1 under that teacher: an hour in all.

The rates of both stages are low: the student begins as that of a longer training, and what an hour can add to it is less than
what a high rate would undo. The gate lets it pass as equal, narrowly (docs/results/training.md).
"""

from dataclasses import replace

from services.trainer.recipes import sf_tiny

_STAGE = sf_tiny.STAGE
_RATE = 3e-5

RECIPE = replace(
    sf_tiny.RECIPE,
    name="sf_tiny_tuned",
    stage=replace(_STAGE, student=replace(_STAGE.student, lr=_RATE), critic=replace(_STAGE.critic, lr=_RATE)),
    steps=250,
    follows="df_tiny_tuned",
    taught_by="teacher_tiny_tuned",
)
