"""Runs work items: claim, keep the lease, call the handler, write result and next steps in one transaction."""

import os
import socket
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from functools import partial
from typing import Any, TypeVar

import stamina
import structlog
from celery.exceptions import SoftTimeLimitExceeded

from dubbing import clock, ids
from dubbing.db.engine import AWAY, Database
from dubbing.db.unit_of_work import RingBell, UnitOfWork, unit_of_work
from dubbing.domain import paces
from dubbing.domain.frozen import Frozen
from dubbing.domain.work import PAYLOADS, LeasedItem, WorkKind, kinds_of
from dubbing.errors import Cancelled, DublineError, LeaseLost, ModelBroken, Outage, Permanent, TimedOut
from dubbing.errors.disk import disk_full, found_full
from dubbing.queue.context import Context, LeaseKeeper
from dubbing.queue.isolated import KINDS, run_isolated
from dubbing.queue.memory import trim_heap
from dubbing.settings import QueueSettings
from dubbing.workflow.advance import Advancer

Handler = Callable[[Any, Context], Frozen]
_H = TypeVar("_H", bound=Handler)
_T = TypeVar("_T")

# Seconds for which a transaction is tried again while the database is away. Nothing is lost with a claim; with an end goes
# all that was made, and a failover may take minutes; a process that is being stopped, or at work, has none to spare.
_CLAIM, _END, _SOON = 30.0, 300.0, 5.0

_FORESEEN = (DublineError, SoftTimeLimitExceeded, *AWAY)

log = structlog.get_logger()


class Handlers:
    """Registry of handlers by kind: ``@handlers("prepare")`` over ``def f(task: PrepareTask, context: Context) -> ...``."""

    def __init__(self) -> None:
        self._by_kind: dict[WorkKind, Handler] = {}

    def __call__(self, kind: str) -> Callable[[_H], _H]:
        """Decorator that registers the handler of ``kind``."""

        def register(handler: _H) -> _H:
            self.add(kind, handler)
            return handler

        return register

    def add(self, kind: str, handler: Handler) -> None:
        """Register a handler, e.g. a bound method."""
        self._by_kind[WorkKind(kind)] = handler

    def kinds(self, queue: str) -> tuple[WorkKind, ...]:
        """The kinds of ``queue`` that have a handler here."""
        return tuple(kind for kind in kinds_of(queue) if kind in self._by_kind)

    def run(self, item: LeasedItem, context: Context) -> Frozen:
        """Call the item's handler with its typed payload."""
        return self._by_kind[item.kind](PAYLOADS[item.kind].model_validate(item.payload), context)


class Runner:
    """Claims and runs items for one worker process.

    Args:
        database: where they are.
        ring_bell: rings for those that a transaction asked for.
        handlers: that do the work.
        settings: lease, heartbeat and limits of retries.
        app: ``module:name`` of the application whose task this runs, for a process of its own where one is called for.
    """

    def __init__(
        self,
        database: Database,
        ring_bell: RingBell,
        handlers: Handlers,
        settings: QueueSettings,
        app: str | None = None,
    ) -> None:
        self._database = database
        self._ring_bell = ring_bell
        self._handlers = handlers
        self._settings = settings
        self._app = app

    def run_next(self, queue: str) -> LeasedItem | None:
        """Claim the best waiting item of a queue and run it to its end; None when nothing waits."""
        owner = f"{socket.gethostname()}:{os.getpid()}:{ids.new_id('own')}"
        lease = self._settings.limits[queue].lease
        item = self._transact(lambda work: work.items.claim(self._handlers.kinds(queue), owner, lease))
        if item is None:
            return None
        with _bound(item):
            self._run(item)
        trim_heap()
        return item

    def answer(self, item: LeasedItem) -> dict[str, Any]:
        """Do a leased item for the process that will write down how it ended: its ``result``, or its ``problem``."""
        with _bound(item):
            try:
                with LeaseKeeper(self._database.sessions(), item, self._settings.heartbeat) as keeper:
                    return {"result": self._handle(item, keeper)}
            except Exception as error:
                if not isinstance(error, _FORESEEN):
                    log.exception("work_crashed")
                return {"problem": _as_error(error).problem()}

    def _run(self, item: LeasedItem) -> None:
        began = clock.monotonic()
        log.info("work_started")
        try:
            self._transact(lambda work: work.jobs.started(item.id))
            with LeaseKeeper(self._database.sessions(), item, self._settings.heartbeat) as keeper:
                if self._app is not None and item.leases_lost > 0 and item.kind in KINDS:
                    result = run_isolated(self._app, item)
                else:
                    result = self._handle(item, keeper)
                self._transact(lambda work: self._complete(work, item, result), _END)
        except LeaseLost:
            log.warning("lease_lost")
        except Cancelled:
            self._end(item, lambda work: work.items.give_up(item))
            log.info("work_canceled")
        except Exception as error:  # noqa: BLE001 - whatever a handler raises is written on its row
            self._failed(item, error)
        except BaseException:  # the process is being stopped: another one goes on
            self._end(item, lambda work: work.items.release(item), _SOON)
            raise
        else:
            seconds = clock.monotonic() - began
            log.info("work_done", seconds=round(seconds, 3))
            self._learn(item, result, seconds)

    def _handle(self, item: LeasedItem, keeper: LeaseKeeper) -> dict[str, Any]:
        context = Context(self._database.sessions(), item, keeper, partial(self._save_partial_result, item))
        return self._handlers.run(item, context).model_dump(mode="json")

    def _save_partial_result(self, item: LeasedItem, result: Frozen) -> None:
        """Write a part of a result and let the item's jobs go on with it."""

        def both(work: UnitOfWork) -> None:
            needing = work.jobs.lock_needing(item.id)
            work.items.save_partial_result(item, result.model_dump(mode="json"))
            for job_id in needing:
                Advancer(work, self._settings.max_attempts).advance(job_id)

        self._transact(both, _SOON)

    def _complete(self, work: UnitOfWork, item: LeasedItem, result: dict[str, Any]) -> None:
        work.jobs.lock_needing(item.id)
        work.runs.lock_of(item.id)
        work.items.complete(item, result)
        Advancer(work, self._settings.max_attempts).item_ended(item.id)

    def _learn(self, item: LeasedItem, result: dict[str, Any], seconds: float) -> None:
        """Keep how long it took, for estimates. Apart from its end, so that workers do not wait there for one row."""
        measured = paces.measures(item.kind, item.payload, result, seconds)
        if not measured:
            return
        with suppress(*AWAY):
            self._transact(lambda work: work.forecasts.learn(item.id, item.kind, measured), _SOON)

    def _failed(self, item: LeasedItem, cause: Exception) -> None:
        error = _as_error(cause)
        if self._is_uncounted(item, error):
            wait = min(self._settings.backoff * 2**item.outages, self._settings.outage_wait)
            log.warning("work_waits_out_an_outage", code=error.code, detail=error.detail, seconds=wait)
            self._end(item, lambda work: work.items.retry(item, error, wait, uncounted=True))
            return
        attempts = item.max_attempts
        if type(error) is DublineError:  # not foreseen
            attempts = min(attempts, item.max_attempts - self._settings.max_attempts + self._settings.bug_attempts)
            log.error("work_crashed", exc_info=cause)
        if isinstance(error, Permanent) or item.attempt >= attempts:
            log.error("work_failed", code=error.code, detail=error.detail)
            self._end(item, lambda work: work.items.fail(item, error))
            return
        tries = item.attempt - (item.max_attempts - self._settings.max_attempts)
        wait = min(self._settings.backoff * 2 ** max(tries - 1, 0), self._settings.backoff_max)
        log.warning("work_will_be_retried", code=error.code, detail=error.detail, seconds=wait)
        self._end(item, lambda work: work.items.retry(item, error, wait))

    def _is_uncounted(self, item: LeasedItem, error: DublineError) -> bool:
        """Whether the attempt does not count. Work that breaks its model each time must not break it for an hour."""
        most = self._settings.max_attempts if isinstance(error, ModelBroken) else self._settings.max_outages
        return isinstance(error, Outage) and item.outages < most

    def _end(self, item: LeasedItem, write: Callable[[UnitOfWork], None], seconds: float = _END) -> None:
        """Write an item's end and let its jobs know; a lease that is gone, or a database that is, leaves it to the sweeper."""

        def both(work: UnitOfWork) -> None:
            work.jobs.lock_needing(item.id)
            work.runs.lock_of(item.id)
            write(work)
            Advancer(work, self._settings.max_attempts).item_ended(item.id)

        with suppress(LeaseLost, *AWAY):
            self._transact(both, seconds)

    def _transact(self, do: Callable[[UnitOfWork], _T], seconds: float = _CLAIM) -> _T:
        """Run ``do`` in a transaction; again, up to ``seconds``, while the database is away or when it broke a deadlock."""
        for attempt in stamina.retry_context(on=AWAY, attempts=None, timeout=seconds, wait_initial=0.1, wait_max=2.0):
            with attempt, unit_of_work(self._database.sessions(), self._ring_bell) as work:
                return do(work)
        raise AssertionError  # the retries end in a return or an error


def _bound(item: LeasedItem) -> AbstractContextManager[None]:
    bound = {"item_id": item.id, "kind": item.kind.value, "attempt": item.attempt}
    if item.job_id is not None:
        bound["job_id"] = item.job_id
    return structlog.contextvars.bound_contextvars(**bound)


def _as_error(cause: Exception) -> DublineError:
    """The cause as a member of our tree, so that its code can be stored."""
    if found_full(cause):
        return disk_full()
    if isinstance(cause, DublineError):
        return cause
    if isinstance(cause, SoftTimeLimitExceeded):
        return TimedOut("The work took longer than its time limit.", where={"stage": "worker"})
    if isinstance(cause, AWAY):
        return Outage("The database did not answer.", where={"stage": "worker"})
    return DublineError(f"{type(cause).__name__}: {cause}", where={"stage": "worker"})
