"""When jobs will be done: their work is laid into the pools of workers, in the order in which it will be claimed.

Jobs come one after another by their turn, and later ones fill the gaps that earlier ones leave, as workers do that take what is
there. So what is ahead of a job depends on nothing behind it, and a job whose own work gets less is never done later.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
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
    return [job_id for job_id, _ in _claims((job_id, 0, job.turn) for job_id, job in jobs.items())]


def _claims(tasks: Iterable[tuple[str, int, JobTurn]]) -> list[tuple[str, int]]:
    """Tasks of jobs in the order of their claims; of equals those with the lower number, as they are asked for earlier."""
    seen: dict[tuple[datetime | None, str], int] = {}
    order = []
    for job_id, number, turn in sorted(tasks, key=lambda one: (-one[2].priority, one[1], one[2].created_at, one[0])):
        place = seen[turn.deadline, turn.organisation_id] = seen.get((turn.deadline, turn.organisation_id), -1) + 1
        late = turn.deadline.timestamp() if turn.deadline is not None else inf
        order.append(((late, place, -turn.priority, number, turn.created_at, job_id), (job_id, number)))
    return [task for _, task in sorted(order)]


def schedule(jobs: Mapping[str, WorkLeft], workers: Mapping[Queue, int], wanted: Iterable[str]) -> dict[str, Stretch]:
    """When work on each wanted job begins and when the job is done."""
    pools = {queue: WorkerPool(workers.get(queue, 1)) for queue in (Queue.PREPARE, Queue.INFER, Queue.STITCH)}
    order, left = in_turn(jobs), set(wanted)
    placing = {job_id: _Placing(jobs[job_id], pools, _held(jobs[job_id], pools)) for job_id in order}
    shared: dict[tuple[WorkKind, str], Stretch] = {}
    # Among equals all probes come before the first analysis: they are asked for when jobs are submitted.
    for job_id, number in _claims((job_id, number, jobs[job_id].turn) for job_id in order for number in (0, 1)):
        if number == 0:
            placing[job_id].probe()
        else:
            placing[job_id].analyse(shared)
    found: dict[str, Stretch] = {}
    for job_id in order:
        if not left:
            break
        found[job_id] = placing[job_id].finish(shared)
        left.discard(job_id)
    return found


def _held(job: WorkLeft, pools: Mapping[Queue, WorkerPool]) -> dict[WorkKind, Stretch]:
    """Lay what workers are busy with before all else."""
    queues = {WorkKind.PREPARE: Queue.PREPARE, WorkKind.ENCODE_FACE: Queue.INFER, WorkKind.STITCH: Queue.STITCH}
    return {kind: pools[queue].take(0.0, job.seconds.get(kind, 0.0)) for kind, queue in queues.items() if kind in job.held}


_Shared = dict[tuple[WorkKind, str], Stretch]


@dataclass
class _Placing:
    """One job's work, being laid into the pools: its parts in the order in which they follow from each other.

    Attributes:
        held: what workers are busy with, laid already.
    """

    job: WorkLeft
    pools: Mapping[Queue, WorkerPool]
    held: Mapping[WorkKind, Stretch]
    _parts: list[Stretch] = field(default_factory=list)
    _analysed: float = 0.0
    _compared: float = 0.0

    def probe(self) -> None:
        """Both files."""
        seconds = self.job.seconds.get(WorkKind.PROBE, 0.0)
        self._parts = [self.pools[Queue.PREPARE].take(self.job.wait, seconds, 2.0)]

    def analyse(self, shared: _Shared) -> None:
        """What follows the probes in the same queue."""
        probed = self._parts[0].end
        self._analysed = self._take(Queue.PREPARE, WorkKind.PREPARE, probed, shared).end
        self._compared = self._take(Queue.PREPARE, WorkKind.COMPARE, probed, shared).end

    def finish(self, shared: _Shared) -> Stretch:
        """The sound beside the analysis, chunks beside the faces, and what follows the last. Returns the whole."""
        spoken = self._take(Queue.INFER, WorkKind.ENCODE_SPEECH, self._compared, shared)
        faces = self._take(Queue.INFER, WorkKind.ENCODE_FACE, self._analysed, shared)
        generated = self._generate(spoken, faces)
        done = self._take(Queue.STITCH, WorkKind.STITCH, generated.end, shared)
        begun = [part.start for part in self._parts if part.end > part.start]
        return Stretch(min(begun, default=done.end), max(part.end for part in self._parts))

    def _generate(self, spoken: Stretch, faces: Stretch) -> Stretch:
        """Chunks are generated as soon as their faces are encoded; the last comes after all faces are."""
        seconds = self.job.seconds.get(WorkKind.INFER, 0.0)
        last = min(self.job.chunk, seconds)
        ready = max(spoken.end, faces.start)
        made = self.pools[Queue.INFER].take(ready, seconds, inf)
        return self._laid(Stretch(made.start, max(made.end, faces.end + last, ready + last)))

    def _take(self, queue: Queue, kind: WorkKind, ready: float, shared: _Shared) -> Stretch:
        if kind in self.held:
            begun = self.held[kind]
            return self._laid(Stretch(begun.start, max(begun.end, ready)))
        seconds = self.job.seconds.get(kind, 0.0)
        if seconds <= 0.0:
            return self._laid(Stretch(ready, ready))
        name = (kind, self.job.footage)
        common = self.job.footage and kind in (WorkKind.PREPARE, WorkKind.ENCODE_FACE)
        if common and name in shared:
            other = shared[name]
            return self._laid(Stretch(max(ready, other.start), max(ready, other.end)))
        placed = self.pools[queue].take(ready, seconds)
        if common:
            shared[name] = placed
        return self._laid(placed)

    def _laid(self, part: Stretch) -> Stretch:
        self._parts.append(part)
        return part
