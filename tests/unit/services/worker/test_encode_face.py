import subprocess
from types import SimpleNamespace

import imageio_ffmpeg
import numpy as np
import pytest

from dubbing.domain.analysis import Analysis, TrackPath
from dubbing.domain.faces import Chunk, FaceTrack, Shot
from dubbing.faces.align import crop_transforms, extract_crop
from dubbing.media.frames import FrameReader
from dubbing.media.probe import probe
from services.worker.encode_face import _StoredChunks, chunk_crops

FRAMES, SIDE = 40, 32
CHUNKS = [
    Chunk(index=0, track=0, shot=0, start=2, keep_from=2, end=14),
    Chunk(index=1, track=0, shot=0, start=5, keep_from=14, end=20),
    Chunk(index=2, track=1, shot=1, start=30, keep_from=30, end=36),
]


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> FrameReader:
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    source = ("-f", "lavfi", "-i", "testsrc2=s=96x64:r=25", "-frames:v", str(FRAMES), "-g", "6", "-pix_fmt", "yuv420p")
    subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", *source, str(path)], check=True)
    video = probe(path).video
    assert video is not None
    return FrameReader(path, video)


def path(index: int, start: int, end: int, missing: tuple[int, ...] = ()) -> TrackPath:
    """A face that drifts to the right."""
    anchors = tuple((30.0 + i, 20.0, 50.0 + i, 20.0, 40.0 + i, 35.0) for i in range(end - start))
    track = FaceTrack(index=index, shot=0, start=start, end=end, size=20, missing=missing)
    return TrackPath(track=track, anchors=anchors, opening=(0.1,) * (end - start))


@pytest.fixture(scope="module")
def analysis(reader: FrameReader) -> Analysis:
    shots = (Shot(index=0, start=0, end=FRAMES),)
    return Analysis(video=reader.video, shots=shots, paths=(path(0, 2, 20), path(1, 28, 38)), chunks=tuple(CHUNKS))


def test_every_chunk_gets_the_crops_of_its_own_frames(reader: FrameReader, analysis: Analysis) -> None:
    pictures = list(reader.read())
    found = dict(chunk_crops(reader, analysis, CHUNKS, SIDE))
    assert list(found) == CHUNKS
    for chunk, crops in found.items():
        at = analysis.path(chunk.track)
        matrices = crop_transforms(np.reshape(at.anchors, (-1, 3, 2)), SIDE)
        assert crops.shape == (len(chunk), SIDE, SIDE, 3)
        for frame, crop in zip(range(chunk.start, chunk.end), crops, strict=True):
            np.testing.assert_array_equal(crop, extract_crop(pictures[frame], matrices[frame - at.track.start], SIDE))


def test_frames_that_no_chunk_needs_are_not_read(
    reader: FrameReader, analysis: Analysis, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    read = reader.read

    def noted(start: int = 0, end: int | None = None) -> object:
        asked.append((start, end))
        return read(start, end)

    monkeypatch.setattr(reader, "read", noted)
    assert len(list(chunk_crops(reader, analysis, CHUNKS, SIDE))) == 3
    assert asked == [(2, 20), (30, 36)]


# Frames in which the face is not seen (a flash, a hand), and the frame that a student sees in place of each, by chunk.
MISSING: dict[str, tuple[tuple[int, ...], list[dict[int, int]]]] = {
    "one": ((6,), [{6: 5}, {6: 5}]),
    "three": ((6, 7, 8), [{6: 5, 7: 5, 8: 9}, {6: 5, 7: 5, 8: 9}]),
    "where a chunk begins": ((2, 3), [{2: 4, 3: 4}, {}]),
    "where the pre-roll of another begins": ((5, 6, 19), [{5: 4, 6: 7}, {5: 7, 6: 7, 19: 18}]),
}


@pytest.mark.parametrize("name", MISSING)
def test_a_frame_without_the_face_is_shown_as_the_nearest_one_of_its_chunk(reader: FrameReader, name: str) -> None:
    missing, shown = MISSING[name]
    pictures, chunks = list(reader.read()), CHUNKS[:2]
    shots = (Shot(index=0, start=0, end=FRAMES),)
    analysis = Analysis(video=reader.video, shots=shots, paths=(path(0, 2, 20, missing),), chunks=tuple(chunks))
    matrices = crop_transforms(np.reshape(analysis.path(0).anchors, (-1, 3, 2)), SIDE)
    for chunk, crops in chunk_crops(reader, analysis, chunks, SIDE):
        for frame, crop in zip(range(chunk.start, chunk.end), crops, strict=True):
            seen = shown[chunk.index].get(frame, frame)
            np.testing.assert_array_equal(crop, extract_crop(pictures[seen], matrices[seen - 2], SIDE))


@pytest.mark.parametrize(("stored", "news"), [([], [2, 6, 14, 30, 62, 126, 190]), ([0, 1, 2], [4, 8, 16, 32, 64, 128, 192])])
def test_jobs_hear_of_stored_chunks_by_stretches_that_grow(stored: list[int], news: list[int]) -> None:
    heard = []
    partial = _StoredChunks(SimpleNamespace(partial_result=heard.append), list(stored))
    for chunk in range(len(stored), 200):
        partial.stored(chunk, chunk)
    assert [len(part.chunks) for part in heard] == news
    assert heard[0].chunks == tuple(range(news[0]))
