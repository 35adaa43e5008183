"""Modules in processes of their own: how far they are, their answers, their problems, and their ends."""

import sys
from pathlib import Path

import pytest
from held_out_footage import FRAMES, held_out

from dubbing.errors import BadDataset, DublineError
from services.trainer.release import child


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A shell script that runs instead of a module."""
    script = tmp_path / "program"
    script.touch(0o755)
    monkeypatch.setattr(sys, "executable", str(script))
    return script


def test_it_is_heard_while_it_works_and_its_last_line_is_the_answer(program: Path) -> None:
    program.write_text("""#!/bin/sh
echo '{"done": 1, "of": 2}'
echo 'a library says something'
echo '{"done": 2, "of": 2}'
printf '{"r_open": 0.9}'
""")
    heard: list[tuple[int, int]] = []
    assert child.ask("measure", advance=lambda done, of: heard.append((done, of))) == {"r_open": 0.9}
    assert heard == [(1, 2), (2, 2)]


def test_what_kept_it_from_an_answer_comes_back_as_the_error_that_it_was(tmp_path: Path) -> None:
    one = held_out(tmp_path / "one", clips=1)
    with pytest.raises(BadDataset, match="1 clips in the split test") as raised:
        child.ask("measure", str(tmp_path), "landmarker", "5", str(FRAMES), "--data", str(one))
    assert raised.value.suggestions


def test_one_that_crashes_is_an_error_with_its_last_words(program: Path) -> None:
    program.write_text("#!/bin/sh\necho 'no room' >&2\nkill -SEGV $$\n")
    with pytest.raises(DublineError, match=r"measure failed \(-11\): no room"):
        child.ask("measure")


def test_one_that_takes_too_long_is_ended(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program.write_text("#!/bin/sh\nexec sleep 600\n")
    monkeypatch.setattr(child, "_SECONDS", 0.2)
    with pytest.raises(DublineError, match=r"measure took longer than 0\.2 s"):
        child.ask("measure")


def test_one_that_nobody_listens_to_any_more_is_ended(program: Path) -> None:
    program.write_text("""#!/bin/sh
echo '{"done": 1, "of": 2}'
exec sleep 600
""")

    def gone(done: int, of: int) -> None:
        raise ConnectionError(f"{done} of {of}")

    with pytest.raises(ConnectionError, match="1 of 2"):
        child.ask("measure", advance=gone)
