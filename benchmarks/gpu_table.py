"""Fills the table of docs/results/performance.md from a GPU session: ``python benchmarks/gpu_table.py [session.json]``.

A row that another commit than the file's last one has left is struck out; what was never measured says so.
"""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from report import RESULTS, Row
from session import NETWORK, PARTS, WHOLE

DOCUMENT = Path(__file__).parents[1] / "docs" / "results" / "performance.md"
BEGIN, END = "<!-- filled by benchmarks/gpu_table.py -->", "<!-- end -->"


@dataclass(frozen=True)
class Line:
    """One figure: what it is, where a session keeps it, and what it is held against."""

    what: str
    clock: str
    part: str
    name: str
    figure: str
    unit: str
    paper: str
    goal: str


def _rates(model: str, part: str, lanes: str, goals: tuple[str, str], paper: str) -> list[Line]:
    """The same lanes by both clocks; the published loop encodes as well."""
    clocks = ((NETWORK, "", goals[0]), (WHOLE, paper, goals[1]))
    return [
        Line(f"{model}, {lanes}", clock, part, f"{lanes}, {clock}", "frames_per_second", " frames/s", published, goal)
        for clock, published, goal in clocks
    ]


def _speedups(model: str, preset: str, paper: str) -> list[Line]:
    clocks = (("speedup_without_encoder", NETWORK, ""), ("speedup", WHOLE, paper))
    return [
        Line(f"{model} over its 50-step teacher", clock, "speedup", preset, figure, "x", published, "0.8 of the operations")
        for figure, clock, published in clocks
    ] + [
        Line(f"{model}'s teacher", "one forward", "speedup", preset, "teacher_share_of_ceiling", "", "", "0.45 of the ceiling")
    ]


LINES = [
    *_rates("1.3B", "1.3b", "1 lane", ("120", "50"), "31.58"),
    Line("1.3B, first frame", "from crops", "1.3b", "first frame", "seconds", " s", "0.32 s", "0.20 s"),
    *_rates("14B", "14b", "1 lane", ("25", "19"), "15.11"),
    Line("14B, first frame", "from crops", "14b", "first frame", "seconds", " s", "0.54 s", "0.45 s"),
    *_rates("14B in FP8", "14b-fp8", "1 lane", ("40", "27"), ""),
    Line("14B in FP8, frames", "against bf16", "14b-fp8", "against bf16", "psnr_db", " dB", "", "35 dB"),
    *_speedups("1.3B", "1.3b", "17.6x"),
    *_speedups("14B", "14b", "39.8x"),
    *_rates("1.3B", "1.3b-over-8", "8 lanes", ("200", "60"), ""),
]


def main() -> None:
    """Rewrite the section of the document."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else RESULTS / "session.json"
    text = DOCUMENT.read_text()
    DOCUMENT.write_text(filled(text, json.loads(path.read_text()) if path.exists() else None))
    print(f"{path} -> {DOCUMENT}")


def filled(text: str, session: dict[str, Any] | None) -> str:
    """The document with the table of ``session``."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table(session)}\n{END}{after}"


def table(session: dict[str, Any] | None) -> str:
    """The tables in Markdown: figures with goals, then every other row."""
    rows: list[Row] = session["rows"] if session else []
    commit = session["commit"] if session else None
    known = {(row["part"], row["name"]): row for row in rows}
    head = ["| figure | clock | paper, H100 | goal, one H200 | ours |", "|---|---|---|---|---|"]
    lines = [_line(line, known.get((line.part, line.name)), commit) for line in LINES]
    named = {(line.part, line.name) for line in LINES}
    others = [row for part in PARTS for row in rows if row["part"] == part and (part, row["name"]) not in named]
    if others:
        lines += ["", "| part | row | figures |", "|---|---|---|", *(_other(row, commit) for row in others)]
    return "\n".join([_where(session), "", *head, *lines])


def _where(session: dict[str, Any] | None) -> str:
    if session is None:
        return (
            "Not measured: large students have not been run on a GPU for inference; the H200 was used for training only.\n"
            "`benchmarks/gpu_session.sh` measures, `benchmarks/gpu_table.py` fills this in."
        )
    machine = session["machine"]
    versions = f"torch {machine['torch']}, CUDA {machine.get('cuda')}, driver {machine.get('driver')}"
    return f"Measured at commit {session['commit']} on {machine.get('gpu', machine['cpu'])} ({versions})."


def _line(line: Line, row: Row | None, commit: str | None) -> str:
    cells = [line.what, line.clock, line.paper, line.goal]
    if row is None or line.figure not in row:
        missing = "does not fit" if row and row.get("does_not_fit") else "not measured"
        return _cells([*cells, missing], struck=False)
    ours = f"{row[line.figure]}{line.unit}"
    if line.figure.startswith("speedup"):
        ratio = row[line.figure.replace("speedup", "operations_ratio")]
        ours += f" ({row[line.figure] / ratio:.2f} of the {ratio} of operations)"
    return _cells([*cells, ours], struck=row["commit"] != commit)


def _other(row: Row, commit: str | None) -> str:
    hidden = ("part", "name", "commit", "at", "model", "linear_layers", "lanes", "clock", "tflop", "ceiling_tflops")
    figures = {key: value for key, value in row.items() if key not in hidden and not isinstance(value, list)}
    nested = {key: value for each in figures.values() if isinstance(each, dict) for key, value in each.items()}
    flat = {key: value for key, value in (figures | nested).items() if not isinstance(value, dict)}
    shown = ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in flat.items())
    return _cells([row["part"], row["name"], shown], struck=row["commit"] != commit)


def _cells(cells: list[str], *, struck: bool) -> str:
    return "| " + " | ".join(f"~~{cell}~~" if struck and cell else cell for cell in cells) + " |"


if __name__ == "__main__":
    main()
