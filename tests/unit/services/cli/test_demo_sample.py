"""The demonstration's sample is made on a thread of its own, which never outlives the command."""

import threading
from pathlib import Path

import pytest

from services.cli.demo import _sample_meanwhile
from services.stack.public import StackError
from synthetic.demo import SampleCanceled, make_demo_sample


def test_a_command_that_ends_early_leaves_no_thread_and_no_half_made_sample(tmp_path: Path) -> None:
    before = threading.enumerate()
    with pytest.raises(KeyboardInterrupt), _sample_meanwhile(tmp_path / "sample"):
        raise KeyboardInterrupt
    assert threading.enumerate() == before
    assert list(tmp_path.iterdir()) == []


def test_a_sample_that_cannot_be_made_is_told_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(StackError, match="the sample could not be made: ") as raised,
        _sample_meanwhile(tmp_path / "file" / "sample"),
    ):
        pass
    assert "Not a directory" in raised.value.detail


def test_it_is_asked_before_every_frame_whether_to_go_on(tmp_path: Path) -> None:
    answers = iter([True, True, False])
    with pytest.raises(SampleCanceled):
        make_demo_sample(tmp_path, lambda: next(answers))
    assert list(answers) == []
