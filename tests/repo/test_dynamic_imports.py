"""Modules that are found by their name while a program runs: import-linter cannot see them, so each place is listed here."""

import ast
from collections import Counter

import pytest
from places import ROOT

IN_PROCESS = "shared/dubbing/inference/in_process.py"
# File and function, how often it imports by name, and why it may.
ALLOWED = {
    (IN_PROCESS, "InProcessEngine.__init__", 1): "the one wall that may be crossed so: the platform imports without torch",
    ("shared/dubbing/queue/isolated.py", "main", 1): "the application of the worker that started this process, by its argument",
}
MEANS = {
    "__import__",
    "builtins.__import__",
    "importlib.__import__",
    "importlib.import_module",
    "importlib.machinery",
    "importlib.reload",
    "importlib.util.module_from_spec",
    "importlib.util.spec_from_file_location",
    "pkgutil.find_loader",
    "pkgutil.get_loader",
    "pkgutil.resolve_name",
    "runpy",
}
# A module that is handed on whole could import anything where nobody looks.
HANDED_ON = {"builtins", "importlib", "pkgutil"}


class References(ast.NodeVisitor):
    """Counts, in each function, what refers to a means of importing by name: a call, an alias, or the module handed on."""

    def __init__(self, source: str) -> None:
        self.found: Counter[str] = Counter()
        self._names: dict[str, str] = {}
        self._within: list[str] = []
        self.visit(ast.parse(source))

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            top = alias.name.partition(".")[0]
            self._names[alias.asname or top] = alias.name if alias.asname else top

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        for alias in node.names:
            self._names[alias.asname or alias.name] = f"{node.module}.{alias.name}"

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._inside(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._inside(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self._inside(node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        path = self._path(node)
        if path is None:
            self.generic_visit(node)
        else:
            self._count(path)

    def visit_Name(self, node: ast.Name) -> None:
        path = self._path(node) or ""
        self._count(path, of_module=path in HANDED_ON)

    def _inside(self, node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self._within.append(node.name)
        self.generic_visit(node)
        self._within.pop()

    def _path(self, node: ast.expr) -> str | None:
        """What the expression means, as the module's own name of it: ``i.import_module`` after ``import importlib as i``."""
        if isinstance(node, ast.Name):
            return self._names.get(node.id, node.id if node.id == "__import__" else None)
        if isinstance(node, ast.Attribute) and (base := self._path(node.value)) is not None:
            return f"{base}.{node.attr}"
        return None

    def _count(self, path: str, *, of_module: bool = False) -> None:
        if of_module or any(path == means or path.startswith(f"{means}.") for means in MEANS):
            self.found[".".join(self._within)] += 1


def test_no_module_is_found_by_its_name_but_where_it_is_said() -> None:
    files = [path for top in ("shared", "services", "studies", "benchmarks", "deploy") for path in (ROOT / top).rglob("*.py")]
    found = {
        (str(path.relative_to(ROOT)), function, count)
        for path in files
        for function, count in References(path.read_text(encoding="utf-8")).found.items()
    }
    assert found == set(ALLOWED)


def test_the_engine_in_this_process_imports_of_the_model_library_only() -> None:
    calls = [node for node in ast.walk(ast.parse((ROOT / IN_PROCESS).read_text("utf-8"))) if isinstance(node, ast.Call)]
    (name,) = (call.args[0] for call in calls if isinstance(call.func, ast.Name) and call.func.id == "import_module")
    assert isinstance(name, ast.Constant)
    assert str(name.value).split(".")[0] == "lipforcing"


@pytest.mark.parametrize(
    "line",
    [
        "import importlib; importlib.import_module('torch')",
        "import importlib as i; i.import_module('torch')",
        "from importlib import import_module as load; load('torch')",
        "from importlib import import_module; load = import_module",
        "import importlib; getattr(importlib, 'import_module')('torch')",
        "import importlib.util; importlib.util.spec_from_file_location('torch', path)",
        "from importlib.machinery import SourceFileLoader; SourceFileLoader('torch', path)",
        "__import__('torch')",
        "import builtins; builtins.__import__('torch')",
        "import runpy; runpy.run_module('torch')",
        "from runpy import run_path; run_path('torch.py')",
        "from pkgutil import resolve_name; resolve_name('torch:nn')",
    ],
)
def test_a_way_round_is_seen_where_it_is_taken(line: str) -> None:
    module, _, taken = line.rpartition("; ")
    assert References(f"{module}\nclass A:\n    def f(self, path):\n        {taken}\n").found == {"A.f": 1}


def test_asking_whether_a_module_is_there_imports_nothing() -> None:
    assert not References("from importlib.util import find_spec\nfrom importlib import resources\nfind_spec('torch')").found
