"""Titles: a picture that is analysed once for all its languages."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from fastapi.responses import JSONResponse

from dubbing import ids
from dubbing.db.title_models import Title
from dubbing.db.titles import TitleFilter
from dubbing.db.unit_of_work import UnitOfWork
from dubbing.domain.jobs import JobState
from dubbing.errors import (
    Conflict,
    InvalidCursor,
    NotFound,
    PreconditionFailed,
    StoreUnavailable,
    UnknownLanguage,
    UrlNotAllowed,
)
from services.api import paging, submission, title_views, versions
from services.api.bootstrap import Services
from services.api.filters import Listing, language_of
from services.api.problems import refuses
from services.api.requests import JOB, Built, Caller, OnceOnly, Reading, TitlesRead, TitlesWrite
from services.api.schemas import JobOut
from services.api.title_schemas import CastOut, TitleAnalysis, TitleChange, TitleCreate, TitleOut, TitlePage
from services.api.values import LanguageTag, Line
from services.api.versions import IfMatch
from services.api.views import job_views

router = APIRouter(prefix="/v1", tags=["titles"])
TitleId = Annotated[str, Path(pattern=r"^ttl_[0-9a-z]{26}$")]
TITLE = "/v1/titles/{id}"


class TitleQuery(Listing):
    """Which titles to list."""

    name: Line | None = None
    external_id: Line | None = None
    language: LanguageTag | None = None


@router.post("/titles", status_code=201, response_model=TitleOut, openapi_extra=refuses(Conflict, NotFound, UrlNotAllowed))
def create_title(body: TitleCreate, caller: TitlesWrite, built: Built, once: OnceOnly) -> JSONResponse:
    """A new title. The analysis of its picture begins at once, as a job; languages can be added meanwhile."""

    def create(work: UnitOfWork) -> TitleOut:
        video = submission.asset_of(work, caller, body.video, "video")
        title = Title(
            id=ids.new_id("ttl"),
            organisation_id=caller.organisation,
            name=body.name,
            external_id=body.external_id,
            video_asset=video.id,
            picture=body.video.track,
            labels=body.metadata,
        )
        work.titles.add(title)
        submission.analyse(work, built, caller, title)
        return _one(work, title)

    return once.run(caller, 201, body, create, at=TITLE)


@router.get("/titles", openapi_extra=refuses(InvalidCursor, UnknownLanguage))
def list_titles(caller: TitlesRead, work: Reading, query: Annotated[TitleQuery, Query()]) -> TitlePage:
    """Titles, newest first. Pages stay stable while new titles arrive."""
    wanted = TitleFilter(
        organisation_id=caller.organisation,
        name=query.name,
        external_id=query.external_id,
        language=language_of(query.language),
        labels=query.labels,
        created_after=query.created_after,
        created_before=query.created_before,
        before=query.before,
    )
    page, cursor = paging.cut(work.titles.page(wanted, query.limit + 1), query.limit)
    return TitlePage(items=title_views.titles(work, page), next_cursor=cursor)


@router.get("/titles/{title_id}")
def read_title(title_id: TitleId, caller: TitlesRead, work: Reading, response: Response) -> TitleOut:
    """One title, and where its analysis and its languages stand."""
    found = _one(work, work.titles.get(title_id, caller.organisation))
    versions.show(response, found.version)
    return found


@router.patch("/titles/{title_id}", openapi_extra=refuses(Conflict, PreconditionFailed))
def change_title(
    *,
    title_id: TitleId,
    body: TitleChange,
    caller: TitlesWrite,
    work: Reading,
    response: Response,
    if_match: IfMatch = versions.ANY,
) -> TitleOut:
    """Change name, external id or metadata; what is left out stays. With `If-Match`, only if nobody else was faster."""
    title = work.titles.get(title_id, caller.organisation, lock=True)
    versions.check(if_match, title.version)
    work.titles.change(title, **_columns(body))
    versions.show(response, title.version)
    return _one(work, title)


def _columns(body: TitleChange) -> dict[str, object]:
    """What changes. Null takes an external id away; of all else it changes nothing, like what is left out."""
    given = body.model_dump(exclude_unset=True)
    columns = {"name": "name", "external_id": "external_id", "metadata": "labels"}
    return {columns[name]: value for name, value in given.items() if value is not None or name == "external_id"}


@router.get("/titles/{title_id}/analysis", openapi_extra=refuses(StoreUnavailable))
def read_analysis(title_id: TitleId, caller: TitlesRead, built: Built, work: Reading) -> TitleAnalysis:
    """What was found in the picture: shots, the faces that can be dubbed, and what was lost or guessed."""
    title = work.titles.get(title_id, caller.organisation)
    return title_views.analysis(built, work, work.titles.analyses([title.id])[title.id])


@router.get("/titles/{title_id}/cast", openapi_extra=refuses(StoreUnavailable))
def read_cast(title_id: TitleId, caller: TitlesRead, built: Built, work: Reading) -> CastOut:
    """The faces that are dubbed, each through one shot, with its picture. None can be given a sound of its own yet."""
    title = work.titles.get(title_id, caller.organisation)
    return title_views.cast(built, work, work.titles.analyses([title.id])[title.id])


@router.post("/titles/{title_id}/analyze", status_code=202, response_model=JobOut, openapi_extra=refuses(Conflict))
def analyze_title(title_id: TitleId, caller: TitlesWrite, built: Built, once: OnceOnly) -> JSONResponse:
    """Analyse the picture again, after an analysis that failed or was cancelled."""
    return once.run(caller, 202, None, lambda work: _analyse_again(work, built, caller, title_id), at=JOB)


def _analyse_again(work: UnitOfWork, built: Services, caller: Caller, title_id: str) -> JobOut:
    title = work.titles.get(title_id, caller.organisation, lock=True)
    last = work.titles.analyses([title.id])[title.id].state
    if last not in (JobState.FAILED, JobState.CANCELED):
        raise Conflict(f"The analysis of title {title_id} is {last}; only one that failed or was cancelled is made again.")
    return job_views(built, work, [submission.analyse(work, built, caller, title)])[0]


def _one(work: UnitOfWork, title: Title) -> TitleOut:
    return title_views.titles(work, [title])[0]
