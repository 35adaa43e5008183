"""What a program imports is left alone by the garbage collector."""

import gc
import subprocess
import sys
import weakref
from collections.abc import Iterator

import pytest
from places import ROOT

from dubbing.imports import lasting


class Ring:
    """Refers to itself, so only the collector can end it."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """What other tests left counts as theirs again."""
    yield
    gc.unfreeze()
    gc.enable()


def test_the_collector_leaves_what_was_made_inside_and_finds_what_is_made_afterwards() -> None:
    with lasting():
        inside = weakref.ref(Ring())
    afterwards = weakref.ref(Ring())
    gc.collect()
    assert inside() is not None
    assert afterwards() is None


def test_the_collector_rests_inside_and_is_afterwards_what_it_was() -> None:
    with lasting():
        assert not gc.isenabled()
    assert gc.isenabled()
    gc.disable()
    with lasting():
        pass
    assert not gc.isenabled(), "who had turned it off has it off"


def test_a_program_starts_with_its_modules_left_alone() -> None:
    command = (
        "import gc, services.trainer.runtime.agent; print(gc.isenabled(), gc.get_freeze_count() > 10 * len(gc.get_objects()))"
    )
    said = subprocess.run([sys.executable, "-c", command], cwd=ROOT, capture_output=True, text=True, check=True)
    assert said.stdout.split() == ["True", "True"]
