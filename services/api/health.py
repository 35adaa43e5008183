"""Models, health and metrics."""

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from services.api import readiness
from services.api.requests import Built, JobsRead
from services.api.schemas import ModelList, ModelStatus

router = APIRouter()


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
def healthz() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@router.get("/readyz", tags=["health"])
def readyz(built: Built) -> JSONResponse:
    """Whether everything that jobs need answers, and what does not, with its reason."""
    found = readiness.reasons(built)
    ok = not any(found.values())
    body = {
        "status": "ok" if ok else "unavailable",
        "checks": {name: {"ok": reason is None, "reason": reason} for name, reason in found.items()},
    }
    return JSONResponse(body, 200 if ok else 503)


@router.get("/metrics", tags=["health"])
def metrics(request: Request) -> Response:
    """Prometheus text format."""
    registry: CollectorRegistry = request.app.state.registry
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)
