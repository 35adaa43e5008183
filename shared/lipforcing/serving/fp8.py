"""Optional FP8 linear layers: e4m3 weights scaled per output, activations scaled per token as they come.

About twice the matmul rate of bf16 on accelerators with FP8 units, at about 4 % relative error per layer. The layers of the
transformer blocks are replaced; embeddings, modulation, audio, the prompt's keys and values, and the head keep their type.
Off by default: whoever switches it on compares frames against bf16 first (``benchmarks`` report the PSNR).
"""

import torch
from torch import Tensor, nn

from lipforcing.network import LipNetwork

_DTYPE = torch.float8_e4m3fn
_LARGEST = torch.finfo(_DTYPE).max
_TINY = 1e-12


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


def quantise_blocks(network: LipNetwork) -> None:
    """Replace the linear layers of every transformer block, one at a time (inference only)."""
    for block in network.blocks:
        for parent in (block.get_submodule("self_attn"), block.get_submodule("cross_attn"), block.get_submodule("ffn")):
            for name, child in list(parent.named_children()):
                # The prompt's keys and values are computed once, before serving.
                from_prompt = parent is block.get_submodule("cross_attn") and name in ("k", "v")
                if isinstance(child, nn.Linear) and not from_prompt:
                    setattr(parent, name, Fp8Linear(child))


def _scaled(x: Tensor) -> tuple[Tensor, Tensor]:
    """Rows of [R, C] brought to e4m3's range, and the scale [R, 1] that brings them back."""
    wide = x.float()
    scale = wide.abs().amax(dim=1, keepdim=True).clamp(min=_TINY) / _LARGEST
    return (wide / scale).to(_DTYPE), scale
