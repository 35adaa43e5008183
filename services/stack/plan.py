"""The plan that the supervisor makes true, and the status that it reports. Both are files in the run folder."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field


class ProcessSpec(BaseModel):
    """How to run one process.

    Attributes:
        name: what users call it.
        command: argument list; the first item is an absolute path.
        env: all variables that it sees.
        cwd: working directory.
        uid: user to run as when the supervisor is root and the program refuses to be; None keeps the own user.
        gid: group that goes with ``uid``.
        probe: URL that tells whether it is healthy, see `probes`.
        stop_signal: signal that asks for an orderly end.
        grace: seconds from that signal to SIGKILL.
        tier: what has a higher tier needs what has a lower one, so it stops first.
        keeps_data: it is never ended for its silence: after a crash it may have to read long what it keeps.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    command: tuple[str, ...]
    env: dict[str, str] = Field(default_factory=dict)
    cwd: str
    uid: int | None = None
    gid: int | None = None
    probe: str
    stop_signal: int = 15
    grace: float = 10.0
    tier: int = 0
    keeps_data: bool = False


class ProcessPlan(BaseModel):
    """What should run.

    Attributes:
        processes: in the order of their start.
        generation: number that grows with every plan.
        owner: process id without which the stack ends (a test run), None for a stack that outlives its starter.
    """

    processes: tuple[ProcessSpec, ...] = ()
    generation: int = 0
    owner: int | None = None


class ProcessPhase(StrEnum):
    """Where one process stands."""

    STARTING = "starting"
    RUNNING = "running"
    UNHEALTHY = "unhealthy"
    BACKING_OFF = "backing_off"
    STOPPED = "stopped"
    EXTERNAL = "external"


class ProcessStatus(BaseModel):
    """One process as the supervisor sees it.

    Attributes:
        name: what users call it.
        phase: where it stands.
        pid: its process id while it runs.
        created: its creation time as the kernel tells it; a pid alone may have been given to another process.
        restarts: how often it crashed and was started again since ``up``.
        last_exit: how it ended last, in words.
        since: seconds since the epoch of the last change of phase.
    """

    name: str
    phase: ProcessPhase
    pid: int | None = None
    created: float | None = None
    restarts: int = 0
    last_exit: str | None = None
    since: float = 0.0


class StackStatus(BaseModel):
    """All processes of one stack.

    Attributes:
        supervisor: the supervisor's process id, None when nothing is supervised.
        edition: of the supervisor's code; 0 before there were any.
        generation: number of the plan that this status answers to.
        processes: in the order of the plan.
    """

    supervisor: int | None = None
    edition: int = 0
    generation: int = 0
    processes: tuple[ProcessStatus, ...] = ()

    def of(self, name: str) -> ProcessStatus:
        """The status of process ``name``; stopped when it is not there."""
        for process in self.processes:
            if process.name == name:
                return process
        return ProcessStatus(name=name, phase=ProcessPhase.STOPPED)
