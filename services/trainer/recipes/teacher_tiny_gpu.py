"""The demonstration model's teacher on one GPU: ten times the clips."""

from dataclasses import replace

from services.trainer.recipes import teacher_tiny

BATCH, TAKES = 64, 1_920

RECIPE = replace(
    teacher_tiny.RECIPE,
    name="teacher_tiny_gpu",
    update=replace(teacher_tiny.RECIPE.update, warm_up=100, ema=0.998),
    steps=1_600,
    batch=BATCH,
    micro=BATCH,
    takes=TAKES,
)
