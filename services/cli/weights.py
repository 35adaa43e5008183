"""``dubline weights``: public files in, version folders for Triton out.

The work needs torch, which the command line does not load: it runs in a process of its own.
"""

from pathlib import Path
from typing import Annotated, Literal

import typer

from services.cli.module import given, run_module

Kind = Literal["tiny", "1.3b", "14b", "wan-vae", "wav2vec2", "syncnet", "text"]

app = typer.Typer(name="weights", help="Fetch and import model weights.", no_args_is_help=True)


@app.command("import")
def import_(
    source: Annotated[Path, typer.Argument(help="File or folder with the weights.")],
    *,
    kind: Annotated[Kind, typer.Option("--as", help="What the weights are.")],
    lora: Annotated[Path | None, typer.Option(help="Adapter to merge into the weights.")] = None,
    alpha: Annotated[float | None, typer.Option(help="Alpha of the adapter; 64 unless told.")] = None,
    text: Annotated[Path | None, typer.Option(help="Prompt embedding of a student; else looked for beside SOURCE.")] = None,
    codec: Annotated[Path | None, typer.Option(help="Decoder of a student; else looked for beside SOURCE.")] = None,
    tokenizer: Annotated[Path | None, typer.Option(help="Tokenizer folder, with --as text.")] = None,
    out: Annotated[Path | None, typer.Option(help="Version folder; else the model's in model_repo/.")] = None,
) -> None:
    """Turn upstream weights into a version folder. Exit 2 when they are not what they are taken for."""
    options = {"--lora": lora, "--alpha": alpha, "--text": text, "--codec": codec, "--tokenizer": tokenizer, "--out": out}
    run_module("lipforcing.weights", "import", str(source), "--as", kind, *given(options))


@app.command()
def fetch(
    name: Annotated[str, typer.Argument(help="Release: 14b, encoders or syncnet.")],
    out: Annotated[Path | None, typer.Option(help="Folder; else weights/NAME.")] = None,
) -> None:
    """Download public weights with checksums, and say which licences apply. Call again to go on after a cut."""
    run_module("lipforcing.weights", "fetch", name, *given({"--out": out}))
