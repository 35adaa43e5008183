"""What a handler sees of the platform while it works: its item, cancellation, and a place to report progress."""

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self, TypeVar

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from dubbing import clock
from dubbing.db.engine import AWAY
from dubbing.db.unit_of_work import UnitOfWork, unit_of_work
from dubbing.domain.frozen import Frozen
from dubbing.domain.jobs import Phase
from dubbing.domain.work import LeasedItem, OpenSequence
from dubbing.errors import Cancelled, LeaseLost

_CANCEL_EVERY = 1.0
_PROGRESS_EVERY = 0.5
_T = TypeVar("_T")

log = structlog.get_logger()


def _no_rings(_: object) -> None:
    """Signs of life earn no rings."""


class LeaseKeeper:
    """A thread that shows life for a leased item every few seconds; ``lost`` is set when the lease is somebody else's."""

    def __init__(self, sessions: sessionmaker[Session], item: LeasedItem, every: float) -> None:
        self.lost = threading.Event()
        self._sessions = sessions
        self._item = item
        self._every = every
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"lease-{item.id}", daemon=True)

    def __enter__(self) -> Self:
        """Start the heart."""
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Stop it."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(self._every):
            try:
                with unit_of_work(self._sessions, _no_rings) as work:
                    work.jobs.beat(self._item.id)
                    work.items.renew(self._item)
            except LeaseLost:
                self.lost.set()
                return
            except SQLAlchemyError as error:
                log.warning("heartbeat_failed", reason=repr(error))


class Context:
    """Given to every handler. A database that is away does not stop the work: what is made can be written when it is back.

    Attributes:
        item: the leased item; ``item.attempt`` counts from 1.
    """

    def __init__(
        self, sessions: sessionmaker[Session], item: LeasedItem, keeper: LeaseKeeper, on_partial: Callable[[Frozen], None]
    ) -> None:
        self.item = item
        self._sessions = sessions
        self._keeper = keeper
        self._on_partial = on_partial
        self._checked = self._shown = clock.monotonic() - _CANCEL_EVERY

    def raise_if_canceled(self) -> None:
        """Cheap enough for every frame: asks the database at most once a second.

        Raises:
            Cancelled: no job wants the item any more.
            LeaseLost: another worker has it.
        """
        if self._keeper.lost.is_set():
            raise LeaseLost(f"{self.item.kind} item {self.item.id} was taken over by another worker.")
        if clock.monotonic() - self._checked < _CANCEL_EVERY:
            return
        self._checked = clock.monotonic()
        if not self.wanted():
            raise Cancelled("No job wants this work any more.")

    def wanted(self) -> bool:
        """Whether anybody still wants the item, asked now; True while the database is away."""
        return self._ask(lambda work: work.items.wanted(self.item.id)) is not False

    def progress(self, done: int, total: int) -> None:
        """Units (frames) done so far; stored and shown at most twice a second, and at the end. Checks cancellation too."""
        self.raise_if_canceled()
        if done < total and clock.monotonic() - self._shown < _PROGRESS_EVERY:
            return
        self._shown = clock.monotonic()

        def show(work: UnitOfWork) -> None:
            work.jobs.show_progress(self.item.id, self.item.kind, done, total)
            work.items.progress(self.item, done, total)

        self._ask(show)

    def partial_result(self, result: Frozen) -> None:
        """What there is of the result by now: jobs go on with it while the item is still being worked on.

        Raises:
            LeaseLost: another worker has it.
        """
        try:
            self._on_partial(result)
        except AWAY as error:  # the next part, or the whole, tells of it
            log.warning("database_away", reason=repr(error))

    def phase(self, phase: Phase) -> None:
        """Replace the phase that readers of the job see (the stitcher announces ``verifying``)."""
        self._ask(lambda work: work.jobs.show_phase(self.item.id, phase))

    def opens(self, sequence: OpenSequence) -> None:
        """Note a sequence before it is opened on the inference server: whoever takes the item over can then end it.

        Raises:
            LeaseLost: another worker has the item.
        """
        with unit_of_work(self._sessions, _no_rings) as work:
            work.items.opens(self.item, sequence)

    def _ask(self, do: Callable[[UnitOfWork], _T]) -> _T | None:
        """What ``do`` returns; None while the database is away."""
        try:
            with unit_of_work(self._sessions, _no_rings) as work:
                return do(work)
        except AWAY as error:
            log.warning("database_away", reason=repr(error))
            return None
