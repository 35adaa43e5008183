"""The sweeper: takes back dead leases, moves jobs whose last step was lost, rings for items that nobody was told about."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import structlog
from kombu.exceptions import KombuError
from redis.exceptions import RedisError

from dubbing import clock
from dubbing.db.advance import Advancer
from dubbing.db.engine import Database
from dubbing.db.unit_of_work import UnitOfWork, unit_of_work
from dubbing.domain.work import QUEUE_OF, Queue, Ring
from dubbing.queue.doorbell import Doorbell
from dubbing.settings import QueueSettings

_MOST_RINGS = 1000

log = structlog.get_logger()


@dataclass
class Sweeper:
    """One round is ``sweep``; rounds may overlap, also between processes.

    ``abort_upload`` takes an object key and the store's upload id, and forgives an upload that is gone.
    """

    database: Database
    doorbell: Doorbell
    settings: QueueSettings
    abort_upload: Callable[[str, str], None]

    def sweep(self) -> None:
        """Leases, then jobs, then rings: each step finds what the one before it freed."""
        self._take_back()
        self._advance()
        self._ring()

    def tidy(self) -> None:
        """Once an hour: stale uploads, old idempotency keys, old events."""
        with unit_of_work(self.database.sessions(), self._hold) as work:
            for upload in work.assets.stale_uploads():
                self.abort_upload(upload.object_key, upload.s3_upload_id)
                upload.aborted_at = clock.now()
            work.keys.forget_old()
            work.jobs.forget_events(self.settings.event_ttl)

    def _take_back(self) -> None:
        with unit_of_work(self.database.sessions(), self._hold) as work:
            taken = work.items.expired(self.settings.heartbeat_timeout)
        for item_id, kind, state in taken:
            log.warning("lease_taken_back", item_id=item_id, kind=kind.value, state=state.value)

    def _advance(self) -> None:
        with unit_of_work(self.database.sessions(), self._hold) as work:
            unfinished, unsettled = work.jobs.unfinished(), [*work.runs.unsettled(), *work.releases.unsettled()]
        for job_id in unfinished:
            with unit_of_work(self.database.sessions(), self._hold) as work:
                Advancer(work, self.settings.max_attempts).advance(job_id)
        for item_id in unsettled:
            with unit_of_work(self.database.sessions(), self._hold) as work:
                Advancer(work, self.settings.max_attempts).item_ended(item_id)

    def _ring(self) -> None:
        """As many tokens as items wait, less those that lie on the queue already."""
        with unit_of_work(self.database.sessions(), self._hold) as work:
            waiting = self._by_queue(work)
        try:
            for queue, count in waiting.items():
                missing = count - self.doorbell.backlog(queue)
                self.doorbell.ring_queue(queue, min(max(missing, 0), _MOST_RINGS))
        except (KombuError, RedisError, OSError) as error:
            log.warning("doorbell_failed", reason=repr(error))

    @staticmethod
    def _by_queue(work: UnitOfWork) -> dict[Queue, int]:
        found: dict[Queue, int] = {}
        for kind, (count, _) in work.items.waiting().items():
            found[QUEUE_OF[kind]] = found.get(QUEUE_OF[kind], 0) + count
        return found

    def _hold(self, _: Iterable[Ring]) -> None:
        """Rings of the steps before are not sent one by one: the last step counts what is missing."""
