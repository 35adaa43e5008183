"""Where a result was measured, and where it goes."""

import json
import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
Row = dict[str, Any]


def commit() -> str:
    """The tree that was measured; ``COMMIT`` names it where there is no repository."""
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"]
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True)
    except OSError:  # a bare machine has no git
        return os.environ.get("COMMIT", "unknown")
    return done.stdout.strip() or os.environ.get("COMMIT", "unknown")


def cpu_name() -> str:
    """The processor's own name for itself."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def save(name: str, result: dict[str, Any], out: Path | None = None) -> None:
    """Write ``result`` to ``results/name.json``, or to the folder ``out``."""
    path = (out or RESULTS) / f"{name}.json"
    written(path, result)
    print(f"-> {path}")


def written(path: Path, content: dict[str, Any]) -> None:
    """Replace a file by ``content``, whole or not at all, so that a process that is killed leaves what it had."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".part")
    with fresh.open("w") as file:
        file.write(json.dumps(content, indent=2) + "\n")
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


class Session:
    """The rows of a GPU session, in one file that is on disk after each of them.

    A row that is measured again replaces the one before. Every row names its commit; the file names the last one's, and the
    table strikes out what another commit has left.

    Args:
        path: the file; rows that it holds already are kept.
        machine: where rows are measured from now on.
    """

    def __init__(self, path: Path, machine: dict[str, Any]) -> None:
        self._path, self._machine = path, machine
        self.rows: list[Row] = json.loads(path.read_text())["rows"] if path.exists() else []

    def add(self, part: str, name: str, **figures: Any) -> None:
        """Keep a row of a part; ``name`` tells it from the part's others."""
        commit = self._machine["commit"]
        row = {"part": part, "name": name, "commit": commit, "at": datetime.now(UTC).isoformat(timespec="seconds"), **figures}
        self.rows = [*self._others(part, name), row]
        self._write()
        shown = ", ".join(f"{key} {value}" for key, value in figures.items() if not isinstance(value, dict))
        print(f"[{part}] {name}: {shown}", flush=True)

    def drop(self, part: str, name: str) -> None:
        """Forget a row, if there is one."""
        if len(others := self._others(part, name)) < len(self.rows):
            self.rows = others
            self._write()

    def _others(self, part: str, name: str) -> list[Row]:
        return [row for row in self.rows if (row["part"], row["name"]) != (part, name)]

    def _write(self) -> None:
        written(self._path, {"commit": self._machine["commit"], "machine": self._machine, "rows": self.rows})
