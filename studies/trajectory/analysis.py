"""When guidance moves the mouth and when it spoils the face: the analysis that gives Sync-Window DMD its numbers.

The teacher samples with and without guidance from the same noise; at every step the clean clips that it sees are judged for
sync (more is better) and for cost (distance to the true clip, less is better). Then the two-call student is imitated: from the
prediction at step 0, made at scale s0, one jump to step j and one call at scale s1, for all four pairs and every j.

Derived are the sync window - where guidance has won most of the sync that it ever wins, and cost is near its least - and the
second timestep - the landing step of the jump 1 -> s with the best trade of sync against cost. The thresholds are those
at which the published curves of the 14B teacher give the published window (steps 20 to 40) and timestep (step 30).

Legend: B samples, V video frames, Z latent channels, T latent frames, h/w latent side.
"""

import csv
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from lipforcing.contract import mouth_mask
from lipforcing.schedule import sampling_grid
from lipforcing.syncnet import ClipScorer
from lipforcing.vae.base import Codec, to_uint8
from services.trainer.methods.draws import Draws, Purpose
from services.trainer.methods.samples import Clips
from services.trainer.methods.teacher import OdeStep, Teacher, jump

SYNC, COST = "sync", "cost"
_TRAJECTORY, _JUMP, _TRUTH = "trajectory", "jump", "truth"
_GAIN = 0.65  # share of the largest gain in sync that a step of the window has
_RISE = 0.06  # relative rise of cost above the guided trajectory's least that a step of the window may have
_TRADE = 2 / 3  # relative sync that one unit of relative excess cost is worth at landing


@dataclass(frozen=True, slots=True)
class TrajectoryRow:
    """One number.

    Attributes:
        experiment: ``trajectory``, ``jump``, or ``truth`` (the true clip itself, step -1).
        s0: guidance scale of the trajectory, or of the jump's first call.
        s1: of the jump's second call; s0 for a trajectory.
        step: of the teacher's grid.
        t: its timestep.
        sample: name of the clip.
        metric: name of the number.
        value: the number.
    """

    experiment: str
    s0: float
    s1: float
    step: int
    t: float
    sample: str
    metric: str
    value: float


class Judge(Protocol):
    """Figures of clean clips; must hold ``sync`` and ``cost``."""

    def __call__(self, x0_BZThw: Tensor, clips: Clips) -> Mapping[str, Sequence[float]]:
        """Lists of B numbers by name."""


class PictureJudge:
    """Judges decoded crops as they are, without a video codec in between.

    ``cost`` is the mean squared error of the mouth region in [-1, 1]; ``sync`` is Sync-C, and Sync-D and offset stand beside.

    Args:
        codec: of the latents.
        scorer: frozen SyncNet.
    """

    def __init__(self, codec: Codec, scorer: ClipScorer) -> None:
        self._codec, self._scorer = codec, scorer

    @torch.no_grad()
    def __call__(self, x0_BZThw: Tensor, clips: Clips) -> Mapping[str, Sequence[float]]:
        """See ``Judge``; raises ValueError for clips without waveforms."""
        dtype = next(self._codec.parameters()).dtype
        generated, true = (self._codec.decode(x.to(dtype)) for x in (x0_BZThw, clips.x0_BZThw))
        mouth = torch.from_numpy(mouth_mask(generated.shape[-1])).to(generated.device)
        pairs = zip(to_uint8(generated), clips.needed_waveforms(), strict=True)
        scores = [self._scorer.score(frames, waveform.cpu()) for frames, waveform in pairs]
        return {
            SYNC: [score.confidence for score in scores],
            "sync_d": [score.distance for score in scores],
            "offset": [float(score.offset) for score in scores],
            COST: (generated - true)[..., mouth].square().flatten(1).mean(dim=1).tolist(),
        }


def analyse(
    teacher: Teacher, clips: Clips, judge: Judge, *, seed: int, landings: Sequence[int] | None = None
) -> Iterator[TrajectoryRow]:
    """All rows of a batch of clips.

    Args:
        teacher: its guidance scale is s.
        clips: true clips with their conditions.
        judge: of clean clips.
        seed: of the noise, one and the same for every setting.
        landings: steps to which the jumps go; all after the first by default.
    """
    scale, shape = teacher.config.guidance, tuple(clips.x0_BZThw.shape[1:])
    noise = Draws(seed, 0, clips.places).normal(Purpose.NOISE, shape).to(clips.x0_BZThw)
    yield from _rows((_TRUTH, 1.0, 1.0), -1, 0.0, clips, judge(clips.x0_BZThw, clips))
    first: dict[float, OdeStep] = {}
    for s0 in (1.0, scale):
        for step in teacher.trajectory(clips, noise, s0):
            first.setdefault(s0, step)
            yield from _rows((_TRAJECTORY, s0, s0), step.number, step.t, clips, judge(step.x0, clips))
    grid = sampling_grid(teacher.config.steps, teacher.config.shift).tolist()
    for s0, start in first.items():
        for number in landings or range(1, teacher.config.steps):
            x_t = jump(start.x_t, start.x0, start.t, grid[number])
            t_B = torch.full((len(clips),), grid[number], dtype=torch.float64)
            for s1 in (1.0, scale):
                with torch.no_grad():
                    x0 = teacher.x0(x_t, t_B, clips, s1)
                yield from _rows((_JUMP, s0, s1), number, grid[number], clips, judge(x0, clips))


def _rows(
    setting: tuple[str, float, float], step: int, t: float, clips: Clips, figures: Mapping[str, Sequence[float]]
) -> Iterator[TrajectoryRow]:
    for metric, values in figures.items():
        for name, value in zip(clips.names, values, strict=True):
            yield TrajectoryRow(*setting, step, t, name, metric, float(value))


@dataclass(frozen=True, slots=True)
class Recommendation:
    """What the analysis says.

    Attributes:
        guidance_steps: first and last step of the sync window.
        window: the same as timesteps, lowest first.
        landing: step of the second call.
        t_list: the student's timesteps.
    """

    guidance_steps: tuple[int, int]
    window: tuple[float, float]
    landing: int
    t_list: tuple[float, ...]

    def fragment(self) -> str:
        """Python that a recipe pastes: the teacher's window and the student's timesteps."""
        return (
            "from dataclasses import replace\n\n"
            "from lipforcing.presets import StudentConfig, TeacherConfig\n\n\n"
            "def derived(teacher: TeacherConfig, student: StudentConfig) -> tuple[TeacherConfig, StudentConfig]:\n"
            '    """The sync window and the second timestep of the trajectory analysis."""\n'
            f"    return replace(teacher, guidance_steps={self.guidance_steps}), replace(student, t_list={self.t_list})\n"
        )


def recommend(rows: Iterable[TrajectoryRow]) -> Recommendation:
    """The sync window and the second timestep.

    Raises:
        ValueError: rows of a guided or an unguided trajectory, or of the jumps between them, are missing; or guidance gains
            no sync at any step.
    """
    table = means(rows)
    scale = max((key[1] for key in table if key[0] == _TRAJECTORY), default=1.0)
    plain, with_it = table.get((_TRAJECTORY, 1.0, 1.0), {}), table.get((_TRAJECTORY, scale, scale), {})
    jumps = table.get((_JUMP, 1.0, scale), {})
    shared = sorted(plain.keys() & with_it.keys())
    if scale == 1.0 or not shared or not jumps:
        raise ValueError("the analysis needs a guided and an unguided trajectory and the jumps between them")
    gains = {step: with_it[step][SYNC] - plain[step][SYNC] for step in shared}
    most, least = max(gains.values()), min(with_it[step][COST] for step in shared)
    if most <= 0.0:
        raise ValueError("guidance gains no sync at any step: there is no window")
    inside = [step for step in shared if gains[step] >= _GAIN * most and with_it[step][COST] <= (1.0 + _RISE) * least] or [
        max(shared, key=lambda step: gains[step])
    ]
    best, cheapest = max(row[SYNC] for row in jumps.values()), min(row[COST] for row in jumps.values())

    def worth(step: int) -> float:
        return jumps[step][SYNC] / abs(best) - _TRADE * (jumps[step][COST] / cheapest - 1.0)

    landing = max(sorted(jumps), key=worth)
    second = round(jumps[landing]["t"], 3)
    ends = (inside[0], inside[-1])
    return Recommendation(ends, (with_it[ends[1]]["t"], with_it[ends[0]]["t"]), landing, (0.999, second, 0.0))


Table = dict[tuple[str, float, float], dict[int, dict[str, float]]]


def means(rows: Iterable[TrajectoryRow]) -> Table:
    """Means over clips: (experiment, s0, s1) -> step -> metric -> mean, with the timestep as ``t``."""
    sums: dict[tuple[str, float, float], dict[int, dict[str, list[float]]]] = defaultdict(
        lambda: defaultdict(lambda: defaultdict(list))
    )
    for row in rows:
        place = sums[row.experiment, row.s0, row.s1][row.step]
        place[row.metric].append(row.value)
        place["t"].append(row.t)
    return {
        setting: {step: {name: sum(v) / len(v) for name, v in values.items()} for step, values in steps.items()}
        for setting, steps in sums.items()
    }


def write(rows: Sequence[TrajectoryRow], folder: Path) -> Recommendation:
    """Leave rows, means, recommendation, recipe fragment and two plots in ``folder``.

    Raises:
        ValueError: see ``recommend``; rows and means are written before.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "trajectory.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(TrajectoryRow)])
        writer.writeheader()
        writer.writerows(asdict(row) for row in rows)
    table = means(rows)
    content: dict[str, Any] = {"means": [{"setting": list(key), "steps": steps} for key, steps in table.items()]}
    (folder / "trajectory.json").write_text(json.dumps(content, indent=1))
    found = recommend(rows)
    (folder / "trajectory.json").write_text(json.dumps({**content, "recommendation": asdict(found)}, indent=1))
    (folder / "derived.py").write_text(f'"""Derived by the trajectory analysis."""\n\n{found.fragment()}')
    _plot(table, found, folder)
    return found


def _plot(table: Table, found: Recommendation, folder: Path) -> None:
    """Metric by step for every setting, and sync against cost along the jumps."""
    from matplotlib.figure import Figure  # noqa: PLC0415 - slow to import, and only plots need it

    curves = Figure(figsize=(10, 4), layout="constrained")
    for axis, metric in zip(curves.subplots(1, 2), (SYNC, COST), strict=True):
        for (experiment, s0, s1), steps in table.items():
            if experiment == _TRUTH:
                axis.axhline(steps[-1][metric], linestyle="--", color="grey", label="true clip")
                continue
            order, line = sorted(steps), "-" if experiment == _TRAJECTORY else ":"
            axis.plot(order, [steps[step][metric] for step in order], line, label=f"{experiment} {s0:g}, {s1:g}")
        axis.axvspan(*found.guidance_steps, alpha=0.1)
        axis.set(xlabel="step", ylabel=metric)
    curves.axes[0].legend(fontsize="small")
    curves.savefig(folder / "trajectory.png", dpi=120)
    trade = Figure(figsize=(5, 4), layout="constrained")
    axis = trade.subplots()
    for (experiment, s0, s1), steps in table.items():
        if experiment == _JUMP:
            order = sorted(steps)
            axis.plot([steps[j][COST] for j in order], [steps[j][SYNC] for j in order], ".-", label=f"{s0:g} -> {s1:g}")
            axis.annotate(str(order[-1]), (steps[order[-1]][COST], steps[order[-1]][SYNC]))
    axis.set(xlabel=COST, ylabel=SYNC, title=f"landing step {found.landing}")
    axis.legend(fontsize="small")
    trade.savefig(folder / "trade.png", dpi=120)
