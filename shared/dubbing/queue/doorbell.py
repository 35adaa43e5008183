"""Rings doorbells: one token on a queue for each item that waits. Losing or doubling any of them is harmless."""

from collections.abc import Sequence

import structlog
from celery import Celery
from kombu.exceptions import KombuError
from redis.exceptions import RedisError

from dubbing.domain.work import QUEUE_OF, Queue, Ring
from dubbing.queue.app import WORK_TASK
from dubbing.settings import QueueSettings

_BROKER_ERRORS = (KombuError, RedisError, OSError)
CONTEXT_HEADER = "dubline_context"
"""Message header with the log context of the sender (request_id, job_id ...)."""

log = structlog.get_logger()


class Doorbell:
    """Publishes tokens. A broker that is down costs a log line: the sweeper rings again."""

    def __init__(self, app: Celery, settings: QueueSettings) -> None:
        self._app = app
        self._settings = settings

    def ring(self, rings: Sequence[Ring]) -> None:
        """One token for each ring; never raises for a broker's sake."""
        context = {name: str(value) for name, value in structlog.contextvars.get_contextvars().items()}
        for done, (kind, item_id) in enumerate(rings):
            try:
                self._send(QUEUE_OF[kind], {**context, "rung_for": item_id})
            except _BROKER_ERRORS as error:
                log.warning("doorbell_failed", unrung=len(rings) - done, reason=repr(error))
                return

    def ring_queue(self, queue: Queue, times: int) -> None:
        """``times`` anonymous tokens; raises what the broker raises."""
        for _ in range(times):
            self._send(queue, {})

    def backlog(self, queue: Queue) -> int:
        """Tokens on a queue that no worker has taken yet; raises what the broker raises."""
        with self._app.connection_for_read() as connection:
            channel = connection.default_channel
            return int(channel.client.llen(queue.value))

    def _send(self, queue: Queue, context: dict[str, str]) -> None:
        limits = self._settings.limits[queue]
        self._app.send_task(
            WORK_TASK,
            args=(queue.value,),
            queue=queue.value,
            soft_time_limit=limits.soft,
            time_limit=limits.hard,
            headers={CONTEXT_HEADER: context},
        )
