"""Languages of a title: a sound each, its revisions, and the jobs that render them."""

from typing import Annotated

from fastapi import APIRouter, Path, Response
from fastapi.responses import JSONResponse

from dubbing.db.title_models import Language
from dubbing.db.unit_of_work import UnitOfWork
from dubbing.domain.languages import canonical
from dubbing.domain.reviews import Author, ReviewRule
from dubbing.domain.webhooks import WebhookEvent
from dubbing.errors import (
    Conflict,
    DeadlineUnmeetable,
    Forbidden,
    ModelUnavailable,
    NoSuchShot,
    PreconditionFailed,
    StoreUnavailable,
    UnknownLanguage,
    UrlNotAllowed,
)
from dubbing.workflow.advance import Advancer
from services.api import decisions, renders, submission, title_views, versions
from services.api.bootstrap import Services
from services.api.problems import refuses
from services.api.requests import JOB, Built, Caller, OnceOnly, Reading, TitlesRead, TitlesWrite
from services.api.routes.titles import TitleId
from services.api.schemas import JobOut, Output
from services.api.title_schemas import (
    LanguageAudio,
    LanguageChange,
    LanguageCreate,
    LanguageList,
    LanguageOut,
    LanguageOutput,
    RenderCreate,
)
from services.api.values import LanguageTag
from services.api.versions import IfMatch
from services.api.views import job_views

router = APIRouter(prefix="/v1/titles/{title_id}", tags=["titles"])
LANGUAGE = "/v1/titles/{title}/languages/{language}"
Tag = Annotated[LanguageTag, Path()]


@router.post(
    "/languages",
    status_code=201,
    response_model=LanguageOut,
    openapi_extra=refuses(Conflict, UnknownLanguage, UrlNotAllowed),
)
def add_language(*, title_id: TitleId, body: LanguageCreate, caller: TitlesWrite, built: Built, once: OnceOnly) -> JSONResponse:
    """Add a language to a title. Nothing is rendered until it is asked for."""

    def add(work: UnitOfWork) -> LanguageOut:
        work.titles.get(title_id, caller.organisation)
        tag = canonical(body.language)
        audio = submission.asset_of(work, caller, body.audio, "audio")
        connection, destination = _kept(work, caller, body.output)
        language = Language(
            title_id=title_id,
            language=tag,
            organisation_id=caller.organisation,
            audio_asset=audio.id,
            sound=submission.sound_of(body.audio).model_dump(mode="json"),
            model=body.model,
            sync=body.sync.model_dump(mode="json"),
            seed=submission.seed_of(body.seed),
            filename=body.filename,
            review=body.review,
            connection_id=connection,
            destination=destination,
            labels=body.metadata,
        )
        work.titles.add_language(language)
        return _one(built, work, language)

    return once.run(caller, 201, body, add, at=LANGUAGE)


@router.get("/languages")
def list_languages(title_id: TitleId, caller: TitlesRead, built: Built, work: Reading) -> LanguageList:
    """All languages of a title, by tag."""
    work.titles.get(title_id, caller.organisation)
    return LanguageList(items=title_views.languages(built, work, work.titles.languages([title_id])))


@router.get("/languages/{language}", openapi_extra=refuses(UnknownLanguage))
def read_language(
    *, title_id: TitleId, language: Tag, caller: TitlesRead, built: Built, work: Reading, response: Response
) -> LanguageOut:
    """One language: where it stands, and its last master."""
    found = _one(built, work, work.titles.language(title_id, canonical(language), caller.organisation))
    versions.show(response, found.version)
    return found


@router.patch("/languages/{language}", openapi_extra=refuses(Forbidden, PreconditionFailed, UnknownLanguage))
def change_language(
    *,
    title_id: TitleId,
    language: Tag,
    body: LanguageChange,
    caller: TitlesWrite,
    built: Built,
    work: Reading,
    response: Response,
    if_match: IfMatch = versions.ANY,
) -> LanguageOut:
    """Change the name of its masters, whether they wait for approval, or metadata; what is left out stays.

    Where a review is asked for now, it begins for the last master at once. To ask for none any more takes `reviews:write`.
    """
    found = work.titles.language(title_id, canonical(language), caller.organisation, lock=True)
    versions.check(if_match, found.version)
    columns = {"filename": "filename", "review": "review", "metadata": "labels"}
    given = {columns[name]: value for name, value in body.model_dump(exclude_none=True).items()}
    if found.review == ReviewRule.REQUIRED and body.review is ReviewRule.NONE and "reviews:write" not in caller.scopes:
        raise Forbidden(
            "The API key lacks the scope reviews:write, and masters wait for approval.", where={"pointer": "/review"}
        )
    work.titles.change(found, **given)
    last = decisions.last_master(work, found)
    if found.review == ReviewRule.REQUIRED and last is not None and not work.reviews.of_jobs([last]):
        work.reviews.request(work.jobs.lock(last), Author(caller.principal))
    if last is not None:  # which may wait for approval no more
        Advancer(work, built.queue.max_attempts).deliver(work.jobs.lock(last))
    versions.show(response, found.version)
    return _one(built, work, found)


@router.put("/languages/{language}/audio", openapi_extra=refuses(PreconditionFailed, UnknownLanguage, UrlNotAllowed))
def replace_audio(
    *,
    title_id: TitleId,
    language: Tag,
    body: LanguageAudio,
    caller: TitlesWrite,
    built: Built,
    work: Reading,
    response: Response,
    if_match: IfMatch = versions.ANY,
) -> LanguageOut:
    """Give a language a new sound: its next revision. The master of the last one stays, and is `stale` until it is rendered.

    The same sound again, chosen alike, is no revision. With `If-Match`, only if nobody else was faster.
    """
    found = work.titles.language(title_id, canonical(language), caller.organisation, lock=True)
    versions.check(if_match, found.version)
    audio = submission.asset_of(work, caller, body.audio, "audio")
    sound = submission.sound_of(body.audio).model_dump(mode="json")
    if (audio.id, sound) != (found.audio_asset, found.sound):
        work.titles.change(found, audio_asset=audio.id, sound=sound, revision=found.revision + 1)
        if (last := decisions.last_master(work, found)) is not None:
            work.jobs.lock(last)
            work.jobs.event(last, WebhookEvent.LANGUAGE_STALE.value, {"revision": found.revision})
    versions.show(response, found.version)
    return _one(built, work, found)


@router.put("/languages/{language}/output", openapi_extra=refuses(PreconditionFailed, UnknownLanguage))
def replace_output(
    *,
    title_id: TitleId,
    language: Tag,
    body: LanguageOutput,
    caller: TitlesWrite,
    built: Built,
    work: Reading,
    response: Response,
    if_match: IfMatch = versions.ANY,
) -> LanguageOut:
    """Have masters of a language delivered to a bucket from now on, or to none. With `If-Match`, only if nobody was faster.

    Jobs that were asked for before deliver where they were asked to.
    """
    found = work.titles.language(title_id, canonical(language), caller.organisation, lock=True)
    versions.check(if_match, found.version)
    connection, destination = _kept(work, caller, body.output)
    if (connection, destination) != (found.connection_id, found.destination):
        work.titles.change(found, connection_id=connection, destination=destination)
    versions.show(response, found.version)
    return _one(built, work, found)


@router.post(
    "/languages/{language}/render",
    status_code=202,
    response_model=JobOut,
    openapi_extra=refuses(Conflict, DeadlineUnmeetable, ModelUnavailable, NoSuchShot, StoreUnavailable, UnknownLanguage),
)
def render_language(
    *, title_id: TitleId, language: Tag, body: RenderCreate, caller: TitlesWrite, built: Built, once: OnceOnly
) -> JSONResponse:
    """Render a language: `stale` after a new sound, `all` with another model, `shots` or `ranges` for other mouths there.

    Chunks whose sound and seed did not change are those of the last master, to the byte.
    """
    tag = canonical(language)

    def render(work: UnitOfWork) -> JobOut:
        found = work.titles.language(title_id, tag, caller.organisation, lock=True)
        renders.check(work, found, body)
        seeds = renders.seeds(built, work, found, body)
        if seeds != found.seeds:
            work.titles.change(found, seeds=seeds)
        job = submission.submit(work, built, caller, renders.dub(work, found, body))
        return job_views(built, work, [job])[0]

    return once.run(caller, 202, body, render, at=JOB)


def _kept(work: UnitOfWork, caller: Caller, output: Output | None) -> tuple[str | None, str]:
    """An output as a language keeps it; raises `NotFound` where there is no such connection."""
    if output is None:
        return None, ""
    to = output.destination
    return work.connections.hold(to.connection, caller.organisation, "/output/destination/connection").id, to.prefix


def _one(built: Services, work: UnitOfWork, language: Language) -> LanguageOut:
    return title_views.languages(built, work, [language])[0]
