"""The reader of mouth shapes: which frames it reads, what it learns, and that it is frozen afterwards."""

import numpy as np
import torch
from torch import Tensor

from lipforcing.vae.tiny import TinyCodec
from services.trainer.common.optimise import Optimisation
from services.trainer.models.mouth_pictures import MouthPictures
from studies.ablation.mouth_reader import MouthReader, ReaderStage, shapes_of, train_reader


def _films(count: int, seed: int) -> tuple[MouthPictures, Tensor, Tensor]:
    """Takes whose mouths are as bright as their shape says."""
    rng = np.random.default_rng(seed)
    said = rng.random((count, 2, 9))
    crops = np.broadcast_to((255 * said[..., None, None, None]).astype(np.uint8), (count, 2, 9, 128, 128, 3))
    shapes = torch.from_numpy(said[:, ::-1].reshape(-1, 9, 1).copy()).float()
    codec = TinyCodec().eval().requires_grad_(requires_grad=False)
    return MouthPictures(codec, crops), torch.zeros(2 * count, 16, 3, 16, 16), shapes


def test_every_frame_gets_its_parameters_and_they_are_standardised() -> None:
    reader = MouthReader(5)
    reader.mean.fill_(1.0)
    reader.std.fill_(2.0)
    assert reader(torch.zeros(3, 12, 64, 64)).shape == (3, 4, 5)
    assert torch.equal(reader.standardise(torch.full((1, 2, 5), 5.0)), torch.full((1, 2, 5), 2.0))


def test_a_frame_is_read_from_itself_alone() -> None:
    reader, x = MouthReader(2), torch.randn(1, 12, 64, 64)
    other = x.clone()
    other[:, 3:6] += 1.0  # the second of the four frames
    changed = (reader(other) != reader(x)).any(dim=-1)[0]
    assert changed.tolist() == [False, True, False, False]


def test_shapes_are_those_of_the_frames_that_a_latent_shows() -> None:
    shapes = torch.arange(9.0)[None, :, None]
    rows = torch.zeros(3, dtype=torch.long)
    assert shapes_of(shapes, rows, torch.tensor([0, 1, 2]))[..., 0].tolist() == [[0, 0, 0, 0], [1, 2, 3, 4], [5, 6, 7, 8]]


def test_a_trained_reader_names_shapes_that_it_never_saw_and_is_frozen() -> None:
    stage = ReaderStage(Optimisation(60, 16, 3e-3, warm_up=5, ema=0.9), grain=0.02, tint=0.0)
    reader, curve = train_reader(*_films(12, 0), stage, seed=1)
    pictures, _, shapes = _films(4, 7)
    rows, latents = torch.arange(8), torch.full((8,), 2)
    read, true = reader(pictures.filmed(rows, latents)), reader.standardise(shapes_of(shapes, rows, latents))
    assert torch.corrcoef(torch.stack([read.flatten(), true.flatten()]))[0, 1] > 0.8
    assert not any(p.requires_grad for p in reader.parameters())
    assert curve.steps[-1] == 60
