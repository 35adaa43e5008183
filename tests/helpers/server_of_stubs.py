"""Stands for tritonserver: has children that look like its stubs, waits for none of them, and loads models when asked to."""

import http.server
import json
import signal
import socket
import socketserver
import subprocess
import sys
import time
from pathlib import Path

STUB = "import time; time.sleep(600)"


class Server:
    def __init__(self, folder: Path, secret: str) -> None:
        self.folder, self.secret = folder, secret
        self.state = "READY"
        self.stubs: list[subprocess.Popen[bytes]] = []

    def tell(self, what: str) -> None:
        with (self.folder / "notes").open("a") as file:
            file.write(what + "\n")

    def start(self) -> None:
        """Two instances of a model, each with its memory; they live for an instant where the folder holds ``stillborn``."""
        code = "pass" if (self.folder / "stillborn").exists() else STUB
        model = self.folder / "models" / "lip_student_tiny" / "1" / "model.py"
        for instance in range(2):
            region = f"{self.folder.name}_shm_region_{len(self.stubs)}"
            Path("/dev/shm", region).touch()  # noqa: S108 - where Triton has its regions
            stub = self.folder / "triton_python_backend_stub"
            self.stubs.append(subprocess.Popen([stub, "-S", "-c", code, model, region, f"lip_student_tiny_0_{instance}"]))
        self.tell("stubs " + json.dumps([stub.pid for stub in self.stubs[-2:]]))


def handler(server: Server) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            if server.secret and self.headers.get("x-secret") != server.secret:
                self.answer(403)
                return
            if self.path.endswith("/index"):
                row = {"name": "lip_student_tiny", "version": "1", "state": server.state}
                failed = server.folder / "failed"  # why the model could not be loaded
                row |= {"state": "UNAVAILABLE", "reason": failed.read_text()} if failed.exists() else {}
                self.answer(200, json.dumps([row]).encode())
                return
            server.tell(self.path)
            refuse = server.folder / "refuse"
            if self.path.endswith("/load") and refuse.exists():
                refuse.unlink()
                self.answer(400)
                return
            if self.path.endswith("/load"):
                (server.folder / "failed").unlink(missing_ok=True)
                server.start()
                while (server.folder / "slow").exists():
                    server.state = "LOADING"
                    time.sleep(0.05)
                server.state = "READY"
            self.answer(200)

        def answer(self, status: int, body: bytes = b"") -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    return Handler


class OnPort(http.server.ThreadingHTTPServer):
    """Listens on a port that the test holds for it."""

    allow_reuse_port = True


class OnSocket(http.server.ThreadingHTTPServer):
    """Listens on a Unix socket."""

    address_family = socket.AF_UNIX
    server_bind = socketserver.TCPServer.server_bind


def listening(options: dict[str, str], answers: type[http.server.BaseHTTPRequestHandler]) -> http.server.HTTPServer:
    path = options.get("http-address", "").partition("unix:")[2]
    return OnSocket(path, answers) if path else OnPort(("127.0.0.1", int(options["http-port"])), answers)


def main() -> None:
    options = dict(part.removeprefix("--").split("=", 1) for part in sys.argv[1:])
    server = Server(Path(options["folder"]), options.get("http-restricted-api", "").rpartition("=")[2])
    server.start()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
    try:
        while (server.folder / "starting").exists():  # it listens when its models are loaded
            time.sleep(0.05)
        listening(options, handler(server)).serve_forever()
    finally:
        for stub in server.stubs:
            stub.kill()
            stub.wait()


main()
