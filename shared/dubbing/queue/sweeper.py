"""The sweeper: takes back dead leases, moves jobs whose last step was lost, rings for items that nobody was told about.

It tells of deadlines that may be missed.

It also ends on the inference server what dead workers began there.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import structlog
from kombu.exceptions import KombuError
from redis.exceptions import RedisError

from dubbing import clock
from dubbing.db.engine import AWAY, Database
from dubbing.db.unit_of_work import UnitOfWork, unit_of_work
from dubbing.domain.work import QUEUE_OF, OpenSequence, Queue, Ring
from dubbing.queue.doorbell import Doorbell
from dubbing.settings import QueueSettings
from dubbing.workflow import deadlines
from dubbing.workflow.advance import Advancer

_MOST_RINGS = 1000
# Several times as long as the inference server waits for the next block of a sequence.
_IDLE = 600.0

log = structlog.get_logger()


@dataclass
class Sweeper:
    """One round is ``sweep``; rounds may overlap, also between processes.

    Attributes:
        abort_upload: takes an object key and the store's upload id, and forgives an upload that is gone.
        end_sequence: ends a sequence; True when it has ended for sure, also when there was none.
    """

    database: Database
    doorbell: Doorbell
    settings: QueueSettings
    abort_upload: Callable[[str, str], None]
    end_sequence: Callable[[OpenSequence], bool]
    _grace_until: float = field(default=0.0, init=False)

    def sweep(self) -> None:
        """Leases, then jobs, then rings: each step finds what the one before it freed. Sequences last, as they may take long.

        Deadlines are watched once all that can move has moved.

        While the database is away nobody can show life. So after that holders get the time to do so before any is taken for
        dead: a failover costs no work that is under way.
        """
        try:
            if clock.monotonic() >= self._grace_until:
                self._take_back()
            self._advance()
            self._ring()
            self._watch_deadlines()
            self._end_sequences()
        except AWAY:
            self._grace_until = clock.monotonic() + self.settings.heartbeat_timeout
            raise

    def tidy(self) -> None:
        """Once an hour: stale uploads, old idempotency keys, old events and deliveries."""
        with unit_of_work(self.database.sessions(), self._hold) as work:
            for upload in work.assets.stale_uploads():
                self.abort_upload(upload.object_key, upload.s3_upload_id)
                upload.aborted_at = work.now()
            work.keys.forget_old()
            work.jobs.forget_events(self.settings.event_ttl)
            work.webhooks.forget(self.settings.event_ttl)

    def _take_back(self) -> None:
        with unit_of_work(self.database.sessions(), self._hold) as work:
            taken = work.items.expired(self.settings.heartbeat_timeout)
        for item_id, kind, state in taken:
            log.warning("lease_taken_back", item_id=item_id, kind=kind.value, state=state.value)

    def _advance(self) -> None:
        with unit_of_work(self.database.sessions(), self._hold) as work:
            unfinished = work.jobs.unfinished()
            unsettled = [*work.runs.unsettled(), *work.releases.unsettled(), *work.webhooks.unsettled()]
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

    def _watch_deadlines(self) -> None:
        """Tell of jobs that may miss their deadlines, while something can still be done."""
        with unit_of_work(self.database.sessions(), self._hold) as work:
            changed = deadlines.changed(work)
        for job_id, estimate in changed.items():
            with unit_of_work(self.database.sessions(), self.doorbell.ring) as work:
                risky = deadlines.settle(work, job_id, estimate)
                if risky is not None and risky.deadline is not None:
                    log.warning("deadline_at_risk", job_id=job_id, deadline=risky.deadline.isoformat())

    def _end_sequences(self) -> None:
        with unit_of_work(self.database.sessions(), self._hold) as work:
            work.items.forget_abandoned(_IDLE)
            left = work.items.abandoned()
        for item_id, sequence in left:
            if not self.end_sequence(sequence):
                return  # the server does not answer: the next round asks it again
            log.info("sequence_ended", item_id=item_id, model=sequence.model, sequence=sequence.id)
            with unit_of_work(self.database.sessions(), self._hold) as work:
                work.items.forget(item_id, sequence)

    @staticmethod
    def _by_queue(work: UnitOfWork) -> dict[Queue, int]:
        found: dict[Queue, int] = {}
        for kind, (count, _) in work.items.waiting().items():
            found[QUEUE_OF[kind]] = found.get(QUEUE_OF[kind], 0) + count
        return found

    def _hold(self, _: Iterable[Ring]) -> None:
        """Rings of the steps before are not sent one by one: the last step counts what is missing."""
