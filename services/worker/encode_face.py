"""ENCODE_FACE: the latents of every chunk of a picture, from its frames, in one pass and bounded memory.

Chunks that are stored already are not encoded again, so an interrupted item goes on where it stopped. After every stretch of
chunks the jobs hear which are stored, and generate them meanwhile. The first stretch is short, so that generation begins early;
each is twice as long as the one before, so that a long film is no flood of news.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dubbing import ids
from dubbing.domain.analysis import Analysis, TrackPath
from dubbing.domain.faces import Chunk, FaceTrack
from dubbing.domain.findings import frame_ranges
from dubbing.domain.work import EncodeFaceTask, EncodeResult
from dubbing.faces.align import Matrix, Points, crop_transforms, extract_crop
from dubbing.faces.foreign import cleared
from dubbing.faces.outline import crop_outlines
from dubbing.inference.engine import pad_to_blocks
from dubbing.media.container import naming
from dubbing.media.frames import FrameReader
from dubbing.media.pixels.picture import PictureFrame
from dubbing.media.prefetch import prefetch
from dubbing.queue.context import Context
from dubbing.storage.sources import SourceCache
from dubbing.storage.store import ObjectStore
from services.worker.engines import Engines
from services.worker.latents import save_latents

Crops = NDArray[np.uint8]
_FIRST_STRETCH, _LONGEST_STRETCH = 2, 64  # chunks


class EncodeFaceHandler:
    """Handler of ``encode_face`` items."""

    def __init__(self, store: ObjectStore, sources: SourceCache, engines: Engines) -> None:
        self._store = store
        self._sources = sources
        self._engines = engines

    def __call__(self, task: EncodeFaceTask, context: Context) -> EncodeResult:
        """Encode the chunks whose latents are not stored yet.

        Raises:
            ModelUnavailable: the encoder is not served now.
        """
        analysis = Analysis.model_validate_json(self._store.get_bytes(task.analysis_key))
        stored = set(self._store.list_keys(task.latents_prefix))
        keys = {chunk: ids.latents_key(task.latents_prefix, chunk.index) for chunk in analysis.chunks}
        waiting = [chunk for chunk in analysis.chunks if keys[chunk] not in stored]
        total = sum(len(chunk) for chunk in analysis.chunks)
        done = total - sum(len(chunk) for chunk in waiting)
        stored_chunks = _StoredChunks(context, [chunk.index for chunk in analysis.chunks if chunk not in waiting])
        engine = self._engines.get(task.preset, task.encoder.version)
        with self._sources.open(task.source.key, task.source.sha256) as path, naming(task.source.filename, "video"):
            reader = FrameReader(path, analysis.video)
            # One chunk is decoded while the one before is encoded.
            for chunk, crops in prefetch(chunk_crops(reader, analysis, waiting, engine.contract.crop), 1):
                save_latents(self._store, keys[chunk], engine.encode_faces(_padded(crops), context))
                done += len(chunk)
                context.progress(done, total)
                stored_chunks.stored(chunk.index, done)
        return EncodeResult(frames=total)


@dataclass(frozen=True, eq=False)
class _TrackPlace:
    """Where one track's face is: transforms [V, 2, 3], and outlines in the crop [V, 35, 2] unless the analysis has none."""

    track: FaceTrack
    matrices: Matrix
    outlines: Points | None
    size: int

    @classmethod
    def of(cls, path: TrackPath, size: int) -> "_TrackPlace":
        anchors = np.reshape(path.anchors, (-1, 3, 2))
        matrices = crop_transforms(anchors, size)
        return cls(path.track, matrices, crop_outlines(path.outline, anchors, matrices), size)

    def crop(self, frame: PictureFrame) -> Crops | None:
        """The face in ``frame`` as a student should see it; None where it is not seen."""
        if frame.index in self.track.missing:
            return None
        at = frame.index - self.track.start
        crop = np.asarray(extract_crop(frame, self.matrices[at], self.size), np.uint8)
        return crop if self.outlines is None else np.asarray(cleared(crop, self.outlines[at]), np.uint8)


class _StoredChunks:
    """Lets the jobs hear, stretch by stretch, which chunks are stored; with the first one if some were before."""

    def __init__(self, context: Context, stored: list[int]) -> None:
        self._context, self._stored = context, stored
        self._stretch, self._next = _FIRST_STRETCH, len(stored) if stored else _FIRST_STRETCH

    def stored(self, chunk: int, frames: int) -> None:
        """A chunk more; ``frames`` are stored by now."""
        self._stored.append(chunk)
        if len(self._stored) < self._next:
            return
        self._context.partial_result(EncodeResult(frames=frames, chunks=tuple(self._stored)))
        self._stretch = min(2 * self._stretch, _LONGEST_STRETCH)
        self._next = len(self._stored) + self._stretch


def chunk_crops(reader: FrameReader, analysis: Analysis, chunks: list[Chunk], size: int) -> Iterator[tuple[Chunk, Crops]]:
    """Each chunk with its aligned crops uint8 [V, size, size, 3], in the order in which the chunks end.

    A frame in which the face is not seen is shown as the nearest one in which it is: a student sees what lies around a frame,
    and a flash or a hand in one would spoil its neighbours.

    Frames are read once, although chunks overlap by their pre-roll; those that no chunk needs are skipped by seeking.
    """
    places = {path.track.index: _TrackPlace.of(path, size) for path in analysis.paths}
    open_chunks: dict[Chunk, list[Crops | None]] = {}
    waiting = sorted(chunks, key=lambda chunk: chunk.start)
    for stretch in frame_ranges(frame for chunk in chunks for frame in range(chunk.start, chunk.end)):
        for frame in reader.read(stretch.start, stretch.end):
            while waiting and waiting[0].start == frame.index:
                open_chunks[waiting.pop(0)] = []
            crops = {track: places[track].crop(frame) for track in {chunk.track for chunk in open_chunks}}
            for chunk in list(open_chunks):
                open_chunks[chunk].append(crops[chunk.track])
                if frame.index + 1 == chunk.end:
                    yield chunk, _nearest(open_chunks.pop(chunk))


def _nearest(crops: list[Crops | None]) -> Crops:
    """All of them, with the nearest one in place of each that is None; of two as near, the earlier."""
    there = np.array([i for i, crop in enumerate(crops) if crop is not None])
    nearest = [int(there[np.abs(there - i).argmin()]) for i in range(len(crops))]
    return np.stack([crop for crop in (crops[i] for i in nearest) if crop is not None])


def _padded(crops: Crops) -> Crops:
    return pad_to_blocks(crops).astype(np.uint8, copy=False)
