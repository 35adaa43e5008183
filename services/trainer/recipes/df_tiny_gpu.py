"""The demonstration model's student, Stage 1, on one large GPU; mouths are decoded in the loss."""

from dataclasses import replace

from services.trainer.recipes import df_tiny, teacher_tiny_gpu

RECIPE = replace(
    df_tiny.RECIPE,
    name="df_tiny_gpu",
    stage=replace(df_tiny.STAGE, picture=1.0),
    update=replace(df_tiny.RECIPE.update, lr=1e-3, warm_up=100, ema=0.998),
    steps=2_200,
    batch=teacher_tiny_gpu.BATCH,
    micro=teacher_tiny_gpu.BATCH,
    takes=teacher_tiny_gpu.TAKES,
    follows="teacher_tiny_gpu",
)
