"""The 14B student, Stage 1, from the teacher: adapters of rank 128."""

from dataclasses import replace

from lipforcing.presets import PRESETS
from services.trainer.methods.adapters import ADAPTERS
from services.trainer.recipes import df_1_3b

RECIPE = replace(
    df_1_3b.RECIPE, name="df_14b", preset="14b", network=PRESETS["14b"], micro=2, trained=ADAPTERS, follows="teacher_14b_ls"
)
