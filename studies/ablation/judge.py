"""What is measured of generated clips: sync by the small SyncNet, mouths by landmarks, pictures against the true ones.

Legend: B clips, V video frames, H/W crop side, Z latent channels, T latent frames, h/w latent side, S samples of sound.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dubbing.faces.detector import FaceDetector
from lipforcing.contract import mouth_mask
from lipforcing.syncnet import ClipScorer
from lipforcing.vae.base import Codec, from_uint8, to_uint8
from lipforcing.vae.tiny import pack_frames
from services.trainer.metrics.mouth_series import MouthSeries, best_lag, correlation, mouths_in
from studies.ablation.held_out import StudyClips
from studies.ablation.mouth_reader import MouthReader

# What a figure is, as the table calls it, and which way is better.
FIGURES = {
    "sync_c": ("Sync-C, ours", 1), "sync_d": ("Sync-D, ours", -1), "offset_0": ("offset 0", 1),
    "in_time": ("Sync-C at shift 0, ours", 1), "lag_0": ("lag 0, read", 1), "read_open": ("opening r, read", 1),
    "read_width": ("width r, read", 1), "r_open": ("opening r, landmarks", 1), "r_width": ("width r, landmarks", 1),
    "mae_open": ("opening error, landmarks", -1), "mouth_mse": ("mouth MSE x 1000", -1),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class StudyJudge:
    """Measures clips.

    Attributes:
        codec: of the latents.
        scorer: the small SyncNet.
        reader: of mouths in the pictures themselves.
        detector: of landmarks.
    """

    codec: Codec
    scorer: ClipScorer
    reader: MouthReader
    detector: FaceDetector

    @torch.no_grad()
    def pictures(self, latents_BZThw: Tensor) -> Tensor:
        """Decoded crops, uint8 [B, V, H, W, 3], one clip at a time."""
        like = next(self.codec.parameters())
        return torch.cat([to_uint8(self.codec.decode(one[None].to(like))) for one in latents_BZThw])

    def figures(self, crops_BVHWC: Tensor, held: StudyClips) -> list[dict[str, float]]:
        """``FIGURES`` of every clip."""
        return [self._clip(crops, held, index) for index, crops in enumerate(crops_BVHWC)]

    def mouths(self, crops_VHWC: Tensor, held: StudyClips, index: int) -> MouthSeries:
        """Opening and width by landmarks, with what is generated of the crop put into the whole crop of the footage.

        Around it is what was filmed, chin included, which spoke other words: nothing of the truth is there.
        """
        around_VHWC = held.around_BVHWC[index].numpy().copy()
        side = crops_VHWC.shape[1]
        first = (around_VHWC.shape[1] - side) // 2
        around_VHWC[:, first : first + side, first : first + side][:, mouth_mask(side)] = crops_VHWC.numpy()[
            :, mouth_mask(side)
        ]
        return mouths_in(around_VHWC, self.detector)

    @torch.no_grad()
    def read(self, crops_VHWC: Tensor) -> NDArray[np.float64]:
        """Drawn opening and width as the reader sees them, [V - 1, 2]: without frame 0, which has a latent of its own."""
        seen = self.reader(pack_frames(from_uint8(crops_VHWC[None, 1:])))
        return np.asarray((seen * self.reader.std + self.reader.mean)[..., -2:].flatten(0, 1).double().numpy())

    def offset(self, crops_VHWC: Tensor, waveform_S: Tensor) -> int:
        """Frames by which the sound comes before its picture."""
        return self.scorer.score(crops_VHWC, waveform_S).offset

    def _clip(self, crops_VHWC: Tensor, held: StudyClips, index: int) -> dict[str, float]:
        score = self.scorer.score(crops_VHWC, held.clips.needed_waveforms()[index])
        seen, truth = self.mouths(crops_VHWC, held, index), held.truth_BV2[index].double().numpy()
        read, said = self.read(crops_VHWC), truth[1:]
        return {
            "sync_c": score.confidence, "sync_d": score.distance, "offset_0": float(score.offset == 0),
            "in_time": score.in_time,
            "lag_0": float(best_lag(read[:, 0], said[:, 0], min(5, len(said) // 2 - 1)) == 0),
            "read_open": correlation(read[:, 0], said[:, 0]), "read_width": correlation(read[:, 1], said[:, 1]),
            "r_open": correlation(seen.opening, truth[:, 0]), "r_width": correlation(seen.width, truth[:, 1]),
            "mae_open": _error(seen.opening, truth[:, 0]), "mouth_mse": mouth_error(crops_VHWC, held.crops_BVHWC[index]),
        }  # fmt: skip


def mouth_error(one_VHWC: Tensor, two_VHWC: Tensor) -> float:
    """Mean squared difference in the mouth region of pictures in [-1, 1]."""
    mask_HW = torch.from_numpy(mouth_mask(one_VHWC.shape[1]))
    apart = from_uint8(one_VHWC) - from_uint8(two_VHWC)
    return float(apart[..., mask_HW].square().mean())


def _error(seen_V: NDArray[np.float64], true_V: NDArray[np.float64]) -> float:
    known = np.isfinite(seen_V)
    return float(np.abs(seen_V - true_V)[known].mean()) if known.any() else float("nan")
