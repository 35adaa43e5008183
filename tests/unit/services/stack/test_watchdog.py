import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from services.stack.plan import ProcessPhase, ProcessStatus
from services.stack.watchdog import StartWatchdog


@pytest.fixture
def running() -> Iterator[Callable[[str], ProcessStatus]]:
    started = []

    def start(code: str) -> ProcessStatus:
        started.append(subprocess.Popen([sys.executable, "-c", code]))
        return ProcessStatus(name="server", phase=ProcessPhase.STARTING, pid=started[-1].pid)

    yield start
    for process in started:
        process.kill()
        process.wait()


def given_up(watchdog: StartWatchdog, process: ProcessStatus, seconds: float = 60.0) -> str | None:
    """Why the wait ends, None when it lasted until ``seconds``."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if why := watchdog.stall_reason(process):
            return why
        time.sleep(0.05)
    return None


def test_a_process_that_does_nothing_is_given_up(running: Callable[[str], ProcessStatus]) -> None:
    why = given_up(StartWatchdog(stuck=1.0), running("import time; time.sleep(600)"))
    assert why is not None
    assert "done nothing" in why


def test_a_process_that_works_is_waited_for_longer_than_one_that_does_nothing(running: Callable[[str], ProcessStatus]) -> None:
    assert given_up(StartWatchdog(stuck=2.0), running("while True: pass"), seconds=8.0) is None


def test_work_in_a_child_counts(running: Callable[[str], ProcessStatus]) -> None:
    busy = "import time; end = time.time() + 15\nwhile time.time() < end: pass"  # it outlives its parent, which is killed
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {busy!r}])"
    assert given_up(StartWatchdog(stuck=3.0), running(code), seconds=9.0) is None


def test_a_process_that_works_without_end_is_given_up_at_last(running: Callable[[str], ProcessStatus]) -> None:
    why = given_up(StartWatchdog(stuck=1.0, longest=2.0), running("while True: pass"))
    assert why is not None
    assert "not ready after 2 s" in why


def test_a_process_that_was_started_again_is_given_its_time_again(running: Callable[[str], ProcessStatus]) -> None:
    watchdog, sleeps = StartWatchdog(stuck=1.0), "import time; time.sleep(600)"
    assert given_up(watchdog, running(sleeps), seconds=0.7) is None
    again = running(sleeps)
    assert given_up(watchdog, again, seconds=0.7) is None
    assert given_up(watchdog, again) is not None
