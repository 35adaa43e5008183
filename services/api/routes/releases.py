"""Versions of the served models: what was measured, which one serves, and the way back."""

from typing import Annotated

from fastapi import APIRouter, Path
from fastapi.responses import JSONResponse

from dubbing.db.training_models import ModelRelease
from dubbing.domain.jobs import Models
from dubbing.domain.training import ReleaseState
from dubbing.errors import Conflict, ModelUnavailable
from services.api import problems
from services.api.bootstrap import Services
from services.api.problems import refuses
from services.api.requests import Built, OnceOnly, Reading, TrainingRead, TrainingWrite
from services.api.training_schemas import Measuring, ReleaseList, ReleaseOut

router = APIRouter(prefix="/v1", tags=["training"])
_CHANGING = (Conflict, ModelUnavailable)
Preset = Annotated[str, Path(pattern=r"^[a-z0-9.]{1,40}$")]


@router.get("/models/{model}/versions")
def list_versions(model: Preset, _: TrainingRead, built: Built, work: Reading) -> ReleaseList:
    """Every version of a model that was ever published or refused, newest first."""
    return ReleaseList(items=[release_view(built, release) for release in work.releases.of(model)])


@router.post("/models/{model}/promote", response_model=ReleaseOut, openapi_extra=refuses(*_CHANGING))
def promote(model: Preset, caller: TrainingWrite, built: Built, once: OnceOnly) -> JSONResponse:
    """The canary serves every new job."""
    return once.run(caller, 200, None, lambda work: release_view(built, work.releases.promote(model)))


@router.post("/models/{model}/rollback", response_model=ReleaseOut, openapi_extra=refuses(*_CHANGING))
def roll_back(model: Preset, caller: TrainingWrite, built: Built, once: OnceOnly) -> JSONResponse:
    """New jobs get the version before, at once; a canary is taken back first. Jobs keep the version that they have."""
    return once.run(caller, 200, None, lambda work: release_view(built, work.releases.roll_back(model)))


def release_view(built: Services, release: ModelRelease) -> ReleaseOut:
    """A release as the API shows it."""
    models = None if release.models is None else Models.model_validate(release.models)
    return ReleaseOut(
        id=release.id,
        model=release.preset,
        version=release.version,
        status=ReleaseState(release.state),
        share=release.share,
        run=release.run_id,
        digest=models.student.digest if models else None,
        progress=None if release.progress is None else Measuring.model_validate(release.progress),
        figures=release.figures,
        error=problems.stored(built.api.docs_url, release.error, f"/v1/models/{release.preset}/versions"),
        created_at=release.created_at,
        decided_at=release.decided_at,
    )
