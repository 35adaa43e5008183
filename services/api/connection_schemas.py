"""Bodies of requests and responses about connections to customers' buckets."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints

from services.api.schemas import Body
from services.api.values import Line, Prefix, Url

BucketName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")]
Region = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,40}$")]
AccessKey = Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,128}$")]
SecretKey = Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,256}$"), Field(repr=False)]


class ConnectionCreate(Body):
    """A bucket of yours, and the key that may read and write there. ``prefix`` keeps the platform inside one folder."""

    name: Line
    endpoint: Url
    region: Region = "us-east-1"
    bucket: BucketName
    prefix: Prefix = ""
    access_key: AccessKey
    secret_key: SecretKey


class ConnectionRotation(Body):
    """The key that is used from now on."""

    access_key: AccessKey
    secret_key: SecretKey


class ConnectionOut(BaseModel):
    """A connection to a bucket. Its secret is never shown; ``rotated_at`` is when it was replaced last."""

    id: str
    name: str
    endpoint: str
    region: str
    bucket: str
    prefix: str
    access_key: str
    created_at: datetime
    rotated_at: datetime | None


class ConnectionPage(BaseModel):
    """Connections, newest first; ``next_cursor`` is null on the last page."""

    items: list[ConnectionOut]
    next_cursor: str | None


class ConnectionStep(BaseModel):
    """One thing that was tried; ``ok`` is null where it could not be, ``detail`` and ``suggestion`` tell of what failed."""

    step: Literal["write", "read", "delete"]
    ok: bool | None
    detail: str | None
    suggestion: str | None


class ConnectionTest(BaseModel):
    """What the connection can do. Files are read with ``read`` alone; masters are delivered with ``write`` and ``read``."""

    ok: bool
    steps: list[ConnectionStep]
