"""Loopback never goes through a proxy: what stays on this machine is no proxy's business, and keys are in it."""

import os
from collections.abc import Iterator, Mapping, MutableMapping
from ipaddress import ip_address
from urllib.parse import urlsplit

_LOOPBACK = ("localhost", "127.0.0.1", "::1")
# Programs read either; where both are set, some prefer the one and some the other.
_NAMES = ("no_proxy", "NO_PROXY")


def bypass_for_loopback(environ: MutableMapping[str, str] = os.environ) -> None:
    """Adds loopback, and every loopback address that a setting names, to those that ``environ`` excepts from proxies."""
    known = [host.strip() for name in _NAMES for host in environ.get(name, "").split(",")]
    bypassed = ",".join(dict.fromkeys(host for host in (*known, *_LOOPBACK, *_named(environ)) if host))
    for name in _NAMES:
        environ[name] = bypassed


def _named(environ: Mapping[str, str]) -> Iterator[str]:
    """The loopback addresses in ``DUBLINE_*`` variables: the whole of 127.0.0.0/8 is loopback."""
    for name, value in environ.items():
        if name.startswith("DUBLINE_"):
            try:
                host = urlsplit(value if "//" in value else f"//{value}").hostname or ""
                if ip_address(host).is_loopback:
                    yield host
            except ValueError:
                continue
