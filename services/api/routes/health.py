"""Models, health and metrics."""

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from services.api import readiness
from services.api.health_schemas import Alive, ModelList, ModelStatus, PartStatus, Readiness
from services.api.requests import Built, JobsRead

router = APIRouter()


class Exposition(Response):
    """Metrics in Prometheus' text format."""

    media_type = CONTENT_TYPE_LATEST


@router.get("/v1/models", tags=["models"])
def list_models(_: JobsRead, built: Built) -> ModelList:
    """The models that jobs can name, and whether each can run now."""
    return ModelList(
        items=[
            ModelStatus(name=found.preset, demo=found.demo, digest=found.digest, available=found.available, reason=found.reason)
            for found in built.catalogue.list()
        ]
    )


@router.get("/healthz", tags=["health"])
def healthz() -> Alive:
    """The process answers."""
    return Alive(status="ok")


@router.get("/readyz", tags=["health"], response_model=Readiness, responses={503: {"model": Readiness}})
def readyz(built: Built) -> JSONResponse:
    """Whether this process can do its own work, and everything else that jobs need: what does not answer, and why.

    ``degraded`` is ready: jobs are accepted, and wait for what is away.
    """
    found = readiness.reasons(built)
    missing = {name for name, reason in found.items() if reason is not None}
    ready = not missing & readiness.OWN
    checks = {
        name: PartStatus(ok=reason is None, needed=name in readiness.OWN, reason=reason) for name, reason in found.items()
    }
    body = Readiness(status="unavailable" if not ready else "degraded" if missing else "ok", checks=checks)
    return JSONResponse(body.model_dump(), 200 if ready else 503)


@router.get("/metrics", tags=["health"], response_class=Exposition)
def metrics(request: Request) -> Exposition:
    """What this process counts, for Prometheus: to be scraped from every replica, and summed."""
    return _exposed(request.app.state.registry)


@router.get("/metrics/platform", tags=["health"], response_class=Exposition)
def platform_metrics(request: Request) -> Exposition:
    """What the platform knows, for Prometheus: the same from every replica, so to be scraped once."""
    return _exposed(request.app.state.platform)


def _exposed(registry: CollectorRegistry) -> Exposition:
    return Exposition(generate_latest(registry))
