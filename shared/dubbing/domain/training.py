"""A training run: its states, what a recipe lets the caller set, and the states of the model versions that come of it."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from pydantic import Field

from dubbing.domain.media import Frozen
from dubbing.errors import InvalidSetting, UnknownSetting


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


class RecipeOffer(Frozen):
    """A recipe as a trainer offers it.

    Attributes:
        name: what callers type.
        summary: one sentence.
        settings: default of everything that ``--set`` reaches, by dotted name.
        accelerator: it does not run without one.
        preset: the students that it makes, None when nothing of it can be served.
        starts: settings that name a finished run, and the recipe that it must be of.
    """

    name: str
    summary: str
    settings: dict[str, Any]
    accelerator: bool = False
    preset: str | None = None
    starts: dict[str, str] = Field(default_factory=dict)


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
                suggestions=(f"use one of {', '.join(sorted(offered))}",),
            )
    return {name: _checked(name, value, offered[name]) for name, value in given.items()}


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
