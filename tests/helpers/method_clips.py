"""Small networks and clips for the tests of the methods: float64, so that oracles agree to the last digits."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from lipforcing.network import LipNetwork
from lipforcing.presets import PRESETS, TeacherConfig
from services.trainer.methods.guidance import NullConditions
from services.trainer.methods.samples import Clips
from services.trainer.methods.teacher import Teacher
from services.trainer.models.latents import conditions_of

SMALL = replace(PRESETS["tiny"], dim=24, ffn=32, heads=2, layers=4, text_dim=6, text_len=3, audio_input=5, latent=8)
TEACHER = TeacherConfig(SMALL)
NULL = NullConditions(torch.full((3, 6), 0.25, dtype=torch.float64))
F64 = torch.float64


def network(seed: int, dtype: torch.dtype = F64) -> LipNetwork:
    """Random weights, none of them zero."""
    made, generator = LipNetwork(SMALL).to(dtype), torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator, dtype=dtype) * 0.2)
    return made


def teacher(seed: int = 3, dtype: torch.dtype = F64) -> Teacher:
    """A frozen teacher."""
    return Teacher(TEACHER, network(seed, dtype).requires_grad_(requires_grad=False), NULL)


def clips(places: Sequence[int] = (0, 1), frames: int = 6, dtype: torch.dtype = F64, *, sound: bool = False) -> Clips:
    """Random clips; a clip depends on its place alone."""

    def random(seed: int, *shape: int) -> Tensor:
        rows = [
            torch.randn(shape, generator=torch.Generator().manual_seed(100 * seed + place), dtype=dtype) for place in places
        ]
        return torch.stack(rows)

    video = [random(seed, 16, frames, 8, 8) for seed in (1, 2, 3)]
    return Clips(
        tuple(f"clip {place}" for place in places),
        tuple(places),
        video[0],
        conditions_of(video[1], video[2], random(4, 4 * frames - 3, 5), dtype),
        random(5, 3, 6),
        random(6, 640 * (4 * frames - 3)).float() * 0.1 if sound else None,
    )


def moved(module: torch.nn.Module) -> set[str]:
    """Names of the parameters that a gradient has reached."""
    return {name for name, parameter in module.named_parameters() if parameter.grad is not None and parameter.grad.any()}


def every(module: torch.nn.Module) -> set[str]:
    """Names of all parameters."""
    return {name for name, _ in module.named_parameters()}
