"""``dubline``: the local stack, and the API's first client."""

import sys

import typer
from rich.console import Console

from dubbing.errors import BadInput, DublineError
from services.cli import stack_commands

OK, FAILED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130


def build() -> typer.Typer:
    """The command line with all its commands."""
    app = typer.Typer(
        name="dubline",
        help="Re-sync filmed lips to a new audio track.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        add_completion=False,
    )
    stack_commands.register(app)
    return app


def main() -> None:
    """Runs the command line; every foreseen error ends as one sentence, its code, and what to do about it."""
    try:
        build()()
    except DublineError as error:
        explain(error)
        sys.exit(BAD_INPUT if isinstance(error, BadInput) else FAILED)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def explain(error: DublineError) -> None:
    """Prints ``error`` for a person, on stderr."""
    console = Console(stderr=True, highlight=False)
    console.print(f"[bold red]Error[/] [dim]({error.code})[/]", end=" ")
    console.print(error.detail, markup=False, soft_wrap=True)
    for advice in error.suggestions:
        console.print(f"  - {advice}", markup=False, soft_wrap=True)


if __name__ == "__main__":
    main()
