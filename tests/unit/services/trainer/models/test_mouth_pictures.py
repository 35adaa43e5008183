"""Mouths as pictures: which are compared, and where the gradient goes."""

import numpy as np
import torch

from lipforcing.vae.base import from_uint8
from lipforcing.vae.tiny import TinyCodec, pack_frames
from services.trainer.models.mouth_pictures import MouthPictures, frames_shown

CROPS = np.random.default_rng(0).integers(0, 256, (2, 2, 17, 128, 128, 3), dtype=np.uint8)


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


def test_latents_are_shown_but_the_first_and_the_gradient_reaches_them_and_the_one_before() -> None:
    pictures = _pictures()
    torch.manual_seed(2)
    x0 = torch.randn(2, 16, 5, 16, 16, requires_grad=True)
    shown = pictures.some(x0, torch.tensor([0, 3]), 1)
    assert shown.rows.tolist() == [0, 3]
    assert 0 not in shown.latents
    (shown.generated - shown.filmed).abs().mean().backward()
    assert x0.grad is not None
    for grad_ZThw, latent in zip(x0.grad, shown.latents.tolist(), strict=True):
        reached = grad_ZThw.abs().sum(dim=(0, 2, 3)) > 0
        assert reached.nonzero().flatten().tolist() == [latent - 1, latent]
