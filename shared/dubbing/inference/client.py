"""One connection to NVIDIA Triton Inference Server, whose refusals become errors of ours."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from tritonclient import grpc
from tritonclient.utils import InferenceServerException, np_to_triton_dtype

from dubbing.errors import ChunkFailed, DublineError, ModelUnavailable

# gRPC statuses (as the client writes them) of a server that is gone, starting, or full: the work succeeds later.
_PASSING = ("UNAVAILABLE", "CANCELLED", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED", "NOT_FOUND", "UNKNOWN")

# A server that was restarted is found again at once: by default gRPC waits up to two minutes between looks.
_CHANNEL = [
    ("grpc.max_reconnect_backoff_ms", 1000),
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
]


class TritonClient:
    """Asks models of one server. Not thread-safe: one client per thread.

    Args:
        url: ``host:port`` of the gRPC endpoint.
        stage: of the work, as errors name it.
        version: number of the models' version folder; None takes the server's choice.
        timeout: seconds that one request may take; the first of a cold model is the slowest.
    """

    def __init__(self, url: str, stage: str, version: int | None = None, timeout: float = 120.0) -> None:
        self._version = "" if version is None else str(version)
        self._client = grpc.InferenceServerClient(url, channel_args=_CHANNEL)
        self._url, self._stage, self._timeout = url, stage, timeout

    def require(self, model: str) -> None:
        """Return when ``model`` is served; raise `ModelUnavailable` with the reason otherwise."""
        try:
            ready = self._client.is_model_ready(model, self._version, client_timeout=5.0)
        except InferenceServerException as error:
            raise self._unavailable(model, str(error.message())) from error
        if not ready:
            raise self._unavailable(model, self._reason(model))

    def infer(self, model: str, inputs: dict[Any, NDArray[Any]], outputs: tuple[str, ...], **sequence: Any) -> grpc.InferResult:
        """The named outputs of one request.

        Raises:
            ModelUnavailable: the server is away, or was restarted in mid-sequence.
            ChunkFailed: it refused the request.
        """
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
            where={"stage": self._stage, "model": model},
            suggestions=("look at the inference server's log for this model", "check that the model's weights are intact"),
        )

    def _unavailable(self, model: str, reason: str) -> ModelUnavailable:
        return ModelUnavailable(
            f"{model} at {self._url} does not answer: {reason.strip() or 'no reason given'}",
            where={"stage": self._stage, "model": model},
            suggestions=("the work is tried again by itself", "see `dubline status` and the inference server's log"),
        )

    def _reason(self, model: str) -> str:
        try:
            index = self._client.get_model_repository_index(client_timeout=5.0)
        except InferenceServerException as error:
            return str(error.message())
        return next((entry.reason for entry in index.models if entry.name == model and entry.reason), "it is not loaded")
