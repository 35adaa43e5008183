"""The first frame as a client has it: crops to the real inference server, frames back, with the weights that are here."""

import os
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

from dubbing.inference.engine import ChunkRequest
from dubbing.inference.triton import TritonEngine
from lipforcing.contract import FIRST_BLOCK_FRAMES, StudentContract
from services.stack.public import LocalStack, home_at

_REPEATS = 5


def first_frame_on_client(contract: StudentContract) -> float:
    """Median seconds from the request with the first nine crops to the first block's frames, after one that warms up."""
    with tempfile.TemporaryDirectory() as folder:
        stack = LocalStack(home_at(Path(folder)), owner=os.getpid())
        try:
            stack.start(["triton"])
            engine = TritonEngine(stack.env()["DUBLINE_TRITON_URL"], contract.preset)
            engine.check()
            taken = [_once(engine, attempt) for attempt in range(1 + _REPEATS)]
        finally:
            stack.destroy()
    return round(statistics.median(taken[1:]), 4)


def _once(engine: TritonEngine, attempt: int) -> float:
    side = engine.contract.crop
    crops = np.random.default_rng(0).integers(0, 255, (FIRST_BLOCK_FRAMES, side, side, 3), np.uint8)
    speech = np.zeros((FIRST_BLOCK_FRAMES, engine.contract.speech_features), np.float16)
    began = time.perf_counter()
    (block,) = engine.generate(ChunkRequest(1, 0, attempt, engine.encode_faces(crops), speech))
    assert len(block.frames_VHWC) == FIRST_BLOCK_FRAMES  # noqa: S101 - a benchmark that timed nothing shall not report
    return time.perf_counter() - began
