"""The application factory: ``uvicorn --factory services.api.main:create_app``."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from prometheus_client import CollectorRegistry
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from dubbing.db.engine import AWAY
from dubbing.errors import DublineError
from dubbing.logging import configure_logging
from dubbing.metrics import HttpMetrics
from services.api import bootstrap, problems
from services.api.collector import PlatformCollector
from services.api.middleware import RequestMiddleware
from services.api.routes import events, explained, health, jobs, lipsyncs, releases, training, uploads

_PROBLEM: dict[int | str, dict[str, Any]] = {
    "default": {
        "description": "What went wrong (RFC 9457)",
        "content": {problems.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
}


def create_app(services: bootstrap.Services | None = None) -> FastAPI:
    """The API over ``services``, or over those that the environment describes."""
    built = services or bootstrap.build()
    configure_logging(built.logging, "api")

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        built.database.close()

    app = FastAPI(
        title="Dubline",
        version="1.0.0",
        summary="Re-synchronises filmed lips with a new audio track.",
        lifespan=lifespan,
        responses=_PROBLEM,
        generate_unique_id_function=lambda route: route.name,
    )
    registry, platform = CollectorRegistry(), CollectorRegistry()
    platform.register(PlatformCollector(built))
    app.state.services, app.state.registry, app.state.platform = built, registry, platform
    app.add_middleware(RequestMiddleware, metrics=HttpMetrics(registry))
    app.add_exception_handler(DublineError, _handler(problems.from_error))
    app.add_exception_handler(HTTPException, _handler(problems.from_http))
    app.add_exception_handler(RequestValidationError, _handler(problems.from_validation))
    for lost in AWAY:
        app.add_exception_handler(lost, _handler(problems.from_lost_database))
    for module in (uploads, lipsyncs, jobs, events, training, releases, health, explained):
        app.include_router(module.router)
    _describe_problem(app)
    return app


def _handler(render: Callable[[Request, Any], Response]) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def handle(request: Request, error: Exception) -> Response:
        return render(request, error)

    return handle


def _describe_problem(app: FastAPI) -> None:
    """Put the problem's schema among the components, which FastAPI does for models of handlers only."""
    describe = app.openapi

    def openapi() -> dict[str, Any]:
        document = describe()
        schema = problems.Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        document.setdefault("components", {}).setdefault("schemas", {})["Problem"] = schema
        return document

    app.openapi = openapi  # type: ignore[method-assign]
