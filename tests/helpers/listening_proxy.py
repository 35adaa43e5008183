"""A proxy that passes nothing on and remembers what it was asked."""

import socketserver
import threading
from types import TracebackType
from typing import Self


class ListeningProxy:
    """Listens on loopback; ``heard`` has the first line of each request.

    Args:
        status: what it answers.
    """

    def __init__(self, status: str = "502 Bad Gateway") -> None:
        self.heard: list[str] = []
        recorder = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                recorder.heard.append(self.rfile.readline().decode("latin-1").strip())
                self.wfile.write(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
