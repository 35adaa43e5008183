from typing import Literal, cast

WebhookEvent = Literal[
    "job.canceled",
    "job.canceling",
    "job.failed",
    "job.phase",
    "job.progress",
    "job.queued",
    "job.reprioritized",
    "job.running",
    "job.succeeded",
    "webhook_endpoint.disabled",
]

WEBHOOK_EVENT_VALUES: set[WebhookEvent] = {
    "job.canceled",
    "job.canceling",
    "job.failed",
    "job.phase",
    "job.progress",
    "job.queued",
    "job.reprioritized",
    "job.running",
    "job.succeeded",
    "webhook_endpoint.disabled",
}


def check_webhook_event(value: str) -> WebhookEvent:
    return cast(WebhookEvent, value)
