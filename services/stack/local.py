"""Starting, stopping and asking the local stack: what ``dubline up`` and the test fixtures both use."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from dubbing.proxies import bypass_for_loopback
from services.stack import bootstrap, changes, environment, models, private, reap, table
from services.stack.context import StackContext
from services.stack.errors import StackError
from services.stack.files import exclusive, is_locked, open_private, write_private
from services.stack.home import CHECKOUT, Home
from services.stack.models import ModelReport
from services.stack.plan import ProcessPhase, ProcessPlan, ProcessSpec, ProcessStatus, StackStatus
from services.stack.processes import triton
from services.stack.state import StackState
from services.stack.supervisor import EDITION, lock_file, plan_file, read_status, status_file
from services.stack.watchdog import Watchdog

_STOP_SECONDS = 60.0
_POLL_SECONDS = 0.1
# A process that crashes this often before it was ever healthy will not heal by waiting.
_MAX_CRASHES = 3


class StartProgress:
    """Hears how a start goes; this one keeps silent."""

    def step(self, text: str) -> None:
        """``text`` is being done now."""

    def status(self, status: StackStatus) -> None:
        """``status`` is what runs now; called a few times per second while processes start."""


class LocalStack:
    """One stack in one folder.

    Args:
        home: its folder.
        environ: ``DUBLINE_*`` settings of the caller; those that name running servers replace ours.
        owner: process id without which the stack ends; None for one that outlives its starter.
    """

    def __init__(self, home: Home, environ: Mapping[str, str] | None = None, owner: int | None = None) -> None:
        bypass_for_loopback()  # whoever has a stack speaks to its servers from this very process
        self.home = home
        self._environ = {key: value for key, value in (environ or {}).items() if key.startswith("DUBLINE_")}
        self._owner = owner

    def start(self, only: Iterable[str] = table.USUAL_PROCESSES, progress: StartProgress | None = None) -> None:
        """Starts ``only`` and what they need, beside what runs already; returns when all are healthy.

        Args:
            only: names from the table.
            progress: hears how it goes.

        Raises:
            StackError: something cannot be started; what did start keeps running.
        """
        progress = progress or StartProgress()
        self.home.create()
        with exclusive(self.home.run / "up.lock", wait=True):
            names = table.selection({*only, *self._stopped_to_start_anew(progress)})
            context = self._context(progress.step)
            context.state.external = table.external_settings(self._environ, context)
            local = [name for name in names if not self._is_external(name, context.state)]
            running = {spec.name: spec for spec in self._plan().processes if not self._is_external(spec.name, context.state)}
            servers = {name: self._server(name, context) for name in local if name in table.SERVERS}
            context.state.save(self.home.state_file)
            running = self._supervise(running, servers, progress)
            self._wait([name for name in servers if name != "triton"], progress)
            self._prepare(names, context)
            services = {
                name: table.service_spec(name, context, self._environment(context)) for name in local if name in table.SERVICES
            }
            context.state.save(self.home.state_file)
            self._supervise(running, services, progress)
            self._wait(local, progress)

    def stop(self) -> None:
        """Stops every process of the stack and its supervisor; returns when none is left.

        Raises:
            StackError: a process survives even SIGKILL.
        """
        if not self.home.run.exists():
            return
        with exclusive(self.home.run / "up.lock", wait=True):
            self._end()

    def _stopped_to_start_anew(self, progress: StartProgress) -> set[str]:
        """Stops what a killed supervisor left, and what one of another edition runs: it would go on in its own way.

        Returns:
            names of what the latter ran.
        """
        live, ran = self._live(), {spec.name for spec in self._plan().processes}
        if live.supervisor is None:
            self._end()
        elif live.edition != EDITION:
            progress.step("Stopping what another version of Dubline has started")
            self._end()
            return ran
        return set()

    def _end(self) -> None:
        if is_locked(lock_file(self.home)):
            pid = self._supervisor_pid()
            os.kill(pid, signal.SIGTERM)
            if not self._until(lambda: not is_locked(lock_file(self.home)), _STOP_SECONDS):
                os.kill(pid, signal.SIGKILL)
        reap.end([*reap.recorded(read_status(self.home).processes), *reap.marked(str(self.home.root))], 5.0)
        for file in (plan_file(self.home), status_file(self.home), self.home.run / "supervisor.pid"):
            file.unlink(missing_ok=True)
        private.remove_regions(triton.regions_of(self.home))
        if left := [process.pid for process in reap.marked(str(self.home.root))]:
            raise StackError(f"these processes of the stack are still there: {left}")

    def destroy(self) -> None:
        """Stops the stack and removes its data, logs and credentials."""
        self.stop()
        elsewhere = map(Path, StackState.load(self.home.state_file).folders.values())
        for folder in (*elsewhere, self.home.sockets, self.home.root):
            shutil.rmtree(folder, ignore_errors=True)

    def env(self) -> dict[str, str]:
        """The settings (``DUBLINE_*``) with which a client or a test reaches this stack."""
        return self._settings(self._context())

    def ports(self) -> dict[str, int]:
        """Every port that was chosen, by name."""
        return dict(StackState.load(self.home.state_file).ports)

    def status(self) -> StackStatus:
        """What runs, in the order of the table; servers that run elsewhere are ``external``."""
        live = self._live()
        external = StackState.load(self.home.state_file).external if live.supervisor is not None else {}
        processes = []
        for name in table.PROCESS_NAMES:
            server = table.SERVERS.get(name)
            if server is not None and server.external in external:
                processes.append(ProcessStatus(name=name, phase=ProcessPhase.EXTERNAL))
            else:
                processes.append(live.of(name))
        return live.model_copy(update={"processes": tuple(processes)})

    def models(self) -> tuple[ModelReport, ...]:
        """What the inference server says of each model; nothing while the stack has no such server."""
        if self.status().of(triton.NAME).phase is ProcessPhase.STOPPED:
            return ()
        context = self._context()
        settings = self._settings(context)
        server, metrics = bootstrap.triton_settings(settings), settings.get("DUBLINE_TRITON_METRICS_URL")
        return models.read(server, triton.models_folder(context), metrics)

    def sign_in_link(self, seconds: float) -> str:
        """Where the API's owner is signed in once, within ``seconds``: what is behind the # never leaves the browser.

        Raises:
            StackError: the API does not run.
        """
        if self.status().of("api").phase is not ProcessPhase.RUNNING:
            raise StackError("the API of the local stack does not run", suggestions=("Run `dubline up`.",))
        env = self.env()
        return f"{env['DUBLINE_API_URL']}/docs#sign-in={bootstrap.sign_in_token(env, seconds)}"

    def leading_page(self, link: str) -> Path:
        """A private page that leads to ``link``: a browser's arguments, unlike its files, are shown to everybody."""
        page = self.home.run / "open.html"
        write_private(page, f'<!doctype html><meta http-equiv="refresh" content="0; url={link}"><title>Dubline</title>')
        return page

    def _live(self) -> StackStatus:
        return read_status(self.home) if is_locked(lock_file(self.home)) else StackStatus()

    def _context(self, say: Callable[[str], None] = lambda _: None) -> StackContext:
        return StackContext(self.home, StackState.load(self.home.state_file), self._environ, self._live(), say)

    def _plan(self) -> ProcessPlan:
        if not is_locked(lock_file(self.home)) or not plan_file(self.home).exists():
            return ProcessPlan()
        return ProcessPlan.model_validate_json(plan_file(self.home).read_text(encoding="utf-8"))

    @staticmethod
    def _is_external(name: str, state: StackState) -> bool:
        return name in table.SERVERS and table.SERVERS[name].external in state.external

    def _settings(self, context: StackContext) -> dict[str, str]:
        found = {"DUBLINE_HOME": str(self.home.root), "DUBLINE_MEDIA_SCRATCH": str(self.home.data / "scratch")}
        found["DUBLINE_TRAINER_SCRATCH"] = str(self.home.data / "trainer")
        for server in table.SERVERS.values():
            if server.external not in context.state.external:
                found |= server.settings(context)
        found |= context.state.external
        found["DUBLINE_API_URL"] = f"http://127.0.0.1:{context.port('api')}"
        for name, secret in (("DUBLINE_SECRETS_KEY", "secrets"), ("DUBLINE_SESSION_KEY", "session")):
            found[name] = self._environ.get(name) or context.state.secret(secret)
        if context.state.api_key:
            found["DUBLINE_API_KEY"] = context.state.api_key
        return found

    def _prepare(self, names: tuple[str, ...], context: StackContext) -> None:
        """Makes what the chosen processes expect to find."""
        env = self._settings(context)
        if "s3" in names:
            context.say("Checking the object store")
            bootstrap.ensure_bucket(env)
        if set(names) & set(table.SERVICES):
            context.say("Bringing the database's tables up to date")
            bootstrap.migrate(env)
            bootstrap.admit_roles(env)
            context.state.api_key = bootstrap.ensure_api_key(env, context.state.api_key)

    @staticmethod
    def _server(name: str, context: StackContext) -> ProcessSpec:
        spec = table.SERVERS[name].describe(context)
        return spec.model_copy(update={"env": {**environment.of_servers(os.environ), **spec.env}})

    def _environment(self, context: StackContext) -> dict[str, str]:
        """Of our services: the caller's own, and the settings."""
        return {**environment.of_services(os.environ), **self._environ, **self._settings(context)}

    def _supervise(
        self, running: Mapping[str, ProcessSpec], wanted: Mapping[str, ProcessSpec], progress: StartProgress
    ) -> dict[str, ProcessSpec]:
        """Hands the supervisor a new plan, ``wanted`` beside what runs, and gives it; starts the supervisor when none runs."""
        for text in changes.restart_reasons(running, wanted):
            progress.step(text)
        specs = {**running, **changes.kept(running, wanted)}
        ordered = tuple(specs[name] for name in table.PROCESS_NAMES if name in specs)
        plan = ProcessPlan(processes=ordered, generation=time.time_ns(), owner=self._owner)
        write_private(plan_file(self.home), plan.model_dump_json(indent=2))
        if not is_locked(lock_file(self.home)):
            with open_private(self.home.log_of("supervisor")) as log:
                subprocess.Popen(  # noqa: S603 - our own module
                    [sys.executable, "-m", "services.stack.supervisor", self.home.root, self.home.wheels],
                    cwd=CHECKOUT,
                    env={**os.environ, "PYTHONPATH": f"{CHECKOUT / 'shared'}:{CHECKOUT}"},
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
        if not self._until(lambda: self._live().generation == plan.generation, _STOP_SECONDS):
            raise StackError("the supervisor does not answer", suggestions=(f"See {self.home.log_of('supervisor')}.",))
        return specs

    def _supervisor_pid(self) -> int:
        file = self.home.run / "supervisor.pid"
        if not self._until(file.exists, 5.0):
            raise StackError(f"{file} is missing while a supervisor holds its lock")
        return int(file.read_text(encoding="utf-8"))

    def _wait(self, names: Iterable[str], progress: StartProgress) -> None:
        """Returns when all of ``names`` are healthy."""
        wanted, watchdog = set(names), Watchdog()
        before = {name: self._live().of(name).restarts for name in wanted}
        while True:
            status = self._live()
            progress.status(status)
            waiting = [status.of(name) for name in wanted if status.of(name).phase is not ProcessPhase.RUNNING]
            if not waiting:
                return
            for process in waiting:
                crashed = process.restarts - before[process.name] >= _MAX_CRASHES
                if why := (process.last_exit or "no answer") if crashed else watchdog.stall_reason(process):
                    raise StackError(
                        f"{process.name} does not start: {why}\n{self.tail(process.name)}",
                        suggestions=(f"The whole log: {self.home.log_of(process.name)}",),
                    )
            time.sleep(_POLL_SECONDS)

    def tail(self, name: str, lines: int = 15) -> str:
        """The end of the log of process ``name``."""
        with suppress(FileNotFoundError):
            return "\n".join(self.home.log_of(name).read_text("utf-8", "replace").splitlines()[-lines:])
        return ""

    @staticmethod
    def _until(condition: Callable[[], bool], seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                return False
            time.sleep(_POLL_SECONDS / 2)
        return True
