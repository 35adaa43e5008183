"""``python -m lipforcing.weights``: what ``dubline weights`` runs in a process of its own, because it needs torch.

Prints people's lines to standard error and one JSON object to standard output. Exit 0: done; 2: bad input; 1: a
download failed. The cause is then ``{"error": {"code", "detail"}}``.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from lipforcing.contract import STUDENTS, SYNCNET
from lipforcing.weights.errors import FetchError, UnreadableWeightsError, WeightsError

_TEXT_NAMES = ("text_emb.safetensors", "text_emb.pt")
_CODEC_NAMES = {"tiny": ("codec.safetensors", "codec.pt")}
_TAEW_NAMES = ("taew2_1.pth", "taew2_1.safetensors")
_FOLDERS = {
    **{preset: contract.student for preset, contract in STUDENTS.items()},
    "wan-vae": STUDENTS["14b"].face_encoder,
    "wav2vec2": STUDENTS["14b"].speech_encoder,
    "syncnet": SYNCNET,
}


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code."""
    options = _parser().parse_args(arguments)
    try:
        result = _fetch(options) if options.command == "fetch" else _import(options)
        if options.command == "import":
            _say(f"wrote {result['out']}")
    except WeightsError as error:
        sys.stderr.write(f"{error}\n")
        sys.stdout.write(json.dumps({"error": {"code": error.code, "detail": str(error)}}) + "\n")
        return 1 if isinstance(error, FetchError) else 2
    sys.stdout.write(json.dumps(result) + "\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m lipforcing.weights", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    take = commands.add_parser("import", help="turn upstream files into a version folder")
    take.add_argument("source", type=Path)
    take.add_argument("--as", dest="kind", required=True, choices=[*_FOLDERS, "text"])
    take.add_argument("--lora", type=Path)
    take.add_argument("--alpha", type=float)
    take.add_argument("--text", type=Path)
    take.add_argument("--codec", type=Path)
    take.add_argument("--tokenizer", type=Path)
    take.add_argument("--out", type=Path)
    get = commands.add_parser("fetch", help="download public files")
    get.add_argument("name")
    get.add_argument("--out", type=Path)
    return parser


def _import(options: argparse.Namespace) -> dict[str, Any]:
    # Imported here, so that `fetch` and `--help` need not wait for torch.
    from lipforcing.weights import importer  # noqa: PLC0415

    source, kind = options.source, options.kind
    if kind == "text":
        out = options.out or source.parent / _TEXT_NAMES[0]
        tokenizer = options.tokenizer or source.parent / "google" / "umt5-xxl"
        return {"out": str(out), **importer.import_text(source, tokenizer, out)}
    out = options.out or Path("model_repo") / _FOLDERS[kind] / "1"
    if kind not in STUDENTS:
        return {"out": str(out), **importer.import_encoder(source, kind, out)}
    text = options.text or _beside(source, _TEXT_NAMES, "--text")
    codec = options.codec or _beside(source, _CODEC_NAMES.get(kind, _TAEW_NAMES), "--codec")
    manifest = importer.import_student(source, kind, out, text=text, codec=codec, lora=options.lora, alpha=options.alpha)
    return {"out": str(out), **manifest}


def _beside(source: Path, names: tuple[str, ...], option: str) -> Path:
    """A file that a student needs too, where `fetch` puts it."""
    found = [source.parent / name for name in names if (source.parent / name).exists()]
    if not found:
        raise UnreadableWeightsError(
            f"a student also needs one of {', '.join(names)} beside {source}; or name it with {option}"
        )
    return found[0]


def _fetch(options: argparse.Namespace) -> dict[str, Any]:
    from lipforcing.weights.fetch import fetch  # noqa: PLC0415 - only here is the network needed
    from lipforcing.weights.releases import RELEASES  # noqa: PLC0415

    if options.name not in RELEASES:
        unpublished = " (the 1.3B student was not published; import your own)" if options.name == "1.3b" else ""
        raise WeightsError(f"there is no release {options.name!r}{unpublished}; there is {', '.join(RELEASES)}")
    release = RELEASES[options.name]
    folder = options.out or Path("weights") / options.name
    _say("These files are their publishers'. By using them you accept their licences:")
    for file in release.files:
        _say(f"  {file.licence:<11} {file.name} ({file.origin}), SHA-256 {file.sha256}")
    paths = fetch(release.files, folder, _say)
    commands = [command.format(folder=folder) for command in release.imports]
    _say("All files are here and as published. Next:")
    for command in commands:
        _say(f"  {command}")
    return {"folder": str(folder), "files": [str(path) for path in paths], "next": commands}


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
