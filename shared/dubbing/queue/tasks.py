"""The Celery tasks: thin, since a message is only a token."""

from typing import Any

import structlog
from celery import Celery, Task

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
        context.pop("service", None)
        with structlog.contextvars.bound_contextvars(**context):
            return self.run(*args, **kwargs)


def add_work_task(app: Celery, runner: Runner) -> None:
    """The task of prepare, infer and stitch workers: one token, one item."""

    @app.task(name=WORK_TASK, base=BoundTask)  # type: ignore[untyped-decorator]
    def work(queue: str) -> None:
        runner.run_next(queue)


def add_maintenance_tasks(app: Celery, sweeper: Sweeper) -> None:
    """The tasks of the maintenance worker, sent by beat."""

    @app.task(name=SWEEP_TASK, base=BoundTask)  # type: ignore[untyped-decorator]
    def sweep() -> None:
        sweeper.sweep()

    @app.task(name=TIDY_TASK, base=BoundTask)  # type: ignore[untyped-decorator]
    def tidy() -> None:
        sweeper.tidy()
