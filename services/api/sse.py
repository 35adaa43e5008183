"""Server-sent events (WHATWG HTML, section 9.2), resumable by Last-Event-ID, from rows that are only ever appended."""

import json
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, NamedTuple, Protocol

import anyio
from anyio import to_thread
from fastapi.responses import StreamingResponse

from dubbing import clock
from dubbing.settings import ApiSettings

_RECONNECT_MS = 1000
LIMIT = 500
"""Most events of one look."""


class Event(Protocol):
    """A row of an append-only table."""

    id: Any
    type: Any
    data: Any
    created_at: Any


class Batch(NamedTuple):
    """Events since the last look, what the newest of them carries besides its own data, and whether there will be more."""

    events: Sequence[Event]
    newest: dict[str, Any]
    ended: bool


def respond(settings: ApiSettings, fetch: Callable[[int], Batch], last_id: int) -> StreamingResponse:
    """A stream of what ``fetch`` finds after the given id, until it says that all has ended."""
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_stream(settings, fetch, last_id), media_type="text/event-stream", headers=headers)


async def _stream(settings: ApiSettings, fetch: Callable[[int], Batch], last_id: int) -> AsyncIterator[str]:
    # Asynchronous: a thread for each open stream would exhaust the pool that all other handlers share.
    yield f"retry: {_RECONNECT_MS}\n\n"
    spoke = clock.monotonic()
    while True:
        batch = await to_thread.run_sync(fetch, last_id)
        for event in batch.events:
            data = {**event.data, "at": event.created_at.isoformat(), **(batch.newest if event is batch.events[-1] else {})}
            yield f"id: {event.id}\nevent: {event.type}\ndata: {json.dumps(data)}\n\n"
            last_id, spoke = event.id, clock.monotonic()
        if batch.ended:
            return
        if clock.monotonic() - spoke > settings.events_heartbeat:
            yield ": alive\n\n"
            spoke = clock.monotonic()
        await anyio.sleep(settings.events_poll)
