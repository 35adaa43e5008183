"""Free loopback ports, chosen once and remembered."""

import random
import socket
from collections.abc import Iterable

LOOPBACK = "127.0.0.1"
# Below the kernel's ephemeral range (32768 and up on Linux), so that no outgoing connection takes a remembered port.
FIRST, LAST = 20_000, 32_000


def is_free(port: int) -> bool:
    """True when a server could listen on ``port`` of the loopback address now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def choose(taken: Iterable[int], rng: random.Random | None = None) -> int:
    """A free port that is not in ``taken``; random, so that stacks that start together seldom meet.

    Raises:
        OSError: no port of the range is free.
    """
    avoid = set(taken)
    candidates = [port for port in range(FIRST, LAST) if port not in avoid]
    (rng or random.SystemRandom()).shuffle(candidates)
    for port in candidates:
        if is_free(port):
            return port
    message = f"no free port between {FIRST} and {LAST}"
    raise OSError(message)
