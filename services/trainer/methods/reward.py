"""Weights of a student's samples by how well its mouths fit the sound (Re-DMD).

The reward is SyncNet's median distance minus its distance at shift 0: a mouth that fits another moment earns nothing. It is
computed on decoded crops by the scorer that also is the metric, and carries no gradient; it only says how much each sample's
own loss counts.

Choices:
- Every mode is bounded. exp(2 · r) of a good clip is a million; one clip would be the whole batch.
- Normalised modes see the rewards of the whole step, over all ranks and micro-batches. (Normalised within a micro-batch of one
  sample, every weight would be 1.)

Legend: B samples of a micro-batch, N samples of the step, Z latent channels, T latent frames, S samples of sound, E embedding.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, get_args

import torch
from torch import Tensor

from lipforcing.syncnet import ClipScorer, score_of
from lipforcing.vae.base import Codec, to_uint8
from services.trainer.methods.samples import Clips

# exp(β r); the same with mean 1 over the step; of the standardised reward, mean 1; of the reward within bounds, mean 1.
Mode = Literal["per_sample", "self_normalised", "centred", "clamped"]


@dataclass(frozen=True, slots=True)
class Weighting:
    """From rewards to weights.

    Attributes:
        mode: see ``Mode``.
        beta: inverse temperature.
        cap: largest weight.
        spread: standard deviations to which ``centred`` limits the reward.
        bounds: to which ``clamped`` limits the reward.

    Raises:
        ValueError: an unknown mode, or a cap below 1, which cannot leave a mean of 1.
    """

    mode: Mode = "centred"
    beta: float = 2.0
    cap: float = 4.0
    spread: float = 2.0
    bounds: tuple[float, float] = (0.0, 8.0)

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        if self.mode not in get_args(Mode):
            raise ValueError(f"rewards become weights by {', '.join(get_args(Mode))}, not {self.mode!r}")
        if self.cap < 1.0:
            raise ValueError(f"the largest weight must be at least 1, not {self.cap}")

    def weights(self, rewards_N: Tensor) -> Tensor:
        """Weights [N] of all samples of one step, in (0, cap]."""
        if self.mode == "per_sample":
            # Each sample for itself; unbounded above but for the cap.
            return (self.beta * rewards_N).exp().clamp(max=self.cap)
        if self.mode == "centred":
            # Rewards that differ by rounding only are equal.
            deviation = rewards_N.std(correction=0).clamp(min=1e-6)  # of one sample alone it is 0
            rewards_N = ((rewards_N - rewards_N.mean()) / deviation).clamp(-self.spread, self.spread)
        elif self.mode == "clamped":
            rewards_N = rewards_N.clamp(*self.bounds)  # [N]
        # Softmax times N: weights of mean 1, so the step's size does not follow the rewards.
        return _capped(torch.softmax(self.beta * rewards_N, dim=0) * len(rewards_N), self.cap)


def _capped(weights_N: Tensor, cap: float) -> Tensor:
    """Weights of mean 1 with none above ``cap``; what is cut off goes to the others in proportion."""
    weights_N = weights_N.clamp(min=torch.finfo(weights_N.dtype).tiny)  # what vanished still has a share
    for _ in range(len(weights_N)):
        over = weights_N >= cap  # those cut before stay cut
        if not (weights_N > cap).any():
            break
        # What is left for those below the cap, so that the mean stays 1.
        rest = len(weights_N) - cap * over.sum()
        others = torch.where(over, 0.0, weights_N)  # [N]
        weights_N = torch.where(over, cap, others * rest / others.sum())
    return weights_N


class Reward(Protocol):
    """What a clip has earned."""

    def __call__(self, x0_BZThw: Tensor, clips: Clips) -> Tensor:
        """Rewards [B] of generated latents, without gradient."""


class SyncReward:
    """Decodes clips and asks SyncNet, by the metric's own scorer."""

    def __init__(self, codec: Codec, scorer: ClipScorer) -> None:
        self._codec, self._scorer = codec.eval().requires_grad_(requires_grad=False), scorer
        self._sound_embeddings: dict[str, Tensor] = {}

    @torch.no_grad()
    def __call__(self, x0_BZThw: Tensor, clips: Clips) -> Tensor:
        """See ``Reward``.

        Raises:
            ValueError: the micro-batch has no waveforms.
        """
        with torch.autocast(x0_BZThw.device.type, enabled=False):  # the metric's own precision, whatever the student's
            return self._earned(x0_BZThw, clips.names, clips.needed_waveforms())

    def _earned(self, x0_BZThw: Tensor, names: Sequence[str], waveform_BS: Tensor) -> Tensor:
        dtype = next(self._codec.parameters()).dtype  # the decoder's, whatever the student's
        # [B, Z, T, h, w] -> [B, V, H, W, 3], 8 bits as the metric sees them.
        pictures_BVHWC = to_uint8(self._codec.decode(x0_BZThw.to(dtype)))
        rows = zip(pictures_BVHWC, names, waveform_BS, strict=True)
        # Each clip's distances at all shifts, and from them the median minus that at shift 0.
        scores = [score_of(self._scorer.table(frames, self._sounds(name, waveform))) for frames, name, waveform in rows]
        return torch.tensor([score.in_time for score in scores], device=x0_BZThw.device)

    def _sounds(self, name: str, waveform_S: Tensor) -> Tensor:
        """A sample's sound never changes: it is embedded once."""
        if name not in self._sound_embeddings:
            self._sound_embeddings[name] = self._scorer.sounds(waveform_S.cpu())
        return self._sound_embeddings[name]


def over_ranks(rewards_B: Tensor) -> tuple[Tensor, int]:
    """The rewards of all ranks in order, [N], and where this rank's begin."""
    if not torch.distributed.is_initialized():
        return rewards_B, 0
    # All ranks hold equally many samples, so the place of this one's is its number times B.
    parts = [torch.empty_like(rewards_B) for _ in range(torch.distributed.get_world_size())]
    torch.distributed.all_gather(parts, rewards_B)  # [B] from each rank
    return torch.cat(parts), torch.distributed.get_rank() * len(rewards_B)
