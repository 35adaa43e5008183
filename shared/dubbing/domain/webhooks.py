"""Webhooks: what is told, to whom, in which words, and how it is signed (Standard Webhooks 1, symmetric)."""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, NamedTuple
from urllib.parse import urlsplit

_SECRET_BYTES = 32
_PREFIX = "whsec_"


class WebhookEvent(StrEnum):
    """What an endpoint can ask to be told of."""

    JOB_QUEUED = "job.queued"
    JOB_RUNNING = "job.running"
    JOB_PHASE = "job.phase"
    JOB_PROGRESS = "job.progress"
    JOB_REPRIORITIZED = "job.reprioritized"
    JOB_DEADLINE_AT_RISK = "job.deadline_at_risk"
    JOB_CANCELING = "job.canceling"
    JOB_SUCCEEDED = "job.succeeded"
    JOB_FAILED = "job.failed"
    JOB_CANCELED = "job.canceled"
    LANGUAGE_STALE = "language.stale"
    REVIEW_REQUESTED = "review.requested"
    REVIEW_APPROVED = "review.approved"
    REVIEW_CHANGES_REQUESTED = "review.changes_requested"
    JOB_DELIVERED = "job.delivered"
    JOB_DELIVERY_FAILED = "job.delivery_failed"
    ENDPOINT_DISABLED = "webhook_endpoint.disabled"


TEST_EVENT = "webhook_endpoint.test"
"""Sent on request, whatever an endpoint has asked for."""


class WebhookFormat(StrEnum):
    """``standard`` bodies are for programs; ``chat`` ones, ``{"text": ...}``, for the incoming hooks of chats like Slack."""

    STANDARD = "standard"
    CHAT = "chat"


_FREQUENT = {WebhookEvent.JOB_PROGRESS, WebhookEvent.JOB_PHASE}
_FOR_PEOPLE = (
    *(WebhookEvent.REVIEW_REQUESTED, WebhookEvent.REVIEW_APPROVED, WebhookEvent.REVIEW_CHANGES_REQUESTED),
    *(WebhookEvent.JOB_SUCCEEDED, WebhookEvent.JOB_FAILED, WebhookEvent.JOB_DEADLINE_AT_RISK),
    *(WebhookEvent.JOB_DELIVERY_FAILED, WebhookEvent.ENDPOINT_DISABLED),
)
USUAL_EVENTS: Mapping[WebhookFormat, tuple[WebhookEvent, ...]] = {
    WebhookFormat.STANDARD: tuple(event for event in WebhookEvent if event not in _FREQUENT),
    WebhookFormat.CHAT: _FOR_PEOPLE,
}
"""What an endpoint is told of that does not say."""


def origin_of(url: str) -> str:
    """What of an endpoint's URL is no secret: where it is. Whoever has all of a chat's hook can speak there."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}/..."


class DeliveryState(StrEnum):
    """Where a delivery stands. ``failed``: its attempts are spent, or its endpoint was disabled; it can be replayed."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class JobChange(NamedTuple):
    """An event of a job as it was written down; ``number`` grows from one to the next of the same job."""

    job_id: str
    number: int
    type: str
    data: Mapping[str, Any]
    at: datetime


class Attempt(NamedTuple):
    """One call of an endpoint: the ``status`` of its answer, or the ``error`` that there was none for.

    ``answer`` is how the answer's body begins, ``seconds`` what the call took.
    """

    at: datetime
    seconds: float
    status: int | None = None
    answer: str = ""
    error: str | None = None

    @property
    def succeeded(self) -> bool:
        """Whether the endpoint took it. A redirect is no success: nobody follows it."""
        return self.status is not None and 200 <= self.status < 300


GONE = 410
"""The status by which an endpoint says that it wants nothing any more."""


def data_of(change: JobChange, names: Mapping[str, str | None]) -> dict[str, Any]:
    """The ``data`` of a job's event: thin, as all else can be read by the job's id. ``names`` are there for people."""
    error = change.data.get("error")
    members = {name: value for name, value in change.data.items() if name != "error"}
    if "error" in change.data:
        members["error"] = error and {"code": error["code"], "title": error["title"]}
    return {"job_id": change.job_id, "sequence": change.number, **names, **members}


def body_of(form: str, kind: str, at: datetime, data: Mapping[str, Any]) -> bytes:
    """The body of a call; the same bytes for every attempt."""
    standard = {"type": kind, "timestamp": at.isoformat(), "data": dict(data)}
    document = standard if form == WebhookFormat.STANDARD else {"text": _chat_text(kind, data)}
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


_CHAT = {
    WebhookEvent.JOB_SUCCEEDED: "{name} is ready.",
    WebhookEvent.JOB_FAILED: "{name} failed: {reason}.",
    WebhookEvent.JOB_CANCELED: "{name} was cancelled.",
    WebhookEvent.LANGUAGE_STALE: "{name} has a new sound, and its master is stale.",
    WebhookEvent.REVIEW_REQUESTED: "{name} waits for review.",
    WebhookEvent.REVIEW_APPROVED: "{name} is approved.",
    WebhookEvent.REVIEW_CHANGES_REQUESTED: "{name} needs changes.",
    WebhookEvent.JOB_DEADLINE_AT_RISK: "{name} may miss its deadline, {deadline}: {finish}.",
    WebhookEvent.JOB_DELIVERED: "{name} was delivered.",
    WebhookEvent.JOB_DELIVERY_FAILED: "{name} is ready, but could not be delivered: {reason}.",
    WebhookEvent.ENDPOINT_DISABLED: "The webhook endpoint {name} was disabled: {reason}.",
    TEST_EVENT: "This is a test: messages of Dubline arrive here.",
}


def _chat_text(kind: str, data: Mapping[str, Any]) -> str:
    """A line for people. What customers have named is escaped: in a chat, ``<!channel>`` calls everybody."""
    title, language = data.get("title"), data.get("language")
    name = (title or f"job {data['job_id']}") if "job_id" in data else str(data.get("url", ""))
    error = data.get("error") or {}
    values = {
        "name": f"{name} ({language})" if language else name,
        "reason": error.get("title") or data.get("reason") or "for an unknown reason",
        "kind": kind,
        "deadline": _moment(data.get("deadline")),
        "finish": f"it will be ready about {_moment(at)}" if (at := data.get("estimated_finish_at")) else "nobody works on it",
    }
    analysed = kind == WebhookEvent.JOB_SUCCEEDED and data.get("title_id") is not None and language is None
    line = "{name} is analysed." if analysed else _CHAT.get(kind, "{name}: {kind}")
    text = line.format_map({key: _escaped(value) for key, value in values.items()})
    return text[:1].upper() + text[1:]


def _moment(text: object) -> str:
    """A time as people read it, to the minute."""
    return f"{datetime.fromisoformat(text).astimezone(UTC):%Y-%m-%d %H:%M} UTC" if isinstance(text, str) else "none"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def new_secret() -> str:
    """A fresh secret, as verifiers take it."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def signed_headers(keys: Iterable[str], message_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """The headers of a call: one signature for each secret, so that a receiver with either of two accepts it."""
    stamp = str(int(at.timestamp()))
    content = b".".join((message_id.encode(), stamp.encode(), body))
    signatures = [hmac.digest(base64.b64decode(key.removeprefix(_PREFIX)), content, hashlib.sha256) for key in keys]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": stamp,
        "webhook-signature": " ".join(f"v1,{base64.b64encode(one).decode()}" for one in signatures),
    }


def wait_before(attempt: int, waits: Sequence[float], jitter: float) -> float | None:
    """Seconds before the attempt of that number (from 1), drawn around the schedule's; None when there is none any more."""
    if attempt > len(waits):
        return None
    drawn = secrets.SystemRandom().uniform(1 - jitter, 1 + jitter)
    return waits[attempt - 1] * drawn
