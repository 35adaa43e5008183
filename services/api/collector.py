"""What the platform knows when a scrape asks: jobs, queues, leases, and whether the parts that jobs need answer.

It is the same whichever replica is asked, so it is exported apart from what each process counts of itself, and scraped once.
"""

from collections.abc import Iterator
from contextlib import suppress

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError

from dubbing import errors
from dubbing.db.unit_of_work import UnitOfWork, unit_of_work
from dubbing.domain.jobs import JobState
from dubbing.domain.work import WorkKind
from services.api import readiness
from services.api.bootstrap import Services


class PlatformCollector(Collector):
    """Reads at each scrape and keeps nothing. When the database is down, only the parts that answer are shown."""

    def __init__(self, built: Services) -> None:
        self._built = built

    def collect(self) -> Iterator[Metric]:
        """The families."""
        up = GaugeMetricFamily("dubline_up", "1 when this part of the platform answered the scrape.", labels=["part"])
        found = readiness.reasons(self._built)
        for part, reason in found.items():
            up.add_metric([part], float(reason is None))
        yield up
        yield self._models()
        if found["database"] is None:
            with suppress(SQLAlchemyError):  # it went away this moment; the next scrape says so
                yield from self._from_database()

    def _models(self) -> Metric:
        models = GaugeMetricFamily("dubline_model_available", "1 when jobs with this model can run.", labels=["model"])
        for model in self._built.catalogue.list():
            if model.digest is not None:  # a model without weights here is not offered, so it cannot be missed
                models.add_metric([model.preset], float(model.available))
        return models

    def _from_database(self) -> list[Metric]:
        with unit_of_work(self._built.database.sessions(), self._built.doorbell.ring) as work:
            silent = work.jobs.silent(self._built.api.stuck_after)
            stuck = GaugeMetricFamily("dubline_jobs_stuck", "Running jobs without a sign of life.", value=silent)
            risk = "Jobs that have not ended and may miss their deadline."
            late = GaugeMetricFamily("dubline_deadlines_at_risk", risk, value=work.jobs.at_risk())
            return [*_jobs(work), stuck, late, *_queues(work)]


def _jobs(work: UnitOfWork) -> Iterator[Metric]:
    jobs = GaugeMetricFamily("dubline_jobs", "Jobs by state.", labels=["state"])
    by_state = work.jobs.by_state()
    for state in JobState:
        jobs.add_metric([state], by_state.get(state, 0))
    yield jobs
    failed = CounterMetricFamily("dubline_jobs_failed", "Jobs that failed, by the code of their problem.", labels=["code"])
    by_code = work.jobs.failed_by_code()
    # Every code from the first scrape on: the first failure of a kind is then an increase, too.
    for code in {kind.code for kind in errors.kinds()} | by_code.keys():
        failed.add_metric([code], by_code.get(code, 0))
    yield failed


def _queues(work: UnitOfWork) -> Iterator[Metric]:
    depth = GaugeMetricFamily("dubline_queue_depth", "Work items that could be claimed now.", labels=["kind"])
    age = GaugeMetricFamily("dubline_queue_oldest_seconds", "Age of the oldest of them.", labels=["kind"])
    busy = GaugeMetricFamily("dubline_work_leased", "Work items that a worker holds now.", labels=["kind"])
    lost = CounterMetricFamily("dubline_leases_lost", "Leases whose holder fell silent.", labels=["kind"])
    outages_total = CounterMetricFamily("dubline_outages", "Attempts that ended because a part was away.", labels=["kind"])
    waiting, leased = work.items.waiting(), work.items.leased()
    leases_lost, outages = work.items.leases_lost(), work.items.outages()
    for kind in WorkKind:
        count, oldest = waiting.get(kind, (0, 0.0))
        depth.add_metric([kind], count)
        age.add_metric([kind], oldest)
        busy.add_metric([kind], leased.get(kind, 0))
        lost.add_metric([kind], leases_lost.get(kind, 0))
        outages_total.add_metric([kind], outages.get(kind, 0))
    yield from (depth, age, busy, lost, outages_total)
