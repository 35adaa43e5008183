"""``syncnet``: distances of mouths to sounds, a piece of a face track at a time.

Legend: N places, V pictures, H/W picture side, C colours (3, RGB), S samples, M sounds, R shifts.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lipforcing.audio.mfcc import mfcc
from lipforcing.contract import SYNCNET_FRAMES, SYNCNET_REACH, SYNCNET_SIDE, syncnet_samples
from lipforcing.serving.errors import InvalidBlockError, NonFiniteOutputError
from lipforcing.syncnet import (
    COLUMNS_PER_FRAME,
    SyncNet,
    distances_by_place,
    embed_pictures,
    embed_sounds,
    prepare_pictures,
    sound_windows,
)

# Pictures of one request: more than a caller needs to keep a GPU busy.
_MOST_FRAMES = 256


class SyncJudge:
    """Compares the pieces of tracks that it is given, as the published metric compares whole ones.

    Args:
        network: of the published size.
    """

    def __init__(self, network: SyncNet) -> None:
        self._network = network
        self._device = next(network.parameters()).device

    @torch.inference_mode()
    def distances(
        self, pictures_VHWC: NDArray[np.uint8], waveform_S: NDArray[np.float32], inside: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """Distances [N, R], float32; shapes and meaning as ``lipforcing.contract.SyncNetTensor`` has them.

        Raises:
            InvalidBlockError: wrong shape or value.
            NonFiniteOutputError: a distance is not finite.
        """
        places = _check(pictures_VHWC, waveform_S, inside)
        lips_NE = embed_pictures(
            self._network, prepare_pictures(torch.from_numpy(pictures_VHWC).to(self._device), SYNCNET_SIDE)
        )
        # The first step is there for the pre-emphasis alone, which looks one sample back.
        columns_CK = mfcc(torch.from_numpy(waveform_S))[:, COLUMNS_PER_FRAME:]
        sounds_ME = embed_sounds(self._network, sound_windows(columns_CK)[: places + 2 * SYNCNET_REACH].to(self._device))
        sounds_ME = torch.where(_within(inside, len(sounds_ME)).to(self._device)[:, None], sounds_ME, 0.0)
        table_NR = distances_by_place(lips_NE, sounds_ME)
        if not torch.isfinite(table_NR).all():
            raise NonFiniteOutputError("the distances of the pictures are not finite")
        return table_NR.cpu().numpy()


def _within(inside: NDArray[np.int64], sounds: int) -> Tensor:
    """Which sounds belong to a place of the track."""
    place = torch.arange(sounds) - SYNCNET_REACH
    return (place >= int(inside[0])) & (place < int(inside[1]))


def _check(pictures_VHWC: NDArray[np.uint8], waveform_S: NDArray[np.float32], inside: NDArray[np.int64]) -> int:
    frames, *rest = pictures_VHWC.shape
    places = int(frames) - SYNCNET_FRAMES + 1
    if rest != [SYNCNET_SIDE, SYNCNET_SIDE, 3] or not SYNCNET_FRAMES <= frames <= _MOST_FRAMES:
        raise InvalidBlockError(
            f"PICTURES must have shape [{SYNCNET_FRAMES} .. {_MOST_FRAMES}, {SYNCNET_SIDE}, {SYNCNET_SIDE}, 3], "
            f"not {list(pictures_VHWC.shape)}"
        )
    if waveform_S.shape != (syncnet_samples(places),):
        raise InvalidBlockError(f"WAVEFORM must have shape [{syncnet_samples(places)}], not {list(waveform_S.shape)}")
    if not np.isfinite(waveform_S).all():
        raise InvalidBlockError("WAVEFORM holds values that are not finite")
    if inside.shape != (2,) or inside[0] > 0 or inside[1] < places:
        raise InvalidBlockError(f"INSIDE must hold the request's {places} places, not {inside.tolist()}")
    return places
