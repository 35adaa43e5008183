from typing import Literal, cast

LanguageStatus = Literal["completed", "draft", "failed", "processing", "queued", "stale"]

LANGUAGE_STATUS_VALUES: set[LanguageStatus] = {
    "completed",
    "draft",
    "failed",
    "processing",
    "queued",
    "stale",
}


def check_language_status(value: str) -> LanguageStatus:
    return cast(LanguageStatus, value)
