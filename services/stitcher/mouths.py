"""The generated mouths of a job in the order of its frames, with the place of each and the outlines that limit it."""

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dubbing import ids
from dubbing.domain.analysis import Analysis, TrackPath
from dubbing.domain.faces import Chunk
from dubbing.faces.align import Matrix, Points, crop_transforms
from dubbing.faces.detector import Face, FaceDetector
from dubbing.faces.outline import POINTS, crop_outlines
from dubbing.media.crops import unpack_crops
from dubbing.storage.store import ObjectStore

# A jaw opens and closes four times a second at most: between two outlines of the generated face it is inside one of them.
_EVERY: Final = 3


class Mouth(NamedTuple):
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


class _Place(NamedTuple):
    """Where one track's face is: its transforms [V, 2, 3], and its outlines in the crop [V, 35, 2]."""

    matrices: Matrix
    outlines: Points | None


class Mouths:
    """Reads the generated mouths of jobs.

    Args:
        store: where the crops are.
        detector: finds the outlines of generated faces.
    """

    def __init__(self, store: ObjectStore, detector: FaceDetector) -> None:
        self._store = store
        self._detector = detector

    def read(self, job_id: str, analysis: Analysis, chunks: tuple[Chunk, ...], size: int) -> Iterator[Mouth]:
        """Every mouth that is pasted, by ascending frame; frames in which the face was not seen are left out.

        One chunk is held at a time.
        """
        places: dict[int, _Place] = {}
        for chunk in sorted(chunks, key=lambda c: c.keep_from):
            path = analysis.path(chunk.track)
            if chunk.track not in places:
                places = {chunk.track: _place(path, size)}
            crops = unpack_crops(self._store.get_bytes(ids.chunk_key(job_id, chunk.index)))
            yield from self._of_chunk(chunk, path, places[chunk.track], crops)

    def _of_chunk(self, chunk: Chunk, path: TrackPath, place: _Place, crops: NDArray[np.uint8]) -> Iterator[Mouth]:
        missing = set(path.track.missing)
        made = self._outlines(crops) if place.outlines is not None else {}
        for at, (frame, crop) in enumerate(zip(range(chunk.keep_from, chunk.end), crops, strict=True)):
            if frame in missing:
                continue
            own = frame - path.track.start
            filmed = None if place.outlines is None else place.outlines[own]
            near = tuple(outline for measured, outline in made.items() if abs(measured - at) < _EVERY)
            yield Mouth(frame, place.matrices[own], crop, filmed, near, chunk.track)

    def _outlines(self, crops: NDArray[np.uint8]) -> dict[int, Points]:
        """The outlines of some of the generated faces, by their place among ``crops``; where none is seen, none."""
        found: dict[int, Points] = {}
        last: Face | None = None
        for at in sorted({*range(0, len(crops), _EVERY), len(crops) - 1}):
            last = self._seen(crops[at], last)
            if last is not None:
                found[at] = last.landmarks[list(POINTS)]
        return found

    def _seen(self, crop: NDArray[np.uint8], last: Face | None) -> Face | None:
        followed = self._detector.follow(crop, [last])[0] if last is not None else None
        return followed or next(iter(self._detector.find(crop)), None)


def _place(path: TrackPath, size: int) -> _Place:
    anchors = np.reshape(path.anchors, (-1, 3, 2))
    matrices = crop_transforms(anchors, size)
    return _Place(matrices, crop_outlines(path.outline, anchors, matrices))
