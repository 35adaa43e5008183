"""The reader of mouth shapes: what it looks at, what it learns, and how its judgement reaches the student."""

import torch
from torch import Tensor

from lipforcing.mask import generate_mask
from services.trainer.diffusion_forcing import Mouths
from services.trainer.mouth_reader import MouthReader, ReaderStage, train_reader
from services.trainer.optimise import Optimisation

SIDE = 8
EVEN = torch.ones(16)


def _clips(count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Latents whose fourth channel says in the mouth region what the shapes are, one value per frame group."""
    generator = torch.Generator().manual_seed(seed)
    latents = torch.randn(count, 16, 3, SIDE, SIDE, generator=generator)
    said = torch.randn(count, 3, generator=generator)
    latents[:, 3] = said[:, :, None, None]
    return latents, said.repeat_interleave(4, dim=1)[:, 3:, None]


def test_every_frame_gets_its_parameters_and_latent_0_shows_one_frame() -> None:
    assert MouthReader(EVEN, SIDE, 5)(torch.zeros(2, 16, 3, SIDE, SIDE)).shape == (2, 9, 5)


def test_only_the_mouth_region_and_the_latent_before_are_read() -> None:
    reader, x = MouthReader(EVEN, SIDE, 2), torch.randn(1, 16, 4, SIDE, SIDE)
    outside = x + 5 * (1 - generate_mask(SIDE)) * torch.randn_like(x)
    assert torch.equal(reader(outside), reader(x))
    later = x.clone()
    later[:, :, 2] += 1
    changed = (reader(later) != reader(x)).any(dim=-1)[0]
    assert changed.tolist() == [False] * 5 + [True] * 8


def test_a_trained_reader_names_shapes_that_it_never_saw_and_is_frozen() -> None:
    reader, curve = train_reader(*_clips(64, 0), EVEN, ReaderStage(Optimisation(60, 16, 3e-3, warm_up=5, average=0.9)), seed=1)
    latents, shapes = _clips(16, 7)
    read = torch.corrcoef(torch.stack([reader(latents).flatten(), reader.standardise(shapes).flatten()]))[0, 1]
    assert read > 0.8
    assert not any(p.requires_grad for p in reader.parameters())
    assert curve.steps[-1] == 60


def test_the_error_counts_noisy_frames_only_and_its_gradient_reaches_the_prediction() -> None:
    reader = MouthReader(EVEN, SIDE, 3).requires_grad_(requires_grad=False)
    x0 = torch.randn(2, 16, 3, SIDE, SIDE, requires_grad=True)
    mouths = Mouths(reader, torch.zeros(2, 9, 3))
    shown = torch.tensor([[False, False, True], [False, False, False]])
    error = mouths.error(x0, torch.arange(2), shown)
    assert torch.allclose(error, reader(x0)[0, 5:].square().mean())
    error.backward()
    assert x0.grad is not None
    assert x0.grad[0, :, 2].abs().sum() > 0
    assert x0.grad[1].abs().sum() == 0


def test_the_veil_is_white_in_the_picture() -> None:
    energy = torch.arange(1.0, 17.0)
    x0 = torch.zeros(4, 16, 3, SIDE, SIDE)
    seen = MouthReader(energy, SIDE, 1).veil(x0, 0.5).square().mean(dim=(0, 2, 3, 4)) * energy
    assert torch.allclose(seen, torch.full((16,), 0.25 * float(energy.mean())), rtol=0.2)
