"""``dubline analyse-trajectory``: where guidance moves a teacher's mouths, and where it spoils its faces."""

from pathlib import Path
from typing import Annotated

import typer

from services.cli.module import given, run_module


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("analyse-trajectory")(analyse_trajectory)


def analyse_trajectory(
    *,
    model: Annotated[Path, typer.Option(help="Folder of the teacher's network, as a run leaves it.")],
    syncnet: Annotated[Path, typer.Option(help="Weights of the small SyncNet that judges sync.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the results.")],
    clips: Annotated[int, typer.Option(min=1, help="Development clips.")] = 10,
    frames: Annotated[int, typer.Option(help="Of each clip, 9 + 12k.")] = 33,
    seed: Annotated[int, typer.Option(help="Of clips and noise.")] = 42,
    guidance: Annotated[float, typer.Option(help="The guidance scale that is compared with none.")] = 2.0,
    steps: Annotated[int, typer.Option(min=2, help="Of the teacher.")] = 50,
    encoders: Annotated[int, typer.Option(min=1, help="Version of the encoders that it was trained with.")] = 1,
) -> None:
    """Derive sync window and second timestep of a small teacher: rows, plots, recipe fragment. Exit 2 for bad input."""
    options: dict[str, Path | float | str | None] = {
        "--model": model, "--syncnet": syncnet, "--out": out, "--clips": clips, "--frames": frames, "--seed": seed,
        "--guidance": guidance, "--steps": steps, "--encoders": encoders,
    }  # fmt: skip
    run_module("studies.trajectory", *given(options))
