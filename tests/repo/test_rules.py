"""Rules of the repository that no linter knows."""

import ast
import hashlib
import json
import re
import subprocess
from pathlib import Path

import pytest
from places import PYTHON_CLIENT, ROOT

# Names of the place where this was written; in pieces, so that this file does not name them either.
WORKPLACE = ("/" + "work/", "shared/" + "spec", "issues" + " show")
PLATFORM_LINES, MODEL_LINES = 400, 600
FUNCTION_LINES = 40
WEIGHTS_BYTES = 20 * 10**6
LEFT_BEHIND = ("TO" + "DO", "FIX" + "ME", "Not" + "ImplementedError", "pytest." + "skip", "pytest.mark." + "skip", "x" + "fail")


def tracked(*patterns: str) -> list[Path]:
    """Files of the repository, or of the folder where there is no repository (an unpacked archive)."""
    listed = subprocess.run(["git", "ls-files", "-z", *patterns], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode == 0:
        return [ROOT / name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).is_file()]
    return [path for pattern in patterns for path in ROOT.rglob(pattern) if ".venv" not in path.parts]


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="ignore")


def test_no_file_names_the_workplace() -> None:
    files = [path for path in tracked("*") if path.suffix not in {".safetensors", ".npz", ".task", ".png"}]
    assert len(files) > 100
    assert not [(path.relative_to(ROOT), name) for path in files for name in WORKPLACE if name in text_of(path)]


def test_no_code_is_left_undone() -> None:
    found = [
        (path.relative_to(ROOT), word)
        for path in tracked("*.py")
        for word in LEFT_BEHIND
        if re.search(rf"\b{re.escape(word)}\b", text_of(path))
    ]
    assert not found


def test_files_stay_short() -> None:
    # How a generator cuts its files is its own affair.
    files = [path for path in tracked("*.py") if not path.is_relative_to(PYTHON_CLIENT)]
    lengths = {path.relative_to(ROOT): len(text_of(path).splitlines()) for path in files}
    assert len(lengths) > 100
    long = {
        str(path): lines
        for path, lines in lengths.items()
        if lines > (MODEL_LINES if path.parts[:2] == ("shared", "lipforcing") else PLATFORM_LINES)
    }
    assert not long


def test_functions_of_the_platform_stay_short() -> None:
    lengths = {
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}": (node.end_lineno or node.lineno) - node.lineno + 1
        for path in tracked("services/*.py", "shared/dubbing/*.py", "shared/synthetic/*.py", "studies/*.py")
        if path.relative_to(ROOT).parts[:2] != ("services", "trainer")
        for node in ast.walk(ast.parse(text_of(path)))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert len(lengths) > 500
    assert not {name: lines for name, lines in lengths.items() if lines > FUNCTION_LINES}


def test_every_variable_that_the_code_reads_is_in_the_example() -> None:
    known = set(re.findall(r"^#?(DUBLINE_[A-Z0-9_]+)=", text_of(ROOT / ".env.example"), re.MULTILINE))
    used = {
        name
        for path in tracked("services/*.py", "shared/*.py")
        for name in re.findall(r'"(DUBLINE_[A-Z0-9_]*[A-Z0-9])"', text_of(path))
    }
    # What the local stack writes for itself, tests and benchmarks; nobody sets them.
    inner = {"DUBLINE_TRITON_METRICS_URL", "DUBLINE_SUPERVISED"}
    assert len(used) > 5
    assert used - known <= inner


def test_nothing_imports_the_folder_shared() -> None:
    assert not [
        p.relative_to(ROOT) for p in tracked("*.py") if re.search(r"^\s*(from|import) shared\b", text_of(p), re.MULTILINE)
    ]


def test_benchmarks_use_the_public_module_of_the_stack_only() -> None:
    imported = {
        (str(path.relative_to(ROOT)), module)
        for path in tracked("benchmarks/*.py")
        for module in re.findall(r"^\s*(?:from|import) (services\.stack\S*)", text_of(path), re.MULTILINE)
    }
    assert {module for _, module in imported} == {"services.stack.public"}, imported


def test_unit_tests_mirror_the_source() -> None:
    unit = ROOT / "tests/unit"
    folders = {path.parent.relative_to(unit) for path in tracked("tests/unit/*.py")}
    assert len(folders) > 20
    assert not [str(folder) for folder in folders if not any((ROOT / at / folder).is_dir() for at in (".", "shared"))]


def manifests() -> list[Path]:
    return [path for path in tracked("model_repo/*") if path.name == "model.json"]


def test_the_demonstration_model_is_committed_whole_and_small() -> None:
    committed = {path.parents[1].name for path in manifests()}
    assert committed == {"lip_student_tiny", "face_encoder_tiny", "speech_encoder_tiny"}
    assert sum(path.with_name("model.safetensors").stat().st_size for path in manifests()) <= WEIGHTS_BYTES


@pytest.mark.parametrize("folder", ["lip_student_tiny", "face_encoder_tiny", "speech_encoder_tiny"])
def test_committed_weights_are_the_ones_that_their_manifest_names(folder: str) -> None:
    version = ROOT / "model_repo" / folder / "1"
    manifest = json.loads(text_of(version / "model.json"))
    assert manifest["model"] == folder
    assert manifest["digest"] == hashlib.sha256((version / "model.safetensors").read_bytes()).hexdigest()
