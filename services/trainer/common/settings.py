"""A recipe's settings as flat names: ``stage.guidance.scale`` instead of dataclasses in dataclasses."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

_T = TypeVar("_T")
UNSETTABLE = {"settable": False}  # metadata of a field that only describes
_SCALARS = (bool, int, float, str)


def flat(recipe: Any, prefix: str = "") -> dict[str, Any]:
    """Every scalar, and every tuple of scalars as a list, by its dotted name."""
    found: dict[str, Any] = {}
    for field in fields(recipe):
        value, name = getattr(recipe, field.name), f"{prefix}{field.name}"
        if not field.metadata.get("settable", True):
            continue
        if is_dataclass(value):
            found |= flat(value, f"{name}.")
        elif isinstance(value, _SCALARS):
            found[name] = value
        elif isinstance(value, tuple) and all(isinstance(one, _SCALARS) for one in value):
            found[name] = list(value)
    return found


def changed(recipe: _T, settings: Mapping[str, Any]) -> _T:
    """``recipe`` with ``settings``, whose names and types have been checked (`checked_settings`).

    All settings of one dataclass are changed together, so that it sees only values that belong to each other.
    """
    inner: dict[str, dict[str, Any]] = {}
    values: dict[str, Any] = {}
    for name, value in settings.items():
        first, _, rest = name.partition(".")
        if rest:
            inner.setdefault(first, {})[rest] = value
        else:
            values[first] = tuple(value) if isinstance(value, list) else value
    values |= {name: changed(getattr(recipe, name), some) for name, some in inner.items()}
    return replace(recipe, **values)  # type: ignore[type-var]
