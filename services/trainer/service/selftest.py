"""A recipe that trains on noise: Diffusion Forcing of a shrunken student, to see that all parts work together.

It learns nothing of use, but everything is real: the stage, its checkpoints, the version folders, their manifests.

Legend: N clips, Z latent channels, T latent frames, h/w latent side.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lipforcing.audio.tiny import TinySpeechEncoder
from lipforcing.contract import LATENT_CHANNELS, LATENTS_PER_BLOCK, STUDENTS, frames_of
from lipforcing.network import LipNetwork
from lipforcing.presets import PRESETS, StudentConfig
from lipforcing.vae.tiny import TinyCodec
from services.trainer.diffusion_forcing import ForcingStage
from services.trainer.latents import ClipLatents
from services.trainer.optimise import Optimisation
from services.trainer.publish import publish
from services.trainer.service.forcing import ForcingRun, Ingredients
from services.trainer.service.group import Group

_BLOCKS = 2


@dataclass(frozen=True, slots=True)
class SelfTest:
    """The recipe.

    Attributes:
        steps: of the optimiser.
        batch: clips of each process in one step.
        lr: peak learning rate.
        clips: of noise.
        width: channels of the student.
        layers: of the student.
        seed: of everything.
        gpus: demand a GPU for each process, to see that the trainer sees them; the student is trained on the CPU all the same.
    """

    steps: int = 20
    batch: int = 2
    lr: float = 1e-3
    clips: int = 4
    width: int = 144
    layers: int = 4
    seed: int = 1
    gpus: bool = False

    def __post_init__(self) -> None:
        """Refuse what no student can be."""
        self.network()

    def network(self) -> StudentConfig:
        """Sizes of the student."""
        return replace(PRESETS["tiny"], dim=self.width, ffn=96, heads=3, layers=self.layers)


def selftest(recipe: SelfTest, group: Group) -> ForcingRun:
    """The recipe's stage."""
    config, clips = recipe.network(), _noise(recipe.clips, recipe.network().latent, recipe.seed)
    codec, encoder = _modules(recipe.seed)

    def write(repository: Path, network: LipNetwork, source: Mapping[str, Any]) -> None:
        publish(repository, codec, encoder, network, source)

    made_of = Ingredients(
        config=config,
        clips=clips,
        weight_Z1hw=torch.ones(LATENT_CHANNELS, 1, config.latent, config.latent),
        stage=ForcingStage(Optimisation(recipe.steps, recipe.batch, recipe.lr, warm_up=2, patience=3), half=False),
        seed=recipe.seed,
        data=hashlib.sha256(clips.target_NZThw.numpy().tobytes()).hexdigest(),
        codec=codec,
        publish=write,
    )
    return ForcingRun(made_of, group)


def _modules(seed: int) -> tuple[TinyCodec, TinySpeechEncoder]:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return TinyCodec().eval(), TinySpeechEncoder().eval()


def _noise(count: int, latent: int, seed: int) -> ClipLatents:
    generator = torch.Generator().manual_seed(seed)

    def clips() -> Tensor:
        shape = (count, LATENT_CHANNELS, LATENTS_PER_BLOCK * _BLOCKS, latent, latent)
        return torch.randn(shape, generator=generator).half()

    speech = torch.randn(count, frames_of(_BLOCKS), STUDENTS["tiny"].speech_features, generator=generator).half()
    return ClipLatents(clips(), clips(), clips(), speech)
