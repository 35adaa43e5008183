"""Changes of jobs: again, with another model, sooner; and to a bucket; what of each shot is done."""

from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from dubbing import ids
from dubbing.db.connection_models import MasterDelivery
from dubbing.db.models import Job
from dubbing.db.unit_of_work import UnitOfWork
from dubbing.domain.connections import MasterState
from dubbing.domain.jobs import SUCCEEDED, TERMINAL, JobState
from dubbing.domain.work import Ring, StitchResult
from dubbing.errors import Conflict, DeadlineUnmeetable, ModelUnavailable, NotApproved, StoreUnavailable
from services.api import submission, title_views
from services.api.bootstrap import Services
from services.api.deadlines import require
from services.api.problems import refuses
from services.api.requests import JOB, Built, JobsRead, JobsWrite, OnceOnly, Reading
from services.api.routes.jobs import JobId
from services.api.schemas import Destination, JobOut, JobShots, MasterDeliver, Promotion, Urgency
from services.api.views import job_views, not_approved

router = APIRouter(prefix="/v1/jobs/{job_id}", tags=["jobs"])
_COPIED = (
    *("organisation_id", "video_asset", "audio_asset", "title_id", "language", "revision"),
    *("models", "sync", "labels", "seed", "priority", "deadline"),
)
_FAILED = (JobState.FAILED, JobState.CANCELED)


@router.post("/retry", status_code=202, response_model=JobOut, openapi_extra=refuses(Conflict))
def retry_job(job_id: JobId, caller: JobsWrite, built: Built, once: OnceOnly) -> JSONResponse:
    """Submit a job that failed or was cancelled once more: the same files, weights and seed, as a new job.

    What it had finished is not made twice.
    """

    def retry(work: UnitOfWork) -> JobOut:
        job = work.jobs.get(job_id, caller.organisation)
        if job.state not in _FAILED:
            raise Conflict(f"Job {job_id} is {job.state}; only one that failed or was cancelled is tried again.")
        return _view(built, work, submission.begin(work, built, _copy(job)))

    return once.run(caller, 202, None, retry, at=JOB)


@router.post("/promote", status_code=202, response_model=JobOut, openapi_extra=refuses(Conflict, ModelUnavailable))
def promote_job(job_id: JobId, body: Promotion, caller: JobsWrite, built: Built, once: OnceOnly) -> JSONResponse:
    """Make a draft final: the same files and seed with another model, as a new job."""

    def promote(work: UnitOfWork) -> JobOut:
        job = work.jobs.get(job_id, caller.organisation)
        if job.state not in SUCCEEDED or job.models is None:
            raise Conflict(f"Job {job_id} is {job.state}; only one that made a master can be promoted.")
        models = submission.pinned(work, built, body.model)
        if models.student.digest == job.models["student"]["digest"]:
            raise Conflict(f"Job {job_id} was made with {body.model} and these weights already.", where={"pointer": "/model"})
        later = job.deadline if job.deadline is not None and job.deadline > work.now() else None  # the draft's own has passed
        final = _copy(job, models=models.model_dump(mode="json"), deadline=later)
        return _view(built, work, submission.begin(work, built, final))

    return once.run(caller, 202, body, promote, at=JOB)


@router.post("/reprioritize", status_code=202, response_model=JobOut, openapi_extra=refuses(Conflict, DeadlineUnmeetable))
def reprioritize_job(job_id: JobId, body: Urgency, caller: JobsWrite, built: Built, once: OnceOnly) -> JSONResponse:
    """Give a job that has not ended another priority or deadline; what is left out stays, a null deadline is none.

    Work that another job waits for too keeps the more urgent of both. A deadline that cannot be met is refused, and changes
    nothing, unless the `deadline_policy` is `try`.
    """

    def change(work: UnitOfWork) -> JobOut:
        work.jobs.get(job_id, caller.organisation)
        job = work.jobs.lock(job_id)
        if job.state in TERMINAL:
            raise Conflict(f"Job {job_id} is {job.state}; only a job that has not ended can be sooner or later.")
        given = body.model_dump(exclude_unset=True)
        work.jobs.reprioritize(job, given.get("priority", job.priority), given.get("deadline", job.deadline))
        if "deadline" in given:
            require(work, job, body.deadline_policy)
        return _view(built, work, job)

    return once.run(caller, 202, body, change, at=JOB)


@router.post("/deliver", status_code=202, response_model=JobOut, openapi_extra=refuses(Conflict, NotApproved))
def deliver_job(job_id: JobId, body: MasterDeliver, caller: JobsWrite, built: Built, once: OnceOnly) -> JSONResponse:
    """Deliver the master of a job to a bucket: again after it failed, or to another one. What lies there is replaced."""

    def deliver(work: UnitOfWork) -> JobOut:
        work.jobs.get(job_id, caller.organisation)
        job = work.jobs.lock(job_id)
        last = work.deliveries.latest([job_id]).get(job_id)
        if job.output is None:
            raise Conflict(f"Job {job_id} is {job.state} and has no master.")
        if work.reviews.withheld([job_id]):
            raise not_approved(job)
        if last is not None and last.state == MasterState.PENDING:
            raise Conflict(f"The master of {job_id} is being delivered to {last.url}.", suggestions=("wait until it is there",))
        work.ring(_deliver(work, built, job, body.destination, last))
        return _view(built, work, job)

    return once.run(caller, 202, body, deliver, at=JOB)


def _deliver(work: UnitOfWork, built: Services, job: Job, to: Destination | None, last: MasterDelivery | None) -> Ring:
    if to is not None:
        connection, prefix = work.connections.hold(to.connection, job.organisation_id, "/destination/connection"), to.prefix
    elif last is not None and last.connection_id is not None:
        connection, prefix = work.connections.hold(last.connection_id, job.organisation_id, "/destination"), last.prefix
    else:
        raise Conflict(
            f"No bucket is connected that the master of {job.id} was to go to.",
            where={"pointer": "/destination"},
            suggestions=("name a destination",),
        )
    delivery = work.deliveries.ask(job, connection, prefix)
    return work.deliveries.send(delivery, connection, StitchResult.model_validate(job.output), built.queue.max_attempts)


@router.get("/shots", openapi_extra=refuses(StoreUnavailable))
def list_job_shots(job_id: JobId, caller: JobsRead, built: Built, work: Reading) -> JobShots:
    """The shots of the picture, and how far the mouths of each are. None are listed until the picture is analysed."""
    return title_views.job_shots(built, work, work.jobs.get(job_id, caller.organisation))


def _copy(job: Job, **changed: Any) -> Job:
    """A new job for the same work."""
    values = {name: getattr(job, name) for name in _COPIED}
    options = {**job.options, "copy_of": job.id}
    return Job(**{**values, "id": ids.new_id("job"), "options": options, "warnings": [], **changed})


def _view(built: Services, work: UnitOfWork, job: Job) -> JobOut:
    return job_views(built, work, [job])[0]
