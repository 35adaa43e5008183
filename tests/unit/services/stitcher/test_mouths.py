from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
from drawn import CLOSED, WIDE_OPEN, aligned, speaker
from places import LANDMARKER

from dubbing import ids
from dubbing.domain.analysis import Analysis, TrackPath
from dubbing.domain.faces import Chunk, FaceTrack, Shot
from dubbing.domain.media import VideoInfo
from dubbing.faces import align
from dubbing.faces.align import extract_crop
from dubbing.faces.detector import MediaPipeDetector
from dubbing.faces.outline import CHIN, pack
from dubbing.media.crops import pack_crops
from services.stitcher.mouths import GeneratedMouths

AT = {number: ids.chunk_key("job_1", number) for number in range(3)}
VIDEO = VideoInfo(codec="h264", width=96, height=64, fps=Fraction(25), frames=40, pixel_format="yuv420p")


class MemoryStore:
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
    store: Any = MemoryStore()
    for chunk in chunks:
        kept = range(chunk.keep_from, chunk.end)
        crops = np.stack([np.full((16, 16, 3), frame, np.uint8) for frame in kept])
        store.objects[AT[chunk.index]] = pack_crops(crops)
    nobody: Any = None  # an analysis without outlines is that of an older version: no face is looked for
    found = list(GeneratedMouths(store, nobody).read(AT, analysis, chunks[::-1], 16))
    assert [mouth.frame for mouth in found] == [2, 3, 5, 6, 8, 9, 20, 21, 22]
    assert [int(mouth.crop[0, 0, 0]) for mouth in found] == [mouth.frame for mouth in found]
    assert all(mouth.filmed is None for mouth in found)
    # The face drifts to the right by one pixel per frame, so the crop's window does too.
    steps = [mouth.matrix[0, 2] for mouth in found if mouth.frame < 10]
    assert all(later < earlier for earlier, later in pairwise(steps))


def template_anchors(side: int) -> Any:
    """Where brows and nose lie in a crop of that side, [3, 2]."""
    return (align.TEMPLATE + 0.5) * [side / align.TEMPLATE_WIDTH, side / align.TEMPLATE_HEIGHT] - 0.5


def test_a_mouth_comes_with_the_filmed_outline_and_those_of_the_faces_made_around_its_frame() -> None:
    one, frames, side = speaker(3), 10, 128
    with MediaPipeDetector(LANDMARKER) as detector:
        face = aligned(detector, one.draw(one.pose(), CLOSED), side)
        anchors = align.invert(face.matrix) @ np.vstack([template_anchors(side).T, np.ones(3)])
        closed, opened = (extract_crop(one.draw(one.pose(), mouth), face.matrix, side) for mouth in (CLOSED, WIDE_OPEN))
        crops = np.stack([closed] * 5 + [opened] * 4 + [np.full_like(closed, 90)])
        track = FaceTrack(index=0, shot=0, start=0, end=frames, size=70)
        own = align.crop_transform(anchors.T, 1)
        back = align.invert(face.matrix)
        outline = (face.outline @ back[:, :2].T + back[:, 2]) @ own[:, :2].T + own[:, 2]
        filmed = TrackPath(
            track=track,
            anchors=(tuple(anchors.T.ravel().tolist()),) * frames,
            opening=(0.1,) * frames,
            outline=pack(np.stack([outline] * frames)),
        )
        chunk = Chunk(index=0, track=0, shot=0, start=0, keep_from=0, end=frames)
        shots = (Shot(index=0, start=0, end=frames),)
        analysis = Analysis(video=VIDEO, shots=shots, paths=(filmed,), chunks=(chunk,))
        store: Any = MemoryStore()
        store.objects[AT[0]] = pack_crops(np.asarray(crops, np.uint8))
        found = list(GeneratedMouths(store, detector).read(AT, analysis, (chunk,), side))
    for mouth in found:
        assert mouth.filmed is not None
        np.testing.assert_allclose(mouth.filmed, face.outline, atol=0.1)
    # Every third generated face is measured: 0 and 3 are closed, 6 is open, and in 9 there is none.
    lowest = [[round(float(made[CHIN, 1])) for made in mouth.made] for mouth in found]
    assert [len(chins) for chins in lowest] == [1, 2, 2, 1, 2, 2, 1, 1, 1, 0]
    assert lowest[4][1] - lowest[4][0] > 0.05 * side
    assert lowest[0][0] == lowest[2][0]
