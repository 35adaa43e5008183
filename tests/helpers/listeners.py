"""What a stack listens on, as the kernel tells it: no port can be forgotten."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import psutil

from services.stack import reap
from services.stack.local import LocalStack

_ACCEPTS = 0x10000  # __SO_ACCEPTCON in the flags of /proc/net/unix


class Port(NamedTuple):
    """A TCP port that a process listens on."""

    program: str
    address: str
    number: int


def processes_of(stack: LocalStack) -> list[psutil.Process]:
    """The stack's processes and all their children."""
    found = [*reap.recorded(stack.status().processes), *reap.marked(str(stack.home.root))]
    return list({process.pid: process for process in found}.values())


def arguments_of(stack: LocalStack) -> list[str]:
    """Every word of the command lines of those that still run."""
    found: list[str] = []
    for process in processes_of(stack):
        with suppress(psutil.NoSuchProcess):
            found += process.cmdline()
    return found


def ports_of(stack: LocalStack) -> set[Port]:
    """Every TCP port that one of them listens on, UDP ports too."""
    found = set()
    for process in processes_of(stack):
        with suppress(psutil.NoSuchProcess):
            for socket in process.net_connections("inet"):
                if socket.status in (psutil.CONN_LISTEN, psutil.CONN_NONE):
                    found.add(Port(process.name(), socket.laddr.ip, socket.laddr.port))
    return found


def sockets_of(stack: LocalStack) -> set[Path]:
    """Every Unix socket that one of them listens on; one without a file has a name that begins with @."""
    held = {inode for process in processes_of(stack) for inode in _inodes(process)}
    found = set()
    for line in Path("/proc/net/unix").read_text().splitlines()[1:]:
        _, _, _, flags, _, _, inode, *path = line.split(maxsplit=7)
        if int(flags, 16) & _ACCEPTS and inode in held:
            found.add(Path(path[0] if path else "@"))
    return found


def _inodes(process: psutil.Process) -> Iterator[str]:
    with suppress(OSError):
        for file in os.scandir(f"/proc/{process.pid}/fd"):
            with suppress(OSError):
                target = Path(file.path).readlink().name
                if target.startswith("socket:["):
                    yield target[len("socket:[") : -1]
