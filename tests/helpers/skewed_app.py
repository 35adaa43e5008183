"""A Celery application as the services make it, whose handlers know their answers."""

import time
from typing import Any

from dubbing.imports import lasting

with lasting():
    import platform_results as results

    from dubbing.db.engine import Database
    from dubbing.domain.work import WorkKind
    from dubbing.errors import ModelUnavailable
    from dubbing.queue.app import make_celery
    from dubbing.queue.context import Context
    from dubbing.queue.doorbell import Doorbell
    from dubbing.queue.runner import Handlers, Runner
    from dubbing.queue.sweeper import Sweeper
    from dubbing.queue.tasks import add_maintenance_tasks, add_work_task
    from dubbing.settings import DatabaseSettings, QueueSettings, RedisSettings

SECONDS = 3.0  # of a chunk


def infer(task: Any, context: Context) -> Any:
    """Fails once, for a reason that passes, then works for some seconds."""
    if context.item.outages == 0:
        raise ModelUnavailable("It is away at first.")
    began = time.monotonic()
    while time.monotonic() - began < SECONDS:
        context.progress(1, 2)
        time.sleep(0.05)
    return results.infer(task)


settings = QueueSettings()
app = make_celery(RedisSettings(), settings)
_doorbell, _database, _handlers = Doorbell(app, settings), Database(DatabaseSettings()), Handlers()
for _kind in WorkKind:
    _handlers.add(_kind, lambda task, _, kind=_kind: results.answer(kind, task))
_handlers.add("infer", infer)
add_work_task(app, Runner(_database, _doorbell.ring, _handlers, settings))
add_maintenance_tasks(app, Sweeper(_database, _doorbell, settings, lambda *_: None, lambda _: True))
