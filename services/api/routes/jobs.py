"""Reading, listing and cancelling jobs."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from fastapi.responses import JSONResponse
from pydantic import Field

from dubbing.db.jobs import JobFilter
from dubbing.db.models import Job
from dubbing.db.unit_of_work import UnitOfWork
from dubbing.domain.jobs import LIVE, TERMINAL, JobState
from dubbing.domain.receipt import Receipt
from dubbing.domain.work import StitchResult
from dubbing.errors import Conflict, InvalidCursor, NotFound, UnknownLanguage
from dubbing.workflow.advance import Advancer
from services.api import paging
from services.api.bootstrap import Services
from services.api.filters import Listing, language_of
from services.api.problems import refuses
from services.api.requests import JOB, Built, JobsRead, JobsWrite, OnceOnly, Reading
from services.api.schemas import JobOut, JobPage
from services.api.values import Id, LanguageTag, Preset
from services.api.views import job_views

router = APIRouter(prefix="/v1", tags=["jobs"])
JobId = Annotated[str, Path(pattern=r"^job_[0-9a-z]{26}$")]


class JobQuery(Listing):
    """Which jobs to list."""

    status: list[JobState] = Field(default_factory=list)
    title: Id | None = None
    language: LanguageTag | None = None
    model: Preset | None = None
    batch: Id | None = None


@router.get("/jobs", openapi_extra=refuses(InvalidCursor, UnknownLanguage))
def list_jobs(
    caller: JobsRead,
    built: Built,
    work: Reading,
    query: Annotated[JobQuery, Query()],
) -> JobPage:
    """Jobs, newest first. Pages stay stable while new jobs arrive."""
    wanted = JobFilter(
        organisation_id=caller.organisation,
        states=tuple(query.status),
        title_id=query.title,
        language=language_of(query.language),
        model=query.model,
        batch_id=query.batch,
        labels=query.labels,
        created_after=query.created_after,
        created_before=query.created_before,
        before=query.before,
    )
    page, cursor = paging.cut(work.jobs.page(wanted, query.limit + 1), query.limit)
    return JobPage(items=job_views(built, work, page), next_cursor=cursor)


@router.get("/jobs/{job_id}")
def read_job(job_id: JobId, caller: JobsRead, built: Built, work: Reading) -> JobOut:
    """One job: progress while it runs, links when it is done, the problem when it failed."""
    return job_views(built, work, [work.jobs.get(job_id, caller.organisation)])[0]


@router.post("/jobs/{job_id}/cancel", status_code=202, response_model=JobOut, openapi_extra=refuses(Conflict))
@router.post("/jobs/{job_id}:cancel", status_code=202, response_model=JobOut, include_in_schema=False)
def cancel_job(job_id: JobId, caller: JobsWrite, built: Built, once: OnceOnly) -> JSONResponse:
    """Cancel. What runs is stopped at its next check; a job that has ended is a conflict, cancelling twice is none."""

    def cancel(work: UnitOfWork) -> JobOut:
        work.jobs.get(job_id, caller.organisation)
        job = work.jobs.lock(job_id)
        if job.state in TERMINAL and job.state != JobState.CANCELED:
            raise Conflict(f"Job {job_id} is {job.state}; only a job that has not ended can be cancelled.")
        if job.state in LIVE:
            work.jobs.request_cancel(job)
            Advancer(work, built.queue.max_attempts).advance(job_id)
            work.session.refresh(job)
        return _one(built, work, job)

    return once.run(caller, 202, None, cancel, at=JOB)


@router.get("/jobs/{job_id}/receipt")
def read_receipt(job_id: JobId, caller: JobsRead, work: Reading) -> Receipt:
    """What went in, what came out, and the proof that nothing else changed."""
    job = work.jobs.get(job_id, caller.organisation)
    if job.output is None:
        raise NotFound(f"Job {job_id} is {job.state} and has no receipt.", suggestions=("wait until the job has succeeded",))
    return StitchResult.model_validate(job.output).receipt


def _one(built: Services, work: UnitOfWork, job: Job) -> JobOut:
    return job_views(built, work, [job])[0]
