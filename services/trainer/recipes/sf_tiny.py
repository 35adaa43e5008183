"""The demonstration model's student, Stage 2. The small teacher is best at guidance 2; beyond, it exaggerates."""

from dataclasses import replace

from lipforcing.presets import PRESETS, TEACHERS
from services.trainer.methods.guidance import Guidance
from services.trainer.methods.recipe import MethodRecipe
from services.trainer.methods.reward import Weighting
from services.trainer.methods.self_forcing import Stage2
from services.trainer.methods.update import UpdatePlan

_TEACHER = replace(TEACHERS["tiny"], guidance=2.0)
_UPDATE = UpdatePlan(5e-5, betas=(0.0, 0.99), clip=1.0)

RECIPE = MethodRecipe(
    name="sf_tiny",
    stage=Stage2(replace(_UPDATE, ema=0.9), _UPDATE, Guidance.of(_TEACHER), weighting=Weighting()),
    steps=200,
    critic=PRESETS["tiny"],
    teacher=_TEACHER,
    start="df_tiny",
)
