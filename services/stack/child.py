"""One supervised process: started in a group of its own, watched, restarted with growing pauses, ended as a group.

It is restarted when it ends, and when it neither answers nor does anything, unless it keeps data: a process that hangs never
ends by itself. Whatever works is left to work, however long.
"""

import math
import signal
import subprocess
import time
from contextlib import suppress

import psutil

from services.stack import reap
from services.stack.files import open_private
from services.stack.home import Home
from services.stack.plan import ProcessPhase, ProcessSpec, ProcessStatus
from services.stack.probes import is_healthy
from services.stack.watchdog import Watchdog

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
# A process that ran this long was healthy, so that its next crash starts the pauses from the beginning.
STEADY = 30.0
PROBE_EVERY = 3.0
# Probes in a row that a process may miss: each waits for a second only, in which a busy machine may let it wait.
MISSES = 2
LOG_LIMIT = 16 * 2**20


class Child:
    """Keeps one process of the plan running.

    Args:
        spec: what to run.
        home: where its log goes.
    """

    def __init__(self, spec: ProcessSpec, home: Home) -> None:
        self.spec = spec
        self.status = ProcessStatus(name=spec.name, phase=ProcessPhase.STOPPED, since=time.time())
        self._home = home
        self._process: subprocess.Popen[bytes] | None = None
        self._family: list[psutil.Process] = []
        self._started = 0.0
        self._failures = 0
        self._retry_at = 0.0
        self._probe_at = 0.0
        self._missed = 0
        self._watchdog = Watchdog(longest=math.inf)

    def start(self) -> None:
        """Starts the process; its output goes to its log."""
        log = self._home.log_of(self.spec.name)
        if log.exists() and log.stat().st_size > LOG_LIMIT:
            log.replace(log.with_suffix(".log.1"))
        marker = {reap.MARKER: f"{self._home.root}:{self.spec.name}"}
        self._started = time.monotonic()
        try:
            with open_private(log) as output:
                self._process = subprocess.Popen(  # noqa: S603 - the plan is our own file, mode 0600
                    self.spec.command,
                    cwd=self.spec.cwd,
                    env={**self.spec.env, **marker},
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    umask=0o077,
                    user=self.spec.uid,
                    group=self.spec.gid,
                    extra_groups=None if self.spec.uid is None else [],
                )
        except OSError as error:
            self._crashed(f"could not start: {error}")
            return
        created = None
        with suppress(psutil.NoSuchProcess):
            created = psutil.Process(self._process.pid).create_time()
        self._move(ProcessPhase.STARTING, pid=self._process.pid, created=created)

    def tick(self) -> None:
        """Looks after the process once: notices its end, starts it again when its pause is over, probes it."""
        now = time.monotonic()
        if self._process is None:
            if self.status.phase is ProcessPhase.BACKING_OFF and now >= self._retry_at:
                self.status = self.status.model_copy(update={"restarts": self.status.restarts + 1})
                self.start()
            return
        code = self._process.poll()
        if code is not None:
            self._ended(self._process, _ending(code))
        elif now >= self._probe_at:
            self._probe(self._process, now)

    def ask_to_stop(self) -> None:
        """Sends the stop signal to the leader; `stopped` completes it.

        The family is noted first: once the leader is gone, nothing tells whose its children were.
        """
        if self._process is not None and self._process.poll() is None:
            self._family = reap.process_tree(self._process.pid)
            self._process.send_signal(self.spec.stop_signal)

    def stopped(self) -> None:
        """Waits for the end up to the grace, then ends the whole group by force."""
        if self._process is None:
            self._move(ProcessPhase.STOPPED)
            return
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(self.spec.grace)
        reap.kill_group(self._process.pid)
        reap.end(self._family, 0.0)
        self._process.wait()
        self._process = None
        self._move(ProcessPhase.STOPPED, pid=None, created=None)

    def _probe(self, process: subprocess.Popen[bytes], now: float) -> None:
        healthy = is_healthy(self.spec.probe, now - self._started)
        self._missed = 0 if healthy else self._missed + 1
        starting = self.status.phase is ProcessPhase.STARTING
        self._probe_at = now if starting and not healthy else now + PROBE_EVERY
        if now - self._started > STEADY:
            self._failures = 0
        if healthy and self.status.phase is not ProcessPhase.RUNNING:
            self._move(ProcessPhase.RUNNING)
        elif self._missed > MISSES and self.status.phase is ProcessPhase.RUNNING:
            self._move(ProcessPhase.UNHEALTHY)
        elif (
            self.status.phase is not ProcessPhase.RUNNING
            and not self.spec.keeps_data
            and (why := self._watchdog.stall_reason(self.status))
        ):
            self._ended(process, why)

    def _ended(self, process: subprocess.Popen[bytes], ending: str) -> None:
        """It has ended, or is ended now because it hangs: with all that belongs to it, by force."""
        reap.kill_group(process.pid)
        reap.end(reap.marked(f"{self._home.root}:{self.spec.name}"), 0.0)
        process.wait()
        self._crashed(ending)

    def _crashed(self, ending: str) -> None:
        self._process = None
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2**self._failures)
        self._failures += 1
        self._retry_at = time.monotonic() + pause
        self._move(ProcessPhase.BACKING_OFF, pid=None, created=None, last_exit=ending)

    def _move(self, phase: ProcessPhase, **changes: object) -> None:
        self._watchdog = Watchdog(longest=math.inf)
        self.status = self.status.model_copy(update={"phase": phase, "since": time.time(), **changes})


def _ending(code: int) -> str:
    if code < 0:
        with suppress(ValueError):
            return f"killed by {signal.Signals(-code).name}"
    return f"exited with {code}"
