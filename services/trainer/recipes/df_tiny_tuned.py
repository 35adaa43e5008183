"""The demonstration model's student, Stage 1, in minutes: it begins as the committed student, and so does its later teacher."""

from dataclasses import replace

from dubbing.domain.training import SERVED
from services.trainer.recipes import df_tiny

RECIPE = replace(
    df_tiny.RECIPE,
    name="df_tiny_tuned",
    stage=replace(df_tiny.STAGE, picture=1.0),
    update=replace(df_tiny.RECIPE.update, lr=3e-5, ema=0.995),
    steps=200,
    follows=None,
    start=f"{SERVED}1",
)
