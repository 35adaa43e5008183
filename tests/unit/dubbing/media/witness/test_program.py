"""What is understood of a program whose threads write into each other's lines."""

import sys
from pathlib import Path

import pytest

from dubbing.media.witness import program
from dubbing.media.witness.program import Complaint, ShownSound, hear

# As ffmpeg wrote them of a scratched FLAC: the decoder's words stand in the filter's line, without who and what they are.
WHOLE = "[Parsed_ashowinfo_0 @ 0x1] [info] n:{n} pts:{p} pts_time:0 fmt:dbl channels:1 chlayout:mono rate:48000 nb_samples:2 "
SUMS = "checksum:3608E6E6 plane_checksums: [ 3608E6E6 ]"
LINES = [WHOLE + SUMS, WHOLE + "checksum:3608E6E6 invalid sync code", WHOLE + SUMS]


@pytest.fixture
def torn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program that says this of a sound of six samples, and ends as ffmpeg does where a frame could not be decoded."""
    said = "\n".join(line.format(n=n, p=2 * n) for n, line in enumerate(LINES)) + "\n"
    written = f"import sys; sys.stderr.write({said!r}); sys.stdout.buffer.write(bytes(48)); sys.exit(69)"
    path = tmp_path / "program"
    path.write_text(f"#!{sys.executable}\n{written}\n")
    path.chmod(0o700)
    monkeypatch.setattr(program, "program", lambda: str(path))
    return path


def test_a_complaint_that_stands_in_another_s_line_is_known_by_the_program_s_end(torn: Path) -> None:
    found = ShownSound()
    assert sum(len(block) for block in hear(torn, 1, found)) == 6
    assert found.lengths == [2, 2, 2]
    assert found.complaints == [Complaint("", "some of it could not be decoded", 2)]
