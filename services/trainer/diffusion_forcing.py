"""Stage 3: the causal student by Diffusion Forcing (Chen et al., 2024): every block of a clip at a noise level of its own.

One block-causal forward covers whole clips; each block sees the sink, the block before it and itself, at the positions that
the streaming cache will give them. The loss is on x0 and looks at the mouth: at its cells, and at the shape that a reader sees.

Choices:
- Blocks at t = 0 are clean context for their successors. Their prediction is exact by definition, so they carry no loss.
- The network starts as the identity (``start_from_reference``): its first answer is the footage unchanged, so training begins
  with moving the mouth instead of with learning what a face looks like.

Legend: B clips, Z latent channels, T latent frames, V = 4T - 3 video frames, h/w latent side, P mouth shape parameters.
"""

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from lipforcing.cache import BlockCausal
from lipforcing.contract import FRAMES_PER_LATENT, LATENT_CHANNELS, LATENTS_PER_BLOCK
from lipforcing.mask import generate_mask
from lipforcing.network import LipNetwork, initialise
from lipforcing.presets import StudentConfig
from lipforcing.schedule import add_noise, flow_to_x0

from .latents import ClipLatents, motion_map
from .losses import weighted_mse
from .mouth_reader import MouthReader
from .optimise import Curve, Optimisation, Parts, optimise


@dataclass(frozen=True, slots=True)
class ForcingStage:
    """How the student is trained.

    Attributes:
        plan: the optimisation.
        chances: probability of every timestep of the student's list, for each block on its own.
        kept: weight of the region that the mask keeps (pasted over by the footage anyway).
        moving: extra weight where mouths move most.
        deaf: share of the clips whose speech is all zero, so that guidance has a null to compare with.
        reading: weight of the mouth shape's error.
        veil: level of the noise under which predictions are read.
        energy: how far a channel's weight follows what it does to the picture: 0 not at all, 1 makes x0's error the picture's.
        half: compute in bfloat16 (weights of the optimiser stay float32).
    """

    plan: Optimisation
    chances: tuple[float, ...] = (0.4, 0.4, 0.2)
    kept: float = 0.05
    moving: float = 4.0
    deaf: float = 0.0
    reading: float = 0.2
    veil: float = 0.1
    energy: float = 0.4
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


def draw_levels(batch: int, blocks: int, config: StudentConfig, stage: ForcingStage) -> Tensor:
    """A timestep per latent frame [B, T] (float64), equal within a block, independent between blocks."""
    chances = torch.tensor(stage.chances).expand(batch * blocks, -1)
    drawn = torch.multinomial(chances, 1).reshape(batch, blocks)
    return torch.tensor(config.t_list, dtype=torch.float64)[drawn].repeat_interleave(LATENTS_PER_BLOCK, dim=1)


@dataclass(frozen=True, slots=True)
class Mouths:
    """What the clips' mouths look like, and who reads it.

    Attributes:
        reader: trained, frozen.
        shapes_NVP: of the target mouths, as the reader's ``standardise`` gives them.
    """

    reader: MouthReader
    shapes_NVP: Tensor

    def error(self, x0_BZThw: Tensor, rows: Tensor, shown_BT: Tensor) -> Tensor:
        """Mean squared error of the shapes read from ``x0`` in the latent frames that ``shown_BT`` marks."""
        shown_BV = shown_BT.repeat_interleave(FRAMES_PER_LATENT, dim=1)[:, FRAMES_PER_LATENT - 1 :]
        wrong: Tensor = (self.reader(x0_BZThw) - self.shapes_NVP[rows]).square().mean(dim=-1)
        return (wrong * shown_BV).sum() / shown_BV.sum().clamp(min=1)


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

    def loss(self, network: LipNetwork, rows: Tensor) -> Parts:
        """Weighted x0 error of the noisy blocks of clips ``rows``."""
        x0_BZThw = self.clips.target_NZThw[rows].float()
        t_BT = draw_levels(len(rows), x0_BZThw.shape[2] // LATENTS_PER_BLOCK, network.config, self.stage)
        x_t = add_noise(x0_BZThw, torch.randn_like(x0_BZThw), t_BT)
        speech_BVA = self.clips.speech_NVA[rows]
        hears = (torch.rand(len(rows), 1, 1) >= self.stage.deaf).to(speech_BVA.dtype)
        conditions = self.clips.conditions(rows, network.dtype, speech_BVA * hears)
        flow = network(x_t.to(network.dtype), t_BT, conditions, self.text, self.attention).float()
        made_BZThw = flow_to_x0(x_t, flow, t_BT)
        weight = self.weight_Z1hw * (t_BT > 0)[:, None, :, None, None]
        parts = {"x0": weighted_mse(made_BZThw, x0_BZThw, weight)}
        if self.mouths is not None:
            veiled = self.mouths.reader.veil(made_BZThw, self.stage.veil)
            parts["shape"] = self.stage.reading * self.mouths.error(veiled, rows, t_BT > 0)
        return parts


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
    objective = Forcing(
        clips,
        BlockCausal(config, clips.target_NZThw.shape[2], network.device, network.dtype),
        torch.zeros(1, config.text_len, config.text_dim, dtype=network.dtype),
        loss_weight(clips, energy_Z, stage),
        stage,
        mouths,
    )

    def loss(_step: int) -> Parts:
        return objective.loss(network, torch.randint(len(clips), (stage.plan.batch,)))

    curve = optimise(network, loss, stage.plan, stage="forcing", report_every=25)
    return network.eval(), curve
