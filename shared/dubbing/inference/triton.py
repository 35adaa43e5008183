"""The engine on NVIDIA Triton Inference Server: one request per AR block, one Triton sequence per chunk.

Blocks are sent one after another on the sequence's own correlation id. The wait for each answer is the moment at which the
caller can stop: closing the iterator sends nothing more, and the server reclaims the slot when the sequence has idled.
"""

import secrets
from collections.abc import Iterator
from typing import Any

import numpy as np
import structlog
from numpy.typing import NDArray

from dubbing.inference.client import TritonClient
from dubbing.inference.engine import Block, ChunkRequest, FaceLatents, SpeechWindow, speech_of_block
from lipforcing.contract import (
    LATENTS_PER_BLOCK,
    STUDENTS,
    FaceEncoderTensor,
    SpeechEncoderTensor,
    StudentTensor,
    blocks_for,
)

log = structlog.get_logger()


class TritonEngine:
    """Drives the three models of one preset over gRPC. Not thread-safe: one engine per thread.

    Args:
        url: ``host:port`` of the gRPC endpoint.
        preset: key of `lipforcing.contract.STUDENTS`.
        version: number of the models' version folder; None takes the server's choice.
        timeout: seconds that one request may take; the first of a cold model is the slowest.
    """

    def __init__(self, url: str, preset: str, version: int | None = None, timeout: float = 120.0) -> None:
        self.contract = STUDENTS[preset]
        self._client = TritonClient(url, "generating", version, timeout)

    def check(self) -> None:
        """See `LipSyncEngine.check`."""
        for model in (self.contract.student, self.contract.face_encoder, self.contract.speech_encoder):
            self._client.require(model)

    def encode_faces(self, crops_VHWC: NDArray[np.uint8]) -> FaceLatents:
        """See `LipSyncEngine.encode_faces`."""
        names = FaceEncoderTensor
        answer = self._client.infer(self.contract.face_encoder, {names.CROPS: crops_VHWC}, (names.REFERENCE, names.MASKED))
        return FaceLatents(answer.as_numpy(names.REFERENCE), answer.as_numpy(names.MASKED))

    def encode_speech(self, window: SpeechWindow) -> NDArray[np.float16]:
        """See `LipSyncEngine.encode_speech`."""
        names = SpeechEncoderTensor
        inputs: dict[Any, NDArray[Any]] = {
            names.WAVEFORM: window.waveform_S.astype(np.float32),
            names.FRAME_TIMES: window.frame_times_V.astype(np.float64),
            names.LEVEL: np.asarray(window.level, np.float32),
        }
        features: NDArray[np.float16] = self._client.infer(self.contract.speech_encoder, inputs, (names.FEATURES,)).as_numpy(
            names.FEATURES
        )
        return features

    def generate(self, request: ChunkRequest) -> Iterator[Block]:
        """See `LipSyncEngine.generate`."""
        sequence = secrets.randbits(63) | 1
        nonce = secrets.randbits(62)
        blocks = blocks_for(len(request.speech_VA))
        log.debug("sequence_started", sequence=sequence, chunk=request.chunk, attempt=request.attempt, blocks=blocks)
        for block in range(blocks):
            answer = self._client.infer(
                self.contract.student,
                _block_inputs(request, block, nonce),
                (StudentTensor.FRAMES, StudentTensor.DIGEST),
                sequence_id=sequence,
                sequence_start=block == 0,
                sequence_end=block == blocks - 1,
            )
            digest = answer.as_numpy(StudentTensor.DIGEST).tobytes().hex()
            yield Block(answer.as_numpy(StudentTensor.FRAMES)[0], digest)


def _block_inputs(request: ChunkRequest, block: int, nonce: int) -> dict[StudentTensor, NDArray[Any]]:
    part = slice(block * LATENTS_PER_BLOCK, (block + 1) * LATENTS_PER_BLOCK)
    tensors: dict[StudentTensor, NDArray[Any]] = {
        StudentTensor.SEED: np.array([request.seed], np.int64),
        StudentTensor.NONCE: np.array([nonce], np.int64),
        StudentTensor.CHUNK: np.array([request.chunk], np.int32),
        StudentTensor.BLOCK: np.array([block], np.int32),
        StudentTensor.REFERENCE: request.latents.reference_TZhw[part],
        StudentTensor.MASKED: request.latents.masked_TZhw[part],
        StudentTensor.SPEECH: speech_of_block(request.speech_VA, block),
    }
    # The server batches blocks of different sequences: every tensor has a batch dimension, which is 1 here.
    return {name: tensor[None] for name, tensor in tensors.items()}
