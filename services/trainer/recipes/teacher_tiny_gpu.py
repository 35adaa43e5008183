"""The demonstration model's teacher on one large GPU: a hundred times the clips."""

from dataclasses import replace

from services.trainer.recipes import teacher_tiny

BATCH, TAKES = 64, 1_920

RECIPE = replace(
    teacher_tiny.RECIPE,
    name="teacher_tiny_gpu",
    update=replace(teacher_tiny.RECIPE.update, warm_up=200, ema=0.999),
    steps=6_000,
    batch=BATCH,
    micro=BATCH,
    takes=TAKES,
)
