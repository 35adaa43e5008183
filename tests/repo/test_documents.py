"""The documents name settings, files and folders that exist (commands: tests/e2e/test_commands.py)."""

import re
from pathlib import Path

import pytest
from commands import DOCUMENTS
from places import ROOT
from pydantic_settings import BaseSettings

import dubbing.settings

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


def test_every_variable_is_a_setting(document: Path) -> None:
    assert set(re.findall(r"\bDUBLINE_[A-Z0-9_]*[A-Z0-9]\b", document.read_text())) <= SETTINGS | OF_THE_COMMAND_LINE


def test_every_link_leads_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", document.read_text()):
        assert (document.parent / target).exists(), target


def test_every_folder_of_the_tree_exists_and_none_is_missing() -> None:
    tree = (ROOT / "README.md").read_text().split("## The tree")[1].split("\n## ")[0]
    parents, named = [""], set()
    for indent, name in re.findall(r"^( {0,2})(\w+)/ ", tree, re.MULTILINE):
        parents = [parents[0], name] if not indent else parents
        named.add(name if not indent else f"{parents[1]}/{name}")
    made = {"out", "data", "weights"}  # by commands; git ignores them
    present = {
        str(path.relative_to(ROOT))
        for folder in (ROOT, ROOT / "services", ROOT / "shared")
        for path in folder.iterdir()
        if path.is_dir() and path.name[0] not in "._" and path.suffix != ".egg-info" and path.name not in made
    }
    assert present == named
