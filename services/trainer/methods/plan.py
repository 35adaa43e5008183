"""What a run will need, by arithmetic: parameters, bytes on each GPU, shards, steps, GPU-hours.

Bytes: trained parameters are stored in float32 with float32 gradients, two moments and, where weights are averaged, a fourth
copy; the frozen teacher is stored in bf16. All of it is sharded. Two groups are gathered in bf16 at a time. Of activations the
blocks' inputs are kept, and the inside of one block.

Hours: matrix products of the forwards that a step makes, at 40 % of an H200's dense bf16 peak; without decoding and data.

Legend: D width, F feed-forward width, L layers.
"""

from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

from lipforcing.presets import StudentConfig
from services.trainer.methods.adapters import Trained
from services.trainer.methods.forcing import Stage1
from services.trainer.methods.recipe import MethodRecipe
from services.trainer.methods.self_forcing import Stage2
from services.trainer.methods.sharding import groups_of, on_meta

_PEAK = 989e12 * 0.4
_FLOAT, _HALF = 4, 2
_INSIDE = 24  # tensors of width D (the feed-forward's counted by its width) that one block keeps while it is computed again


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run would need.

    Attributes:
        parameters: trained.
        memory: bytes on each GPU, by what they hold.
        shards: processes that share the networks and the optimiser's state.
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


@dataclass(frozen=True, slots=True)
class NetworkPlan:
    """One network of a run by its role (student, critic, teacher), and the groups of it that are gathered one at a time.

    Bytes on each GPU are shards of weights, gradients, moments and averages, and two gathered groups.
    """

    role: str
    parameters: int
    trained: int
    groups: int
    bytes_per_gpu: int


def plan(recipe: MethodRecipe, gpus: int) -> Plan:
    """What ``recipe`` will need on ``gpus`` H200s.

    Raises:
        ValueError: the batch does not split over that many.
    """
    networks = networks_of(recipe, gpus)
    memory = {one.role: one.bytes_per_gpu for one in networks} | {"activations": _activations(recipe, gpus)}
    if gpus == 1 and recipe.half:
        # Autocast keeps a bfloat16 copy of every weight of the networks that are trained until the step ends.
        memory["copies"] = sum(one.parameters for one in networks if one.trained) * _HALF
    samples = recipe.batch * recipe.steps
    # Forwards and backwards of the whole run over the peak that is reached, in hours of one GPU.
    hours = samples * _flops_per_sample(recipe) / _PEAK / 3600
    return Plan(sum(one.trained for one in networks), memory, gpus, gpus, recipe.steps, samples, hours)


def networks_of(recipe: MethodRecipe, gpus: int) -> list[NetworkPlan]:
    """The networks of a run on ``gpus`` GPUs; raises like ``plan``."""
    if gpus < 1 or recipe.batch % (gpus * recipe.micro):
        raise ValueError(f"{recipe.name}: a batch of {recipe.batch} does not split over {gpus} GPUs in {recipe.micro}s")
    stage = recipe.stage
    if not isinstance(stage, Stage2):
        role = "student" if isinstance(stage, Stage1) else "teacher"
        return [_network(role, recipe.network, recipe.trained, gpus, averaged=recipe.update.ema is not None)]
    critic, teacher = recipe.judges()
    return [
        _network("student", recipe.network, recipe.trained, gpus, averaged=stage.student.ema is not None),
        _network("critic", critic, recipe.trained, gpus, averaged=stage.critic.ema is not None),
        _network("teacher", teacher.network, None, gpus, averaged=False),
    ]


def _network(role: str, config: StudentConfig, trained: Trained | None, gpus: int, *, averaged: bool) -> NetworkPlan:
    groups = _groups(config)
    total = sum(groups.values())  # without adapters
    learns = 0 if trained is None else trained.count(config)  # a frozen network has no state
    extra = 0 if trained is None else trained.adapters(config)
    # Frozen weights in bfloat16; trained networks in float32, their frozen part too.
    stored = total * _HALF if trained is None else (total + extra) * _FLOAT
    # Gradient and two moments of Adam, and the averaged weights.
    state = learns * _FLOAT * (4 if averaged else 3)
    # One group computes while the next is gathered.
    gathered = 2 * max(groups.values()) * _HALF
    return NetworkPlan(role, total + extra, learns, len(groups), -(-(stored + state) // gpus) + gathered)


@cache
def _groups(config: StudentConfig) -> dict[str, int]:
    return groups_of(on_meta(config))


def _activations(recipe: MethodRecipe, gpus: int) -> int:
    """Bytes of one micro-batch's backward pass in the largest trained network."""
    configs = [recipe.network, *([recipe.critic] if recipe.critic else [])]
    stored = _FLOAT if gpus == 1 else _HALF  # whole weights stay float32, and so does what they add up
    needs = [_pass(config, recipe.latents, stored) for config in configs]
    if isinstance(recipe.stage, Stage2):
        # The rollout's cache, and a copy of the past for every block whose call carries gradient.
        config, blocks = recipe.network, recipe.latents // 3
        frames = config.window + sum(min(3 * block, config.window - 3) for block in range(blocks))
        needs[0] += 2 * frames * config.frame_tokens * config.dim * config.layers * _HALF
    return recipe.micro * max(needs)


def _pass(config: StudentConfig, latents: int, stored: int) -> int:
    tokens = latents * config.frame_tokens
    # The inputs of all L blocks, and in bfloat16 the inside of the one that is computed again.
    return tokens * (stored * config.dim * config.layers + _HALF * (_INSIDE * config.dim + 3 * config.ffn))


def forward_flops(config: StudentConfig, queries: int, keys: int) -> float:
    """Matrix products of one forward of ``queries`` tokens of which each sees ``keys``."""
    dim = config.dim  # D
    # Two operations a weight: q, k, v, o of the own tokens, q and o across (k, v are the prompt's), 2 D F of the feed-forward.
    linear = 2 * (6 * dim * dim + 2 * dim * config.ffn) * queries
    # Scores and their values: two products of queries with keys, of the own tokens and of the prompt's.
    return config.layers * (linear + 4 * dim * queries * (keys + config.text_len))


def _flops_per_sample(recipe: MethodRecipe) -> float:
    """Averaged over steps. A trained forward costs four: itself, once more for the checkpoints, twice backwards."""
    stage, config = recipe.stage, recipe.network
    tokens = recipe.latents * config.frame_tokens  # of one clip
    both_ways = forward_flops(config, tokens, tokens)  # every token sees every other
    # A causal token sees its window at most.
    causal = forward_flops(config, tokens, config.window * config.frame_tokens)
    if not isinstance(stage, Stage2):
        return 4 * (causal if isinstance(stage, Stage1) else both_ways)
    critic, teacher = (forward_flops(one, tokens, tokens) for one in (recipe.judges()[0], recipe.judges()[1].network))
    calls = len(config.t_list) / 2  # of the student for one block, on average over the exit steps
    rollout, learning = (calls + 1) * causal, (calls + 4) * causal  # one more call fills the cache
    # 1.4: the teacher's second pass runs for the 40 % of the batches that lie in the sync window.
    return rollout + 4 * critic + (learning + critic + 1.4 * teacher) / stage.student_update_freq
