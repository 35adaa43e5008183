"""Reviews of masters: their states, the words that comments are weighed and settled with, and what stays settled.

Severities and settlements are the trade's words, as in the quality control of streaming services.
"""

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import NamedTuple

from dubbing.domain.findings import Finding, FindingCode, FrameRange


class ReviewRule(StrEnum):
    """Whether masters of a language wait for approval before they are given out."""

    NONE = "none"
    REQUIRED = "required"


class ReviewStatus(StrEnum):
    """Where a review stands; the last decision on the language decides."""

    IN_REVIEW = "in_review"
    APPROVED = "approved"
    CHANGES_REQUESTED = "changes_requested"


class ReviewDecision(StrEnum):
    """What can be decided: on the language or on a shot; ``keep_original`` (no mouth of ours) on a shot only."""

    APPROVE = "approve"
    REQUEST_CHANGES = "request_changes"
    KEEP_ORIGINAL = "keep_original"


STATUS_AFTER = {
    ReviewDecision.APPROVE: ReviewStatus.APPROVED,
    ReviewDecision.REQUEST_CHANGES: ReviewStatus.CHANGES_REQUESTED,
}
"""Where a review stands after a decision on the language."""


class CommentSeverity(StrEnum):
    """``fyi``: good to know. ``issue``: should be mended. ``blocker``: must be, before anything is approved."""

    FYI = "fyi"
    ISSUE = "issue"
    BLOCKER = "blocker"


class CommentState(StrEnum):
    """``open``, or how a comment was settled.

    ``fix``: it is mended in the next revision. ``creative_intent``: it is meant so. ``best_possible``: nobody can make it
    better. ``not_an_issue``: there is nothing wrong.
    """

    OPEN = "open"
    FIX = "fix"
    CREATIVE_INTENT = "creative_intent"
    BEST_POSSIBLE = "best_possible"
    NOT_AN_ISSUE = "not_an_issue"


LASTING = (CommentState.CREATIVE_INTENT, CommentState.BEST_POSSIBLE, CommentState.NOT_AN_ISSUE)
"""Settled for later revisions too. What was to be fixed and is found again is open again."""

# These ask to be looked at; all others tell what was done.
_ISSUES = {FindingCode.MOUTH_DOUBTFUL, FindingCode.SYNC_LOST}


class GuestRight(StrEnum):
    """What a guest may do; each includes those before it."""

    READ = "read"
    COMMENT = "comment"
    DECIDE = "decide"

    def includes(self, other: "GuestRight") -> bool:
        """Whether who has this right may do what needs ``other``."""
        order = tuple(GuestRight)
        return order.index(self) >= order.index(other)


class Author(NamedTuple):
    """Who says something: a ``principal`` (``key:``, ``person:`` or ``guest:`` and an id), and the name that it gave."""

    principal: str
    name: str | None = None


PLATFORM = Author("platform")
"""Who comments what an analysis or the guard found."""


class SettledFinding(NamedTuple):
    """A finding of an earlier revision that was settled for good; ``comment_id`` is where."""

    comment_id: str
    finding: Finding


def severity_of(code: str) -> CommentSeverity:
    """How much a finding weighs until somebody weighs it otherwise."""
    return CommentSeverity.ISSUE if code in _ISSUES else CommentSeverity.FYI


def carry(findings: Iterable[Finding], settled: Sequence[SettledFinding]) -> Iterator[tuple[Finding, str | None]]:
    """The findings of a new master, each with the id of the comment that settled it before; None for what is open.

    Settled is what the same code covered: frames inside those that were settled, or, without frames, the same words. A finding
    of which a part was settled is parted, whole ranges at a time.
    """
    for finding in findings:
        if not finding.frames:
            yield finding, next((old.comment_id for old in settled if old.finding == finding), None)
            continue
        parts: dict[str | None, list[FrameRange]] = {}
        for frames in finding.frames:
            parts.setdefault(_settling(finding.code, frames, settled), []).append(frames)
        for origin, ranges in parts.items():
            yield finding.model_copy(update={"frames": tuple(ranges)}), origin


def _settling(code: str, frames: FrameRange, settled: Iterable[SettledFinding]) -> str | None:
    for old in settled:
        if old.finding.code == code and any(one.start <= frames.start and frames.end <= one.end for one in old.finding.frames):
            return old.comment_id
    return None
