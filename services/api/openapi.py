"""The OpenAPI document: what FastAPI derives from the handlers, with every status that they answer, tags and examples.

Most statuses follow from what an operation takes (a key, a body, an id in its path); what else it refuses, its route says by
`problems.refuses`.
"""

from collections import defaultdict
from typing import Any, NamedTuple

from fastapi import FastAPI

from dubbing import errors
from services.api import examples, problems

_TAGS = {
    "sessions": "Signing in, and who it is that calls.",
    "people": "Who is in the organisation, and as what.",
    "keys": "Who may call, and for what.",
    "uploads": "Files go to the object store in parts, by presigned URLs; the API only keeps the books.",
    "assets": "Files that have arrived.",
    "lipsyncs": "One picture, one track, one job.",
    "titles": "A picture that is analysed once, and its languages: sounds, revisions, renders.",
    "reviews": "Comments and decisions on masters, and links for guests.",
    "jobs": "How far a job is, what it made, and how to end it.",
    "models": "The models that jobs can name.",
    "training": "Runs that make students, and the versions that are served of them. For trainers and operators.",
    "connections": "Buckets of yours: files are read there, and masters delivered to.",
    "webhooks": "Events for programs (Standard Webhooks) and for chats: endpoints, and what was delivered to them.",
    "health": "For probes and for Prometheus. Keep these inside your network.",
    "errors": "What every error code means.",
    "documentation": "The pages that explain all this, as Markdown.",
}
_SCHEMA = {"$ref": "#/components/schemas/Problem"}
_LOCATION = {"description": "Where to read what was made or changed", "schema": {"type": "string"}}
_ETAG = {"description": "The version, for `If-Match`", "schema": {"type": "string"}}
_HEADERS = {
    401: {"WWW-Authenticate": {"description": "How to send a key", "schema": {"type": "string"}}},
    409: {"Retry-After": {"description": "Seconds to wait, where `retryable` is true", "schema": {"type": "integer"}}},
    503: {"Retry-After": {"description": "Seconds to wait", "schema": {"type": "integer"}}},
}


class ProblemCode(NamedTuple):
    """What an operation may answer instead."""

    status: int
    code: str
    title: str


_KINDS = {kind.code: ProblemCode(kind.status, kind.code, kind.title) for kind in errors.kinds()}
_UNREADABLE = [ProblemCode(*routed) for routed in problems.ROUTED if routed[1] != "method_not_allowed"]


def describe(app: FastAPI) -> dict[str, Any]:
    """The document of an application; made once."""
    if app.openapi_schema is None:
        document = FastAPI.openapi(app)
        document["tags"] = [{"name": name, "description": text} for name, text in _TAGS.items()]
        problem = problems.Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        document["components"]["schemas"]["Problem"] = problem
        for operations in document["paths"].values():
            for operation in operations.values():
                _tell_statuses(operation)
        _tell_versions(document)
        examples.show(document)
    return app.openapi_schema or {}


def _tell_versions(document: dict[str, Any]) -> None:
    """Describe the ETag of every answer that shows a thing with a version."""
    for operations in document["paths"].values():
        for operation in operations.values():
            answer = operation["responses"].get("200", {})
            name = answer.get("content", {}).get("application/json", {}).get("schema", {}).get("$ref", "").rpartition("/")[2]
            if document["components"]["schemas"].get(name, {}).get("properties", {}).keys() >= {"version", "updated_at"}:
                answer["headers"] = {"ETag": _ETAG}


def _tell_statuses(operation: dict[str, Any]) -> None:
    """Replace FastAPI's ``default`` by the statuses themselves, each with its codes."""
    responses = operation["responses"]
    del responses["default"]
    for status in {"201", "202"} & responses.keys():
        responses[status]["headers"] = {"Location": _LOCATION}
    by_status = defaultdict(list)
    for refusal in sorted(_refusals(operation)):
        by_status[refusal.status].append(refusal)
    for status, refusals in by_status.items():
        responses.setdefault(str(status), {})
        responses[str(status)] |= {
            "description": "; ".join(f"`{refusal.code}`: {refusal.title}" for refusal in refusals),
            "content": {problems.MEDIA_TYPE: {"schema": _SCHEMA}},
            **({"headers": _HEADERS[status]} if status in _HEADERS else {}),
        }


def _refusals(operation: dict[str, Any]) -> set[ProblemCode]:
    """What the operation's key, parameters and body can be refused for, and what its route names."""
    parameters = operation.get("parameters", [])
    kinds = {errors.DublineError.code, *operation.pop(problems.REFUSES, ())}
    if "security" in operation:
        kinds |= {errors.Unauthorized.code, errors.Forbidden.code, errors.Outage.code, errors.SignInUnavailable.code}
    if any(parameter["in"] == "path" for parameter in parameters):
        kinds.add(errors.NotFound.code)
    if "requestBody" in operation or any(parameter["in"] != "path" for parameter in parameters):
        kinds.add(errors.BadInput.code)
    if any(parameter["name"] == "Idempotency-Key" for parameter in parameters):
        kinds |= {errors.IdempotencyInProgress.code, errors.IdempotencyKeyReused.code}
    return {*(_KINDS[code] for code in kinds), *(_UNREADABLE if "requestBody" in operation else ())}
