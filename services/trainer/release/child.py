"""Our modules that need the model library, in a process of their own: its memory is given back, and its crash is an error.

What such a module prints is JSON, line by line: how far it is, as `tell` writes it, and last its answer, or a problem (exit 1).
"""

import json
import subprocess
import sys
from collections.abc import Callable
from tempfile import TemporaryFile
from threading import Timer
from typing import Any

from dubbing import clock
from dubbing.errors import DublineError, from_problem

Advance = Callable[[int, int], None]
_SECONDS = 3000.0


def ask(module: str, *arguments: str, advance: Advance = lambda _done, _of: None) -> dict[str, Any]:
    """The answer of ``services.trainer.release.<module>``; ``advance`` hears how far it is.

    Raises:
        DublineError: what it gave as a problem; or it crashed, or took longer than it may.
    """
    command = [sys.executable, "-m", f"services.trainer.release.{module}", *arguments]
    with (
        TemporaryFile("w+") as complaints,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=complaints, text=True) as child,  # noqa: S603 - our own modules
    ):
        assert child.stdout is not None  # noqa: S101 - it is a pipe
        began, late = clock.monotonic(), Timer(_SECONDS, child.kill)
        late.start()
        last = ""
        try:
            for line in child.stdout:
                last = line
                if line.startswith('{"done"'):
                    far = json.loads(line)
                    advance(far["done"], far["of"])
        except BaseException:
            child.kill()
            raise
        finally:
            late.cancel()
        code = child.wait()
        complaints.seek(0)
        said = complaints.read().strip()[-800:]
    if code != 0 and not last.startswith('{"problem"'):
        why = f"took longer than {_SECONDS:g} s" if clock.monotonic() - began >= _SECONDS else f"failed ({code})"
        raise DublineError(f"{module} {why}: {said}", where={"stage": "publishing"})
    answer: dict[str, Any] = json.loads(last)
    if code != 0:
        raise from_problem(answer["problem"])
    return answer


def answer(make: Callable[[], dict[str, Any]]) -> int:
    """Print what `ask` waits for; returns the exit code."""
    try:
        found = make()
    except DublineError as error:
        json.dump({"problem": error.problem()}, sys.stdout)
        return 1
    json.dump(found, sys.stdout)
    return 0


def tell(done: int, of: int) -> None:
    """Say how far this process is."""
    sys.stdout.write(json.dumps({"done": done, "of": of}) + "\n")
    sys.stdout.flush()
