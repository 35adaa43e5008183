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
from pydantic import SecretStr
from tritonclient import grpc
from tritonclient.utils import InferenceServerException, np_to_triton_dtype

from dubbing.errors import ChunkFailed, DublineError, ModelUnavailable
from dubbing.inference.channel import grpc_client
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

# gRPC statuses (as the client writes them) of a server that is gone, starting, or full: the work succeeds later.
_PASSING = ("UNAVAILABLE", "CANCELLED", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED", "NOT_FOUND", "UNKNOWN")

# A server that was restarted is found again at once: by default gRPC waits up to two minutes between looks.
_CHANNEL = [
    ("grpc.max_reconnect_backoff_ms", 1000),
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
]


class TritonEngine:
    """Drives the three models of one preset over gRPC. Not thread-safe: one engine per thread.

    Args:
        url: ``host:port`` of the gRPC endpoint, or ``unix:/path``.
        preset: key of `lipforcing.contract.STUDENTS`.
        version: number of the models' version folder; None takes the server's choice.
        timeout: seconds that one request may take; the first of a cold model is the slowest.
        secret: what the server asks for; None where it asks for nothing.
    """

    def __init__(
        self, url: str, preset: str, version: int | None = None, timeout: float = 120.0, secret: SecretStr | None = None
    ) -> None:
        self.contract = STUDENTS[preset]
        self._version = "" if version is None else str(version)
        self._client = grpc_client(url, secret, channel_args=_CHANNEL)
        self._url = url
        self._timeout = timeout

    def check(self) -> None:
        """See `LipSyncEngine.check`."""
        for model in (self.contract.student, self.contract.face_encoder, self.contract.speech_encoder):
            try:
                ready = self._client.is_model_ready(model, self._version, client_timeout=5.0)
            except InferenceServerException as error:
                raise self._unavailable(model, str(error.message())) from error
            if not ready:
                raise self._unavailable(model, self._reason(model))

    def encode_faces(self, crops_VHWC: NDArray[np.uint8]) -> FaceLatents:
        """See `LipSyncEngine.encode_faces`."""
        names = FaceEncoderTensor
        answer = self._infer(self.contract.face_encoder, {names.CROPS: crops_VHWC}, (names.REFERENCE, names.MASKED))
        return FaceLatents(answer.as_numpy(names.REFERENCE), answer.as_numpy(names.MASKED))

    def encode_speech(self, window: SpeechWindow) -> NDArray[np.float16]:
        """See `LipSyncEngine.encode_speech`."""
        names = SpeechEncoderTensor
        inputs: dict[Any, NDArray[Any]] = {
            names.WAVEFORM: window.waveform_S.astype(np.float32),
            names.FRAME_TIMES: window.frame_times_V.astype(np.float64),
            names.LEVEL: np.asarray(window.level, np.float32),
        }
        features: NDArray[np.float16] = self._infer(self.contract.speech_encoder, inputs, (names.FEATURES,)).as_numpy(
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
            answer = self._infer(
                self.contract.student,
                _block_inputs(request, block, nonce),
                (StudentTensor.FRAMES, StudentTensor.DIGEST),
                sequence_id=sequence,
                sequence_start=block == 0,
                sequence_end=block == blocks - 1,
            )
            digest = answer.as_numpy(StudentTensor.DIGEST).tobytes().hex()
            yield Block(answer.as_numpy(StudentTensor.FRAMES)[0], digest)

    def _infer(
        self, model: str, inputs: dict[Any, NDArray[Any]], outputs: tuple[str, ...], **sequence: Any
    ) -> grpc.InferResult:
        tensors = []
        for name, array in inputs.items():
            tensor = grpc.InferInput(str(name), list(array.shape), np_to_triton_dtype(array.dtype))
            tensor.set_data_from_numpy(np.ascontiguousarray(array))
            tensors.append(tensor)
        wanted = [grpc.InferRequestedOutput(str(name)) for name in outputs]
        try:
            return self._client.infer(model, tensors, self._version, outputs=wanted, client_timeout=self._timeout, **sequence)
        except InferenceServerException as error:
            raise self._problem(model, error) from error

    def _problem(self, model: str, error: InferenceServerException) -> DublineError:
        """Tell a server that is away, or was restarted in mid-sequence, from a block that it refused."""
        status = str(error.status() or "")
        message, _, _ = str(error.message() or "").partition("\n\nAt:\n")  # what a model raised; its stack is for the log
        lost_sequence = "sequence" in message.lower() or "slot" in message.lower()
        if lost_sequence or any(word in status for word in _PASSING):
            return self._unavailable(model, message)
        return ChunkFailed(
            f"{model} refused the request: {message.strip()}",
            where={"stage": "generating", "model": model},
            suggestions=("look at the inference server's log for this model", "check that the model's weights are intact"),
        )

    def _unavailable(self, model: str, reason: str) -> ModelUnavailable:
        return ModelUnavailable(
            f"{model} at {self._url} does not answer: {reason.strip() or 'no reason given'}",
            where={"stage": "generating", "model": model},
            suggestions=("the work is tried again by itself", "see `dubline status` and the inference server's log"),
        )

    def _reason(self, model: str) -> str:
        index = self._client.get_model_repository_index(client_timeout=5.0)
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
