"""The documents name settings, files and folders that exist (commands: test_commands.py); all are found."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from commands import DOCUMENTS
from places import ROOT
from variables import OF_THE_COMMAND_LINE, SETTINGS

from services.trainer.common.settings import flat
from services.trainer.recipes import load
from services.trainer.recipes.page import page

INDEX = ROOT / "docs/README.md"
PAGES = sorted((ROOT / "docs").rglob("*.md"))
WIDTH = 120


def code_of(text: str) -> str:
    """What stands as code in sentences and in blocks."""
    blocks = re.findall(r"^```.*?^```$", text, re.MULTILINE | re.DOTALL)
    return "\n".join([*blocks, *re.findall(r"`[^`]+`", without_code(text))])


def without_code(text: str) -> str:
    """The text without its blocks of code."""
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


def links_of(document: Path) -> list[tuple[Path, str]]:
    """File and anchor of every link that stays in the repository."""
    found = re.findall(r"\]\((?!https?:)([^)#]*)#?([^)]*)\)", without_code(document.read_text()))
    return [((document.parent / target).resolve() if target else document, anchor) for target, anchor in found]


def anchors_of(document: Path) -> set[str]:
    """What can be linked to in a document: its headings, in lower case, with hyphens for blanks."""
    headings = re.findall(r"^#+ (.+)$", without_code(document.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.fixture(params=DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def document(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


def test_every_variable_is_a_setting(document: Path) -> None:
    assert set(re.findall(r"\bDUBLINE_[A-Z0-9_]*[A-Z0-9]\b", document.read_text())) <= SETTINGS.keys() | OF_THE_COMMAND_LINE


def test_every_link_leads_somewhere(document: Path) -> None:
    for target, anchor in links_of(document):
        assert target.exists(), target
        assert not anchor or anchor in anchors_of(target), f"{target}#{anchor}"


def test_prose_is_no_wider_than_a_terminal(document: Path) -> None:
    wide = [line for line in without_code(document.read_text()).splitlines() if len(line) > WIDTH and line[0] != "|"]
    assert not wide


@pytest.mark.parametrize("page", sorted((ROOT / "docs/results").glob("*.md")), ids=lambda path: path.name)
def test_every_page_of_results_says_when_and_at_which_revisions(page: Path) -> None:
    _, _, recorded = without_code(page.read_text()).partition("\nRecorded on ")
    assert re.match(r"\d{4}-\d\d-\d\d[^.:]* at revisions? ", recorded)
    assert re.search(r"\b[0-9a-f]{7}\b", recorded)


def test_every_page_is_found_from_the_index() -> None:
    found, new = {INDEX}, {INDEX}
    while new:
        new = {target for page in new for target, _ in links_of(page) if target.suffix == ".md"} - found
        found |= new
    assert set(PAGES) <= found


def test_the_page_of_settings_is_the_one_that_the_settings_make() -> None:
    made = subprocess.run(
        [sys.executable, "-m", "services.api", "settings"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert made.stdout == (ROOT / "docs/reference/settings.md").read_text(), "make docs"


def test_the_page_of_recipes_is_the_one_that_the_recipes_make() -> None:
    assert page() == (ROOT / "docs/reference/recipes.md").read_text(), "make docs"


def test_every_profile_of_make_train_tiny_is_a_recipe_with_settings_that_it_has() -> None:
    profiles = re.findall(r"^TRAIN_\w+ := (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert len(profiles) == 4
    for recipe, *words in map(str.split, profiles):
        settings = [word.partition("=")[0] for word in words if "=" in word]
        assert set(settings) <= flat(load(recipe)).keys()


def test_the_architecture_shows_the_layers_that_the_linter_keeps() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["name"] == "dubbing's layers")
    assert "```text\n" + "\n".join(layers) + "\n```" in (ROOT / "docs/explanation/architecture.md").read_text()


def test_every_folder_of_the_tree_exists_and_none_is_missing() -> None:
    tree = (ROOT / "README.md").read_text().split("## The tree")[1].split("\n## ")[0]
    parent, named = "", set()
    for indent, name in re.findall(r"^( {0,2})(\w+)/ ", tree, re.MULTILINE):
        parent = parent if indent else name
        named.add(f"{parent}/{name}" if indent else name)
    made = {"out", "data", "weights"}  # by commands; git ignores them
    present = {
        str(path.relative_to(ROOT))
        for folder in (ROOT, ROOT / "services", ROOT / "shared")
        for path in folder.iterdir()
        if path.is_dir() and path.name[0] not in "._" and path.suffix != ".egg-info" and path.name not in made
    }
    assert present == named
