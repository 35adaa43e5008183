"""The process that reads files: an order a line on stdin, an answer a line on stdout, until stdin ends.

``python -m dubbing.media.child BYTES``, with the address space that it and what it starts may take.
"""

import ctypes
import json
import os
import resource
import signal
import sys
from pathlib import Path
from typing import Any, TextIO

from dubbing.domain.media import SoundChoice
from dubbing.errors import DublineError, FatalInput
from dubbing.errors.disk import disk_full, found_full
from dubbing.media.read_audio import read_audio
from dubbing.media.read_video import read_video
from dubbing.media.reading import ReadFile
from dubbing.media.witness.program import Ended

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Read what is ordered; an order that ends this process is told by its end."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)  # nobody waits for the answer of an orphan
    memory = int(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # Answers have a descriptor of their own: what a library prints goes to the log.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    for line in sys.stdin.buffer:
        answers.write(json.dumps(_answer(json.loads(line), memory, answers)) + "\n")


def _answer(order: dict[str, Any], memory: int, answers: TextIO) -> dict[str, Any]:
    try:
        found = _read(order, answers)
        if found.record is not None:
            Path(order["record"]).write_bytes(found.record.pack())
    except DublineError as error:
        return {"problem": error.problem()}
    except OSError as error:
        if not found_full(error):
            raise
        return {"problem": disk_full().problem()}
    except MemoryError:
        return {"problem": _too_large(memory).problem()}
    except Ended as ended:
        os.kill(os.getpid(), ended.signal)  # as if the library had ended us: the file is tried once more
        raise
    return {"media": found.media.model_dump(mode="json")}


def _too_large(memory: int) -> FatalInput:
    return FatalInput(
        f"Reading the file takes more than {memory / 2**30:.0f} GiB of memory.",
        suggestions=("Export the file in a smaller size, or with another codec.",),
    )


def _read(order: dict[str, Any], answers: TextIO) -> ReadFile:
    path = Path(os.fsdecode(bytes.fromhex(order["path"])))
    if order["role"] == "video":
        return read_video(path, order["picture"], lambda frames: print(json.dumps({"frames": frames}), file=answers))
    return read_audio(path, SoundChoice.model_validate(order["sound"]))


if __name__ == "__main__":
    main()
