"""Each service's extra holds what its imports need: its modules are imported while every other package is hidden."""

import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, packages_distributions, requires

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from places import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
IMPORT_ALL = """
import pkgutil, sys
from importlib import import_module

class Hidden:
    def find_spec(name, path=None, target=None):
        if name in sys.argv[2:]:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Hidden)
package = import_module(sys.argv[1])
for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
    import_module(module.name)
"""


def needs(name: str, extras: frozenset[str]) -> list[Requirement]:
    """What a distribution requires with these extras."""
    if name == PROJECT["name"]:
        lists = [PROJECT["dependencies"], *(PROJECT["optional-dependencies"][extra] for extra in extras)]
        return [Requirement(text) for texts in lists for text in texts]
    try:
        found = [Requirement(text) for text in requires(name) or ()]
    except PackageNotFoundError:  # of another platform
        return []
    return [r for r in found if r.marker is None or any(r.marker.evaluate({"extra": extra}) for extra in extras or {""})]


def installed_by(extra: str) -> set[str]:
    """Every distribution that ``pip install dubline[extra]`` brings."""
    new, seen = [(PROJECT["name"], frozenset({extra}))], set()
    while new:
        one = new.pop()
        seen.add(one)
        found = [(canonicalize_name(r.name), frozenset(r.extras)) for r in needs(*one)]
        new += [pair for pair in found if pair not in seen]
    return {name for name, _ in seen}


@pytest.mark.parametrize("extra", ["api", "worker", "stitcher", "trainer", "cli"])
def test_a_service_is_imported_with_its_extra_alone(extra: str) -> None:
    brought = installed_by(extra)
    hidden = [
        module
        for module, owners in packages_distributions().items()
        if module not in sys.stdlib_module_names and not brought & {canonicalize_name(owner) for owner in owners}
    ]
    assert "pytest" in hidden
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL, f"services.{extra}", *hidden], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-1500:]
