import os
import signal
import subprocess
import sys
from pathlib import Path

from dubbing.storage.scratch import scratch_folder

MAKE = """
import sys, time
from pathlib import Path
from dubbing.storage.scratch import scratch_folder
with scratch_folder(Path(sys.argv[1])) as folder:
    (folder / "half a film").write_bytes(bytes(1000))
    print(folder, flush=True)
    sys.stdin.read()
"""


def working(parent: Path) -> tuple[subprocess.Popen[str], Path]:
    """A process that is making something in a folder of its own."""
    process = subprocess.Popen(
        [sys.executable, "-c", MAKE, str(parent)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=dict(os.environ),
    )
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


def test_a_folder_lasts_as_long_as_the_work(tmp_path: Path) -> None:
    with scratch_folder(tmp_path / "new" / "place") as folder:
        (folder / "file").write_text("x")
        assert folder.parent == tmp_path / "new" / "place"
    assert not folder.exists()


def test_what_a_killed_process_left_goes_with_the_next_work_and_what_is_in_use_stays(tmp_path: Path) -> None:
    dead, left = working(tmp_path)
    alive, used = working(tmp_path)
    try:
        dead.send_signal(signal.SIGKILL)
        dead.wait()
        assert (left / "half a film").exists()
        with scratch_folder(tmp_path) as own:
            assert not left.exists()
            assert (used / "half a film").exists()
            assert own.is_dir()
        assert used.exists()
    finally:
        alive.communicate("")
    assert alive.returncode == 0
    assert not used.exists()
