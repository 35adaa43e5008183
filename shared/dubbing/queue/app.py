"""The Celery application, set for long tasks whose truth is in PostgreSQL."""

from celery import Celery

from dubbing.domain.work import Queue
from dubbing.queue.acknowledging import let_go_of_messages
from dubbing.queue.children import drop_inherited_sockets
from dubbing.queue.liveness import touch_liveness_file
from dubbing.settings import QueueSettings, RedisSettings

WORK_TASK = "dubline.work"
SWEEP_TASK = "dubline.sweep"
TIDY_TASK = "dubline.tidy"


def make_celery(redis: RedisSettings, queue: QueueSettings) -> Celery:
    """An application without tasks; `dubbing.queue.tasks` adds them in workers."""
    if queue.life is not None:
        touch_liveness_file(queue.life)
    drop_inherited_sockets()
    let_go_of_messages()
    app = Celery("dubline", set_as_current=False)
    app.conf.update(
        broker_url=redis.url,
        broker_transport_options={
            "visibility_timeout": queue.visibility_timeout,
            "socket_connect_timeout": 2,  # a dead broker must not hold up a request; the sweeper rings again
            "socket_timeout": 10,
            "socket_keepalive": True,
            "max_retries": 0,
        },
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,  # workers wait for a broker that restarts, however long
        task_publish_retry=False,
        task_acks_late=True,  # a message dies with its work done, not with its delivery
        task_reject_on_worker_lost=True,
        worker_prefetch_multiplier=1,  # a token in hand of a busy worker helps nobody
        task_ignore_result=True,  # results are rows
        task_default_queue=Queue.MAINTENANCE,
        task_serializer="json",
        accept_content=["json"],
        worker_hijack_root_logger=False,
        worker_enable_remote_control=False,
        beat_scheduler="celery.beat:Scheduler",  # in memory: two periodic tasks need no file
        beat_schedule={
            "sweep": {"task": SWEEP_TASK, "schedule": queue.sweep, "options": {"queue": Queue.MAINTENANCE}},
            "tidy": {"task": TIDY_TASK, "schedule": 3600.0, "options": {"queue": Queue.MAINTENANCE}},
        },
    )
    return app
