"""When jobs will begin and end: what is left of each, at the pace of this installation, behind what is served before it.

The number of queries does not depend on the number of jobs, and of jobs that wait only those that are served next are read.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from dubbing.db.forecasts import LiveJob
from dubbing.db.models import Job
from dubbing.db.unit_of_work import UnitOfWork
from dubbing.domain.jobs import LIVE, Phase
from dubbing.domain.media import MediaInfo
from dubbing.domain.paces import Paces
from dubbing.domain.progress import Counts, KindCount
from dubbing.domain.remaining import DubSize, Left, left_by_counts, left_by_phase, whole
from dubbing.domain.schedule import JobTurn, WorkLeft, in_turn, schedule
from dubbing.domain.work import QUEUE_OF, Queue, WorkKind
from dubbing.workflow import flow

_OF_EACH, _OF_ALL = 100, 400
"""Jobs that are read of each organisation, and of all, to see what is served before."""
_OBSERVED = 20
"""Jobs at the front whose own progress is counted; of the others the phase tells enough."""
_USUAL_WORKERS = {Queue.PREPARE: 1, Queue.INFER: 2, Queue.STITCH: 1}
"""Those of a stack of which nothing was measured yet."""
_PLANNED = "planned"


class Estimate(NamedTuple):
    """When a job ends, if nothing more urgent comes and nothing fails.

    Attributes:
        seconds: from now to its end.
        gpu_seconds: of these, and side by side, what the models are busy with it: what it costs.
        start_at: when its first work began or begins.
        finish_at: when its master is there, or its analysis.
        measured: the picture's length is known. Otherwise it was guessed from the size of the file.
    """

    seconds: float
    gpu_seconds: float
    start_at: datetime
    finish_at: datetime
    measured: bool


class PlannedDub(NamedTuple):
    """A job that is not there yet.

    Attributes:
        organisation_id, priority, deadline: as the job would have them.
        size: what is known of its files.
        known: the kinds of work whose results are there already, as those of a title's picture are for each further language.
    """

    organisation_id: str
    size: DubSize
    known: frozenset[WorkKind] = frozenset()
    priority: int = 0
    deadline: datetime | None = None


def estimated(work: UnitOfWork, jobs: Sequence[Job], counts: Mapping[str, Counts]) -> dict[str, Estimate]:
    """Estimates of the jobs that have not ended, by id; nothing is asked where all have."""
    return Estimates(work).of(jobs, counts) if any(job.state in LIVE for job in jobs) else {}


class Estimates:
    """Estimates of one moment, from one snapshot of the installation."""

    def __init__(self, work: UnitOfWork) -> None:
        self._work = work
        self._now = work.now()
        measured, workers = work.forecasts.measured()
        self._measured = measured
        busy = work.forecasts.at_work()
        self._workers = {queue: max(workers.get(queue) or usual, busy.get(queue, 0)) for queue, usual in _USUAL_WORKERS.items()}
        self._unserved = work.forecasts.unserved(tuple(_USUAL_WORKERS))

    def of(self, jobs: Sequence[Job], counts: Mapping[str, Counts] | None = None) -> dict[str, Estimate]:
        """By id, of those that have not ended; none while nobody serves a queue that a job still has to pass.

        Args:
            jobs: any jobs.
            counts: of their items, if the caller has them.
        """
        wanted = {job.id: job for job in jobs if job.state in LIVE}
        if not wanted:
            return {}
        counted = self._work.jobs.counts(wanted) if counts is None else counts
        left, live = self._left(wanted, counted)
        spans = schedule({job_id: one for job_id, (one, _) in left.items()}, self._workers, wanted)
        found = {}
        for job_id, job in wanted.items():
            if job_id not in spans or self._unserved & _queues(left[job_id][0].seconds):
                continue
            start, end = spans[job_id]
            begun = job.started_at or self._now + timedelta(seconds=start)
            gpu = left[job_id][1].gpu_seconds
            found[job_id] = Estimate(end, gpu, begun, self._now + timedelta(seconds=end), live[job_id].frames > 0)
        return found

    def planned(self, dub: PlannedDub) -> Estimate | None:
        """Of a job that would be made now; None while nobody serves a queue that it would have to pass."""
        others, live = self._left({}, {})
        left = whole(Paces(self._measured, crowded=bool(live)), dub.size, dub.known)
        if self._unserved & _queues(left.seconds):
            return None
        turn = JobTurn(dub.organisation_id, dub.deadline, dub.priority, self._now)
        jobs = {job_id: one for job_id, (one, _) in others.items()} | {_PLANNED: WorkLeft(turn, left.seconds, chunk=left.chunk)}
        start, end = schedule(jobs, self._workers, [_PLANNED])[_PLANNED]
        at = self._now
        return Estimate(end, left.gpu_seconds, at + timedelta(seconds=start), at + timedelta(seconds=end), dub.size.frames > 0)

    def frames_of(self, picture_bytes: int, sound_bytes: int) -> int:
        """How many frames a picture may have whose files were not read yet."""
        return Paces(self._measured).frames_of(picture_bytes, sound_bytes)

    def _left(
        self, wanted: Mapping[str, Job], counted: Mapping[str, Counts]
    ) -> tuple[dict[str, tuple[WorkLeft, Left]], dict[str, LiveJob]]:
        """What is left of the wanted jobs, and of those that are served before them."""
        live = {job.id: job for job in self._work.forecasts.live(list(wanted), _OF_EACH, _OF_ALL)}
        order = in_turn({job.id: WorkLeft(_turn(job), {}) for job in live.values()})
        front = [job_id for job_id in order if live[job_id].running and job_id not in wanted][:_OBSERVED]
        counts = {**self._work.forecasts.progress(front), **counted} if front else dict(counted)
        known, paces = self._known(live.values()), Paces(self._measured, crowded=len(live) > 1)
        left: dict[str, tuple[WorkLeft, Left]] = {}
        for job_id, job in live.items():
            size = _size(paces, job, counts.get(job_id, {}))
            others = known.get(job_id, {})
            if job_id in counts:
                one = left_by_counts(whole(paces, size), Phase(job.phase), counts[job_id], others)
            else:
                done = {kind for kind, count in others.items() if count.done}
                one = left_by_phase(whole(paces, size, done), Phase(job.phase), running=job.running)
            left[job_id] = WorkLeft(_turn(job), one.seconds, one.held, one.chunk, _scope(job) + job.footage), one
        return self._with_waits(left, live, wanted), live

    def _known(self, live: Collection[LiveJob]) -> dict[str, dict[WorkKind, KindCount]]:
        """What jobs, also such that have ended, have asked for of the jobs' pictures."""
        keys = {job.id: flow.known_keys(_scope(job), job.footage, job.track, job.encoder) for job in live if job.frames}
        items = self._work.forecasts.known({key for named in keys.values() for key in named.values()})
        return {job_id: {kind: items[key] for kind, key in named.items() if key in items} for job_id, named in keys.items()}

    def _with_waits(
        self, left: dict[str, tuple[WorkLeft, Left]], live: Mapping[str, LiveJob], wanted: Collection[str]
    ) -> dict[str, tuple[WorkLeft, Left]]:
        """Jobs that are far behind wait for those before them that were not read, each as long as those that were."""
        far = [job_id for job_id in wanted if job_id in left and live[job_id].place == 0]
        if not far:
            return left
        near = [left[job_id][0] for job_id in left if live[job_id].place > 0]
        each = max(
            sum(sum(job.seconds.get(kind, 0.0) for kind in job.seconds if QUEUE_OF[kind] is queue) for job in near) / workers
            for queue, workers in self._workers.items()
        ) / max(len(near), 1)
        owners = {live[job_id].organisation_id for job_id in left if live[job_id].place >= _OF_EACH}
        for job_id, place in self._work.forecasts.places(far).items():
            own = sum(1 for job in live.values() if job.place and job.organisation_id == live[job_id].organisation_id)
            wait = each * (len(near) + max(place - 1 - own, 0) * max(len(owners), 1))
            left[job_id] = left[job_id][0]._replace(wait=wait), left[job_id][1]
        return left


def size_of_dub(media: MediaInfo, preset: str, size_bytes: int, *, compares: bool = False) -> DubSize:
    """What the cost of a dub follows from, for a picture that was read; ``size_bytes`` of both files together."""
    video = media.video
    frames, pixels = (0, 0) if video is None else (video.frames, video.width * video.height)
    return DubSize(preset, frames, pixels / 1e6, size_bytes / 1e6, frames, compares)


def _size(paces: Paces, job: LiveJob, counts: Counts) -> DubSize:
    frames = job.frames or paces.frames_of(job.bytes, job.sound_bytes)
    faces = counts.get(WorkKind.ENCODE_FACE, KindCount())
    return DubSize(
        preset=job.preset if job.has_sound else None,
        frames=frames,
        megapixels=job.width * job.height / 1e6 if job.frames else 1.0,
        megabytes=(job.bytes + job.sound_bytes) / 1e6,
        generated=faces.units_total or frames,
        compares=job.has_earlier,
    )


def _scope(job: LiveJob) -> str:
    return flow.scope_of(job.organisation_id, job.sharing)


def _turn(job: LiveJob) -> JobTurn:
    return JobTurn(job.organisation_id, job.deadline, job.priority, job.created_at)


def _queues(seconds: Mapping[WorkKind, float]) -> set[Queue]:
    return {QUEUE_OF[kind] for kind, value in seconds.items() if value > 0}
