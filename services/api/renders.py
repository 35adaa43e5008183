"""What a call to render a language asks for."""

from dubbing.db.title_models import Language
from dubbing.db.titles import Renders
from dubbing.db.unit_of_work import UnitOfWork
from dubbing.domain.analysis import Analysis
from dubbing.domain.jobs import Chosen, Sync
from dubbing.domain.media import SoundChoice
from dubbing.domain.titles import LanguageStatus, file_stem, language_status
from dubbing.errors import Conflict, NoSuchShot
from services.api import picture_times, submission, title_views
from services.api.bootstrap import Services
from services.api.title_schemas import RenderCreate

_UNDER_WAY = (LanguageStatus.QUEUED, LanguageStatus.PROCESSING)


def check(work: UnitOfWork, language: Language, body: RenderCreate) -> None:
    """Refuse what asks for nothing, or for what is there.

    Raises:
        Conflict: nothing is stale.
    """
    made = _renders(work, language)
    status = language_status(language.revision, made.latest, made.delivered)
    current = made.latest is not None and made.latest.revision == language.revision
    if body.scope == "stale" and (status is LanguageStatus.COMPLETED or (status in _UNDER_WAY and current)):
        raise Conflict(
            f"Revision {language.revision} of {language.language} is {status}: nothing is stale.",
            where={"pointer": "/scope"},
            suggestions=("send a new sound to .../audio first", 'render it again with {"scope": "all"}'),
        )


def seeds(built: Services, work: UnitOfWork, language: Language, body: RenderCreate) -> dict[str, int]:
    """Those of the language's shots, with new ones for the shots that are asked for.

    Raises:
        NoSuchShot: the picture has no such shot, or no such time, or it is not analysed yet.
    """
    if body.scope not in ("shots", "ranges"):
        return dict(language.seeds)
    found = title_views.found(built, work, work.titles.analyses([language.title_id])[language.title_id])
    chosen = _shots(found, body)
    if not chosen:
        raise NoSuchShot("No shot is named.", where={"pointer": f"/{body.scope}"})
    drawn = submission.seed_of(body.seed)
    return {**language.seeds, **{str(shot): drawn for shot in chosen}}


def dub(work: UnitOfWork, language: Language, body: RenderCreate) -> submission.Dub:
    """The job that is asked for. It keeps the chunks of the last master whose sound is the same."""
    title = work.titles.get(language.title_id, language.organisation_id)
    assets = work.assets.by_ids([title.video_asset, language.audio_asset])
    delivered = _renders(work, language).delivered
    stem = file_stem(language.filename, title=title.name, language=language.language, revision=language.revision)
    return submission.Dub(
        video=assets[title.video_asset],
        audio=assets[language.audio_asset],
        chosen=Chosen(picture=title.picture, sound=SoundChoice.model_validate(language.sound)),
        model=body.model or language.model,
        sync=Sync.model_validate(language.sync),
        seed=language.seed,
        priority=body.priority,
        deadline=body.deadline,
        deadline_policy=body.deadline_policy,
        labels={**title.labels, **language.labels},
        options={"on_no_face": "passthrough"},
        destination=submission.destination_of(body.output or title_views.output(language)),
        render=submission.TitleRender(
            title_id=title.id,
            language=language.language,
            revision=language.revision,
            name=stem,
            seeds=language.seeds,
            kept_shots=language.kept_shots,
            earlier=None if delivered is None else delivered.job_id,
        ),
    )


def _renders(work: UnitOfWork, language: Language) -> Renders:
    return work.titles.renders([language.title_id]).get((language.title_id, language.language), Renders())


def _shots(found: Analysis, body: RenderCreate) -> set[int]:
    """The numbers of the shots that are named; ranges name those that they touch."""
    if body.scope == "shots":
        beyond = [shot for shot in body.shots if shot >= len(found.shots)]
        if beyond:
            raise NoSuchShot(
                f"The picture has {len(found.shots)} shots, numbered from 0; there is no shot {beyond[0]}.",
                where={"pointer": f"/shots/{body.shots.index(beyond[0])}"},
            )
        return set(body.shots)
    video = found.video
    named = [picture_times.frames(given, video.fps, video.frames, f"/ranges/{at}") for at, given in enumerate(body.ranges)]
    return {shot.index for shot in found.shots if any(one.start < shot.end and shot.start < one.end for one in named)}
