"""Calls of webhook endpoints: as safe as fetching a file (`dubbing.storage.remote`), and over after a fixed time.

No redirect is followed, and of the answer's body only the beginning is read.
"""

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import httpx

from dubbing.errors import EndpointUnreachable, FetchFailed, FetchInterrupted, UrlNotAllowed
from dubbing.settings import WebhookSettings
from dubbing.storage.addresses import Address
from dubbing.storage.remote import Resolve, checked, directed, permitted, resolved, written

_MOST_BYTES = 4096
_HEADERS = {"Content-Type": "application/json", "Accept-Encoding": "identity", "User-Agent": "dubline-webhooks"}


class Posted(NamedTuple):
    """How an endpoint answered; ``body`` is its answer's beginning."""

    status: int
    body: bytes


class Poster:
    """Posts to URLs of customers.

    Args:
        settings: what is open, and how long a call may take.
        resolve: a host and port's addresses.
    """

    def __init__(self, settings: WebhookSettings, resolve: Resolve = resolved) -> None:
        self._settings = settings
        self._resolve = resolve
        self._tls = ssl.create_default_context()

    def check(self, text: str) -> httpx.URL:
        """The URL, if it may be called as far as can be told without asking a name server.

        Raises:
            UrlNotAllowed: it is none, or one of a kind or an address that is not open.
        """
        url = checked(text)
        if url.scheme != "https" and url.host not in self._settings.http_hosts:
            raise UrlNotAllowed("A webhook's URL begins with https://.")
        permitted(url, self._settings.hosts, self._settings.ranges, written)
        return url

    def post(self, text: str, body: bytes, headers: Mapping[str, str]) -> Posted:
        """Call an endpoint.

        Raises:
            UrlNotAllowed: the URL must not be called, or leads where it must not.
            EndpointUnreachable: there is no answer, or it takes too long.
        """
        url = self.check(text)
        try:
            addresses = permitted(url, self._settings.hosts, self._settings.ranges, self._resolve)
        except (FetchFailed, FetchInterrupted) as error:
            raise EndpointUnreachable(error.detail) from error
        try:
            return asyncio.run(self._within_time(url, addresses, body, {**_HEADERS, **headers}))
        except TimeoutError as error:
            raise EndpointUnreachable(f"{url.host} did not answer within {self._settings.seconds:g} s.") from error
        except httpx.TransportError as error:
            raise EndpointUnreachable(f"{url.host} did not answer: {error or type(error).__name__}.") from error

    async def _within_time(
        self, url: httpx.URL, addresses: Sequence[Address], body: bytes, headers: Mapping[str, str]
    ) -> Posted:
        """One limit for all of it: limits of single reads would let a server drip its answer for ever."""
        async with (
            asyncio.timeout(self._settings.seconds),
            httpx.AsyncClient(verify=self._tls, trust_env=False, timeout=None) as client,  # noqa: S113 - the limit is above
        ):
            *others, last = addresses
            for address in (*others, last):
                request = client.build_request("POST", content=body, **directed(url, address, headers))
                try:
                    return await _answer(client, request)
                except httpx.ConnectError:
                    if address is last:
                        raise
        raise AssertionError  # a host that resolves has an address


async def _answer(client: httpx.AsyncClient, request: httpx.Request) -> Posted:
    answer = await client.send(request, stream=True)
    try:
        body = b""
        async for piece in answer.aiter_raw(_MOST_BYTES):
            body += piece
            if len(body) >= _MOST_BYTES:
                break
        return Posted(answer.status_code, body[:_MOST_BYTES])
    finally:
        await answer.aclose()
