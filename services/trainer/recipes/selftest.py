"""A student of noise: nothing of use is learned, but every part of a run is real."""

from dataclasses import replace

from lipforcing.presets import PRESETS
from services.trainer.common.update import UpdatePlan
from services.trainer.methods.recipe import MethodRecipe

RECIPE = MethodRecipe(
    name="selftest",
    summary="Trains a shrunken student on noise: shows that trainer, storage and inference server work together.",
    network=replace(PRESETS["tiny"], dim=144, ffn=96, heads=3, layers=4),
    update=UpdatePlan(1e-3, warm_up=2, ema=0.9, max_skipped=3),
    steps=20,
    batch=2,
    micro=1,
    rng_group=2,
    latents=6,
    half=False,
    takes=1,
    noise=True,
)
