"""The demonstration model's student, Stage 2, from that Stage 1 under that teacher: an hour in all.

It ended a little below the committed student with either of two Stages 1, so the gate refuses it (docs/training.md).
"""

from dataclasses import replace

from services.trainer.recipes import sf_tiny, sf_tiny_gpu

_STAGE = sf_tiny_gpu.STAGE
_RATE = 2.5e-5

RECIPE = replace(
    sf_tiny.RECIPE,
    name="sf_tiny_tuned",
    stage=replace(_STAGE, student=replace(_STAGE.student, lr=_RATE), critic=replace(_STAGE.critic, lr=_RATE)),
    steps=400,
    follows="df_tiny_tuned",
    taught_by="teacher_tiny_tuned",
)
