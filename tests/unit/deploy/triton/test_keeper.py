"""The keeper of Triton's stubs, over real processes and a server that behaves like it."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from places import HELPERS, ROOT
from waiting import LIMIT, until

KEEPER = ROOT / "deploy/triton/keeper.py"
SHARED = Path("/dev/shm")  # noqa: S108 - where Triton has its regions
RELOADED = ["/v2/repository/models/lip_student_tiny/unload", "/v2/repository/models/lip_student_tiny/load"]


class Kept:
    """A server with its keeper."""

    def __init__(self, folder: Path, port: int, *options: str) -> None:
        self.folder = folder
        (folder / "triton_python_backend_stub").symlink_to(sys.executable)
        server = [sys.executable, HELPERS / "server_of_stubs.py"]
        command = [sys.executable, KEEPER, *server, f"--folder={folder}", f"--http-port={port}", *options]
        with (folder / "log").open("wb") as log:
            self.process = subprocess.Popen(command, stderr=log)

    def notes(self) -> list[str]:
        file = self.folder / "notes"
        return file.read_text().splitlines() if file.exists() else []

    def stubs(self) -> list[list[int]]:
        """Process ids of the stubs of each loading."""
        return [json.loads(line.removeprefix("stubs ")) for line in self.notes() if line.startswith("stubs ")]

    def asked(self) -> list[str]:
        return [line for line in self.notes() if line.startswith("/")]

    def watched(self) -> bool:
        """Whether the keeper knows the stubs that live now."""
        return all(f'"pid": {pid}}}' in self.said() for pid in self.stubs()[-1])

    def said(self) -> str:
        return (self.folder / "log").read_text()


Start = Callable[..., Kept]


@pytest.fixture
def port() -> Iterator[int]:
    """Nobody else gets it: it is bound here, and the server shares it."""
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


@pytest.fixture
def start(tmp_path: Path, port: int) -> Iterator[Start]:
    kept: list[Kept] = []

    def run(*options: str) -> Kept:
        kept.append(Kept(tmp_path, port, *options))
        until(lambda: len(kept[0].stubs()) == 1, kept[0].said)
        return kept[0]

    yield run
    for one in kept:
        one.process.terminate()
        one.process.wait()
    for region in SHARED.glob(f"{tmp_path.name}_shm_region_*"):
        region.unlink()


def state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def region_of(pid: int) -> Path:
    arguments = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    return SHARED / next(part for part in arguments if "_shm_region_" in part)


def test_a_model_whose_stub_died_is_loaded_again_and_what_is_left_of_it_goes(start: Start) -> None:
    kept = start()
    (first, second), regions = kept.stubs()[0], [region_of(pid) for pid in kept.stubs()[0]]
    until(kept.watched, kept.said)
    os.kill(first, signal.SIGKILL)
    until(lambda: len(kept.stubs()) == 2, kept.said)
    assert kept.asked() == RELOADED
    assert state(second) == "Z"  # it would compute for nobody
    assert not any(region.exists() for region in regions)
    assert all(state(pid) != "Z" for pid in kept.stubs()[1])
    # And once more, also for those of the second loading; the dead of the first are not counted again.
    until(kept.watched, kept.said)
    os.kill(kept.stubs()[1][1], signal.SIGKILL)
    until(lambda: len(kept.stubs()) == 3, kept.said)
    assert kept.asked() == RELOADED * 2


def test_a_stub_that_is_stopped_is_ended_and_its_model_loaded_again(start: Start) -> None:
    kept = start()
    until(kept.watched, kept.said)
    os.kill(kept.stubs()[0][1], signal.SIGSTOP)
    until(lambda: len(kept.stubs()) == 2, kept.said)
    assert kept.asked() == RELOADED
    assert "is stopped, and is ended" in kept.said()


def test_a_server_that_waits_for_a_dead_stub_before_it_listens_is_ended(start: Start, tmp_path: Path) -> None:
    (tmp_path / "starting").touch()
    kept = start()
    until(kept.watched, kept.said)
    os.kill(kept.stubs()[0][0], signal.SIGKILL)
    assert kept.process.wait(LIMIT) == 128 + signal.SIGKILL
    assert "waits for lip_student_tiny for ever" in kept.said()


def test_a_server_whose_stub_died_before_it_could_be_seen_is_ended(start: Start, tmp_path: Path) -> None:
    for name in ("starting", "stillborn"):
        (tmp_path / name).touch()
    assert start().process.wait(LIMIT) == 128 + signal.SIGKILL


def test_a_model_that_the_server_gave_up_because_its_stub_died_is_loaded_again(start: Start, tmp_path: Path) -> None:
    (tmp_path / "failed").write_text("Internal: Stub process 'lip_student_tiny_0_0' is not healthy.")
    kept = start()
    until(lambda: len(kept.stubs()) == 2 and kept.watched(), kept.said)
    assert kept.asked() == RELOADED


def test_a_model_that_could_not_be_loaded_for_another_reason_is_left_alone(start: Start, tmp_path: Path) -> None:
    (tmp_path / "failed").write_text("Internal: UnreadableWeightsError: it holds no text embedding")
    kept = start()
    until(kept.watched, kept.said)
    os.kill(kept.stubs()[0][0], signal.SIGKILL)
    until(lambda: "stays so" in kept.said(), kept.said)
    assert kept.asked() == []


def test_a_stub_that_dies_while_its_model_is_loaded_again_ends_the_server(start: Start) -> None:
    kept = start()
    until(kept.watched, kept.said)
    (kept.folder / "slow").touch()
    os.kill(kept.stubs()[0][0], signal.SIGKILL)
    until(lambda: len(kept.stubs()) == 2 and kept.watched(), kept.said)
    os.kill(kept.stubs()[1][0], signal.SIGKILL)
    assert kept.process.wait(LIMIT) == 128 + signal.SIGKILL


def test_a_model_that_cannot_be_loaded_is_tried_again(start: Start) -> None:
    kept = start()
    until(kept.watched, kept.said)
    (kept.folder / "refuse").touch()
    os.kill(kept.stubs()[0][0], signal.SIGKILL)
    until(lambda: len(kept.stubs()) == 2, kept.said)
    assert kept.asked() == RELOADED * 2
    assert "could not be loaded: 400" in kept.said()


def test_a_server_that_restricts_loading_is_told_its_own_secret(start: Start) -> None:
    kept = start("--http-restricted-api=model-repository,inference:x-secret=s3cret")
    until(kept.watched, kept.said)
    os.kill(kept.stubs()[0][0], signal.SIGKILL)
    until(lambda: len(kept.stubs()) == 2, kept.said)
    assert "s3cret" not in kept.said()


def test_a_server_that_listens_on_a_unix_socket_is_asked_there(start: Start, tmp_path: Path) -> None:
    kept = start(f"--http-address=unix:{tmp_path / 'http'}")
    until(kept.watched, kept.said)
    os.kill(kept.stubs()[0][0], signal.SIGKILL)
    until(lambda: len(kept.stubs()) == 2, kept.said)
    assert kept.asked() == RELOADED


def test_signals_reach_the_server_and_its_status_the_caller(start: Start) -> None:
    kept = start()
    until(kept.watched, kept.said)
    kept.process.terminate()
    assert kept.process.wait(LIMIT) == 7
    assert all(not Path(f"/proc/{pid}").exists() for pid in kept.stubs()[0])


def test_a_server_that_is_killed_ends_its_keeper_which_removes_what_it_left(start: Start) -> None:
    kept = start()
    until(kept.watched, kept.said)
    regions = [region_of(pid) for pid in kept.stubs()[0]]
    (server,) = psutil.Process(kept.process.pid).children()
    for pid in kept.stubs()[0]:
        os.kill(pid, signal.SIGKILL)
    server.kill()
    assert kept.process.wait(LIMIT) == 128 + signal.SIGKILL
    assert not any(region.exists() for region in regions)
