"""``dubline evaluate``: what a student is worth on clips that it never saw."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from services.cli.module import given, run_module


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(evaluate)


def evaluate(
    model: Annotated[str, typer.Argument(help="A preset that is served here, a model repository, or what a run has made.")],
    *,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the report.")],
    data: Annotated[str | None, typer.Option(help="Prepared footage, else generated speakers, for tiny alone.")] = None,
    preset: Annotated[Literal["tiny", "1.3b", "14b"] | None, typer.Option(help="Of the model, with --data.")] = None,
    split: Annotated[Literal["dev", "test"], typer.Option(help="dev while tuning, test for what is reported.")] = "dev",
    clips: Annotated[int, typer.Option(min=2)] = 24,
    frames: Annotated[int, typer.Option(help="Of each clip, 9 + 12k.")] = 81,
    seed: Annotated[int, typer.Option(help="Of the clips.")] = 1,
    against: Annotated[str | None, typer.Option(help="The incumbent, named like the model.")] = None,
    syncnet: Annotated[Path | None, typer.Option(help="SyncNet weights to judge sync by; else mouth correlation.")] = None,
) -> None:
    """Measure a student and write report.html and report.json. Exit 2 for bad input."""
    options = {"--data": data, "--preset": preset, "--split": split, "--clips": clips, "--frames": frames, "--seed": seed,
               "--against": against, "--syncnet": syncnet, "--out": out}  # fmt: skip
    run_module("services.trainer.evaluation", model, *given(options))
