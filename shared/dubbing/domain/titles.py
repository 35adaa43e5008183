"""Titles and their languages: where a language stands, and what its masters are called."""

import re
from enum import StrEnum
from typing import NamedTuple

from dubbing.domain.jobs import TERMINAL, JobState
from dubbing.domain.reviews import ReviewStatus

# What a file system or a shell takes for something else, and spaces, which get lost where a name is copied.
_UNFIT = re.compile(r"[^\w.-]+")


class LanguageStatus(StrEnum):
    """Where one language of a title stands.

    ``stale``: its last master is of an earlier revision of its sound. From ``in_review`` on: the master's review says so.
    """

    DRAFT = "draft"
    QUEUED = "queued"
    PROCESSING = "processing"
    COMPLETED = "completed"
    STALE = "stale"
    FAILED = "failed"
    IN_REVIEW = "in_review"
    APPROVED = "approved"
    CHANGES_REQUESTED = "changes_requested"


class Render(NamedTuple):
    """A job that renders one revision of a language."""

    job_id: str
    revision: int
    state: JobState


def language_status(
    revision: int, latest: Render | None, delivered: Render | None, review: ReviewStatus | None = None
) -> LanguageStatus:
    """Where a language stands.

    Args:
        revision: of its sound now.
        latest: the job that was asked for last.
        delivered: the last job that made a master; it stays there to be downloaded whatever comes after.
        review: where the review of that master stands; None where there is none.
    """
    if latest is not None and latest.state not in TERMINAL:
        return LanguageStatus.QUEUED if latest.state is JobState.QUEUED else LanguageStatus.PROCESSING
    if delivered is not None and delivered.revision == revision:
        return LanguageStatus.COMPLETED if review is None else LanguageStatus(review.value)
    if latest is not None and latest.state is JobState.FAILED and latest.revision == revision:
        return LanguageStatus.FAILED
    return LanguageStatus.DRAFT if delivered is None else LanguageStatus.STALE


def file_stem(template: str, *, title: str, language: str, revision: int) -> str:
    """The name of a master without its suffix, e.g. ``Episode-1_pt-BR_v2`` from ``{title}_{language}_v{revision}``.

    Whatever is neither letter, digit, point, dash nor underscore becomes a dash.
    """
    filled = template.format(title=title, language=language, revision=revision)
    return _UNFIT.sub("-", filled).strip("-.") or f"{language}-v{revision}"
