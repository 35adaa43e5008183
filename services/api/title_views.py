"""Titles and languages as the API shows them."""

from collections.abc import Sequence

from dubbing.db.models import Job, WorkItem
from dubbing.db.title_models import Language, Title
from dubbing.db.titles import Renders
from dubbing.db.unit_of_work import UnitOfWork
from dubbing.domain.analysis import Analysis
from dubbing.domain.faces import Shot
from dubbing.domain.findings import Finding
from dubbing.domain.jobs import SUCCEEDED, JobState, Sync
from dubbing.domain.timecode import to_timecode
from dubbing.domain.titles import LanguageStatus, Render, language_status
from dubbing.domain.work import PrepareTask, WorkKind, WorkState
from dubbing.errors import NoSuchShot
from services.api.bootstrap import Services
from services.api.schemas import Counter, JobShots, ShotProgress
from services.api.title_schemas import (
    AnalysisState,
    Delivered,
    FaceOut,
    LanguageOut,
    LanguageState,
    RenderOut,
    ShotOut,
    TitleAnalysis,
    TitleOut,
)
from services.api.views import job_error, job_links


def titles(work: UnitOfWork, found: Sequence[Title]) -> list[TitleOut]:
    """Titles with where their languages stand; as many queries for many as for one."""
    title_ids = [title.id for title in found]
    analyses, renders = work.titles.analyses(title_ids), work.titles.renders(title_ids)
    languages: dict[str, list[LanguageState]] = {title_id: [] for title_id in title_ids}
    for language in work.titles.languages(title_ids):
        status = _status(language, renders.get((language.title_id, language.language), Renders()))
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
    masters = [made.delivered.job_id for made in renders.values() if made.delivered is not None]
    jobs = work.jobs.by_ids(masters)
    return [
        _language(built, language, renders.get((language.title_id, language.language), Renders()), jobs) for language in found
    ]


def _language(built: Services, language: Language, made: Renders, jobs: dict[str, Job]) -> LanguageOut:
    return LanguageOut(
        title=language.title_id,
        language=language.language,
        status=_status(language, made),
        audio=language.audio_asset,
        revision=language.revision,
        latest=_render(made.latest),
        delivered=_delivered(built, made.delivered, jobs),
        model=language.model,
        sync=Sync.model_validate(language.sync),
        seed=language.seed,
        seeds=language.seeds,
        filename=language.filename,
        metadata=language.labels,
        version=language.version,
        created_at=language.created_at,
        updated_at=language.updated_at,
    )


def _status(language: Language, made: Renders) -> LanguageStatus:
    return language_status(language.revision, made.latest, made.delivered)


def _render(made: Render | None) -> RenderOut | None:
    return None if made is None else RenderOut(job=made.job_id, revision=made.revision, status=made.state)


def _delivered(built: Services, made: Render | None, jobs: dict[str, Job]) -> Delivered | None:
    links = None if made is None else job_links(built, jobs[made.job_id])
    if made is None or links is None:
        return None
    return Delivered(job=made.job_id, revision=made.revision, status=made.state, links=links)


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
    return JobShots(items=[_shot_progress(known, shot, chunks.get(shot.index, [])) for shot in known.shots])


def _shot_progress(known: Analysis, shot: Shot, items: list[WorkItem]) -> ShotProgress:
    total = sum(chunk.end - chunk.keep_from for chunk in known.chunks if chunk.shot == shot.index)
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
