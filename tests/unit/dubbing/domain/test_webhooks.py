"""What endpoints and chats are told."""

from collections import Counter
from datetime import UTC, datetime

import pytest

from dubbing.domain.webhooks import TEST_EVENT, JobChange, WebhookEvent, body_of, data_of, wait_before

AT = datetime(2026, 10, 12, 6, tzinfo=UTC)
ERROR = {"code": "not_a_video", "title": "The file is not a readable video", "media": {"long": "x" * 100_000}}


def test_the_payload_of_a_failure_stays_thin() -> None:
    change = JobChange("job_1", 7, "job.failed", {"state": "failed", "error": ERROR}, AT)
    data = data_of(change, {"title": "Nº 1", "language": None, "title_id": "ttl_1"})
    assert data == {
        "job_id": "job_1",
        "sequence": 7,
        "title": "Nº 1",
        "language": None,
        "title_id": "ttl_1",
        "state": "failed",
        "error": {"code": "not_a_video", "title": "The file is not a readable video"},
    }
    assert body_of("standard", change.type, AT, data).startswith(
        b'{"type":"job.failed","timestamp":"2026-10-12T06:00:00+00:00","data":{"job_id":"job_1","sequence":7,'
    )


@pytest.mark.parametrize(
    ("kind", "data", "text"),
    [
        (WebhookEvent.JOB_SUCCEEDED, {"job_id": "job_1", "title": "Film", "language": "pt-BR"}, "Film (pt-BR) is ready."),
        (WebhookEvent.JOB_SUCCEEDED, {"job_id": "job_1"}, "Job job_1 is ready."),
        (WebhookEvent.JOB_FAILED, {"job_id": "job_1", "error": {"title": "No face"}}, "Job job_1 failed: No face."),
        (
            WebhookEvent.JOB_DEADLINE_AT_RISK,
            {
                "job_id": "job_1",
                "title": "Film",
                "language": "de",
                "deadline": "2026-10-12T06:00:00+00:00",
                "estimated_finish_at": "2026-10-12T08:20:31+02:00",
            },
            "Film (de) may miss its deadline, 2026-10-12 06:00 UTC: it will be ready about 2026-10-12 06:20 UTC.",
        ),
        (
            WebhookEvent.JOB_DEADLINE_AT_RISK,
            {"job_id": "job_1", "deadline": "2026-10-12T06:00:00Z", "estimated_finish_at": None},
            "Job job_1 may miss its deadline, 2026-10-12 06:00 UTC: nobody works on it.",
        ),
        (WebhookEvent.JOB_PHASE, {"job_id": "job_1", "title": "<b>"}, "&lt;b&gt;: job.phase"),
        (
            WebhookEvent.ENDPOINT_DISABLED,
            {"url": "https://x.example", "reason": "gone"},
            "The webhook endpoint https://x.example was disabled: gone.",
        ),
        (TEST_EVENT, {"endpoint_id": "whe_1"}, "This is a test: messages of Dubline arrive here."),
    ],
)
def test_a_chat_is_told_in_words(kind: str, data: dict[str, object], text: str) -> None:
    assert body_of("chat", kind, AT, data).decode() == f'{{"text":"{text}"}}'


def test_waits_are_drawn_around_the_schedule_and_end_with_it() -> None:
    drawn = {wait_before(2, (0, 100), 0.1) for _ in range(200)}
    assert len(drawn) > 100
    assert all(wait is not None and 90 <= wait <= 110 for wait in drawn)
    assert Counter(wait_before(attempt, (0, 100), 0.1) for attempt in (1, 3)) == {0.0: 1, None: 1}
