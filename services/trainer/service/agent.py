"""torchrun for one attempt: ``python -m services.trainer.service.agent FOLDER PROCESSES``; it ends when its worker does."""

import ctypes
import os
import signal
import sys
from pathlib import Path

from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.run import main as torchrun

from services.trainer.service.outbox import Outbox

_PR_SET_PDEATHSIG = 1


def die_with_parent(parent: int, how: signal.Signals) -> None:
    """Be sent ``how`` when the parent process ends, even by SIGKILL (prctl(2))."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, how, 0, 0, 0)
    if os.getppid() != parent:  # it was faster
        sys.exit(1)


def main() -> int:
    """Run the processes; 0 when all of them ended well."""
    folder, processes, parent = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    die_with_parent(parent, signal.SIGTERM)
    try:
        torchrun(
            ["--standalone", f"--nproc-per-node={processes}", "--max-restarts=0", "--monitor-interval=0.2",
             "--module", "services.trainer.service.rank", str(folder)]
        )  # fmt: skip
    except ChildFailedError as error:
        ended = {str(failure.local_rank): failure.exitcode for failure in error.failures.values()}
        Outbox(folder).tell("died", {"ranks": ended})
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
