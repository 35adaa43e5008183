"""Buckets of customers: where they are, and what lies in them."""

from enum import StrEnum
from typing import NamedTuple

from pydantic import Field

from dubbing.domain.frozen import Frozen

_SCHEME = "s3://"


class Bucket(Frozen):
    """A customer's bucket, and who asks for it; what is written goes below ``prefix``."""

    endpoint: str
    region: str
    name: str
    prefix: str
    access_key: str
    secret_key: str = Field(repr=False)

    def url(self, key: str) -> str:
        """How an object of it is called."""
        return f"{_SCHEME}{self.name}/{key}"


class MasterState(StrEnum):
    """Where the delivery of a master stands: ``waiting`` for the master, ``pending`` while it is sent, or ended."""

    WAITING = "waiting"
    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class BucketStep(NamedTuple):
    """One thing that a connection needs to be able to do; ``ok`` is None where it could not be tried."""

    step: str
    ok: bool | None
    detail: str | None = None
    suggestion: str | None = None


def parted(url: str) -> tuple[str, str]:
    """(bucket, key) of an ``s3://`` URL: all that follows the bucket is the key, whatever its characters."""
    bucket, _, key = url.removeprefix(_SCHEME).partition("/")
    return bucket, key


def folder(*parts: str) -> str:
    """Prefixes, one inside the other, as the beginning of a key: with a slash at its end, or empty."""
    names = [part.strip("/") for part in parts]
    return "".join(f"{name}/" for name in names if name)
