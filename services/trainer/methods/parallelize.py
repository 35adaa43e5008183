"""Networks where they compute: built without memory, with what is trained chosen, sharded where there are several processes.

Weights come one tensor at a time from a file that is mapped into memory, so a process holds its shards and nothing else. New
adapters are drawn from their names, hence alike on all processes.
"""

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor import DTensor, distribute_tensor

from lipforcing.network import LipNetwork
from lipforcing.presets import StudentConfig
from services.trainer.common.group import Group
from services.trainer.methods.adapters import Trained, choose_trained
from services.trainer.methods.sharding import checkpoint_blocks, materialise, on_meta, shard

_WIDE = 1024  # networks of this width are so large that their memory counts for more than computing blocks twice


@dataclass(frozen=True, slots=True)
class Parallelism:
    """How the networks of a run are placed.

    Attributes:
        device: of the networks.
        group: the run's processes; several of them share every network.
        trained: what is trained of a network that is.
        half: gathered weights are bfloat16, and frozen networks are stored so where memory counts.
        seed: of new adapters.
    """

    device: torch.device
    group: Group
    trained: Trained
    half: bool
    seed: int

    @property
    def sharded(self) -> bool:
        """Whether every process holds a part of each network only."""
        return self.group.world > 1

    def network(self, config: StudentConfig, weights: Mapping[str, Tensor], *, frozen: bool = False) -> LipNetwork:
        """A network of these sizes with these weights, to be trained unless it is frozen."""
        # No memory yet: a 14B network would not fit twice.
        network = on_meta(config)  # parameters without storage
        if frozen:
            network.eval().requires_grad_(requires_grad=False)
        else:
            choose_trained(network.train(), self.trained)
        big = self.sharded or (self.device.type == "cuda" and config.dim >= _WIDE)
        # A teacher's weights in half precision are half of its memory, and no optimiser needs more.
        if frozen and self.half and big:
            network.to(torch.bfloat16)  # 2 bytes a weight
        elif not frozen and big:
            checkpoint_blocks(network)
        if self.sharded:
            # One dimension: all processes share every network.
            mesh = init_device_mesh(self.device.type, (self.group.world,))
            shard(network, mesh, torch.bfloat16 if self.half else torch.float32)
        # Memory comes now, and then the values; of a sharded network the whole is never in one place.
        materialise(network, self.device, partial(self._fill, weights))
        return network

    def _fill(self, weights: Mapping[str, Tensor], name: str, parameter: Tensor) -> None:
        full = weights[name] if name in weights else self._adapter(name, parameter.shape)
        full = full.to(self.device, parameter.dtype)
        if isinstance(parameter, DTensor):
            # Every process has read the same file: nothing is sent.
            full = distribute_tensor(full, parameter.device_mesh, parameter.placements, src_data_rank=None)
        parameter.copy_(full)  # the whole, or this process's shard

    def _adapter(self, name: str, shape: torch.Size) -> Tensor:
        """A new adapter's factor: B is zero, so that the layer begins as it is; A as `AdaptedLinear` draws it."""
        if name.endswith("lora_B.weight"):
            # Like `AdaptedLinear`.
            return torch.zeros(shape)
        # Seeded by its name, so all processes draw the same numbers, in whatever order they come to it.
        drawn = hashlib.blake2b(f"{self.seed}/{name}".encode(), digest_size=7).digest()
        reach = 1.0 / math.sqrt(shape[1])  # Kaiming's bound for a = sqrt(5): 1 / sqrt(I)
        return torch.empty(shape).uniform_(-reach, reach, generator=torch.Generator().manual_seed(int.from_bytes(drawn)))
