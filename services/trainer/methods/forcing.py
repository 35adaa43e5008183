"""Stage 1: the causal student by Diffusion Forcing with every block of a clip at a noise level of its own.

Choices:
- One block-causal forward covers whole clips; what each block sees is drawn per step from the published set of windows.
  Positions are those that the streaming cache will give, in every window, so Stage 2 meets nothing new.
- One block in three is clean, as published: context only. It carries no loss and does not dilute that of the others.
- Levels are the student's own list, or (``continuous``) anything on the shift-5 schedule.

Legend: B samples, T latent frames, K blocks.
"""

from dataclasses import dataclass, field
from functools import cache

import torch
from torch import Tensor

from lipforcing.cache import BlockCausal
from lipforcing.contract import LATENTS_PER_BLOCK
from lipforcing.network import LipNetwork
from lipforcing.presets import TRAINING_WINDOWS, StudentConfig
from lipforcing.schedule import T_MAX, add_noise, flow_to_x0, shifted
from services.trainer.common.losses import forcing_loss
from services.trainer.methods.draws import Draws, Purpose
from services.trainer.methods.guidance import NullConditions
from services.trainer.methods.networks import CellWeights
from services.trainer.methods.pictures import Pictures
from services.trainer.methods.samples import Clips


@dataclass(frozen=True, slots=True)
class Stage1:
    """How the student is started.

    Attributes:
        chances: of every timestep of the student's list, for each block on its own; the last one is 0, clean.
        continuous: noisy levels are drawn from the shifted schedule instead of from the list.
        shift: of that schedule.
        windows: (window, sink) in latent frames, one of them drawn per step.
        places: weights of mouth and rest.
        drop_text: chance that a clip loses its text.
        drop_speech: chance that a clip loses its sound.
        picture: weight of the decoded mouth's error beside that of x0 (``pictures``); 0 decodes nothing.
    """

    chances: tuple[float, ...] = (1 / 3, 1 / 3, 1 / 3)
    continuous: bool = False
    shift: float = 5.0
    windows: tuple[tuple[int, int], ...] = TRAINING_WINDOWS
    places: CellWeights = field(default=CellWeights(outside=0.05))
    drop_text: float = 0.0
    drop_speech: float = 0.0
    picture: float = 0.0


def draw_levels(draws: Draws, blocks: int, config: StudentConfig, stage: Stage1) -> Tensor:
    """A timestep per latent frame, float64 [B, T]: equal within a block, independent between blocks.

    Raises:
        ValueError: the chances do not fit the student's list.
    """
    if len(stage.chances) != len(config.t_list):
        raise ValueError(f"{len(stage.chances)} chances do not fit the timesteps {config.t_list}")
    # [B, K, 2], two numbers for every block: which level of the list, and where on the continuous schedule.
    u_BK2 = draws.uniform(Purpose.LEVEL, (blocks, 2))
    # [levels] upper edges of the chances, in the order of the student's list.
    edges = torch.tensor(stage.chances, dtype=torch.float64).cumsum(0) / sum(stage.chances)
    # The first edge above the number; the clamp is for rounding of the last edge, which is 1.
    index_BK = torch.searchsorted(edges, u_BK2[..., 0].contiguous(), right=True).clamp(max=len(edges) - 1)
    t_BK = torch.tensor(config.t_list, dtype=torch.float64)[index_BK]  # float64: bfloat16 has three digits of a timestep
    if stage.continuous:
        # Clean blocks stay clean: they are context, whatever the others' levels are.
        t_BK = torch.where(t_BK > 0, shifted(u_BK2[..., 1], stage.shift).clamp(1.0 - T_MAX, T_MAX), t_BK)
    # [B, K] -> [B, T]: the frames of a block are denoised together, so they share its level.
    return t_BK.repeat_interleave(LATENTS_PER_BLOCK, dim=1)


@cache
def _attention(
    config: StudentConfig, frames: int, device: torch.device, dtype: torch.dtype, window: tuple[int, int]
) -> BlockCausal:
    # Masks and positions are large and always the same: made once for each window.
    return BlockCausal(config, frames, device, dtype, window)


@dataclass(frozen=True, slots=True)
class DiffusionForcing:
    """The objective; see the module's head. Pictures are needed where the stage weighs them."""

    stage: Stage1
    null: NullConditions
    pictures: Pictures | None = None

    def __post_init__(self) -> None:
        """Refuse a weight of what is not there."""
        if self.stage.picture and self.pictures is None:
            raise ValueError("a stage that weighs pictures needs the codec that makes them")

    def losses(self, network: LipNetwork, clips: Clips, draws: Draws) -> Tensor:
        """Loss of every clip, [B]; 0 for a clip whose blocks all happened to be clean."""
        stage, x0 = self.stage, clips.x0_BZThw
        # [B, T], a level of its own for every block (Chen et al., 2024).
        t_BT = draw_levels(draws, clips.frames // LATENTS_PER_BLOCK, network.config, stage)
        # [B, Z, T, h, w], of each sample's own numbers.
        noise = draws.normal(Purpose.NOISE, tuple(x0.shape[1:])).to(x0)  # float32, on the clips' device
        # x_t = (1 - t) x0 + t noise with a t of each latent frame; at t = 0 it is x0 itself.
        x_t = add_noise(x0, noise, t_BT)
        # One window for the whole group: it chooses the attention mask, which ranks must share.
        window = stage.windows[draws.choice(Purpose.WINDOW, len(stage.windows))]  # latent frames, and how many of them stay
        dropped = self.null.drop(clips, draws, stage.drop_text, stage.drop_speech)
        # What block k sees of the clip is what the streaming cache would hold when it is generated.
        attention = _attention(network.config, clips.frames, x0.device, x0.dtype, window)
        # [B, Z, T, h, w]; the network may compute in bfloat16, the loss does not.
        flow = network(x_t.to(network.dtype), t_BT.to(x0.device), dropped.conditions, dropped.text_BLE, attention).to(x0.dtype)
        # x0 = x_t - t flow, so a block at t = 0 answers with itself.
        x0_pred = flow_to_x0(x_t, flow, t_BT)  # [B, Z, T, h, w]
        # [B], over noisy frames only: a clean block is context.
        loss_B = forcing_loss(x0_pred, x0, stage.places.weight(x0), t_BT.to(x0.device))
        if self.pictures is None or not stage.picture:
            return loss_B  # [B]
        # Latents are not pictures: an error of the same size may show plainly or hardly (``pictures``).
        return loss_B + stage.picture * self.pictures.losses(x0_pred, x0, t_BT, draws.uniform(Purpose.SHOWN))
