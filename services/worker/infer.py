"""INFER: one chunk, streamed through the student block by block."""

from contextlib import closing

import numpy as np
from numpy.typing import NDArray

from dubbing import ids
from dubbing.domain.work import InferResult, InferTask
from dubbing.errors import ChunkFailed, ModelUnavailable
from dubbing.inference.engine import ChunkRequest, GeneratedBlock, pad_to_blocks
from dubbing.inference.speech import FRAMES
from dubbing.media.crops import pack_crops
from dubbing.queue.context import Context
from dubbing.storage.store import ObjectStore
from services.worker.engines import Engines
from services.worker.latents import load_latents, load_speech


class InferHandler:
    """Handler of ``infer`` items."""

    def __init__(self, store: ObjectStore, engines: Engines) -> None:
        self._store = store
        self._engines = engines

    def __call__(self, task: InferTask, context: Context) -> InferResult:
        """Generate the chunk and store the frames that are kept, without pre-roll and padding.

        Raises:
            ModelUnavailable: the student is not served now, or with other weights than the job is pinned to.
            ChunkFailed: it refused the chunk, or returned something that is no picture of it.
        """
        chunk = task.chunk
        request = ChunkRequest(
            seed=task.seed,
            chunk=chunk.index,
            attempt=context.item.attempt,
            latents=load_latents(self._store, task.latents_key),
            speech_VA=pad_to_blocks(self._speech(task)).astype(np.float16, copy=False),
        )
        engine = self._engines.get(task.preset, task.student.version)
        if context.item.sequence is not None:  # of the holder before, who may have died over it
            engine.end(context.item.sequence)
        frames: list[NDArray[np.uint8]] = []
        done = 0
        with closing(engine.generate(request, context)) as blocks:  # closed at once: else an error would keep it, and its slot
            for block in blocks:
                _check(task, block)
                frames.append(block.frames_VHWC)
                done += len(block.frames_VHWC)
                context.progress(min(done, len(chunk)), len(chunk))
        if done < len(chunk):
            raise ChunkFailed(
                f"The student returned {done} of the {len(chunk)} frames of chunk {chunk.index}.",
                where={"stage": "generating", "chunk": chunk.index, "frame": chunk.start},
            )
        kept = np.concatenate(frames)[chunk.keep_from - chunk.start : len(chunk)]
        self._store.put_bytes(task.output_key, pack_crops(kept))
        return InferResult(frames=len(kept), digest=task.student.digest)

    def _speech(self, task: InferTask) -> NDArray[np.float16]:
        """Features [V, A] of the chunk's frames, out of the one or two windows that hold them."""
        chunk = task.chunk
        first, last = chunk.start // FRAMES, (chunk.end - 1) // FRAMES
        features = np.concatenate(
            [load_speech(self._store, ids.speech_window_key(task.speech_prefix, i)) for i in range(first, last + 1)]
        )
        return features[chunk.start - first * FRAMES : chunk.end - first * FRAMES]


def _check(task: InferTask, block: GeneratedBlock) -> None:
    if block.digest != task.student.digest:
        raise ModelUnavailable(
            f"{task.student.name} is served with other weights than the job was submitted with.",
            where={"stage": "generating", "model": task.student.name},
            suggestions=("load the version that the job is pinned to", "cancel the job and submit it again"),
            media={"pinned": task.student.digest, "served": block.digest},
        )
