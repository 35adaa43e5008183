"""The recipes that this trainer offers, and the stage that each of them opens. The one place that knows both."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from dubbing.domain.training import RecipeOffer, checked_settings
from dubbing.errors import AcceleratorMissing, InvalidSetting, UnknownRecipe
from lipforcing.contract import LATENTS_PER_BLOCK, blocks_for, frames_of
from lipforcing.network import LipNetwork
from lipforcing.presets import StudentConfig
from services.trainer.methods import recipe as methods
from services.trainer.methods.plan import plan as plan_method
from services.trainer.methods.recipe import MethodRecipe
from services.trainer.methods.run import open_run
from services.trainer.optimise import Optimisation
from services.trainer.recipe import Recipe
from services.trainer.recipes import load
from services.trainer.service.plan import Plan, plan_of
from services.trainer.service.selftest import SelfTest, selftest
from services.trainer.service.settings import changed, flat
from services.trainer.service.site import Site
from services.trainer.service.stage import Stage
from services.trainer.service.tiny import tiny


@dataclass(frozen=True, slots=True)
class Offered:
    """One recipe.

    Attributes:
        summary: one sentence.
        default: the recipe, a dataclass; ``--set`` reaches its scalars.
        open: the stage of one process, from recipe and site.
        plan: what a run would need, from recipe and number of processes.
        preset: of the students that it makes.
        accelerator: it does not run without one.
        starts: settings that name a finished run, and the recipe that it must be of.
        outside: settings that name something outside the run.
    """

    summary: str
    default: Any
    open: Callable[[Any, Site], Stage]
    plan: Callable[[Any, int], Plan]
    preset: str | None = None
    accelerator: bool = False
    starts: Mapping[str, str] = field(default_factory=dict)
    outside: tuple[str, ...] = ()

    def needs_gpus(self, settings: Mapping[str, Any]) -> bool:
        """One for each process, where the recipe or its settings demand them."""
        return self.accelerator or bool(settings.get("gpus", False))


def _plan(config: StudentConfig, stage: Optimisation, frames: int, processes: int) -> Plan:
    with torch.device("meta"):
        network = LipNetwork(config)
    return plan_of(
        parameters=sum(parameter.numel() for parameter in network.parameters()), processes=processes, steps=stage.steps,
        batch=stage.batch, tokens=LATENTS_PER_BLOCK * blocks_for(frames) * (config.latent // 2) ** 2, width=config.dim,
        layers=config.layers, sharded=False,
    )  # fmt: skip


def _selftest_plan(recipe: SelfTest, processes: int) -> Plan:
    return _plan(recipe.network(), Optimisation(recipe.steps, recipe.batch, recipe.lr), frames_of(2), processes)


def _tiny_plan(recipe: Recipe, processes: int) -> Plan:
    return _plan(recipe.network, recipe.forcing.plan, recipe.frames, processes)


def _tiny(recipe: Recipe, site: Site) -> Stage:
    return tiny(recipe, site.cache, site.group)


def _method(name: str, summary: str, *, preset: str | None = None, accelerator: bool = False) -> Offered:
    recipe = methods.load(name)
    return Offered(summary, recipe, _open_method, _method_plan, preset, accelerator, recipe.starts, methods.OUTSIDE)


def _open_method(recipe: MethodRecipe, site: Site) -> Stage:
    return open_run(recipe, site, torch.device("cuda", site.group.rank) if torch.cuda.is_available() else torch.device("cpu"))


def _method_plan(recipe: MethodRecipe, processes: int) -> Plan:
    try:
        return plan_method(recipe, processes)
    except ValueError as error:  # a batch that does not split over so many
        raise InvalidSetting(str(error), where={"pointer": "/settings"}) from error


OFFERS: dict[str, Offered] = {
    "selftest": Offered(
        "Trains a shrunken student on noise: shows that trainer, storage and inference server work together.",
        SelfTest(),
        lambda recipe, site: selftest(recipe, site.group),
        _selftest_plan,
        preset="tiny",
    ),
    "smoke": Offered("A few steps of the demonstration model's student: shows that they run.", load("smoke"), _tiny, _tiny_plan,
                     preset="tiny"),
    "tiny": Offered("The student of the demonstration model, by Diffusion Forcing.", load("tiny"), _tiny, _tiny_plan,
                    preset="tiny"),
    "teacher_tiny": _method("teacher_tiny", "A teacher for the demonstration model: bidirectional, guided, many steps."),
    "df_tiny": _method("df_tiny", "A student from that teacher, Stage 1: Diffusion Forcing.", preset="tiny"),
    "sf_tiny": _method("sf_tiny", "A student from Stage 1 under its teacher, Stage 2: Self-Forcing.", preset="tiny"),
    "teacher_tiny_gpu": _method("teacher_tiny_gpu", "The same teacher on one GPU, of ten times the clips.", accelerator=True),
    "df_tiny_gpu": _method("df_tiny_gpu", "A student from that teacher, Stage 1, on one GPU.", preset="tiny",
                           accelerator=True),
    "sf_tiny_gpu": _method("sf_tiny_gpu", "A student from that Stage 1, Stage 2; cores will do.", preset="tiny"),
    "teacher_tiny_tuned": _method("teacher_tiny_tuned", "The same teacher in minutes: it begins as the committed student."),
    "df_tiny_tuned": _method("df_tiny_tuned", "A student that begins as the committed one, Stage 1.", preset="tiny"),
    "sf_tiny_tuned": _method("sf_tiny_tuned", "A student from that Stage 1 under that teacher, Stage 2.", preset="tiny"),
    "teacher_14b_ls": _method("teacher_14b_ls", "The 14B teacher, on footage.", accelerator=True),
    "df_1_3b": _method("df_1_3b", "The 1.3B student, Stage 1, on footage.", preset="1.3b", accelerator=True),
    "df_14b": _method("df_14b", "The 14B student, Stage 1, on footage.", preset="14b", accelerator=True),
    "sf_1_3b": _method("sf_1_3b", "The 1.3B student, Stage 2, under the 14B teacher.", preset="1.3b", accelerator=True),
    "sf_14b": _method("sf_14b", "The 14B student, Stage 2, under the 14B teacher.", preset="14b", accelerator=True),
}  # fmt: skip


def offers(places: tuple[Path, ...] = ()) -> list[RecipeOffer]:
    """For the catalogue that the API reads; ``places`` are folders that settings may name something in."""
    return [
        RecipeOffer(name=name, summary=one.summary, settings=flat(one.default), accelerator=one.accelerator, preset=one.preset,
                    starts=dict(one.starts), outside=one.outside,
                    places=tuple(place.absolute() for place in places) if one.outside else ())
        for name, one in OFFERS.items()
    ]  # fmt: skip


def offered(name: str) -> Offered:
    """One recipe; raises `UnknownRecipe`."""
    if name not in OFFERS:
        raise UnknownRecipe(
            f"There is no recipe {name!r}.",
            where={"pointer": "/recipe"},
            suggestions=(f"use one of {', '.join(OFFERS)}",),
        )
    return OFFERS[name]


def backend(name: str, settings: Mapping[str, Any], rank: int, world: int) -> str:
    """What the recipe's processes talk by; raises like `open_stage`."""
    _demand_accelerator(name, settings, rank, world)
    return "nccl" if isinstance(offered(name).default, MethodRecipe) and torch.cuda.is_available() else "gloo"


def open_stage(name: str, settings: Mapping[str, Any], site: Site) -> Stage:
    """One process's stage of a recipe.

    Raises:
        AcceleratorMissing: the recipe needs a GPU and there is none for this process.
    """
    _demand_accelerator(name, settings, site.group.rank, site.group.world)
    one = offered(name)
    return one.open(_recipe(one, settings), site)


def _demand_accelerator(name: str, settings: Mapping[str, Any], rank: int, world: int) -> None:
    found = torch.cuda.device_count()
    if offered(name).needs_gpus(settings) and found <= rank:
        raise AcceleratorMissing(
            f"{name} needs a GPU for each of its {world} processes, and this machine has {found}.",
            where={"stage": "training", "recipe": name},
            suggestions=("run the trainer's worker on a machine with GPUs", "ask for fewer processes"),
        )


def plan(name: str, settings: Mapping[str, Any], processes: int) -> Plan:
    """What a run would need.

    Raises:
        UnknownRecipe: there is none of this name.
        UnknownSetting: it has no such setting.
        InvalidSetting: a value does not fit.
    """
    one = offered(name)
    return one.plan(_recipe(one, settings), processes)


def _recipe(one: Offered, settings: Mapping[str, Any]) -> Any:
    try:
        return changed(one.default, checked_settings(settings, flat(one.default)))
    except ValueError as error:  # a recipe that refuses its own values
        raise InvalidSetting(str(error), where={"pointer": "/settings"}) from error
