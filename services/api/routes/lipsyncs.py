"""Creating jobs."""

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from dubbing.db.unit_of_work import UnitOfWork
from dubbing.errors import DeadlineUnmeetable, ModelUnavailable, NotFound, UrlNotAllowed
from services.api import preflights, submission
from services.api.bootstrap import Services
from services.api.preflight_schemas import PreflightOut
from services.api.problems import refuses
from services.api.requests import JOB, Built, Caller, JobsWrite, OnceOnly, Reading
from services.api.schemas import JobOut, LipsyncCreate
from services.api.views import job_views

router = APIRouter(prefix="/v1", tags=["lipsyncs"])


@router.post(
    "/lipsyncs",
    status_code=202,
    response_model=JobOut,
    openapi_extra=refuses(DeadlineUnmeetable, NotFound, ModelUnavailable, UrlNotAllowed),
)
def create_lipsync(body: LipsyncCreate, caller: JobsWrite, built: Built, once: OnceOnly) -> JSONResponse:
    """Dub one video with one track. The job waits its turn; what is wrong with the files, it says.

    Only a deadline that cannot be met is refused; with the `deadline_policy` `try` it is taken all the same.
    """
    return once.run(caller, 202, body, lambda work: _create(work, built, caller, body), at=JOB)


@router.post("/lipsyncs/preflight")
def preflight_lipsync(body: LipsyncCreate, caller: JobsWrite, built: Built, work: Reading) -> PreflightOut:
    """What would become of this dub: all its problems, lengths, cost and time. Nothing is made, and no model works.

    Files that were not read yet are read: the answer is `pending` until they are.
    """
    return preflights.lipsync(work, built, caller, body)


def _create(work: UnitOfWork, built: Services, caller: Caller, body: LipsyncCreate) -> JobOut:
    return job_views(built, work, [submission.lipsync(work, built, caller, body)])[0]
