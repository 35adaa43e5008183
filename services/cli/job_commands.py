"""``dubline dub | jobs | job | cancel | receipt | preview``: the API from a terminal."""

import json
import os
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Column, Table

from dubbing.domain.jobs import SUCCEEDED, TERMINAL
from dubbing.errors import BadInput, Conflict, DublineError, NotFound
from dubline_client.models import JobOut
from services.cli import dub as dubbing_run
from services.cli.client import Answer, Client, Refused
from services.cli.job_view import JobView, facts, is_demo, kind_of
from services.cli.retries import Tell
from services.cli.stack_commands import local_stack
from services.stack.public import StackError

DEMO_NOTICE = "This was made by a demonstration model: it shows how the system works and is not for delivery."
JobIdArgument = Annotated[str, typer.Argument(metavar="ID", help="Id of the job, job_...")]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object on stdout, and nothing else.")]


def register(app: typer.Typer) -> None:
    """Adds the jobs' commands to ``app``."""
    for command in (dub, jobs, job, cancel, receipt, preview):
        app.command()(command)


def _tell(text: str) -> None:
    Console(stderr=True, highlight=False).print(text, markup=False, soft_wrap=True)


def client(tell: Tell = _tell) -> Client:
    """The API that the environment names, else that of the local stack.

    Args:
        tell: hears that a server is waited for.

    Raises:
        StackError: the local stack does not run.
    """
    settings = os.environ if "DUBLINE_API_URL" in os.environ else local_stack().env()
    if not settings.get("DUBLINE_API_KEY"):
        raise StackError(
            "there is no API key to call with",
            suggestions=("Run `dubline up`, or set DUBLINE_API_URL and DUBLINE_API_KEY.",),
        )
    return Client(settings["DUBLINE_API_URL"], settings["DUBLINE_API_KEY"], tell)


def exit_code(error: DublineError) -> int:
    """2 when the input must change, 1 otherwise."""
    bad = error.is_bad_input if isinstance(error, Refused) else isinstance(error, BadInput)
    return 2 if bad else 1


def problem_of(error: DublineError) -> dict[str, Any]:
    """The members of an error's problem (RFC 9457)."""
    return dict(error.members) if isinstance(error, Refused) else error.problem()


def dub(
    video: Annotated[Path, typer.Argument(help="The picture.")],
    audio: Annotated[Path, typer.Argument(help="The new track.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Where the re-synced master goes.")],
    model: Annotated[str, typer.Option(help="tiny, 1.3b or 14b.")] = "tiny",
    sync_mode: Annotated[str, typer.Option(help="When the lengths differ: strict, cut_off or silence.")] = "strict",
    *,
    seed: Annotated[int | None, typer.Option(help="Seed of the noise, to make the same bytes again.")] = None,
    picture: Annotated[int | None, typer.Option(min=1, help="Which of the file's pictures, from 1; else its default.")] = None,
    track: Annotated[list[int] | None, typer.Option(min=1, help="Which sound track, from 1; repeat to join several.")] = None,
    channel: Annotated[
        list[int] | None, typer.Option(min=1, help="Which channel, from 1; repeat, in the order wanted.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Dub VIDEO with AUDIO. Exit 0 when delivered, 2 for bad input, 1 for a failed job, 130 on Ctrl-C (cancels the job).

    The job's id comes first, on stderr. A server that is restarted meanwhile costs nothing.
    """
    console = Console(stderr=True)
    chosen = (picture, tuple(track or ()), tuple(channel or ()))
    request = dubbing_run.DubRequest(video, audio, output, model, sync_mode, seed, *chosen)
    with JobView(console, quiet=as_json) as view:
        request.check()
        done = dubbing_run.run(client(view.say), request, view)
    if as_json:
        _print_delivery(done, output)
    else:
        _summary(console, done.value, output)


def _print_delivery(done: Answer[JobOut], output: Path) -> None:
    print(json.dumps({"status": done.value.status, "output": str(output.resolve()), "job": done.members}, indent=2))


def _summary(console: Console, done: JobOut, output: Path) -> None:
    console.print(f"{done.status}: {output} ({done.id})", markup=False, highlight=False, soft_wrap=True)
    for warning in done.warnings:
        console.print(f"  warning: {warning.detail}", markup=False, soft_wrap=True)
    if is_demo(done):
        console.print(DEMO_NOTICE, style="yellow")


def jobs(
    limit: Annotated[int, typer.Option("-n", "--limit", min=1, max=1000, help="How many.")] = 20,
    status: Annotated[str | None, typer.Option(help="Only those in this state.")] = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """List jobs, newest first."""
    found = client().jobs(limit, status)
    if as_json:
        print(json.dumps({"items": [item.members for item in found]}, indent=2))
        return
    view = Table(
        *(Column("id", no_wrap=True, min_width=30), "status", "phase", "model", "title", "progress", "created"),
        box=None,
        pad_edge=False,
    )
    for item in (one.value for one in found):
        percent = f"{item.progress.percent:.0f} %"
        title = " ".join(filter(None, (item.title_name, item.language)))
        view.add_row(item.id, item.status, item.phase, kind_of(item), title, percent, item.created_at.isoformat()[:19])
    Console().print(view)


def job(
    job_id: JobIdArgument,
    *,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Wait until it has ended; Ctrl-C leaves it alone.")] = False,
    download: Annotated[Path | None, typer.Option(metavar="PATH", help="Download its master, once it has one.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Show one job: its progress, or how it ended and why. With --follow or --download, exit as `dub` does."""
    if download is not None:
        dubbing_run.check_output(download)
    console = Console(stderr=True)
    with JobView(console, quiet=as_json) as view:
        caller = client(view.say)
        found = caller.job(job_id)
        if follow:
            found = dubbing_run.follow(caller, found, view)
        if download is not None:
            _check_ended(found.value)
            dubbing_run.deliver(caller, found, download, view)
    if download is not None and as_json:
        _print_delivery(found, download)
    elif download is not None:
        _summary(console, found.value, download)
    elif as_json:
        print(json.dumps(found.members, indent=2))
    else:
        _show(found.value)
    if follow and found.value.status not in SUCCEEDED:
        raise typer.Exit(exit_code(dubbing_run.failure(found)))


def _check_ended(found: JobOut) -> None:
    """Raises `Conflict` while the job has no master yet."""
    if found.status not in TERMINAL:
        raise Conflict(
            f"{found.id} is {found.status} and has no master yet.",
            where={"job": found.id},
            suggestions=("Add --follow to wait for it.",),
        )


def _show(found: JobOut) -> None:
    console = Console(highlight=False)
    console.print(f"{found.id}  {found.status}  {found.phase}  {found.progress.percent:.0f} %")
    console.print(facts(found), markup=False)
    if found.error:
        console.print(f"{found.error.code}: {found.error.detail}", markup=False, soft_wrap=True)
        for advice in found.error.suggestions:
            console.print(f"  - {advice}", markup=False, soft_wrap=True)
    if is_demo(found) and found.links:
        console.print(DEMO_NOTICE, style="yellow")


def cancel(job_id: JobIdArgument, *, as_json: JsonOption = False) -> None:
    """Cancel a job."""
    found = client().cancel(job_id)
    print(json.dumps(found.members, indent=2) if as_json else f"{found.value.id}  {found.value.status}")


def receipt(job_id: JobIdArgument, *, as_json: JsonOption = False) -> None:  # noqa: ARG001 - taken like everywhere
    """Print the receipt of a job: what went in, what came out, and the proof (always JSON)."""
    print(json.dumps(client().receipt(job_id).members, indent=2))


def preview(
    job_id: JobIdArgument,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="The PNG; else ID.png here.")] = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Download the contact sheet of a job: source above result, waveform below."""
    caller = client()
    target = output or Path(f"{job_id}.png")
    save_preview(caller, caller.job(job_id).value, target)
    print(json.dumps({"preview": str(target.resolve())}) if as_json else target)


def save_preview(caller: Client, found: JobOut, target: Path) -> None:
    """Downloads the contact sheet of the job ``found``.

    Raises:
        NotFound: the job made none.
    """

    def preview_of(job: JobOut) -> str:
        if job.links is None or job.links.preview is None:
            raise NotFound(f"Job {job.id} is {job.status} and has no contact sheet.")
        return job.links.preview

    preview_of(found)
    caller.download(lambda: preview_of(caller.job(found.id).value), target)
