"""Web servers on an address of this machine that is not loopback, as customers' servers are; tests write their answers."""

import socket
import threading
from collections.abc import Callable
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from typing import NamedTuple

Answer = Callable[[BaseHTTPRequestHandler], None]


def own_address() -> str:
    """An address of this machine that is not loopback: nothing is sent by connecting a datagram socket."""
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as probe:
        probe.connect(("198.51.100.1", 9))
        return str(probe.getsockname()[0])


HERE = own_address()
NEAR = (ip_network(HERE),)


class Call(NamedTuple):
    """What was posted."""

    path: str
    headers: dict[str, str]
    body: bytes


class WebServer:
    """An HTTP server whose answers a test writes, by path; it remembers who was asked for what, and what was posted."""

    def __init__(self, host: str = HERE) -> None:
        self.answers: dict[str, Answer] = {}
        self.asked: list[tuple[str, str]] = []
        self.posted: list[Call] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.asked.append((self.headers["Host"], self.path))
                server.answers[self.path.partition("?")[0]](self)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                server.posted.append(Call(self.path, {name.lower(): text for name, text in self.headers.items()}, body))
                server.answers[self.path](self)

            def log_message(self, *_: object) -> None:
                """In silence."""

        self.http = ThreadingHTTPServer((host, 0), Handler)
        self.port = self.http.server_port
        threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self.http.shutdown()
        self.http.server_close()


def sending(body: bytes, headers: dict[str, str] | None = None, status: int = 200) -> Answer:
    def answer(to: BaseHTTPRequestHandler) -> None:
        to.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            to.send_header(name, value)
        to.end_headers()
        to.wfile.write(body)

    return answer


def leading(location: str) -> Answer:
    return sending(b"", {"Location": location}, 302)
