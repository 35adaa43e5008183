"""Bodies of answers about health and about models."""

from typing import Literal

from pydantic import BaseModel


class Alive(BaseModel):
    """The process answers."""

    status: Literal["ok"]


class PartStatus(BaseModel):
    """Whether a part answers, whether the API itself ``needed`` it, and the ``reason`` if it does not answer."""

    ok: bool
    needed: bool
    reason: str | None


class Readiness(BaseModel):
    """Whether this process can do its own work, and what of the platform does not answer."""

    status: Literal["ok", "degraded", "unavailable"]
    checks: dict[str, PartStatus]


class ModelStatus(BaseModel):
    """A model that jobs can name. ``demo``: a demonstration, not for delivery."""

    name: str
    demo: bool
    digest: str | None
    available: bool
    reason: str | None


class ModelList(BaseModel):
    """Every model."""

    items: list[ModelStatus]
