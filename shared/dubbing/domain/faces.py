"""Shots, face tracks and chunks: what analysis finds in a source and how the work is cut.

Frames are numbered from 0 over the whole title; ranges are half open.
"""

from dubbing.domain.findings import FrameRange


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
