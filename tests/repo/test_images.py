"""Images are built in layers that a change of code leaves alone, from what they need and nothing else."""

import re
import tomllib

import pytest
from places import ROOT

DOCKERFILE = (ROOT / "deploy/docker/Dockerfile").read_text()
STAGES = dict(re.findall(r"^FROM \S+ AS (\w+)\n(.*?)(?=^FROM |\Z)", DOCKERFILE, re.MULTILINE | re.DOTALL))
PACKAGES: list[str] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"][
    "packages"
]


@pytest.mark.parametrize("stage", [name for name in STAGES if name != "code"])
def test_nothing_is_installed_after_code_was_copied(stage: str) -> None:
    before, _, after = STAGES[stage].partition("COPY --from=code")
    assert "pip install" not in after
    assert not re.search(r"^COPY (shared|services|studies) ", before, re.MULTILINE)


def test_every_folder_that_is_copied_is_there_and_not_ignored() -> None:
    ignored = {line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")}
    copied = [word for line in re.findall(r"^COPY (?!--)(.*) \S+$", DOCKERFILE, re.MULTILINE) for word in line.split()]
    assert {"third_party", *(package.partition("/")[0] for package in PACKAGES)} <= set(copied)
    for word in copied:
        assert (ROOT / word).exists(), word
        assert word.partition("/")[0] not in ignored


@pytest.mark.parametrize("stage", ["base", "triton"])
def test_dependencies_are_installed_for_every_package_while_it_is_empty(stage: str) -> None:
    (named,) = re.findall(r"^RUN for package in (.*); do", STAGES[stage], re.MULTILINE)
    assert named.split() == PACKAGES


@pytest.mark.parametrize("secret", [".git", ".venv", ".dubline"])
def test_what_is_private_to_a_checkout_is_not_sent(secret: str) -> None:
    assert secret in (ROOT / ".dockerignore").read_text().split()
