"""When jobs will be done: their work is laid into the pools of workers, in the order in which it will be claimed.

Jobs come one after another by their turn, and later ones fill the gaps that earlier ones leave, as workers do that take what is
there. So what is ahead of a job depends on nothing behind it, and a job whose own work gets less is never done later.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from math import inf
from typing import NamedTuple

from dubbing.domain.work import Queue, WorkKind

_NOTHING = 1e-9


class JobTurn(NamedTuple):
    """What decides when a job's work is claimed."""

    organisation_id: str
    deadline: datetime | None
    priority: int
    created_at: datetime


class WorkLeft(NamedTuple):
    """What is left to do of a job, in seconds of one worker.

    Attributes:
        seconds: by kind; what is not named is done.
        held: kinds that a worker is busy with: they are not interrupted.
        chunk: of ``seconds`` for `INFER`, those of one chunk, which one worker makes.
        footage: names the picture. Work on the same picture is done once.
        wait: before anything of it can be claimed.
    """

    turn: JobTurn
    seconds: Mapping[WorkKind, float]
    held: frozenset[WorkKind] = frozenset()
    chunk: float = 0.0
    footage: str = ""
    wait: float = 0.0


class Stretch(NamedTuple):
    """From when to when, in seconds from now."""

    start: float
    end: float


class WorkerPool:
    """The workers of one queue over time: how many are free, from when to when.

    Args:
        workers: that serve the queue, at least 1.
    """

    def __init__(self, workers: int) -> None:
        self._free: list[tuple[float, float, float]] = [(0.0, inf, float(max(workers, 1)))]  # start, end, workers

    def take(self, ready: float, work: float, most: float = 1.0) -> Stretch:
        """Do ``work`` seconds from ``ready`` on, as soon as workers are free, with ``most`` of them at once."""
        if work <= _NOTHING:
            return Stretch(ready, ready)
        kept: list[tuple[float, float, float]] = []
        begin, end = None, ready
        for start, stop, workers in self._free:
            if work <= _NOTHING or stop <= ready:
                kept.append((start, stop, workers))
                continue
            used, at = min(workers, most), max(start, ready)
            until = min(stop, at + work / used)
            work -= used * (until - at)
            begin, end = at if begin is None else begin, until
            kept += [(start, at, workers), (at, until, workers - used), (until, stop, workers)]
        self._free = [part for part in kept if part[1] - part[0] > _NOTHING and part[2] > _NOTHING]
        return Stretch(ready if begin is None else begin, end)


def in_turn(jobs: Mapping[str, WorkLeft]) -> list[str]:
    """Jobs in the order in which their work is claimed.

    Earliest deadline; then organisations in turns; then highest priority; then oldest.
    """
    seen: dict[tuple[datetime | None, str], int] = {}
    order = []
    by_age = sorted(jobs.items(), key=lambda one: (-one[1].turn.priority, one[1].turn.created_at, one[0]))
    for job_id, (turn, *_) in by_age:
        place = seen[turn.deadline, turn.organisation_id] = seen.get((turn.deadline, turn.organisation_id), -1) + 1
        late = turn.deadline.timestamp() if turn.deadline is not None else inf
        order.append(((late, place, -turn.priority, turn.created_at, job_id), job_id))
    return [job_id for _, job_id in sorted(order)]


def schedule(jobs: Mapping[str, WorkLeft], workers: Mapping[Queue, int], wanted: Iterable[str]) -> dict[str, Stretch]:
    """When work on each wanted job begins and when the job is done."""
    pools = {queue: WorkerPool(workers.get(queue, 1)) for queue in (Queue.PREPARE, Queue.INFER, Queue.STITCH)}
    order, left = in_turn(jobs), set(wanted)
    held = _take_held(jobs, order, pools)
    # Probes of all jobs wait before the analyses of the first: they are asked for when jobs are submitted.
    probed = {
        job_id: pools[Queue.PREPARE].take(jobs[job_id].wait, jobs[job_id].seconds.get(WorkKind.PROBE, 0.0), 2.0)
        for job_id in order
    }
    shared: dict[tuple[WorkKind, str], Stretch] = {}
    found: dict[str, Stretch] = {}
    for job_id in order:
        if not left:
            break
        found[job_id] = _Placing(jobs[job_id], pools, shared, held.get(job_id, {})).place(probed[job_id])
        left.discard(job_id)
    return found


def _take_held(
    jobs: Mapping[str, WorkLeft], order: Sequence[str], pools: Mapping[Queue, WorkerPool]
) -> dict[str, dict[WorkKind, Stretch]]:
    """Lay what workers are busy with before all else."""
    queues = {WorkKind.PREPARE: Queue.PREPARE, WorkKind.ENCODE_FACE: Queue.INFER, WorkKind.STITCH: Queue.STITCH}
    return {
        job_id: {
            kind: pools[queues[kind]].take(0.0, jobs[job_id].seconds.get(kind, 0.0))
            for kind in queues
            if kind in jobs[job_id].held
        }
        for job_id in order
        if jobs[job_id].held
    }


class _Placing(NamedTuple):
    """One job's work, being laid into the pools behind that of all before it."""

    job: WorkLeft
    pools: Mapping[Queue, WorkerPool]
    shared: dict[tuple[WorkKind, str], Stretch]
    held: Mapping[WorkKind, Stretch]

    def place(self, probed: Stretch) -> Stretch:
        """All that follows the probes: the sound beside the analysis, chunks beside the faces, and what follows the last."""
        analysed = self._take(Queue.PREPARE, WorkKind.PREPARE, probed.end)
        compared = self._take(Queue.PREPARE, WorkKind.COMPARE, probed.end)
        spoken = self._take(Queue.INFER, WorkKind.ENCODE_SPEECH, compared.end)
        faces = self._take(Queue.INFER, WorkKind.ENCODE_FACE, analysed.end)
        generated = self._generate(spoken, faces)
        done = self._take(Queue.STITCH, WorkKind.STITCH, generated.end)
        parts = (probed, analysed, compared, spoken, faces, generated, done)
        begun = [part.start for part in parts if part.end > part.start]
        return Stretch(min(begun, default=done.end), max(part.end for part in parts))

    def _generate(self, spoken: Stretch, faces: Stretch) -> Stretch:
        """Chunks are generated as soon as their faces are encoded; the last comes after all faces are."""
        seconds = self.job.seconds.get(WorkKind.INFER, 0.0)
        last = min(self.job.chunk, seconds)
        ready = max(spoken.end, faces.start)
        made = self.pools[Queue.INFER].take(ready, seconds, inf)
        return Stretch(made.start, max(made.end, faces.end + last, ready + last))

    def _take(self, queue: Queue, kind: WorkKind, ready: float) -> Stretch:
        if kind in self.held:
            begun = self.held[kind]
            return Stretch(begun.start, max(begun.end, ready))
        seconds = self.job.seconds.get(kind, 0.0)
        if seconds <= 0.0:
            return Stretch(ready, ready)
        name = (kind, self.job.footage)
        common = self.job.footage and kind in (WorkKind.PREPARE, WorkKind.ENCODE_FACE)
        if common and name in self.shared:
            other = self.shared[name]
            return Stretch(max(ready, other.start), max(ready, other.end))
        placed = self.pools[queue].take(ready, seconds)
        if common:
            self.shared[name] = placed
        return placed
