"""Work whose holder was lost is done in a process of its own: if it is the input that kills, it kills nothing else.

``python -m dubbing.queue.isolated MODULE:APP DESCRIPTOR`` reads a leased item from its standard input and writes its result.
"""

import ctypes
import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from importlib import import_module
from typing import Any

from dubbing.domain.work import LeasedItem, WorkKind
from dubbing.errors import FatalInput, WorkerDied, from_problem
from dubbing.queue.app import WORK_TASK

KINDS = frozenset({WorkKind.PREPARE, WorkKind.ENCODE_FACE, WorkKind.ENCODE_SPEECH, WorkKind.STITCH})
"""The kinds that decode files in the worker's own process. (Probes have a process for each file anyway.)"""

# What a defect in a library ends with. Whoever is out of memory, or in an operator's way, is killed (SIGKILL).
_FAULTS = (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL)
_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


def run_isolated(app: str, item: LeasedItem) -> dict[str, Any]:
    """What the item's handler makes of it, as JSON.

    Args:
        app: of whose runner the handler is, ``module:name`` of a Celery application.
        item: that is leased.

    Raises:
        FatalInput: a fault ended the process.
        WorkerDied: it ended in another way before it was done.
        and what the handler raises, as a member of our tree.
    """
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as answer:
        try:
            child = subprocess.Popen(  # noqa: S603 - our own module
                [sys.executable, "-m", "dubbing.queue.isolated", app, str(writing)],
                stdin=subprocess.PIPE,
                pass_fds=(writing,),
                start_new_session=True,  # so that it can be ended with what it started
            )
        finally:
            os.close(writing)
        try:
            with suppress(BrokenPipeError):  # its end is told below
                child.communicate(item.model_dump_json().encode())
            said = answer.read()
        finally:
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            status = child.wait()
    return _result(said, status)


def _result(said: bytes, status: int) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(said)
    except ValueError:
        raise _exit_error(status) from None
    if "problem" in found:
        raise from_problem(found["problem"])
    result: dict[str, Any] = found["result"]
    return result


def _exit_error(status: int) -> FatalInput | WorkerDied:
    if -status in _FAULTS:
        return FatalInput(
            "Working on the file ended the process that did it, alone, as an attempt before had been lost:"
            f" {signal.Signals(-status).name} ({signal.strsignal(-status)}).",
            where={"stage": "worker"},
            suggestions=(
                "Export the file again, with another program if you can.",
                "Send the file to the operator: it shows a defect.",
            ),
        )
    how = f"status {status}" if status >= 0 else signal.Signals(-status).name
    return WorkerDied(f"The process that did the work ended before it was done: {how}.", where={"stage": "worker"})


def main() -> None:
    """Ends with the process that started it."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    app, descriptor = sys.argv[1:]
    module, _, name = app.partition(":")
    runner = getattr(import_module(module), name).tasks[WORK_TASK].runner
    item = LeasedItem.model_validate_json(sys.stdin.buffer.read())
    with os.fdopen(int(descriptor), "wb") as answer:
        answer.write(json.dumps(runner.answer(item)).encode())


if __name__ == "__main__":
    main()
