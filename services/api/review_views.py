"""Reviews as the API shows them."""

from collections.abc import Sequence
from datetime import timedelta

from dubbing import clock
from dubbing.db.models import Job
from dubbing.db.review_models import Review, ReviewComment, ReviewEntry
from dubbing.db.unit_of_work import UnitOfWork
from dubbing.domain.findings import FrameRange
from dubbing.domain.receipt import VideoFacts
from dubbing.domain.reviews import CommentSeverity, CommentState, ReviewDecision, ReviewStatus
from dubbing.domain.timecode import to_timecode
from dubbing.domain.work import StitchResult
from services.api.bootstrap import Services
from services.api.review_schemas import CommentOut, CommentRegion, DecisionOut, ReviewOut
from services.api.views import preview_link


def reviews(built: Services, work: UnitOfWork, found: Sequence[Review]) -> list[ReviewOut]:
    """Reviews with their decisions; as many queries for many as for one."""
    entries = work.reviews.entries([review.id for review in found])
    names = work.titles.names({review.title_id for review in found})
    jobs = work.jobs.by_ids(review.job_id for review in found)
    return [_review(built, review, entries[review.id], names[review.title_id], jobs[review.job_id]) for review in found]


def _review(built: Services, review: Review, entries: list[ReviewEntry], title_name: str, job: Job) -> ReviewOut:
    decisions = [decision(entry) for entry in entries]
    preview = preview_link(built, master(job))
    return ReviewOut(
        id=review.id,
        title=review.title_id,
        title_name=title_name,
        language=review.language,
        revision=review.revision,
        job=review.job_id,
        status=ReviewStatus(review.status),
        requested_by=review.requested_by,
        decision=next((one for one in decisions if one.shot is None), None),
        shots=[one for one in decisions if one.shot is not None],
        preview=preview,
        preview_expires_at=clock.now() + timedelta(seconds=built.api.url_ttl) if preview else None,
        version=review.version,
        created_at=review.created_at,
        updated_at=review.updated_at,
    )


def decision(entry: ReviewEntry) -> DecisionOut:
    """One decision."""
    return DecisionOut(
        decision=ReviewDecision(entry.decision),
        shot=entry.shot,
        note=entry.note,
        by=entry.principal,
        name=entry.name,
        at=entry.created_at,
    )


def master(job: Job) -> StitchResult:
    """What a job with a review has made."""
    return StitchResult.model_validate(job.output)


def picture(job: Job) -> VideoFacts:
    """The picture of a master, which has the frames and the size of its source."""
    return master(job).receipt.output_video


def comment(said: ReviewComment, revision: int, shown: VideoFacts) -> CommentOut:
    """A comment of a review of that revision, on a picture like ``shown``."""
    frames = [FrameRange.model_validate(one) for one in said.frames]
    return CommentOut(
        id=said.id,
        review=said.review_id,
        revision=revision,
        code=said.code,
        text=said.text,
        severity=CommentSeverity(said.severity),
        frames=frames,
        timecode=to_timecode(frames[0].start, shown.fps) if frames else None,
        region=None if said.region is None else CommentRegion.model_validate(said.region),
        by=said.principal,
        name=said.name,
        state=CommentState(said.state),
        answer=said.answer,
        settled_by=said.settled_by,
        settled_name=said.settled_name,
        settled_at=said.settled_at,
        carried=said.carried_from is not None,
        created_at=said.created_at,
    )
