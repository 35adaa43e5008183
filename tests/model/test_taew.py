"""The oracle below walks a clip frame by frame, from the published description, on the state dict alone."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - torch's own convention

from lipforcing.vae.base import CodecState
from lipforcing.vae.taew import Taew, keep_last_frames

WIDTHS = (12, 10, 8, 8)


class FrameByFrame:
    def __init__(self, weights: dict[str, Tensor]) -> None:
        self.w = weights

    def conv(self, x: Tensor, key: str, stride: int = 1) -> Tensor:
        weight = self.w[f"{key}.weight"]
        return F.conv2d(x, weight, self.w.get(f"{key}.bias"), stride, weight.shape[2] // 2)

    def memory(self, frames: list[Tensor], key: str) -> list[Tensor]:
        out, past = [], torch.zeros_like(frames[0])
        for x in frames:
            h = F.relu(self.conv(torch.cat([x, past], 1), f"{key}.conv.0"))
            h = F.relu(self.conv(h, f"{key}.conv.2"))
            out.append(F.relu(self.conv(h, f"{key}.conv.4") + x))
            past = x
        return out

    def decode(self, z: Tensor) -> Tensor:
        frames = [F.relu(self.conv(torch.tanh(x / 3) * 3, "decoder.1")) for x in z.unbind(2)]
        for start, grow in ((3, 1), (9, 2), (15, 2)):
            for block in range(start, start + 3):
                frames = self.memory(frames, f"decoder.{block}")
            frames = [x.repeat_interleave(2, 2).repeat_interleave(2, 3) for x in frames]
            frames = [part for x in frames for part in self.conv(x, f"decoder.{start + 4}.conv").chunk(grow, 1)]
            frames = [self.conv(x, f"decoder.{start + 5}") for x in frames]
        frames = [self.conv(F.relu(x), "decoder.22").clamp(0, 1) for x in frames]
        return torch.stack(frames[3:], 2) * 2 - 1

    def encode(self, x: Tensor) -> Tensor:
        frames = [(frame + 1) / 2 for frame in x.unbind(2)]
        frames = [F.relu(self.conv(frame, "encoder.0")) for frame in [frames[0]] * 3 + frames]
        for start, pool in ((2, 2), (7, 2), (12, 1)):
            groups = [torch.cat(frames[i : i + pool], 1) for i in range(0, len(frames), pool)]
            frames = [self.conv(self.conv(group, f"encoder.{start}.conv"), f"encoder.{start + 1}", 2) for group in groups]
            for block in range(start + 2, start + 5):
                frames = self.memory(frames, f"encoder.{block}")
        return torch.stack([self.conv(frame, "encoder.17") for frame in frames], 2)


def small() -> Taew:
    torch.manual_seed(5)
    return Taew(WIDTHS).requires_grad_(requires_grad=False).double().eval()


def latents(count: int, batch: int = 1) -> Tensor:
    generator = torch.Generator().manual_seed(4)
    return torch.randn(batch, 16, count, 3, 2, generator=generator).double() * 3


def clip(frames: int) -> Tensor:
    return torch.rand(2, 3, frames, 24, 16, generator=torch.Generator().manual_seed(3)).double() * 2 - 1


def streamed(step, state: CodecState, x: Tensor, cuts: list[int]) -> Tensor:  # noqa: ANN001 - a bound method
    return torch.cat([step(part, state) for part in x.split(cuts, dim=2)], dim=2)


def test_the_published_sizes_and_names() -> None:
    with torch.device("meta"):
        codec = Taew()
    assert sum(p.numel() for p in codec.encoder.parameters()) == 1_470_928
    assert sum(p.numel() for p in codec.decoder.parameters()) == 9_844_611
    shapes = {name: tuple(tensor.shape) for name, tensor in codec.state_dict().items()}
    assert shapes["decoder.7.conv.weight"] == (256, 256, 1, 1)
    assert shapes["decoder.13.conv.weight"] == (256, 128, 1, 1)
    assert shapes["decoder.19.conv.weight"] == (128, 64, 1, 1)
    assert shapes["decoder.8.weight"] == (128, 256, 3, 3)
    assert "decoder.8.bias" not in shapes
    assert shapes["encoder.2.conv.weight"] == (64, 128, 1, 1)
    assert shapes["encoder.12.conv.weight"] == (64, 64, 1, 1)
    assert shapes["encoder.4.conv.0.weight"] == (64, 128, 3, 3)


def test_decoding_agrees_with_the_frame_by_frame_oracle() -> None:
    codec, z = small(), latents(6, batch=2)
    picture = codec.decode(z)
    assert picture.shape == (2, 3, 21, 24, 16)
    assert (picture.abs() < 1).double().mean() > 0.1  # the clamp hides little
    assert torch.allclose(picture, FrameByFrame(codec.state_dict()).decode(z), rtol=0, atol=1e-12)


def test_encoding_agrees_with_the_frame_by_frame_oracle() -> None:
    codec, x = small(), clip(21)
    assert torch.allclose(codec.encode(x), FrameByFrame(codec.state_dict()).encode(x), rtol=0, atol=1e-12)


@pytest.mark.parametrize("cuts", [[6], [1, 1, 1, 1, 1, 1], [2, 4], [3, 3]])
def test_a_decoded_clip_does_not_depend_on_how_it_is_cut(cuts: list[int]) -> None:
    codec, z = small(), latents(6)
    assert torch.allclose(streamed(codec.decode_step, codec.decoder_state(), z, cuts), codec.decode(z), rtol=0, atol=1e-12)


@pytest.mark.parametrize("cuts", [[21], [1, 4, 4, 4, 4, 4], [9, 12], [5, 16]])
def test_an_encoded_clip_does_not_depend_on_how_it_is_cut(cuts: list[int]) -> None:
    codec, x = small(), clip(21)
    assert torch.allclose(streamed(codec.encode_step, codec.encoder_state(), x, cuts), codec.encode(x), rtol=0, atol=1e-12)


def test_blocks_of_three_streamed_in_fp32_are_bit_equal_to_the_whole_clip() -> None:
    codec = small().float()
    z = latents(9).float()
    assert torch.equal(streamed(codec.decode_step, codec.decoder_state(), z, [3, 3, 3]), codec.decode(z))


def test_a_block_of_three_latents_goes_through_every_layer_once() -> None:
    codec, state = small(), small().decoder_state()
    codec.decode_step(latents(3), state)
    calls: list[str] = []
    for name, module in codec.decoder.named_modules():
        if isinstance(module, torch.nn.Conv2d):
            module.register_forward_hook(lambda *_args, name=name: calls.append(name))
    codec.decode_step(latents(3), state)
    assert len(calls) == len(set(calls)) == 35


def test_the_first_block_has_nine_frames_and_later_ones_twelve() -> None:
    codec, state = small(), small().decoder_state()
    assert [codec.decode_step(latents(3), state).shape[2] for _ in range(3)] == [9, 12, 12]


def test_a_checkpoint_that_makes_more_frames_keeps_the_last_ones() -> None:
    codec = small()
    tensors = codec.state_dict()
    key = "decoder.7.conv.weight"
    wide = {**tensors, key: torch.cat([torch.full_like(tensors[key], 9.0), tensors[key]])}
    cut = keep_last_frames(wide, codec)
    assert torch.equal(cut[key], tensors[key])
    assert all(torch.equal(cut[name], tensors[name]) for name in tensors)


@pytest.mark.parametrize("frames", [0, 2, 4])
def test_a_step_of_the_wrong_length_is_refused(frames: int) -> None:
    codec = small()
    with pytest.raises(ValueError, match="4k frames"):
        codec.encode_step(clip(9)[:, :, :frames], codec.encoder_state())
