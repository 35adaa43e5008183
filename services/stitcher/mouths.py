"""The generated mouths of a job in the order of its frames, with the place of each and the outlines that limit it."""

from collections import deque
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dubbing.domain.analysis import Analysis, TrackPath
from dubbing.domain.faces import Chunk
from dubbing.faces.align import Matrix, Points, crop_transforms
from dubbing.faces.detector import Face, FaceDetector
from dubbing.faces.outline import POINTS, crop_outlines
from dubbing.media.crops import unpack_crops
from dubbing.storage.store import ObjectStore

# A jaw opens and closes four times a second at most: between two outlines of the generated face it is inside one of them.
_EVERY: Final = 3


class GeneratedMouth(NamedTuple):
    """One generated crop uint8 [n, n, 3] and the transform from its frame to it.

    ``filmed`` and ``made`` are face outlines in the crop (`dubbing.faces.outline`): the source's, or None where an older
    analysis did not keep it, and those of what was generated.
    """

    frame: int
    matrix: Matrix
    crop: NDArray[np.uint8]
    filmed: Points | None = None
    made: tuple[Points, ...] = ()
    track: int = 0


class _FacePlace(NamedTuple):
    """Where one track's face is: its transforms [V, 2, 3], and its outlines in the crop [V, 35, 2]."""

    matrices: Matrix
    outlines: Points | None


class GeneratedMouths:
    """Reads the generated mouths of jobs.

    Args:
        store: where the crops are.
        detector: finds the outlines of generated faces.
    """

    def __init__(self, store: ObjectStore, detector: FaceDetector) -> None:
        self._store = store
        self._detector = detector

    def read(
        self, crops_at: Mapping[int, str], analysis: Analysis, chunks: tuple[Chunk, ...], size: int
    ) -> Iterator[GeneratedMouth]:
        """Every mouth that is pasted, by ascending frame; frames in which the face was not seen are left out.

        One chunk is held at a time. ``crops_at`` says where its crops lie, by its number.
        """
        places: dict[int, _FacePlace] = {}
        for chunk in sorted(chunks, key=lambda c: c.keep_from):
            path = analysis.path(chunk.track)
            if chunk.track not in places:
                places = {chunk.track: _place(path, size)}
            crops = unpack_crops(self._store.get_bytes(crops_at[chunk.index]))
            yield from self._of_chunk(chunk, path, places[chunk.track], crops)

    def _of_chunk(self, chunk: Chunk, path: TrackPath, place: _FacePlace, crops: NDArray[np.uint8]) -> Iterator[GeneratedMouth]:
        missing = set(path.track.missing)
        made = _Around(self._outlines(crops) if place.outlines is not None else iter(()))
        for at, (frame, crop) in enumerate(zip(range(chunk.keep_from, chunk.end), crops, strict=True)):
            if frame in missing:
                continue
            own = frame - path.track.start
            filmed = None if place.outlines is None else place.outlines[own]
            yield GeneratedMouth(frame, place.matrices[own], crop, filmed, made.near(at), chunk.track)

    def _outlines(self, crops: NDArray[np.uint8]) -> Iterator[tuple[int, Points]]:
        """The outlines of some of the generated faces, each with its place among ``crops``; where none is seen, none."""
        last: Face | None = None
        for at in sorted({*range(0, len(crops), _EVERY), len(crops) - 1}):
            last = self._seen(crops[at], last)
            if last is not None:
                yield at, last.landmarks[list(POINTS)]

    def _seen(self, crop: NDArray[np.uint8], last: Face | None) -> Face | None:
        followed = self._detector.follow(crop, [last])[0] if last is not None else None
        return followed or next(iter(self._detector.find(crop)), None)


class _Around:
    """The measured outlines around a frame. They are asked for one by one, so that nobody waits for a whole chunk's."""

    def __init__(self, measured: Iterator[tuple[int, Points]]) -> None:
        self._measured = measured
        self._known: deque[tuple[int, Points]] = deque()
        self._after: tuple[int, Points] | None = next(measured, None)

    def near(self, at: int) -> tuple[Points, ...]:
        """Those of fewer than ``_EVERY`` frames before and after; ``at`` must not fall."""
        while self._after is not None and self._after[0] - at < _EVERY:
            self._known.append(self._after)
            self._after = next(self._measured, None)
        while self._known and at - self._known[0][0] >= _EVERY:
            self._known.popleft()
        return tuple(outline for _, outline in self._known)


def _place(path: TrackPath, size: int) -> _FacePlace:
    anchors = np.reshape(path.anchors, (-1, 3, 2))
    matrices = crop_transforms(anchors, size)
    return _FacePlace(matrices, crop_outlines(path.outline, anchors, matrices))
