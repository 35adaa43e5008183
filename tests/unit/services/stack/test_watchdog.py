import subprocess
import sys
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import psutil
import pytest
from waiting import until

from services.stack import reap
from services.stack.plan import ProcessPhase, ProcessStatus
from services.stack.watchdog import Watchdog

SLEEPS, WORKS = "import time; time.sleep(600)", "while True: pass"


@pytest.fixture
def hands(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The clock that watchdog reads, set by hand: ``now`` in seconds."""
    hands = SimpleNamespace(now=1000.0)
    monkeypatch.setattr("services.stack.watchdog.time", SimpleNamespace(monotonic=lambda: hands.now))
    return hands


@pytest.fixture
def running() -> Iterator[Callable[[str], ProcessStatus]]:
    started = []

    def start(code: str) -> ProcessStatus:
        started.append(subprocess.Popen([sys.executable, "-c", code]))
        return ProcessStatus(name="server", phase=ProcessPhase.STARTING, pid=started[-1].pid)

    yield start
    for process in started:
        for member in reap.process_tree(process.pid):
            member.kill()
        process.wait()


def spent(process: ProcessStatus) -> float:
    """Processor seconds of a process and its children."""
    assert process.pid is not None
    return sum(sum(member.cpu_times()[:2]) for member in reap.process_tree(process.pid))


def given_up(watchdog: Watchdog, process: ProcessStatus, hands: SimpleNamespace, seconds: float) -> str | None:
    """Why the wait for a process that works ends, None when it lasts for so many seconds of the clock."""
    end = hands.now + seconds
    while hands.now < end:
        if why := watchdog.stall_reason(process):
            return why
        before = spent(process)
        until(lambda: spent(process) > before + 0.02, "the process does not work", every=0.01)  # noqa: B023 - waited for here
        hands.now += 0.5
    return None


def test_a_process_that_does_nothing_is_given_up(running: Callable[[str], ProcessStatus], hands: SimpleNamespace) -> None:
    watchdog, process = Watchdog(), running(SLEEPS)
    assert watchdog.stall_reason(process) is None
    hands.now += 91.0
    why = watchdog.stall_reason(process)
    assert why is not None
    assert "done nothing for 91 s" in why


def test_a_process_that_works_is_waited_for_longer_than_one_that_does_nothing(
    running: Callable[[str], ProcessStatus], hands: SimpleNamespace
) -> None:
    assert given_up(Watchdog(stuck=1.0), running(WORKS), hands, seconds=5.0) is None


def test_work_in_a_child_counts(running: Callable[[str], ProcessStatus], hands: SimpleNamespace) -> None:
    process = running(f"import subprocess, sys; subprocess.run([sys.executable, '-c', {WORKS!r}])")
    until(lambda: len(reap.process_tree(process.pid)) == 2, "there is no child")
    child = psutil.Process(process.pid).children()[0]
    until(lambda: sum(child.cpu_times()[:2]) > 0.1, "the child does not work")  # and its parent has nothing left to do
    assert given_up(Watchdog(stuck=1.0), process, hands, seconds=5.0) is None


def test_a_process_that_works_without_end_is_given_up_at_last(
    running: Callable[[str], ProcessStatus], hands: SimpleNamespace
) -> None:
    why = given_up(Watchdog(stuck=1.0, longest=2.0), running(WORKS), hands, seconds=5.0)
    assert why is not None
    assert "not ready after 2 s" in why


def test_a_process_that_was_started_again_is_given_its_time_again(
    running: Callable[[str], ProcessStatus], hands: SimpleNamespace
) -> None:
    watchdog, again = Watchdog(), running(SLEEPS)
    assert watchdog.stall_reason(running(SLEEPS)) is None
    hands.now += 60.0
    assert watchdog.stall_reason(again) is None
    hands.now += 60.0
    assert watchdog.stall_reason(again) is None
    hands.now += 60.0
    assert watchdog.stall_reason(again) is not None
