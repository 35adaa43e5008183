"""Faults of many kinds at random moments, drawn from a seed, against a system that has work to do."""

import os
import random
import shutil
import signal
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

import psutil
import psycopg
import redis
from line import Line, Manner

from dubbing.domain.work import Queue
from services.stack import reap
from services.stack.local import LocalStack
from services.stack.plan import ProcessPhase, ProcessStatus
from services.stack.table import USUAL_PROCESSES

Fault = Callable[[], None]
_WORKERS = tuple(name for name in USUAL_PROCESSES if name.startswith("worker-"))
_LONGEST_STOP = 15.0  # longer than a holder may be silent
_LONGEST_BAD_LINE = 8.0
_LONGEST_FULL = 8.0
_PATIENCE = 600.0
_QUEUES = (Queue.PREPARE, Queue.INFER, Queue.STITCH, Queue.MAINTENANCE)


class Place(NamedTuple):
    """What is struck.

    Attributes:
        system: the platform, without its object store.
        store: the stack of the object store.
        line: between the two.
        disk: a small one that the workers write to; None where nobody may make one.
    """

    system: LocalStack
    store: LocalStack
    line: Line
    disk: Path | None


class Chaos:
    """Strikes a system.

    Args:
        place: that is struck.
        seed: of all that is drawn: which fault, whom, when and for how long.

    Attributes:
        kinds: the names of all faults that there are.
        struck: the faults so far: when (by the monotonic clock), and what.
        recovered: seconds until a process that was killed ran again, by its name.
    """

    def __init__(self, place: Place, seed: int) -> None:
        self._system, self._store, self._line, self._disk = place
        self._random = random.Random(seed)
        self._watches: list[threading.Thread] = []
        self._began: list[threading.Timer] = []
        self.struck: list[tuple[float, str]] = []
        self.recovered: dict[str, list[float]] = defaultdict(list)
        self.kinds = frozenset(self._kinds())

    def storm(self, faults: int, seconds: float, over: threading.Event) -> None:
        """``faults`` faults, about ``seconds`` in all; it ends sooner when ``over`` is set."""
        kinds = list(self._kinds().items())
        deck: list[tuple[str, Fault]] = []
        while len(self.struck) < faults and not over.wait(self._random.expovariate(faults / seconds)):
            if not deck:  # each kind once, in another order each time
                deck = self._random.sample(kinds, len(kinds))
            name, fault = deck.pop()
            now = time.monotonic()
            try:
                fault()
            except (psutil.Error, ProcessLookupError, psycopg.OperationalError, redis.RedisError, IndexError):
                deck.insert(0, (name, fault))  # whom it would hit is not there just now, because of the fault before
            else:
                self.struck.append((now, name))

    def is_well(self) -> bool:
        """Whether every process of the plan runs, or is stopped by choice."""
        return all(_is_well(process) for stack in (self._system, self._store) for process in stack.status().processes)

    def ills(self) -> str:
        """What keeps the system from being well: each such process, and the end of its log."""
        found = [(stack, process) for stack in (self._system, self._store) for process in stack.status().processes]
        return "\n".join(f"{process!r}\n{stack.tail(process.name, 40)}" for stack, process in found if not _is_well(process))

    def strays(self) -> list[int]:
        """Processes of the system that are in no family of one that it knows of."""
        families = {process.pid for process in reap.recorded(self._system.status().processes)}
        supervisor = set(_family(self._system.status().supervisor))
        return [process.pid for process in reap.marked(str(self._system.home.root)) if process.pid not in families | supervisor]

    def _kinds(self) -> dict[str, Fault]:
        killed = {f"{name} killed": partial(self._kill, name) for name in USUAL_PROCESSES if name not in {"redis", "s3"}}
        bad = {"slow": Manner.SLOW, "answers 500": Manner.FAILING, "cuts its answers": Manner.CUTTING}
        kinds = {
            **killed,
            "s3 killed": lambda: self._kill("s3", self._store),
            **{f"s3 {words}": partial(self._spoil, manner) for words, manner in bad.items()},
            "redis killed and emptied": self._lose_redis,
            "postgres restarted": lambda: self._kill("postgres", how=signal.SIGINT),
            "postgres only reads": self._only_read,
            "a pool process killed": lambda: os.kill(self._pool_process(), signal.SIGKILL),
            "a process of a model killed": lambda: os.kill(self._stub(), signal.SIGKILL),
            "a pool process stopped": lambda: self._stop(self._pool_process()),
            "a worker stopped": lambda: self._stop(self._pid(self._random.choice(_WORKERS))),
            "a process of a model stopped": lambda: self._stop(self._stub()),
            "triton stopped": lambda: self._stop(self._pid("triton")),
            "api stopped": lambda: self._stop(self._pid("api")),
            "beat stopped": lambda: self._stop(self._pid("beat")),
            "messages dropped": self._drop_messages,
            "messages doubled": self._double_messages,
        }
        return kinds if self._disk is None else {**kinds, "disk full": self._fill}

    def settle(self, seconds: float) -> bool:
        """Waits until everything runs again; whether it does."""
        deadline = time.monotonic() + seconds
        for waited in (*self._began, *self._watches):
            waited.join(max(0.0, deadline - time.monotonic()))
        while not (well := self.is_well()) and time.monotonic() < deadline:
            time.sleep(0.5)
        return well

    def _kill(self, name: str, stack: LocalStack | None = None, how: signal.Signals = signal.SIGKILL) -> None:
        stack = stack or self._system
        before = stack.status().of(name)
        if before.pid is None:
            raise ProcessLookupError(name)
        os.kill(before.pid, how)
        watch = threading.Thread(target=self._time, args=(stack, name, before.restarts, time.monotonic()), daemon=True)
        watch.start()
        self._watches.append(watch)

    def _time(self, stack: LocalStack, name: str, restarts: int, began: float) -> None:
        while time.monotonic() - began < _PATIENCE:
            found = stack.status().of(name)
            if found.restarts > restarts and found.phase is ProcessPhase.RUNNING:
                self.recovered[name].append(time.monotonic() - began)
                return
            time.sleep(0.1)

    def _pid(self, name: str) -> int:
        pid = self._system.status().of(name).pid
        if pid is None:
            raise ProcessLookupError(name)
        return pid

    def _pool_process(self) -> int:
        return self._random.choice(psutil.Process(self._pid(self._random.choice(_WORKERS))).children()).pid

    def _stub(self) -> int:
        found = psutil.Process(self._pid("triton")).children(recursive=True)
        stubs = [process for process in found if process.status() != psutil.STATUS_ZOMBIE and _is_stub(process)]
        return self._random.choice(stubs).pid

    def _stop(self, pid: int) -> None:
        """For a while; it goes on meanwhile that others are struck."""
        os.kill(pid, signal.SIGSTOP)
        self._later(_LONGEST_STOP, partial(_go_on, pid))

    def _spoil(self, manner: Manner) -> None:
        self._line.manner = manner
        self._later(_LONGEST_BAD_LINE, partial(setattr, self._line, "manner", Manner.GOOD))

    def _fill(self) -> None:
        """The disk is full; for a while."""
        assert self._disk is not None
        file = self._disk / "in the way"
        with suppress(OSError), file.open("wb") as filled:
            while True:
                filled.write(bytes(1 << 16))
        self._later(_LONGEST_FULL, partial(file.unlink, missing_ok=True))

    def _later(self, most: float, end: Callable[[], object]) -> None:
        """Ends a fault after a while; others strike meanwhile."""
        timer = threading.Timer(self._random.uniform(0.5, most), end)
        timer.start()
        self._began.append(timer)

    def _lose_redis(self) -> None:
        self._kill("redis")
        shutil.rmtree(self._system.home.data / "redis" / "appendonlydir", ignore_errors=True)

    def _only_read(self) -> None:
        address = self._system.env()["DUBLINE_DATABASE_URL"].replace("+psycopg", "")
        with psycopg.connect(address, autocommit=True, options="-c default_transaction_read_only=off") as database:
            database.execute("ALTER DATABASE dubline SET default_transaction_read_only = on")
            database.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            time.sleep(self._random.uniform(0.5, 3.0))
            database.execute("ALTER DATABASE dubline RESET default_transaction_read_only")

    def _drop_messages(self) -> None:
        with redis.Redis.from_url(self._system.env()["DUBLINE_REDIS_URL"]) as broker:
            broker.delete(*(queue.value for queue in _QUEUES))

    def _double_messages(self) -> None:
        with redis.Redis.from_url(self._system.env()["DUBLINE_REDIS_URL"]) as broker:
            for queue in _QUEUES:
                for message in broker.lrange(queue.value, 0, -1):
                    broker.lpush(queue.value, message)


def _is_well(process: ProcessStatus) -> bool:
    return process.phase in {ProcessPhase.RUNNING, ProcessPhase.STOPPED, ProcessPhase.EXTERNAL}


def _is_stub(process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        return "python_backend_stub" in " ".join(process.cmdline()[:1])
    return False


def _go_on(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)


def _family(pid: int | None) -> list[int]:
    return [] if pid is None else [process.pid for process in reap.process_tree(pid)]
