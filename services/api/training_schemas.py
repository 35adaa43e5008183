"""Bodies of requests and responses about training."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, StringConstraints

from dubbing.domain.training import RecipeOffer, ReleaseState, RunState
from services.api.schemas import Body, Failure
from services.api.values import Finite, Settings


class RunCreate(Body):
    """One training run. ``settings`` change the recipe's defaults, by dotted name."""

    recipe: Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=r"^[\x21-\x7e]+$")]
    settings: Settings = Field(default_factory=dict)
    processes: int = Field(default=1, ge=1, le=512)


class Publish(Body):
    """How to publish: ``share`` of new jobs that get the version; less than 1 makes it a canary."""

    share: Finite = Field(default=1.0, gt=0.0, le=1.0)


class RecipeList(BaseModel):
    """The recipes on offer."""

    items: list[RecipeOffer]


class RunOut(BaseModel):
    """A training run. ``metrics`` are the newest; ``facts`` say what it is made of (data digest, git revisions, parameters)."""

    id: str
    status: RunState
    recipe: str
    settings: dict[str, Any]
    processes: int
    step: int
    steps: int
    metrics: dict[str, Any] | None
    checkpoint_step: int | None
    sample: str | None
    facts: dict[str, Any]
    version: int | None
    stuck: bool
    error: Failure | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    heartbeat_at: datetime | None


class RunPage(BaseModel):
    """Runs, newest first; ``next_cursor`` is null on the last page."""

    items: list[RunOut]
    next_cursor: str | None


class Measuring(BaseModel):
    """How far the gate's measurement is: clips of the frozen set, for the candidate, then for the incumbent if need be."""

    model: Literal["candidate", "incumbent"]
    done: int
    of: int
    eta_seconds: float


class ReleaseOut(BaseModel):
    """A version of a model. ``figures`` are the gate's: every measured value beside the incumbent's."""

    id: str
    model: str
    version: int | None
    status: ReleaseState
    share: float
    run: str | None
    digest: str | None
    progress: Measuring | None
    figures: list[dict[str, Any]]
    error: Failure | None
    created_at: datetime
    decided_at: datetime | None


class ReleaseList(BaseModel):
    """Versions, newest first."""

    items: list[ReleaseOut]
