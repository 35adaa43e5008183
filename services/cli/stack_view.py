"""How a start of the stack looks: a live table on a terminal, one line per change elsewhere."""

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table

from services.stack.public import ProcessPhase, ProcessStatus, StackStatus, StartProgress

_MARKS = {ProcessPhase.RUNNING: "[green]ready[/]", ProcessPhase.BACKING_OFF: "[red]crashed, starts again[/]"}


class StartView(StartProgress):
    """Shows the progress of a start.

    Args:
        console: where to.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, transient=True, refresh_per_second=8) if console.is_terminal else None
        self._phases: dict[str, ProcessPhase] = {}
        self._began = time.monotonic()

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._live is not None:
            self._live.stop()

    def step(self, text: str) -> None:
        """Says what is being done now."""
        self._console.print(f"[dim]{time.monotonic() - self._began:5.1f} s[/]  {text}")

    def status(self, status: StackStatus) -> None:
        """Shows the processes on a terminal, and what changed elsewhere."""
        if self._live is not None:
            self._live.update(_table(status.processes))
            return
        for process in status.processes:
            if self._phases.get(process.name) is not process.phase:
                self._phases[process.name] = process.phase
                if process.phase in (ProcessPhase.RUNNING, ProcessPhase.BACKING_OFF):
                    why = f" ({process.last_exit})" if process.phase is ProcessPhase.BACKING_OFF else ""
                    self.step(f"{process.name}: {_MARKS[process.phase]}{why}")


def _table(processes: tuple[ProcessStatus, ...]) -> Table:
    view = Table(box=None, show_header=False, pad_edge=False)
    for process in processes:
        mark = _MARKS.get(process.phase)
        why = process.last_exit if process.phase is ProcessPhase.BACKING_OFF else None
        view.add_row(process.name, mark or Spinner("dots", str(process.phase)), why or "")
    return view
