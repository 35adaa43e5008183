import hashlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from worker_context import MemoryStore, RecordingContext

from dubbing import ids
from dubbing.domain.faces import Chunk
from dubbing.domain.jobs import ModelPin
from dubbing.domain.work import InferTask, OpenSequence
from dubbing.errors import Cancelled, ChunkFailed, ModelUnavailable
from dubbing.inference.engine import UNWATCHED, ChunkRequest, GeneratedBlock, Watch
from dubbing.inference.passthrough import PassthroughEngine
from dubbing.inference.speech import FRAMES
from dubbing.media.crops import unpack_crops
from services.worker.engines import Engines
from services.worker.infer import InferHandler
from services.worker.latents import save_latents, save_speech

DIGEST = hashlib.sha256(b"passthrough").hexdigest()
ENGINE = PassthroughEngine("tiny")


def crops(frames: int) -> np.ndarray:
    return np.broadcast_to(np.arange(frames, dtype=np.uint8)[:, None, None, None], (frames, 128, 128, 3)).copy()


def task(start: int, keep_from: int, end: int, digest: str = DIGEST) -> InferTask:
    return InferTask(
        job_id="job_1",
        chunk=Chunk(index=2, track=0, shot=0, start=start, keep_from=keep_from, end=end),
        seed=5,
        preset="tiny",
        student=ModelPin(name="lip_student_tiny", digest=digest),
        latents_key="latents",
        speech_prefix="speech/",
        output_key="out.mkv",
    )


class Recording(PassthroughEngine):
    """Passes through, keeps the requests, and stops after some blocks."""

    def __init__(self, blocks: int = 99) -> None:
        super().__init__("tiny")
        self.requests: list[ChunkRequest] = []
        self.ended: list[OpenSequence] = []
        self.left = False
        self._blocks = blocks

    def generate(self, request: ChunkRequest, watch: Watch = UNWATCHED) -> Iterator[GeneratedBlock]:
        self.requests.append(request)
        try:
            for _, block in zip(range(self._blocks), super().generate(request, watch), strict=False):
                yield block
        finally:
            self.left = True

    def end(self, sequence: OpenSequence) -> bool:
        self.ended.append(sequence)
        return True


def run(
    work: InferTask, engine: Any, padded: int, context: RecordingContext | None = None
) -> tuple[MemoryStore, RecordingContext]:
    """The chunk with ``padded`` stored frames; features tell the number of their frame."""
    store, context = MemoryStore(), context or RecordingContext()
    save_latents(store, "latents", ENGINE.encode_faces(crops(padded)))
    for window in range(2):
        rows = np.arange(window * FRAMES, (window + 1) * FRAMES, dtype=np.float16)
        save_speech(store, ids.speech_window_key("speech/", window), np.repeat(rows[:, None], 64, axis=1))
    InferHandler(store, Engines(lambda *_: engine))(work, context)
    return store, context


def test_pre_roll_and_padding_are_not_kept() -> None:
    store, context = run(task(100, 109, 118), Recording(), 21)
    kept = unpack_crops(store.objects["out.mkv"])
    assert kept[:, 0, 0, 0].tolist() == list(range(9, 18))
    assert context.progressed == [(9, 18), (18, 18)]


def test_a_chunk_hears_its_own_frames_also_across_two_windows() -> None:
    engine = Recording()
    run(task(FRAMES - 4, FRAMES - 4, FRAMES + 5), engine, 9, RecordingContext(3))
    (request,) = engine.requests
    assert request.speech_VA[:, 0].tolist() == list(range(FRAMES - 4, FRAMES + 5))
    assert (request.seed, request.chunk, request.attempt) == (5, 2, 3)


def test_the_last_feature_fills_the_last_block() -> None:
    engine = Recording()
    run(task(0, 0, 11), engine, 21)
    assert engine.requests[0].speech_VA[:, 0].tolist() == [*range(11), *[10] * 10]


def test_other_weights_than_the_jobs_are_refused_and_nothing_is_stored() -> None:
    with pytest.raises(ModelUnavailable) as refused:
        run(task(0, 0, 9, digest="f" * 64), Recording(), 9)
    assert refused.value.media == {"pinned": "f" * 64, "served": DIGEST}


def test_too_few_frames_are_a_failed_chunk() -> None:
    with pytest.raises(ChunkFailed, match="9 of the 21 frames"):
        run(task(0, 0, 21), Recording(blocks=1), 21)


def test_what_the_holder_before_left_open_is_ended_first() -> None:
    context, engine = RecordingContext(2), Recording()
    context.item.sequence = OpenSequence.drawn("lip_student_tiny", 1)
    run(task(0, 0, 9), engine, 9, context)
    assert engine.ended == [context.item.sequence]


def test_a_chunk_that_is_cancelled_between_two_blocks_leaves_the_engine_before_anybody_learns_of_it() -> None:
    class Wanted(RecordingContext):
        def progress(self, done: int, total: int) -> None:
            raise Cancelled(f"{done} of {total} were enough")

    engine = Recording()
    try:
        run(task(0, 0, 21), engine, 21, Wanted())
    except Cancelled:  # which still holds the frame of the handler, and all that is in it
        assert engine.left
    else:
        pytest.fail("nobody was told")
