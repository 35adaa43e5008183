"""Stage 3: the causal student by Diffusion Forcing (Chen et al., 2024): every block of a clip at a noise level of its own.

One block-causal forward covers whole clips; each block sees the sink, the block before it and itself, at the positions that
the streaming cache will give them.

Choices:
- Blocks at t = 0 are clean context for their successors. Their prediction is exact by definition, so they carry no loss.
- A student that streams never sees a true clip under noise, only its own first answer noised again. So a share of the steps
  starts from that: the first answer of the whole clip is made without gradient and takes the true clip's place as input (not
  as target).
- What viewers look at is decoded: the mouth in one latent of every clip, compared with the film as a picture and by the
  shape that a reader sees in it.
- The network starts as the identity (``start_from_reference``): its first answer is the footage unchanged, so training begins
  with moving the mouth instead of with learning what a face looks like.

Legend: B clips, Z latent channels, T latent frames, V = 4T - 3 video frames, h/w latent side, P mouth shape parameters.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self, cast

import torch
from torch import Tensor, nn

from lipforcing.cache import BlockCausal
from lipforcing.conditions import Conditions
from lipforcing.contract import LATENT_CHANNELS, LATENTS_PER_BLOCK
from lipforcing.mask import generate_mask
from lipforcing.network import LipNetwork, initialise
from lipforcing.presets import StudentConfig
from lipforcing.schedule import add_noise, flow_to_x0

from .latents import ClipLatents, motion_map
from .losses import weighted_mse
from .mouths import Mouths, MouthWeights
from .optimise import Curve, Optimisation, Parts, optimise

_ASKED_AGAIN = (0.7, 0.3)  # share of the blocks that answer a second time, and that do not


@dataclass(frozen=True, slots=True)
class ForcingStage:
    """How the student is trained.

    Attributes:
        plan: the optimisation.
        chances: probability of every timestep of the student's list, for each block on its own.
        kept: weight of the region that the mask keeps (pasted over by the footage anyway).
        moving: extra weight where mouths move most.
        deaf: share of the clips whose speech is all zero, so that guidance has a null to compare with.
        own: share of the steps that start from the student's own first answers.
        own_chances: probability of every timestep in such steps.
        mouths: weights of what is decoded.
        energy: how far a channel's weight follows what it does to the picture: 0 not at all, 1 makes x0's error the picture's.
        half: compute in bfloat16 (weights of the optimiser stay float32).
    """

    plan: Optimisation
    chances: tuple[float, ...] = (0.45, 0.3, 0.25)
    kept: float = 0.05
    moving: float = 4.0
    deaf: float = 0.0
    own: float = 0.4
    own_chances: tuple[float, ...] = (0.2, 0.6, 0.2)
    energy: float = 0.4
    mouths: MouthWeights = field(default=MouthWeights())
    half: bool = True


def start_from_reference(network: LipNetwork) -> None:
    """Wire embedding and head so that the untrained network predicts flow = noise - reference footage.

    The first 64 hidden units carry the patch's noise, the next 64 the patch of the reference stream, the rest keep their
    initialisation; the head subtracts one from the other.
    """
    places = 4 * LATENT_CHANNELS
    first = network.config.in_dim - LATENT_CHANNELS
    one = torch.eye(places).reshape(places, LATENT_CHANNELS, 1, 2, 2)
    # The head's outputs are ordered (row, column, channel), the embedding's inputs (channel, row, column).
    order = torch.arange(places).reshape(LATENT_CHANNELS, 4).t().flatten()
    with torch.no_grad():
        weight = network.patch_embedding.weight
        weight[: 2 * places] = 0.0
        weight[:places, :LATENT_CHANNELS] = one
        weight[places : 2 * places, first:] = one
        for project in network.audio_cond_projs:
            cast("nn.Linear", project).weight[: 2 * places] = 0.0
        network.head.head.weight.zero_()
        network.head.head.weight[:, :places] = torch.eye(places)[order]
        network.head.head.weight[:, places : 2 * places] = -torch.eye(places)[order]


def loss_weight(clips: ClipLatents, energy_Z: Tensor, stage: ForcingStage) -> Tensor:
    """Weight [Z, 1, h, w] of the x0 error in every channel and cell."""
    mouth = generate_mask(clips.target_NZThw.shape[-1])
    channel_Z = energy_Z**stage.energy
    cell_hw = stage.kept + mouth * (1.0 + stage.moving * motion_map(clips, energy_Z))
    return (channel_Z / channel_Z.mean())[:, None, None, None] * cell_hw


def draw_levels(batch: int, blocks: int, t_list: Sequence[float], chances: Sequence[float]) -> Tensor:
    """A timestep per latent frame [B, T] (float64), equal within a block, independent between blocks."""
    drawn = torch.multinomial(torch.tensor(chances).expand(batch * blocks, -1), 1).reshape(batch, blocks)
    return torch.tensor(t_list, dtype=torch.float64)[drawn].repeat_interleave(LATENTS_PER_BLOCK, dim=1)


@dataclass(frozen=True, slots=True)
class Forcing:
    """The objective on given clips.

    Attributes:
        clips: what is learned.
        attention: block-causal, for clips of this length.
        text: the fixed prompt [1, L, text_dim].
        weight_Z1hw: of the x0 error in every channel and cell.
        stage: levels and shares.
        mouths: of the clips; without them only x0 counts.
    """

    clips: ClipLatents
    attention: BlockCausal
    text: Tensor
    weight_Z1hw: Tensor
    stage: ForcingStage
    mouths: Mouths | None = None

    @classmethod
    def of(
        cls, network: LipNetwork, clips: ClipLatents, weight_Z1hw: Tensor, stage: ForcingStage, mouths: Mouths | None = None
    ) -> Self:
        """The objective of a network on clips of one length."""
        config = network.config
        return cls(
            clips,
            BlockCausal(config, clips.target_NZThw.shape[2], network.device, network.dtype),
            torch.zeros(1, config.text_len, config.text_dim, dtype=network.dtype),
            weight_Z1hw,
            stage,
            mouths,
        )

    def loss(self, network: LipNetwork, rows: Tensor) -> Parts:
        """Weighted x0 error of the noisy blocks of clips ``rows``, and what their mouths look like."""
        x0_BZThw = self.clips.target_NZThw[rows].float()
        batch, blocks, t_list = len(rows), x0_BZThw.shape[2] // LATENTS_PER_BLOCK, network.config.t_list
        speech_BVA = self.clips.speech_NVA[rows]
        hears = (torch.rand(batch, 1, 1) >= self.stage.deaf).to(speech_BVA.dtype)
        conditions = self.clips.conditions(rows, network.dtype, speech_BVA * hears)
        own = bool(torch.rand(()) < self.stage.own)
        seen_BZThw = self._first_answers(network, x0_BZThw, conditions) if own else x0_BZThw
        t_BT = draw_levels(batch, blocks, t_list, self.stage.own_chances if own else self.stage.chances)
        made_BZThw = self._answer(network, seen_BZThw, t_BT, conditions)
        noisy_BT = t_BT > 0
        parts = {"x0": weighted_mse(made_BZThw, x0_BZThw, self.weight_Z1hw * noisy_BT[:, None, :, None, None])}
        return parts if self.mouths is None else {**parts, **self.mouths.parts(made_BZThw, rows, noisy_BT)}

    @torch.no_grad()
    def answers(self, network: LipNetwork, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Clips [B, Z, T, h, w] as the student leaves them when it has answered twice, and the latents [B, T] that it has made.

        Blocks that were not asked a second time are as the first answer left them, and are not counted.
        """
        x0_BZThw = self.clips.target_NZThw[rows].float()
        conditions = self.clips.conditions(rows, network.dtype)
        t_list = network.config.t_list
        first_BZThw = self._first_answers(network, x0_BZThw, conditions)
        t_BT = draw_levels(len(rows), x0_BZThw.shape[2] // LATENTS_PER_BLOCK, t_list, (0.0, *_ASKED_AGAIN))
        return self._answer(network, first_BZThw, t_BT, conditions), t_BT > 0

    @torch.no_grad()
    def _first_answers(self, network: LipNetwork, x0_BZThw: Tensor, conditions: Conditions) -> Tensor:
        """Clips as the student sees them from pure noise; half of the time some blocks are true, as context of the others."""
        t_list, half = network.config.t_list, (0.5, *(0.0,) * (len(network.config.t_list) - 2), 0.5)
        chances = half if torch.rand(()) < 0.5 else (1.0, *(0.0,) * (len(t_list) - 1))
        t_BT = draw_levels(len(x0_BZThw), x0_BZThw.shape[2] // LATENTS_PER_BLOCK, t_list, chances)
        return self._answer(network, x0_BZThw, t_BT, conditions)

    def _answer(self, network: LipNetwork, x0_BZThw: Tensor, t_BT: Tensor, conditions: Conditions) -> Tensor:
        """The clean clips that the network sees in noisy ones."""
        x_t = add_noise(x0_BZThw, torch.randn_like(x0_BZThw), t_BT)
        flow = network(x_t.to(network.dtype), t_BT, conditions, self.text, self.attention).float()
        return flow_to_x0(x_t, flow, t_BT)


def train_forcing(
    config: StudentConfig, clips: ClipLatents, energy_Z: Tensor, stage: ForcingStage, seed: int,
    *, start: LipNetwork | None = None, mouths: Mouths | None = None,
) -> tuple[LipNetwork, Curve]:  # fmt: skip
    """The student.

    Args:
        config: its sizes.
        clips: what it learns.
        energy_Z: what one unit of each latent channel does to the picture (``latents.channel_energy``).
        stage: how.
        seed: of everything that is drawn.
        start: continues an earlier network instead of a fresh one.
        mouths: of the clips; without them only x0 counts.
    """
    torch.manual_seed(seed)
    network = start or LipNetwork(config)
    if start is None:
        initialise(network, seed)
        start_from_reference(network)
    network = network.to(torch.bfloat16 if stage.half else torch.float32).train()
    objective = Forcing.of(network, clips, loss_weight(clips, energy_Z, stage), stage, mouths)

    def loss(_step: int) -> Parts:
        return objective.loss(network, torch.randint(len(clips), (stage.plan.batch,)))

    curve = optimise(network, loss, stage.plan, stage="forcing", report_every=25)
    return network.eval(), curve
