"""What can be decided in a review, and when."""

from dubbing.db.review_models import Review
from dubbing.db.title_models import Language
from dubbing.db.titles import Renders
from dubbing.db.unit_of_work import UnitOfWork
from dubbing.domain.receipt import VideoFacts
from dubbing.domain.reviews import Author, ReviewDecision
from dubbing.domain.work import PrepareResult, WorkKind
from dubbing.errors import Conflict, NoSuchShot
from services.api import review_views
from services.api.review_schemas import DecisionCreate


def last_master(work: UnitOfWork, language: Language) -> str | None:
    """The job that made the language's last master."""
    found = work.titles.renders([language.title_id]).get((language.title_id, language.language), Renders())
    return None if found.delivered is None else found.delivered.job_id


def locked(work: UnitOfWork, review_id: str, organisation_id: str, *, shots: bool = False) -> Review:
    """The organisation's review, for changes; with ``shots`` its language, which keeps what is decided on them, too.

    Rows are locked as everywhere: a language before its jobs, these before their reviews.
    """
    review = work.reviews.get(review_id, organisation_id)
    if shots:
        work.titles.language(review.title_id, review.language, organisation_id, lock=True)
    return work.reviews.lock(review)


def picture(work: UnitOfWork, review: Review) -> VideoFacts:
    """The picture that a review is of."""
    return review_views.picture(work.jobs.by_ids([review.job_id])[review.job_id])


def decide(work: UnitOfWork, review: Review, body: DecisionCreate, by: Author) -> None:
    """Write a decision into a locked review.

    Raises:
        Conflict: another master was delivered since, or what was said speaks against an approval.
        NoSuchShot: the picture has no such shot, or none is named whose original picture is to be kept.
    """
    language = work.titles.language(review.title_id, review.language, review.organisation_id)
    if (last := last_master(work, language)) != review.job_id:
        raise Conflict(
            f"Another master was delivered since: that of job {last}.",
            where={"job": last},
            suggestions=("decide in that one's review",),
        )
    if body.shot is not None:
        _check_shot(work, review, body.shot)
        _keep(work, language, body.shot, keep=body.decision is ReviewDecision.KEEP_ORIGINAL)
    elif body.decision is ReviewDecision.KEEP_ORIGINAL:
        raise NoSuchShot("The original picture is kept of a shot: name it.", where={"pointer": "/shot"})
    elif body.decision is ReviewDecision.APPROVE:
        _check_approvable(work, review)
    work.reviews.decide(review, body.decision, body.shot, body.note, by)


def _check_shot(work: UnitOfWork, review: Review, shot: int) -> None:
    (item,) = work.items.results(review.job_id, [WorkKind.PREPARE])
    count = PrepareResult.model_validate(item.result).shots
    if shot >= count:
        raise NoSuchShot(
            f"The picture has {count} shots, numbered from 0; there is no shot {shot}.", where={"pointer": "/shot"}
        )


def _keep(work: UnitOfWork, language: Language, shot: int, *, keep: bool) -> None:
    """Have the next render keep a shot's original picture, or not any more; the caller holds the language."""
    shots = sorted({*language.kept_shots, shot} if keep else set(language.kept_shots) - {shot})
    if shots != language.kept_shots:
        work.titles.change(language, kept_shots=shots)


def _check_approvable(work: UnitOfWork, review: Review) -> None:
    """Refuse to approve what has open blockers, or shots that are to change.

    Raises:
        Conflict: names them.
    """
    if blockers := work.reviews.blockers(review):
        raise Conflict(f"Blockers are open: {len(blockers)}.", where={"comments": blockers}, suggestions=("settle them first",))
    kept = set(work.jobs.by_ids([review.job_id])[review.job_id].options.get("kept_shots", ()))
    wanted = {entry.shot: ReviewDecision(entry.decision) for entry in work.reviews.entries([review.id])[review.id]}
    changing = [shot for shot, decision in wanted.items() if shot is not None and _changes(decision, shot in kept)]
    if changing:
        raise Conflict(
            f"Shots are to change: {', '.join(map(str, changing))}.",
            where={"shots": changing},
            suggestions=("render them again, or decide otherwise on them first",),
        )


def _changes(decision: ReviewDecision, kept: bool) -> bool:
    """Whether a shot of the master is to be another one; ``kept``: it has the original picture."""
    return decision is ReviewDecision.REQUEST_CHANGES or (decision is ReviewDecision.KEEP_ORIGINAL and not kept)
