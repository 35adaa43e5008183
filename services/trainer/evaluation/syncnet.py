"""`SyncScorer` by SyncNet, with the published weights or with our own small ones.

Its figures are Sync-C, Sync-D and the offset of the published metric, on the product's aligned crops: not on the tracks and
crops of the published protocol, so they come near published figures and are not the same.

Legend: V video frames, H/W crop side, C colours, S samples (16 kHz).
"""

from pathlib import Path
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray

from lipforcing import syncnet
from lipforcing.weights.errors import KeyMismatchError
from lipforcing.weights.syncnet import load_syncnet

from .sync import SyncScore


class SyncNetScorer:
    """`SyncScorer` by a SyncNet.

    Args:
        network: trained or loaded.
        name: says whose weights.
    """

    def __init__(self, network: syncnet.SyncNet, name: str) -> None:
        self._scorer, self._name = syncnet.ClipScorer(network), name

    @classmethod
    def of(cls, path: Path) -> Self:
        """The SyncNet in a file, of the published size or of our small one.

        Raises:
            WeightsError: the file is neither.
        """
        try:
            return cls(load_syncnet(path), "syncnet-v2")
        except KeyMismatchError:
            return cls(load_syncnet(path, syncnet.TINY), "syncnet-tiny")

    @property
    def name(self) -> str:
        """Which network judges."""
        return self._name

    def score(self, crops_VHWC: NDArray[np.uint8], sound_S: NDArray[np.int16]) -> SyncScore | None:
        """See `SyncScorer`."""
        waveform_S = torch.from_numpy(sound_S.astype(np.float32) / 32_768.0)
        found = self._scorer.score(torch.from_numpy(crops_VHWC), waveform_S)
        return SyncScore(found.confidence, found.distance, found.offset)
