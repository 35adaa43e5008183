"""What every process file needs to describe its process."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from services.stack.home import Home
from services.stack.plan import StackStatus
from services.stack.state import StackState


@dataclass(frozen=True, slots=True)
class StackContext:
    """The stack's folder, its memory, and what the caller's environment says.

    Attributes:
        home: the stack's folder.
        state: ports and credentials; process files add to it.
        environ: the caller's ``DUBLINE_*`` variables.
        status: what runs now; the ports of what runs are rightly taken.
        say: tells the user about a step that takes a while.
        decided: ports given out by this context.
    """

    home: Home
    state: StackState
    environ: Mapping[str, str] = field(default_factory=dict)
    status: StackStatus = field(default_factory=StackStatus)
    say: Callable[[str], None] = lambda _: None
    decided: dict[str, int] = field(default_factory=dict)

    def port(self, process: str, name: str | None = None) -> int:
        """The port ``name`` of ``process`` (its main port without a name): remembered between runs, decided once here."""
        key = process if name is None else f"{process}.{name}"
        if key not in self.decided:
            self.decided[key] = self.state.port(key, keep=self.status.of(process).pid is not None)
        return self.decided[key]
