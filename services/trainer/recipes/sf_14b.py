"""The 14B student, Stage 2: adapters of rank 128 on student and critic alike."""

from dataclasses import replace

from lipforcing.presets import PRESETS
from services.trainer.methods.adapters import ADAPTERS
from services.trainer.recipes import sf_1_3b

RECIPE = replace(
    sf_1_3b.RECIPE,
    name="sf_14b",
    preset="14b",
    network=PRESETS["14b"],
    critic=PRESETS["14b"],
    trained=ADAPTERS,
    follows="df_14b",
)
