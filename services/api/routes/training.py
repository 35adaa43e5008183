"""Training runs: start, list, read, watch, stop, resume, publish."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Path, Query
from fastapi.responses import JSONResponse, StreamingResponse

from dubbing import ids
from dubbing.db.training_models import TrainingRun
from dubbing.db.unit_of_work import UnitOfWork
from dubbing.domain.training import LIVE_RUNS, RunState, check_places, checked_settings
from dubbing.errors import (
    Conflict,
    InvalidCursor,
    InvalidSetting,
    PlaceNotAllowed,
    PublishInProgress,
    TrainerUnavailable,
    UnfitStart,
    UnknownRecipe,
    UnknownSetting,
)
from dubbing.workflow.training_starts import with_starts
from services.api import paging, problems, sse
from services.api.bootstrap import Services
from services.api.filters import PageQuery
from services.api.problems import refuses
from services.api.requests import Built, Caller, Once, OnceOnly, Reading, TrainingRead, TrainingWrite, acting
from services.api.routes.events import LastEventId
from services.api.routes.releases import release_views
from services.api.training_schemas import Publish, RecipeList, ReleaseOut, RunCreate, RunOut, RunPage

router = APIRouter(prefix="/v1", tags=["training"])
_RUN = "/v1/training-runs/{id}"
_STARTING = (InvalidSetting, PlaceNotAllowed, TrainerUnavailable, UnfitStart, UnknownRecipe, UnknownSetting)
_PUBLISHING = (Conflict, PublishInProgress, TrainerUnavailable, UnknownRecipe)
RunId = Annotated[str, Path(pattern=r"^run_[0-9a-z]{26}$")]


@router.get("/training-recipes")
def list_recipes(_: TrainingRead, work: Reading) -> RecipeList:
    """The recipes that a trainer of this installation offers, with everything that can be set."""
    return RecipeList(items=work.runs.offers())


@router.post("/training-runs", status_code=202, response_model=RunOut, openapi_extra=refuses(*_STARTING))
def start_run(body: RunCreate, caller: TrainingWrite, built: Built, once: OnceOnly) -> JSONResponse:
    """Start a run. It waits until a trainer is free."""

    def start(work: UnitOfWork) -> RunOut:
        offer = work.runs.recipe(body.recipe)
        settings = checked_settings(body.settings, offer.settings)
        check_places(settings, offer)
        settings = with_starts(work.runs, offer, settings, caller.organisation)
        run = TrainingRun(
            id=ids.new_id("run"),
            organisation_id=caller.organisation,
            recipe=offer.name,
            settings=settings,
            processes=body.processes,
            state=RunState.QUEUED,
            step=0,
            steps=0,
            leg=0,
            checkpoints=[],
            facts={},
        )
        work.ring(work.runs.add(run, built.queue.max_attempts))
        return _view(built, run, work.now())

    return once.run(caller, 202, body, start, at=_RUN)


@router.get("/training-runs", openapi_extra=refuses(InvalidCursor))
def list_runs(caller: TrainingRead, built: Built, work: Reading, query: Annotated[PageQuery, Query()]) -> RunPage:
    """Runs, newest first."""
    found = work.runs.page(caller.organisation, query.limit + 1, query.before)
    page, cursor = paging.cut(found, query.limit)
    now = work.now()
    return RunPage(items=[_view(built, run, now) for run in page], next_cursor=cursor)


@router.get("/training-runs/{run_id}")
def read_run(run_id: RunId, caller: TrainingRead, built: Built, work: Reading) -> RunOut:
    """One run: its newest metrics, its last checkpoint, a link to its newest contact sheet, the problem when it failed."""
    return _view(built, work.runs.get(run_id, caller.organisation), work.now())


@router.get(
    "/training-runs/{run_id}/events", response_class=StreamingResponse, responses={200: {"content": {"text/event-stream": {}}}}
)
def run_events(
    run_id: RunId, caller: TrainingRead, built: Built, work: Reading, last_event_id: LastEventId = 0
) -> StreamingResponse:
    """Every event of the run from the first, or from the one after Last-Event-ID; ends when the run has ended."""
    work.runs.get(run_id, caller.organisation)
    return sse.respond(built.api, partial(_fetch, built, caller, run_id), last_event_id)


@router.post("/training-runs/{run_id}/stop", status_code=202, response_model=RunOut, openapi_extra=refuses(Conflict))
def stop_run(run_id: RunId, caller: TrainingWrite, built: Built, once: OnceOnly) -> JSONResponse:
    """Save a checkpoint and stop. Stopping twice is fine, stopping what has ended is a conflict."""
    return _change(run_id, caller, built, once, lambda work, run: work.runs.stop(run))


@router.post("/training-runs/{run_id}/resume", status_code=202, response_model=RunOut, openapi_extra=refuses(Conflict))
def resume_run(run_id: RunId, caller: TrainingWrite, built: Built, once: OnceOnly) -> JSONResponse:
    """Go on from the last checkpoint: same step, optimiser, sampler and random generators."""

    def resume(work: UnitOfWork, run: TrainingRun) -> None:
        work.ring(work.runs.resume(run, built.queue.max_attempts))

    return _change(run_id, caller, built, once, resume)


@router.post("/training-runs/{run_id}/publish", status_code=202, response_model=ReleaseOut, openapi_extra=refuses(*_PUBLISHING))
def publish_run(run_id: RunId, body: Publish, caller: TrainingWrite, built: Built, once: OnceOnly) -> JSONResponse:
    """Measure what the run made beside the incumbent, check it in the inference server, and serve it if it is no worse."""

    def publish(work: UnitOfWork) -> ReleaseOut:
        work.runs.get(run_id, caller.organisation)
        run = work.runs.lock(run_id)
        preset = work.runs.recipe(run.recipe).preset
        if preset is None:
            raise Conflict(f"The recipe {run.recipe} makes nothing that can be served.")
        release, ring = work.releases.publish(run, preset, body.share, built.queue.max_attempts)
        work.ring(ring)
        return release_views(built, work, caller, [release])[0]

    return once.run(caller, 202, body, publish, at="/v1/models/{model}/versions")


def _change(
    run_id: str, caller: Caller, built: Services, once: Once, do: Callable[[UnitOfWork, TrainingRun], None]
) -> JSONResponse:
    def change(work: UnitOfWork) -> RunOut:
        work.runs.get(run_id, caller.organisation)
        run = work.runs.lock(run_id)
        do(work, run)
        return _view(built, run, work.now())

    return once.run(caller, 202, None, change, at=_RUN)


def _fetch(built: Services, caller: Caller, run_id: str, last_id: int) -> sse.Batch:
    with acting(built, caller) as work:
        run = work.runs.get(run_id, caller.organisation)
        events = work.runs.events_after(run_id, last_id, sse.LIMIT)
        newest = {"status": run.state, "at_step": run.step, "of_steps": run.steps}
        return sse.Batch(events, newest, run.state not in LIVE_RUNS and len(events) < sse.LIMIT)


def _view(built: Services, run: TrainingRun, now: datetime) -> RunOut:
    silent = now - (run.heartbeat_at or run.started_at or run.created_at)
    stuck = run.state in (RunState.RUNNING, RunState.STOPPING) and silent > timedelta(seconds=built.api.stuck_after)
    return RunOut(
        id=run.id,
        status=RunState(run.state),
        recipe=run.recipe,
        settings=run.settings,
        processes=run.processes,
        step=run.step,
        steps=run.steps,
        metrics=run.metrics,
        checkpoint_step=run.checkpoints[0]["step"] if run.checkpoints else None,
        sample=built.store.url(run.sample_key, built.api.url_ttl, inline=True) if run.sample_key else None,
        facts=run.facts,
        version=run.version,
        stuck=stuck,
        error=problems.stored(built.api.docs_url, run.error, f"/v1/training-runs/{run.id}"),
        created_at=run.created_at,
        started_at=run.started_at,
        finished_at=run.finished_at,
        heartbeat_at=run.heartbeat_at,
    )
