from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np

from dubbing import ids
from dubbing.domain.analysis import Analysis, TrackPath
from dubbing.domain.faces import Chunk, FaceTrack, Shot
from dubbing.domain.media import VideoInfo
from dubbing.media.crops import pack_crops
from services.stitcher.mouths import Mouths

VIDEO = VideoInfo(codec="h264", width=96, height=64, fps=Fraction(25), frames=40, pixel_format="yuv420p")


class Shelf:
    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def get_bytes(self, key: str) -> bytes:
        return self.objects[key]


def path(index: int, start: int, end: int, missing: tuple[int, ...] = ()) -> TrackPath:
    anchors = tuple((30.0 + i, 20.0, 50.0 + i, 20.0, 40.0 + i, 35.0) for i in range(end - start))
    track = FaceTrack(index=index, shot=0, start=start, end=end, size=20, missing=missing)
    return TrackPath(track=track, anchors=anchors, opening=(0.1,) * (end - start))


def test_mouths_come_by_frame_without_those_that_no_face_was_seen_for() -> None:
    chunks = (
        Chunk(index=0, track=0, shot=0, start=2, keep_from=2, end=6),
        Chunk(index=1, track=0, shot=0, start=4, keep_from=6, end=10),
        Chunk(index=2, track=1, shot=1, start=20, keep_from=20, end=23),
    )
    analysis = Analysis(
        video=VIDEO,
        shots=(Shot(index=0, start=0, end=40),),
        paths=(path(0, 2, 10, missing=(4, 7)), path(1, 20, 23)),
        chunks=chunks,
    )
    shelf: Any = Shelf()
    for chunk in chunks:
        kept = range(chunk.keep_from, chunk.end)
        crops = np.stack([np.full((16, 16, 3), frame, np.uint8) for frame in kept])
        shelf.objects[ids.chunk_key("job_1", chunk.index)] = pack_crops(crops)
    nobody: Any = None  # an analysis without outlines is that of an older version: no face is looked for
    found = list(Mouths(shelf, nobody).read("job_1", analysis, chunks[::-1], 16))
    assert [mouth.frame for mouth in found] == [2, 3, 5, 6, 8, 9, 20, 21, 22]
    assert [int(mouth.crop[0, 0, 0]) for mouth in found] == [mouth.frame for mouth in found]
    assert all(mouth.filmed is None for mouth in found)
    # The face drifts to the right by one pixel per frame, so the crop's window does too.
    steps = [mouth.matrix[0, 2] for mouth in found if mouth.frame < 10]
    assert all(later < earlier for earlier, later in pairwise(steps))
