"""A job's events as they happen, as server-sent events."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Header
from fastapi.responses import StreamingResponse

from dubbing.domain.jobs import TERMINAL
from dubbing.workflow.estimates import estimated
from services.api import sse
from services.api.bootstrap import Services
from services.api.requests import Built, Caller, JobsRead, Reading, acting
from services.api.routes.jobs import JobId
from services.api.values import LARGEST
from services.api.views import progress_view

router = APIRouter(prefix="/v1", tags=["jobs"])
LastEventId = Annotated[int, Header(ge=0, le=LARGEST)]


@router.get("/jobs/{job_id}/events", response_class=StreamingResponse, responses={200: {"content": {"text/event-stream": {}}}})
def job_events(
    job_id: JobId, caller: JobsRead, built: Built, work: Reading, last_event_id: LastEventId = 0
) -> StreamingResponse:
    """Every event of the job from the first, or from the one after Last-Event-ID; ends when the job has ended.

    A job whose master is delivered to a bucket ends for this when it has arrived there, or has failed to.

    ``data`` is JSON. The newest event of each batch also carries ``progress``, as GET /v1/jobs/{id} shows it.
    """
    work.jobs.get(job_id, caller.organisation)
    return sse.respond(built.api, partial(_fetch, built, caller, job_id), last_event_id)


def _fetch(built: Services, caller: Caller, job_id: str, last_id: int) -> sse.Batch:
    with acting(built, caller) as work:
        # The state is read before the events: the last event is then seen with the end, or at the next look.
        job = work.jobs.get(job_id, caller.organisation)
        over = job.state in TERMINAL and not work.deliveries.is_pending(job_id)
        events = work.jobs.events_after(job_id, last_id, sse.LIMIT)
        counts = work.jobs.counts([job_id])
        estimate = estimated(work, [job], counts).get(job_id)
        progress = progress_view(job, counts.get(job_id, {}), work.now(), estimate).model_dump(mode="json")
        return sse.Batch(events, {"progress": progress}, over and len(events) < sse.LIMIT)
