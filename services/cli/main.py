"""``dubline``: the local stack, and the API's first client."""

import sys

import stamina.instrumentation
import typer
from rich.console import Console

from dubbing.errors import DublineError
from services.cli import demo, job_commands, stack_commands, weights


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
    app.add_typer(weights.app)
    return app


def main() -> None:
    """Runs the command line; every foreseen error ends as one sentence, its code, and what to do about it."""
    stamina.instrumentation.set_on_retry_hooks([])  # its log lines would stand between ours
    try:
        build()()
    except DublineError as error:
        explain(error)
        sys.exit(job_commands.exit_code(error))
    except KeyboardInterrupt:
        sys.exit(130)


def explain(error: DublineError) -> None:
    """Prints ``error`` for a person, on stderr."""
    console = Console(stderr=True, highlight=False)
    console.print(f"[bold red]Error[/] [dim]({error.code})[/]", end=" ")
    console.print(error.detail, markup=False, soft_wrap=True)
    for advice in error.suggestions:
        console.print(f"  - {advice}", markup=False, soft_wrap=True)


if __name__ == "__main__":
    main()
