"""What analysis finds in a film, is told while it looks, and leaves behind; faces and cuts have tests of their own."""

import io
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drawn import HALF_OPEN, Picture, bookshelf, speaker, written
from PIL import Image
from places import HAND_LANDMARKER, LANDMARKER
from worker_context import MemoryStore, RecordingContext

from dubbing import ids
from dubbing.domain.analysis import Analysis, TrackPath
from dubbing.domain.faces import FaceTrack
from dubbing.domain.media import MediaInfo
from dubbing.domain.work import PrepareResult, PrepareTask, Source
from dubbing.errors import Cancelled, NoFaceAnywhere, NoVideoStream
from dubbing.faces.detector import MediaPipeDetector
from dubbing.faces.hands import MediaPipeHands
from dubbing.faces.outline import POINTS
from dubbing.faces.tracks import TrackedFace
from dubbing.storage.sources import SourceCache
from dubbing.storage.store import sha256_of
from services.worker.face_pictures import face_pictures
from services.worker.prepare import PrepareHandler, _path

LENGTH = 14
ONE, OTHER = speaker(3), speaker(5)


def talk(who: Any, wall: int) -> list[Picture]:
    return [who.draw(who.pose(320 + 2 * i), HALF_OPEN, bookshelf(wall)) for i in range(LENGTH)]


class Preparer:
    """A preparer, its store, and how many of its detectors are open."""

    def __init__(self, folder: Path) -> None:
        self.store, self.open = MemoryStore(), 0
        store: Any = self.store
        self._folder = folder
        self._prepare = PrepareHandler(store, SourceCache(store, folder / "sources", 1 << 30), self._detector, self._hands)

    def _detector(self) -> MediaPipeDetector:
        preparer = self

        class Counted(MediaPipeDetector):
            def close(self) -> None:
                preparer.open -= 1
                super().close()

        self.open += 1
        return Counted(LANDMARKER)

    def _hands(self) -> MediaPipeHands:
        preparer = self

        class Counted(MediaPipeHands):
            def close(self) -> None:
                preparer.open -= 1
                super().close()

        self.open += 1
        return Counted(HAND_LANDMARKER)

    def prepare(self, frames: list[Picture], context: Any) -> PrepareResult:
        path = self._folder / "film.mp4"
        video = written(path, frames).video
        self.store.put_file("assets/film", path)
        media = MediaInfo(container="mov", size_bytes=path.stat().st_size, video=video)
        return self._prepare(task(media, sha256_of(path)), context)


def task(media: MediaInfo, sha256: str = "1" * 64) -> PrepareTask:
    source = Source(asset_id="ast_1", key="assets/film", filename="film.mp4", sha256=sha256, media=media)
    return PrepareTask(source=source, analysis="a1", analysis_key="analysis.json")


@pytest.fixture
def preparer(tmp_path: Path) -> Iterator[Preparer]:
    preparer = Preparer(tmp_path)
    yield preparer
    assert preparer.open == 0, "a detector was left open"


# Films, and the frames of their shots and of the faces in them.
FILMS: dict[str, tuple[list[Picture], list[tuple[int, int]], list[tuple[int, int]]]] = {
    "one speaker": (talk(ONE, 1), [(0, 14)], [(0, 14)]),
    "two, with a cut": (talk(ONE, 1) + talk(OTHER, 2), [(0, 14), (14, 28)], [(0, 14), (14, 28)]),
    "a speaker, then a wall": (talk(ONE, 1) + [bookshelf(2)] * LENGTH, [(0, 14), (14, 28)], [(0, 14)]),
}


@pytest.mark.parametrize("name", FILMS)
def test_shots_faces_and_chunks_are_found_and_stored(preparer: Preparer, name: str) -> None:
    frames, shots, faces = FILMS[name]
    context = RecordingContext()
    found = preparer.prepare(frames, context)
    stored = Analysis.model_validate_json(preparer.store.objects["analysis.json"])
    assert [(shot.start, shot.end) for shot in stored.shots] == shots
    assert [(path.track.start, path.track.end) for path in stored.paths] == faces
    assert [(chunk.keep_from, chunk.end) for chunk in stored.chunks] == faces
    assert found == PrepareResult(shots=len(shots), tracks=len(faces), chunks=stored.chunks, findings=stored.findings)
    assert context.progressed == [(i + 1, len(frames)) for i in range(len(frames))]
    for path in stored.paths:
        assert len(path.anchors) == len(path.opening) == len(path.track)
        assert path.outline


def test_each_face_has_a_picture_that_shows_it(preparer: Preparer) -> None:
    preparer.prepare(talk(ONE, 1) + talk(OTHER, 2), RecordingContext())
    keys = [ids.face_picture_key("analysis.json", track) for track in (0, 1)]
    assert sorted(preparer.store.list_keys("faces/")) == keys
    with closing(MediaPipeDetector(LANDMARKER)) as detector:
        for key in keys:
            shown = np.asarray(Image.open(io.BytesIO(preparer.store.objects[key])))
            assert 200 < max(shown.shape[:2]) <= 320
            (face,) = detector.find(shown)
            left, top, right, bottom = face.box
            # All of the face, and much of the picture.
            assert 0 < left < right < shown.shape[1]
            assert 0 < top < bottom < shown.shape[0]
            assert bottom - top > shown.shape[0] / 2


def test_a_face_at_the_pictures_edge_is_shown_as_far_as_the_picture_goes(tmp_path: Path) -> None:
    frames = talk(ONE, 1)
    reader = written(tmp_path / "film.mp4", frames)
    corner = TrackPath(
        track=FaceTrack(index=4, shot=0, start=2, end=5, missing=(2,), size=60.0),
        anchors=((0.0,) * 6, (1.0, 1.0, 3.0, 1.0, 2.0, 4.0), (9.0,) * 6),
        opening=(None, 0.1, 0.1),
    )
    ((track, jpeg),) = face_pictures(reader, [corner])
    shown = np.asarray(Image.open(io.BytesIO(jpeg))).astype(int)
    # Frame 3: brows and nose around (2, 2), and so 132 pixels to all sides of (2, 20), where there are any.
    assert (track, shown.shape) == (4, (152, 134, 3))
    assert np.abs(shown - frames[3][:152, :134]).mean() < 4


def test_a_film_without_a_face_fails_and_leaves_no_analysis(preparer: Preparer) -> None:
    with pytest.raises(NoFaceAnywhere):
        preparer.prepare([bookshelf(1)] * 4, RecordingContext())
    assert "analysis.json" not in preparer.store.objects


def test_a_file_without_a_picture_is_refused_before_anything_is_opened(preparer: Preparer) -> None:
    with pytest.raises(NoVideoStream, match=r"film\.mp4"):
        preparer._prepare(task(MediaInfo(container="wav", size_bytes=1)), RecordingContext())


def test_nobody_looks_further_when_the_job_is_canceled(preparer: Preparer) -> None:
    class Canceled(RecordingContext):
        def progress(self, done: int, total: int) -> None:
            super().progress(done, total)
            if done == 2:
                raise Cancelled("No job wants this work any more.")

    context = Canceled()
    with pytest.raises(Cancelled):
        preparer.prepare(talk(ONE, 1), context)
    assert context.progressed == [(1, LENGTH), (2, LENGTH)]
    assert "analysis.json" not in preparer.store.objects


def test_points_are_kept_to_a_thousandth_of_a_pixel_and_an_unseen_mouth_has_no_opening() -> None:
    anchors = np.array([[[1.00049, 2], [3, 4], [5, 6]], [[1, 2], [3, 4], [5, 6.12351]]])
    face = TrackedFace(
        FaceTrack(index=0, shot=0, start=7, end=9, size=60), anchors, anchors, np.zeros((2, len(POINTS), 2)),
        np.array([0.1234567, np.nan]), np.array([np.nan, 0.0123456]),
    )  # fmt: skip
    path = _path(face)
    assert path.anchors == ((1.0, 2.0, 3.0, 4.0, 5.0, 6.0), (1.0, 2.0, 3.0, 4.0, 5.0, 6.124))
    assert path.opening == (0.12346, None)
    assert path.doubt == (None, 0.01235)
    assert path.track == face.track
