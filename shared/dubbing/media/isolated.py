"""Files are read in a process of their own, with limits: one that kills its reader kills nothing else.

The process stays for the next file, since starting it costs half a second. A file that ends it is tried once more, in a fresh
one, and is then refused.
"""

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, NamedTuple, Self

import structlog

from dubbing.domain.media import MediaInfo, SoundChoice
from dubbing.errors import DublineError, FatalInput, from_problem

_TRIES = 2
# A reader that says nothing for so long, and for another second for each two megabytes, hangs.
_SILENCE = 120.0
_BYTES_PER_SECOND = 2_000_000
_POLL_SECONDS = 0.5
_FILES = 200  # read by one process before a fresh one takes over: libraries leak

log = structlog.get_logger()


class ReadRequest(NamedTuple):
    """What is to be read.

    Attributes:
        path: a local file.
        role: ``video`` or ``audio``: what it was sent as.
        record: where the picture's record goes.
        picture: number of the picture that was chosen.
        sound: which sound was chosen.
    """

    path: Path
    role: Literal["video", "audio"]
    record: Path
    picture: int | None = None
    sound: SoundChoice = SoundChoice()

    def line(self) -> bytes:
        """As a line of JSON."""
        fields = {
            "path": os.fsencode(self.path).hex(),
            "role": self.role,
            "record": str(self.record),
            "picture": self.picture,
            "sound": self.sound.model_dump(mode="json"),
        }
        return json.dumps(fields).encode() + b"\n"


class Reader:
    """Reads files in a child process.

    Args:
        memory: bytes of address space that reading may take.
        command: starts the child; ours by default.
    """

    def __init__(self, memory: int, command: tuple[str, ...] = (sys.executable, "-m", "dubbing.media.child")) -> None:
        self._memory, self._command = memory, command
        self._child: subprocess.Popen[bytes] | None = None
        self._read = 0

    def read(self, request: ReadRequest, on_frames: Callable[[int], None] = lambda _: None) -> MediaInfo:
        """Read one file, twice (see `dubbing.media.reading`).

        Args:
            request: the file, and what of it.
            on_frames: called with the number of frames that have been seen, and at least every half second.

        Raises:
            FatalInput: reading it ended the process, or never ended, on every try.
            and what `read_video` and `read_audio` raise.
        """
        ends = []
        for _ in range(_TRIES):
            try:
                return self._ask(request, on_frames)
            except _Died as died:
                log.warning("reader_died", reason=str(died), role=request.role)
                ends.append(str(died))
        raise FatalInput(
            f"Reading the file ended the program that reads it, {_TRIES} times: {'; then '.join(dict.fromkeys(ends))}.",
            suggestions=(
                "Export the file again, with another program if you can.",
                "Send the file to the operator: it shows a defect.",
            ),
            media={"tries": _TRIES},
        )

    def _ask(self, request: ReadRequest, on_frames: Callable[[int], None]) -> MediaInfo:
        child = self._running()
        self._read += 1
        try:
            answer = self._answer(child, request, on_frames)
        except BaseException:
            self.close()
            raise
        if "problem" in answer:
            raise from_problem(answer["problem"])
        return MediaInfo.model_validate(answer["media"])

    def _running(self) -> "subprocess.Popen[bytes]":
        if self._read >= _FILES or (self._child is not None and self._child.poll() is not None):
            self.close()
        if self._child is None:
            self._child = subprocess.Popen(  # noqa: S603 - our own module
                [*self._command, str(self._memory)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,  # so that it can be ended with what it started
            )
        return self._child

    def _answer(
        self, child: "subprocess.Popen[bytes]", request: ReadRequest, on_frames: Callable[[int], None]
    ) -> dict[str, Any]:
        if child.stdin is None or child.stdout is None:
            raise DublineError("The reader has no pipes.")
        with suppress(BrokenPipeError):  # its end is told below
            child.stdin.write(request.line())
            child.stdin.flush()
        timeout = _SILENCE + request.path.stat().st_size / _BYTES_PER_SECOND
        silent, frames = 0.0, 0
        while True:
            ready, _, _ = select.select([child.stdout], [], [], _POLL_SECONDS)
            if not ready:
                silent += _POLL_SECONDS
                on_frames(frames)
                if silent > timeout:
                    raise _Died(f"it said nothing for {timeout:.0f} s")
                continue
            line = child.stdout.readline()
            if not line:
                raise _Died(_end(child.wait()))
            silent, answer = 0.0, json.loads(line)
            if "frames" not in answer:
                found: dict[str, Any] = answer
                return found
            frames = int(answer["frames"])
            on_frames(frames)

    def close(self) -> None:
        """End the child and what it started."""
        child, self._child, self._read = self._child, None, 0
        if child is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                with suppress(BrokenPipeError):
                    pipe.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


class _Died(Exception):
    """The child ended before it answered."""


def _end(status: int) -> str:
    if status >= 0:
        return f"it ended with status {status}"
    with suppress(ValueError):
        return f"signal {-status} ({signal.strsignal(signal.Signals(-status))})"
    return f"signal {-status}"
