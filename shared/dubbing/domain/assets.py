"""Stored files: where they stand between their arrival and their use."""

import mimetypes
from enum import StrEnum


class AssetState(StrEnum):
    """``probing`` until the file was read; ``refused`` where that was not possible: a job that uses it fails alike."""

    PROBING = "probing"
    READY = "ready"
    REFUSED = "refused"


def role_of(filename: str) -> str:
    """``audio`` for what is called like a sound file, ``video`` for all else: the role that is probed first."""
    kind, _ = mimetypes.guess_type(filename.rpartition("/")[2])
    return "audio" if (kind or "").startswith("audio/") else "video"
