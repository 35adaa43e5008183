"""Mouths as pictures: which are compared, and where the gradient goes."""

import numpy as np
import torch

from lipforcing.vae.base import from_uint8
from lipforcing.vae.tiny import TinyCodec, pack_frames
from services.trainer.models.mouth_pictures import MouthPictures, frames_shown

CROPS = np.random.default_rng(0).integers(0, 256, (2, 2, 9, 128, 128, 3), dtype=np.uint8)


def _pictures() -> MouthPictures:
    torch.manual_seed(0)
    return MouthPictures(TinyCodec().eval().requires_grad_(requires_grad=False), CROPS)


def test_latent_0_shows_frame_0_four_times_and_the_others_four_frames_each() -> None:
    assert [frames_shown(latent) for latent in range(3)] == [[0, 0, 0, 0], [1, 2, 3, 4], [5, 6, 7, 8]]


def test_the_filmed_mouth_is_the_other_mouth_of_the_same_take_whatever_is_heard() -> None:
    seen = _pictures().filmed(torch.tensor([0, 1, 2, 7]), torch.tensor([1, 1, 2, 2]))
    for picture, (take, which, frames) in zip(
        seen, [(0, 1, [1, 2, 3, 4]), (0, 0, [1, 2, 3, 4]), (1, 1, [5, 6, 7, 8]), (1, 0, [5, 6, 7, 8])], strict=True
    ):
        wanted = pack_frames(from_uint8(torch.from_numpy(CROPS[take, which][frames][None, :, 64:, 32:96])))[0]
        assert torch.equal(picture, wanted)


@torch.no_grad()
def test_the_decoded_mouth_is_that_of_the_whole_picture() -> None:
    pictures = _pictures()
    z, before = torch.randn(2, 1, 16, 16, 16).unbind(0)
    whole = pictures.codec.decoder(z, before)[..., 64:128, 32:96]
    mouth = pictures.decoded(z, before)
    inner = np.s_[..., 8:-8, 8:-8]  # at its rim a convolution may see a little less, and bfloat16 rounds
    assert torch.corrcoef(torch.stack([mouth[inner].flatten(), whole[inner].flatten()]))[0, 1] > 0.999


def test_only_noisy_latents_are_shown_and_the_gradient_reaches_them_and_the_one_before() -> None:
    torch.manual_seed(2)
    x0 = torch.randn(2, 16, 3, 16, 16, requires_grad=True)
    shown = _pictures().some(x0, torch.tensor([0, 3]), torch.tensor([[False, False, True]] * 2), 1)
    assert (shown.rows.tolist(), shown.latents.tolist()) == ([0, 3], [2, 2])
    (shown.generated - shown.filmed).abs().mean().backward()
    assert x0.grad is not None
    assert (x0.grad[:, :, 2].flatten(1).abs().sum(dim=1) > 0).all()
    assert (x0.grad[:, :, 0] == 0).all()
