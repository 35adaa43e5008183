"""The demonstration model's student, Stage 1, from its teacher."""

from services.trainer.methods.forcing import Stage1
from services.trainer.methods.recipe import MethodRecipe
from services.trainer.methods.update import UpdatePlan

STAGE = Stage1(chances=(0.45, 0.45, 0.1))

RECIPE = MethodRecipe(
    name="df_tiny",
    stage=STAGE,
    update=UpdatePlan(5e-4, betas=(0.9, 0.95), warm_up=25, falls=True, clip=1.0, ema=0.99),
    steps=800,
    follows="teacher_tiny",
    energy=0.4,
)
