"""The 14B lip-sync teacher: adapters of rank 128 and the whole audio path, the mouth counted twice."""

from lipforcing.presets import PRESETS, TEACHERS
from services.trainer.methods.adapters import ADAPTERS
from services.trainer.methods.recipe import MethodRecipe
from services.trainer.methods.teacher import FlowStage
from services.trainer.methods.update import UpdatePlan

RECIPE = MethodRecipe(
    name="teacher_14b_ls",
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
)
