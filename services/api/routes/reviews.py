"""Reviews of masters: comments, how they are settled, and decisions."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from fastapi.responses import JSONResponse
from pydantic import Field

from dubbing import ids
from dubbing.db.review_models import Review, ReviewComment
from dubbing.db.reviews import ReviewFilter
from dubbing.db.unit_of_work import UnitOfWork
from dubbing.domain.languages import canonical
from dubbing.domain.reviews import Author, CommentState, ReviewStatus
from dubbing.errors import (
    Conflict,
    InvalidCursor,
    NameMissing,
    NoSuchRegion,
    NoSuchShot,
    NotFound,
    PreconditionFailed,
    UnknownLanguage,
)
from dubbing.workflow.advance import Advancer
from services.api import decisions, paging, picture_times, review_views, versions
from services.api.bootstrap import Services
from services.api.filters import PageQuery, language_of
from services.api.problems import refuses
from services.api.requests import Built, OnceOnly
from services.api.review_schemas import (
    CommentChange,
    CommentCreate,
    CommentOut,
    CommentPage,
    CommentRegion,
    DecisionCreate,
    ReviewCreate,
    ReviewOut,
    ReviewPage,
)
from services.api.reviewers import MayComment, MayDecide, MayRead, ReadingReviews, ReviewsWrite
from services.api.values import Id, LanguageTag
from services.api.versions import IfMatch

router = APIRouter(prefix="/v1", tags=["reviews"])
ReviewId = Annotated[str, Path(pattern=r"^rvw_[0-9a-z]{26}$")]
CommentId = Annotated[str, Path(pattern=r"^cmt_[0-9a-z]{26}$")]
REVIEW = "/v1/reviews/{id}"
_COMMENT = "/v1/reviews/{review}/comments/{id}"


class ReviewQuery(PageQuery):
    """Which reviews to list."""

    title: Id | None = None
    language: LanguageTag | None = None
    status: list[ReviewStatus] = Field(default_factory=list)


class CommentQuery(PageQuery):
    """Which comments to list."""

    state: list[CommentState] = Field(default_factory=list)


@router.post("/reviews", status_code=201, response_model=ReviewOut, openapi_extra=refuses(Conflict, NotFound, UnknownLanguage))
def request_review(body: ReviewCreate, caller: ReviewsWrite, built: Built, once: OnceOnly) -> JSONResponse:
    """Ask for a review of a language's last master. Where `review` is `required`, each master gets one by itself."""
    tag = canonical(body.language)

    def request(work: UnitOfWork) -> ReviewOut:
        language = work.titles.language(body.title, tag, caller.organisation)
        job = decisions.last_master(work, language)
        if job is None:
            raise Conflict(f"{tag} has no master yet.", suggestions=("render it first",))
        return _one(built, work, work.reviews.request(work.jobs.lock(job), Author(caller.principal)))

    return once.run(caller, 201, body, request, at=REVIEW)


@router.get("/reviews", openapi_extra=refuses(InvalidCursor, UnknownLanguage))
def list_reviews(reviewer: MayRead, built: Built, work: ReadingReviews, query: Annotated[ReviewQuery, Query()]) -> ReviewPage:
    """Reviews, newest first; to a guest, those of the link's language."""
    wanted = ReviewFilter(
        organisation_id=reviewer.caller.organisation,
        place=reviewer.place,
        title_id=query.title,
        language=language_of(query.language),
        statuses=tuple(query.status),
        before=query.before,
    )
    page, cursor = paging.cut(work.reviews.page(wanted, query.limit + 1), query.limit)
    return ReviewPage(items=review_views.reviews(built, work, page), next_cursor=cursor)


@router.get("/reviews/{review_id}")
def read_review(review_id: ReviewId, reviewer: MayRead, built: Built, work: ReadingReviews, response: Response) -> ReviewOut:
    """One review: where it stands, and what was decided."""
    found = _one(built, work, work.reviews.get(review_id, reviewer.caller.organisation))
    versions.show(response, found.version)
    return found


@router.post(
    "/reviews/{review_id}/decisions",
    status_code=201,
    response_model=ReviewOut,
    openapi_extra=refuses(Conflict, NameMissing, NoSuchShot, PreconditionFailed),
)
def decide(
    *,
    review_id: ReviewId,
    body: DecisionCreate,
    reviewer: MayDecide,
    built: Built,
    once: OnceOnly,
    if_match: IfMatch = versions.ANY,
) -> JSONResponse:
    """Decide on the language, or on a shot. The last decision counts, until another master is delivered.

    Approval gives the master out. With `If-Match`, only if nothing has happened in the review since you read it.
    """

    def write(work: UnitOfWork) -> ReviewOut:
        by = reviewer.author(body.name)
        review = decisions.locked(work, review_id, reviewer.caller.organisation, shots=body.shot is not None)
        versions.check(if_match, review.version)
        decisions.decide(work, review, body, by)
        Advancer(work, built.queue.max_attempts).deliver(work.jobs.lock(review.job_id))
        return _one(built, work, review)

    return once.run(reviewer.caller, 201, body, write, at=REVIEW)


@router.get("/reviews/{review_id}/comments", openapi_extra=refuses(InvalidCursor))
def list_comments(
    review_id: ReviewId, reviewer: MayRead, work: ReadingReviews, query: Annotated[CommentQuery, Query()]
) -> CommentPage:
    """Comments, newest first: those of this review, and what people said in earlier ones of the language.

    Comments with a `code` are the platform's own, one for each warning of the job.
    """
    review = work.reviews.get(review_id, reviewer.caller.organisation)
    found = work.reviews.comments(review, query.limit + 1, query.before, query.state)
    page, cursor = paging.cut([said for said, _ in found], query.limit)
    revisions, shown = {said.id: revision for said, revision in found}, decisions.picture(work, review)
    return CommentPage(items=[review_views.comment(said, revisions[said.id], shown) for said in page], next_cursor=cursor)


@router.post(
    "/reviews/{review_id}/comments",
    status_code=201,
    response_model=CommentOut,
    openapi_extra=refuses(NameMissing, NoSuchRegion, NoSuchShot),
)
def add_comment(review_id: ReviewId, body: CommentCreate, reviewer: MayComment, once: OnceOnly) -> JSONResponse:
    """Say something of a master: of all of it, of a time or a range, of a part of the picture."""

    def add(work: UnitOfWork) -> CommentOut:
        by = reviewer.author(body.name)
        review = decisions.locked(work, review_id, reviewer.caller.organisation)
        shown = decisions.picture(work, review)
        if body.region is not None:
            _check_region(body.region, *shown.upright_size)
        at = [] if body.at is None else [picture_times.frames(body.at, shown.fps, shown.frames, "/at")]
        comment = ReviewComment(
            id=ids.new_id("cmt"),
            organisation_id=review.organisation_id,
            review_id=review.id,
            text=body.text,
            severity=body.severity,
            frames=[one.model_dump() for one in at],
            region=None if body.region is None else body.region.model_dump(),
            principal=by.principal,
            name=by.name,
            state=CommentState.OPEN,
        )
        work.reviews.say(review, comment)
        return review_views.comment(comment, review.revision, shown)

    return once.run(reviewer.caller, 201, body, add, at=_COMMENT)


@router.get("/reviews/{review_id}/comments/{comment_id}")
def read_comment(review_id: ReviewId, comment_id: CommentId, reviewer: MayRead, work: ReadingReviews) -> CommentOut:
    """One comment of the review, or of an earlier one of its language."""
    review = work.reviews.get(review_id, reviewer.caller.organisation)
    said, revision = work.reviews.comment(review, comment_id)
    return review_views.comment(said, revision, decisions.picture(work, review))


@router.patch(
    "/reviews/{review_id}/comments/{comment_id}",
    response_model=CommentOut,
    openapi_extra=refuses(NameMissing, PreconditionFailed),
)
def settle_comment(
    *,
    review_id: ReviewId,
    comment_id: CommentId,
    body: CommentChange,
    reviewer: MayDecide,
    once: OnceOnly,
    if_match: IfMatch = versions.ANY,
) -> JSONResponse:
    """Settle a comment, open it again, or weigh it otherwise. `If-Match` takes the review's ETag.

    A warning that is settled as anything but `fix` stays so in later revisions, where the same code covers the same frames.
    """

    def settle(work: UnitOfWork) -> CommentOut:
        by = reviewer.author(body.name)
        review = decisions.locked(work, review_id, reviewer.caller.organisation)
        versions.check(if_match, review.version)
        said, revision = work.reviews.comment(review, comment_id)
        if body.severity is not None:
            said.severity = body.severity
        if body.state is not None:
            work.reviews.settle(said, body.state, body.answer, by)
        work.reviews.changed(review)
        return review_views.comment(said, revision, decisions.picture(work, review))

    return once.run(reviewer.caller, 200, body, settle)


def _check_region(region: CommentRegion, width: int, height: int) -> None:
    """Refuse a rectangle that reaches beyond the upright picture.

    Raises:
        NoSuchRegion: it does.
    """
    if region.x + region.width > width or region.y + region.height > height:
        raise NoSuchRegion(f"The region reaches beyond the picture of {width}x{height}.", where={"pointer": "/region"})


def _one(built: Services, work: UnitOfWork, review: Review) -> ReviewOut:
    return review_views.reviews(built, work, [review])[0]
