"""What other users of the machine can see of the stack: nothing."""

import os
import shutil
import socket
import stat
import subprocess
import sys
import threading
import uuid
from http.server import BaseHTTPRequestHandler
from multiprocessing import resource_tracker, shared_memory
from pathlib import Path
from socketserver import UnixStreamServer
from urllib.parse import quote

import pytest
from waiting import until

from services.stack import certificates, private, probes
from services.stack.errors import StackError
from services.stack.files import open_private, private_folder
from services.stack.home import Home

# Makes a file as Boost makes shared memory: born with a mode that the umask narrows, and then opened by fchmod.
AS_BOOST = (
    *(sys.executable, "-c"),
    "import os, sys; os.fchmod(os.open(sys.argv[1], os.O_CREAT | os.O_RDWR, 0o644), int(sys.argv[2], 8))",
)


def mode(path: Path) -> str:
    return stat.filemode(path.lstat().st_mode)


def become(*words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", private.__file__, *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_file_that_a_program_opens_to_all_stays_its_users_own(tmp_path: Path) -> None:
    subprocess.run([*AS_BOOST, tmp_path / "open", "0o644"], check=True)
    assert mode(tmp_path / "open") == "-rw-r--r--"
    done = become("dubline-none-", "--", *AS_BOOST, tmp_path / "closed", "0o644")
    assert (done.returncode, mode(tmp_path / "closed")) == (0, "-rw-------"), done.stderr


def test_so_does_one_of_its_children(tmp_path: Path) -> None:
    by_child = "import subprocess, sys; sys.exit(subprocess.call(sys.argv[1:]))"
    done = become("dubline-none-", "--", sys.executable, "-c", by_child, *AS_BOOST, tmp_path / "closed", "0o644")
    assert (done.returncode, mode(tmp_path / "closed")) == (0, "-rw-------"), done.stderr


def test_another_mode_is_as_it_was_asked_for(tmp_path: Path) -> None:
    done = become("dubline-none-", "--", *AS_BOOST, tmp_path / "shared", "0o750")
    assert (done.returncode, mode(tmp_path / "shared")) == (0, "-rwxr-x---"), done.stderr


def test_what_a_killed_program_left_is_gone_before_the_next_begins(tmp_path: Path) -> None:
    prefix = f"dubline-{uuid.uuid4().hex}-"
    region, other = (shared_memory.SharedMemory(name, create=True, size=8) for name in (f"{prefix}1", f"x{prefix}2"))
    resource_tracker.unregister(f"/{prefix}1", "shared_memory")  # it is removed from outside
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / "socket"))
    listing = "import os, sys; print(sorted(os.listdir(sys.argv[1])), os.path.exists('/dev/shm/' + sys.argv[2]))"
    done = become(tmp_path / "socket", prefix, "--", sys.executable, "-c", listing, tmp_path, f"{prefix}1")
    assert done.stdout.strip() == "[] False", done.stderr
    assert Path(f"/dev/shm/x{prefix}2").exists()  # noqa: S108 - where shared memory is
    region.close()
    other.close()
    other.unlink()


def test_the_programs_exit_is_its_own(tmp_path: Path) -> None:
    assert become("dubline-none-", "--", "/bin/sh", "-c", "exit 7").returncode == 7
    assert become("dubline-none-", "--", tmp_path / "nothing").returncode == 1


def test_every_folder_of_a_stack_is_private_and_so_are_logs_that_an_older_version_left_open(tmp_path: Path) -> None:
    home = Home(tmp_path / "home", tmp_path / "carriers")
    home.logs.mkdir(parents=True)
    home.root.chmod(0o711)
    home.log_of("s3").write_text("a film")
    home.log_of("s3").chmod(0o644)
    home.create()
    assert {mode(folder) for folder in (home.root, home.data, home.logs, home.run, home.sockets)} == {"drwx------"}
    assert mode(home.log_of("s3")) == "-rw-------"
    open_private(home.log_of("api")).close()
    assert mode(home.log_of("api")) == "-rw-------"


def test_data_may_be_a_link_to_a_larger_disk(tmp_path: Path) -> None:
    home = Home(tmp_path / "home", tmp_path / "carriers")
    (tmp_path / "large").mkdir()
    home.root.mkdir()
    home.data.symlink_to(tmp_path / "large")
    home.create()
    assert mode(tmp_path / "large") == "drwx------"


def test_sockets_lie_elsewhere_when_their_path_would_be_too_long(tmp_path: Path) -> None:
    short, long = Home(Path("/srv/dubline"), tmp_path), Home(tmp_path / ("long" * 30) / "home", tmp_path)
    assert short.sockets == short.run
    assert len(str(long.sockets / "triton:8000")) < 60
    assert long.sockets != Home(tmp_path / ("long" * 30) / "other", tmp_path).sockets
    try:
        long.create()
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(long.sockets / "triton:8000"))
        assert mode(long.sockets) == "drwx------"
    finally:
        shutil.rmtree(long.sockets)


def test_a_private_folder_is_no_link_of_somebody_else(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "theirs")
    with pytest.raises(StackError, match="is no folder"):
        private_folder(tmp_path / "link")
    assert mode(tmp_path / "theirs") != "drwx------"


def test_a_folder_of_another_user_is_refused_with_that_users_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "home").mkdir()
    monkeypatch.setattr(os, "geteuid", lambda: tmp_path.stat().st_uid + 1)  # as another user finds it
    with pytest.raises(StackError, match="belongs to") as refused:
        private_folder(tmp_path / "home")
    assert "owner" in refused.value.suggestions[0]


def test_certificates_are_made_once_and_their_configuration_follows_the_folder(tmp_path: Path) -> None:
    certificates.ensure(tmp_path / "one", ("127.0.0.1", "filer"))
    first = {path.name: path.read_text() for path in (tmp_path / "one").iterdir()}
    certificates.ensure(tmp_path / "one", ("127.0.0.1", "filer"))
    assert {path.name: path.read_text() for path in (tmp_path / "one").iterdir()} == first
    assert "PRIVATE" not in first["ca.pem"] + first["cert.pem"]  # the authority's key is gone
    assert {mode(path) for path in (tmp_path / "one").iterdir()} == {"-rw-------"}
    assert mode(tmp_path / "one") == "drwx------"

    (tmp_path / "one").rename(tmp_path / "two")
    certificates.ensure(tmp_path / "two", ("127.0.0.1", "filer"))
    assert (tmp_path / "two" / "key.pem").read_text() == first["key.pem"]
    assert str(tmp_path / "two" / "key.pem") in (tmp_path / "two" / "security.toml").read_text()


class Healthy(BaseHTTPRequestHandler):
    """Well at one path and nowhere else."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/v2/health/ready" else 404)
        self.end_headers()

    def address_string(self) -> str:
        return "a socket"

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


def test_a_probe_asks_over_a_unix_socket(tmp_path: Path) -> None:
    path = tmp_path / "server:8000"
    probe = f"http+unix://{quote(str(path), safe='')}/v2/health/ready"
    assert not probes.is_healthy(probe, 1.0)
    with UnixStreamServer(str(path), Healthy) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        assert until(lambda: probes.is_healthy(probe, 1.0), "the server never answers in time")
        assert not probes.is_healthy(probe.replace("ready", "other"), 1.0)
        server.shutdown()
    assert not probes.is_healthy(probe, 1.0)
