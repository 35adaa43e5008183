"""The recipes on offer as API and command line see them, and the stage that each of them opens."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from dubbing.domain.training import RecipeOffer, checked_settings, unknown_recipe
from dubbing.errors import AcceleratorMissing, InvalidSetting
from services.trainer.common.settings import changed, flat
from services.trainer.common.site import Site
from services.trainer.methods.plan import Plan
from services.trainer.methods.plan import plan as plan_method
from services.trainer.methods.recipe import OUTSIDE, MethodRecipe
from services.trainer.methods.run import open_run
from services.trainer.methods.stage import MethodStage
from services.trainer.recipes import RECIPES


def offers(places: tuple[Path, ...] = ()) -> list[RecipeOffer]:
    """For the catalogue that the API reads; ``places`` are folders that settings may name something in."""
    opened = tuple(place.absolute() for place in places)
    return [
        RecipeOffer(name=name, summary=one.summary, settings=flat(one), accelerator=one.accelerator, preset=one.serves,
                    starts=one.init_from, outside=OUTSIDE, places=opened)
        for name, one in RECIPES.items()
    ]  # fmt: skip


def offered(name: str) -> MethodRecipe:
    """One recipe; raises `UnknownRecipe`."""
    if name not in RECIPES:
        raise unknown_recipe(name, RECIPES)
    return RECIPES[name]


def backend(name: str, settings: Mapping[str, Any], rank: int, world: int) -> str:
    """What the recipe's processes talk by; raises like `open_stage`."""
    _demand_accelerator(_recipe(name, settings), rank, world)
    return "nccl" if torch.cuda.is_available() else "gloo"


def open_stage(name: str, settings: Mapping[str, Any], site: Site) -> MethodStage:
    """One process's stage of a recipe.

    Raises:
        AcceleratorMissing: the recipe needs a GPU and there is none for this process.
        UnknownRecipe, UnknownSetting, InvalidSetting: as `plan`.
    """
    recipe, rank = _recipe(name, settings), site.group.rank
    _demand_accelerator(recipe, rank, site.group.world)
    return open_run(recipe, site, torch.device("cuda", rank) if torch.cuda.is_available() else torch.device("cpu"))


def plan(name: str, settings: Mapping[str, Any], processes: int) -> Plan:
    """What a run would need.

    Raises:
        UnknownRecipe: there is none of this name.
        UnknownSetting: it has no such setting.
        InvalidSetting: a value does not fit, or the batch does not split over so many processes.
    """
    try:
        return plan_method(_recipe(name, settings), processes)
    except ValueError as error:
        raise InvalidSetting(str(error), where={"pointer": "/settings"}) from error


def _recipe(name: str, settings: Mapping[str, Any]) -> MethodRecipe:
    default = offered(name)
    try:
        return changed(default, checked_settings(settings, flat(default)))
    except ValueError as error:  # a recipe that refuses its own values
        raise InvalidSetting(str(error), where={"pointer": "/settings"}) from error


def _demand_accelerator(recipe: MethodRecipe, rank: int, world: int) -> None:
    found = torch.cuda.device_count()
    if recipe.accelerator and found <= rank:
        raise AcceleratorMissing(
            f"{recipe.name} needs a GPU for each of its {world} processes, and this machine has {found}.",
            where={"stage": "training", "recipe": recipe.name},
            suggestions=("run the trainer's worker on a machine with GPUs", "ask for fewer processes"),
        )
