"""The documents name commands, targets, settings, files and folders that exist."""

import re
from pathlib import Path

import pytest
from places import ROOT
from pydantic_settings import BaseSettings
from typer.main import get_command

import dubbing.settings
from services.cli.main import build

DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
SETTINGS = {
    f"{kind.model_config['env_prefix']}{name}".upper()
    for kind in vars(dubbing.settings).values()
    if isinstance(kind, type) and issubclass(kind, BaseSettings) and kind is not BaseSettings
    for name in kind.model_fields
}
OF_THE_COMMAND_LINE = {"DUBLINE_API_URL", "DUBLINE_API_KEY", "DUBLINE_HOME", "DUBLINE_CARRIERS"}


@pytest.fixture(params=DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def document(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


def test_every_command_exists(document: Path) -> None:
    commands = set(get_command(build()).commands)  # type: ignore[attr-defined]
    code = "\n".join(re.findall(r"`[^`]+`|^    .*", document.read_text(), re.MULTILINE))
    assert set(re.findall(r"\bdubline ([a-z][a-z-]*)", code)) <= commands


def test_every_target_exists(document: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    code = "\n".join(re.findall(r"`[^`]+`|^    .*", document.read_text(), re.MULTILINE))
    assert set(re.findall(r"(?<!train )\bmake ([a-z][a-z-]*)", code)) <= targets


def test_every_variable_is_a_setting(document: Path) -> None:
    assert set(re.findall(r"\bDUBLINE_[A-Z0-9_]*[A-Z0-9]\b", document.read_text())) <= SETTINGS | OF_THE_COMMAND_LINE


def test_every_link_leads_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", document.read_text()):
        assert (document.parent / target).exists(), target


def test_every_folder_of_the_tree_exists_and_none_is_missing() -> None:
    tree = (ROOT / "README.md").read_text().split("## The tree")[1].split("\n## ")[0]
    parents, named = [""], set()
    for indent, name in re.findall(r"^( {4,6})(\w+)/ ", tree, re.MULTILINE):
        parents = [parents[0], name] if len(indent) == 4 else parents
        named.add(name if len(indent) == 4 else f"{parents[1]}/{name}")
    made = {"out", "data", "weights"}  # by commands; git ignores them
    present = {
        str(path.relative_to(ROOT))
        for folder in (ROOT, ROOT / "services", ROOT / "shared")
        for path in folder.iterdir()
        if path.is_dir() and path.name[0] not in "._" and path.suffix != ".egg-info" and path.name not in made
    }
    assert present == named
