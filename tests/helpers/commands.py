"""The commands that the documents show: where each stands, what one sees after it, and whether what it names is there.

A block of code says in its language what it is: ``sh`` holds commands (a backslash at a line's end joins the next one to it),
``console`` holds commands behind ``$`` with what they print (``...`` stands for anything, as in doctest). The heading above
tells the situation; where it does not, a comment does: ``<!-- situation: NAME -->``.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import yaml
from places import ROOT
from typer.main import get_command

from services.cli.main import build

_PAGES = sorted((ROOT / "docs").rglob("*.md"))
DOCUMENTS = [*(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")), *_PAGES]
RUNBOOK = ROOT / "docs" / "how-to" / "runbook.md"
LANGUAGES = {"sh", "bash", "console", "text", "json", "python", "typescript", "mermaid"}
_SITUATION = re.compile(r"<!-- situation: (\w+) -->")
# What Docker's reference has of those that we show; no engine is at hand to ask.
_COMPOSE = {"up": {"--profile"}, "ps": set(), "logs": {"--tail"}, "restart": set(), "exec": set(), "run": {"--rm"}}


@dataclass(frozen=True)
class Block:
    """A block of code.

    Attributes:
        language: behind its fence; empty for one without a fence.
        situation: the last heading or comment above it.
    """

    path: Path
    line: int
    language: str
    situation: str
    lines: tuple[str, ...]

    def commands(self) -> Iterator["Shown"]:
        """The commands in it."""
        if self.language == "sh":
            begun: list[str] = []
            for number, line in enumerate(self.lines, self.line + 1):
                begun.append(line.strip().removesuffix("\\").strip())
                if not line.endswith("\\"):
                    if text := " ".join(begun).strip():
                        yield Shown(self, number - len(begun) + 1, text, None)
                    begun = []
        elif self.language == "console":
            starts = [number for number, line in enumerate(self.lines) if line.startswith("$ ")]
            for start, end in zip(starts, [*starts[1:], len(self.lines)], strict=True):
                first, *rest = self.lines[start:end]
                more = [line for line in rest if line.startswith("> ")]
                command = "\n".join(line[2:] for line in (first, *more))
                yield Shown(self, self.line + 1 + start, command, "\n".join(rest[len(more) :]))


@dataclass(frozen=True)
class Shown:
    """A command, and what is printed after it; None where the document does not say."""

    block: Block
    line: int
    text: str
    output: str | None

    def __str__(self) -> str:
        return f"{self.block.path.relative_to(ROOT)}:{self.line}: {self.text}"


def blocks(path: Path) -> Iterator[Block]:
    """Every block of code of a document."""
    situation, fence, start, held = "", None, 0, list[str]()
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if fence is not None:
            if line == "```":
                yield Block(path, start, fence, situation, tuple(held))
                fence, held = None, []
            else:
                held.append(line)
        elif line.startswith("```"):
            fence, start = line[3:], number
        elif heading := re.match(r"#+ (.+)", line):
            situation = heading[1]
        elif comment := _SITUATION.fullmatch(line):
            situation = comment[1]
        elif re.match(r" {4}\S", line):
            yield Block(path, number, "", situation, (line,))


def commands(path: Path) -> list[Shown]:
    """Every command in a document's blocks."""
    return [shown for block in blocks(path) for shown in block.commands()]


def inline(path: Path) -> set[str]:
    """What stands as code in a document's sentences and begins like a command of ours."""
    prose = re.sub(r"^```.*?^```$", "", path.read_text(), flags=re.MULTILINE | re.DOTALL)
    spans = {" ".join(span.split()) for span in re.findall(r"`([^`]+)`", prose)}
    ours = r"(?:\w+=\S+ )*(?:\.venv/bin/)?(?:dubline [a-z]|make [a-z]|docker compose |python (?:-m )?[a-z]\S+|celery )"
    return {span for span in spans if re.match(ours, span) and "|" not in span}


def missing(command: str) -> list[str]:
    """What ``command`` names and is not there: programs, subcommands, services, targets, modules, options."""
    words = shlex.split(command.replace("(", " ").replace(")", " "), comments=True)
    found, simple = list[str](), list[str]()
    for word in [*words, ";"]:
        if word in {"|", ";", "&&"}:
            found += _missing(simple)
            simple = []
        else:
            simple.append(word)
    return found


def _missing(words: list[str]) -> list[str]:
    while words and (words[0] == "sudo" or re.match(r"\w+=", words[0])):
        words = words[1:]
    if not words or words[0] == "export":
        return []
    program, rest = Path(words[0]).name, words[1:]
    if program in _ASKED:
        return _ASKED[program](rest)
    if "/" in words[0]:
        return _options_missing(ROOT / words[0], rest)
    return [] if shutil.which(program) or (ROOT / ".venv" / "bin" / program).exists() else [program]


def _undubbed(words: list[str]) -> list[str]:
    """What our command line does not have."""
    return _unknown_to(get_command(build()), words)


def _unknown_to(command: Any, words: list[str]) -> list[str]:
    """Subcommands and options that the command line does not have."""
    while words and hasattr(command, "commands"):
        if words[0] not in command.commands:
            return [words[0]]
        command, words = command.commands[words[0]], words[1:]
    if command.name == "exec":
        return _missing(words)
    known = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)} | {"--help"}
    return [word for word in words if re.match(r"--?[a-z]", word) and word.partition("=")[0] not in known]


def _unmade(words: list[str]) -> list[str]:
    """Targets and variables that the Makefile does not have, and what its recipes would call in vain."""
    makefile = (ROOT / "Makefile").read_text()
    variables = {word.partition("=")[0] for word in words if "=" in word}
    absent = [name for name in variables if not re.search(rf"^{name} \?=", makefile, re.MULTILINE)]
    # Without what a `make` that runs these tests hands down.
    handed = ("MAKE", "MFLAGS", *re.findall(r"^(\w+) \?=", makefile, re.MULTILINE))
    environ = {name: value for name, value in os.environ.items() if not name.startswith(handed)}
    done = subprocess.run(["make", "--dry-run", *words], capture_output=True, text=True, check=False, cwd=ROOT, env=environ)
    if done.returncode:
        return [done.stderr.strip()]
    recipe = done.stdout.replace("\\\n", " ").splitlines()
    programs = [line for line in recipe if re.match(r"(\w+=\S* )*\.venv/bin/(python|dubline) (?!-c)", line.strip())]
    return absent + [fault for line in programs for fault in _missing(shlex.split(line))]


def _uncomposed(words: list[str]) -> list[str]:
    """What ``docker compose`` or our services lack."""
    if words[:1] != ["compose"]:
        return ["docker", *words]
    words = words[1:]
    described = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    profiles = {profile for service in described["services"].values() for profile in service.get("profiles", ())}
    files = [words[at + 1] for at, word in enumerate(words) if word == "-f"]
    absent = [file for file in files if not (ROOT / file).exists()]
    while words[:1] in (["-f"], ["--profile"]):
        absent += [words[1]] if words[0] == "--profile" and words[1] not in profiles else []
        words = words[2:]
    verb, rest = words[0], words[1:]
    if verb not in _COMPOSE:
        return [*absent, f"docker compose {verb}"]
    inside: list[str] = []
    if verb in ("exec", "run"):  # a program in a container
        at = next(at for at, word in enumerate(rest) if not word.startswith("-"))
        rest, inside = rest[: at + 1], rest[at + 1 :]
    absent += [word for word in rest if word.startswith("--") and word not in _COMPOSE[verb]]
    absent += [name for name in rest if not re.match(r"-|\d", name) and name not in described["services"]]
    return absent + (_missing(inside) if inside else [])


def _unrun(words: list[str]) -> list[str]:
    """Modules, scripts and options of theirs that are not there."""
    if words[:1] == ["-c"]:
        named = re.findall(r"from (\S+) import (\w+)", words[1])
        return [f"{module}.{name}" for module, name in named if not hasattr(import_module(module), name)]
    if words[:1] != ["-m"]:
        return _options_missing(ROOT / words[0], words[1:])
    spec = find_spec(words[1])
    if spec is None:
        return [words[1]]
    origin = Path(str(spec.origin))
    if ".venv" in origin.parts:
        return []  # a program that others wrote
    return _options_missing(origin.with_name("__main__.py") if origin.name == "__init__.py" else origin, words[2:])


def _unpacked(words: list[str]) -> list[str]:
    """The package, where it is none of those that our lock file pins."""
    pinned = json.loads((ROOT / "deploy/client/package.json").read_text())["devDependencies"]
    return [] if words[0] in pinned else words[:1]


def _options_missing(source: Path, words: list[str]) -> list[str]:
    """Options that do not stand in the source of a program of ours."""
    if not source.exists():
        return [str(source)]
    options = [word.partition("=")[0] for word in words if re.match(r"--[a-z]", word)]
    return [option for option in options if not re.search(rf"{option}\b", _text(source))]


@cache
def _text(source: Path) -> str:
    return source.read_text()


_ASKED = {"dubline": _undubbed, "make": _unmade, "docker": _uncomposed, "python": _unrun, "npx": _unpacked}
