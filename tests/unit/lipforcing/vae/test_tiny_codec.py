"""The tiny codec: a stream is the whole clip, whatever the cuts."""

import pytest
import torch

from lipforcing.vae.tiny import TinyCodec, pack_frames, unpack_frames


@pytest.fixture(scope="module")
def codec() -> TinyCodec:
    torch.manual_seed(0)
    made = TinyCodec().eval()
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(0.02 * torch.randn_like(parameter))
    return made


@torch.no_grad()
@pytest.mark.parametrize("cuts", [(1, 4, 16, 12), (9, 12, 12), (5, 8, 20)])
def test_encoding_a_stream_is_encoding_the_clip(codec: TinyCodec, cuts: tuple[int, ...]) -> None:
    clip = torch.rand(2, 3, 33, 32, 32) * 2 - 1
    state = codec.encoder_state()
    parts = [codec.encode_step(part, state) for part in clip.split(cuts, dim=2)]
    assert torch.allclose(torch.cat(parts, dim=2), codec.encode(clip), atol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("cuts", [(1,) * 9, (2, 5, 2), (9,)])
def test_decoding_a_stream_is_decoding_the_clip_to_the_bit(codec: TinyCodec, cuts: tuple[int, ...]) -> None:
    latents = torch.randn(1, 16, 9, 4, 4)
    state = codec.decoder_state()
    parts = [codec.decode_step(part, state) for part in latents.split(cuts, dim=2)]
    whole = codec.decode(latents)
    assert whole.shape == (1, 3, 33, 32, 32)
    assert torch.equal(torch.cat(parts, dim=2), whole)


@torch.no_grad()
def test_a_latent_depends_on_no_later_frame(codec: TinyCodec) -> None:
    clip = torch.rand(1, 3, 13, 32, 32) * 2 - 1
    other = clip.clone()
    other[:, :, 9:] = 0.0
    assert torch.equal(codec.encode(clip)[:, :, :3], codec.encode(other)[:, :, :3])


def test_frames_that_fill_no_latent_are_refused(codec: TinyCodec) -> None:
    with pytest.raises(ValueError, match="4 frames do not fill whole latents at a stream's start"):
        codec.encode_step(torch.zeros(1, 3, 4, 32, 32), codec.encoder_state())


def test_packing_is_undone_by_unpacking() -> None:
    clip = torch.rand(2, 3, 8, 4, 4)
    assert torch.equal(unpack_frames(pack_frames(clip), 2), clip)
