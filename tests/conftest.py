"""The real servers for tests: one stack per session, each server started when a test first asks for it."""

import gc
import os
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if "PYTEST_XDIST_WORKER" in os.environ:
    # As many processes as cores run already; more threads would only wait for each other. Read when torch is imported.
    os.environ |= {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive"}

import pytest
from once import made_once
from quick import QUICK

from dubbing.proxies import bypass_for_loopback
from dubbing.settings import S3Settings
from services.stack import ports
from services.stack.bootstrap import store_settings
from services.stack.home import home_at
from services.stack.local import LocalStack

if TYPE_CHECKING:
    from film import Film


bypass_for_loopback()  # before any client reads the environment


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

    It may ask buckets of customers at this machine's own address.
    ``DUBLINE_ENGINE`` and ``DUBLINE_MODEL_REPO`` of the caller are kept, to try other engines and weights.
    """
    chosen = {name: os.environ[name] for name in ("DUBLINE_ENGINE", "DUBLINE_MODEL_REPO") if name in os.environ}
    from web_server import HERE  # noqa: PLC0415 - unit tests need no network

    opened = {"DUBLINE_BUCKET_RANGES": HERE, "DUBLINE_BUCKET_HTTP_HOSTS": HERE}
    system = LocalStack(home_at(tmp_path_factory.mktemp("system")), QUICK | opened | chosen, owner=os.getpid())
    try:
        system.start()
        yield system
    finally:
        system.destroy()


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> "Film":
    """Four seconds of a speaker that code made, in two chunks, with a replacement track and the truth about both."""
    from film import make_film  # noqa: PLC0415 - unit tests need not wait for the renderer's imports

    return made_once(tmp_path_factory, "film", make_film)


# Files that share a stack run in one process, one after another; every other file may run beside them. (xdist's own groups, by
# marks, need the suffix that it puts on a test's id: with this pytest it puts none, and every test goes its own way.)
STACKS = {
    "storm": ("tests/e2e/test_chaos.py",),
    "system": (
        *("tests/contracts/test_lip_sync_engine.py", "tests/e2e/"),
        *("tests/integration/test_command_line.py", "tests/integration/test_closed_doors.py"),
    ),
    "training": ("tests/integration/core/test_training_",),
    "stack": (
        "tests/contracts/",
        "tests/integration/core/",
        "tests/integration/test_pipeline_",
        "tests/integration/test_alerts.py",
    ),
    "random_models": ("tests/integration/test_triton_models.py", "tests/integration/test_triton_syncnet.py"),
}
# What a test of these folders takes, in tests of the others, roughly.
DEAR, COSTS = ("tests/e2e/", "tests/integration/", "tests/model/"), 12


def seed_from(name: str) -> None:
    """What is drawn without a generator follows from the name alone, not from which tests came before in this process."""
    number = zlib.crc32(name.encode())
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(number)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(number)


@pytest.hookimpl(tryfirst=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest) -> None:
    """A fixture draws the same whichever test asks for it first."""
    seed_from(f"{fixturedef.argname} {request.node.nodeid}")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> None:
    """So does a test."""
    seed_from(item.nodeid)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out, and count as such, what needs an accelerator where there is none; long groups of a shared run come first."""
    if not Path("/dev/nvidia0").exists():
        left_out = [item for item in items if item.get_closest_marker("gpu")]
        if left_out:
            items[:] = [item for item in items if item not in left_out]
            config.hook.pytest_deselected(items=left_out)
    for item in items:
        for stack in set(STACKS) & set(getattr(item, "fixturenames", ())):
            if group_of(item.nodeid) not in {stack, "storm", "training"}:
                raise pytest.UsageError(f"{item.nodeid} uses {stack!r}, so its file belongs into STACKS of {__file__}")
    if "PYTEST_XDIST_WORKER" in os.environ:
        slow = {group_of(item.nodeid) for item in items if item.get_closest_marker("slow")}
        items.sort(key=lambda item: (group_of(item.nodeid) not in STACKS, group_of(item.nodeid) not in slow))


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """From here on there is garbage, but none in what is there already."""
    gc.freeze()
    gc.enable()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Several processes (``-n 2``) share the tests out by groups, in the order of the collection."""
    from xdist.scheduler import LoadScopeScheduling  # noqa: PLC0415 - not there without the plugin

    class ByGroup(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return group_of(nodeid)

    config.option.loadscopereorder = False
    return ByGroup(config, log)


def group_of(nodeid: str) -> str:
    """Tests of one group run in one process: those that share a stack, or else those of a file, which share its fixtures."""
    file = nodeid.partition("::")[0]
    return next((stack for stack, files in STACKS.items() if file.startswith(files)), file)


class TimeLeft:
    """Says every half minute how much of a long run is left, by the pace so far; slow tests come first, and weigh more."""

    def __init__(self, config: pytest.Config) -> None:
        self._plugins = config.pluginmanager
        self._began = self._spoke = time.monotonic()
        self._total = self._done = self._weight = self._weight_done = 0

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self._expect([item.nodeid for item in session.items])

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: list[str]) -> None:
        """Every worker has collected the same tests."""
        self._expect(ids)

    def _expect(self, ids: list[str]) -> None:
        self._total, self._weight = len(ids), sum(map(weight_of, ids))

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        self._done += 1
        self._weight_done += weight_of(nodeid)
        now = time.monotonic()
        reporter = self._plugins.get_plugin("terminalreporter")  # a process that shares a run has none
        if reporter is not None and now - self._spoke >= 30:
            self._spoke = now
            left = (now - self._began) / self._weight_done * (self._weight - self._weight_done)
            reporter.write_line(f"  {self._done} of {self._total} tests, about {left / 60:.0f} min left")


def weight_of(nodeid: str) -> int:
    """Of a test, by its folder."""
    return COSTS if nodeid.startswith(DEAR) else 1


def pytest_configure(config: pytest.Config) -> None:
    gc.disable()  # nothing of what is imported and collected goes before the end: to look for garbage in it takes seconds
    config.pluginmanager.register(TimeLeft(config))
    if worker := os.environ.get("PYTEST_XDIST_WORKER"):
        # A part of the range for each process: both look for free ports before the servers of either listen.
        width = (ports.LAST - ports.FIRST) // int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
        ports.FIRST += int(worker.removeprefix("gw")) * width
        ports.LAST = ports.FIRST + width
