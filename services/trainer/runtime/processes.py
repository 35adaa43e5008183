"""The processes of one attempt, from the worker's side: torchrun in a group of its own, ended as a group."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

_TAIL = 2000


class Processes:
    """Launches torchrun for the attempt in ``folder``; leaving the context ends whatever still runs.

    0 ``threads`` share all cores of the machine between the processes.
    """

    def __init__(self, folder: Path, count: int, threads: int) -> None:
        self._log = folder / "processes.log"
        each = threads or max(1, (os.cpu_count() or 1) // count)
        with self._log.open("wb") as log:
            self._agent = subprocess.Popen(  # noqa: S603 - our own module
                [sys.executable, "-m", "services.trainer.runtime.agent", str(folder), str(count), str(os.getpid())],
                env={**os.environ, "OMP_NUM_THREADS": str(each)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def __enter__(self) -> Self:
        """Nothing more to do."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """End them: torchrun takes its processes along on SIGTERM, and they die with it on SIGKILL."""
        if self._agent.poll() is None:
            self._agent.terminate()
            try:
                self._agent.wait(5.0)
            except subprocess.TimeoutExpired:
                self._agent.kill()
        with suppress(ProcessLookupError):
            os.killpg(self._agent.pid, signal.SIGKILL)
        self._agent.wait()

    @property
    def pid(self) -> int:
        """Of torchrun."""
        return self._agent.pid

    def ended(self) -> int | None:
        """Exit status, None while they run."""
        return self._agent.poll()

    def last_words(self) -> str:
        """The end of what they printed."""
        return self._log.read_text(errors="replace")[-_TAIL:].strip()
