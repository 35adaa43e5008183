"""The 1.3B student, Stage 2: student and critic of 1.3B, every parameter trained, under the 14B teacher."""

from dataclasses import replace

from lipforcing.presets import PRESETS, TEACHERS
from services.trainer.methods.guidance import Guidance
from services.trainer.methods.recipe import MethodRecipe
from services.trainer.methods.reward import Weighting
from services.trainer.methods.self_forcing import Stage2
from services.trainer.methods.update import UpdatePlan

_UPDATE = UpdatePlan(2e-6, betas=(0.0, 0.999))

RECIPE = MethodRecipe(
    name="sf_1_3b",
    preset="1.3b",
    network=PRESETS["1.3b"],
    stage=Stage2(replace(_UPDATE, ema=0.99), _UPDATE, Guidance.of(TEACHERS["14b"]), weighting=Weighting()),
    steps=600,
    batch=64,
    micro=1,
    together=8,
    latents=21,
    critic=PRESETS["1.3b"],
    teaching=TEACHERS["14b"],
    follows="df_1_3b",
    taught_by="teacher_14b_ls",
)
