"""The import laws are kept, and each line of them is seen to fail: a breach is planted for every one, from its own text."""

from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from itertools import combinations, pairwise, permutations
from typing import Any, NamedTuple

import grimp
import pytest
from importlinter.api import read_configuration
from importlinter.contracts.acyclic_siblings import AcyclicSiblingsContract
from importlinter.contracts.forbidden import ForbiddenContract
from importlinter.contracts.independence import IndependenceContract
from importlinter.contracts.layers import LayersContract
from importlinter.contracts.protected import ProtectedContract
from places import ROOT

KINDS: dict[str, Any] = {
    "forbidden": ForbiddenContract,
    "layers": LayersContract,
    "independence": IndependenceContract,
    "protected": ProtectedContract,
    "acyclic_siblings": AcyclicSiblingsContract,
}
CONFIGURATION = read_configuration(str(ROOT / "pyproject.toml"))
ROOTS: list[str] = CONFIGURATION["session_options"]["root_packages"]
LAWS: list[dict[str, Any]] = CONFIGURATION["contracts_options"]


class Breach(NamedTuple):
    """An import that a law forbids; or, without ``imported``, a module that it does not know."""

    law: str
    importer: str
    imported: str | None


@cache
def imports() -> grimp.ImportGraph:
    return grimp.build_graph(*ROOTS, include_external_packages=True, cache_dir=None)


def is_kept(law: dict[str, Any], graph: grimp.ImportGraph) -> bool:
    contract = KINDS[law["type"]](name=law["name"], session_options=CONFIGURATION["session_options"], contract_options=law)
    return bool(contract.check(deepcopy(graph), verbose=False).kept)


def inside(package: str) -> str:
    """A module in the package: the deepest, to see that a law holds all the way down."""
    below = imports().find_descendants(package) if package.partition(".")[0] in ROOTS else set()
    return max(below, key=lambda name: (name.count("."), name), default=package)


def children(package: str) -> list[str]:
    return sorted(imports().find_children(package))


def packages() -> list[str]:
    """The libraries, and each service alone."""
    return [*(root for root in ROOTS if root != "services"), *children("services")]


Pair = tuple[str, str | None]


def forbidden(law: dict[str, Any]) -> Iterator[Pair]:
    yield from ((inside(source), other) for source in law["source_modules"] for other in law["forbidden_modules"])


def independent(law: dict[str, Any]) -> Iterator[Pair]:
    yield from ((inside(one), inside(other)) for one, other in permutations(law["modules"], 2))


def protected(law: dict[str, Any]) -> Iterator[Pair]:
    """Every package that is not allowed in, those too that may use a door of the wall, and the neighbours of those that are."""
    (wall,), allowed = law["protected_modules"], law["allowed_importers"]
    neighbours = {module for parent in {name.rpartition(".")[0] for name in allowed} - {""} for module in children(parent)}
    yield from ((inside(package), inside(wall)) for package in sorted({*packages(), *neighbours} - {*allowed}))


def layered(law: dict[str, Any]) -> Iterator[Pair]:
    """Each layer that imports the one above, each of its parts that imports another, and a module that has no layer."""
    (container,) = law["containers"]
    layers = [[f"{container}.{part}" for part in line.split(" | ")] for line in law["layers"]]
    yield from ((inside(low), above[0]) for above, below in pairwise(layers) for low in below)
    yield from ((inside(one), other) for siblings in layers for one, other in combinations(siblings, 2))
    yield f"{container}.newcomer", None


def acyclic(law: dict[str, Any]) -> Iterator[Pair]:
    """In each package, at every depth, a way back."""
    for ancestor in law["ancestors"]:
        assert way_back(ancestor) is not None
        yield from filter(None, map(way_back, sorted({ancestor, *imports().find_descendants(ancestor)})))


PLANTED = {
    "forbidden": forbidden, "independence": independent, "protected": protected, "layers": layered, "acyclic_siblings": acyclic,
}  # fmt: skip


def way_back(package: str) -> tuple[str, str] | None:
    """Two children of the package of which the second imports the first, and not the other way round."""
    for one, other in permutations(children(package), 2):
        there = imports().direct_import_exists(importer=other, imported=one, as_packages=True)
        if there and not imports().direct_import_exists(importer=one, imported=other, as_packages=True):
            return one, other
    return None


ALL = [Breach(law["name"], *pair) for law in LAWS for pair in PLANTED[law["type"]](law)]


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law["name"])
def test_a_law_is_kept(law: dict[str, Any]) -> None:
    assert is_kept(law, imports())


@pytest.mark.parametrize("breach", ALL, ids=lambda breach: f"{breach.importer} -> {breach.imported}")
def test_a_breach_of_it_is_reported(breach: Breach) -> None:
    (law,) = (law for law in LAWS if law["name"] == breach.law)
    graph = deepcopy(imports())
    for module in (breach.importer, breach.imported):
        if module is not None and module not in graph.modules:
            graph.add_module(module, is_squashed=module.partition(".")[0] not in ROOTS)
    if breach.imported is not None:
        graph.add_import(importer=breach.importer, imported=breach.imported)
    assert not is_kept(law, graph)
