"""Titles and languages as the API shows them."""

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import NamedTuple

from dubbing import clock, ids
from dubbing.db.models import Job, WorkItem
from dubbing.db.review_models import Review
from dubbing.db.title_models import Language, Title
from dubbing.db.titles import Renders
from dubbing.db.unit_of_work import UnitOfWork
from dubbing.domain.analysis import Analysis
from dubbing.domain.faces import Shot
from dubbing.domain.findings import Finding
from dubbing.domain.jobs import SUCCEEDED, JobState, Sync
from dubbing.domain.reviews import ReviewRule, ReviewStatus
from dubbing.domain.timecode import to_timecode
from dubbing.domain.titles import LanguageStatus, Render, language_status
from dubbing.domain.work import PrepareTask, WorkKind, WorkState
from dubbing.errors import NoSuchShot
from services.api.bootstrap import Services
from services.api.schemas import Counter, JobShots, ShotProgress
from services.api.title_schemas import (
    AnalysisState,
    CastFace,
    CastOut,
    Delivered,
    DestinationOut,
    FaceOut,
    LanguageOut,
    LanguageState,
    OutputOut,
    RenderOut,
    ReviewState,
    ShotOut,
    TitleAnalysis,
    TitleOut,
)
from services.api.views import job_error, job_links


def titles(work: UnitOfWork, found: Sequence[Title]) -> list[TitleOut]:
    """Titles with where their languages stand; as many queries for many as for one."""
    title_ids = [title.id for title in found]
    analyses, renders = work.titles.analyses(title_ids), work.titles.renders(title_ids)
    reviews = work.reviews.of_jobs(_masters(renders))
    languages: dict[str, list[LanguageState]] = {title_id: [] for title_id in title_ids}
    for language in work.titles.languages(title_ids):
        status = _status(language, renders.get((language.title_id, language.language), Renders()), reviews)
        state = LanguageState(language=language.language, status=status, revision=language.revision)
        languages[language.title_id].append(state)
    return [_title(title, analyses[title.id], languages[title.id]) for title in found]


def _title(title: Title, analysis: Job, languages: list[LanguageState]) -> TitleOut:
    return TitleOut(
        id=title.id,
        name=title.name,
        external_id=title.external_id,
        video=title.video_asset,
        analysis=AnalysisState(job=analysis.id, status=JobState(analysis.state)),
        languages=languages,
        metadata=title.labels,
        version=title.version,
        created_at=title.created_at,
        updated_at=title.updated_at,
    )


def languages(built: Services, work: UnitOfWork, found: Sequence[Language]) -> list[LanguageOut]:
    """Languages with their last job and their last master."""
    renders = work.titles.renders({language.title_id for language in found})
    masters = _masters(renders)
    known = _Masters(work.jobs.by_ids(masters), work.reviews.of_jobs(masters), work.reviews.withheld(masters))
    return [
        _language(built, language, renders.get((language.title_id, language.language), Renders()), known) for language in found
    ]


class _Masters(NamedTuple):
    """Jobs that made masters, their reviews, and which of the masters wait for approval; all by job."""

    jobs: dict[str, Job]
    reviews: dict[str, Review]
    withheld: set[str]


def _masters(renders: Mapping[tuple[str, str], Renders]) -> list[str]:
    return [made.delivered.job_id for made in renders.values() if made.delivered is not None]


def _language(built: Services, language: Language, made: Renders, known: _Masters) -> LanguageOut:
    return LanguageOut(
        title=language.title_id,
        language=language.language,
        status=_status(language, made, known.reviews),
        audio=language.audio_asset,
        revision=language.revision,
        latest=_render(made.latest),
        delivered=_delivered(built, made.delivered, known),
        model=language.model,
        sync=Sync.model_validate(language.sync),
        seed=language.seed,
        seeds=language.seeds,
        kept_shots=language.kept_shots,
        filename=language.filename,
        review=ReviewRule(language.review),
        output=output(language),
        metadata=language.labels,
        version=language.version,
        created_at=language.created_at,
        updated_at=language.updated_at,
    )


def output(language: Language) -> OutputOut | None:
    """Where masters of a language are delivered to; None for our own store alone."""
    if language.connection_id is None:
        return None
    return OutputOut(destination=DestinationOut(connection=language.connection_id, prefix=language.destination))


def _status(language: Language, made: Renders, reviews: Mapping[str, Review]) -> LanguageStatus:
    review = reviews.get(made.delivered.job_id) if made.delivered is not None else None
    status = None if review is None else ReviewStatus(review.status)
    return language_status(language.revision, made.latest, made.delivered, status)


def _render(made: Render | None) -> RenderOut | None:
    return None if made is None else RenderOut(job=made.job_id, revision=made.revision, status=made.state)


def _delivered(built: Services, made: Render | None, known: _Masters) -> Delivered | None:
    if made is None:
        return None
    links = job_links(built, known.jobs[made.job_id], withheld=made.job_id in known.withheld)
    if links is None:
        return None
    review = known.reviews.get(made.job_id)
    short = None if review is None else ReviewState(id=review.id, status=ReviewStatus(review.status))
    return Delivered(job=made.job_id, revision=made.revision, status=made.state, review=short, links=links)


def analysis(built: Services, work: UnitOfWork, job: Job) -> TitleAnalysis:
    """What an analysis found, read from where the analysis itself lies.

    Raises:
        StoreUnavailable: the object store does not answer.
    """
    state = JobState(job.state)
    if state not in SUCCEEDED:
        return TitleAnalysis(job=job.id, status=state, error=job_error(built, job))
    known = found(built, work, job)
    frames = known.video.frames
    return TitleAnalysis(
        job=job.id,
        status=state,
        fps=f"{known.video.fps.numerator}/{known.video.fps.denominator}",
        frames=frames,
        shots=_shots(known),
        dubbed=list(known.touched(known.chunks, frames)),
        findings=[Finding.model_validate(warning) for warning in job.warnings],
    )


def found(built: Services, work: UnitOfWork, job: Job) -> Analysis:
    """What an analysis found.

    Raises:
        NoSuchShot: it has not succeeded, so that there are no shots.
        StoreUnavailable: the object store does not answer.
    """
    if job.state not in SUCCEEDED:
        raise NoSuchShot(f"The analysis of the title is {job.state}: it has no shots.", where={"stage": "analyzing"})
    (item,) = work.items.results(job.id, [WorkKind.PREPARE])
    return _stored(built, item)


def cast(built: Services, work: UnitOfWork, job: Job) -> CastOut:
    """The faces that an analysis found, with fresh URLs of their pictures.

    Raises:
        StoreUnavailable: the object store does not answer.
    """
    ttl, status = built.api.url_ttl, JobState(job.state)
    expire_at = clock.now() + timedelta(seconds=ttl)
    if status not in SUCCEEDED:
        return CastOut(job=job.id, status=status, faces=None, pictures_expire_at=expire_at)
    (item,) = work.items.results(job.id, [WorkKind.PREPARE])
    known, at = _stored(built, item), PrepareTask.model_validate(item.payload).analysis_key
    stored = set(built.store.list_keys(ids.face_pictures_prefix(at)))
    faces = []
    for track in (path.track for path in known.paths):
        key = ids.face_picture_key(at, track.index)
        face = CastFace(
            track=track.index,
            shot=track.shot,
            start=track.start,
            end=track.end,
            timecode=to_timecode(track.start, known.video.fps),
            frames=len(track) - len(track.missing),
            size=track.size,
            picture=built.store.url(key, ttl, filename=f"face-{track.index}.jpg", inline=True) if key in stored else None,
        )
        faces.append(face)
    return CastOut(job=job.id, status=status, faces=faces, pictures_expire_at=expire_at)


def job_shots(built: Services, work: UnitOfWork, job: Job) -> JobShots:
    """How far each shot of a job is; none before the picture is analysed.

    Raises:
        StoreUnavailable: the object store does not answer.
    """
    prepared = [item for item in work.items.results(job.id, [WorkKind.PREPARE]) if item.state == WorkState.DONE]
    if not prepared:
        return JobShots(items=[])
    known = _stored(built, prepared[0])
    chunks: dict[int, list[WorkItem]] = {}
    for item in work.items.results(job.id, [WorkKind.INFER]):
        chunks.setdefault(item.payload["chunk"]["shot"], []).append(item)
    kept = set(job.options.get("kept_shots", ()))
    return JobShots(items=[_shot_progress(known, shot, chunks.get(shot.index, []), kept) for shot in known.shots])


def _shot_progress(known: Analysis, shot: Shot, items: list[WorkItem], kept: Collection[int]) -> ShotProgress:
    chunks = [chunk for chunk in known.chunks if chunk.shot == shot.index and shot.index not in kept]
    total = sum(chunk.end - chunk.keep_from for chunk in chunks)
    done = sum(item.units_done for item in items)
    begun = done > 0 or any(item.state == WorkState.LEASED for item in items)
    return ShotProgress(
        index=shot.index,
        start=shot.start,
        end=shot.end,
        timecode=to_timecode(shot.start, known.video.fps),
        status="skipped" if not total else "done" if done == total else "running" if begun else "waiting",
        frames=Counter(done=done, total=total),
    )


def _stored(built: Services, item: WorkItem) -> Analysis:
    return Analysis.model_validate_json(built.store.get_bytes(PrepareTask.model_validate(item.payload).analysis_key))


def _shots(known: Analysis) -> list[ShotOut]:
    tracks = [path.track for path in known.paths]
    return [
        ShotOut(
            index=shot.index,
            start=shot.start,
            end=shot.end,
            timecode=to_timecode(shot.start, known.video.fps),
            faces=[
                FaceOut(track=track.index, start=track.start, end=track.end, missing=list(track.missing), size=track.size)
                for track in tracks
                if track.shot == shot.index
            ],
        )
        for shot in known.shots
    ]
