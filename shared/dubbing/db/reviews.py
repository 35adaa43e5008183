"""Reviews of masters, their comments and decisions.

What happens in a review is an event of the job that made the master: who writes one holds the job's row, and takes it before
the review's.
"""

from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

from sqlalchemy import and_, func, or_, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from dubbing import ids
from dubbing.db.jobs import Jobs
from dubbing.db.models import Job
from dubbing.db.pages import Before, paged
from dubbing.db.review_models import Review, ReviewComment, ReviewEntry
from dubbing.db.times import now
from dubbing.db.title_models import Language
from dubbing.domain.findings import Finding
from dubbing.domain.reviews import (
    LASTING,
    PLATFORM,
    STATUS_AFTER,
    Author,
    CommentSeverity,
    CommentState,
    ReviewDecision,
    ReviewRule,
    ReviewStatus,
    SettledFinding,
    carry,
    severity_of,
)
from dubbing.domain.webhooks import WebhookEvent
from dubbing.errors import Conflict, NotFound

_EVENTS = {
    ReviewStatus.APPROVED: WebhookEvent.REVIEW_APPROVED,
    ReviewStatus.CHANGES_REQUESTED: WebhookEvent.REVIEW_CHANGES_REQUESTED,
}


class ReviewFilter(NamedTuple):
    """Which reviews to list; None means all.

    ``place`` is the title and the language that the caller sees at all, ``before`` the (created_at, id) that the previous page
    ended with.
    """

    organisation_id: str
    place: tuple[str, str] | None = None
    title_id: str | None = None
    language: str | None = None
    statuses: tuple[ReviewStatus, ...] = ()
    before: Before = None


class Reviews:
    """Repository of reviews. Never commits."""

    def __init__(self, session: Session, jobs: Jobs) -> None:
        self._session = session
        self._jobs = jobs

    def delivered(self, job: Job) -> None:
        """A locked job has made a master: its review begins, where the language's masters wait for approval."""
        if job.language is None:
            return
        rule = select(Language.review).where(Language.title_id == job.title_id, Language.language == job.language)
        if self._session.scalar(rule) == ReviewRule.REQUIRED:
            self.request(job, PLATFORM)

    def request(self, job: Job, by: Author) -> Review:
        """Begin the review of the master that a locked job of a language made; what was settled before stays so.

        Raises:
            Conflict: there is one already.
        """
        if (known := self.of_jobs([job.id]).get(job.id)) is not None:
            raise Conflict(f"This master has a review already: {known.id}.", where={"review": known.id})
        settled = self._settled(job)
        review = Review(
            id=ids.new_id("rvw"),
            organisation_id=job.organisation_id,
            title_id=job.title_id,
            language=job.language,
            revision=job.revision,
            job_id=job.id,
            status=ReviewStatus.IN_REVIEW,
            requested_by=by.principal,
        )
        self._session.add(review)
        self._session.flush()
        origins = {origin.id: origin for origin in settled}
        known_findings = [SettledFinding(comment.id, _finding(comment)) for comment in settled]
        for finding, origin in carry(map(Finding.model_validate, job.warnings), known_findings):
            self._session.add(_found(review, finding, origins.get(origin or "")))
        self._session.flush()
        self._tell(review, WebhookEvent.REVIEW_REQUESTED, by)
        return review

    def _settled(self, job: Job) -> list[ReviewComment]:
        """The findings that were settled for good in the review of the language's master before."""
        last = (
            select(Review.id)
            .where(Review.title_id == job.title_id, Review.language == job.language)
            .order_by(Review.created_at.desc(), Review.id.desc())
            .limit(1)
        )
        wanted = select(ReviewComment).where(
            ReviewComment.review_id == last.scalar_subquery(),
            ReviewComment.code.is_not(None),
            ReviewComment.state.in_(LASTING),
        )
        return list(self._session.scalars(wanted.order_by(ReviewComment.id)))

    def get(self, review_id: str, organisation_id: str) -> Review:
        """The review, if it is the organisation's; raises `NotFound`."""
        wanted = select(Review).where(Review.id == review_id, Review.organisation_id == organisation_id)
        found = self._session.scalar(wanted)
        if found is None:
            raise NotFound(f"There is no review {review_id}.", where={"pointer": "/id"})
        return found

    def lock(self, review: Review) -> Review:
        """The review as it is now, its row and before it the job's locked until commit."""
        self._jobs.lock(review.job_id)
        wanted = select(Review).where(Review.id == review.id).with_for_update(key_share=True)
        return self._session.scalars(wanted.execution_options(populate_existing=True)).one()

    def page(self, wanted: ReviewFilter, limit: int) -> list[Review]:
        """Newest first."""
        statement = select(Review).where(Review.organisation_id == wanted.organisation_id)
        title_id, language = wanted.place or (None, None)
        for column, value in (
            *((Review.title_id, wanted.title_id), (Review.language, wanted.language)),
            *((Review.title_id, title_id), (Review.language, language)),
        ):
            if value is not None:
                statement = statement.where(column == value)
        if wanted.statuses:
            statement = statement.where(Review.status.in_(wanted.statuses))
        return list(self._session.scalars(paged(statement, Review, limit, wanted.before)))

    def of_jobs(self, job_ids: Collection[str]) -> dict[str, Review]:
        """Reviews by the job whose master they are of."""
        return {review.job_id: review for review in self._session.scalars(select(Review).where(Review.job_id.in_(job_ids)))}

    def withheld(self, job_ids: Collection[str]) -> set[str]:
        """Those of the jobs whose masters wait for approval."""
        wanted = (
            select(Job.id)
            .join(Language, and_(Language.title_id == Job.title_id, Language.language == Job.language))
            .outerjoin(Review, Review.job_id == Job.id)
            .where(
                Job.id.in_(job_ids),
                Language.review == ReviewRule.REQUIRED,
                func.coalesce(Review.status, "") != ReviewStatus.APPROVED,
            )
        )
        return set(self._session.scalars(wanted))

    def decide(self, review: Review, decision: ReviewDecision, shot: int | None, note: str | None, by: Author) -> None:
        """Write a decision into a locked review, on a shot or, for None, on the language."""
        entry = ReviewEntry(
            organisation_id=review.organisation_id,
            review_id=review.id,
            shot=shot,
            decision=decision,
            note=note,
            principal=by.principal,
            name=by.name,
        )
        self._session.add(entry)
        if shot is None:
            review.status = STATUS_AFTER[decision]
            self._tell(review, _EVENTS[STATUS_AFTER[decision]], by)
        self.changed(review)

    def entries(self, review_ids: Collection[str]) -> dict[str, list[ReviewEntry]]:
        """The last decisions of each review, on the language (first) and on every shot that has one, by number."""
        found: dict[str, list[ReviewEntry]] = {review_id: [] for review_id in review_ids}
        wanted = (
            select(ReviewEntry)
            .where(ReviewEntry.review_id.in_(review_ids))
            .ext(distinct_on(ReviewEntry.review_id, ReviewEntry.shot))
            .order_by(ReviewEntry.review_id, ReviewEntry.shot.nulls_first(), ReviewEntry.id.desc())
        )
        for entry in self._session.scalars(wanted):
            found[entry.review_id].append(entry)
        return found

    def comments(
        self, review: Review, limit: int, before: Before, states: Iterable[CommentState] = ()
    ) -> list[tuple[ReviewComment, int]]:
        """Of the review, and what people said in earlier reviews of the language; each with its revision, newest first."""
        earlier = and_(
            Review.title_id == review.title_id,
            Review.language == review.language,
            Review.created_at < review.created_at,
            ReviewComment.code.is_(None),
        )
        wanted: Any = (  # of two columns, which `paged` does not name
            select(ReviewComment, Review.revision)
            .join(Review, Review.id == ReviewComment.review_id)
            .where(or_(Review.id == review.id, earlier))
        )
        if chosen := tuple(states):
            wanted = wanted.where(ReviewComment.state.in_(chosen))
        rows = self._session.execute(paged(wanted, ReviewComment, limit, before))
        return [(comment, revision) for comment, revision in rows]

    def comment(self, review: Review, comment_id: str) -> tuple[ReviewComment, int]:
        """One of `comments`, with its revision; raises `NotFound`."""
        found = self._session.execute(
            select(ReviewComment, Review.revision)
            .join(Review, Review.id == ReviewComment.review_id)
            .where(
                ReviewComment.id == comment_id,
                Review.title_id == review.title_id,
                Review.language == review.language,
                Review.created_at <= review.created_at,
            )
        ).one_or_none()
        if found is None:
            raise NotFound(f"Review {review.id} has no comment {comment_id}.", where={"pointer": "/id"})
        return found[0], found[1]

    def say(self, review: Review, comment: ReviewComment) -> None:
        """Add a comment to a locked review."""
        self._session.add(comment)
        self.changed(review)

    def settle(self, comment: ReviewComment, state: CommentState, answer: str | None, by: Author) -> None:
        """Settle a comment, or open it again; the caller holds the review, and calls `changed`."""
        time = now(self._session)
        comment.state, comment.answer = state, answer
        if state is CommentState.OPEN:
            comment.settled_by = comment.settled_name = comment.settled_at = comment.carried_from = None
        else:
            comment.settled_by, comment.settled_name = by.principal, by.name
            comment.settled_at, comment.carried_from = time, None

    def blockers(self, review: Review) -> list[str]:
        """Ids of the open blockers among the comments that the review shows."""
        found = self.comments(review, 1000, None, (CommentState.OPEN,))
        return [comment.id for comment, _ in found if comment.severity == CommentSeverity.BLOCKER]

    def changed(self, review: Review) -> None:
        """Count what happened in a locked review: who decides on what was read before hears of it."""
        review.version += 1
        self._session.flush()
        self._session.refresh(review)

    def _tell(self, review: Review, event: WebhookEvent, by: Author) -> None:
        data = {"review_id": review.id, "revision": review.revision, "by": by.principal, "name": by.name}
        self._jobs.event(review.job_id, event.value, data)


def _finding(comment: ReviewComment) -> Finding:
    return Finding.model_validate({"code": comment.code, "detail": comment.text, "frames": comment.frames})


def _found(review: Review, finding: Finding, origin: ReviewComment | None) -> ReviewComment:
    """What the platform says of a finding, settled as ``origin`` was."""
    said = finding.model_dump(mode="json")
    made = ReviewComment(
        id=ids.new_id("cmt"),
        organisation_id=review.organisation_id,
        review_id=review.id,
        code=finding.code,
        text=finding.detail,
        severity=severity_of(finding.code),
        frames=said["frames"],
        principal=PLATFORM.principal,
        state=CommentState.OPEN,
    )
    if origin is not None:
        for name in ("severity", "state", "answer", "settled_by", "settled_name", "settled_at"):
            setattr(made, name, getattr(origin, name))
        made.carried_from = origin.carried_from or origin.id
    return made
