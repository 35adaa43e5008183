"""Where a fresh network starts, and what its conditions hold."""

from dataclasses import fields, replace

import torch

from lipforcing.cache import BlockCausal
from lipforcing.presets import PRESETS
from services.trainer.methods.initialise import fresh_network
from services.trainer.models.latents import ClipLatents

SMALL = replace(PRESETS["tiny"], dim=144, ffn=96, heads=3, layers=4, latent=8)


def _clips(count: int = 4) -> ClipLatents:
    generator = torch.Generator().manual_seed(5)
    footage = [torch.randn(count, 16, 6, 8, 8, generator=generator).half() for _ in range(3)]
    return ClipLatents(*footage, torch.randn(count, 21, 64, generator=generator).half())


def test_the_untrained_network_answers_with_the_footage() -> None:
    network, clips, rows = fresh_network(SMALL, 0), _clips(), torch.arange(2)
    noise = torch.randn(2, 16, 6, 8, 8, generator=torch.Generator().manual_seed(1))
    t = torch.full((2, 6), 0.999, dtype=torch.float64)
    attention = BlockCausal(SMALL, 6, network.device, network.dtype)
    with torch.no_grad():
        flow = network(noise, t, clips.conditions(rows, torch.float32), torch.zeros(1, 2, 64), attention)
    wanted = noise - clips.reference_NZThw[rows].float()
    assert float(torch.corrcoef(torch.stack([flow.flatten(), wanted.flatten()]))[0, 1]) > 0.9


def test_conditions_hold_nothing_of_the_target() -> None:
    clips, rows = _clips(), torch.arange(2)
    other = ClipLatents(clips.reference_NZThw, clips.masked_NZThw, torch.zeros_like(clips.target_NZThw), clips.speech_NVA)
    one, two = (c.conditions(rows, torch.float32) for c in (clips, other))
    for field in fields(one):
        assert torch.equal(getattr(one, field.name), getattr(two, field.name)), field.name
