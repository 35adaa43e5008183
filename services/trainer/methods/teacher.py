"""The teacher: a bidirectional network trained by flow matching, and its sampler with classifier-free guidance.

Training noise has 1000 levels with shift 3, each equally likely; the loss is weighted by a bell over the levels (middle noise
counts most, the ends nothing) and by place (the mouth counts more). Text and sound are dropped now and then, which gives
guidance its nulls.

Legend: B samples, Z latent channels, T latent frames, h/w latent side.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise

import torch
from torch import Tensor

from lipforcing.network import LipNetwork
from lipforcing.presets import TeacherConfig
from lipforcing.schedule import add_noise, flow_to_x0, sampling_grid, shifted
from services.trainer.common.losses import flow_loss, guided
from services.trainer.methods.draws import Draws, Purpose
from services.trainer.methods.guidance import NullConditions
from services.trainer.methods.networks import CellWeights, predict_flow
from services.trainer.methods.samples import Clips

LEVELS = 1000
_LEAST_SIGMA = 0.003 / 1.002


@cache
def training_levels(shift: float) -> tuple[Tensor, Tensor]:
    """Timesteps and loss weights of the training levels, float64 [1000] each; the weights have mean 1."""
    # From pure noise down; t' = s t / (1 + (s - 1) t) moves levels towards noise, as larger pictures need.
    sigma = shifted(torch.linspace(1.0, _LEAST_SIGMA, LEVELS, dtype=torch.float64), shift)
    # exp(-2 (t - 1/2)^2), highest in the middle.
    bell = torch.exp(-2.0 * (sigma - 0.5).square())
    # The ends count nothing: there the answer is known, or nothing can be seen.
    bell = bell - bell.min()  # [1000], 0 at the noisy end
    return sigma, bell / bell.mean()  # mean 1: the loss keeps its size


@dataclass(frozen=True, slots=True)
class FlowStage:
    """How the teacher is trained.

    Attributes:
        shift: of the training levels.
        places: weights of mouth and rest.
        drop_text: chance that a clip loses its text.
        drop_speech: chance that a clip loses its sound.
        bell: weight levels by the bell; otherwise all alike.
    """

    shift: float = 3.0
    places: CellWeights = field(default=CellWeights(mouth=2.0))
    drop_text: float = 0.1
    drop_speech: float = 0.1
    bell: bool = True


@dataclass(frozen=True, slots=True)
class FlowMatching:
    """The objective; see the module's head."""

    stage: FlowStage
    null: NullConditions

    def losses(self, network: LipNetwork, clips: Clips, draws: Draws) -> Tensor:
        """Loss of every clip, [B]."""
        stage, x0 = self.stage, clips.x0_BZThw
        # Every level is as likely as any other; what counts more is told by the weight.
        levels, weights = training_levels(stage.shift)
        # [B] whole numbers 0 .. 999: one level for all frames of a clip, which a bidirectional network sees at once.
        index_B = (draws.uniform(Purpose.LEVEL) * LEVELS).long()  # the number is below 1
        # [B, Z, T, h, w] like x0, drawn on the CPU: any device and any number of ranks gets the same numbers.
        noise = draws.normal(Purpose.NOISE, tuple(x0.shape[1:])).to(x0)
        t_B = levels[index_B]  # float64, like the levels
        # Guidance needs a network that knows what a clip looks like without its conditions.
        dropped = self.null.drop(clips, draws, stage.drop_text, stage.drop_speech)
        # The target of the flow is noise - x0, the same at every level.
        flow = predict_flow(network, add_noise(x0, noise, t_B), t_B, dropped)  # [B, Z, T, h, w]
        level_weight_B = weights[index_B].to(x0) if stage.bell else torch.ones(len(clips)).to(x0)
        return flow_loss(flow, x0, noise, stage.places.weight(x0), level_weight_B)


@dataclass(frozen=True, slots=True)
class OdeStep:
    """One step of a sampling run: its number, timestep, noisy clips and the clean clips seen in them."""

    number: int
    t: float
    x_t: Tensor
    x0: Tensor


@dataclass(frozen=True, slots=True)
class Teacher:
    """A trained bidirectional teacher that samples."""

    config: TeacherConfig
    network: LipNetwork
    null: NullConditions

    def x0(self, x_t: Tensor, t_B: Tensor, clips: Clips, scale: float) -> Tensor:
        """The clean clips seen in noisy ones with guidance; at scale 1 the pass without conditions is not run."""
        # [B, Z, T, h, w]: with all conditions.
        flow = predict_flow(self.network, x_t, t_B, clips)
        if scale != 1.0:
            # A second whole pass, which is why guidance doubles the teacher's cost.
            without = predict_flow(self.network, x_t, t_B, self.null.negative(clips))
            # p + (s - 1) (p - n): away from what the clip would be in silence.
            flow = guided(flow, without, torch.full((len(clips),), scale, device=flow.device))
        # x0 = x_t - t flow.
        return flow_to_x0(x_t, flow, t_B)

    @torch.no_grad()
    def trajectory(self, clips: Clips, noise: Tensor, scale: float | Callable[[int], float]) -> Iterator[OdeStep]:
        """Euler's method along the teacher's grid, step by step; the last step's x0 is the sample.

        Args:
            clips: their conditions and shape; the targets are not looked at.
            noise: standard normal, like the targets; at t = 0.999 clips are taken to be pure noise.
            scale: of guidance, constant or by step.
        """
        # The grid begins at t = 0.999, where hardly anything of a clip is left.
        x_t = noise  # [B, Z, T, h, w]
        for step, (t, after) in enumerate(pairwise(sampling_grid(self.config.steps, self.config.shift).tolist())):
            # Timesteps stay float64: a bfloat16 one is wrong by up to 0.2 %.
            t_B = torch.full((len(clips),), t, dtype=torch.float64)
            x0 = self.x0(x_t, t_B, clips, scale(step) if callable(scale) else scale)
            yield OdeStep(step, t, x_t, x0)  # both [B, Z, T, h, w]
            x_t = jump(x_t, x0, t, after)  # one Euler step along the straight line

    def sample(self, clips: Clips, noise: Tensor, scale: float | None = None) -> Tensor:
        """Clips of a full sampling run, [B, Z, T, h, w]; guided at the teacher's own scale by default."""
        x0 = noise  # of a grid without steps
        for step in self.trajectory(clips, noise, self.config.guidance if scale is None else scale):
            x0 = step.x0  # the last one stays
        return x0


def jump(x_t: Tensor, x0: Tensor, t: float, after: float) -> Tensor:
    """The point at timestep ``after`` on the straight line from the noise implied by ``x_t`` to ``x0`` (one Euler step)."""
    # x_t = (1 - t) x0 + t noise, solved for the noise; in float64, for t may be small.
    noise = (x_t.double() - (1.0 - t) * x0.double()) / t  # float64
    # x_after = (1 - t') x0 + t' noise, back in the clips' own type.
    return ((1.0 - after) * x0.double() + after * noise).to(x_t.dtype)
