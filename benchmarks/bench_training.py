"""``python benchmarks/bench_training.py``: how fast a few real steps of a distillation go on one GPU, and in how much memory.

Recipe, placing, method, precision and reward are a run's own; weights, clips and SyncNet are random, which costs the same.
Samples go through one by one, as in the run, so their rate hardly depends on how many a step has: only the optimisers' share
is paid once per step. Exchange between GPUs and reading of footage are not in the figures.

Every step teaches the critic, every fifth also the student. What one costs depends on what it draws: after which denoising
step the rollout ends, and whether the teacher is guided, which takes a second pass. The timed steps are picked by that: the
ends in turn, the student's without and with guidance in turn, which then count as often as the run will draw them.

Every phase prints its time and leaves its figures, so a measurement that is cut short has measured something.
"""

import argparse
import math
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import cycle
from pathlib import Path
from statistics import mean
from typing import Any

import bare  # noqa: F401 - before the trainer, which asks for structlog
import torch
from models import machine, peak_gib, seconds, settle
from report import save
from torch import Tensor

from lipforcing.contract import LATENT_CHANNELS, LATENTS_PER_BLOCK, frames_of
from lipforcing.network import LipNetwork
from lipforcing.presets import StudentConfig
from lipforcing.syncnet import PUBLISHED, SAMPLES_PER_FRAME, TINY, ClipScorer, SyncNet
from lipforcing.vae.taew import Taew
from services.trainer.common.group import Group
from services.trainer.common.update import precision
from services.trainer.methods.draws import Draws, Purpose
from services.trainer.methods.guidance import NullConditions
from services.trainer.methods.parallelize import Parallelism
from services.trainer.methods.plan import plan
from services.trainer.methods.recipe import MethodRecipe, build
from services.trainer.methods.reward import SyncReward
from services.trainer.methods.samples import Clips, EncodedSample, Span, collate, on_device
from services.trainer.methods.self_forcing import Stage2, self_rollout
from services.trainer.methods.sharding import on_meta
from services.trainer.methods.stage import MethodStage
from services.trainer.methods.teacher import Teacher
from services.trainer.recipes import load

_BEGAN = time.perf_counter()
_GPUS = 8  # of the run whose hours are foretold
_SMALL: dict[str, Any] = {"dim": 132, "ffn": 64, "heads": 3, "layers": 4, "latent": 16}
# Guided, and place in the list of exit steps: what the timed updates of the student draw.
_IN_TURN = ((False, 0), (True, -1), (False, -1), (True, 0))

Result = dict[str, Any]


class NoTrainingError(RuntimeError):
    """A figure of a step is no number: its seconds say nothing."""


@dataclass(frozen=True)
class Subject:
    """A run that is ready for its first step, and the parts of it that are timed alone."""

    recipe: MethodRecipe
    stage: MethodStage
    student: LipNetwork
    teacher: Teacher
    reward: SyncReward
    clips: Clips
    device: torch.device


@dataclass(frozen=True)
class Picked:
    """A step and what it draws."""

    number: int
    student: bool
    exit_step: int
    guided: bool


class Drawn(Mapping[str, Tensor]):
    """Random weights, each drawn on the device when it is asked for: no host has to hold the teacher."""

    def __init__(self, config: StudentConfig, device: torch.device) -> None:
        self._shapes = {name: parameter.shape for name, parameter in on_meta(config).named_parameters()}
        self._device, self._draw = device, torch.Generator(device).manual_seed(0)

    def __getitem__(self, name: str) -> Tensor:
        """Of a size that neither vanishes nor grows through forty layers."""
        shape = self._shapes[name]
        fresh = torch.randn(shape, device=self._device, generator=self._draw)
        if len(shape) > 1:
            return fresh.mul_(math.prod(shape[1:]) ** -0.5)
        return fresh.mul_(0.02).add_(1.0 if "norm" in name and name.endswith("weight") else 0.0)

    def __contains__(self, name: object) -> bool:
        """Without drawing it."""
        return name in self._shapes

    def __iter__(self) -> Iterator[str]:
        """Names."""
        return iter(self._shapes)

    def __len__(self) -> int:
        """How many."""
        return len(self._shapes)


def main() -> None:
    """Measure, print and save."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recipe", choices=["sf_1_3b", "sf_14b"], default="sf_1_3b", help="sf_14b outgrows an H200")
    parser.add_argument("--batch", type=int, default=1, help="samples of a step")
    parser.add_argument("--student-steps", type=int, default=2, help="timed updates of the student: 2, better 4")
    parser.add_argument("--smoke", action="store_true", help="small networks on the CPU: whether it runs, not how fast")
    parser.add_argument("--out", type=Path, help="folder; default benchmarks/results")
    options = parser.parse_args()
    if options.batch < 1 or options.student_steps < 2:
        parser.error("a step has a sample or more, and the student is timed without and with guidance: twice or more")
    if not (options.smoke or torch.cuda.is_available()):
        parser.error("networks of the true size need a GPU; there is --smoke")
    device, recipe = torch.device("cpu" if options.smoke else "cuda"), load(options.recipe)
    recipe = shrunk(recipe) if options.smoke else recipe
    result: Result = {"machine": machine(device), "recipe": recipe.name, "batch": options.batch, "complete": False}
    name = f"{'smoke_' if options.smoke else ''}training_{recipe.name}_{device.type}"
    try:
        for phase in measure(recipe, options.batch, options.student_steps, device):
            result |= phase
            save(name, result, options.out)
    except NoTrainingError as error:
        save(name, {"machine": result["machine"], "recipe": recipe.name, "failed": str(error)}, options.out)
        sys.exit(f"failed: {error}")
    show(result)
    if result["untaught"]:
        sys.exit(f"failed: {len(result['untaught'])} tensors never had a gradient, among them {result['untaught'][:3]}")


def measure(recipe: MethodRecipe, batch: int, updates: int, device: torch.device) -> Iterator[Result]:
    """Every phase's figures as soon as there are any; raises `NoTrainingError`."""
    say(f"building {recipe.name}")
    memory: Result = {"planned": planned(recipe)}
    yield {"memory_gib": memory}
    subject = built(recipe, batch, device)
    memory |= {"built": held(device), "peak_of_building": peak(device)}
    say("built")
    yield {"memory_gib": memory}
    first, timed = picked(recipe, updates)
    warm = []
    for step in first:
        warm.append(taken(subject, step))
        memory["after_the_first_update" if step.student else "after_the_first_step"] = held(device)
        yield {"warm_steps": warm, "memory_gib": memory}
    steps: list[Result] = []
    for step in timed:
        steps.append(taken(subject, step))
        if step.student:
            taught = {kind: [one["peak_gib"] for one in warm + steps if one["student"] is kind] for kind in (False, True)}
            memory |= {"peak_of_critic_steps": most(taught[False]), "peak_of_student_steps": most(taught[True])}
            memory["peak"] = most([memory["peak_of_building"], *taught[False], *taught[True]])
            yield {"steps": steps, "memory_gib": memory, **rates(recipe, batch, steps)}
    yield {"untaught": untaught(subject)}
    say("timing parts")
    yield {"parts_seconds": parts(subject, timed), "complete": True}
    say("done")


def shrunk(recipe: MethodRecipe) -> MethodRecipe:
    """The same with networks and clips that a CPU trains in a second."""
    critic, teaching = recipe.judges()
    return replace(
        recipe, network=replace(recipe.network, **_SMALL), critic=replace(critic, **_SMALL), latents=LATENTS_PER_BLOCK,
        teaching=replace(teaching, network=replace(teaching.network, **_SMALL)),
    )  # fmt: skip


def built(recipe: MethodRecipe, batch: int, device: torch.device) -> Subject:
    """What ``MethodRun`` puts together of a finished start, a finished teacher and the published SyncNet."""
    big = device.type == "cuda"
    placing = Parallelism(device, Group(), recipe.trained, recipe.half, recipe.seed)
    critic, teaching = recipe.judges()
    student, learns = (placing.network(config, Drawn(config, device)) for config in (recipe.network, critic))
    null = NullConditions(torch.randn(recipe.network.text_len, recipe.network.text_dim, device=device))
    judge = placing.network(teaching.network, Drawn(teaching.network, device), frozen=True)
    torch.manual_seed(recipe.seed)
    syncnet = SyncNet(PUBLISHED if big else TINY).to(device)
    scorer = ClipScorer.of_clips(syncnet, frames_of(recipe.latents // LATENTS_PER_BLOCK))
    codec = Taew().to(device, torch.float16 if big else torch.float32)
    teacher, reward = Teacher(teaching, judge, null), SyncReward(codec, scorer)
    method = build(replace(recipe, rng_group=batch), student, null, critic=learns, teacher=teacher, reward=reward)
    batches = partial(micro_batches, sample_of(recipe), batch, device)
    stage = MethodStage(
        method, recipe.steps, batches, samples=batch, facts={}, draw=lambda _path: None,
        export=lambda _repository, _source: False, within=partial(precision, device, half=recipe.half),
    )  # fmt: skip
    return Subject(recipe, stage, student, teacher, reward, batches(0)[0], device)


def sample_of(recipe: MethodRecipe) -> EncodedSample:
    """A clip of noise in host memory, as the footage's cache gives one."""
    config, frames = recipe.network, frames_of(recipe.latents // LATENTS_PER_BLOCK)
    draw = torch.Generator().manual_seed(0)
    shape = (LATENT_CHANNELS, recipe.latents, config.latent, config.latent)
    target, masked, reference = (torch.randn(shape, generator=draw) for _ in range(3))
    speech = torch.randn(frames, config.audio_input, generator=draw)
    text = torch.randn(config.text_len, config.text_dim, generator=draw)
    sound = torch.rand(frames * SAMPLES_PER_FRAME, generator=draw) - 0.5
    return EncodedSample("clip", target, masked, reference, speech, text, Span("a", 0, frames), Span("b", 0, frames), sound)


def micro_batches(sample: EncodedSample, batch: int, device: torch.device, number: int) -> list[Clips]:
    """Those of step ``number``, a sample each. The reward remembers sounds by name, and no name comes twice."""
    named = [replace(sample, name=f"clip {number}.{place}") for place in range(batch)]
    return [on_device(collate([one], [place], sound=True), device) for place, one in enumerate(named)]


def picked(recipe: MethodRecipe, updates: int) -> tuple[list[Picked], list[Picked]]:
    """One step of each kind to warm up, and those that are timed: ``updates`` of the student, before each the critic's own."""
    every, exits = [draws_of(recipe, number) for number in range(1, recipe.steps + 1)], range(len(recipe.network.t_list) - 1)
    critic = [iter([one for one in every if not one.student and one.exit_step == at]) for at in exits]
    kinds = [(guided, exits[at]) for guided, at in _IN_TURN]
    student = [iter([one for one in every if one.student and (one.guided, one.exit_step) == kind]) for kind in kinds]
    first, timed = [next(critic[0]), next(student[0])], []
    critics, students = cycle(critic), cycle(student)
    for _ in range(updates):
        timed += [next(next(critics)) for _ in range(stage_of(recipe).student_update_freq - 1)]
        timed.append(next(next(students)))
    return first, timed


def draws_of(recipe: MethodRecipe, number: int, place: int = 0) -> Picked:
    """What a sample of step ``number`` draws together with its neighbours."""
    stage, draws = stage_of(recipe), Draws(recipe.seed, number, (place,), recipe.rng_group)
    exit_step = draws.choice(Purpose.EXIT, len(recipe.network.t_list) - 1)
    guided = stage.guidance.draw(draws, Purpose.STUDENT_LEVEL).guided
    return Picked(number, number % stage.student_update_freq == 0, exit_step, guided)


def stage_of(recipe: MethodRecipe) -> Stage2:
    """The recipe's distillation; raises TypeError if it is none."""
    if not isinstance(recipe.stage, Stage2):
        raise TypeError(f"{recipe.name} is no distillation")
    return recipe.stage


def taken(subject: Subject, step: Picked) -> Result:
    """Take a step: its seconds, its peak and the method's figures; raises `NoTrainingError`."""
    subject.stage.step = step.number - 1
    if subject.device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(subject.device)
    settle(subject.device)
    began = time.perf_counter()
    report = subject.stage.advance()
    settle(subject.device)
    took = time.perf_counter() - began
    figures = dict(report.parts)
    if report.skipped or not all(map(math.isfinite, figures.values())):
        raise NoTrainingError(f"step {step.number} is no training: {figures}")
    say(f"step {step.number}, {'critic and student' if step.student else 'critic'}: {took:.3f} s")
    return {**asdict(step), "seconds": round(took, 4), "peak_gib": peak(subject.device), "figures": figures}


def untaught(subject: Subject) -> list[str]:
    """Trained tensors that no gradient has reached, by ``<network>/exp_avg_sq/<parameter>``."""
    tensors = subject.stage.state().shared
    return sorted(name for name, tensor in tensors.items() if "/exp_avg_sq/" in name and not tensor.any())


def rates(recipe: MethodRecipe, batch: int, steps: Sequence[Result]) -> Result:
    """Seconds of a sample in both kinds of step, and what they make of the recipe's whole run on such GPUs."""
    ratio, places = stage_of(recipe).student_update_freq, range(0, recipe.batch, recipe.rng_group)
    share = mean(draws_of(recipe, at, place).guided for at in range(ratio, recipe.steps + 1, ratio) for place in places)
    critic = mean(step["seconds"] for step in steps if not step["student"]) / batch
    timed: dict[bool, list[float]] = {}
    for step in steps:
        if step["student"]:
            timed.setdefault(step["guided"], []).append(step["seconds"] / batch)
    weights = {guided: share if guided else 1.0 - share for guided in timed}
    both = sum(weights[guided] * mean(each) for guided, each in timed.items()) / sum(weights.values())
    sample = ((ratio - 1) * critic + both) / ratio
    hours = recipe.steps * recipe.batch * sample / 3600
    return {
        "critic_sample_seconds": round(critic, 4),
        "student_sample_seconds": round(both, 4),
        "samples_per_second": round(1.0 / sample, 4),
        "run": {
            "steps": recipe.steps,
            "batch": recipe.batch,
            "guided_share": round(share, 4),
            "gpu_hours": round(hours, 4),
            "planned_gpu_hours": plan(recipe, _GPUS).to_json()["gpu_hours"],
            "gpus": _GPUS,
            "hours": round(hours / _GPUS, 4),
        },
    }


@torch.no_grad()
def parts(subject: Subject, steps: Sequence[Picked]) -> dict[str, float]:
    """Seconds of parts of a sample: a rollout by its end, a pass of the teacher, the reward noise."""
    recipe, clips, device = subject.recipe, subject.clips, subject.device
    x0, t_B = clips.x0_BZThw, torch.tensor([0.5], dtype=torch.float64)
    ends = {step.exit_step: Draws(recipe.seed, step.number, (0,), recipe.rng_group) for step in steps}
    runs: dict[str, Callable[[], object]] = {
        f"rollout_of_{end + 1}": partial(self_rollout, subject.student, clips, draws, gradient=False)
        for end, draws in sorted(ends.items())
    }
    runs["reward"] = partial(subject.reward, x0, clips)
    runs["teacher_pass"] = partial(subject.teacher.x0, x0, t_B, clips, 1.0)
    runs["noise_of_a_clip"] = partial(ends[0].normal, Purpose.CRITIC_NOISE, tuple(x0.shape[1:]))
    with precision(device, half=recipe.half):
        return {name: round(seconds(run, device, 1), 4) for name, run in runs.items()}


def planned(recipe: MethodRecipe) -> dict[str, float]:
    """What the plan says of one GPU, GiB."""
    said = plan(recipe, 1).memory
    return {name: round(size / 2**30, 2) for name, size in {**said, "sum": sum(said.values())}.items()}


def held(device: torch.device) -> dict[str, float]:
    """GiB of the device that are held now."""
    if device.type != "cuda":
        return peak(device)
    now = {"allocated": torch.cuda.memory_allocated(device), "reserved": torch.cuda.memory_reserved(device)}
    return {name: round(size / 2**30, 2) for name, size in now.items()}


def peak(device: torch.device) -> dict[str, float]:
    """The most GiB of the device since the last step began, or of this process on a CPU."""
    if device.type != "cuda":
        return {"process": round(peak_gib(device), 2)}
    reached = {"allocated": torch.cuda.max_memory_allocated(device), "reserved": torch.cuda.max_memory_reserved(device)}
    return {name: round(size / 2**30, 2) for name, size in reached.items()}


def most(peaks: Sequence[dict[str, float]]) -> dict[str, float]:
    """The largest of some peaks."""
    return {name: max(one[name] for one in peaks) for name in peaks[0]}


def say(what: str) -> None:
    """A line at once, with the seconds since the start."""
    print(f"[{time.perf_counter() - _BEGAN:6.1f} s] {what}", flush=True)


def show(result: Result) -> None:
    """Print the tables."""
    print(f"\n{'step':>5} {'teaches':>18} {'ends after':>10} {'teacher':>8} {'seconds':>9}  peak, GiB")
    for step in result["steps"]:
        whom, teacher = "critic", ""
        if step["student"]:
            whom, teacher = "critic and student", "guided" if step["guided"] else "plain"
        row = f"{step['number']:>5} {whom:>18} {step['exit_step'] + 1:>10} {teacher:>8} {step['seconds']:>9}"
        print(f"{row}  {listed(step['peak_gib'])}")
    run, critic, both = result["run"], result["critic_sample_seconds"], result["student_sample_seconds"]
    print(
        f"\na sample: {critic} s in the critic's own steps, {both} s in the student's; {result['samples_per_second']} a second"
    )
    print(f"{run['steps']} steps of {run['batch']}: {run['gpu_hours']} GPU-hours (plan: {run['planned_gpu_hours']})")
    print(f"on {run['gpus']} GPUs {run['hours']} hours, without what they send each other")
    print(f"parts of a sample, s: {listed(result['parts_seconds'])}\nGiB:")
    memory = result["memory_gib"]
    for name in [name for name in memory if name not in ("planned", "peak")]:
        print(f"{name.replace('_', ' '):>28}: {listed(memory[name])}")
    print(f"{'peak':>28}: {listed(memory['peak'])}; by the plan {listed(memory['planned'])}")


def listed(figures: dict[str, float]) -> str:
    """Names and numbers in a line."""
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in figures.items())


if __name__ == "__main__":
    main()
