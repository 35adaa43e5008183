"""What logs must not hold."""

import os
import subprocess
import sys
from contextlib import closing

from places import ROOT
from web_server import HERE, WebServer, sending

CALL = """
import sys, httpx, structlog, threading
from dubbing.logging import configure_logging
from dubbing.settings import LoggingSettings
configure_logging(LoggingSettings(level=sys.argv[2]), "test")
httpx.get(sys.argv[1], trust_env=False)
thread = threading.Thread(target=lambda: structlog.get_logger().info("asked"))
thread.start()
thread.join()
"""


def test_no_log_line_holds_the_url_that_was_asked_and_all_name_the_service() -> None:
    with closing(WebServer()) as server:
        server.answers["/film.mp4"] = sending(b"")
        url = f"http://{HERE}:{server.port}/film.mp4?X-Amz-Signature=hush"
        for level in ("INFO", "DEBUG"):
            done = subprocess.run(
                [sys.executable, "-c", CALL, url, level],
                env={**os.environ, "PYTHONPATH": str(ROOT / "shared")},
                capture_output=True,
                text=True,
                check=True,
            )
            assert '"event": "asked"' in done.stderr
            assert "hush" not in done.stderr
            assert all('"service": "test"' in line for line in done.stderr.splitlines())
