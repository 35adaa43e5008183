"""What a pool process of a worker must not take over from its parent."""

import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Any

from celery.signals import worker_process_init


def drop_inherited_sockets() -> None:
    """Makes every pool process let go of the sockets that it was forked with, before it runs its first task.

    A process that replaces one that died is forked while its parent is connected to the broker, and so holds those
    connections too. When the broker goes away the parent closes them, but epoll watches open files, not descriptors: as long as
    a child keeps one open, the parent's loop wakes at once for a descriptor that it cannot take off its list any more, and
    spins until it is started again. Pool processes talk to their parent through pipes and connect for themselves.
    """
    parent = os.getpid()

    def started(**_: Any) -> None:
        # A pool without processes of its own (solo) sends the signal too, in the worker itself.
        if os.getpid() != parent:
            _drop()

    # Weak by default, and nothing else holds this function.
    worker_process_init.connect(started, weak=False)


def _drop() -> None:
    null = os.open(os.devnull, os.O_RDWR)
    try:
        for descriptor in [int(file.name) for file in Path("/proc/self/fd").iterdir()]:
            with suppress(OSError):  # the listing's own is closed by now
                # Output may well be a socket of the service manager's, and stays.
                if descriptor > 2 and stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                    # Replaced, not closed: the objects that own the number close it when they are collected.
                    os.dup2(null, descriptor)
    finally:
        os.close(null)
