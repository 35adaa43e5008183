"""Model files and their library."""

import subprocess
import sys

from places import LANDMARKER

FORGETS = f"""
from pathlib import Path
from dubbing.faces.detector import MediaPipeDetector
left_open = MediaPipeDetector(Path({str(LANDMARKER)!r}))
print("found")
"""


def test_a_program_that_never_closes_its_detector_ends_without_a_traceback() -> None:
    done = subprocess.run([sys.executable, "-c", FORGETS], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "found\n")
    assert "Exception ignored" not in done.stderr
