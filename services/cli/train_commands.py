"""``dubline train``: training runs and the model versions that come of them, through the API.

What needs the model library, which the command line does not load, a process of its own does: the plan of ``start --dry-run``,
and ``adopt``.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from dubbing.errors import InvalidSetting
from dubline_client.api.training import (
    list_recipes,
    list_runs,
    list_versions,
    publish_run,
    read_run,
    resume_run,
    roll_back,
    start_run,
    stop_run,
)
from dubline_client.api.training import promote as promote_canary
from dubline_client.models import Publish, ReleaseOut, RunCreate, RunCreateSettings
from services.cli.client import refused
from services.cli.job_commands import JsonOption, client
from services.cli.module import run_module
from services.cli.stack_commands import local_stack
from services.cli.training_chain import Chain
from services.stack.public import StackError

app = typer.Typer(name="train", help="Train students, and publish what passes the gate.", no_args_is_help=True)
RunArgument = Annotated[str, typer.Argument(metavar="ID", help="Id of the run, run_...")]
ModelArgument = Annotated[str, typer.Argument(metavar="MODEL", help="tiny, 1.3b or 14b.")]
SettingsOption = Annotated[list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="Change a setting.")]
ProcessesOption = Annotated[int, typer.Option(min=1, help="Processes of a run; one for each GPU.")]
_SELDOM = 15.0  # seconds between two lines of how far preparing and measuring are


@app.command()
def start(
    recipe: Annotated[str, typer.Argument(help="Name of the recipe; `dubline train recipes` lists them.")],
    settings: SettingsOption = None,
    processes: ProcessesOption = 1,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what the run would need, and start nothing.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Start a run. It waits until a trainer is free."""
    chosen = dict(_setting(text) for text in settings or ())
    if dry_run:
        _show(_plan(recipe, chosen, processes), as_json=as_json)
        return
    wanted = RunCreate(recipe, RunCreateSettings.from_dict(chosen), processes)
    _show(client().change(partial(start_run.sync_detailed, body=wanted)).members, as_json=as_json)


@app.command()
def make(
    recipe: Annotated[str, typer.Argument(help="The recipe that comes last, such as sf_tiny.")],
    settings: SettingsOption = None,
    processes: ProcessesOption = 1,
    *,
    publish: Annotated[bool, typer.Option("--publish", help="Publish what the last one made, if it passes the gate.")] = False,
    share: Annotated[float, typer.Option(help="Share of new jobs that a published version gets.")] = 1.0,
    fresh: Annotated[bool, typer.Option("--fresh", help="Make every run anew.")] = False,
) -> None:
    """Run a recipe with all that it starts from, one after the other.

    Called again with the same settings, it goes on where it was; Ctrl-C leaves the run to the trainer. Exit 1 when a run failed
    or the gate refused what came of it.
    """
    chosen = dict(_setting(text) for text in settings or ())
    began, shown = time.monotonic(), time.monotonic() - _SELDOM

    def tell(name: str, kind: str, data: dict[str, Any]) -> None:
        nonlocal shown
        often = kind in ("run.preparing", "version.measuring")
        if often and time.monotonic() - shown < _SELDOM and data.get("done", 0) != data.get("of"):
            return
        shown = time.monotonic() if often else shown
        print(f"[{(time.monotonic() - began) / 60:5.1f} min] {name:16} {_line(kind, data)}", flush=True)

    chain = Chain(client(), chosen, processes, tell, fresh=fresh)
    print(f"{' -> '.join(chain.recipes(recipe))}, {processes} processes each", flush=True)
    run = chain.make(recipe)
    print(f"[{(time.monotonic() - began) / 60:5.1f} min] {recipe} succeeded: {run.id}", flush=True)
    if publish:
        print("Measuring it beside what is served now.", flush=True)
        version = chain.publish(run, share)
        _show_version(version)
        print(f"[{(time.monotonic() - began) / 60:5.1f} min] {version.status}", flush=True)
        if version.error:
            raise refused(version.error.to_dict())


@app.command("alone")
def without_platform(
    recipe: Annotated[str, typer.Argument(help="The recipe that comes last, such as sf_tiny.")],
    settings: SettingsOption = None,
    processes: ProcessesOption = 1,
    *,
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder of the runs.")],
) -> None:
    """Run a recipe with all that it starts from on this machine, without the platform: for a GPU that is rented.

    Called again, it goes on where it was. `dubline train adopt` brings the runs home.
    """
    chosen = json.dumps(dict(_setting(text) for text in settings or ()))
    words = (recipe, str(out), "--settings", chosen, "--processes", str(processes))
    run_module("services.trainer.runtime.chain", *words)


@app.command()
def adopt(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="What `dubline train alone` left.")],
    *,
    as_json: JsonOption = False,
) -> None:
    """Bring home what a machine without the platform made: runs like any other, to start from and to publish.

    Called again, it changes nothing. A run that is unfinished, damaged or of another recipe is refused.
    """
    found = _asked("adopt", str(folder), env=_platform())
    if as_json:
        print(json.dumps({"items": found}, indent=2))
        return
    for run in found:
        print(f"{run['id']}  {run['recipe']}  {'adopted' if run['adopted'] else 'already there'}")


@app.command()
def recipes(*, as_json: JsonOption = False) -> None:
    """List the recipes on offer and what can be set."""
    found = client().read(list_recipes.sync_detailed)
    if as_json:
        _show(found.members, as_json=True)
        return
    for item in found.value.items:
        starts = item.starts.to_dict()
        print(f"{item.name}: {item.summary}")
        for name, value in item.settings.to_dict().items():
            print(f"    {name}={json.dumps(value)}{_of(starts.get(name))}")


@app.command("list")
def list_(limit: Annotated[int, typer.Option("-n", "--limit", min=1, max=100)] = 20, *, as_json: JsonOption = False) -> None:
    """List runs, newest first."""
    found = client().read(partial(list_runs.sync_detailed, limit=limit))
    if as_json:
        _show(found.members, as_json=True)
        return
    view = Table("id", "status", "recipe", "step", "version", "created", box=None, pad_edge=False)
    for run in found.value.items:
        step = f"{run.step}/{run.steps}" if run.steps else ""
        created = run.created_at.isoformat()[:19]
        view.add_row(run.id, run.status, run.recipe, step, str(run.version or ""), created)
    Console().print(view)


@app.command()
def watch(run_id: RunArgument, *, as_json: JsonOption = False) -> None:
    """Follow a run until it ends: losses, gradient norm, samples per second, time left. Exit 1 when it failed."""
    caller = client()
    for kind, data in caller.events(f"/v1/training-runs/{run_id}/events"):
        print(json.dumps({"event": kind, **data}) if as_json else _line(kind, data), flush=True)
    error = caller.read(partial(read_run.sync_detailed, run_id)).value.error
    if error:
        raise refused(error.to_dict())


@app.command()
def stop(run_id: RunArgument, *, as_json: JsonOption = False) -> None:
    """Save a checkpoint and stop."""
    _show(client().change(partial(stop_run.sync_detailed, run_id)).members, as_json=as_json)


@app.command()
def resume(run_id: RunArgument, *, as_json: JsonOption = False) -> None:
    """Go on from the last checkpoint, exactly."""
    _show(client().change(partial(resume_run.sync_detailed, run_id)).members, as_json=as_json)


@app.command()
def publish(
    run_id: RunArgument,
    share: Annotated[float, typer.Option(help="Share of new jobs; less than 1 makes it a canary.")] = 1.0,
    *,
    as_json: JsonOption = False,
) -> None:
    """Measure what a run made beside the incumbent, and serve it if it is no worse. `dubline train versions` shows the end."""
    _show(client().change(partial(publish_run.sync_detailed, run_id, body=Publish(share))).members, as_json=as_json)


@app.command()
def versions(model: ModelArgument, *, as_json: JsonOption = False) -> None:
    """List the versions of a model with the gate's figures."""
    found = client().read(partial(list_versions.sync_detailed, model))
    if as_json:
        _show(found.members, as_json=True)
        return
    for item in found.value.items:
        _show_version(item)


@app.command()
def promote(model: ModelArgument, *, as_json: JsonOption = False) -> None:
    """Let the canary serve every new job."""
    _show(client().change(partial(promote_canary.sync_detailed, model)).members, as_json=as_json)


@app.command()
def rollback(model: ModelArgument, *, as_json: JsonOption = False) -> None:
    """Give new jobs the version before, at once."""
    _show(client().change(partial(roll_back.sync_detailed, model)).members, as_json=as_json)


def _show_version(item: ReleaseOut) -> None:
    console = Console(highlight=False)
    console.print(f"{item.status:9} version {item.version or '-'}  share {item.share:g}  run {item.run or '-'}")
    if item.progress:
        console.print(f"    {_measuring(item.progress.to_dict())}")
    if item.error:
        console.print(f"    {item.error.code}: {item.error.detail}", markup=False, soft_wrap=True)
    for figure in item.figures:
        mark = "ok" if figure["passed"] else "WORSE"
        console.print(f"    {figure['name']:18} {figure['candidate']!s:>10} beside {figure['incumbent']!s:>10}  {mark}")


def _of(recipe: str | None) -> str:
    return "" if recipe is None else f"  (id of a finished run of {recipe})"


def _setting(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise InvalidSetting(f"{text!r} is not NAME=VALUE.", where={"option": "--set"})
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _plan(recipe: str, settings: dict[str, Any], processes: int) -> dict[str, Any]:
    answer: dict[str, Any] = _asked("plan", recipe, "--settings", json.dumps(settings), "--processes", str(processes))
    return answer


def _asked(*words: str, env: Mapping[str, str] | None = None) -> Any:
    """What the trainer answers, which needs the model library; its refusal is ours."""
    command = [sys.executable, "-m", "services.trainer.service", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=env)  # noqa: S603 - our own module
    if done.returncode not in (0, 2) or not done.stdout:
        raise refused({"code": "internal_error", "detail": f"The trainer's {words[0]} failed: {done.stderr.strip()[-400:]}"})
    answer = json.loads(done.stdout)
    if done.returncode != 0:
        raise refused(answer)
    return answer


def _platform() -> dict[str, str]:
    """An environment that leads to database and object store: the caller's, else that of the local stack.

    Raises:
        StackError: the local stack does not run.
    """
    stack = local_stack()
    settings, named = stack.env(), os.environ.get("DUBLINE_DATABASE_URL")
    if named is not None and named != settings.get("DUBLINE_DATABASE_URL"):
        return dict(os.environ)
    if stack.status().supervisor is None:
        advice = "Run `dubline up`, or set DUBLINE_DATABASE_URL and DUBLINE_S3_ENDPOINT with its keys."
        raise StackError("the local stack does not run", suggestions=(advice,))
    return {**os.environ, **settings}


def _show(answer: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(answer, indent=2))
        return
    for name, value in answer.items():
        if value not in (None, [], {}):
            print(f"{name}: {json.dumps(value) if isinstance(value, dict | list) else value}")


def _measuring(progress: Mapping[str, Any]) -> str:
    far = f"{progress['done']} of {progress['of']} clips  {progress['eta_seconds']:.0f} s left"
    return f"measuring the {progress['model']}  {far}"


def _line(kind: str, data: dict[str, Any]) -> str:
    if kind == "version.measuring":
        return _measuring(data)
    if kind == "run.preparing":
        return f"{data['at'][:19]}  {data['what']}  {data['done']} of {data['of']}"
    if kind != "run.metrics":
        shown = {name: value for name, value in data.items() if name not in ("at", "status", "at_step", "of_steps") and value}
        return f"{data['at'][:19]}  {kind.removeprefix('run.')}" + (f"  {json.dumps(shown)}" if shown else "")
    parts = "  ".join(f"{name} {value:.5f}" for name, value in data["parts"].items() if value is not None)
    norm = "skipped" if data["gradient"] is None else f"gradient {data['gradient']:.4f}"
    rate = f"{data['samples_per_second']:.2f} samples/s  {data['eta_seconds']:.0f} s left"
    return f"{data['at'][:19]}  step {data['step']}  {parts}  {norm}  {rate}"
