"""torchrun for one attempt: ``python -m services.trainer.runtime.agent FOLDER PROCESSES``; it ends when its worker does.

Its processes find each other by files of the attempt. By default torchrun opens two ports on every interface of the machine,
asks nobody who comes there, and unpickles what lies behind them.
"""

import ctypes
import os
import signal
import sys
from pathlib import Path

from dubbing.imports import lasting

with lasting():
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.run import main as torchrun

    from services.trainer.runtime.outbox import Outbox

_PR_SET_PDEATHSIG = 1
# What the processes of one machine exchange stays on it.
_INTERFACES = ("GLOO_SOCKET_IFNAME", "NCCL_SOCKET_IFNAME")


def die_with_parent(parent: int, how: signal.Signals) -> None:
    """Be sent ``how`` when the parent process ends, even by SIGKILL (prctl(2))."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, how, 0, 0, 0)
    if os.getppid() != parent:  # it was faster
        sys.exit(1)


def main() -> int:
    """Run the processes; 0 when all of them ended well."""
    folder, processes, parent = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    die_with_parent(parent, signal.SIGTERM)
    meeting = folder / f"rendezvous-{os.getpid()}"  # the file of an earlier try would tell of processes that are gone
    os.environ |= {"TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1", **dict.fromkeys(_INTERFACES, "lo")}
    try:
        torchrun(
            ["--nnodes=1", "--rdzv-backend=c10d", "--rdzv-conf=store_type=file", f"--rdzv-endpoint={meeting}",
             "--local-addr=127.0.0.1", f"--nproc-per-node={processes}", "--max-restarts=0", "--monitor-interval=0.2",
             "--module", "services.trainer.runtime.rank", str(folder)]
        )  # fmt: skip
    except ChildFailedError as error:
        ended = {str(failure.local_rank): failure.exitcode for failure in error.failures.values()}
        Outbox(folder).tell("died", {"ranks": ended})
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
