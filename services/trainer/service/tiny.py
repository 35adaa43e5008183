"""The recipes of the demonstration model as runs of the service.

What comes before the student (footage, codec, speech encoder, mouth reader) is prepared by the pipeline, each part once on each
machine, and kept under the digest of what it was made from; the student's training is the run, saved and resumed step by step.
The pipeline's last stage, a decoder that knows the student, is left out: candidates decode with the codec they learned with.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lipforcing.network import LipNetwork
from services.trainer.diffusion_forcing import loss_weight
from services.trainer.pipeline import Run
from services.trainer.publish import publish
from services.trainer.recipe import Recipe
from services.trainer.service.forcing import ForcingRun, Ingredients
from services.trainer.service.group import Group


class _Prepared(Run):
    """The pipeline up to the student."""

    def ingredients(self) -> Ingredients:
        """Everything that the student is made of; prepared now where it is not there yet."""
        recipe, takes = self._recipe, self._takes()
        codec, encoder = self._codec(takes), self._speech()
        lesson = self._lesson(takes, codec, encoder)
        stages = dict(self._curves)

        def write(repository: Path, network: LipNetwork, source: Mapping[str, Any]) -> None:
            publish(repository, codec, encoder, network, {**source, "stages": stages})

        return Ingredients(
            config=recipe.network,
            clips=lesson.clips,
            weight_Z1hw=loss_weight(lesson.clips, lesson.energy_Z, recipe.forcing),
            stage=recipe.forcing,
            seed=recipe.seed,
            data=takes.digest(),
            codec=codec,
            publish=write,
            mouths=lesson.mouths,
        )


def tiny(recipe: Recipe, cache: Path, group: Group) -> ForcingRun:
    """The recipe's stage; the first process prepares, the others find what it left."""
    run = _Prepared(recipe, cache, cache / "unused", cache / "unused")
    if group.rank == 0:
        made_of = run.ingredients()
    group.barrier()
    if group.rank:
        made_of = run.ingredients()
    return ForcingRun(made_of, group)
