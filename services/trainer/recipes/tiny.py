"""The demonstration model from nothing: teacher, Stage 1, Stage 2.

The teacher is bidirectional and samples in 50 steps. It is best at guidance 2; beyond, it exaggerates. In Stage 2 the critic is
as large as the student, and a small SyncNet rewards.
"""

from dataclasses import replace

from lipforcing.presets import PRESETS, TEACHERS
from services.trainer.common.optimise import Optimisation
from services.trainer.common.update import UpdatePlan
from services.trainer.methods.forcing import Stage1
from services.trainer.methods.guidance import Guidance
from services.trainer.methods.networks import CellWeights
from services.trainer.methods.recipe import MethodRecipe
from services.trainer.methods.reward import Weighting
from services.trainer.methods.self_forcing import Stage2
from services.trainer.methods.sync_training import SyncStage
from services.trainer.methods.teacher import FlowStage

TEACHER = replace(TEACHERS["tiny"], guidance=2.0)
STAGE_1 = Stage1(chances=(0.45, 0.45, 0.1))
_UPDATE = UpdatePlan(5e-5, betas=(0.0, 0.99), clip=1.0)
STAGE_2 = Stage2(replace(_UPDATE, ema=0.9), _UPDATE, Guidance.of(TEACHER), weighting=Weighting())

TEACHER_TINY = MethodRecipe(
    name="teacher_tiny",
    summary="A teacher for the demonstration model: bidirectional, guided, many steps.",
    stage=FlowStage(places=CellWeights(mouth=4.0)),
    update=UpdatePlan(1.5e-3, betas=(0.9, 0.95), warm_up=50, lr_decay="linear", clip=1.0, ema=0.995),
    steps=1_000,
    teaching=TEACHER,
    energy=0.4,
)

DF_TINY = MethodRecipe(
    name="df_tiny",
    summary="A student from that teacher, Stage 1: Diffusion Forcing.",
    stage=STAGE_1,
    update=UpdatePlan(5e-4, betas=(0.9, 0.95), warm_up=25, lr_decay="linear", clip=1.0, ema=0.99),
    steps=800,
    follows="teacher_tiny",
    energy=0.4,
)

SF_TINY = MethodRecipe(
    name="sf_tiny",
    summary="A student from Stage 1 under its teacher, Stage 2: Self-Forcing.",
    stage=STAGE_2,
    steps=200,
    critic=PRESETS["tiny"],
    teaching=TEACHER,
    follows="df_tiny",
    taught_by="teacher_tiny",
    energy=0.4,
    sync=SyncStage(Optimisation(2_000, 14, 1e-3, warm_up=50)),
)

RECIPES = (TEACHER_TINY, DF_TINY, SF_TINY)
