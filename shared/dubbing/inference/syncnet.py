"""SyncNet on NVIDIA Triton Inference Server: optional, and asked by whoever judges a master.

Legend: N places, V pictures, H/W picture side, C colours (RGB), S samples, R shifts.
"""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import SecretStr
from tritonclient.utils import InferenceServerException

from dubbing.inference.calls import Call, Tensors, TritonCalls
from lipforcing.contract import SYNCNET, SyncNetTensor

# The first piece that a cold model is asked for is the slowest.
_SECONDS = 120.0


class SyncNetClient(Protocol):
    """Compares mouths with sounds."""

    def is_served(self) -> bool:
        """Whether its weights are at hand now."""

    def distances(
        self, pictures_VHWC: NDArray[np.uint8], waveform_S: NDArray[np.float32], inside: tuple[int, int]
    ) -> NDArray[np.float32]:
        """Distances [N, R] of a piece of a track, as `SyncNetTensor` has it.

        Raises:
            ModelUnavailable, OutOfMemory: it is not served any more, or has no room now.
            ChunkFailed: it refused the piece.
        """


class TritonSyncNet:
    """`SyncNetClient` behind a server. Not thread-safe: one for each thread.

    Args:
        url: ``host:port`` of the server's gRPC endpoint, or ``unix:/path``.
        secret: what the server asks for; None where it asks for nothing.
    """

    def __init__(self, url: str, secret: SecretStr | None = None) -> None:
        self._calls = TritonCalls(url, secret)

    def is_served(self) -> bool:
        """See `SyncNetClient.is_served`."""
        try:
            return bool(self._calls.client.is_model_ready(SYNCNET, client_timeout=5.0))
        except InferenceServerException:
            return False

    def distances(
        self, pictures_VHWC: NDArray[np.uint8], waveform_S: NDArray[np.float32], inside: tuple[int, int]
    ) -> NDArray[np.float32]:
        """See `SyncNetClient.distances`."""
        names = SyncNetTensor
        inputs: Tensors = {
            names.PICTURES: pictures_VHWC,
            names.WAVEFORM: waveform_S,
            names.INSIDE: np.array(inside, np.int64),
        }
        answer = self._calls.infer(Call(SYNCNET, None, inputs, (names.DISTANCES,), _SECONDS), lambda: None)
        found: NDArray[np.float32] = answer.as_numpy(names.DISTANCES)
        return found
