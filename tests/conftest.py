"""The real servers for tests: one stack per session, each server started when a test first asks for it."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dubbing.settings import S3Settings
from services.cli.stack.bootstrap import store_settings
from services.cli.stack.home import home_at
from services.cli.stack.local import LocalStack

if TYPE_CHECKING:
    from film import Film


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """An empty stack in a folder and on ports of its own; it ends with the session, even when pytest is killed."""
    stack = LocalStack(home_at(tmp_path_factory.mktemp("dubline")), owner=os.getpid())
    yield stack
    stack.destroy()


@pytest.fixture(scope="session")
def running(stack: LocalStack) -> Callable[..., dict[str, str]]:
    """Starts the named processes when they do not run yet, and gives the stack's settings."""

    def start(*names: str) -> dict[str, str]:
        stack.start(names)
        return stack.env()

    return start


@pytest.fixture(scope="session")
def database_url(running: Callable[..., dict[str, str]]) -> str:
    """An empty PostgreSQL database, as SQLAlchemy addresses it."""
    return running("postgres")["DUBLINE_DATABASE_URL"]


@pytest.fixture(scope="session")
def redis_url(running: Callable[..., dict[str, str]]) -> str:
    """A Valkey server."""
    return running("redis")["DUBLINE_REDIS_URL"]


@pytest.fixture(scope="session")
def s3_settings(running: Callable[..., dict[str, str]]) -> S3Settings:
    """An object store with an empty bucket."""
    return store_settings(running("s3"))


@pytest.fixture(scope="session")
def triton_url(running: Callable[..., dict[str, str]]) -> str:
    """host:port of the gRPC service of a Triton server with every model of the repository that has weights."""
    return running("triton")["DUBLINE_TRITON_URL"]


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """The whole system with the demonstration model, as ``dubline up`` starts it, but quicker to notice a dead worker.

    ``DUBLINE_ENGINE`` and ``DUBLINE_MODEL_REPO`` of the caller are kept, to try other engines and weights.
    """
    chosen = {name: os.environ[name] for name in ("DUBLINE_ENGINE", "DUBLINE_MODEL_REPO") if name in os.environ}
    quick = {"DUBLINE_QUEUE_HEARTBEAT": "1", "DUBLINE_QUEUE_HEARTBEAT_TIMEOUT": "10", "DUBLINE_QUEUE_SWEEP": "2"}
    system = LocalStack(home_at(tmp_path_factory.mktemp("system")), quick | chosen, owner=os.getpid())
    try:
        system.start()
        yield system
    finally:
        system.destroy()


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> "Film":
    """Four seconds of a speaker that code made, in two chunks, with a replacement track and the truth about both."""
    from film import make_film  # noqa: PLC0415 - unit tests need not wait for the renderer's imports

    return make_film(tmp_path_factory.mktemp("film"))


class TimeLeft:
    """Says every half minute how much of a long run is left, judged by the tests so far."""

    def __init__(self, config: pytest.Config) -> None:
        self._reporter = config.pluginmanager.get_plugin("terminalreporter")
        self._began = self._spoke = time.monotonic()
        self._total = self._done = 0

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self._total = len(session.items)

    def pytest_runtest_logfinish(self) -> None:
        self._done += 1
        now = time.monotonic()
        if self._reporter is None or now - self._spoke < 30:
            return
        self._spoke = now
        left = (now - self._began) * (self._total - self._done) / self._done
        self._reporter.write_line(f"  {self._done} of {self._total} tests, about {left / 60:.0f} min left")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out, and count as such, what needs an accelerator where there is none."""
    if Path("/dev/nvidia0").exists():
        return
    left_out = [item for item in items if item.get_closest_marker("gpu")]
    if left_out:
        items[:] = [item for item in items if item not in left_out]
        config.hook.pytest_deselected(items=left_out)


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(TimeLeft(config))
