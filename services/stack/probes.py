"""Is a server ready? Each probe asks the server itself, in its own protocol, and answers within a second.

A probe is a URL: ``http://host:port/path`` (status 200), ``http+unix://socket/path`` (the same; the socket's path is quoted),
``postgres://host:port`` (asks for a password, so it is past its recovery), ``redis://host:port`` (answers PING, so it is past
loading its data), ``life://seconds/path`` (has touched that file since its start and within so many seconds: for processes that
serve no port).
"""

import http.client
import socket
import struct
import time
from pathlib import Path
from urllib.parse import unquote, urlsplit

TIMEOUT = 1.0


def is_healthy(url: str, uptime: float) -> bool:
    """Runs the probe ``url`` on a process that has been up for ``uptime`` seconds."""
    parts = urlsplit(url)
    try:
        if parts.scheme == "life":
            return time.time() - Path(parts.path).stat().st_mtime < min(uptime, float(parts.netloc))
        host, port = parts.hostname or "", parts.port or 0
        match parts.scheme:
            case "http+unix":
                return _http(_UnixConnection(unquote(parts.netloc)), parts.path)
            case "http":
                return _http(http.client.HTTPConnection(host, port, timeout=TIMEOUT), parts.path)
            case "postgres":
                return _postgres(host, port)
            case "redis":
                return _redis(host, port)
    except (OSError, http.client.HTTPException):
        return False
    message = f"no such probe: {url}"
    raise ValueError(message)


class _UnixConnection(http.client.HTTPConnection):
    """Speaks HTTP over the Unix socket at ``path``."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=TIMEOUT)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(TIMEOUT)
        self.sock.connect(self._path)


def _http(connection: http.client.HTTPConnection, path: str) -> bool:
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.client.OK
    finally:
        connection.close()


def _postgres(host: str, port: int) -> bool:
    """Sends a StartupMessage (PostgreSQL protocol 3.0); a server that still starts up answers with an error instead."""
    body = struct.pack("!i", 196_608) + b"user\0probe\0database\0probe\0\0"
    with socket.create_connection((host, port), TIMEOUT) as connection:
        connection.sendall(struct.pack("!i", len(body) + 4) + body)
        return connection.recv(1) == b"R"


def _redis(host: str, port: int) -> bool:
    """Sends PING (RESP); without a password a ready server says PONG or NOAUTH, a loading one LOADING."""
    with socket.create_connection((host, port), TIMEOUT) as connection:
        connection.sendall(b"PING\r\n")
        return connection.recv(64).startswith((b"+PONG", b"-NOAUTH"))
