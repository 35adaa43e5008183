"""The inference server's image and the torch inside it are for one CUDA, and the driver that it needs is told."""

import re

from places import ROOT

# By their publishers' release notes; a pin that is not here has to be looked up.
IMAGES = {"25.06": "12.9", "25.10": "13.0"}  # NVIDIA's container support matrix
WHEELS = {"2.11.0": "13.0", "2.13.0": "13.0"}  # PyTorch's wheels on PyPI
DRIVERS = {"12": 525, "13": 580}  # the least for each CUDA, by its release notes


def pins() -> tuple[str, str]:
    image = re.search(r"tritonserver:(\S+)-py3", (ROOT / "deploy/docker/Dockerfile").read_text())
    torch = re.search(r"^torch==(\S+)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    assert image is not None
    assert torch is not None
    return IMAGES[image[1]], WHEELS[torch[1]]


def test_server_and_torch_are_for_the_same_cuda() -> None:
    image, torch = pins()
    assert image == torch


def test_the_readme_and_the_image_name_the_driver() -> None:
    driver = DRIVERS[pins()[0].partition(".")[0]]
    assert f"driver {driver} or newer" in (ROOT / "README.md").read_text()
    assert f"driver {driver} or newer" in (ROOT / "deploy/docker/Dockerfile").read_text()


def test_it_is_said_that_the_image_was_not_built() -> None:
    assert "That image has not been built" in " ".join((ROOT / "README.md").read_text().split())
