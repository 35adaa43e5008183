"""What a run would need, by arithmetic: nothing is allocated.

Memory of mixed-precision training with AdamW and averaged weights, in bytes for each trained parameter: weights 2, float32
master 4, gradient 4, two moments 8, average 4. Activations are those of blocks with checkpointing: one residual stream for each
layer, and one layer's inside (about 34 values for each token and channel, Korthikanti et al. 2022, table 2).
"""

from dataclasses import asdict, dataclass
from typing import Any

_BYTES = {"weights": 2, "master": 4, "gradients": 4, "moments": 8, "average": 4}
_INSIDE = 34
# Half of the dense bf16 peak of an H200 (989 TFLOP/s) is more than published training runs of this kind reach; 40 % is common.
_FLOPS = 0.4 * 989e12


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run would need.

    Attributes:
        parameters: trained.
        memory: bytes on each GPU, by what they hold.
        shards: processes that share the optimiser's state; 1 when each holds all of it.
        processes: one for each GPU.
        steps: of the optimiser.
        samples: in all steps and processes.
        gpu_hours: at 40 % of an H200's bf16 peak; a lower bound where the data or a CPU is slower.
    """

    parameters: int
    memory: dict[str, int]
    shards: int
    processes: int
    steps: int
    samples: int
    gpu_hours: float

    def to_json(self) -> dict[str, Any]:
        """For readers: with the sum of the memory, and hours to three digits, which are never 0."""
        hours = float(f"{self.gpu_hours:.3g}")
        return {**asdict(self), "gpu_hours": hours, "memory_per_gpu": sum(self.memory.values())}


def plan_of(
    *, parameters: int, processes: int, steps: int, batch: int, tokens: int, width: int, layers: int, sharded: bool,
    frozen: int = 0, forwards: float = 4.0,
) -> Plan:  # fmt: skip
    """The arithmetic.

    Args:
        parameters: trained.
        processes: one for each GPU.
        steps: of the optimiser.
        batch: samples of each process in one step.
        tokens: of one sample.
        width: channels of the transformer.
        layers: of the transformer.
        sharded: the optimiser's state and the weights are spread over the processes.
        frozen: parameters that are only used (a teacher), in bf16.
        forwards: work of one step in forward passes of the trained network: 1 forward, 2 backward, 1 recomputed.
    """
    shards = processes if sharded else 1
    memory = {name: size * parameters // shards for name, size in _BYTES.items()}
    memory["frozen"] = 2 * frozen // shards
    memory["activations"] = 2 * batch * tokens * width * (layers + _INSIDE)
    flops = forwards * 2 * (parameters + frozen) * tokens * batch * processes * steps
    return Plan(parameters, memory, shards, processes, steps, steps * batch * processes, flops / _FLOPS / 3600)
