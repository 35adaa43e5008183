"""What goes to a worker and what comes back."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .duplicates import Signature
from .quality import Limits


@dataclass(frozen=True, slots=True)
class SourceTask:
    """What a worker needs to know of one source."""

    path: Path
    sha256: str
    crop: int
    limits: Limits
    staging: Path


@dataclass(frozen=True, slots=True)
class Candidate:
    """A clip that broke no limit; its crops and sound lie in the staging folder under its key."""

    key: str
    signature: Signature
    facts: dict[str, Any]


@dataclass(slots=True)
class SourceFound:
    """What one source gave.

    Attributes:
        frames: of the grid.
        candidates: in the order of time.
        drops: how many clips (or tracks, for ``short``) were left out, by reason.
        shift: frames by which the source's mouths came after its sound; taken out of the candidates.
        error: why the source as a whole could not be used.
    """

    frames: int = 0
    candidates: list[Candidate] = field(default_factory=list)
    drops: Counter[str] = field(default_factory=Counter)
    shift: int = 0
    error: dict[str, str] | None = None
