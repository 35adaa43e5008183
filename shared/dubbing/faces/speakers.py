"""Whose mouth is dubbed at each moment: one face at a time, and none in turn with another."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import groupby
from operator import itemgetter
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dubbing.domain.findings import FrameRange, frame_ranges

_CLEARLY: Final = 1.3  # times the speaker's area from which on another face is clearly more prominent
_AFTER: Final = 1  # seconds of that after which the speaker changes


class Presence(NamedTuple):
    """A face that can be dubbed from ``start`` on, and its area in each of its V frames, float64 [V]."""

    start: int
    area_V: NDArray[np.float64]

    @property
    def end(self) -> int:
        """The frame after its last."""
        return self.start + len(self.area_V)


class Turn(NamedTuple):
    """The frames in which the face with that number is dubbed."""

    face: int
    frames: FrameRange


def turns(faces: Sequence[Presence], fps: Fraction) -> list[Turn]:
    """Who is dubbed when, over the faces of one shot.

    The first is the most prominent of the first second. The speaker changes when he leaves, and when somebody else has been
    clearly larger than he is for a second; so nobody loses his turn to a passer-by, and nobody who speaks alone is left out.
    """
    by_speaker = groupby(_speaker_of_each_frame(faces, fps), key=itemgetter(1))
    return [Turn(face, frames) for face, spoken in by_speaker for frames in frame_ranges(frame for frame, _ in spoken)]


def _speaker_of_each_frame(faces: Sequence[Presence], fps: Fraction) -> Iterator[tuple[int, int]]:
    speaker, lead = -1, 0
    window = max(1, round(fps * _AFTER))
    for frame in range(min((face.start for face in faces), default=0), max((face.end for face in faces), default=0)):
        present = [i for i, face in enumerate(faces) if face.start <= frame < face.end]
        if not present:
            continue
        if speaker not in present:
            speaker, lead = max(present, key=lambda i: _prominence(faces[i], frame, window)), 0
        largest = max(present, key=lambda i: faces[i].area_V[frame - faces[i].start])
        lead = lead + 1 if _clearly(faces, largest, speaker, frame) else 0
        if lead > window:
            speaker, lead = largest, 0
        yield frame, speaker


def _prominence(face: Presence, frame: int, window: int) -> float:
    """Area times presence over the next second."""
    return float(face.area_V[frame - face.start :][:window].sum())


def _clearly(faces: Sequence[Presence], one: int, other: int, frame: int) -> bool:
    first, second = faces[one], faces[other]
    return bool(first.area_V[frame - first.start] > _CLEARLY * second.area_V[frame - second.start])
