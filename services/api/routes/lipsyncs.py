"""Creating jobs."""

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from dubbing.db.unit_of_work import UnitOfWork
from dubbing.domain.jobs import Chosen, Sync
from dubbing.errors import DeadlineUnmeetable, ModelUnavailable, NotFound, UrlNotAllowed
from services.api import submission
from services.api.bootstrap import Services
from services.api.problems import refuses
from services.api.requests import JOB, Built, Caller, JobsWrite, OnceOnly
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


def _create(work: UnitOfWork, built: Services, caller: Caller, body: LipsyncCreate) -> JobOut:
    order = submission.Dub(
        video=submission.asset_of(work, caller, body.video, "video"),
        audio=submission.asset_of(work, caller, body.audio, "audio"),
        chosen=Chosen(picture=body.video.track, sound=submission.sound_of(body.audio)),
        model=body.model,
        sync=Sync(**body.sync.model_dump()),
        seed=submission.seed_of(body.seed),
        priority=body.priority,
        deadline=body.deadline,
        deadline_policy=body.deadline_policy,
        labels=body.metadata,
        options=body.options.model_dump(mode="json"),
        destination=submission.destination_of(body.output),
    )
    return job_views(built, work, [submission.submit(work, built, caller, order)])[0]
