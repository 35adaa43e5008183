"""Bodies of requests and responses about people and sign-in."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints

from dubbing.domain.people import Role, RoleSource
from services.api.schemas import Body


class SessionCreate(Body):
    """A sign-in token, as the local stack makes them: it works once."""

    token: Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[\x21-\x7e]+$")]


class SessionOut(BaseModel):
    """An access token, to be sent as ``Authorization: Bearer ...`` until it ends."""

    access_token: str
    token_type: Literal["Bearer"]
    expires_at: datetime


class Me(BaseModel):
    """Who calls. ``id`` and ``name`` are those of a key or a person; a key has no role."""

    kind: Literal["key", "person"]
    id: str
    name: str | None
    email: str | None
    organisation: str
    role: Role | None
    scopes: list[str]


class PersonUpdate(Body):
    """Another role."""

    role: Annotated[Role, Field(strict=False)]


class PersonOut(BaseModel):
    """Somebody in the organisation: ``issuer`` and ``subject`` say who, as their access tokens do.

    ``role_from`` is who gave the role: the ``provider``, whose word is final, or the ``organisation``. ``last_seen_at`` is
    exact to a minute.
    """

    id: str
    name: str | None
    email: str | None
    issuer: str
    subject: str
    role: Role | None
    role_from: RoleSource | None
    status: Literal["enabled", "disabled"]
    created_at: datetime
    last_seen_at: datetime | None
    disabled_at: datetime | None


class PersonPage(BaseModel):
    """People, who came last first; ``next_cursor`` is null on the last page."""

    items: list[PersonOut]
    next_cursor: str | None
