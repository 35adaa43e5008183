"""The stack with its real servers: crashes, restarts, second starts, external servers, and a clean end."""

import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import psycopg
import pytest
import redis
from listening_proxy import ListeningProxy
from waiting import until

from services.stack import local, reap
from services.stack.home import CHECKOUT, home_at
from services.stack.local import LocalStack, StartProgress
from services.stack.plan import ProcessPhase, StackStatus
from services.stack.processes import postgres
from services.stack.state import StackState
from services.stack.table import SERVERS

pytestmark = [pytest.mark.stack, pytest.mark.slow]
ALL = tuple(SERVERS)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of the checkout one model in one process, which is quick to start again; and weights of another that are damaged."""
    folder = tmp_path_factory.mktemp("models") / "repository"
    shutil.copytree(CHECKOUT / "model_repo", folder, ignore=lambda path, _: ["1"] if path.endswith("encoder_tiny") else [])
    config = folder / "lip_student_tiny" / "config.pbtxt"
    config.write_text(config.read_text().replace("count: 2", "count: 1"))
    damaged = folder / "lip_student_1_3b" / "1"
    damaged.mkdir(exist_ok=True)
    (damaged / "model.safetensors").write_bytes(b"no weights at all")
    (damaged / "model.json").write_text('{"digest": "0"}')
    return folder


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> Iterator[LocalStack]:
    """A stack of every server."""
    environ = {"DUBLINE_MODEL_REPO": str(repository)}
    own = LocalStack(home_at(tmp_path_factory.mktemp("own")), environ, owner=os.getpid())
    own.start(ALL)
    yield own
    own.destroy()


def healthy_again(stack: LocalStack, name: str, but_not: int) -> bool:
    def healthy() -> bool:
        found = stack.status().of(name)
        return found.phase is ProcessPhase.RUNNING and found.pid != but_not

    return until(healthy, stack.status)


def command_line(stack: LocalStack, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "services.cli.main", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=CHECKOUT,
        env={**os.environ, "PYTHONPATH": f"{CHECKOUT / 'shared'}:{CHECKOUT}", "DUBLINE_HOME": str(stack.home.root), **environ},
    )


@pytest.mark.parametrize("name", ALL)
def test_a_server_killed_with_sigkill_is_restarted_and_reported(own: LocalStack, name: str) -> None:
    before = own.status().of(name)
    os.kill(before.pid, signal.SIGKILL)
    assert healthy_again(own, name, but_not=before.pid)
    after = own.status().of(name)
    assert after.restarts == before.restarts + 1
    assert after.last_exit == "killed by SIGKILL"


def test_committed_rows_survive_a_killed_database(own: LocalStack) -> None:
    url = own.env()["DUBLINE_DATABASE_URL"].replace("+psycopg", "")
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS value")
    pid = own.status().of("postgres").pid
    os.kill(pid, signal.SIGKILL)
    assert healthy_again(own, "postgres", but_not=pid)
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT value FROM kept").fetchone() == (7,)


def test_a_second_start_waits_for_nothing_and_changes_nothing(own: LocalStack) -> None:
    before, env, heard = own.status(), own.env(), Steps()
    own.start(ALL, heard)
    assert heard.phases == {ProcessPhase.RUNNING}
    assert [process.pid for process in own.status().processes] == [process.pid for process in before.processes]
    assert own.env() == env


def test_ports_credentials_and_data_are_kept_over_a_stop(own: LocalStack) -> None:
    env = own.env()
    redis.Redis.from_url(env["DUBLINE_REDIS_URL"]).set("kept", "yes")
    own.stop()
    own.start(ALL)
    assert own.env() == env
    assert redis.Redis.from_url(env["DUBLINE_REDIS_URL"]).get("kept") == b"yes"


def test_everything_listens_on_loopback_only(own: LocalStack) -> None:
    listening = Path("/proc/net/tcp").read_text().splitlines()[1:] + Path("/proc/net/tcp6").read_text().splitlines()[1:]
    ours = {f"{port:04X}" for port in own.ports().values()}
    loopback = {"0100007F", "0000000000000000FFFF00000100007F"}
    addresses = {line.split()[1].split(":")[0] for line in listening if line.split()[1].split(":")[1] in ours}
    assert addresses
    assert addresses <= loopback


def test_servers_refuse_clients_without_credentials(own: LocalStack) -> None:
    env = own.env()
    port = int(env["DUBLINE_REDIS_URL"].rsplit(":", 1)[1].split("/")[0])
    with pytest.raises(redis.AuthenticationError):
        redis.Redis(port=port).get("x")
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(env["DUBLINE_DATABASE_URL"].replace("+psycopg", "").replace(":", ":x", 2).replace(":x//", "://"))


def test_private_files_are_private(own: LocalStack) -> None:
    private = [own.home.state_file, own.home.run / "plan.json", own.home.run / "redis.conf"]
    assert [stat.S_IMODE(path.stat().st_mode) for path in private] == [0o600] * 3


def test_a_model_that_the_server_cannot_load_is_named_with_its_reason_by_up_and_status(
    own: LocalStack, repository: Path
) -> None:
    models = {"DUBLINE_MODEL_REPO": str(repository)}
    up = command_line(own, "up", "--only", "triton", **models)
    assert up.returncode == 1
    assert "lip_student_1_3b is not served (failed)" in up.stderr
    done = command_line(own, "status", "--json", **models)
    found = json.loads(done.stdout)
    assert (done.returncode, found["well"]) == (1, False)
    states = {model["name"]: model["state"] for model in found["models"]}
    assert states["lip_student_1_3b"] == "failed"
    assert states["lip_student_tiny"] == "ready"
    assert states["face_encoder_wan"] == "no_weights"
    assert next(model["reason"] for model in found["models"] if model["name"] == "lip_student_1_3b")


def test_status_is_machine_readable_and_a_model_without_weights_is_no_fault(own: LocalStack, repository: Path) -> None:
    shutil.rmtree(repository / "lip_student_1_3b" / "1")
    done = command_line(own, "status", "--json", DUBLINE_MODEL_REPO=str(repository))
    assert done.returncode == 0, done.stdout
    found = json.loads(done.stdout)
    assert (
        StackStatus.model_validate({key: found[key] for key in ("supervisor", "processes")}).of("redis").phase
        is ProcessPhase.RUNNING
    )


def test_status_of_a_stack_that_does_not_run_exits_1(tmp_path: Path) -> None:
    done = command_line(LocalStack(home_at(tmp_path)), "status", "--json")
    assert (done.returncode, json.loads(done.stdout)["well"]) == (1, False)


def test_two_starts_at_once_end_with_one_stack(own: LocalStack) -> None:
    own.stop()
    starts = [
        subprocess.Popen(
            [sys.executable, "-m", "services.cli.main", "up", "--only", "redis"],
            cwd=CHECKOUT,
            env={
                **os.environ,
                "PYTHONPATH": f"{CHECKOUT / 'shared'}:{CHECKOUT}",
                "DUBLINE_HOME": str(own.home.root),
            },
        )
        for _ in range(2)
    ]
    assert [start.wait(300) for start in starts] == [0, 0]
    title = f"127.0.0.1:{own.ports()['redis']}"  # Valkey shows its address instead of its arguments
    servers = [process for process in psutil.process_iter(["cmdline"]) if title in " ".join(process.info["cmdline"] or ())]
    assert len(servers) == 1


def test_servers_that_run_elsewhere_are_used_and_not_started(own: LocalStack, tmp_path: Path) -> None:
    own.start(ALL)
    named = ("DUBLINE_DATABASE_", "DUBLINE_REDIS_URL", "DUBLINE_S3_", "DUBLINE_TRITON_")
    elsewhere = {name: value for name, value in own.env().items() if name.startswith(named)}
    other = LocalStack(home_at(tmp_path / "other"), elsewhere, owner=os.getpid())
    try:
        other.start([*ALL, "api"])
        assert {other.status().of(name).phase for name in ALL} == {ProcessPhase.EXTERNAL}
        assert set(other.ports()) == {"api"}
        ready = httpx.get(f"{other.env()['DUBLINE_API_URL']}/readyz", timeout=60)
        assert (ready.status_code, set(ready.json()["checks"])) == (200, {"database", "redis", "s3", "triton"})
    finally:
        other.destroy()


def test_keys_and_films_never_go_to_a_proxy_and_a_corrected_environment_reaches_what_runs(
    own: LocalStack, repository: Path
) -> None:
    models = {"DUBLINE_MODEL_REPO": str(repository)}
    own.start(ALL)
    servers = [own.status().of(name).pid for name in ALL]
    with ListeningProxy() as one, ListeningProxy() as other:
        first = command_line(own, "up", "--only", "api", **models, **proxied(one))
        assert first.returncode == 0, first.stderr
        assert command_line(own, "jobs", **proxied(one)).returncode == 0
        assert variable(own, "api", "http_proxy") == one.url

        again = command_line(own, "up", "--only", "api", **models, **proxied(other))
        assert "Starting api again: HTTP_PROXY, http_proxy, https_proxy changed" in " ".join(again.stderr.split())
        assert variable(own, "api", "http_proxy") == other.url
        assert one.heard == other.heard == []
    assert [own.status().of(name).pid for name in ALL] == servers


def test_another_terminal_starts_nothing_again(own: LocalStack, repository: Path) -> None:
    own.start([*ALL, "api"])
    before = own.status()
    other = {
        "TERM": "vt52",
        "WINDOWID": "7",
        "PATH": f"/opt/editor:{os.environ['PATH']}",
        "DUBLINE_MODEL_REPO": str(repository),
    }
    again = command_line(own, "up", "--only", "api", **other)
    assert "The stack is up" in again.stderr
    (token,) = re.findall(r"/docs#sign-in=(\S+)$", again.stderr, re.MULTILINE)
    signed_in = httpx.post(f"{own.env()['DUBLINE_API_URL']}/v1/sessions", json={"token": token}, timeout=60)
    assert signed_in.status_code == 201, signed_in.text
    assert "again" not in again.stderr
    assert [process.pid for process in own.status().processes] == [process.pid for process in before.processes]


def test_a_link_signs_its_owner_in_once_and_the_command_line_takes_the_access_token(own: LocalStack) -> None:
    """As a person would: the link's token is what the viewer exchanges, and what comes of it is sent like a key."""
    own.start([*ALL, "api"])
    opened = command_line(own, "open", DISPLAY=":7", BROWSER="true")
    assert opened.returncode == 0, opened.stderr
    place, _, token = opened.stdout.strip().partition("/docs#sign-in=")
    assert place == own.env()["DUBLINE_API_URL"]
    first, second = (httpx.post(f"{place}/v1/sessions", json={"token": token}, timeout=60) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 401)
    session = {"DUBLINE_API_URL": place, "DUBLINE_API_KEY": first.json()["access_token"]}
    listed = command_line(own, "jobs", "--json", **session)
    assert (listed.returncode, json.loads(listed.stdout)) == (0, {"items": []})
    page = own.home.run / "open.html"
    assert f'url={opened.stdout.strip()}"' in page.read_text()
    assert stat.S_IMODE(page.stat().st_mode) == 0o600


def proxied(proxy: ListeningProxy) -> dict[str, str]:
    return dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY"), proxy.url)


def variable(stack: LocalStack, process: str, name: str) -> str | None:
    return psutil.Process(stack.status().of(process).pid).environ().get(name)


def test_the_carried_database_serves_where_the_system_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "_DEBIAN", tmp_path / "nothing")
    carried = LocalStack(home_at(tmp_path / "carried"), owner=os.getpid())
    try:
        carried.start(["postgres"])
        with psycopg.connect(carried.env()["DUBLINE_DATABASE_URL"].replace("+psycopg", "")) as connection:
            assert connection.info.server_version >= 180000
    finally:
        carried.destroy()


def test_a_database_that_lies_in_the_stacks_folder_is_served_with_all_that_it_holds(tmp_path: Path) -> None:
    stack = LocalStack(home_at(tmp_path / "home"), owner=os.getpid())
    try:
        stack.start(["postgres"])
        with psycopg.connect(stack.env()["DUBLINE_DATABASE_URL"].replace("+psycopg", "")) as connection:
            connection.execute("CREATE TABLE kept AS SELECT generate_series(1, 10000) AS value")
        stack.stop()
        as_an_older_version_left_it(stack)
        stack.start(["postgres"])
        with psycopg.connect(stack.env()["DUBLINE_DATABASE_URL"].replace("+psycopg", "")) as connection:
            assert connection.execute("SELECT count(*), sum(value) FROM kept").fetchone() == (10_000, 50_005_000)
        assert stat.S_IMODE(stack.home.data.stat().st_mode) == 0o700
    finally:
        stack.destroy()


def test_a_stack_whose_state_was_removed_gets_new_credentials_and_keeps_its_data(tmp_path: Path) -> None:
    stack, steps = LocalStack(home_at(tmp_path / "home"), owner=os.getpid()), Steps()
    try:
        stack.start(["postgres"])
        with psycopg.connect(database_of(stack)) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 1 AS value")
        stack.stop()
        before = StackState.load(stack.home.state_file).secrets
        stack.home.state_file.unlink()
        again = LocalStack(stack.home, owner=os.getpid())
        again.start(["postgres"], steps)
        with psycopg.connect(database_of(again)) as connection:
            assert connection.execute("SELECT value FROM kept").fetchone() == (1,)
        assert StackState.load(stack.home.state_file).secrets["postgres"] != before["postgres"]
        assert any("new password" in text for text in steps.texts)
    finally:
        stack.destroy()


def database_of(stack: LocalStack) -> str:
    """The stack's database as psycopg addresses it."""
    return stack.env()["DUBLINE_DATABASE_URL"].replace("+psycopg", "")


def as_an_older_version_left_it(stack: LocalStack) -> None:
    """For root too, the database lay in the stack's folder, which others could pass."""
    state = StackState.load(stack.home.state_file)
    if (elsewhere := state.folders.pop("postgres", None)) is not None:
        for cluster in Path(elsewhere).glob("postgres-*"):
            postgres.move(cluster, stack.home.data / cluster.name)
        shutil.rmtree(elsewhere)
        state.save(stack.home.state_file)
        for folder in (stack.home.root, stack.home.data):
            folder.chmod(0o711)
    assert list(stack.home.data.glob("postgres-*"))


def test_what_another_version_has_started_is_started_again_by_this_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stack, heard = LocalStack(home_at(tmp_path / "home"), owner=os.getpid()), Steps()
    try:
        stack.start(["postgres", "redis"])
        before = {process.pid for process in stack.status().processes}
        monkeypatch.setattr(local, "EDITION", local.EDITION + 1)
        stack.start(["redis"], heard)
        assert [stack.status().of(name).phase for name in ("postgres", "redis")] == [ProcessPhase.RUNNING] * 2
        assert not before & {process.pid for process in stack.status().processes if process.pid}
        assert "Stopping what another version of Dubline has started" in heard.texts
    finally:
        stack.destroy()


class Steps(StartProgress):
    """Remembers what was said."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.phases: set[ProcessPhase] = set()

    def step(self, text: str) -> None:
        self.texts.append(text)

    def status(self, status: StackStatus) -> None:
        self.phases |= {process.phase for process in status.processes}


def test_a_killed_supervisor_is_replaced_and_its_orphans_are_ended(own: LocalStack) -> None:
    own.start(ALL)
    old = [process.pid for process in own.status().processes if process.pid]
    os.kill(own.status().supervisor, signal.SIGKILL)
    own.start(ALL)
    assert not {process.pid for process in reap.marked(str(own.home.root))} & set(old)
    assert all(own.status().of(name).phase is ProcessPhase.RUNNING for name in ALL)


def test_stopping_leaves_no_process_and_no_listener(own: LocalStack) -> None:
    own.start(ALL)
    status = own.status()
    members = [member for process in status.processes if process.pid for member in reap.process_tree(process.pid)]
    ports = own.ports()
    own.stop()
    assert not [member for member in members if member.is_running()]
    assert not reap.marked(str(own.home.root))
    for port in ports.values():
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0
    assert not list(Path("/dev/shm").glob(f"{own.home.name}-*"))  # noqa: S108 - where shared memory is
    own.stop()  # a second stop has nothing to do
