from typing import Literal, cast

LanguageStatus = Literal[
    "approved", "changes_requested", "completed", "draft", "failed", "in_review", "processing", "queued", "stale"
]

LANGUAGE_STATUS_VALUES: set[LanguageStatus] = {
    "approved",
    "changes_requested",
    "completed",
    "draft",
    "failed",
    "in_review",
    "processing",
    "queued",
    "stale",
}


def check_language_status(value: str) -> LanguageStatus:
    return cast(LanguageStatus, value)
