"""The public keys of an OIDC provider (JWKS, RFC 7517): read when they are needed, and kept while it is away."""

import json
import threading
from collections.abc import Callable
from typing import Any

import httpx
import structlog
from jwt import PyJWK
from jwt.exceptions import PyJWTError

from dubbing import clock
from dubbing.errors import SignInUnavailable, Unauthorized

_FRESH_SECONDS = 300.0
# Anybody can send a token that names an unknown key: the provider is asked no more often than this.
_PAUSE_SECONDS = 2.0
_TIMEOUT_SECONDS = 5.0
_MOST_BYTES = 1 << 20

log = structlog.get_logger()

Jwk = dict[str, Any]
"""A key as the provider publishes it."""


class ProviderKeys:
    """Keys by their id. Threads share them.

    Args:
        url: where the provider publishes them.
        fetch: reads that; the document's bytes.
    """

    def __init__(self, url: str, fetch: Callable[[str], bytes] | None = None) -> None:
        self._url = url
        self._fetch = fetch or fetched
        self._keys: dict[str | None, Jwk] = {}
        self._lock = threading.Lock()
        self._tried = self._read = float("-inf")

    def get(self, kid: str | None) -> Jwk:
        """The key called ``kid``; of a provider with one key, this one where None is asked for.

        Known keys are read again every five minutes, so that one that was withdrawn is forgotten. While the provider does
        not answer, they stay.

        Raises:
            Unauthorized: the provider has no such key.
            SignInUnavailable: it may have one, but does not answer, or was asked a moment ago.
        """
        asked = clock.monotonic()
        known = self._keys.get(kid)
        if known is None or self._read < asked - _FRESH_SECONDS:
            self._renew(asked, wait=known is None)
            known = self._keys.get(kid)
        if known is not None:
            return known
        if self._read < asked:
            raise SignInUnavailable(
                "The access token's key is not known here yet, and the provider cannot be asked for it now.",
                suggestions=("wait and send the same again", "if it stays so: is the provider at DUBLINE_OIDC_JWKS_URL up?"),
            )
        raise Unauthorized(
            "The access token is signed with a key that the provider does not publish.", where={"header": "Authorization"}
        )

    def _renew(self, asked: float, *, wait: bool) -> None:
        """Read the keys, unless another thread has just done so. Who has a key already does not wait for another thread."""
        if not self._lock.acquire(blocking=wait):
            return
        try:
            began = clock.monotonic()
            if self._read >= asked or began < self._tried + _PAUSE_SECONDS:
                return
            self._tried = began
            self._keys = usable(self._fetch(self._url))
            self._read = began
        except (httpx.HTTPError, ValueError) as error:
            log.warning("provider_keys_unreadable", url=self._url, reason=f"{type(error).__name__}: {error}")
        finally:
            self._lock.release()


def fetched(url: str, seconds: float = _TIMEOUT_SECONDS) -> bytes:
    """The document at ``url``.

    Raises:
        httpx.HTTPError: there is none, or it does not come within ``seconds``.
        ValueError: it is too large.
    """
    ends, found = clock.monotonic() + seconds, b""
    with httpx.stream("GET", url, timeout=seconds, headers={"Accept": "application/json"}) as answer:
        answer.raise_for_status()
        for block in answer.iter_bytes():
            found += block
            if clock.monotonic() > ends:
                raise httpx.ReadTimeout(f"no whole answer within {seconds:g} s")
            if len(found) > _MOST_BYTES:
                message = f"more than {_MOST_BYTES} bytes"
                raise ValueError(message)
    return found


def usable(document: bytes) -> dict[str | None, Jwk]:
    """The keys that verify signatures, by their id, and under None the only one of a provider.

    Raises:
        ValueError: there are none.
    """
    members = json.loads(document)
    listed = members.get("keys") if isinstance(members, dict) else None
    keys = [one for one in listed if _verifies(one)] if isinstance(listed, list) else []
    if not keys:
        message = "it holds no key that verifies signatures"
        raise ValueError(message)
    found: dict[str | None, Jwk] = {key.get("kid"): key for key in keys}
    return found | ({None: keys[0]} if len(keys) == 1 else {})


def _verifies(members: Any) -> bool:
    """Whether this is a public key for signatures. Shared secrets are none: whoever reads them could sign."""
    if not isinstance(members, dict) or members.get("use", "sig") != "sig" or members.get("kty") == "oct":
        return False
    try:
        PyJWK(members)
    except PyJWTError:
        return False
    return True
