"""Optional FP8 linear layers behind a quality gate: e4m3 weights scaled per output, activations scaled per token as they come.

About twice the matmul rate of bf16 on accelerators with FP8 units, at about 4 % relative error per layer. The layers of the
transformer blocks are replaced; embeddings, modulation, audio, the prompt's keys and values, and the head keep their type.
Scaling an activation takes six passes over it where one would do, so on a GPU it is compiled: with its bias, and in a
feed-forward with the activation function and the scaling of what comes out of it.

The gate: before and after the replacement the student generates the same fixed scene. Where the PSNR between the two is less
than ``LEAST_PSNR``, FP8 is refused for these weights. The scene is drawn, since no footage is at hand when a model is loaded:
soft moving shapes through the student's own codec, and random speech. Both runs see the same, so FP8 alone is measured.

Legend: B batch, C colours, V frames, H/W height and width, T latent frames.
"""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lipforcing.conditions import Conditions
from lipforcing.contract import FRAMES_PER_LATENT, SPATIAL_STRIDE, frames_of, latents_of
from lipforcing.mask import generate_mask, grey_mouth
from lipforcing.network import LipNetwork
from lipforcing.rollout import Student, generate
from lipforcing.serving import gpu
from lipforcing.serving.compiled import Backend, compile_parts
from lipforcing.vae.base import Codec, to_uint8
from lipforcing.weights.errors import WeightsError

# In dB of uint8 frames, peak 255: a root mean square difference of 4.5 steps, below what a delivery encode takes away.
LEAST_PSNR = 35.0
_PROBE_BLOCKS = 3
_DTYPE = torch.float8_e4m3fn
_LARGEST = torch.finfo(_DTYPE).max
_TINY = 1e-12


class Fp8RefusedError(WeightsError):
    """These weights, or this device, do not do in FP8."""

    code = "fp8_refused"


class Fp8Linear(nn.Module):
    """A linear layer in e4m3, made from one in a wider type."""

    weight: Tensor
    scale: Tensor

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        weight, scale = _scaled(linear.weight.detach())
        self.register_buffer("weight", weight)
        self.register_buffer("scale", scale.t().contiguous())
        self.bias = linear.bias

    def forward(self, x: Tensor) -> Tensor:
        """[..., in] -> [..., out] in the dtype of ``x``; products are summed in float32."""
        rows, scale = _scaled(x.flatten(0, -2))
        # bf16 is what the kernels with per-token scales write.
        out = torch._scaled_mm(rows, self.weight.t(), scale, self.scale, out_dtype=torch.bfloat16)  # noqa: SLF001 - has no public name yet
        return (out.to(x.dtype) + self.bias).view(*x.shape[:-1], -1)


class Quantised(NamedTuple):
    """What FP8 costs: decibels that the frames keep against bf16; and why its scaling runs uncompiled, or nothing."""

    psnr: float
    uncompiled: str


def quantise_checked(student: Student, codec: Codec, least: float = LEAST_PSNR) -> Quantised:
    """Run a student's blocks in FP8 from now on, if its frames stay what they are.

    Args:
        student: frozen; its network is changed in place.
        codec: of its latents.
        least: PSNR in dB that the frames must keep.

    Returns:
        With the PSNR of the frames in FP8 against the same frames before.

    Raises:
        Fp8RefusedError: it is lower, or this device has no FP8 products; the student is of no use afterwards.
    """
    exact = probe_frames(student, codec)
    quantise_blocks(student.network)
    uncompiled = compile_quantised(student.network) if gpu.is_gpu(student.network.device) else ""
    try:
        found = psnr(exact, probe_frames(student, codec))
    except RuntimeError as error:
        cause = str(error).partition("\n")[0]
        raise Fp8RefusedError(f"FP8 does not run on this device ({cause}); switch it off for this model") from error
    # Written so that a value that is no number is refused too.
    if not found >= least:
        raise Fp8RefusedError(
            f"in FP8 the frames are {found:.1f} dB from those in {student.network.dtype}, and {least:.1f} dB is the least: "
            "these weights do not bear it; switch FP8 off for this model"
        )
    return Quantised(found, uncompiled)


def quantise_blocks(network: LipNetwork) -> None:
    """Replace the linear layers of every transformer block, one at a time (inference only)."""
    for block in network.blocks:
        for parent in (block.get_submodule("self_attn"), block.get_submodule("cross_attn"), block.get_submodule("ffn")):
            for name, child in list(parent.named_children()):
                # The prompt's keys and values are computed once, before serving.
                from_prompt = parent is block.get_submodule("cross_attn") and name in ("k", "v")
                if isinstance(child, nn.Linear) and not from_prompt:
                    setattr(parent, name, Fp8Linear(child))


def compile_quantised(network: LipNetwork, backend: Backend | None = None) -> str:
    """Compile what surrounds the products of a quantised network; returns why it could not be."""
    feeds = [block.get_submodule("ffn") for block in network.blocks]
    inside = {part for feed in feeds for part in feed.modules()}
    others = [part for part in network.blocks.modules() if isinstance(part, Fp8Linear) and part not in inside]
    x = torch.zeros(1, 16, network.config.dim, device=network.device, dtype=network.dtype)
    return compile_parts([*feeds, *others], lambda: (feeds[0](x), others[0](x)), backend)


@torch.inference_mode()
def probe_frames(student: Student, codec: Codec) -> NDArray[np.float32]:
    """The drawn scene as the student generates it: float32 [V, H, W, 3], whole numbers, or NaN where it computed one."""
    network = student.network
    like, latents = next(codec.parameters()), latents_of(_PROBE_BLOCKS)
    x_BCVHW = _scene(network.config.latent * SPATIAL_STRIDE).unsqueeze(0).to(like)
    reference, masked = (codec.encode(clip).to(network.dtype) for clip in (x_BCVHW, grey_mouth(x_BCVHW)))
    shape = (1, latents, FRAMES_PER_LATENT, network.config.audio_input)
    speech = torch.randn(shape, generator=torch.Generator().manual_seed(0)).to(reference)
    mask = generate_mask(network.config.latent, network.device, network.dtype)
    x0 = generate(student, Conditions(reference[:, :, 0], mask, masked, reference, speech), seed=0)
    frames = codec.decode(x0.to(like))[0]
    whole = to_uint8(frames).float()
    whole[~torch.isfinite(frames).movedim(0, -1)] = torch.nan
    return whole.cpu().numpy()


def psnr(a: NDArray[np.generic], b: NDArray[np.generic]) -> float:
    """Peak signal-to-noise ratio of pictures of 0 .. 255 in decibels; 138 for equal ones."""
    error = float(np.square(a.astype(np.float64) - b.astype(np.float64)).mean())
    return 10.0 * float(np.log10(255.0**2 / np.maximum(error, 1e-9)))


def _scene(side: int) -> Tensor:
    """Soft shapes that move, [3, V, H, W] in [-1, 1]."""
    at = torch.linspace(0.0, 1.0, side)
    frames = torch.arange(frames_of(_PROBE_BLOCKS)) / 5.0
    colours = torch.arange(3.0)[:, None, None, None] / 3.0
    waves = torch.sin(6.0 * (at + colours) + frames[:, None, None]) * torch.cos(5.0 * at[:, None] - frames[:, None, None] / 2)
    return 0.8 * waves


def _scaled(x: Tensor) -> tuple[Tensor, Tensor]:
    """Rows of [R, C] brought to e4m3's range, and the scale [R, 1] that brings them back."""
    wide = x.float()
    scale = wide.abs().amax(dim=1, keepdim=True).clamp(min=_TINY) / _LARGEST
    return (wide / scale).to(_DTYPE), scale
