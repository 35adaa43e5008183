"""The application factory: ``uvicorn --factory services.api.main:create_app``."""

from dubbing.imports import lasting

with lasting():
    from collections.abc import AsyncIterator, Awaitable, Callable
    from contextlib import asynccontextmanager
    from functools import partial
    from typing import Any

    from fastapi import FastAPI
    from fastapi.exceptions import RequestValidationError
    from fastapi_offline import FastAPIOffline
    from prometheus_client import CollectorRegistry
    from starlette.exceptions import HTTPException
    from starlette.requests import Request
    from starlette.responses import Response

    from dubbing.db.engine import AWAY
    from dubbing.errors import DublineError
    from dubbing.logging import configure_logging
    from dubbing.metrics import HttpMetrics
    from services.api import bootstrap, openapi, problems, viewer
    from services.api.collector import PlatformCollector
    from services.api.middleware import RequestMiddleware
    from services.api.routes import (
        batches,
        connections,
        documentation,
        events,
        explained,
        guests,
        health,
        job_changes,
        jobs,
        keys,
        languages,
        lipsyncs,
        people,
        releases,
        reviews,
        sessions,
        titles,
        training,
        uploads,
        webhooks,
    )
    from services.api.submitter import Submitter

# Else FastAPI describes refusals in a form that is not ours; `openapi.describe` puts each status in its place.
_REFUSED: dict[int | str, dict[str, Any]] = {"default": {"description": "What went wrong (RFC 9457)"}}


_ROUTES = (
    *(sessions, people, keys, uploads, titles, languages, reviews, guests, lipsyncs, batches, jobs, job_changes, events),
    *(connections, training, releases, webhooks, health, explained, documentation),
)


def create_app(services: bootstrap.Services | None = None) -> FastAPI:
    """The API over ``services``, or over those that the environment describes."""
    built = services or bootstrap.build()
    configure_logging(built.logging, "api")
    submitter = Submitter(built)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        submitter.start()
        yield
        submitter.stop()
        built.database.close()

    app = FastAPIOffline(
        title="Dubline",
        version="1.0.0",
        summary="Re-synchronises filmed lips with a new audio track.",
        docs_url=None,  # `viewer` has it
        redoc_url=None,
        static_url=viewer.STATIC,
        lifespan=lifespan,
        responses=_REFUSED,
        generate_unique_id_function=lambda route: route.name,
    )
    registry, platform = CollectorRegistry(), CollectorRegistry()
    platform.register(PlatformCollector(built))
    app.state.services, app.state.submitter = built, submitter
    app.state.registry, app.state.platform = registry, platform
    app.add_middleware(RequestMiddleware, metrics=HttpMetrics(registry))
    app.add_exception_handler(DublineError, _handler(problems.from_error))
    app.add_exception_handler(HTTPException, _handler(problems.from_http))
    app.add_exception_handler(RequestValidationError, _handler(problems.from_validation))
    for lost in AWAY:
        app.add_exception_handler(lost, _handler(problems.from_lost_database))
    app.add_api_route("/docs", viewer.show, include_in_schema=False)
    for module in _ROUTES:
        app.include_router(module.router)
    app.include_router(uploads.assets)
    app.openapi = partial(openapi.describe, app)  # type: ignore[method-assign]
    return app


def _handler(render: Callable[[Request, Any], Response]) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def handle(request: Request, error: Exception) -> Response:
        return render(request, error)

    return handle
