"""Jobs as the API shows them."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from dubbing import clock
from dubbing.db.connection_models import MasterDelivery
from dubbing.db.models import Job
from dubbing.db.unit_of_work import UnitOfWork
from dubbing.domain import progress
from dubbing.domain.connections import MasterState
from dubbing.domain.findings import Finding
from dubbing.domain.jobs import ANALYSIS_PHASES, LIVE, SUCCEEDED, TERMINAL, JobState, Models, Phase, Sync
from dubbing.domain.progress import Counts, KindCount
from dubbing.domain.work import StitchResult, WorkKind
from dubbing.errors import NotApproved
from dubbing.workflow.estimates import Estimate, estimated
from services.api import problems
from services.api.bootstrap import Services
from services.api.schemas import Counter, Failure, JobOut, Links, MasterDelivered, ModelOut, PhaseOut, Progress


class _KnownOfJobs(NamedTuple):
    """What is known of several jobs at one moment, each by the job's id.

    ``names`` are those of titles, by theirs; ``withheld`` are the jobs whose masters wait for approval.
    """

    counts: Mapping[str, Counts]
    estimates: Mapping[str, Estimate]
    names: Mapping[str, str]
    withheld: Collection[str]
    deliveries: Mapping[str, MasterDelivery]
    now: datetime


def job_views(built: Services, work: UnitOfWork, jobs: Sequence[Job]) -> list[JobOut]:
    """Jobs with their progress and estimates; the number of queries does not depend on the number of jobs."""
    counts = work.jobs.counts(job.id for job in jobs)
    estimates = estimated(work, jobs, counts)
    names = work.titles.names({job.title_id for job in jobs if job.title_id is not None})
    withheld = work.reviews.withheld([job.id for job in jobs])
    deliveries = work.deliveries.latest(job.id for job in jobs)
    known = _KnownOfJobs(counts, estimates, names, withheld, deliveries, work.now())
    return [_view(built, job, known) for job in jobs]


def _view(built: Services, job: Job, known: _KnownOfJobs) -> JobOut:
    state, phase = JobState(job.state), Phase(job.phase)
    counts, estimate = known.counts.get(job.id, {}), known.estimates.get(job.id)
    return JobOut(
        id=job.id,
        title=job.title_id,
        title_name=known.names.get(job.title_id or ""),
        language=job.language,
        revision=job.revision,
        status=state,
        phase=phase,
        progress=progress_view(job, counts, known.now, estimate),
        video=job.video_asset,
        audio=job.audio_asset,
        model=_model(job),
        sync=Sync.model_validate(job.sync),
        seed=job.seed,
        priority=job.priority,
        deadline=job.deadline,
        deadline_at_risk=job.deadline_at_risk and state in LIVE,
        estimated_start_at=estimate and estimate.start_at,
        estimated_finish_at=estimate and estimate.finish_at,
        metadata=job.labels,
        created_at=job.created_at,
        started_at=job.started_at,
        finished_at=job.finished_at,
        heartbeat_at=job.heartbeat_at,
        cancel_requested_at=job.cancel_requested_at,
        stuck=_stuck(built, job, state, known.now),
        copy_of=job.options.get("copy_of"),
        waiting_on=None if state in TERMINAL else progress.waiting_on(phase, counts),
        warnings=[Finding.model_validate(warning) for warning in job.warnings],
        error=job_error(built, job),
        links=job_links(built, job, withheld=job.id in known.withheld),
        delivery=_delivery(built, job, known.deliveries.get(job.id)),
    )


def _delivery(built: Services, job: Job, sent: MasterDelivery | None) -> MasterDelivered | None:
    """Where the master's delivery stands; None where none was asked for, or there will be no master."""
    if sent is None or job.state in (JobState.FAILED, JobState.CANCELED):
        return None
    return MasterDelivered(
        status=MasterState(sent.state),
        connection=sent.connection_id,
        url=sent.url,
        receipt_url=sent.receipt_url,
        error=problems.stored(built.api.docs_url, sent.error, f"/v1/jobs/{job.id}"),
        created_at=sent.created_at,
        ended_at=sent.ended_at,
    )


def _model(job: Job) -> ModelOut | None:
    if job.models is None:
        return None
    models = Models.model_validate(job.models)
    return ModelOut(name=models.preset, digest=models.student.digest, version=models.student.version, demo=models.demo)


def progress_view(job: Job, counts: Counts, now: datetime, estimate: Estimate | None) -> Progress:
    """How far a job is ``now``, by the database's clock."""
    state, phase = JobState(job.state), Phase(job.phase)
    phases = ANALYSIS_PHASES if job.audio_asset is None else tuple(Phase)
    done = progress.percent(state, phase, counts, phases)
    infer, faces = (counts.get(kind, KindCount()) for kind in (WorkKind.INFER, WorkKind.ENCODE_FACE))
    # Until all faces are encoded not all chunks have been asked for.
    frames = faces.units_total if phase is Phase.ENCODING and infer.items else infer.units_total
    shots_done, shots = progress.shots(phase, counts)
    ended = _time(job, Phase.STITCHING) or job.finished_at or now
    return Progress(
        percent=done,
        phases={name: _phase(job, name, phase, counts) for name in phases},
        shots=Counter(done=shots_done, total=shots),
        chunks=Counter(done=infer.done, total=infer.items),
        frames=Counter(done=infer.units_done, total=frames),
        fps=progress.generation_fps(counts, _time(job, Phase.GENERATING), ended),
        eta_seconds=None if estimate is None else round(estimate.seconds, 1),
    )


def _phase(job: Job, name: Phase, current: Phase, counts: Counts) -> PhaseOut:
    state = JobState(job.state)
    whole = state in SUCCEEDED
    fraction = 1.0 if whole else progress.phase_fraction(name, current, counts)
    running = (name is current or 0.0 < fraction < 1.0) and not whole and state is not JobState.QUEUED
    return PhaseOut(
        status="running" if running else "done" if fraction == 1.0 else "pending",
        percent=round(100 * fraction, 1),
        started_at=_time(job, name),
    )


def _time(job: Job, phase: Phase) -> datetime | None:
    text = job.phase_times.get(phase.value)
    return None if text is None else datetime.fromisoformat(text)


def _stuck(built: Services, job: Job, state: JobState, now: datetime) -> bool:
    """Running, but nobody showed life for long. A queued job is not stuck, it waits."""
    if state not in (JobState.RUNNING, JobState.CANCELING):
        return False
    last = job.heartbeat_at or job.started_at or job.created_at
    return now - last > timedelta(seconds=built.api.stuck_after)


def job_error(built: Services, job: Job) -> Failure | None:
    """Why a job failed; None where it did not."""
    return problems.stored(built.api.docs_url, job.error, f"/v1/jobs/{job.id}")


def job_links(built: Services, job: Job, *, withheld: bool) -> Links | None:
    """Fresh URLs of what a job made, but of the master where that is withheld; None where it made none."""
    if job.output is None:
        return None
    made = StitchResult.model_validate(job.output)
    ttl = built.api.url_ttl
    stem = made.output_filename.rsplit(".", 1)[0]
    return Links(
        output=None if withheld else built.store.url(made.output_key, ttl, filename=made.output_filename),
        withheld=problems.stored(built.api.docs_url, not_approved(job).problem(), f"/v1/jobs/{job.id}") if withheld else None,
        receipt=built.store.url(made.receipt_key, ttl, filename=f"{stem}.receipt.json"),
        preview=preview_link(built, made),
        expire_at=clock.now() + timedelta(seconds=ttl),
    )


def preview_link(built: Services, made: StitchResult) -> str | None:
    """A fresh URL of the contact sheet, if there is one."""
    if made.preview_key is None:
        return None
    name = f"{made.output_filename.rsplit('.', 1)[0]}.preview.png"
    return built.store.url(made.preview_key, built.api.url_ttl, filename=name, inline=True)


def not_approved(job: Job) -> NotApproved:
    """Why the master of a job is given out to nobody."""
    return NotApproved(
        f"{job.language} asks for a review, and its master of revision {job.revision} is not approved.",
        suggestions=("approve it: GET /v1/reviews names its review", "ask for a review if it has none: POST /v1/reviews"),
    )
