"""A training run: its states, what a recipe lets the caller set, and the states of the model versions that come of it."""

import hashlib
import json
import posixpath
from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import Field

from dubbing.domain.frozen import Frozen
from dubbing.domain.networks import NETWORKS, SERVED
from dubbing.errors import InvalidSetting, PlaceNotAllowed, UnknownRecipe, UnknownSetting

RUN = "run_"  # a setting that begins so names what another run made,
IN_STORE = "s3://"  # and one that begins so something in the object store

# What earlier versions called a recipe or a setting, and what it is called now.
RENAMED_RECIPES = {"tiny": "sf_tiny", "smoke": "selftest"}
RENAMED_SETTINGS = {
    "together": "rng_group", "clips": "takes", "gpus": "accelerator", "width": "network.dim", "layers": "network.layers",
    "lr": "update.lr", "stage.ratio": "stage.student_update_freq", "sync.together": "sync.clips",
    "sync.plan.average": "sync.plan.ema", "sync.plan.patience": "sync.plan.max_skipped",
    "stage.places.kept": "stage.places.outside",
    **{f"{plan}.{before}": f"{plan}.{now}" for plan in ("update", "stage.student", "stage.critic")
       for before, now in (("falls", "lr_decay"), ("patience", "max_skipped"))},
}  # fmt: skip


class RunState(StrEnum):
    """Where a run stands: ``queued`` -> ``running`` -> ``succeeded`` | ``failed``, or by ``stopping`` to ``stopped``."""

    QUEUED = "queued"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"
    SUCCEEDED = "succeeded"


LIVE_RUNS = (RunState.QUEUED, RunState.RUNNING, RunState.STOPPING)


class LegEnd(StrEnum):
    """How one leg of a run ended: all steps done, stopped on request, or its time was up and another leg follows."""

    FINISHED = "finished"
    STOPPED = "stopped"
    TIME_UP = "time_up"


class ReleaseState(StrEnum):
    """Where a model version stands: ``checking`` -> ``active`` | ``canary`` | ``rejected`` | ``failed``; later ``retired``."""

    CHECKING = "checking"
    REJECTED = "rejected"
    FAILED = "failed"
    CANARY = "canary"
    ACTIVE = "active"
    RETIRED = "retired"


class Checkpoint(Frozen):
    """A complete checkpoint in the object store; the manifest names its files with their SHA-256."""

    step: int
    manifest_key: str


def recipe_sha256(defaults: Mapping[str, Any], settings: Mapping[str, Any]) -> str:
    """Of all settings that a run trains with: equal for two runs exactly when they follow the same recipe.

    Args:
        defaults: the recipe's (`RecipeOffer.settings`).
        settings: the run's own.
    """
    return hashlib.sha256(json.dumps({**defaults, **settings}, sort_keys=True).encode()).hexdigest()


def in_order(last: str, starts: Mapping[str, Iterable[str]]) -> list[str]:
    """The recipes of a chain in the order in which they are run, ``last`` at its end.

    Args:
        last: the recipe that is wanted.
        starts: of every recipe, those that it starts from.
    """
    before: list[str] = []
    for name in sorted(starts[last], key=lambda name: len(in_order(name, starts))):
        before += [one for one in in_order(name, starts) if one not in before]
    return [*before, last]


def check_chain(given: Mapping[str, Any], offered: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuse a setting that no recipe of a chain has.

    Args:
        given: goes to every recipe that has it.
        offered: the settings of each recipe, by its name.

    Raises:
        InvalidSetting: names the first one.
    """
    unknown = [name for name in given if not any(name in settings for settings in offered.values())]
    if unknown:
        raise InvalidSetting(
            f"None of {', '.join(offered)} has a setting {unknown[0]!r}.", where={"option": "--set"},
            suggestions=tuple(_now_called(unknown[0], {name for settings in offered.values() for name in settings})),
        )  # fmt: skip


class RecipeOffer(Frozen):
    """A recipe as a trainer offers it.

    Attributes:
        name: what callers type.
        summary: one sentence.
        settings: default of everything that ``--set`` reaches, by dotted name.
        accelerator: it does not run without one.
        preset: the students that it makes, None when nothing of it can be served.
        starts: settings that name a finished run, and the recipe that it must be of.
        outside: settings that name something outside the run: in the object store, or in one of ``places``.
        places: folders of the trainer's machine that its operator has opened to runs.
    """

    name: str
    summary: str
    settings: dict[str, Any]
    accelerator: bool = False
    preset: str | None = None
    starts: dict[str, str] = Field(default_factory=dict)
    outside: tuple[str, ...] = ()
    places: tuple[Path, ...] = ()


def checked_settings(given: Mapping[str, Any], offered: Mapping[str, Any]) -> dict[str, Any]:
    """``given`` in the types of the defaults ``offered``.

    Raises:
        UnknownSetting: a name is not offered.
        InvalidSetting: a value is of another type than its default.
    """
    for name in given:
        if name not in offered:
            raise UnknownSetting(
                f"The recipe has no setting {name!r}.",
                where={"pointer": f"/settings/{name}"},
                suggestions=(*_now_called(name, offered), f"use one of {', '.join(sorted(offered))}"),
            )
    return {name: _checked(name, value, offered[name]) for name, value in given.items()}


def unknown_recipe(name: str, known: Iterable[str]) -> UnknownRecipe:
    """What is said of a recipe that there is not, or no longer."""
    advice = f"use one of {', '.join(known)}"
    now = RENAMED_RECIPES.get(name)
    return UnknownRecipe(
        f"There is no recipe {name!r}." if now is None else f"There is no recipe {name!r} any more.",
        where={"pointer": "/recipe"},
        suggestions=(advice,) if now is None else (f"start a new run of {now}, which took its place", advice),
    )


def _now_called(name: str, offered: Iterable[str]) -> list[str]:
    """Advice where the name is one of an earlier version."""
    now = RENAMED_SETTINGS.get(name)
    return [f"{name} is now called {now}"] if now in set(offered) else []


def check_places(settings: Mapping[str, Any], offer: RecipeOffer) -> None:
    """Refuse what by its name lies outside the opened places; where links lead, the trainer alone can see, and looks again.

    Raises:
        PlaceNotAllowed: names the first one.
    """
    for name in offer.outside:
        value = settings.get(name)
        if not value or value.startswith((RUN, IN_STORE, SERVED) if name in NETWORKS else IN_STORE):
            continue
        path = PurePosixPath(posixpath.normpath(value))
        if not any(path.is_relative_to(place) for place in offer.places):
            raise place_refused(name, value, offer.places)


def place_refused(setting: str, named: str, places: Iterable[Path]) -> PlaceNotAllowed:
    """What is said of a path outside the folders that the operator has opened to runs."""
    opened = ", ".join(map(str, places))
    return PlaceNotAllowed(
        f"{named} lies in no folder that the trainer's operator has opened to runs.",
        where={"pointer": f"/settings/{setting}"},
        suggestions=(
            *([f"name something in {opened}"] if opened else []),
            f"put it into the object store and pass {setting}=s3://bucket/prefix",
            "ask the operator to add its folder to DUBLINE_TRAINER_PLACES",
        ),
    )


def _checked(name: str, value: Any, default: Any) -> Any:
    if isinstance(default, bool) or isinstance(value, bool):
        fits = isinstance(default, bool) and isinstance(value, bool)
    elif isinstance(default, float):
        fits = isinstance(value, int | float)
    elif isinstance(default, list):
        fits = isinstance(value, list) and len(value) == len(default)
        value = [_checked(name, *pair) for pair in zip(value, default, strict=True)] if fits else value
    else:
        fits = isinstance(value, type(default))
    if not fits:
        raise InvalidSetting(
            f"{name} is {_kind(default)} such as {default!r}, not {value!r}.", where={"pointer": f"/settings/{name}"}
        )
    return float(value) if isinstance(default, float) else value


def _kind(value: Any) -> str:
    if isinstance(value, list):
        return f"a list of {len(value)} values"
    return {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}[type(value)]
