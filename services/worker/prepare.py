"""PREPARE: shots, faces and chunks of a picture, in one pass over its frames and with memory for points only."""

from collections.abc import Callable, Iterator
from contextlib import closing

import numpy as np
from numpy.typing import NDArray

from dubbing import ids
from dubbing.domain.analysis import Analysis, TrackPath
from dubbing.domain.media import VideoInfo
from dubbing.domain.work import PrepareResult, PrepareTask
from dubbing.errors import NoVideoStream
from dubbing.faces.detector import FaceDetector
from dubbing.faces.follow import follow_faces
from dubbing.faces.hands import MediaPipeHands
from dubbing.faces.outline import pack
from dubbing.faces.plan import plan_chunks
from dubbing.faces.tracks import TrackedFace, choose_faces
from dubbing.media.container import naming
from dubbing.media.frames import FrameReader
from dubbing.media.pixels.picture import PictureFrame
from dubbing.media.prefetch import prefetch
from dubbing.media.shots import Change, ShotFinder, read_with_changes
from dubbing.queue.context import Context
from dubbing.storage.sources import SourceCache
from dubbing.storage.store import ObjectStore
from services.worker.face_pictures import face_pictures

# About four seconds at 25 frames per second: what a crash may cost, and small enough to share a GPU fairly.
_CHUNK_BLOCKS = 8
# The demonstration's server generates two sequences at a time (instances of ``lip_student_tiny``), larger ones an even number.
_BESIDE = 2
# Frames that are decoded and compared while faces are looked for in those before.
_PREFETCH = 3

OpenDetector = Callable[[], FaceDetector]
OpenHands = Callable[[], MediaPipeHands]


class PrepareHandler:
    """Handler of ``prepare`` items."""

    def __init__(self, store: ObjectStore, sources: SourceCache, open_detector: OpenDetector, open_hands: OpenHands) -> None:
        self._store = store
        self._sources = sources
        self._open_detector = open_detector
        self._open_hands = open_hands

    def __call__(self, task: PrepareTask, context: Context) -> PrepareResult:
        """Analyse the picture and store what was found, with a picture of each face.

        Raises:
            NoFaceAnywhere: there is nothing to dub.
            FaceUpsideDown: all faces stand on their heads.
            TruncatedMedia: a frame cannot be decoded.
        """
        video = task.source.media.video
        if video is None:
            raise NoVideoStream(f"{task.source.filename} has no video stream.", where={"pointer": "/video"})
        with self._sources.open(task.source.key, task.source.sha256) as path, naming(task.source.filename, "video"):
            reader = FrameReader(path, video)
            analysis = self._analyse(reader, video, context)
            for track, picture in face_pictures(reader, analysis.paths):
                self._store.put_bytes(ids.face_picture_key(task.analysis_key, track), picture, "image/jpeg")
                context.raise_if_canceled()
        self._store.put_bytes(task.analysis_key, analysis.model_dump_json().encode(), "application/json")
        return PrepareResult(
            shots=len(analysis.shots),
            tracks=len(analysis.paths),
            chunks=analysis.chunks,
            findings=analysis.findings,
        )

    def _analyse(self, reader: FrameReader, video: VideoInfo, context: Context) -> Analysis:
        with closing(self._open_detector()) as detector, closing(self._open_hands()) as hands:
            finder = ShotFinder(video.fps)
            pictures = prefetch(read_with_changes(reader, finder), _PREFETCH)
            followed = follow_faces(detector, _with_progress(pictures, video.frames, context), hands=hands)
        shots = finder.finish()
        found = choose_faces(followed, shots, video.fps)
        return Analysis(
            video=video,
            shots=tuple(shots),
            paths=tuple(_path(face) for face in found.faces),
            chunks=tuple(plan_chunks([face.track for face in found.faces], _CHUNK_BLOCKS, _BESIDE)),
            findings=found.findings,
        )


def _with_progress(
    pictures: Iterator[tuple[PictureFrame, Change]], frames: int, context: Context
) -> Iterator[tuple[PictureFrame, Change]]:
    """The pictures; the context hears of each one when the next is asked for."""
    for picture, change in pictures:
        yield picture, change
        context.progress(picture.index + 1, frames)


def _path(face: TrackedFace) -> TrackPath:
    """Points to a thousandth of a pixel: far below what a landmark is good for."""
    anchors = np.round(face.anchors.reshape(len(face.anchors), 6), 3)
    return TrackPath(
        track=face.track,
        anchors=tuple(map(tuple, anchors.tolist())),
        opening=_known(face.opening),
        outline=pack(face.outline),
        doubt=_known(face.doubt),
    )


def _known(values_V: NDArray[np.float64]) -> tuple[float | None, ...]:
    return tuple(None if np.isnan(value) else round(float(value), 5) for value in values_V)
