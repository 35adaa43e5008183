"""The demonstration model's student, Stage 2, from that Stage 1 under that teacher: an hour in all.

It ended a little below the committed student with either of two Stages 1, so the gate refuses it (docs/training.md).
"""

from dataclasses import replace

from services.trainer.recipes import sf_tiny, sf_tiny_gpu

RECIPE = replace(
    sf_tiny.RECIPE,
    name="sf_tiny_tuned",
    stage=sf_tiny_gpu.STAGE,
    follows="df_tiny_tuned",
    taught_by="teacher_tiny_tuned",
)
