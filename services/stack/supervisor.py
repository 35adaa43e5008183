"""Makes the plan true and keeps it true: the daemon behind ``dubline up``.

The plan is a file that ``up`` replaces and the status a file that ``status`` reads, so there is no control protocol, and
either side can be killed and started again at any time.
"""

import ctypes
import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
from pydantic import ValidationError

from services.stack import reap
from services.stack.child import Child
from services.stack.errors import StackError
from services.stack.files import exclusive, write_private
from services.stack.home import Home
from services.stack.plan import ProcessPlan, StackStatus

# To be raised when processes must be started in another way: `up` replaces a supervisor of another edition with all it runs.
EDITION = 2
TICK = 0.1
_PR_SET_CHILD_SUBREAPER = 36


def plan_file(home: Home) -> Path:
    """Where ``up`` writes what should run."""
    return home.run / "plan.json"


def status_file(home: Home) -> Path:
    """Where the supervisor writes what runs."""
    return home.run / "status.json"


def lock_file(home: Home) -> Path:
    """Held by the supervisor as long as it lives."""
    return home.run / "supervisor.lock"


def read_status(home: Home) -> StackStatus:
    """What the supervisor wrote last; empty when it never ran."""
    try:
        return StackStatus.model_validate_json(status_file(home).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValidationError):
        return StackStatus()


class Supervisor:
    """Runs the children of one home until it is asked to stop.

    Args:
        home: the stack's folder.
    """

    def __init__(self, home: Home) -> None:
        self._home = home
        self._children: dict[str, Child] = {}
        self._plan = ProcessPlan()
        self._plan_stamp = 0
        self._written = ""
        self._stopping = False

    def stop(self, *_: object) -> None:
        """Asks the loop to end; also the signal handler."""
        self._stopping = True

    def run(self) -> None:
        """Supervises until `stop`, or until the plan's owner is gone; leaves no process behind."""
        reap.end(self._orphans(), 3.0)
        try:
            while not self._stopping and self._owned():
                self._reconcile()
                for child in self._children.values():
                    child.tick()
                _reap_strangers({child.status.pid for child in self._children.values()})
                self._report()
                time.sleep(TICK)
        finally:
            self._stop(list(self._children.values()))
            reap.end(psutil.Process().children(recursive=True), 1.0)
            self._report()

    def _orphans(self) -> list[psutil.Process]:
        return [*reap.recorded(read_status(self._home).processes), *reap.marked(str(self._home.root))]

    def _owned(self) -> bool:
        return self._plan.owner is None or psutil.pid_exists(self._plan.owner)

    def _reconcile(self) -> None:
        try:
            stamp = plan_file(self._home).stat().st_mtime_ns
        except FileNotFoundError:
            return
        if stamp == self._plan_stamp:
            return
        self._plan = ProcessPlan.model_validate_json(plan_file(self._home).read_text(encoding="utf-8"))
        self._plan_stamp = stamp
        wanted = {spec.name: spec for spec in self._plan.processes}
        stale = [child for name, child in self._children.items() if wanted.get(name) != child.spec]
        self._stop(stale)
        for child in stale:
            del self._children[child.spec.name]
        for name, spec in wanted.items():
            if name not in self._children:
                self._children[name] = Child(spec, self._home)
                self._children[name].start()

    def _stop(self, children: list[Child]) -> None:
        """Stops ``children`` tier by tier: who needs others goes before them."""
        for tier in sorted({child.spec.tier for child in children}, reverse=True):
            group = [child for child in children if child.spec.tier == tier]
            for child in group:
                child.ask_to_stop()
            for child in group:
                child.stopped()

    def _report(self) -> None:
        status = StackStatus(
            supervisor=os.getpid(),
            edition=EDITION,
            generation=self._plan.generation,
            processes=tuple(child.status for child in self._children.values()),
        )
        text = status.model_dump_json(indent=2)
        if text != self._written:
            write_private(status_file(self._home), text)
            self._written = text


def _reap_strangers(own: set[int | None]) -> None:
    """Collects ended grandchildren: as subreaper we inherit them, and nobody else will wait for them."""
    with suppress(ChildProcessError):
        # WNOWAIT only looks: a child of our own is left to whoever polls it.
        while ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            if ended.si_pid in own:
                return
            os.waitpid(ended.si_pid, os.WNOHANG)


def main() -> int:
    """Entry point of the daemon: ``python -m services.stack.supervisor HOME WHEELS``."""
    home = Home(Path(sys.argv[1]), Path(sys.argv[2]))
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        with exclusive(lock_file(home), wait=False):
            write_private(home.run / "supervisor.pid", f"{os.getpid()}\n")
            supervisor = Supervisor(home)
            signal.signal(signal.SIGTERM, supervisor.stop)
            signal.signal(signal.SIGINT, supervisor.stop)
            supervisor.run()
    except StackError:
        return 0  # another supervisor of this home is faster; it reads the same plan
    return 0


if __name__ == "__main__":
    sys.exit(main())
