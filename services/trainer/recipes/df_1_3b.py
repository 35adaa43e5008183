"""The 1.3B student, Stage 1: every parameter is trained."""

from lipforcing.presets import PRESETS
from services.trainer.methods.recipe import MethodRecipe
from services.trainer.methods.update import UpdatePlan

RECIPE = MethodRecipe(
    name="df_1_3b",
    preset="1.3b",
    network=PRESETS["1.3b"],
    update=UpdatePlan(1e-5, warm_up=1_000),
    steps=5_000,
    batch=64,
    micro=8,
    latents=21,
)
