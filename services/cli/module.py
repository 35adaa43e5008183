"""Commands whose work needs torch: the command line does not load it, they run in a process of their own."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

import typer


def given(options: Mapping[str, Path | float | str | None]) -> list[str]:
    """Options and their values as words, without those that were not given."""
    return [word for option, value in options.items() if value is not None for word in (option, str(value))]


def run_module(module: str, *words: str) -> NoReturn:
    """Run one of our modules with our terminal, and end with its exit code. It says itself what went wrong."""
    try:
        done = subprocess.run([sys.executable, "-m", module, *words], check=False)  # noqa: S603 - our own module
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    raise typer.Exit(done.returncode)
