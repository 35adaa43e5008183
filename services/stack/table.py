"""The table of processes: what each is called, what it needs, and which setting says that it already runs elsewhere.

To add, rename or retune one of our services, change this file and nothing else.
"""

import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from dubbing.settings import TrainerSettings
from services.stack.context import StackContext
from services.stack.errors import StackError
from services.stack.home import CHECKOUT
from services.stack.plan import ProcessSpec
from services.stack.ports import LOOPBACK
from services.stack.processes import postgres, redis, s3, triton


@dataclass(frozen=True, slots=True)
class Server:
    """A server that others wrote.

    Attributes:
        describe: prepares it and says how to run it.
        settings: how our services reach it.
        external: the setting that names a running one; then ours is not started.
    """

    describe: Callable[[StackContext], ProcessSpec]
    settings: Callable[[StackContext], dict[str, str]]
    external: str


@dataclass(frozen=True, slots=True)
class Service:
    """A process of ours: a Python module with arguments.

    Attributes:
        module: what ``python -m`` runs.
        arguments: what follows; ``{api_port}``, ``{data}`` and ``{life}`` are filled in.
        probe: as in `probes`.
        needs: servers that it uses.
        optional: it is started only when asked for.
        database: the setting with which it reaches the database, the only one of these that it sees.
    """

    module: str
    arguments: str
    probe: str
    needs: tuple[str, ...] = ("postgres", "redis", "s3")
    optional: bool = False
    database: str = "DUBLINE_DATABASE_WORKER_URL"


SERVERS: dict[str, Server] = {
    "postgres": Server(postgres.describe, postgres.settings, "DUBLINE_DATABASE_URL"),
    "redis": Server(redis.describe, lambda c: {"DUBLINE_REDIS_URL": redis.url(c)}, "DUBLINE_REDIS_URL"),
    "s3": Server(s3.describe, s3.settings, "DUBLINE_S3_ENDPOINT"),
    "triton": Server(triton.describe, triton.settings, "DUBLINE_TRITON_URL"),
}

_ALL_SERVERS = tuple(SERVERS)
_DATABASES = ("DUBLINE_DATABASE_URL", "DUBLINE_DATABASE_API_URL", "DUBLINE_DATABASE_WORKER_URL")
# Workers and beat touch it every two or three seconds while they reach the broker.
_LIVENESS = "life://20{life}"


def _worker(
    app: str,
    queue: str,
    processes: int,
    needs: tuple[str, ...] = _ALL_SERVERS,
    *,
    optional: bool = False,
    pool: str = "prefork",
) -> Service:
    arguments = f"-A {app} worker -Q {queue} -n {queue}@%h -c {processes} -l INFO --without-gossip --without-mingle"
    arguments += "" if pool == "prefork" else f" -P {pool}"
    return Service("celery", arguments, _LIVENESS, needs, optional=optional)


SERVICES: dict[str, Service] = {
    "api": Service(
        "uvicorn",
        f"services.api.main:create_app --factory --host {LOOPBACK} --port {{api_port}} --no-access-log",
        f"http://{LOOPBACK}:{{api_port}}/healthz",
        database="DUBLINE_DATABASE_API_URL",
    ),
    "worker-prepare": _worker("services.worker.app:app", "prepare", 1),
    "worker-infer": _worker("services.worker.app:app", "infer", 2),
    "worker-stitch": _worker("services.stitcher.app:app", "stitch", 1, ("postgres", "redis", "s3")),
    "worker-maintenance": _worker("services.worker.app:app", "maintenance", 1),
    # Calls wait for others most of the time: threads are enough, and no call is ever stopped by killing its process.
    "worker-deliver": _worker("services.worker.delivery:app", "deliver", 8, ("postgres", "redis"), pool="threads"),
    "worker-train": _worker("services.trainer.service.app:app", "train", 1, ("postgres", "redis", "s3"), optional=True),
    "worker-publish": _worker("services.trainer.service.app:app", "publish", 1, optional=True),
    "beat": Service("celery", "-A services.worker.beat:app beat -l INFO --pidfile= -s {data}/beat", _LIVENESS, ("redis",)),
}

PROCESS_NAMES = (*SERVERS, *SERVICES)
USUAL_PROCESSES = tuple(name for name in PROCESS_NAMES if name in SERVERS or not SERVICES[name].optional)
"""What runs unless more is asked for."""


def processes_wanted(environ: Mapping[str, str]) -> tuple[str, ...]:
    """What ``dubline up`` starts: the usual, and the trainer where ``DUBLINE_TRAINER_ENABLED`` says so."""
    given = {"enabled": environ["DUBLINE_TRAINER_ENABLED"]} if "DUBLINE_TRAINER_ENABLED" in environ else {}
    return PROCESS_NAMES if TrainerSettings.model_validate(given).enabled else USUAL_PROCESSES


def selection(names: Iterable[str]) -> tuple[str, ...]:
    """``names`` and all that they need, in the order of the table.

    Raises:
        StackError: a name is not in the table.
    """
    wanted = set(names)
    if unknown := sorted(wanted - set(PROCESS_NAMES)):
        raise StackError(
            f"no such process: {', '.join(unknown)}", suggestions=(f"The processes are: {', '.join(PROCESS_NAMES)}.",)
        )
    for name in sorted(wanted & set(SERVICES)):
        wanted.update(SERVICES[name].needs)
    return tuple(name for name in PROCESS_NAMES if name in wanted)


def external_settings(environ: Mapping[str, str], context: StackContext) -> dict[str, str]:
    """The settings in ``environ`` that name servers which run elsewhere, with the keys that belong to them.

    A shell of ``dubline exec`` names this stack's own servers: these run nowhere else. What ours are called is asked of a copy
    of the state: asking draws ports and credentials, which a server that runs elsewhere shall not leave behind.
    """
    asked = replace(context, state=context.state.model_copy(deep=True), decided={})
    named = [server for server in SERVERS.values() if environ.get(server.external)]
    own = {server.external: server.settings(asked)[server.external] for server in named}
    found = {name: environ[name] for name in own if environ[name] != own[name]}
    for prefix, server in (("DUBLINE_DATABASE_", "postgres"), ("DUBLINE_S3_", "s3"), ("DUBLINE_TRITON_", "triton")):
        if SERVERS[server].external in found:
            found |= {key: value for key, value in environ.items() if key.startswith(prefix)}
    return found


# Cores are shared by processes, not by threads of one. And pictures of several megabytes come and go on many threads: with an
# allocator's arena for each, what they leave behind adds up with every job.
_FRUGAL = {"OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"}


def _with_its_database(service: Service, env: Mapping[str, str]) -> dict[str, str]:
    """``env`` with one address of the database: that of the service's own role, or else the only one that is known."""
    kept = service.database if env.get(service.database) else SERVERS["postgres"].external
    return {name: value for name, value in env.items() if name == kept or name not in _DATABASES}


def service_spec(name: str, context: StackContext, env: Mapping[str, str]) -> ProcessSpec:
    """How to run our service ``name`` with the settings ``env``."""
    service = SERVICES[name]
    liveness = str(context.home.run / f"{name}.life")
    values = {"api_port": str(context.port("api")), "data": str(context.home.data), "life": liveness}
    arguments = [part.format(**values) for part in service.arguments.split()]
    path = f"{CHECKOUT / 'shared'}:{CHECKOUT}"
    return ProcessSpec(
        name=name,
        command=(sys.executable, "-m", service.module, *arguments),
        env={
            **_with_its_database(service, env),
            **_FRUGAL,
            "PYTHONPATH": path,
            "PYTHONUNBUFFERED": "1",
            "DUBLINE_QUEUE_LIFE": liveness,
        },
        cwd=str(CHECKOUT),
        probe=service.probe.format(**values),
        tier=1,
    )
