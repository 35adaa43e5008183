"""What a run will need, by arithmetic: parameters, bytes on each GPU, shards, steps, GPU-hours.

Bytes: trained parameters are stored in float32 with float32 gradients, two moments and, where weights are averaged, a fourth
copy; the frozen teacher is stored in bf16. All of it is sharded. Two groups are gathered in bf16 at a time. Of activations the
blocks' inputs are kept, and the inside of one block.

Hours: matrix products of the forwards that a step makes, at 40 % of an H200's dense bf16 peak; without decoding and data.

Legend: D width, F feed-forward width, L layers.
"""

from dataclasses import asdict, dataclass
from typing import Any

from lipforcing.presets import StudentConfig
from services.trainer.methods.adapters import FULL, Trained
from services.trainer.methods.forcing import Stage1
from services.trainer.methods.recipe import MethodRecipe
from services.trainer.methods.self_forcing import Stage2
from services.trainer.methods.sharding import groups_of, on_meta

_PEAK = 989e12 * 0.4
_FLOAT, _HALF = 4, 2
_INSIDE = 24  # tensors of width D (the feed-forward's counted by its width) that one block keeps while it is computed again


@dataclass(frozen=True, slots=True)
class NetworkPlan:
    """One network of a run.

    Attributes:
        role: student, critic, teacher.
        parameters: all.
        trained: those that are.
        groups: gathered one at a time.
        bytes_per_gpu: shards of weights, gradients, moments and averages, and two gathered groups.
    """

    role: str
    parameters: int
    trained: int
    groups: int
    bytes_per_gpu: int


@dataclass(frozen=True, slots=True)
class RunPlan:
    """A whole run.

    Attributes:
        recipe: its name.
        gpus: that share every network.
        networks: of the run.
        activations: bytes per GPU.
        bytes_per_gpu: everything.
        micro_batches: of one GPU in one step.
        steps: of the optimiser.
        samples: seen in all.
        gpu_hours: of all GPUs together.
    """

    recipe: str
    gpus: int
    networks: tuple[NetworkPlan, ...]
    activations: int
    bytes_per_gpu: int
    micro_batches: int
    steps: int
    samples: int
    gpu_hours: float

    def to_json(self) -> dict[str, Any]:
        """For ``--dry-run``."""
        return asdict(self)


def plan(recipe: MethodRecipe, gpus: int) -> RunPlan:
    """What ``recipe`` will need on ``gpus`` H200s.

    Raises:
        ValueError: the batch does not split over that many.
    """
    if gpus < 1 or recipe.batch % (gpus * recipe.micro):
        raise ValueError(f"{recipe.name}: a batch of {recipe.batch} does not split over {gpus} GPUs in {recipe.micro}s")
    average = recipe.stage.student.ema if isinstance(recipe.stage, Stage2) else recipe.update.ema
    role = "student" if isinstance(recipe.stage, Stage1 | Stage2) else "teacher"
    networks = [_network(role, recipe.network, recipe.trained, gpus, averaged=average is not None)]
    if isinstance(recipe.stage, Stage2) and recipe.critic and recipe.teacher:
        critic_averaged = recipe.stage.critic.ema is not None
        networks.append(_network("critic", recipe.critic, recipe.trained, gpus, averaged=critic_averaged))
        networks.append(_network("teacher", recipe.teacher.network, None, gpus, averaged=False))
    activations = _activations(recipe)
    samples = recipe.batch * recipe.steps
    return RunPlan(
        recipe.name, gpus, tuple(networks), activations, sum(one.bytes_per_gpu for one in networks) + activations,
        recipe.batch // (gpus * recipe.micro), recipe.steps, samples,
        round(samples * _flops_per_sample(recipe) / _PEAK / 3600, 1),
    )  # fmt: skip


def _network(role: str, config: StudentConfig, trained: Trained | None, gpus: int, *, averaged: bool) -> NetworkPlan:
    groups = groups_of(on_meta(config))
    total = sum(groups.values())
    learns = 0 if trained is None else trained.count(config)
    extra = 0 if trained in (None, FULL) else learns - _whole(config, learns, trained)
    stored = total * _HALF if trained is None else (total + extra) * _FLOAT
    state = learns * _FLOAT * (4 if averaged else 3)
    gathered = 2 * max(groups.values()) * _HALF
    return NetworkPlan(role, total + extra, learns, len(groups), -(-(stored + state) // gpus) + gathered)


def _whole(config: StudentConfig, learns: int, trained: Trained | None) -> int:
    """Of the trained parameters beside adapters, those that the network has anyway."""
    rank = trained.rank if trained and trained.rank else 0
    return learns - config.layers * rank * (16 * config.dim + 2 * (config.dim + config.ffn))


def _activations(recipe: MethodRecipe) -> int:
    """Bytes of one micro-batch's backward pass in the largest trained network."""
    configs = [recipe.network, *([recipe.critic] if recipe.critic else [])]
    needs = [_pass(config, recipe.latents) for config in configs]
    if isinstance(recipe.stage, Stage2):
        # The rollout's cache, and a copy of the past for every block whose call carries gradient.
        config, blocks = recipe.network, recipe.latents // 3
        frames = config.window + sum(min(3 * block, config.window - 3) for block in range(blocks))
        needs[0] += 2 * frames * config.frame_tokens * config.dim * config.layers * _HALF
    return recipe.micro * max(needs)


def _pass(config: StudentConfig, latents: int) -> int:
    tokens = latents * config.frame_tokens
    return tokens * _HALF * (config.dim * config.layers + _INSIDE * config.dim + 3 * config.ffn)


def forward_flops(config: StudentConfig, queries: int, keys: int) -> float:
    """Matrix products of one forward of ``queries`` tokens of which each sees ``keys``."""
    dim = config.dim
    linear = 2 * (6 * dim * dim + 2 * dim * config.ffn) * queries
    return config.layers * (linear + 4 * dim * queries * (keys + config.text_len))


def _flops_per_sample(recipe: MethodRecipe) -> float:
    """Averaged over steps. A trained forward costs four: itself, once more for the checkpoints, twice backwards."""
    stage, config = recipe.stage, recipe.network
    tokens = recipe.latents * config.frame_tokens
    both_ways = forward_flops(config, tokens, tokens)
    causal = forward_flops(config, tokens, config.window * config.frame_tokens)
    if not isinstance(stage, Stage2):
        return 4 * (causal if isinstance(stage, Stage1) else both_ways)
    if recipe.critic is None or recipe.teacher is None:
        raise ValueError(f"{recipe.name} names no critic and no teacher")
    critic = forward_flops(recipe.critic, tokens, tokens)
    teacher = forward_flops(recipe.teacher.network, tokens, tokens)
    calls = len(config.t_list) / 2  # of the student for one block, on average over the exit steps
    rollout, learning = (calls + 1) * causal, (calls + 4) * causal
    return rollout + 4 * critic + (learning + critic + 1.4 * teacher) / stage.ratio
