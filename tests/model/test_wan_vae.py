"""The oracle below runs a whole clip at once, from the published description, on the state dict alone."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - torch's own convention

from lipforcing.serving.encoders import channels_last
from lipforcing.vae.base import CodecState
from lipforcing.vae.wan import CausalConv3d, WanVae

MEAN = [-0.7571, -0.7089, -0.9113, 0.1075, -0.1745, 0.9653, -0.1517, 1.5508, 0.4134, -0.0715, 0.5517, -0.3632,
        -0.1922, -0.9497, 0.2503, -0.2921]  # fmt: skip
STD = [2.8184, 1.4541, 2.3275, 2.6558, 1.2196, 1.7708, 2.6052, 2.0743, 3.2687, 2.1526, 2.8652, 1.5579, 1.6382, 1.1253,
       2.8251, 1.9160]  # fmt: skip
DIM = 4
LAST = torch.channels_last_3d


class WholeClip:
    def __init__(self, weights: dict[str, Tensor]) -> None:
        self.w = weights

    def conv(self, x: Tensor, key: str, stride: int = 1) -> Tensor:
        weight = self.w[f"{key}.weight"]
        t, p = weight.shape[2], weight.shape[3] // 2
        return F.conv3d(F.pad(x, (p, p, p, p, t - 1, 0)), weight, self.w[f"{key}.bias"], (stride, 1, 1))

    def norm(self, x: Tensor, key: str) -> Tensor:
        gamma = self.w[f"{key}.gamma"].reshape(1, -1, 1, 1, 1)
        return x / (x * x).sum(1, keepdim=True).sqrt() * x.shape[1] ** 0.5 * gamma

    def residual(self, x: Tensor, key: str) -> Tensor:
        h = self.conv(F.silu(self.norm(x, f"{key}.residual.0")), f"{key}.residual.2")
        h = self.conv(F.silu(self.norm(h, f"{key}.residual.3")), f"{key}.residual.6")
        return h + (self.conv(x, f"{key}.shortcut") if f"{key}.shortcut.weight" in self.w else x)

    def attention(self, x: Tensor, key: str) -> Tensor:
        h = self.norm(x, f"{key}.norm")
        frames = []
        for t in range(x.shape[2]):
            qkv = F.conv2d(h[:, :, t], self.w[f"{key}.to_qkv.weight"], self.w[f"{key}.to_qkv.bias"]).flatten(2)
            q, k, v = qkv.chunk(3, 1)
            mix = torch.softmax(q.transpose(1, 2) @ k / x.shape[1] ** 0.5, -1)
            out = (v @ mix.transpose(1, 2)).reshape(x[:, :, t].shape)
            frames.append(F.conv2d(out, self.w[f"{key}.proj.weight"], self.w[f"{key}.proj.bias"]))
        return x + torch.stack(frames, 2)

    def middle(self, x: Tensor, key: str) -> Tensor:
        return self.residual(self.attention(self.residual(x, f"{key}.0"), f"{key}.1"), f"{key}.2")

    def pictures(self, x: Tensor, key: str, *, down: bool) -> Tensor:
        weight, bias = self.w[f"{key}.resample.1.weight"], self.w[f"{key}.resample.1.bias"]
        out = []
        for t in range(x.shape[2]):
            if down:
                out.append(F.conv2d(F.pad(x[:, :, t], (0, 1, 0, 1)), weight, bias, 2))
            else:
                big = x[:, :, t].repeat_interleave(2, 2).repeat_interleave(2, 3)
                out.append(F.conv2d(big, weight, bias, padding=1))
        return torch.stack(out, 2)

    def down_time(self, x: Tensor, key: str) -> Tensor:
        weight, bias = self.w[f"{key}.time_conv.weight"], self.w[f"{key}.time_conv.bias"]
        rest = F.conv3d(x, weight, bias, (2, 1, 1)) if x.shape[2] > 1 else x[:, :, :0]
        return torch.cat([x[:, :, :1], rest], 2)

    def up_time(self, x: Tensor, key: str) -> Tensor:
        if x.shape[2] == 1:
            return x
        doubled = self.conv(x[:, :, 1:], f"{key}.time_conv")
        first, second = doubled.chunk(2, 1)
        rest = torch.stack([first, second], 3).reshape(x.shape[0], x.shape[1], -1, *x.shape[3:])
        return torch.cat([x[:, :, :1], rest], 2)

    def encode(self, x: Tensor) -> Tensor:
        x = self.conv(x, "encoder.conv1")
        for index in range(11):
            key = f"encoder.downsamples.{index}"
            if index in (2, 5, 8):
                x = self.pictures(x, key, down=True)
                x = x if index == 2 else self.down_time(x, key)
            else:
                x = self.residual(x, key)
        x = self.norm(self.middle(x, "encoder.middle"), "encoder.head.0")
        mu = self.conv(self.conv(F.silu(x), "encoder.head.2"), "conv1")[:, :16]
        return (mu - torch.tensor(MEAN).view(-1, 1, 1, 1).double()) / torch.tensor(STD).view(-1, 1, 1, 1).double()

    def decode(self, z: Tensor) -> Tensor:
        z = z * torch.tensor(STD).view(-1, 1, 1, 1).double() + torch.tensor(MEAN).view(-1, 1, 1, 1).double()
        x = self.middle(self.conv(self.conv(z, "conv2"), "decoder.conv1"), "decoder.middle")
        for index in range(15):
            key = f"decoder.upsamples.{index}"
            if index in (3, 7, 11):
                x = x if index == 11 else self.up_time(x, key)
                x = self.pictures(x, key, down=False)
            else:
                x = self.residual(x, key)
        return self.conv(F.silu(self.norm(x, "decoder.head.0")), "decoder.head.2").clamp(-1, 1)


def small() -> WanVae:
    torch.manual_seed(7)
    vae = WanVae(DIM).requires_grad_(requires_grad=False)
    for name, tensor in vae.state_dict().items():
        if name.endswith("gamma"):
            tensor.uniform_(0.5, 1.5)
    return vae.eval()


def clip(frames: int, batch: int = 1) -> Tensor:
    return torch.rand(batch, 3, frames, 16, 24, generator=torch.Generator().manual_seed(3)) * 2 - 1


def latents(count: int) -> Tensor:
    return torch.randn(1, 16, count, 2, 3, generator=torch.Generator().manual_seed(4))


def streamed(step, state: CodecState, x: Tensor, cuts: list[int]) -> Tensor:  # noqa: ANN001 - a bound method
    return torch.cat([step(part, state) for part in x.split(cuts, dim=2)], dim=2)


def test_the_published_sizes_and_names() -> None:
    with torch.device("meta"):
        vae = WanVae()
    shapes = {name: tuple(tensor.shape) for name, tensor in vae.state_dict().items()}
    assert len(shapes) == 194
    assert sum(torch.Size(shape).numel() for shape in shapes.values()) == 126_892_531
    assert shapes["encoder.conv1.weight"] == (96, 3, 3, 3, 3)
    assert shapes["encoder.downsamples.3.shortcut.weight"] == (192, 96, 1, 1, 1)
    assert shapes["encoder.downsamples.5.time_conv.weight"] == (192, 192, 3, 1, 1)
    assert shapes["encoder.middle.1.norm.gamma"] == (384, 1, 1)
    assert shapes["encoder.middle.1.to_qkv.weight"] == (1152, 384, 1, 1)
    assert shapes["encoder.head.0.gamma"] == (384, 1, 1, 1)
    assert shapes["decoder.upsamples.3.time_conv.weight"] == (768, 384, 3, 1, 1)
    assert shapes["decoder.upsamples.4.residual.2.weight"] == (384, 192, 3, 3, 3)
    assert shapes["decoder.upsamples.11.resample.1.weight"] == (96, 192, 3, 3)
    assert shapes["decoder.head.2.bias"] == (3,)
    assert shapes["conv1.weight"] == (32, 32, 1, 1, 1)
    assert not vae.mean.is_meta


def test_encoding_agrees_with_the_whole_clip_oracle() -> None:
    vae = small().double()
    x = clip(21, batch=2).double()
    assert torch.allclose(vae.encode(x), WholeClip(vae.state_dict()).encode(x), rtol=0, atol=1e-6)


def test_decoding_agrees_with_the_whole_clip_oracle() -> None:
    vae = small().double()
    for name, tensor in vae.state_dict().items():
        if name.startswith("decoder.head.2"):
            tensor.mul_(0.2)  # keep the clamp from hiding a difference
    z = latents(6).double()
    picture = vae.decode(z)
    assert picture.abs().max() < 1
    assert torch.allclose(picture, WholeClip(vae.state_dict()).decode(z), rtol=0, atol=1e-6)


@pytest.mark.parametrize("cuts", [[21], [1, 4, 4, 4, 4, 4], [5, 4, 8, 4], [9, 12]])
def test_an_encoded_clip_is_bit_equal_however_it_is_cut(cuts: list[int]) -> None:
    vae = small()
    x = clip(21)
    assert torch.equal(streamed(vae.encode_step, vae.encoder_state(), x, cuts), vae.encode(x))


@pytest.mark.parametrize("cuts", [[6], [1, 1, 1, 1, 1, 1], [2, 1, 3], [3, 3]])
def test_a_decoded_clip_is_bit_equal_however_it_is_cut(cuts: list[int]) -> None:
    vae = small()
    z = latents(6)
    assert torch.equal(streamed(vae.decode_step, vae.decoder_state(), z, cuts), vae.decode(z))


def test_streams_in_one_batch_do_not_mix() -> None:
    vae = small().double()
    one, two = clip(9).double(), clip(9).double().flip(3)
    both = vae.encode(torch.cat([one, two]))
    assert torch.allclose(both[:1], vae.encode(one), rtol=0, atol=1e-12)
    assert torch.allclose(both[1:], vae.encode(two), rtol=0, atol=1e-12)


def test_channels_last_from_end_to_end_encodes_the_same() -> None:
    vae, other = small(), small()
    formats: list[bool] = []
    for module in other.encoder.modules():
        # On one thread a CPU multiplies a 1x1x1 convolution by other means, in the usual layout.
        if isinstance(module, CausalConv3d) and max(module.kernel_size) > 1:
            module.register_forward_hook(lambda _m, _x, out: formats.append(out.is_contiguous(memory_format=LAST)))
    assert channels_last(other) is LAST
    x = torch.cat([clip(21), clip(21).flip(3)])
    state = other.encoder_state()
    cuts = (x[:, :, :9], x[:, :, 9:])
    got = torch.cat([other.encode_step(cut.contiguous(memory_format=LAST), state) for cut in cuts], dim=2)
    assert torch.allclose(got, vae.encode(x), rtol=0, atol=1e-4)
    assert len(formats) > 100
    # The strides of a lone first frame are ambiguous.
    assert all(formats[len(formats) // 3 :])


def test_no_frame_sees_a_later_one() -> None:
    vae = small()
    x = clip(13)
    changed = x.clone()
    changed[:, :, 9:] = 0
    assert torch.equal(vae.encode(x)[:, :, :3], vae.encode(changed)[:, :, :3])
    assert not torch.equal(vae.encode(x)[:, :, 3], vae.encode(changed)[:, :, 3])


@pytest.mark.parametrize(("started", "frames"), [(False, 4), (False, 0), (True, 5), (True, 0)])
def test_a_step_of_the_wrong_length_is_refused(started: bool, frames: int) -> None:
    vae = small()
    state = vae.encoder_state()
    if started:
        vae.encode_step(clip(1), state)
    with pytest.raises(ValueError, match="4k frames"):
        vae.encode_step(clip(9)[:, :, :frames], state)


def test_bf16_weights_give_bf16_latents_near_the_fp32_ones() -> None:
    vae = small()
    exact = vae.encode(clip(9))
    rough = vae.to(torch.bfloat16).encode(clip(9))
    assert rough.dtype == torch.bfloat16
    assert (rough.float() - exact).abs().max() < 0.05
