"""SyncNet on NVIDIA Triton Inference Server: optional, and asked by whoever judges a master.

Legend: N places, V pictures, H/W picture side, C colours (RGB), S samples, R shifts.
"""

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from dubbing.errors import ModelUnavailable
from dubbing.inference.client import TritonClient
from lipforcing.contract import SYNCNET, SyncNetTensor


class SyncNet(Protocol):
    """Compares mouths with sounds."""

    def is_served(self) -> bool:
        """Whether its weights are at hand now."""

    def distances(
        self, pictures_VHWC: NDArray[np.uint8], waveform_S: NDArray[np.float32], inside: tuple[int, int]
    ) -> NDArray[np.float32]:
        """Distances [N, R] of a piece of a track, as `SyncNetTensor` has it.

        Raises:
            ModelUnavailable: it is not served any more.
            ChunkFailed: it refused the piece.
        """


class TritonSyncNet:
    """`SyncNet` behind a server. Not thread-safe: one for each thread.

    Args:
        url: ``host:port`` of the server's gRPC endpoint.
    """

    def __init__(self, url: str) -> None:
        self._client = TritonClient(url, "verifying")

    def is_served(self) -> bool:
        """See `SyncNet.is_served`."""
        try:
            self._client.require(SYNCNET)
        except ModelUnavailable:
            return False
        return True

    def distances(
        self, pictures_VHWC: NDArray[np.uint8], waveform_S: NDArray[np.float32], inside: tuple[int, int]
    ) -> NDArray[np.float32]:
        """See `SyncNet.distances`."""
        names = SyncNetTensor
        inputs: dict[Any, NDArray[Any]] = {
            names.PICTURES: pictures_VHWC,
            names.WAVEFORM: waveform_S,
            names.INSIDE: np.array(inside, np.int64),
        }
        found: NDArray[np.float32] = self._client.infer(SYNCNET, inputs, (names.DISTANCES,)).as_numpy(names.DISTANCES)
        return found
