"""Requests to an NVIDIA Triton Inference Server whose answers can be waited for with an ear for who wants them no more."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import SecretStr
from tritonclient import grpc
from tritonclient.utils import InferenceServerException, np_to_triton_dtype

from dubbing.domain.work import OpenSequence
from dubbing.inference import refusals
from dubbing.inference.channel import grpc_client
from lipforcing.contract import (
    FRAMES_PER_LATENT,
    LATENT_CHANNELS,
    LATENTS_PER_BLOCK,
    NO_BLOCK,
    STUDENTS,
    StudentContract,
    StudentTensor,
)

# A server that was restarted is found again at once: by default gRPC waits up to two minutes between looks.
_CHANNEL = [
    ("grpc.max_reconnect_backoff_ms", 1000),
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
]
_POLL_SECONDS = 0.5
# Seconds that the end of a sequence may wait for the block that is under way, and how long the caller waits for it.
_END_SECONDS = 30.0
_END_WAIT = 2.0

Tensors = dict[Any, NDArray[Any]]
_Answers = SimpleQueue[tuple[grpc.InferResult | None, InferenceServerException | None]]


@dataclass(frozen=True, slots=True)
class Call:
    """One request.

    Attributes:
        model, version: that are asked; None is the version of the server's choice.
        inputs: tensors by name.
        outputs: names of those that are wanted.
        seconds: that the answer may take.
        flags: id, start and end of the sequence that it belongs to; none for a model without.
    """

    model: str
    version: int | None
    inputs: Tensors
    outputs: tuple[str, ...]
    seconds: float
    flags: dict[str, Any] = field(default_factory=dict)


class TritonCalls:
    """One server. Not thread-safe: one for each thread.

    Args:
        url: ``host:port`` of the gRPC endpoint, or ``unix:/path``.
        secret: what the server asks for; None where it asks for nothing.
    """

    def __init__(self, url: str, secret: SecretStr | None = None) -> None:
        self.client = grpc_client(url, secret, channel_args=_CHANNEL)
        self.url = url

    def infer(self, call: Call, check: Callable[[], None]) -> grpc.InferResult:
        """The answer to one request.

        ``check`` is called about twice a second meanwhile; what it raises ends the wait. Only the first block of a sequence is
        then taken back, as it may wait for a slot for long. A later one is not: a server that finds it withdrawn forgets its
        sequence without telling the model, which keeps the slot.

        Raises:
            DublineError: the server or the model refused; see `refusals`.
        """
        opens = bool(call.flags.get("sequence_start", True))
        answers: _Answers = SimpleQueue()
        try:
            sent = self._send(call, answers)
            try:
                return self._wait(answers, check)
            except InferenceServerException:
                raise
            except BaseException:
                if opens:
                    sent.cancel()
                raise
        except InferenceServerException as error:
            raise refusals.from_server(call.model, self.url, error, going_on=not opens) from error

    def end(self, sequence: OpenSequence, wait: float = _END_WAIT) -> bool:
        """End a sequence that is left before its last block, so that its slot is free after the block that is under way.

        Args:
            sequence: that is left.
            wait: seconds to wait for the server's word; it is told in any case.

        Returns:
            True when it has ended, also when the server knows no such sequence; False when the server has not said so.
        """
        student = next((contract for contract in STUDENTS.values() if contract.student == sequence.model), None)
        if student is None:
            return True
        flags = {"sequence_id": sequence.id, "sequence_start": False, "sequence_end": True}
        call = Call(sequence.model, sequence.version, _nothing(student, sequence.nonce), (), _END_SECONDS, flags)
        answers: _Answers = SimpleQueue()
        try:
            self._send(call, answers)
            self._next(answers, wait)
        except Empty:
            return False
        except InferenceServerException as error:
            return refusals.is_answer(error)
        return True

    def _send(self, call: Call, answers: _Answers) -> Any:
        tensors = []
        for name, array in call.inputs.items():
            tensor = grpc.InferInput(str(name), list(array.shape), np_to_triton_dtype(array.dtype))
            tensor.set_data_from_numpy(np.ascontiguousarray(array))
            tensors.append(tensor)
        return self.client.async_infer(
            call.model,
            tensors,
            lambda result, error: answers.put((result, error)),
            "" if call.version is None else str(call.version),
            outputs=[grpc.InferRequestedOutput(str(name)) for name in call.outputs] or None,
            client_timeout=call.seconds,
            **call.flags,
        )

    def _wait(self, answers: _Answers, check: Callable[[], None]) -> grpc.InferResult:
        while True:
            with suppress(Empty):
                return self._next(answers, _POLL_SECONDS)
            check()

    @staticmethod
    def _next(answers: _Answers, seconds: float) -> grpc.InferResult:
        result, error = answers.get(timeout=seconds)
        if error is not None:
            raise error
        return result


def _nothing(student: StudentContract, nonce: int) -> Tensors:
    """The tensors of a request that only ends its sequence; the server wants them all."""
    latents = np.zeros((1, LATENTS_PER_BLOCK, LATENT_CHANNELS, student.latent, student.latent), np.float16)
    frames = LATENTS_PER_BLOCK * FRAMES_PER_LATENT
    return {
        StudentTensor.SEED: np.zeros((1, 1), np.int64),
        StudentTensor.NONCE: np.array([[nonce]], np.int64),
        StudentTensor.CHUNK: np.zeros((1, 1), np.int32),
        StudentTensor.BLOCK: np.array([[NO_BLOCK]], np.int32),
        StudentTensor.REFERENCE: latents,
        StudentTensor.MASKED: latents,
        StudentTensor.SPEECH: np.zeros((1, frames, student.speech_features), np.float16),
    }
