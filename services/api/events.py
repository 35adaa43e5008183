"""A job's events as they happen: server-sent events (WHATWG HTML, section 9.2), resumable by Last-Event-ID."""

import json
from collections.abc import AsyncIterator
from typing import Annotated, NamedTuple

import anyio
from anyio import to_thread
from fastapi import APIRouter, Header
from fastapi.responses import StreamingResponse

from dubbing import clock
from dubbing.db.models import JobEvent
from dubbing.db.unit_of_work import unit_of_work
from dubbing.domain.jobs import TERMINAL
from services.api.bootstrap import Services
from services.api.jobs import JobId
from services.api.requests import Built, Caller, JobsRead, Reading
from services.api.views import progress_view

router = APIRouter(prefix="/v1", tags=["jobs"])
_RECONNECT_MS = 1000


class Batch(NamedTuple):
    """Events since the last look, the job's progress after them, and whether there will be more."""

    events: list[JobEvent]
    progress: dict[str, object]
    ended: bool


@router.get("/jobs/{job_id}/events", response_class=StreamingResponse, responses={200: {"content": {"text/event-stream": {}}}})
def job_events(
    job_id: JobId,
    caller: JobsRead,
    built: Built,
    work: Reading,
    last_event_id: Annotated[int, Header(ge=0, le=2**63 - 1)] = 0,
) -> StreamingResponse:
    """Every event of the job from the first, or from the one after Last-Event-ID; ends when the job has ended.

    ``data`` is JSON. The newest event of each batch also carries ``progress``, as GET /v1/jobs/{id} shows it.
    """
    work.jobs.get(job_id, caller.tenant)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_stream(built, caller, job_id, last_event_id), media_type="text/event-stream", headers=headers)


async def _stream(built: Services, caller: Caller, job_id: str, last_id: int) -> AsyncIterator[str]:
    # The one asynchronous handler: a thread for each open stream would exhaust the pool that all others share.
    yield f"retry: {_RECONNECT_MS}\n\n"
    spoke = clock.monotonic()
    while True:
        batch = await to_thread.run_sync(_fetch, built, caller, job_id, last_id)
        for event in batch.events:
            newest = event is batch.events[-1]
            data = {**event.data, "at": event.created_at.isoformat(), **({"progress": batch.progress} if newest else {})}
            yield f"id: {event.id}\nevent: {event.type}\ndata: {json.dumps(data)}\n\n"
            last_id, spoke = event.id, clock.monotonic()
        if batch.ended:
            return
        if clock.monotonic() - spoke > built.api.events_heartbeat:
            yield ": alive\n\n"
            spoke = clock.monotonic()
        await anyio.sleep(built.api.events_poll)


def _fetch(built: Services, caller: Caller, job_id: str, last_id: int) -> Batch:
    with unit_of_work(built.database.sessions(), built.doorbell.ring) as work:
        # The state is read before the events: the last event is then seen with the end, or at the next look.
        job = work.jobs.get(job_id, caller.tenant)
        limit = 500
        events = work.jobs.events_after(job_id, last_id, limit)
        progress = progress_view(job, work.jobs.counts([job_id]).get(job_id, {}))
        return Batch(events, progress.model_dump(mode="json"), job.state in TERMINAL and len(events) < limit)
