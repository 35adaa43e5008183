"""Runs ``tritonserver`` and watches over the processes of its Python models: ``keeper.py tritonserver --model-repository=...``.

Each instance of a model computes in a process of its own, the stub. When one dies, the server goes on calling the model ready
and fails every request that it hands to it, for ever. So the keeper has such a model loaded again.

How a death is known: the server ends its stubs itself and waits for each, so one that it has not waited for, a zombie, has
died by itself. One that is stopped (SIGSTOP) is dead to the server after a second, and is killed after some more.

What the server still holds of a model whose stub died is never freed (it keeps the failed requests, and they keep the model),
so the stubs of its other instances would compute on for nobody. They are killed, and the names of their memory removed.
Sequences that they were at are lost; whoever sent them begins again.

A stub that dies while its model is being loaded is waited for by the server for ever: such a server is ended, and whoever runs
it starts it anew. So is one whose stub died before the first look at it, which leaves nothing that says whose it was. Or the
server notices, gives the model up, and serves the others: such a model is loaded again. One that fails by itself is not.

Only the standard library is used: this runs beside the server, wherever that is.
"""

import contextlib
import http
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

LOOK_EVERY = 0.5
# Looks after which a zombie is one: the server waits for those that it ends itself within moments.
SURE = 2
# Seconds after which a stopped stub counts as dead, and after which a model that would not load is tried again.
STOPPED = 3.0
FIRST_PAUSE, LONGEST_PAUSE = 2.0, 300.0
LOAD_SECONDS = 3600.0
_REGION = "_shm_region_"
_STUB = "python_backend_stub"
_GIVEN_UP = "stub process"  # what the Python backend's reasons for a dead stub have in common, and those of a model's code not
# What the kernel keeps of a program's name (`TASK_COMM_LEN`), also of one that is dead.
_DEAD_STUB = "triton_python_backend_stub"[:15]


@dataclass(frozen=True)
class Stub:
    """The process of one instance of a model.

    Attributes:
        pid: of the process.
        file: path of the model's ``model.py`` in its version folder.
        region: name of the memory that it shares with the server.
    """

    pid: int
    file: Path
    region: str

    @property
    def model(self) -> str:
        """Name of the model."""
        return self.file.parent.parent.name


class Connection(http.client.HTTPConnection):
    """To ``host:port``, or to a Unix socket at ``unix:/path``."""

    def __init__(self, address: str, seconds: float) -> None:
        self._path = address.removeprefix("unix:") if address.startswith("unix:") else None
        super().__init__("localhost" if self._path else address, timeout=seconds)

    def connect(self) -> None:
        """Called by the first request."""
        if self._path is None:
            super().connect()
            return
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


@dataclass
class Admin:
    """The server's own interface for loading models.

    Attributes:
        address: of its HTTP service, ``host:port`` or ``unix:/path``.
        headers: the secret with which it restricts loading, if it does.
    """

    address: str
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, command: list[str]) -> "Admin":
        """As the server's own command line describes it."""
        options = dict(part.removeprefix("--").split("=", 1) for part in command if part.startswith("--") and "=" in part)
        host, port = options.get("http-address", "127.0.0.1"), options.get("http-port", "8000")
        headers = {}
        for part in command:
            if part.startswith("--http-restricted-api="):
                groups, _, secret = part.partition("=")[2].partition(":")
                if "model-repository" in groups.split(","):
                    name, _, value = secret.partition("=")
                    headers[name] = value
        if host.startswith("unix:"):
            return cls(host, headers)
        return cls(f"{'127.0.0.1' if host == '0.0.0.0' else host}:{port}", headers)  # noqa: S104 - compared, not bound

    def index(self) -> list[dict[str, str]] | None:
        """A row for each version of each model: name, version, state and its reason; None when the server does not answer.

        Source: Triton's model repository extension, "Index".
        """
        try:
            return list(json.loads(self._ask("POST", "/v2/repository/index", 5.0)))
        except (OSError, ValueError):
            return None

    def states(self, model: str) -> set[str] | None:
        """What the server says of the model's versions (``READY``, ``LOADING``, ..); None when it does not answer."""
        found = self.index()
        return None if found is None else {row.get("state", "") for row in found if row.get("name") == model}

    def reload(self, model: str) -> None:
        """Have the model loaded anew; raises `OSError` with the server's reason."""
        self._ask("POST", f"/v2/repository/models/{model}/unload", 30.0)
        self._ask("POST", f"/v2/repository/models/{model}/load", LOAD_SECONDS)

    def _ask(self, method: str, path: str, seconds: float) -> str:
        headers = {"Content-Type": "application/json", **self.headers}
        with contextlib.closing(Connection(self.address, seconds)) as connection:
            try:
                connection.request(method, path, b"{}" if method == "POST" else None, headers)
                answer = connection.getresponse()
                said = answer.read().decode(errors="replace")
            except http.client.HTTPException as error:
                raise OSError(f"no answer: {error!r}") from error
        if answer.status >= http.HTTPStatus.BAD_REQUEST:
            raise OSError(f"{answer.status}: {said[:500]}")
        return said


class Keeper:
    """Looks after the stubs of one server.

    Args:
        server: process id of the server.
        admin: its interface.
    """

    def __init__(self, server: int, admin: Admin) -> None:
        self._server = server
        self._admin = admin
        self._known: dict[int, Stub] = {}
        self._zombies: dict[int, int] = {}
        self._buried: set[int] = set()
        self._stopped: dict[int, float] = {}
        self._due: dict[str, tuple[float, float]] = {}  # when a model is loaded again, and the pause after a failure
        self._loading: set[str] = set()
        self._answered = False  # since it answers, the server has loaded what it loads when it starts

    def look(self) -> None:
        """One look; loads again what has died."""
        if not self._answered and (index := self._admin.index()) is not None:
            self._answered = True
            self._take_up(index)
        states = self._children()
        found = {pid: stub for pid in states if pid not in self._known and (stub := _stub(pid)) is not None}
        for pid, stub in found.items():
            say(f"watching a process of {stub.model}", pid=pid)
        self._known = {pid: stub for pid, stub in (self._known | found).items() if pid in states}
        self._buried &= states.keys()
        self._end_stopped(states)
        self._zombies = {pid: self._zombies.get(pid, 0) + 1 for pid, state in states.items() if state == "Z"}
        dead = [self._known[pid] for pid, looks in self._zombies.items() if looks >= SURE and pid in self._known]
        if unseen := [pid for pid, looks in self._zombies.items() if looks >= SURE and self._is_unseen_stub(pid)]:
            say("a process of a model died before it was seen; the server is ended", pids=unseen)
            os.kill(self._server, signal.SIGKILL)
        for file in dict.fromkeys(stub.file for stub in dead):
            self._bury([stub for stub in self._known.values() if stub.file == file], states)
        for model, (when, pause) in list(self._due.items()):
            if time.monotonic() >= when and model not in self._loading:
                self._loading.add(model)
                threading.Thread(target=self._reload, args=(model, pause), daemon=True).start()

    def leave(self) -> None:
        """The server has ended; one that was killed has left the names of its memory behind."""
        for stub in self._known.values():
            _remove(stub.region)

    def _take_up(self, index: list[dict[str, str]]) -> None:
        """Models that the server has given up because a stub of theirs died as it started."""
        for model in dict.fromkeys(row["name"] for row in index if _GIVEN_UP in row.get("reason", "").lower()):
            say(f"a process of {model} died as the server started; it is loaded again")
            self._due[model] = (0.0, FIRST_PAUSE)

    def _bury(self, stubs: list[Stub], states: dict[int, str]) -> None:
        """What is left of a version of a model, one of whose stubs is dead."""
        model = stubs[0].model
        say(f"a process of {model} died", pids=[stub.pid for stub in stubs if states[stub.pid] == "Z"])
        for stub in stubs:
            if states[stub.pid] != "Z":
                with contextlib.suppress(ProcessLookupError):
                    os.kill(stub.pid, signal.SIGKILL)
            _remove(stub.region)
            del self._known[stub.pid]
            self._buried.add(stub.pid)
        served = self._admin.states(model)
        if (served is None and not self._answered) or "LOADING" in (served or ()):
            say(f"the server waits for {model} for ever, and is ended")
            os.kill(self._server, signal.SIGKILL)
        elif served is None or "READY" in served:
            say(f"{model} is loaded again")
            self._due[model] = (0.0, FIRST_PAUSE)
        else:
            say(f"{model} was not served any more, and stays so")

    def _is_unseen_stub(self, pid: int) -> bool:
        if pid in self._known or pid in self._buried:
            return False
        try:
            return Path(f"/proc/{pid}/comm").read_text().strip() == _DEAD_STUB
        except OSError:
            return False

    def _reload(self, model: str, pause: float) -> None:
        began = time.monotonic()
        try:
            self._admin.reload(model)
        except OSError as error:
            say(f"{model} could not be loaded: {error}", next_try_in=pause)
            self._due[model] = (time.monotonic() + pause, min(2 * pause, LONGEST_PAUSE))
        else:
            say(f"{model} serves again", seconds=round(time.monotonic() - began, 1))
            del self._due[model]
        finally:
            self._loading.discard(model)

    def _end_stopped(self, states: dict[int, str]) -> None:
        now = time.monotonic()
        self._stopped = {
            pid: self._stopped.get(pid, now) for pid, state in states.items() if state == "T" and pid in self._known
        }
        for pid, since in self._stopped.items():
            if now - since > STOPPED:
                say(f"a process of {self._known[pid].model} is stopped, and is ended", pid=pid)
                os.kill(pid, signal.SIGKILL)

    def _children(self) -> dict[int, str]:
        """State of each child of the server, by its process id."""
        found = {}
        for folder in Path("/proc").iterdir():
            if folder.name.isdigit():
                with contextlib.suppress(OSError):
                    # The name, in parentheses, may hold anything; after it come the state and the parent.
                    state, parent = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
                    if int(parent) == self._server:
                        found[int(folder.name)] = state
        return found


def _stub(pid: int) -> Stub | None:
    """The stub that a living child is, or None."""
    try:
        arguments = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    except OSError:
        return None
    if _STUB not in Path(arguments[0]).name:
        return None
    file = next((part for part in arguments if part.endswith("/model.py")), None)
    return None if file is None else Stub(pid, Path(file), next((part for part in arguments if _REGION in part), ""))


def _remove(region: str) -> None:
    if region:
        Path("/dev/shm", region).unlink(missing_ok=True)  # noqa: S108 - the server's, known by its name


def say(event: str, **values: object) -> None:
    """One line of JSON on the log that the server writes to as well."""
    sys.stderr.write(json.dumps({"service": "triton-keeper", "event": event, **values}) + "\n")
    sys.stderr.flush()


def main() -> int:
    """Run the server until it ends; its exit status, as a shell gives it."""
    command = sys.argv[1:]
    with subprocess.Popen(command) as server:  # noqa: S603 - what our own caller says

        def pass_on(number: int, _: FrameType | None) -> None:
            server.send_signal(number)

        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, pass_on)
        keeper = Keeper(server.pid, Admin.of(command))
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                code = server.wait(LOOK_EVERY)
                keeper.leave()
                return code if code >= 0 else 128 - code
            keeper.look()


if __name__ == "__main__":
    sys.exit(main())
