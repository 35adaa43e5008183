"""The line between the platform and its object store, which can go bad: slow, full of errors, cut in mid-answer."""

import asyncio
import threading
from contextlib import suppress
from enum import Enum, auto
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

_PIECE = 1 << 14
_REFUSAL = (
    b"HTTP/1.1 500 Internal Server Error\r\nContent-Type: application/xml\r\nConnection: close\r\nContent-Length: 64\r\n\r\n"
    b"<Error><Code>InternalError</Code><Message>down</Message></Error>"
)


class Manner(Enum):
    """How the line treats what passes."""

    GOOD = auto()
    SLOW = auto()
    FAILING = auto()
    CUTTING = auto()


class Line:
    """Passes connections on to a server; ``manner`` counts from the next piece on, for open connections too.

    Args:
        server: its URL.
        delay: seconds that a piece takes on a slow line.
    """

    def __init__(self, server: str, delay: float = 0.2) -> None:
        found = urlsplit(server)
        self._host, self._port, self._delay = found.hostname, found.port, delay
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self.manner = Manner.GOOD
        self.url = ""

    def __enter__(self) -> Self:
        self._thread.start()
        listening = asyncio.run_coroutine_threadsafe(asyncio.start_server(self._joined, "127.0.0.1", 0), self._loop).result()
        self.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    async def _joined(self, caller: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        try:
            server, requests = await asyncio.open_connection(self._host, self._port)
        except OSError:  # nobody listens there, and so nobody does here
            answers.transport.abort()
            return
        with suppress(OSError):
            ways = [
                asyncio.ensure_future(self._ask(caller, requests, answers)),
                asyncio.ensure_future(self._answer(server, answers)),
            ]
            _, open_still = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in open_still:
                way.cancel()
        for end in (requests, answers):
            with suppress(OSError):
                end.close()

    async def _ask(self, caller: asyncio.StreamReader, requests: asyncio.StreamWriter, answers: asyncio.StreamWriter) -> None:
        with suppress(OSError):  # one end was killed
            while piece := await caller.read(_PIECE):
                if self.manner is Manner.FAILING:
                    answers.write(_REFUSAL)
                    return
                requests.write(piece)
                await requests.drain()

    async def _answer(self, server: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while piece := await server.read(_PIECE):
                if self.manner is Manner.SLOW:
                    await asyncio.sleep(self._delay)
                if self.manner is Manner.CUTTING:
                    answers.write(piece[: len(piece) // 2])
                    return
                answers.write(piece)
                await answers.drain()
