"""The engine that changes nothing: every generated frame is the crop that went in.

It shows what preparation, compositing and encoding alone do to a picture, and runs the pipeline where no model is wanted.
"""

import hashlib
from collections.abc import Generator

import numpy as np
from numpy.typing import NDArray

from dubbing.domain.work import OpenSequence
from dubbing.inference.engine import UNWATCHED, ChunkRequest, FaceLatents, GeneratedBlock, SpeechWindow, Watch
from lipforcing.contract import STUDENTS, block_start, blocks_for, frames_in_block

_DIGEST = hashlib.sha256(b"passthrough").hexdigest()


class PassthroughEngine:
    """Takes the crops themselves, [V, H, W, 3] in fp16 (which holds every byte exactly), for latents.

    Args:
        preset: whose crop size and feature width to use.
    """

    def __init__(self, preset: str) -> None:
        self.contract = STUDENTS[preset]

    def check(self) -> None:
        """Nothing can be missing."""

    def encode_faces(self, crops_VHWC: NDArray[np.uint8], watch: Watch = UNWATCHED) -> FaceLatents:
        """See `LipSyncEngine.encode_faces`."""
        watch.raise_if_canceled()
        crops = crops_VHWC.astype(np.float16)
        return FaceLatents(crops, crops[:0])

    def encode_speech(self, window: SpeechWindow, watch: Watch = UNWATCHED) -> NDArray[np.float16]:
        """See `LipSyncEngine.encode_speech`; the features say nothing."""
        watch.raise_if_canceled()
        return np.zeros((len(window.frame_times_V), self.contract.speech_features), np.float16)

    def generate(self, request: ChunkRequest, watch: Watch = UNWATCHED) -> Generator[GeneratedBlock]:
        """See `LipSyncEngine.generate`."""
        crops = request.latents.reference_TZhw
        for block in range(blocks_for(len(request.speech_VA))):
            watch.raise_if_canceled()
            start = block_start(block)
            yield GeneratedBlock(crops[start : start + frames_in_block(block)].astype(np.uint8), _DIGEST)

    def end(self, sequence: OpenSequence) -> bool:
        """See `LipSyncEngine.end`; nothing is ever open."""
        del sequence
        return True
