"""PREPARE: shots, faces and chunks of a picture, in one pass over its frames and with memory for points only."""

from collections.abc import Callable, Iterator
from contextlib import closing

import numpy as np
from numpy.typing import NDArray

from dubbing.domain.analysis import Analysis, TrackPath
from dubbing.domain.media import Box, VideoInfo
from dubbing.domain.work import PrepareResult, PrepareTask
from dubbing.errors import NoVideoStream
from dubbing.faces.detector import FaceDetector
from dubbing.faces.follow import FaceTracker
from dubbing.faces.hands import MediaPipeHands
from dubbing.faces.outline import pack
from dubbing.faces.plan import plan_chunks
from dubbing.faces.tracks import TrackedFace, choose_faces
from dubbing.media.ahead import ahead
from dubbing.media.container import naming
from dubbing.media.frames import FrameReader
from dubbing.media.picture import PictureFrame
from dubbing.media.shots import Change, ShotFinder
from dubbing.queue.context import Context
from dubbing.storage.sources import SourceCache
from dubbing.storage.store import ObjectStore

# About four seconds at 25 frames per second: what a crash may cost, and small enough to share a GPU fairly.
_CHUNK_BLOCKS = 8
# The demonstration's server generates two sequences at a time (instances of ``lip_student_tiny``), larger ones an even number.
_BESIDE = 2
# Cuts are looked for in a picture of about this width.
_SHOT_WIDTH = 256
# Two frames whose grey values differ by less show no cut, flash or whip between them.
_STEADY = 4.0
# Frames that are decoded and compared while faces are looked for in those before.
_AHEAD = 3

OpenDetector = Callable[[], FaceDetector]
OpenHands = Callable[[], MediaPipeHands]


class Preparer:
    """Handler of ``prepare`` items."""

    def __init__(self, store: ObjectStore, sources: SourceCache, open_detector: OpenDetector, open_hands: OpenHands) -> None:
        self._store = store
        self._sources = sources
        self._open_detector = open_detector
        self._open_hands = open_hands

    def __call__(self, task: PrepareTask, context: Context) -> PrepareResult:
        """Analyse the picture and store what was found.

        Raises:
            NoFaceAnywhere: there is nothing to dub.
            FaceUpsideDown: all faces stand on their heads.
            TruncatedMedia: a frame cannot be decoded.
        """
        video = task.source.media.video
        if video is None:
            raise NoVideoStream(f"{task.source.filename} has no video stream.", where={"pointer": "/video"})
        with self._sources.open(task.source.key, task.source.sha256) as path, naming(task.source.filename, "video"):
            analysis = self._analyse(FrameReader(path, video), video, context)
        self._store.put_bytes(task.analysis_key, analysis.model_dump_json().encode(), "application/json")
        return PrepareResult(
            shots=len(analysis.shots),
            tracks=len(analysis.paths),
            chunks=analysis.chunks,
            findings=analysis.findings,
        )

    def _analyse(self, reader: FrameReader, video: VideoInfo, context: Context) -> Analysis:
        with closing(self._open_detector()) as detector, closing(self._open_hands()) as hands:
            tracker, finder = FaceTracker(detector, sparse=True, hands=hands), ShotFinder(video.fps)
            for frame, change in ahead(_with_changes(reader, finder), _AHEAD):
                tracker.push(frame, cut=change.cut, resumes=change.resumes, steady=change.difference < _STEADY)
                context.progress(frame.index + 1, video.frames)
            shots, followed = finder.finish(), tracker.finish()
        found = choose_faces(followed, shots, video.fps)
        return Analysis(
            video=video,
            shots=tuple(shots),
            paths=tuple(_path(face) for face in found.faces),
            chunks=tuple(plan_chunks([face.track for face in found.faces], _CHUNK_BLOCKS, _BESIDE)),
            findings=found.findings,
        )


def _with_changes(reader: FrameReader, finder: ShotFinder) -> Iterator[tuple[PictureFrame, Change]]:
    """Every frame, and what it is to those before; the finder sees them all."""
    whole = Box(0, 0, *reader.video.upright_size)
    block = max(1, whole.right // _SHOT_WIDTH)
    for frame in reader.read():
        yield frame, finder.push(frame.region(whole, block))


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
