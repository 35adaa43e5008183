"""Which parameters of a big network are trained: all of them, or low-rank adapters beside a frozen base.

The published 14B student and critic train rank-128 adapters on every projection of every block, and the whole audio path and
patch embedding. Adapters carry the names that ``lipforcing.weights.lora`` reads (``x.lora_A.weight``), so a trained network is
exported by the importer's own merge.

Legend: O outputs, I inputs, R rank.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import cast

from torch import Tensor, nn
from torch.nn.functional import linear

from lipforcing.network import LipNetwork
from lipforcing.presets import StudentConfig
from lipforcing.weights.lora import ALPHA
from services.trainer.methods.sharding import on_meta

RANK = 128
_ADAPTED = ("self_attn.q", "self_attn.k", "self_attn.v", "self_attn.o",
            "cross_attn.q", "cross_attn.k", "cross_attn.v", "cross_attn.o", "ffn.0", "ffn.2")  # fmt: skip
_WHOLE = ("audio_proj.", "audio_cond_projs.", "patch_embedding.")


@dataclass(frozen=True, slots=True)
class Trained:
    """What of a network is trained.

    Attributes:
        rank: of the adapters; None trains every parameter.
        alpha: scale of the adapters.
    """

    rank: int | None = None
    alpha: float = ALPHA

    def adapters(self, config: StudentConfig) -> int:
        """Parameters of the adapters alone, which the network has not without them."""
        # Eight projections of D x D (q, k, v, o of self- and of cross-attention), and two of D x F (the feed-forward's), each
        # with R (inputs + outputs).
        return config.layers * (self.rank or 0) * (8 * 2 * config.dim + 2 * (config.dim + config.ffn))

    def count(self, config: StudentConfig) -> int:
        """Trainable parameters of a network of these sizes, by arithmetic."""
        if self.rank is None:
            return parameters_of(config)
        dim, hidden = config.dim, config.audio_hidden
        audio = hidden * (4 * config.audio_input + 3) + len(config.audio_layers) * dim * (hidden + 1)
        # The last is the patch embedding: 2 x 2 cells of all input channels, and a bias, for each of D.
        return self.adapters(config) + audio + dim * (4 * config.in_dim + 1)


FULL = Trained()
ADAPTERS = Trained(RANK)


class AdaptedLinear(nn.Module):
    """A frozen linear layer and its adapter: W x + b + (alpha / R) B A x; untrained, it is the layer alone."""

    def __init__(self, base: nn.Linear, rank: int, alpha: float) -> None:
        super().__init__()
        self.in_features, self.out_features = base.in_features, base.out_features
        self.weight, self.bias = base.weight, base.bias
        like = {"device": base.weight.device, "dtype": base.weight.dtype}
        self.lora_A = nn.Linear(base.in_features, rank, bias=False, **like)  # weight [R, I]
        self.lora_B = nn.Linear(rank, base.out_features, bias=False, **like)  # weight [O, R]
        # A as a linear layer of PyTorch begins, B zero: the sum begins as the layer alone (LoRA, section 4.1).
        nn.init.kaiming_uniform_(self.lora_A.weight, a=math.sqrt(5))
        nn.init.zeros_(self.lora_B.weight)  # [O, R]
        self.scale = alpha / rank  # so that a rank can be changed without another rate

    def forward(self, x: Tensor) -> Tensor:
        """[..., I] -> [..., O]."""
        # [..., I] -> [..., R] -> [..., O]; the base's product carries no gradient to its weight.
        return linear(x, self.weight, self.bias) + self.scale * cast("Tensor", self.lora_B(self.lora_A(x)))


def choose_trained(network: LipNetwork, trained: Trained) -> LipNetwork:
    """Freeze and adapt ``network`` in place, and check that exactly the intended number of parameters is left to train.

    Raises:
        RuntimeError: another number is.
    """
    if trained.rank is None:
        network.requires_grad_(requires_grad=True)
    else:
        # First everything is frozen, so that what is trained is only what is named below.
        network.requires_grad_(requires_grad=False)
        for block in network.blocks:
            for name in _ADAPTED:
                parent, _, last = name.rpartition(".")
                base = cast("nn.Linear", block.get_submodule(name))
                block.get_submodule(parent).add_module(last, AdaptedLinear(base, trained.rank, trained.alpha))
        # The audio path and the patch embedding take in what the base never saw: they are trained whole.
        for name, parameter in network.named_parameters():
            parameter.requires_grad_(".lora_" in name or name.startswith(_WHOLE))
    check_trained(network, trained)
    return network


def check_trained(network: LipNetwork, trained: Trained) -> None:
    """Refuse a network of which something else is trained than told, e.g. because its base was unfrozen on the way.

    Raises:
        RuntimeError: says how many parameters are and how many should be.
    """
    found = sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)
    wanted = trained.count(network.config)  # by arithmetic, not by looking
    if found != wanted:
        raise RuntimeError(f"{found:,} parameters would be trained where {wanted:,} should be")


def merged(tensors: Mapping[str, Tensor], trained: Trained) -> dict[str, Tensor]:
    """A state dict without adapters: what they add is added to their layers' weights, W + (alpha / R) B A."""
    plain = {name: tensor for name, tensor in tensors.items() if ".lora_" not in name}
    for name in [name for name in tensors if name.endswith(".lora_A.weight")]:
        layer = name.removesuffix(".lora_A.weight")
        # Their product has the layer's own shape [O, I]: nothing of the adapter is left to be served.
        # R is the number of A's rows, so the scale needs no file of its own.
        a_RI, b_OR = tensors[name], tensors[f"{layer}.lora_B.weight"]
        plain[f"{layer}.weight"] = plain[f"{layer}.weight"] + (trained.alpha / len(a_RI)) * (b_OR @ a_RI)
    return plain


@cache
def parameters_of(config: StudentConfig) -> int:
    """Parameters of a network of these sizes, counted on the meta device: no memory is used."""
    return sum(parameter.numel() for parameter in on_meta(config).parameters())
