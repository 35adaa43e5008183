"""The engine on NVIDIA Triton Inference Server: one request per AR block, one Triton sequence per chunk.

Blocks are sent one after another on the sequence's own correlation id. Whoever closes the iterator, or stops waiting for a
block, leaves the sequence; it is then ended, so that its slot is free for the next one.
"""

from collections.abc import Generator
from typing import Any

import numpy as np
import structlog
from numpy.typing import NDArray
from pydantic import SecretStr
from tritonclient import grpc
from tritonclient.utils import InferenceServerException

from dubbing.domain.work import OpenSequence
from dubbing.inference import refusals
from dubbing.inference.calls import Call, Tensors, TritonCalls
from dubbing.inference.engine import UNWATCHED, ChunkRequest, FaceLatents, GeneratedBlock, SpeechWindow, Watch, speech_of_block
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
        url: ``host:port`` of the gRPC endpoint, or ``unix:/path``.
        preset: key of `lipforcing.contract.STUDENTS`.
        version: number of the models' version folder; None takes the server's choice.
        timeout: seconds that one request may take; the first of a cold model is the slowest.
        slot_wait: seconds that the first block of a chunk may take, which waits for a slot. Work that waits longer goes back
            among the waiting ones, whose order the database decides.
        secret: what the server asks for; None where it asks for nothing.
    """

    def __init__(
        self,
        url: str,
        preset: str,
        version: int | None = None,
        timeout: float = 120.0,
        slot_wait: float = 60.0,
        *,
        secret: SecretStr | None = None,
    ) -> None:
        self.contract = STUDENTS[preset]
        self._calls = TritonCalls(url, secret)
        self._version = version
        self._timeout = timeout
        self._slot_wait = min(timeout, slot_wait)

    def check(self) -> None:
        """See `LipSyncEngine.check`."""
        client, url = self._calls.client, self._calls.url
        version = "" if self._version is None else str(self._version)
        for model in (self.contract.student, self.contract.face_encoder, self.contract.speech_encoder):
            try:
                ready = client.is_model_ready(model, version, client_timeout=5.0)
            except InferenceServerException as error:
                raise refusals.unavailable(model, url, str(error.message())) from error
            if not ready:
                raise refusals.unavailable(model, url, self._reason(model))

    def encode_faces(self, crops_VHWC: NDArray[np.uint8], watch: Watch = UNWATCHED) -> FaceLatents:
        """See `LipSyncEngine.encode_faces`."""
        names = FaceEncoderTensor
        inputs: Tensors = {names.CROPS: crops_VHWC}
        answer = self._encode(self.contract.face_encoder, inputs, (names.REFERENCE, names.MASKED), watch)
        return FaceLatents(answer.as_numpy(names.REFERENCE), answer.as_numpy(names.MASKED))

    def encode_speech(self, window: SpeechWindow, watch: Watch = UNWATCHED) -> NDArray[np.float16]:
        """See `LipSyncEngine.encode_speech`."""
        names = SpeechEncoderTensor
        inputs: Tensors = {
            names.WAVEFORM: window.waveform_S.astype(np.float32),
            names.FRAME_TIMES: window.frame_times_V.astype(np.float64),
            names.LEVEL: np.asarray(window.level, np.float32),
        }
        answer = self._encode(self.contract.speech_encoder, inputs, (names.FEATURES,), watch)
        features: NDArray[np.float16] = answer.as_numpy(names.FEATURES)
        return features

    def generate(self, request: ChunkRequest, watch: Watch = UNWATCHED) -> Generator[GeneratedBlock]:
        """See `LipSyncEngine.generate`."""
        sequence = OpenSequence.drawn(self.contract.student, self._version)
        blocks, answered = blocks_for(len(request.speech_VA)), 0
        watch.opens(sequence)
        log.debug("sequence_started", sequence=sequence.id, chunk=request.chunk, attempt=request.attempt, blocks=blocks)
        try:
            for block in range(blocks):
                answer = self._generate(request, block, blocks, sequence, watch)
                answered += 1
                yield GeneratedBlock(
                    answer.as_numpy(StudentTensor.FRAMES)[0], answer.as_numpy(StudentTensor.DIGEST).tobytes().hex()
                )
        finally:
            if answered < blocks:
                # One that never got a slot ends where it waits for one, which nobody should wait for.
                ended = self._calls.end(sequence) if answered else self._calls.end(sequence, wait=0.0)
                log.info("sequence_left", sequence=sequence.id, chunk=request.chunk, answered=answered, ended=ended)

    def end(self, sequence: OpenSequence) -> bool:
        """See `LipSyncEngine.end`."""
        return self._calls.end(sequence)

    def _encode(self, model: str, inputs: Tensors, outputs: tuple[str, ...], watch: Watch) -> grpc.InferResult:
        return self._calls.infer(Call(model, self._version, inputs, outputs, self._timeout), watch.raise_if_canceled)

    def _generate(
        self, request: ChunkRequest, block: int, blocks: int, sequence: OpenSequence, watch: Watch
    ) -> grpc.InferResult:
        call = Call(
            sequence.model,
            sequence.version,
            _block_inputs(request, block, sequence.nonce),
            (StudentTensor.FRAMES, StudentTensor.DIGEST),
            self._timeout if block else self._slot_wait,
            {"sequence_id": sequence.id, "sequence_start": block == 0, "sequence_end": block == blocks - 1},
        )
        return self._calls.infer(call, watch.raise_if_canceled)

    def _reason(self, model: str) -> str:
        index = self._calls.client.get_model_repository_index(client_timeout=5.0)
        return next((entry.reason for entry in index.models if entry.name == model and entry.reason), "it is not loaded")


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
