"""The demonstration model's teacher: bidirectional, 50 steps. It is best at guidance 2; beyond, it exaggerates."""

from dataclasses import replace

from lipforcing.presets import TEACHERS
from services.trainer.methods.networks import CellWeights
from services.trainer.methods.recipe import MethodRecipe
from services.trainer.methods.teacher import FlowStage
from services.trainer.methods.update import UpdatePlan

TEACHER = replace(TEACHERS["tiny"], guidance=2.0)

RECIPE = MethodRecipe(
    name="teacher_tiny",
    stage=FlowStage(places=CellWeights(mouth=4.0)),
    update=UpdatePlan(1.5e-3, betas=(0.9, 0.95), warm_up=50, falls=True, clip=1.0, ema=0.995),
    steps=1_000,
    teaching=TEACHER,
    energy=0.4,
)
