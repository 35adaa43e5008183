"""The demonstration model's student, Stage 2: the critic as large as the student, rewarded by a small SyncNet."""

from dataclasses import replace

from lipforcing.presets import PRESETS
from services.trainer.methods.guidance import Guidance
from services.trainer.methods.recipe import MethodRecipe
from services.trainer.methods.reward import Weighting
from services.trainer.methods.self_forcing import Stage2
from services.trainer.methods.sync_training import SyncStage
from services.trainer.methods.update import UpdatePlan
from services.trainer.optimise import Optimisation
from services.trainer.recipes import teacher_tiny

_UPDATE = UpdatePlan(5e-5, betas=(0.0, 0.99), clip=1.0)

STAGE = Stage2(replace(_UPDATE, ema=0.9), _UPDATE, Guidance.of(teacher_tiny.TEACHER), weighting=Weighting())

RECIPE = MethodRecipe(
    name="sf_tiny",
    stage=STAGE,
    steps=200,
    critic=PRESETS["tiny"],
    teaching=teacher_tiny.TEACHER,
    follows="df_tiny",
    taught_by="teacher_tiny",
    energy=0.4,
    sync=SyncStage(Optimisation(2_000, 14, 1e-3, warm_up=50)),
)
