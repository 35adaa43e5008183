"""Models, health and metrics."""

from collections.abc import Callable, Iterator

import structlog
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import text

from dubbing import clock
from dubbing.db.unit_of_work import UnitOfWork, unit_of_work
from dubbing.domain.jobs import JobState
from dubbing.domain.work import WorkKind
from services.api.bootstrap import Services
from services.api.requests import Built, JobsRead
from services.api.schemas import ModelList, ModelStatus

router = APIRouter()
log = structlog.get_logger()


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
    checks: dict[str, Callable[[], object]] = {
        "database": lambda: _ask_database(built),
        "redis": built.broker.ping,
        "s3": built.store.check,
    }
    if built.engine.engine == "triton":
        checks["triton"] = built.catalogue.server_ready
    found = {name: _reason(check) for name, check in checks.items()}
    ok = not any(found.values())
    body = {
        "status": "ok" if ok else "unavailable",
        "checks": {name: {"ok": reason is None, "reason": reason} for name, reason in found.items()},
    }
    return JSONResponse(body, 200 if ok else 503)


def _ask_database(built: Services) -> None:
    with unit_of_work(built.database.sessions(), built.doorbell.ring) as work:
        work.session.execute(text("SELECT 1 FROM jobs LIMIT 1"))


def _reason(check: Callable[[], object]) -> str | None:
    try:
        check()
    except Exception as error:  # noqa: BLE001 - whatever a client library raises is the reason
        log.warning("not_ready", reason=repr(error))
        return str(error).splitlines()[0] if str(error) else type(error).__name__
    return None


@router.get("/metrics", tags=["health"])
def metrics(request: Request) -> Response:
    """Prometheus text format."""
    registry: CollectorRegistry = request.app.state.registry
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


class PlatformCollector(Collector):
    """What the database knows, read at each scrape. When it is down, only ``dubline_database_up`` says so."""

    def __init__(self, built: Services) -> None:
        self._built = built

    def collect(self) -> Iterator[Metric]:
        """The families."""
        up = 1
        try:
            with unit_of_work(self._built.database.sessions(), self._built.doorbell.ring) as work:
                families = list(_families(work))
        except Exception:  # noqa: BLE001 - a scrape must not fail because the database does
            families, up = [], 0
        yield GaugeMetricFamily("dubline_database_up", "1 when the database answered this scrape.", value=up)
        yield from families


def _families(work: UnitOfWork) -> Iterator[Metric]:
    jobs = GaugeMetricFamily("dubline_jobs", "Jobs by state.", labels=["state"])
    by_state = work.jobs.by_state()
    for state in JobState:
        jobs.add_metric([state], by_state.get(state, 0))
    yield jobs
    depth = GaugeMetricFamily("dubline_queue_depth", "Work items that could be claimed now.", labels=["kind"])
    age = GaugeMetricFamily("dubline_queue_oldest_seconds", "Age of the oldest of them.", labels=["kind"])
    waiting = work.items.waiting()
    lost = CounterMetricFamily("dubline_leases_lost", "Leases whose holder fell silent.", labels=["kind"])
    leases_lost = work.items.leases_lost()
    for kind in WorkKind:
        count, oldest = waiting.get(kind, (0, None))
        depth.add_metric([kind], count)
        age.add_metric([kind], (clock.now() - oldest).total_seconds() if oldest else 0.0)
        lost.add_metric([kind], leases_lost.get(kind, 0))
    yield from (depth, age, lost)
