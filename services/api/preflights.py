"""What would become of a dub: every problem that is known now, lengths, what is kept, and what it costs."""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple, TypeVar

from dubbing.db.models import Asset
from dubbing.db.title_models import Language
from dubbing.db.unit_of_work import UnitOfWork
from dubbing.domain.jobs import Chosen, Sync
from dubbing.domain.media import MediaInfo
from dubbing.errors import DublineError, StoreUnavailable
from dubbing.workflow.estimates import Estimate, Estimates, PlannedDub, size_of_dub
from dubbing.workflow.preflight import Found, Planned, Preflight, effects, frames_of
from services.api import problems, renders, submission
from services.api.bootstrap import Services
from services.api.deadlines import DeadlinePolicy, check_future, check_met
from services.api.preflight_schemas import (
    PictureLength,
    PlannedChunks,
    PlannedCost,
    PreflightOut,
    SoundLength,
    SyncEffect,
)
from services.api.requests import Caller
from services.api.schemas import AssetRef, BucketRef, LipsyncCreate
from services.api.title_schemas import RenderCreate

_NEARLY_ALL = 0.9
_T = TypeVar("_T")


class _Order(NamedTuple):
    """What was asked for: the dub as it is planned, its model, and the call's body."""

    planned: Planned
    preset: str
    body: LipsyncCreate | RenderCreate


class _Report:
    """Collects what is wrong, where a call that makes something stops at the first."""

    def __init__(self, instance: str, built: Services) -> None:
        self._instance, self._base = instance, built.api.docs_url
        self.problems: list[dict[str, Any]] = []
        self.unread: list[Any] = []

    def try_(self, do: Callable[[], _T]) -> _T | None:
        """What ``do`` returns; None where it refuses."""
        try:
            return do()
        except StoreUnavailable:  # says nothing of the dub
            raise
        except DublineError as error:
            self.problems.append(error.problem())
            return None

    def answer(self, work: UnitOfWork, found: Found, order: _Order) -> PreflightOut:
        """All of it, as the API shows it."""
        estimate = None if self.problems or found.problems else _estimate(work, found, order)
        self._check_deadline(work, order.body, estimate)
        wrong = [*self.problems, *found.problems]
        failures = [problems.stored(self._base, one, self._instance) for one in wrong]
        delta_frames, delta_ms = _delta(found)
        return PreflightOut(
            status=_status(wrong=bool(wrong), waits=bool(found.waiting_for), unread=bool(self.unread)),
            waiting_for=[*found.waiting_for],
            unread=self.unread,
            problems=[failure for failure in failures if failure is not None],
            warnings=list(found.findings),
            video=_picture(found.video),
            audio=_sound(found.audio, found.video),
            delta_frames=delta_frames,
            delta_ms=delta_ms,
            sync=_effects(found, order.planned.sync),
            shots=None if found.prepared is None else found.prepared.shots,
            planned=_planned(found),
            estimate=_cost(estimate),
        )

    def _check_deadline(self, work: UnitOfWork, body: LipsyncCreate | RenderCreate, estimate: Estimate | None) -> None:
        due = body.deadline
        if due is None or body.deadline_policy is DeadlinePolicy.TRY:
            return

        def check() -> None:
            check_future(due, work.now())
            check_met(due, estimate)

        self.try_(check)


def lipsync(work: UnitOfWork, built: Services, caller: Caller, body: LipsyncCreate) -> PreflightOut:
    """Of one dub."""
    report = _Report("/v1/lipsyncs", built)

    def file_of(wanted: submission.FileRef) -> Asset | None:
        role, _ = submission.as_what(wanted)
        if isinstance(wanted, AssetRef):
            return work.assets.get(wanted.id, caller.organisation, f"/{role}/id")
        if isinstance(wanted, BucketRef):
            submission.check_bucket(work, caller, wanted, f"/{role}")
        else:
            submission.checked_url(wanted.url, f"/{role}")
        report.unread.append(role)
        return None

    sync = Sync(**body.sync.model_dump())
    planned = Planned(
        organisation_id=caller.organisation,
        video=report.try_(lambda: file_of(body.video)),
        audio=report.try_(lambda: file_of(body.audio)),
        chosen=Chosen(picture=body.video.track, sound=submission.sound_of(body.audio)),
        sync=sync,
        models=report.try_(lambda: submission.pinned(work, built, body.model)),
        seed=submission.seed_of(body.seed),
        sharing=submission.sharing_of(built),
    )
    return report.answer(work, Preflight(work, built.queue.max_attempts).of(planned), _Order(planned, body.model, body))


def render(work: UnitOfWork, built: Services, language: Language, body: RenderCreate) -> PreflightOut:
    """Of a language's render.

    Raises:
        StoreUnavailable: shots are named, and the object store does not answer.
    """
    report = _Report(f"/v1/titles/{language.title_id}/languages/{language.language}", built)
    report.try_(lambda: renders.check(work, language, body))
    seeds = report.try_(lambda: renders.seeds(built, work, language, body))
    order = renders.dub(work, language, body)
    planned = Planned(
        organisation_id=language.organisation_id,
        video=order.video,
        audio=order.audio,
        chosen=order.chosen,
        sync=order.sync,
        models=report.try_(lambda: submission.pinned(work, built, order.model)),
        seed=order.seed,
        sharing=submission.sharing_of(built),
        seeds={int(shot): seed for shot, seed in (seeds or language.seeds).items()},
        kept_shots=language.kept_shots,
        earlier=None if order.render is None else order.render.earlier,
        refused=bool(report.problems),
    )
    return report.answer(work, Preflight(work, built.queue.max_attempts).of(planned), _Order(planned, order.model, body))


def _status(*, wrong: bool, waits: bool, unread: bool) -> Literal["ready", "partial", "pending", "refused"]:
    if wrong:
        return "refused"
    if waits:
        return "pending"
    return "partial" if unread else "ready"


def _picture(media: MediaInfo | None) -> PictureLength | None:
    if media is None or media.video is None:
        return None
    fps = media.video.fps
    return PictureLength(
        frames=media.video.frames,
        fps=f"{fps.numerator}/{fps.denominator}",
        duration_ms=round(media.video.duration * 1000),
    )


def _sound(media: MediaInfo | None, picture: MediaInfo | None) -> SoundLength | None:
    if media is None or media.audio is None:
        return None
    fps = picture.video.fps if picture is not None and picture.video is not None else None
    return SoundLength(
        samples=media.audio.samples,
        sample_rate=media.audio.sample_rate,
        channels=media.audio.channels,
        duration_ms=round(media.audio.duration * 1000),
        frames=None if fps is None else round(float(media.audio.duration * fps), 3),
    )


def _delta(found: Found) -> tuple[int | None, int | None]:
    """By how much the sound ends after the picture, in frames and milliseconds: of the plan, or of its refusal."""
    if found.plan is not None:
        return found.plan.delta_frames, round(found.plan.delta * 1000)
    measured = [one["media"] for one in found.problems if "delta_frames" in one["media"]]
    return (measured[0]["delta_frames"], measured[0]["delta_ms"]) if measured else (None, None)


def _effects(found: Found, sync: Sync) -> dict[Any, SyncEffect] | None:
    if found.video is None or found.audio is None:
        return None
    every = effects(found.video, found.audio, sync.tolerance_frames)
    return {mode: SyncEffect.model_validate(effect._asdict()) for mode, effect in every.items()}


def _planned(found: Found) -> PlannedChunks | None:
    if found.chunks is None or found.generated is None:
        return None
    chunks, generated = len(found.chunks), len(found.generated)
    return PlannedChunks(
        chunks=chunks,
        generated=generated,
        frames=frames_of(found),
        nearly_all=found.compares and generated >= _NEARLY_ALL * chunks,
    )


def _estimate(work: UnitOfWork, found: Found, order: _Order) -> Estimate | None:
    """None while the picture's length is unknown, or what of an earlier master is kept, or nobody serves a queue."""
    if found.video is None or found.video.video is None or found.waiting_for:
        return None
    planned, body = order.planned, order.body
    files = [asset.size or 0 for asset in (planned.video, planned.audio) if asset is not None]
    size = size_of_dub(found.video, order.preset, sum(files), compares=found.compares)
    if found.generated is not None:
        size = size._replace(generated=frames_of(found))
    dub = PlannedDub(planned.organisation_id, size, found.known, body.priority, body.deadline)
    return Estimates(work).planned(dub)


def _cost(estimate: Estimate | None) -> PlannedCost | None:
    if estimate is None:
        return None
    seconds, cost = round(estimate.seconds, 1), round(estimate.gpu_seconds, 1)
    return PlannedCost(seconds=seconds, gpu_seconds=cost, finish_at=estimate.finish_at)
