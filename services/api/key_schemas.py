"""Bodies of requests and responses about keys."""

from datetime import datetime

from pydantic import BaseModel, Field

from services.api.schemas import Body
from services.api.values import Line, Moment, Scope

LEAST_SCOPES = ("assets:read", "titles:read", "jobs:read")


class KeyCreate(Body):
    """A new key: what it is for, what it may do (by default it only reads), and when it ends."""

    name: Line
    scopes: list[Scope] = Field(default_factory=lambda: list(LEAST_SCOPES), min_length=1, max_length=50)
    expires_at: Moment | None = None


class KeyRotation(Body):
    """For how many hours the secret before stays valid."""

    overlap_hours: int = Field(default=24, ge=0, le=168)


class KeyOut(BaseModel):
    """A key. ``id`` is its middle part; ``last_used_at`` is exact to a minute.

    ``created_by`` is ``person:ID`` or ``key:ID``, null for a key that an operator made.

    ``previous_until``: after a rotation, until when the secret before is valid.
    """

    id: str
    name: str
    scopes: list[str]
    created_by: str | None
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None
    previous_until: datetime | None
    revoked_at: datetime | None


class KeyMade(KeyOut):
    """A key with its secret, which is shown once: a replayed call has null in its place."""

    key: str | None


class KeyPage(BaseModel):
    """Keys, newest first; ``next_cursor`` is null on the last page."""

    items: list[KeyOut]
    next_cursor: str | None
