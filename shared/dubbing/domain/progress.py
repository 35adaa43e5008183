"""How far a job is, from the counts of its work items: percent and speed."""

from collections.abc import Collection, Mapping
from datetime import datetime

from dubbing.domain.frozen import Frozen
from dubbing.domain.jobs import SUCCEEDED, JobState, Phase
from dubbing.domain.work import KINDS_OF, WorkKind

# Share of a typical job's wall time; they sum to 100.
_WEIGHT = {
    Phase.PROBING: 2,
    Phase.ANALYZING: 18,
    Phase.ENCODING: 15,
    Phase.GENERATING: 40,
    Phase.STITCHING: 22,
    Phase.VERIFYING: 3,
}


class KindCount(Frozen):
    """Items of one kind that a job needs, and the units (frames) inside them.

    ``leased`` are being worked on now; ``retrying`` wait for their next attempt. ``shots`` is what the analysis counted,
    ``shots_open`` the shots with a chunk that is not done. ``units_reused`` were done before the job was there. For
    ``held_seconds`` a worker has been at one of the leased ones, the longest at any.
    """

    items: int = 0
    done: int = 0
    leased: int = 0
    retrying: int = 0
    units_done: int = 0
    units_total: int = 0
    shots: int = 0
    shots_open: int = 0
    units_reused: int = 0
    held_seconds: float = 0.0

    @property
    def fraction(self) -> float:
        """0 to 1; by units where they are known, so that one long item moves too. 1 only when every item is done."""
        if self.items == 0:
            return 0.0
        if self.done == self.items:
            return 1.0
        return min(self.units_done / self.units_total if self.units_total else self.done / self.items, 0.999)


Counts = Mapping[WorkKind, KindCount]


def phase_fraction(phase: Phase, current: Phase, counts: Counts) -> float:
    """How much of ``phase`` is done, 0 to 1, while the job is in phase ``current``."""
    order = list(Phase)
    if order.index(phase) < order.index(current):
        return 1.0
    if phase is not current:
        return _early(counts) if (phase, current) == (Phase.GENERATING, Phase.ENCODING) else 0.0
    kinds = [counts[kind] for kind in KINDS_OF[phase] if kind in counts]
    return sum(kind.fraction for kind in kinds) / max(len(kinds), 1)


def _early(counts: Counts) -> float:
    """The share that is generated while other chunks are still being encoded: all that will be is the encoding's size."""
    infer, faces = counts.get(WorkKind.INFER, KindCount()), counts.get(WorkKind.ENCODE_FACE, KindCount())
    return min(infer.units_done / faces.units_total, 0.999) if faces.units_total else 0.0


def percent(state: JobState, phase: Phase, counts: Counts, phases: Collection[Phase] = tuple(Phase)) -> float:
    """0 to 100, one decimal; 100 only when the job succeeded. ``phases`` are those that it goes through."""
    if state in SUCCEEDED:
        return 100.0
    if state is JobState.QUEUED:
        return 0.0
    done = sum(_WEIGHT[name] * phase_fraction(name, phase, counts) for name in phases)
    return round(min(99.9, 100 * done / sum(_WEIGHT[name] for name in phases)), 1)


def shots(phase: Phase, counts: Counts) -> tuple[int, int]:
    """Shots with nothing left to generate (those without a face from the start), and all shots; (0, 0) while unknown.

    None counts as done while faces are being encoded: by then not all chunks have been asked for.
    """
    total = counts.get(WorkKind.PREPARE, KindCount()).shots
    infer = counts.get(WorkKind.INFER)
    return (0, total) if infer is None or phase is Phase.ENCODING else (total - infer.shots_open, total)


def generation_fps(counts: Counts, started: datetime | None, ended: datetime) -> float | None:
    """Generated frames per second of wall time; None before the first frame."""
    infer = counts.get(WorkKind.INFER, KindCount())
    frames = infer.units_done - infer.units_reused
    if started is None or not frames:
        return None
    return round(frames / max((ended - started).total_seconds(), 1e-3), 2)


def waiting_on(phase: Phase, counts: Counts) -> str | None:
    """Why nothing moves: ``retry`` (waits before another attempt), ``workers:<kind>`` (nobody took it yet), or None."""
    kinds = {kind: counts[kind] for kind in KINDS_OF[phase] if kind in counts}
    if any(count.leased for count in kinds.values()):
        return None
    for kind, count in kinds.items():
        if count.done < count.items:
            return "retry" if count.retrying == count.items - count.done else f"workers:{kind}"
    return None
