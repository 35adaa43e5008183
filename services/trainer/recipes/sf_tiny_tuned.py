"""The demonstration model's student, Stage 2, from that Stage 1 under that teacher: an hour in all.

It ends a little below the committed student, whatever Stage 1 does: the teacher has seen a twentieth of the clips
(docs/training.md).
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
