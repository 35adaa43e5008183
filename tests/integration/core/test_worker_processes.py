"""A worker's pool processes die; what is left of them must not disturb its parent."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import psutil
import pytest
import redis as redis_client
from waiting import LIMIT, until

pytestmark = pytest.mark.stack

T = TypeVar("T")
APP = """
from dubbing.queue.app import make_celery
from dubbing.settings import QueueSettings, RedisSettings
app = make_celery(RedisSettings(), QueueSettings())
"""


@pytest.fixture
def worker(redis_url: str, tmp_path: Path) -> Iterator[psutil.Process]:
    """A worker without tasks, with one pool process, connected to the broker."""
    (tmp_path / "pool_app.py").write_text(APP)
    env = {**os.environ, "DUBLINE_REDIS_URL": redis_url, "PYTHONPATH": f"{tmp_path}:{os.pathsep.join(sys.path)}"}
    command = [
        sys.executable,
        "-m",
        "celery",
        "-A",
        "pool_app:app",
        "worker",
        "-Q",
        "pool-test",
        "-c",
        "1",
        "-n",
        "pool@%h",
        "-l",
        "INFO",
    ]
    with (tmp_path / "log").open("wb") as log:
        started = subprocess.Popen(command, env=env, stdout=log, stderr=log)
    process = psutil.Process(started.pid)
    try:
        until(lambda: b"ready." in (tmp_path / "log").read_bytes(), (tmp_path / "log").read_text)
        yield process
    finally:
        started.terminate()
        started.wait(LIMIT)


def of_each(process: psutil.Process, folder: str, read: Callable[[Path], T]) -> dict[str, T]:
    """What is read of each open descriptor; one that is closed meanwhile is none."""
    found: dict[str, T] = {}
    for file in Path(f"/proc/{process.pid}/{folder}").iterdir():
        with suppress(FileNotFoundError):
            found[file.name] = read(file)
    return found


def opened(process: psutil.Process) -> dict[str, int]:
    """Inode of each open descriptor."""
    return of_each(process, "fd", lambda file: file.stat().st_ino)


def sockets(process: psutil.Process) -> set[str]:
    return {link for link in of_each(process, "fd", lambda file: str(file.readlink())).values() if link.startswith("socket:")}


def watched(process: psutil.Process) -> set[tuple[str, int]]:
    """Descriptor and inode of everything that the process's event loops wait for."""
    lines = [line.split() for text in of_each(process, "fdinfo", Path.read_text).values() for line in text.splitlines()]
    return {
        (words[1], int(words[words.index("data:") + 3].removeprefix("ino:"), 16)) for words in lines if words[:1] == ["tfd:"]
    }


def replaced(worker: psutil.Process) -> psutil.Process:
    """Kill the pool process; returns the one that takes its place."""
    (first,) = worker.children()
    os.kill(first.pid, signal.SIGKILL)
    others: list[psutil.Process] = []

    def another() -> bool:
        others[:] = [child for child in worker.children() if child.pid != first.pid]
        return bool(others)

    until(another, "no process takes its place")
    return others[0]


def test_a_pool_process_that_replaces_a_killed_one_holds_none_of_its_parents_connections(worker: psutil.Process) -> None:
    second = replaced(worker)
    until(lambda: not sockets(second) & sockets(worker), "it holds its parent's connections")


def test_a_broker_that_goes_away_after_a_pool_process_was_killed_leaves_no_dead_descriptor_in_the_loop(
    worker: psutil.Process, redis_url: str
) -> None:
    second = replaced(worker)
    until(lambda: not sockets(second) & sockets(worker), "it holds its parent's connections")
    before = sockets(worker)
    redis_client.Redis.from_url(redis_url).client_kill_filter(_type="normal", skipme=True)
    until(lambda: before - sockets(worker) and sockets(worker) - before, "the worker does not connect again")
    until(lambda: watched(worker) <= set(opened(worker).items()), "the loop waits for dead descriptors")
