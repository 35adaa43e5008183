"""Both readings of a file: the way by which every file enters the platform.

The first reading (`probe`, `sound`) makes the master. The second (`witness`) says whether it may be believed: it is held
against the first before any work is done, and what it saw of a picture is kept for the master to be held against.
"""

from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

import av

from dubbing.domain.media import MediaInfo
from dubbing.domain.witness import Witness
from dubbing.errors import ReadingsDiffer
from dubbing.media.witness.facts import PictureRecord

if TYPE_CHECKING:
    from dubbing.domain.findings import FrameRange

FIRST = f"PyAV {av.__version__} (libavformat {'.'.join(map(str, av.library_versions['libavformat']))})"
"""The library of the first reading."""
LACK = Fraction(1, 4)
"""Seconds that a header may promise beyond what is there: some tell milliseconds, some leave the last frame out."""
MILLISECONDS = Fraction(2, 1000)
"""How far two starts may lie apart where one is told in whole milliseconds."""


class ReadFile(NamedTuple):
    """One file, read twice.

    Attributes:
        media: its facts, everything that is told about it, and both readings.
        record: the picture as the second reading saw it; None for a sound.
    """

    media: MediaInfo
    record: PictureRecord | None = None


def require_agreement(witness: Witness) -> None:
    """Raises `ReadingsDiffer` with everything in which two readings differ."""
    if not witness.differences:
        return
    what = "; ".join(f"{one.fact}: {one.first} by one reading, {one.second} by the other" for one in witness.differences)
    frames: list[FrameRange] = [part for one in witness.differences for part in one.frames]
    where = {"frame": frames[0].start, "frames": [[part.start, part.end] for part in frames]} if frames else {}
    raise ReadingsDiffer(
        f"Two independent readings of the file differ in {what}.",
        where={"stage": "probing", **where},
        suggestions=(
            "Copy the file into a fresh container, or export it again: its time stamps or tables contradict each other.",
            "Tell the operator: one of the readings may be wrong.",
        ),
        media={"witness": witness.model_dump(mode="json")},
    )
