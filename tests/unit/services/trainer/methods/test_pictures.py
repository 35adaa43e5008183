"""The decoded mouth as part of Stage 1's loss."""

import pytest
import torch
from method_clips import NULL

from lipforcing.vae.tiny import TinyCodec
from services.trainer.methods.forcing import DiffusionForcing, Stage1
from services.trainer.methods.pictures import Pictures


def codec() -> TinyCodec:
    torch.manual_seed(5)
    made = TinyCodec().double()
    with torch.no_grad():  # a fresh residual layer adds nothing
        for parameter in made.parameters():
            parameter.copy_(torch.randn_like(parameter) * 0.1)
    return made


def clips(seed: int, batch: int = 2) -> torch.Tensor:
    return torch.randn(batch, 16, 6, 16, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


T_BT = torch.tensor([[0.9] * 3 + [0.0] * 3, [0.0] * 3 + [0.7] * 3], dtype=torch.float64)


def test_the_loss_is_the_error_of_one_decoded_latent_and_of_its_edges() -> None:
    made, x0, decoder = clips(1), clips(2), codec()
    for u, latents in ((0.0, (1, 3)), (0.49, (1, 4)), (0.99, (2, 5))):
        found = Pictures(decoder).losses(made, x0, T_BT, torch.full((2,), u, dtype=torch.float64))
        for row, at in enumerate(latents):
            pictures = [
                decoder.decoder(z[row : row + 1, :, at, 7:16, 3:13], z[row : row + 1, :, at - 1, 7:16, 3:13])[..., 8:, 8:-8]
                for z in (made, x0)
            ]
            error = pictures[0] - pictures[1]
            edges = (error[..., 1:] - error[..., :-1]).abs().mean() + (error[..., 1:, :] - error[..., :-1, :]).abs().mean()
            torch.testing.assert_close(found[row], error.abs().mean() + 0.5 * edges)


def test_gradient_reaches_the_decoded_latent_and_the_one_before_it_and_no_weight_of_the_codec() -> None:
    made, decoder = clips(1).requires_grad_(), codec()
    Pictures(decoder).losses(made, clips(2), T_BT, torch.zeros(2, dtype=torch.float64)).sum().backward()
    assert made.grad is not None
    reached = made.grad.abs().sum(dim=(1, 3, 4)) > 0
    assert reached.tolist() == [[True, True, False, False, False, False], [False, False, True, True, False, False]]
    assert not any(parameter.requires_grad for parameter in decoder.decoder.parameters())


def test_a_clip_whose_later_latents_are_all_clean_has_no_picture_to_be_blamed_for() -> None:
    found = Pictures(codec()).losses(clips(1), clips(2), torch.zeros(2, 6), torch.full((2,), 0.5))
    assert found.tolist() == [0.0, 0.0]


def test_a_stage_that_weighs_pictures_without_a_codec_is_refused() -> None:
    with pytest.raises(ValueError, match="needs the codec"):
        DiffusionForcing(Stage1(picture=1.0), NULL)
