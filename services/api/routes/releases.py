"""Versions of the served models: what was measured, which one serves, and the way back."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Path
from fastapi.responses import JSONResponse

from dubbing.db.training_models import ModelRelease
from dubbing.db.unit_of_work import UnitOfWork
from dubbing.domain.jobs import Models
from dubbing.domain.training import ReleaseState
from dubbing.errors import Conflict, ModelUnavailable
from services.api import problems
from services.api.bootstrap import Services
from services.api.problems import refuses
from services.api.requests import Built, Caller, OnceOnly, Reading, TrainingRead, TrainingWrite
from services.api.training_schemas import Measuring, ReleaseList, ReleaseOut

router = APIRouter(prefix="/v1", tags=["training"])
_CHANGING = (Conflict, ModelUnavailable)
Preset = Annotated[str, Path(pattern=r"^[a-z0-9.]{1,40}$")]


@router.get("/models/{model}/versions")
def list_versions(model: Preset, caller: TrainingRead, built: Built, work: Reading) -> ReleaseList:
    """Every version of a model that was ever published or refused, newest first; ``run`` is null where it is another's."""
    return ReleaseList(items=release_views(built, work, caller, work.releases.of(model)))


@router.post("/models/{model}/promote", response_model=ReleaseOut, openapi_extra=refuses(*_CHANGING))
def promote(model: Preset, caller: TrainingWrite, built: Built, once: OnceOnly) -> JSONResponse:
    """The canary serves every new job."""
    return once.run(caller, 200, None, lambda work: release_views(built, work, caller, [work.releases.promote(model)])[0])


@router.post("/models/{model}/rollback", response_model=ReleaseOut, openapi_extra=refuses(*_CHANGING))
def roll_back(model: Preset, caller: TrainingWrite, built: Built, once: OnceOnly) -> JSONResponse:
    """New jobs get the version before, at once; a canary is taken back first. Jobs keep the version that they have."""
    return once.run(caller, 200, None, lambda work: release_views(built, work, caller, [work.releases.roll_back(model)])[0])


def release_views(built: Services, work: UnitOfWork, caller: Caller, found: Sequence[ModelRelease]) -> list[ReleaseOut]:
    """Releases as the API shows them. They serve everybody; the runs that made them are their organisations'."""
    runs = work.runs.of((release.run_id for release in found if release.run_id is not None), caller.organisation)
    return [_view(built, release, release.run_id if release.run_id in runs else None) for release in found]


def _view(built: Services, release: ModelRelease, run: str | None) -> ReleaseOut:
    models = None if release.models is None else Models.model_validate(release.models)
    return ReleaseOut(
        id=release.id,
        model=release.preset,
        version=release.version,
        status=ReleaseState(release.state),
        share=release.share,
        run=run,
        digest=models.student.digest if models else None,
        progress=None if release.progress is None else Measuring.model_validate(release.progress),
        figures=release.figures,
        error=problems.stored(built.api.docs_url, release.error, f"/v1/models/{release.preset}/versions"),
        created_at=release.created_at,
        decided_at=release.decided_at,
    )
