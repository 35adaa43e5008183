"""Shots, face tracks and chunks: what analysis finds in a source and how the work is cut.

Frames are numbered from 0 over the whole title; ranges are half open.
"""

from pydantic import Field

from dubbing.domain.media import Frozen


class FrameRange(Frozen):
    """Frames ``start`` <= i < ``end``."""

    start: int
    end: int

    def __len__(self) -> int:
        """Number of frames."""
        return self.end - self.start


class Shot(FrameRange):
    """Frames between two cuts."""

    index: int


class FaceTrack(FrameRange):
    """One face followed through consecutive frames of one shot.

    Attributes:
        index: number of the track within the title.
        shot: index of its shot.
        missing: frames inside the range where the face was not seen; its place is interpolated for conditioning, and
            the output passes the source's frame through.
        size: median distance between the eyes in pixels.
    """

    index: int
    shot: int
    missing: tuple[int, ...] = ()
    size: float


class Chunk(FrameRange):
    """A run of one track that is generated as one sequence of AR blocks.

    ``start`` .. ``end`` is what is fed and generated; frames before ``keep_from`` are the pre-roll, generated to warm the
    student's state and then dropped.
    """

    index: int
    track: int
    shot: int
    keep_from: int


class Finding(Frozen):
    """A warning about the source with its place, e.g. frames without a face. ``code`` is stable."""

    code: str
    detail: str
    frames: tuple[FrameRange, ...] = Field(default=())
