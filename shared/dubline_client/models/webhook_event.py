from typing import Literal, cast

WebhookEvent = Literal[
    "asset.ready",
    "batch.completed",
    "job.canceled",
    "job.canceling",
    "job.deadline_at_risk",
    "job.delivered",
    "job.delivery_failed",
    "job.failed",
    "job.phase",
    "job.progress",
    "job.queued",
    "job.reprioritized",
    "job.running",
    "job.succeeded",
    "language.stale",
    "review.approved",
    "review.changes_requested",
    "review.requested",
    "upload.completed",
    "webhook_endpoint.disabled",
]

WEBHOOK_EVENT_VALUES: set[WebhookEvent] = {
    "asset.ready",
    "batch.completed",
    "job.canceled",
    "job.canceling",
    "job.deadline_at_risk",
    "job.delivered",
    "job.delivery_failed",
    "job.failed",
    "job.phase",
    "job.progress",
    "job.queued",
    "job.reprioritized",
    "job.running",
    "job.succeeded",
    "language.stale",
    "review.approved",
    "review.changes_requested",
    "review.requested",
    "upload.completed",
    "webhook_endpoint.disabled",
}


def check_webhook_event(value: str) -> WebhookEvent:
    return cast(WebhookEvent, value)
