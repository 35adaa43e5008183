"""The demonstration model's student, Stage 2, on one large GPU."""

from dataclasses import replace

from services.trainer.recipes import sf_tiny, teacher_tiny_gpu

RECIPE = replace(
    sf_tiny.RECIPE,
    name="sf_tiny_gpu",
    steps=200,
    batch=32,
    micro=32,
    sync=replace(sf_tiny.RECIPE.sync, plan=replace(sf_tiny.RECIPE.sync.plan, steps=800)),
    takes=teacher_tiny_gpu.TAKES,
    follows="df_tiny_gpu",
    taught_by="teacher_tiny_gpu",
)
