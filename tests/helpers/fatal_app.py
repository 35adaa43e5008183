"""A Celery application as the services make it, with handlers that files can kill."""

import hashlib
import os
import resource
import signal
from typing import Any

from dubbing.imports import lasting

with lasting():
    import platform_results as results

    from dubbing.db.engine import Database
    from dubbing.domain.work import WorkKind
    from dubbing.queue.app import make_celery
    from dubbing.queue.context import Context
    from dubbing.queue.doorbell import Doorbell
    from dubbing.queue.runner import Handlers, Runner
    from dubbing.queue.sweeper import Sweeper
    from dubbing.queue.tasks import add_maintenance_tasks, add_work_task
    from dubbing.settings import DatabaseSettings, QueueSettings, RedisSettings


def probe(task: Any, _: Context) -> Any:
    return results.probe(task).model_copy(update={"sha256": hashlib.sha256(task.filename.encode()).hexdigest()})


def prepare(task: Any, context: Context) -> Any:
    if task.source.filename == "overruns.mp4":
        os.kill(os.getpid(), signal.SIGSEGV)
    if task.source.filename == "greedy.mp4" and context.item.attempt < 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return results.prepare(task)


def encode_face(task: Any, context: Context) -> Any:
    """Nothing is wrong with the file: its first holder was only killed."""
    if task.source.filename == "unlucky.mp4" and context.item.attempt == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return results.encode(task)


def stitch(task: Any, _: Context) -> Any:
    if task.video.filename == "asserts.mp4":
        os.abort()
    return results.stitch(task)


resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
settings = QueueSettings()
app = make_celery(RedisSettings(), settings)
_doorbell, _database, _handlers = Doorbell(app, settings), Database(DatabaseSettings()), Handlers()
for _kind in WorkKind:
    _handlers.add(_kind, lambda task, _, kind=_kind: results.answer(kind, task))
for _name, _handler in (("probe", probe), ("prepare", prepare), ("encode_face", encode_face), ("stitch", stitch)):
    _handlers.add(_name, _handler)
add_work_task(app, Runner(_database, _doorbell.ring, _handlers, settings, app="fatal_app:app"))
add_maintenance_tasks(app, Sweeper(_database, _doorbell, settings, lambda *_: None, lambda _: True))
