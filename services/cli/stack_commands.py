"""``dubline up | open | down | status | logs | exec``."""

import json
import os
import sys
import time
import webbrowser
from collections import deque
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from services.cli.stack_view import StartView
from services.stack.public import (
    PROCESS_NAMES,
    USUAL_PROCESSES,
    LocalStack,
    ModelReport,
    ModelState,
    ProcessPhase,
    StackError,
    StackStatus,
    default_home,
    processes_wanted,
    program_environment,
)

# How long a sign-in link lives: one that is opened at once, and one that waits in a terminal.
_OPEN_SECONDS = 60.0
_SHOWN_SECONDS = 3600.0
_COLOURS = {
    ProcessPhase.RUNNING: "green",
    ProcessPhase.EXTERNAL: "cyan",
    ProcessPhase.STARTING: "yellow",
    ProcessPhase.UNHEALTHY: "yellow",
    ProcessPhase.BACKING_OFF: "red",
    ProcessPhase.STOPPED: "dim",
}


def register(app: typer.Typer) -> None:
    """Adds the stack's commands to ``app``."""
    for command in (up, down, status, logs):
        app.command()(command)
    app.command("open")(open_viewer)
    app.command("exec", context_settings={"ignore_unknown_options": True})(execute)


def local_stack() -> LocalStack:
    """The stack of this checkout, with the settings of the caller's environment."""
    return LocalStack(default_home(), os.environ)


def up(
    only: Annotated[str | None, typer.Option(help="Start only these, comma-separated, and what they need.")] = None,
) -> None:
    """Start the local stack (or what is missing of it) and wait until it is healthy. Exit 1 when a model cannot be served.

    What runs with other settings or variables than these is started again.
    """
    stack = start(only.split(",") if only else processes_wanted(os.environ))
    if any(model.is_fault for model in stack.models()):
        raise typer.Exit(1)


def start(names: tuple[str, ...] | list[str] = USUAL_PROCESSES) -> LocalStack:
    """Starts ``names`` with a view of the progress on stderr, and names the models that cannot be served."""
    stack = local_stack()
    began = time.monotonic()
    with StartView(Console(stderr=True)) as view:
        stack.start(names, view)
    settings, console = stack.env(), Console(stderr=True, highlight=False)
    console.print(
        f"The stack is up after {time.monotonic() - began:.1f} s: {settings['DUBLINE_API_URL']}"
        if "api" in names
        else f"Up after {time.monotonic() - began:.1f} s."
    )
    if "api" in names:
        link = stack.sign_in_link(_SHOWN_SECONDS)
        console.print(f"Sign in as its owner, once and within an hour: {link}", markup=False, soft_wrap=True)
    for model in stack.models():
        if model.is_fault:
            console.print(f"{model.name} is not served ({model.state}): {model.reason}", style="red", markup=False)
    return stack


def open_viewer(
    browser: Annotated[bool, typer.Option(help="Open the link, too, where there is a browser.")] = True,
) -> None:
    """Print a link that signs you in as the owner, once and within a minute, and open it. It leads to the API's viewer."""
    stack = local_stack()
    link = stack.sign_in_link(_OPEN_SECONDS)
    print(link, flush=True)
    if browser and _has_screen():
        webbrowser.open(stack.leading_page(link).as_uri())


def _has_screen() -> bool:
    """Whether a browser has a window to open in; one that runs inside the terminal would take it over."""
    return sys.platform == "darwin" or any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY")))


def down(
    remove_data: Annotated[bool, typer.Option("--remove-data", help="Also delete all data and credentials.")] = False,
) -> None:
    """Stop every process of the local stack."""
    stack = local_stack()
    if remove_data:
        stack.destroy()
    else:
        stack.stop()
    Console(stderr=True).print("The stack is down.")


def status(as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False) -> None:
    """Show what runs, what was restarted and why, and every model. Exit 1 when something that should run does not."""
    stack = local_stack()
    found, models = stack.status(), stack.models()
    well = _is_well(found) and not any(model.is_fault for model in models)
    if as_json:
        content = {
            "well": well,
            **found.model_dump(mode="json"),
            "models": [model.model_dump(mode="json") for model in models],
            "home": str(stack.home.root),
            "api_url": stack.env()["DUBLINE_API_URL"] if found.supervisor else None,
        }
        print(json.dumps(content, indent=2))
    else:
        Console().print(_processes(found), *([_models(models)] if models else []), sep="\n\n")
    if not well:
        raise typer.Exit(1)


def _is_well(found: StackStatus) -> bool:
    """The stack was started, and all that was started with it works."""
    fine = {ProcessPhase.RUNNING, ProcessPhase.EXTERNAL, ProcessPhase.STOPPED}
    return found.supervisor is not None and all(process.phase in fine for process in found.processes)


def _models(models: tuple[ModelReport, ...]) -> Table:
    view = Table("model", "state", "device", "reason", box=None, pad_edge=False)
    for model in models:
        colour = "red" if model.is_fault else "green" if model.state is ModelState.READY else "dim"
        view.add_row(model.name, f"[{colour}]{model.state}[/]", Text(model.device or ""), Text(model.reason or ""))
    return view


def _processes(found: StackStatus) -> Table:
    view = Table("process", "state", "pid", "since", "restarts", "last exit", box=None, pad_edge=False)
    for process in found.processes:
        colour = _COLOURS[process.phase]
        since = f"{time.time() - process.since:.0f} s" if process.since else ""
        view.add_row(
            process.name,
            f"[{colour}]{process.phase}[/]",
            str(process.pid or ""),
            since,
            str(process.restarts or ""),
            process.last_exit or "",
        )
    return view


def logs(
    name: Annotated[str | None, typer.Argument(help="A process, or `supervisor`; all when left out.")] = None,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Wait for more.")] = False,
    lines: Annotated[int, typer.Option("-n", "--lines", help="How many lines of each log.")] = 40,
) -> None:
    """Print the end of the logs."""
    home = default_home()
    names = [name] if name else [known for known in ("supervisor", *PROCESS_NAMES) if home.log_of(known).exists()]
    if name and not home.log_of(name).exists():
        raise StackError(f"there is no log of {name}", suggestions=(f"The processes are: {', '.join(PROCESS_NAMES)}.",))
    places: dict[str, int] = {}
    for each in names:
        path = home.log_of(each)
        with path.open(encoding="utf-8", errors="replace") as file:
            for line in deque(file, lines):
                _show(each, line, single=name is not None)
            places[each] = file.tell()
    while follow:
        for each in names:
            places[each] = _follow(each, home.log_of(each), places[each], single=name is not None)
        time.sleep(0.3)


def execute(command: Annotated[list[str], typer.Argument(help="A program and its arguments; `bash` for a shell.")]) -> None:
    """Run a program with the local stack's addresses and keys (DUBLINE_*); dubline, python, celery and psql are found."""
    settings = local_stack().env()
    if "DUBLINE_API_KEY" not in settings:
        raise StackError("the local stack has not been started here", suggestions=("Run `dubline up`.",))
    try:
        os.execvpe(command[0], command, {**program_environment(os.environ), **settings})  # noqa: S606 - the user's own program
    except OSError as error:
        raise StackError(f"{command[0]} cannot be run: {error.strerror}") from error


def _follow(name: str, path: Path, place: int, *, single: bool) -> int:
    """Prints what came since ``place``; a log that was replaced begins anew."""
    if not path.exists():
        return 0
    if path.stat().st_size < place:
        place = 0
    with path.open(encoding="utf-8", errors="replace") as file:
        file.seek(place)
        for line in file:
            _show(name, line, single=single)
        return file.tell()


def _show(name: str, line: str, *, single: bool) -> None:
    print(line.rstrip("\n") if single else f"{name:18} | {line.rstrip()}", flush=True)
