"""Entry point: ``celery -A services.worker.beat:app beat``.

Beat only sends, so it knows nothing of the work: with the workers' own application it held four times the memory.
"""

from celery import Celery

from dubbing.logging import configure_logging
from dubbing.proxies import bypass_for_loopback
from dubbing.queue.app import make_celery
from dubbing.settings import LoggingSettings, QueueSettings, RedisSettings


def make_beat() -> Celery:
    """The Celery application of beat: the schedule of the sweeper's rounds, and no tasks."""
    bypass_for_loopback()
    configure_logging(LoggingSettings(), "beat")
    return make_celery(RedisSettings(), QueueSettings())


app = make_beat()
