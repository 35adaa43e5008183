"""Around every request: an id, a log line, a latency sample, a bound on the body, and an answer even when we crash."""

import re
from typing import Any

import structlog
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dubbing import clock
from dubbing.ids import new_id
from dubbing.metrics import HttpMetrics
from services.api import problems

# Asked every few seconds: of no interest in a log.
_PROBES = frozenset({"/healthz", "/readyz", "/metrics", "/metrics/platform"})
_SANE_ID = re.compile(r"[A-Za-z0-9_\-.]{8,64}")

log = structlog.get_logger()


class RequestMiddleware:
    """Pure ASGI, so that streams are not buffered and context variables reach the handlers."""

    def __init__(self, app: ASGIApp, metrics: HttpMetrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        given = request.headers.get("x-request-id", "")
        request.state.request_id = request_id = given if _SANE_ID.fullmatch(given) else new_id("req")
        began, status = clock.monotonic(), 0

        async def tag(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-Id"] = request_id
                self._observe(scope, status, clock.monotonic() - began)
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self._app(scope, _bounded(request, receive), tag)
            except Exception:
                log.exception("request_crashed", method=request.method, path=request.url.path)
                if status:  # the response has begun: only cutting it off tells the truth
                    raise
                await problems.from_crash(request)(scope, receive, tag)

    def _observe(self, scope: Scope, status: int, seconds: float) -> None:
        route: Any = scope.get("route")
        name = getattr(route, "path", "unmatched")
        self._metrics.observe(scope["method"], name, status, seconds)
        if name not in _PROBES:
            log.info("request", method=scope["method"], path=scope["path"], status=status, seconds=round(seconds, 4))


def _bounded(request: Request, receive: Receive) -> Receive:
    """``receive`` that refuses bodies larger than any valid request: files go to the object store, not through here."""
    length = 0

    async def counted() -> Message:
        nonlocal length
        message = await receive()
        length += len(message.get("body", b""))
        if length > problems.MOST_BYTES or int(request.headers.get("content-length") or 0) > problems.MOST_BYTES:
            raise HTTPException(413, f"The body is larger than {problems.MOST_BYTES} bytes")
        return message

    return counted
