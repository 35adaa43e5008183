"""The Celery tasks: thin, since a message is only a token."""

from collections.abc import Callable
from typing import Any

import structlog
from celery import Celery, Task

from dubbing import clock
from dubbing.queue.app import SWEEP_TASK, TIDY_TASK, WORK_TASK
from dubbing.queue.doorbell import CONTEXT_HEADER
from dubbing.queue.runner import Runner
from dubbing.queue.sweeper import Sweeper


class BoundTask(Task):  # type: ignore[misc]  # celery ships no types
    """Binds the sender's log context around every run."""

    abstract = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run with the context of the message."""
        headers = self.request.headers or {}
        context = {**headers.get(CONTEXT_HEADER, {}), "task_id": self.request.id}
        with structlog.contextvars.bound_contextvars(**context):
            return self.run(*args, **kwargs)


class Throttled:
    """Calls ``do``, but not again within ``seconds`` of the end of the last call in this process.

    What beat has sent while no worker listened comes all at once, and is one round. Messages that expire would not do: Celery
    compares the time of day of beat's host with the worker's, and where these differ, every message may have expired.
    """

    def __init__(self, do: Callable[[], None], seconds: float) -> None:
        self._do = do
        self._seconds = seconds
        self._ended: float | None = None

    def __call__(self) -> None:
        """A round, unless there was one just now."""
        if self._ended is not None and clock.monotonic() - self._ended < self._seconds:
            return
        try:
            self._do()
        finally:
            self._ended = clock.monotonic()


def add_work_task(app: Celery, runner: Runner) -> None:
    """The task of prepare, infer and stitch workers: one token, one item."""

    @app.task(name=WORK_TASK, base=BoundTask)  # type: ignore[untyped-decorator]
    def work(queue: str) -> None:
        runner.run_next(queue)

    work.runner = runner  # for work that is done alone, in a process that imports the application


def add_maintenance_tasks(app: Celery, sweeper: Sweeper) -> None:
    """The tasks of the maintenance worker, sent by beat."""
    sweep_round, tidy_round = Throttled(sweeper.sweep, sweeper.settings.sweep / 2), Throttled(sweeper.tidy, 60.0)

    @app.task(name=SWEEP_TASK, base=BoundTask)  # type: ignore[untyped-decorator]
    def sweep() -> None:
        sweep_round()

    @app.task(name=TIDY_TASK, base=BoundTask)  # type: ignore[untyped-decorator]
    def tidy() -> None:
        tidy_round()
