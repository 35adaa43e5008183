"""How a running job looks: a live view on a terminal, one line per phase elsewhere."""

from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from dubline_client.models import JobOut

_MARKS = {"done": "[green]✔[/]", "running": "[yellow]▶[/]", "pending": "[dim]·[/]"}


class JobView:
    """Shows uploads and a job's progress.

    Args:
        console: where to; stderr, so that stdout stays free for results.
        quiet: without a terminal, show nothing but what `say` says.
    """

    def __init__(self, console: Console, *, quiet: bool = False) -> None:
        self._console = console
        self._quiet = quiet and not console.is_terminal
        self._live = Live(console=console, refresh_per_second=6, transient=True) if console.is_terminal else None
        self._said = ""

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._live is not None:
            self._live.stop()

    def transfer(self, what: str, done: int, total: int) -> None:
        """``done`` of ``total`` bytes of ``what`` are through."""
        if self._live is not None:
            self._live.update(_line(what, done, total, f"{done / 1e6:.1f} of {total / 1e6:.1f} MB"))
        elif done >= total:
            self._say(f"{what}: {total / 1e6:.1f} MB")

    def job(self, job: JobOut) -> None:
        """The job as it is now."""
        if self._live is not None:
            self._live.update(render(job))
        else:
            self._say(f"{job.status}: {job.phase} {facts(job)}", unless=f"{job.status}: {job.phase}")

    def say(self, text: str) -> None:
        """``text``, which nobody must miss."""
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def _say(self, text: str, unless: str | None = None) -> None:
        key = unless or text
        if key != self._said and not self._quiet:
            self._said = key
            self.say(text)


def facts(job: JobOut) -> str:
    """What is known now, in one line: shots, chunks, frames, speed, time left."""
    progress = job.progress
    counts = (("shots", progress.shots), ("chunks", progress.chunks), ("frames", progress.frames))
    parts = [f"{name} {count.done}/{count.total}" for name, count in counts if count.total]
    if progress.fps is not None:
        parts.append(f"{progress.fps:.1f} frames/s")
    if progress.eta_seconds is not None:
        parts.append(f"about {_duration(progress.eta_seconds)} left")
    if job.waiting_on:
        parts.append(f"waiting on {job.waiting_on}")
    if job.stuck:
        parts.append("no sign of life")
    if job.deadline_at_risk:
        parts.append("may miss its deadline")
    return " · ".join(parts)


def kind_of(job: JobOut) -> str:
    """The model that a job generates with; one without analyses a title."""
    return "analysis" if job.model is None else job.model.name


def is_demo(job: JobOut) -> bool:
    """Whether what a job makes is a demonstration, not for delivery."""
    return job.model is not None and job.model.demo


def render(job: JobOut) -> RenderableType:
    """The live view of a job."""
    phases = Table.grid(padding=(0, 1))
    for name, phase in job.progress.phases.additional_properties.items():
        phases.add_row(_MARKS[phase.status], name, f"{phase.percent:.0f} %" if phase.status == "running" else "")
    percent = job.progress.percent
    return Group(
        Text(f"{job.id}  {kind_of(job)}  {job.status}", style="bold"),
        _line("job", percent, 100, f"{percent:.0f} %"),
        phases,
        Text(facts(job), style="cyan"),
    )


def _line(what: str, done: float, total: float, note: str) -> Table:
    line = Table.grid(padding=(0, 1))
    line.add_row(what, ProgressBar(total=max(total, 1), completed=done, width=40), note)
    return line


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}" if minutes else f"{rest} s"
