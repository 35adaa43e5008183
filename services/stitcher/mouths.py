"""The generated mouths of a job in the order of its frames, with the place of each."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dubbing import ids
from dubbing.domain.analysis import Analysis
from dubbing.domain.faces import Chunk
from dubbing.faces.align import Matrix, crop_transforms
from dubbing.media.crops import iter_crops
from dubbing.storage.store import ObjectStore


class Mouth(NamedTuple):
    """One generated crop uint8 [n, n, 3] and the transform from its frame to it."""

    frame: int
    matrix: Matrix
    crop: NDArray[np.uint8]


def mouths(store: ObjectStore, job_id: str, analysis: Analysis, chunks: tuple[Chunk, ...], size: int) -> Iterator[Mouth]:
    """Every mouth that is pasted, by ascending frame; frames in which the face was not seen are left out.

    One chunk is held at a time.
    """
    matrices: dict[int, Matrix] = {}
    for chunk in sorted(chunks, key=lambda c: c.keep_from):
        path = analysis.path(chunk.track)
        if chunk.track not in matrices:
            matrices = {chunk.track: crop_transforms(np.reshape(path.anchors, (-1, 3, 2)), size)}
        missing = set(path.track.missing)
        crops = iter_crops(store.get_bytes(ids.chunk_key(job_id, chunk.index)))
        for frame, crop in zip(range(chunk.keep_from, chunk.end), crops, strict=True):
            if frame not in missing:
                yield Mouth(frame, matrices[chunk.track][frame - path.track.start], crop)
