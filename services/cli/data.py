"""``dubline data``: footage in, training samples out."""

from pathlib import Path
from typing import Annotated

import typer

from services.cli.module import given, run_module

app = typer.Typer(name="data", help="Prepare footage for training.", no_args_is_help=True)


@app.callback()
def data() -> None:
    """Prepare footage for training."""


@app.command()
def prepare(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of footage; folders in it are identities.")],
    *,
    out: Annotated[str, typer.Option(help="A folder, or s3://bucket/prefix.")],
    consent: Annotated[str | None, typer.Option(help="Tag that says by what right the footage is used. Required.")] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 1,
    crop: Annotated[int, typer.Option(help="Side of the crops: 128 for tiny, 512 for the big students.")] = 128,
    limit: Annotated[list[str] | None, typer.Option(help="A quality limit other than usual, as eyes=32; repeatable.")] = None,
    syncnet: Annotated[Path | None, typer.Option(help="SyncNet weights to judge sync by; else mouth correlation.")] = None,
) -> None:
    """Turn footage into samples. Call again to go on after a cut: finished sources are not done twice. Exit 2 for bad input."""
    options = {"--out": out, "--consent": consent, "--workers": workers, "--crop": crop, "--syncnet": syncnet}
    limits = [word for one in limit or [] for word in ("--limit", one)]
    run_module("services.trainer.footage", str(folder), *given(options), *limits)
