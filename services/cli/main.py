"""``dubline``: the local stack, and the API's first client."""

from dubbing.imports import lasting

with lasting():
    import io
    import json
    import sys

    import stamina.instrumentation
    import typer
    from rich.console import Console

    from dubbing.errors import BadInput, DublineError
    from dubbing.proxies import bypass_for_loopback
    from services.cli import data, demo, evaluate, job_commands, stack_commands, train_commands, trajectory, verify, weights
    from services.cli.dub import Canceled


def build() -> typer.Typer:
    """The command line with all its commands."""
    app = typer.Typer(
        name="dubline",
        help="Re-sync filmed lips to a new audio track.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        add_completion=False,
    )
    demo.register(app)
    job_commands.register(app)
    stack_commands.register(app)
    verify.register(app)
    evaluate.register(app)
    trajectory.register(app)
    app.add_typer(weights.app)
    app.add_typer(data.app)
    app.add_typer(train_commands.app)
    return app


def main() -> None:
    """Runs the command line; every foreseen error ends as one sentence, its code, and what to do about it."""
    bypass_for_loopback()
    stamina.instrumentation.set_on_retry_hooks([])  # its log lines would stand between ours
    as_json = "--json" in sys.argv[1:]
    for stream in (sys.stdout, sys.stderr):  # names that a terminal's encoding lacks are no reason to fail
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        build()()
    except DublineError as error:
        if as_json:
            _print_failure(error)
        else:
            explain(error)
        sys.exit(job_commands.exit_code(error))
    except Canceled as canceled:
        _tell_cancellation(canceled, as_json=as_json)
        sys.exit(130)
    except SystemExit as ended:  # typer ends so; what it has to say about wrong arguments is on stderr
        if as_json and ended.code == 2:
            _print_failure(BadInput("The arguments are not understood.", suggestions=("Read stderr, or run it with --help.",)))
        elif as_json and ended.code == 130:
            print(json.dumps({"status": "interrupted"}))
        raise


def _tell_cancellation(canceled: Canceled, *, as_json: bool) -> None:
    """Names the job once more, and what became of it: with ``--json`` as one object on stdout."""
    if canceled.status is None:
        left = f"it may go on: `dubline cancel {canceled.job_id}`"
        text = f"{canceled.job_id} could not be canceled, for the API does not answer; {left}."
    else:
        text = f"{canceled.job_id} is {canceled.status}."
    Console(stderr=True, highlight=False).print(text, markup=False, soft_wrap=True)
    if as_json:
        print(json.dumps({"status": canceled.status or "unknown", "id": canceled.job_id}))


def _print_failure(error: DublineError) -> None:
    """With ``--json``, a failure is one object on stdout, like a success; the exit code tells them apart."""
    print(json.dumps({"status": "failed", "error": job_commands.problem_of(error)}, indent=2))


def explain(error: DublineError) -> None:
    """Prints ``error`` for a person, on stderr."""
    console = Console(stderr=True, highlight=False)
    console.print(f"[bold red]Error[/] [dim]({error.code})[/]", end=" ")
    console.print(error.detail, markup=False, soft_wrap=True)
    for advice in error.suggestions:
        console.print(f"  - {advice}", markup=False, soft_wrap=True)


if __name__ == "__main__":
    main()
