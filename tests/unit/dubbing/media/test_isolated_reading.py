"""Files are read in a process of their own: what ends it is tried twice, refused, and takes nothing with it."""

import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from media_samples import Make
from waiting import LIMIT

from dubbing.errors import DiskFull, FatalInput, NotAVideo
from dubbing.media import isolated
from dubbing.media.isolated import Reader, ReadRequest
from dubbing.media.witness.facts import PictureRecord

MEMORY = 8 << 30
# Notes each of its lives, and ends it in the way that the file's first word says; any other file is read as ever.
DYING = """
import os, signal, sys, json, pathlib
lives = pathlib.Path({lives!r})
with lives.open("a") as notes:
    notes.write(f"{{os.getpid()}}\\n")
from dubbing.media import child
for line in sys.stdin.buffer:
    path = pathlib.Path(os.fsdecode(bytes.fromhex(json.loads(line)["path"])))
    first = path.read_bytes()[:4]
    if first == b"segv":
        os.kill(os.getpid(), signal.SIGSEGV)
    if first == b"once" and len(lives.read_text().split()) == 1:
        os.kill(os.getpid(), signal.SIGSEGV)
    if first == b"hang":
        signal.pause()
    print(json.dumps(child._answer(json.loads(line), int(sys.argv[1]), sys.stdout)), flush=True)
"""


@pytest.fixture
def lives(tmp_path: Path) -> Path:
    return tmp_path / "lives"


def dying(lives: Path) -> Reader:
    return Reader(MEMORY, (sys.executable, "-c", DYING.format(lives=str(lives))))


def order(path: Path) -> ReadRequest:
    return ReadRequest(path, "video", path.with_name("record.npz"))


def test_a_file_is_read_and_its_record_lies_where_it_was_ordered(clip: Make) -> None:
    path = clip("a.mp4")
    with Reader(MEMORY) as reader:
        media = reader.read(order(path))
        assert media.video is not None
        assert len(PictureRecord.unpack(path.with_name("record.npz").read_bytes())) == media.video.frames == 50
        path.write_text("no film")
        with pytest.raises(NotAVideo):
            reader.read(order(path))


def test_a_file_that_ends_its_reader_is_tried_twice_then_refused_and_the_next_is_read(
    clip: Make, tmp_path: Path, lives: Path
) -> None:
    deadly = tmp_path / "deadly"
    deadly.write_bytes(b"segv")
    with dying(lives) as reader:
        with pytest.raises(FatalInput, match="signal 11") as refused:
            reader.read(order(deadly))
        assert refused.value.status == 422
        assert len(lives.read_text().split()) == 2
        assert reader.read(order(clip("a.mp4"))).video.frames == 50


def test_a_disk_without_room_is_no_fault_of_the_file(clip: Make, tmp_path: Path) -> None:
    full = tmp_path / "full"
    full.symlink_to("/dev/full")
    with Reader(MEMORY) as reader:
        with pytest.raises(DiskFull):
            reader.read(ReadRequest(clip("a.mp4"), "video", full))
        assert reader.read(order(clip("a.mp4"))).video.frames == 50


def test_a_file_that_ended_its_reader_once_is_read_the_second_time(clip: Make, tmp_path: Path, lives: Path) -> None:
    path = clip("a.mp4")
    once = tmp_path / "once.mp4"
    once.write_bytes(b"once")
    with dying(lives) as reader:
        with pytest.raises(NotAVideo):  # not FatalInput: the second try told what it is
            reader.read(order(once))
        assert len(lives.read_text().split()) == 2
        assert reader.read(order(path)).video is not None


def test_a_reader_that_says_nothing_is_ended_and_so_is_what_it_started(
    tmp_path: Path, lives: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(isolated, "_SILENCE", 0.0)
    monkeypatch.setattr(isolated, "_POLL_SECONDS", 0.01)
    endless = tmp_path / "endless"
    endless.write_bytes(b"hang")
    before = set(psutil.Process().children())
    with dying(lives) as reader, pytest.raises(FatalInput, match="said nothing"):
        reader.read(order(endless))
    assert set(psutil.Process().children()) <= before


def test_whoever_stops_waiting_ends_the_reader(tmp_path: Path, lives: Path) -> None:
    class Stopped(Exception):
        pass

    def stop(_: int) -> None:
        raise Stopped

    endless = tmp_path / "endless"
    endless.write_bytes(b"hang")
    with dying(lives) as reader, pytest.raises(Stopped):
        reader.read(order(endless), stop)
    assert not any(psutil.pid_exists(int(pid)) for pid in lives.read_text().split())


def test_a_file_that_takes_too_much_memory_is_refused_without_harm(make: Make) -> None:
    """Frames of 8K, and less address space than they take."""
    large = make("large.mkv", "-f", "lavfi", "-i", "color=s=7680x4320:r=25", "-frames:v", 2, "-c:v", "ffv1")
    with Reader(700 << 20) as reader, pytest.raises(Exception) as refused:  # noqa: PT011 - by which library is chance
        reader.read(order(large))
    assert refused.value.status == 422


def test_a_reader_ends_with_whoever_started_it(clip: Make, tmp_path: Path) -> None:
    """Killed, so that nothing could tidy up."""
    path, note = clip("a.mp4"), tmp_path / "pid"
    script = (
        "import os, pathlib, sys\n"
        "from dubbing.media.isolated import ReadRequest, Reader\n"
        f"reader = Reader({MEMORY})\n"
        f"reader.read(ReadRequest(pathlib.Path({str(path)!r}), 'video', pathlib.Path({str(tmp_path / 'r.npz')!r})))\n"
        f"pathlib.Path({str(note)!r}).write_text(str(reader._child.pid))\n"
        "os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], check=False)
    assert done.returncode == -signal.SIGKILL
    with suppress(psutil.NoSuchProcess):  # it may have ended by now
        psutil.Process(int(note.read_text())).wait(LIMIT)
