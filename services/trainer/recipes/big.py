"""The big models, on footage and GPUs; they never begin with nothing.

Of 14B, adapters of rank 128 and the whole audio path are trained, on student and critic alike; of 1.3B every parameter, under
the 14B teacher.
"""

from dataclasses import replace

from lipforcing.presets import PRESETS, TEACHERS
from services.trainer.common.update import UpdatePlan
from services.trainer.methods.adapters import ADAPTERS
from services.trainer.methods.guidance import Guidance
from services.trainer.methods.recipe import MethodRecipe
from services.trainer.methods.reward import Weighting
from services.trainer.methods.self_forcing import Stage2
from services.trainer.methods.teacher import FlowStage

_UPDATE = UpdatePlan(2e-6, betas=(0.0, 0.999))

_TEACHER_14B = MethodRecipe(
    name="teacher_14b_ls",
    summary="The 14B teacher, on footage; the mouth counts twice.",
    preset="14b",
    network=PRESETS["14b"],
    stage=FlowStage(),
    update=UpdatePlan(5e-5, clip=1.0),
    steps=13_000,
    micro=1,
    latents=21,
    trained=ADAPTERS,
    teaching=TEACHERS["14b"],
    seed=42,
    accelerator=True,
)

_DF_1_3B = MethodRecipe(
    name="df_1_3b",
    summary="The 1.3B student, Stage 1, on footage.",
    preset="1.3b",
    network=PRESETS["1.3b"],
    update=UpdatePlan(1e-5, warm_up=1_000),
    steps=5_000,
    batch=64,
    micro=8,
    latents=21,
    accelerator=True,
)

_DF_14B = replace(
    _DF_1_3B, name="df_14b", summary="The 14B student, Stage 1, from the teacher.", preset="14b", network=PRESETS["14b"],
    micro=2, trained=ADAPTERS, follows="teacher_14b_ls",
)  # fmt: skip

_SF_1_3B = MethodRecipe(
    name="sf_1_3b",
    summary="The 1.3B student, Stage 2, under the 14B teacher.",
    preset="1.3b",
    network=PRESETS["1.3b"],
    stage=Stage2(replace(_UPDATE, ema=0.99), _UPDATE, Guidance.of(TEACHERS["14b"]), weighting=Weighting()),
    steps=600,
    batch=64,
    micro=1,
    rng_group=8,
    latents=21,
    critic=PRESETS["1.3b"],
    teaching=TEACHERS["14b"],
    follows="df_1_3b",
    taught_by="teacher_14b_ls",
    accelerator=True,
)

_SF_14B = replace(
    _SF_1_3B, name="sf_14b", summary="The 14B student, Stage 2, under the 14B teacher.", preset="14b", network=PRESETS["14b"],
    critic=PRESETS["14b"], trained=ADAPTERS, follows="df_14b",
)  # fmt: skip

RECIPES = (_TEACHER_14B, _DF_1_3B, _DF_14B, _SF_1_3B, _SF_14B)
