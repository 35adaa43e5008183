"""Big networks over several GPUs, from outside: FSDP2, activation checkpointing, construction on the meta device.

Every block is a group, its cross-attention a group within (the prompt's keys are computed before the blocks run), and the rest
of the network - embeddings, audio path, head - belongs to the root, so every gradient is reduced. Weights are stored and
reduced in float32 and gathered in bf16; timesteps are never cast.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard, register_fsdp_forward_method
from torch.utils.checkpoint import checkpoint

from lipforcing.blocks import Block
from lipforcing.network import LipNetwork
from lipforcing.presets import StudentConfig


def on_meta(config: StudentConfig) -> LipNetwork:
    """The network without memory; ``materialise`` gives it some."""
    with torch.device("meta"):
        return LipNetwork(config)


def materialise(network: LipNetwork, device: torch.device, fill: Callable[[str, Tensor], None]) -> None:
    """Allocate a network that was built on the meta device (of a sharded one its shards); ``fill`` writes each tensor in place.

    It has no buffers, so nothing has to be computed anew.
    """
    # Uninitialised memory: whatever ``fill`` leaves out would be noise, so it is called for every parameter.
    network.to_empty(device=device)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            fill(name, parameter)


def shard(network: LipNetwork, mesh: DeviceMesh, compute: torch.dtype = torch.bfloat16) -> LipNetwork:
    """Shard a network in place over all processes of ``mesh``.

    Args:
        network: whole, on any device or on meta; which parameters are trained must be chosen already.
        mesh: one-dimensional.
        compute: dtype of gathered weights and activations. Frozen networks should be cast to it beforehand.
    """
    # Inputs are cast by our own hook, for timesteps must stay float64.
    policy = MixedPrecisionPolicy(param_dtype=compute, reduce_dtype=torch.float32, cast_forward_inputs=False)
    for block in _blocks(network):
        fully_shard(block.cross_attn, mesh=mesh, mp_policy=policy)
        fully_shard(block, mesh=mesh, mp_policy=policy)  # what its cross-attention has not taken
        # Called by the network before the block's own forward.
        register_fsdp_forward_method(block.cross_attn, "text")
        register_fsdp_forward_method(block, "modulate")
    # The root last: it takes what no block has taken.
    fully_shard(network, mesh=mesh, mp_policy=policy)
    # Parts of the root that are called by themselves must gather its weights, too.
    for method in ("embed_time", "embed_text", "embed_conditions"):
        register_fsdp_forward_method(network, method)
    network.register_forward_pre_hook(partial(_cast_latents, compute), with_kwargs=True)
    return network


def groups_of(network: LipNetwork) -> dict[str, int]:
    """Parameters of every group that ``shard`` would gather at once, by name."""
    sizes = {}
    for index, block in enumerate(_blocks(network)):
        inner = _size(block.cross_attn)  # a group of its own, not counted again in the block's
        sizes[f"blocks.{index}.cross_attn"] = inner
        sizes[f"blocks.{index}"] = _size(block) - inner
    return {**sizes, "root": _size(network) - sum(sizes.values())}


def checkpoint_blocks(network: LipNetwork) -> LipNetwork:
    """Keep only the blocks' inputs for the backward pass and compute their insides again.

    Blocks draw nothing, so no generator has to be wound back. A rollout's attention holds copies of the past that it saw, so
    the second time sees what the first saw.
    """
    for block in _blocks(network):
        # Not reentrant: inputs without gradient (a frozen base) still reach parameters that have one.
        again = partial(checkpoint, block.forward, use_reentrant=False, preserve_rng_state=False)
        block.forward = again  # type: ignore[method-assign]
    return network


def _cast_latents(
    dtype: torch.dtype, _module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Latents in the type of the gathered weights; the timesteps beside them stay in float64."""
    # args[0] is x_t [B, Z, T, h, w], args[1] the timesteps.
    return (args[0].to(dtype), *args[1:]), kwargs


def _blocks(network: LipNetwork) -> list[Block]:
    return cast("list[Block]", list(network.blocks))


def _size(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())
