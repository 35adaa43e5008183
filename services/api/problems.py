"""RFC 9457: the one place where errors become HTTP responses."""

import json
from typing import Any

import structlog
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import Field
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.routing import Match

from dubbing.errors import BadInput, DublineError, NotFound, Outage
from services.api.schemas import Failure

MEDIA_TYPE = "application/problem+json"
ROUTED = (
    (400, "invalid_json", "The body is not valid JSON"),
    (405, "method_not_allowed", "The path does not take this method"),
    (413, "request_too_large", "The body is too large"),
)
"""Status, code and title of what the router refuses; its 404 is that of our tree."""
_CODES = {404: NotFound.code, **{status: code for status, code, _ in ROUTED}}
REFUSES = "x-refuses"
"""The member of an operation's description that `refuses` writes; the finished document has statuses instead."""
_RETRY_AFTER = 2
MOST_BYTES = 2 * 1024 * 1024
"""Of a request's body: files go to the object store, not through here."""
_REFERENCES, _KINDS = (["video"], ["audio"]), (["asset"], ["url"], ["s3"])
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

log = structlog.get_logger()


class Problem(Failure):
    """An RFC 9457 problem. ``code`` is stable; texts are for people and may change."""

    request_id: str
    errors: list[dict[str, Any]] = Field(default_factory=list)


def refuses(*kinds: type[DublineError]) -> dict[str, Any]:
    """For a route's ``openapi_extra``: what it answers besides what follows from its key, parameters and body."""
    return {REFUSES: [kind.code for kind in kinds]}


class ProblemResponse(JSONResponse):
    """A problem, in ASCII: it names what was sent, which need not be valid Unicode."""

    media_type = MEDIA_TYPE

    def render(self, content: Any) -> bytes:
        """The body."""
        return json.dumps(content).encode("ascii")


def respond(request: Request, members: dict[str, Any], headers: dict[str, str] | None = None) -> Response:
    """A problem response with the members that every problem has."""
    state = request.app.state.services
    problem = {
        "type": type_uri(state.api.docs_url, members["code"]),
        **members,
        "instance": request.url.path,
        "request_id": getattr(request.state, "request_id", ""),
    }
    extra = dict(headers or {})
    if problem["status"] in (429, 503) or problem["retryable"]:
        extra.setdefault("Retry-After", str(_RETRY_AFTER))
    if problem["status"] == 401:
        extra.setdefault("WWW-Authenticate", "Bearer")
    return ProblemResponse(problem, problem["status"], extra)


def stored(base: str, error: dict[str, Any] | None, instance: str) -> Failure | None:
    """The failure that the row of ``instance`` keeps."""
    if error is None:
        return None
    return Failure.model_validate({**error, "type": type_uri(base, error["code"]), "instance": instance})


def type_uri(base: str, code: str) -> str:
    """The problem type of a code: where its page is."""
    return f"{base}/{page_name(code)}"


def page_name(code: str) -> str:
    """The last part of the address of a code's page."""
    return code.replace("_", "-")


def from_error(request: Request, error: DublineError) -> Response:
    """An error of our tree."""
    return respond(request, error.problem())


def from_http(request: Request, error: HTTPException) -> Response:
    """What the router raises: unknown path, wrong method, unreadable body."""
    status = error.status_code
    members = {
        "title": str(error.detail),
        "status": status,
        "detail": f"{request.method} {request.url.path}: {error.detail}.",
        "code": _CODES.get(status, "invalid_request" if status < 500 else "internal_error"),
        "retryable": False,
    }
    headers = dict(error.headers or {})
    if status == 413:
        members["media"] = {"limit": MOST_BYTES}
    if status == 405:
        headers["Allow"] = ", ".join(_allowed(request))
    return respond(request, members, headers)


def _allowed(request: Request) -> list[str]:
    """The methods that the path takes: of all its routes, where the router names those of the first."""
    scopes = {method: {**request.scope, "method": method} for method in _METHODS}
    routes = request.app.routes
    return [method for method, scope in scopes.items() if any(route.matches(scope)[0] is Match.FULL for route in routes)]


def from_validation(request: Request, error: RequestValidationError) -> Response:
    """A request that does not fit the schema: every fault with its JSON pointer. A malformed id in a path is a 404."""
    faults = [_fault(item) for item in error.errors()]
    if any(item["loc"][0] == "path" for item in error.errors()):
        return from_error(request, NotFound(f"There is nothing at {request.url.path}."))
    if any(item["type"] == "json_invalid" for item in error.errors()):
        status, code, title = ROUTED[0]
        unreadable = {"title": title, "status": status, "code": code, "retryable": False}
        return respond(request, {**unreadable, "detail": faults[0]["detail"], "errors": faults})
    first = faults[0]
    where: dict[str, Any] = {name: first[name] for name in ("pointer", "parameter", "header") if name in first}
    problem = BadInput(f"{' '.join(where.values())}: {first['detail']}.", where=where).problem()
    return respond(request, {**problem, "errors": faults})


def _fault(item: Any) -> dict[str, Any]:
    source, *path = item["loc"]
    fault = {"code": item["type"], "detail": item["msg"]}
    if source == "body":
        if path[:1] in _REFERENCES and path[1:2] in _KINDS:
            del path[1]  # which kind of reference was read: it is no part of the document
        return {"pointer": "".join(f"/{part}" for part in path) or "/", **fault}
    return {source if source == "header" else "parameter": str(path[0]) if path else "", **fault}


def from_lost_database(request: Request, error: SQLAlchemyError) -> Response:
    """The database cannot be reached, or dropped the connection: the call may be repeated with its Idempotency-Key."""
    log.warning("database_lost", reason=str(error).splitlines()[0])
    return from_error(request, Outage("The database does not answer.", suggestions=("wait and send the same again",)))


def from_crash(request: Request) -> Response:
    """A bug: nothing of it is shown, the request id finds it in the logs."""
    return from_error(request, DublineError("The request failed unexpectedly; quote the request id to the operator."))
