import os
import signal
import socket
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
from places import ROOT
from waiting import LIMIT, until

from services.stack import probes, reap
from services.stack.child import Child
from services.stack.errors import StackError
from services.stack.files import exclusive, is_locked, write_private
from services.stack.home import Home
from services.stack.local import LocalStack
from services.stack.plan import ProcessPhase, ProcessPlan, ProcessSpec, ProcessStatus, StackStatus
from services.stack.supervisor import Supervisor, lock_file, plan_file, read_status, status_file
from services.stack.watchdog import LEAST_SHARE, LONGEST_SECONDS, STUCK_SECONDS, Watchdog

SLEEP = (sys.executable, "-c", "import time; time.sleep(600)")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home", tmp_path / "carriers")
    home.create()
    life = home.run / "life"
    life.touch()
    os.utime(life, times=(time.time() + 3600,) * 2)  # healthy from the start, whatever its process does
    return home


def spec(home: Home, name: str = "sleeper", command: tuple[str, ...] = SLEEP, **more: object) -> ProcessSpec:
    return ProcessSpec(name=name, command=command, cwd="/", probe=f"life://60{home.run / 'life'}", grace=2.0, **more)


def ticked(child: Child, phase: ProcessPhase) -> bool:
    def reached() -> bool:
        child.tick()
        return child.status.phase is phase

    return until(reached, lambda: child.status, every=0.02)


def test_a_killed_process_is_started_again_and_its_end_is_reported(home: Home) -> None:
    child = Child(spec(home), home)
    child.start()
    assert ticked(child, ProcessPhase.RUNNING)
    first = child.status.pid
    os.kill(first, signal.SIGKILL)
    assert ticked(child, ProcessPhase.BACKING_OFF)
    assert ticked(child, ProcessPhase.RUNNING)
    assert child.status.pid != first
    assert (child.status.restarts, child.status.last_exit) == (1, "killed by SIGKILL")
    child.ask_to_stop()
    child.stopped()


def test_a_process_is_called_unhealthy_when_it_misses_several_probes_in_a_row(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([True, False, False, True, False, False, False, True])
    monkeypatch.setattr("services.stack.child.PROBE_EVERY", 0.0)
    monkeypatch.setattr("services.stack.child.is_healthy", lambda *_: next(answers))
    child = Child(spec(home), home)
    child.start()
    seen = []
    for _ in range(8):
        child.tick()
        seen.append(child.status.phase)
    child.ask_to_stop()
    child.stopped()
    assert seen == [ProcessPhase.RUNNING] * 6 + [ProcessPhase.UNHEALTHY, ProcessPhase.RUNNING]


@pytest.mark.parametrize("answers", [[], [True]], ids=["it never answered", "it answers no more"])
def test_a_process_that_hangs_is_ended_and_started_again(
    home: Home, monkeypatch: pytest.MonkeyPatch, answers: list[bool]
) -> None:
    monkeypatch.setattr("services.stack.child.PROBE_EVERY", 0.0)
    monkeypatch.setattr("services.stack.child.Watchdog", partial(Watchdog, stuck=1.0))
    monkeypatch.setattr("services.stack.child.is_healthy", lambda *_: answers.pop() if answers else False)
    child = Child(spec(home), home)
    child.start()
    first = child.status.pid
    assert ticked(child, ProcessPhase.BACKING_OFF)
    assert not psutil.pid_exists(first)
    assert "has done nothing for" in (child.status.last_exit or "")
    answers[:] = [True]
    assert ticked(child, ProcessPhase.RUNNING)
    assert child.status.restarts == 1
    child.ask_to_stop()
    child.stopped()


def test_a_process_that_keeps_data_is_not_ended_for_its_silence(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.stack.child.is_healthy", lambda *_: False)
    monkeypatch.setattr("services.stack.watchdog.Watchdog.stall_reason", lambda *_: "it has done nothing")
    for keeps_data, phase in ((True, ProcessPhase.STARTING), (False, ProcessPhase.BACKING_OFF)):
        child = Child(spec(home, keeps_data=keeps_data), home)
        child.start()
        child.tick()
        assert child.status.phase is phase
        child.ask_to_stop()
        child.stopped()


def test_a_process_that_works_may_take_as_long_as_it_needs(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr("services.stack.watchdog.time", SimpleNamespace(monotonic=lambda: clock.now))
    monkeypatch.setattr("services.stack.child.is_healthy", lambda *_: False)
    child = Child(spec(home, command=(sys.executable, "-c", "while True: pass")), home)
    child.start()
    child.tick()
    worker = psutil.Process(child.status.pid)
    until(lambda: worker.cpu_times().user > 2 * LEAST_SHARE * STUCK_SECONDS, "it does not work")
    clock.now += 2 * LONGEST_SECONDS
    child.tick()
    assert child.status.phase is ProcessPhase.STARTING
    child.ask_to_stop()
    child.stopped()


def test_pauses_between_crashes_grow(home: Home) -> None:
    child = Child(spec(home, command=("/bin/sh", "-c", "exit 3")), home)
    child.start()
    pauses = []
    for _ in range(3):
        began = time.monotonic()  # its end is seen later, by a tick
        assert ticked(child, ProcessPhase.BACKING_OFF)
        assert ticked(child, ProcessPhase.STARTING)
        pauses.append(time.monotonic() - began)
    child.ask_to_stop()
    child.stopped()
    assert all(pause >= least for pause, least in zip(pauses, (0.5, 1.0, 2.0), strict=True))  # longer on a busy machine
    assert child.status.last_exit == "exited with 3"


def test_a_program_that_is_not_there_is_reported_not_raised(home: Home) -> None:
    child = Child(spec(home, command=("/nonexistent/program",)), home)
    child.start()
    assert child.status.phase is ProcessPhase.BACKING_OFF
    assert "could not start" in child.status.last_exit


def test_stopping_ends_grandchildren_that_ignore_signals_and_left_the_group(home: Home) -> None:
    script = (
        "import subprocess, sys, time\n"
        "subprocess.Popen([sys.executable, '-c', 'import signal, time;"
        " signal.signal(15, signal.SIG_IGN); time.sleep(600)'], start_new_session=True)\n"
        "time.sleep(600)\n"
    )
    child = Child(spec(home, command=(sys.executable, "-c", script)), home)
    child.start()
    until(lambda: len(reap.process_tree(child.status.pid)) == 2, "there is no grandchild")
    members = reap.process_tree(child.status.pid)
    child.ask_to_stop()
    child.stopped()
    assert not [process for process in members if process.is_running()]


def test_the_supervisor_follows_the_plan_and_ends_all_when_its_owner_is_gone(home: Home) -> None:
    owner = subprocess.Popen(SLEEP)
    write_private(
        plan_file(home),
        ProcessPlan(processes=(spec(home, "a"), spec(home, "b")), generation=1, owner=owner.pid).model_dump_json(),
    )
    supervisor = Supervisor(home)
    thread = threading.Thread(target=supervisor.run)
    thread.start()
    try:
        until(lambda: [p.phase for p in read_status(home).processes] == [ProcessPhase.RUNNING] * 2, lambda: read_status(home))
        kept = read_status(home).of("b").pid
        write_private(
            plan_file(home), ProcessPlan(processes=(spec(home, "b"),), generation=2, owner=owner.pid).model_dump_json()
        )
        until(lambda: read_status(home).generation == 2, lambda: read_status(home))
        assert [(p.name, p.pid) for p in read_status(home).processes] == [("b", kept)]
    finally:
        owner.kill()
        owner.wait()
        thread.join(LIMIT)
    assert not thread.is_alive()
    assert not psutil.pid_exists(kept)


def test_what_a_killed_supervisor_left_behind_is_found_by_its_record_and_by_its_marker(home: Home) -> None:
    recorded, marked = subprocess.Popen(SLEEP), subprocess.Popen(SLEEP, env={reap.MARKER: f"{home.root}:x"})
    created = psutil.Process(recorded.pid).create_time()
    status = StackStatus(processes=(ProcessStatus(name="x", phase=ProcessPhase.RUNNING, pid=recorded.pid, created=created),))
    write_private(status_file(home), status.model_dump_json())
    LocalStack(home).stop()
    assert not psutil.pid_exists(recorded.pid)
    assert not psutil.pid_exists(marked.pid)


def test_a_stale_pid_that_now_belongs_to_another_process_is_left_alone(home: Home) -> None:
    bystander = subprocess.Popen(SLEEP)
    try:
        status = StackStatus(processes=(ProcessStatus(name="x", phase=ProcessPhase.RUNNING, pid=bystander.pid, created=1.0),))
        write_private(status_file(home), status.model_dump_json())
        write_private(home.run / "supervisor.pid", f"{bystander.pid}\n")
        LocalStack(home).stop()
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_a_status_without_a_living_supervisor_counts_for_nothing(home: Home) -> None:
    write_private(status_file(home), StackStatus(supervisor=1, processes=()).model_dump_json())
    assert LocalStack(home).status().supervisor is None


def test_a_lock_is_exclusive_and_ends_with_its_holder(home: Home) -> None:
    path = lock_file(home)
    with exclusive(path, wait=False):
        assert is_locked(path)
        with pytest.raises(StackError), exclusive(path, wait=False):
            pass
    assert not is_locked(path)


def test_probes_of_a_port_that_nobody_serves_are_false() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        for scheme in ("http", "postgres", "redis"):
            assert not probes.is_healthy(f"{scheme}://127.0.0.1:{port}/x", 1.0)


def test_a_sign_of_life_counts_while_it_is_fresh_and_of_this_start(tmp_path: Path) -> None:
    life = tmp_path / "life"
    assert not probes.is_healthy(f"life://20{life}", 60)
    life.touch()
    assert probes.is_healthy(f"life://20{life}", 60)
    os.utime(life, times=(time.time() - 10,) * 2)
    assert not probes.is_healthy(f"life://20{life}", 5)  # the process before this one left it
    os.utime(life, times=(time.time() - 30,) * 2)
    assert not probes.is_healthy(f"life://20{life}", 60)


def test_ended_grandchildren_are_collected_and_children_left_to_whoever_waits_for_them() -> None:
    """In a process of its own, which has no other children."""
    script = (
        "import os, subprocess\n"
        "from services.stack.supervisor import _reap_strangers\n"
        "own, stranger = (subprocess.Popen(['/bin/sh', '-c', 'exit 3']) for _ in range(2))\n"
        "for child in (own, stranger):\n"
        "    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)\n"
        "_reap_strangers({own.pid})\n"
        "assert own.wait() == 3\n"
        "_reap_strangers({own.pid})\n"
        "try:\n"
        "    os.waitpid(stranger.pid, 0)\n"
        "except ChildProcessError:\n"
        "    print('collected')\n"
    )
    environ = {**os.environ, "PYTHONPATH": f"{ROOT / 'shared'}:{ROOT}"}
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True, env=environ)
    assert done.stdout == "collected\n"
