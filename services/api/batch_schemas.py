"""Bodies of requests and responses about batches."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Discriminator, Field, StringConstraints, Tag

from dubbing.domain.batches import BatchState
from services.api.schemas import AssetRef, Body, Failure, LipsyncCreate
from services.api.title_schemas import RenderCreate
from services.api.values import Id, Labels, LanguageTag, Line

MOST_INLINE = 1000
ItemKey = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[\x21-\x7e]+$")]


class LipsyncItem(LipsyncCreate):
    """A dub, as an item of a batch."""

    type: Literal["lipsync"]
    idempotency_key: ItemKey | None = None


class RenderItem(RenderCreate):
    """A render of a title's language, as an item of a batch."""

    type: Literal["render"]
    title: Id
    language: LanguageTag
    idempotency_key: ItemKey | None = None


OneItem = Annotated[LipsyncItem | RenderItem, Field(discriminator="type")]


def _form(given: Any) -> str:
    return "inline" if isinstance(given, list) else "asset"


class BatchCreate(Body):
    """Many jobs at once: ``items``, or an uploaded file that has one as JSON in each line (JSON Lines).

    An item is the body of ``POST /v1/lipsyncs`` with ``"type": "lipsync"``, or that of a language's render with
    ``"type": "render"``, ``title`` and ``language``; either may have an ``idempotency_key``. Each is judged by itself.
    """

    items: Annotated[
        Annotated[list[dict[str, Any]], Field(min_length=1, max_length=MOST_INLINE), Tag("inline")]
        | Annotated[AssetRef, Tag("asset")],
        Discriminator(_form),
    ]
    name: Line | None = None
    metadata: Labels = Field(default_factory=dict)


Shown = Literal[
    "waiting",
    "refused",
    "queued",
    "running",
    "canceling",
    "succeeded",
    "succeeded_with_warnings",
    "failed",
    "canceled",
]
"""What an item is: ``waiting`` to become a job, ``refused``, or where its job stands."""


class BatchItemOut(BaseModel):
    """One item: its ``number`` (from 0; of a file the line, from 1), its job, and why it was refused or failed.

    ``replayed``: a job that was there already, made with the same Idempotency-Key.
    """

    number: int
    status: Shown
    job: str | None
    idempotency_key: str | None
    replayed: bool
    error: Failure | None


class BatchItemPage(BaseModel):
    """Items in order; ``next_cursor`` is null on the last page."""

    items: list[BatchItemOut]
    next_cursor: str | None


class BatchOut(BaseModel):
    """A batch in one look.

    ``counts`` say how many items are what, ``percent`` which share of them has ended; ``failures`` are the first that were
    refused or failed.
    """

    id: str
    name: str | None
    status: BatchState
    file: str | None
    total: int
    percent: float
    counts: dict[str, int]
    failures: list[BatchItemOut]
    metadata: dict[str, str]
    created_at: datetime
    finished_at: datetime | None


class BatchPage(BaseModel):
    """Batches, newest first; ``next_cursor`` is null on the last page."""

    items: list[BatchOut]
    next_cursor: str | None
