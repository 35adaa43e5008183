"""Calls of a customer's object store: signed and read by boto3, sent to an address that was checked before.

Each answer is over after a fixed time, and is cut off at a fixed size.
"""

import asyncio
import ssl
from collections.abc import Iterator, Sequence
from io import BytesIO
from typing import Any

import httpx
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError

from dubbing.errors import FetchFailed, UrlNotAllowed
from dubbing.storage.addresses import Address
from dubbing.storage.remote import directed

LARGEST_ANSWER = 17 << 20
"""Bytes: a part of a file, and what an error may say."""


class PinnedSender:
    """Sends botocore's requests in the place of its own HTTP client, which would resolve the endpoint's name again.

    It is a handler of the event ``before-send``. No redirect is followed, and no proxy of the environment is asked.

    Args:
        endpoint: the only place that is asked, whatever an answer says.
        addresses: of the endpoint, in the order in which they are to be tried.
        seconds: that one call may take, all of it together.
        tls: what certificates are checked with; it must be that of the endpoint's name.
    """

    def __init__(self, endpoint: httpx.URL, addresses: Sequence[Address], seconds: float, tls: ssl.SSLContext) -> None:
        self._endpoint = endpoint
        self._addresses = addresses
        self._seconds = seconds
        self._tls = tls

    def __call__(self, request: AWSPreparedRequest, **_: object) -> AWSResponse:
        """The answer to a request.

        Raises:
            EndpointConnectionError, ReadTimeoutError: botocore may try again.
            FetchFailed: the answer is larger than any that was asked for.
            UrlNotAllowed: the request would leave the endpoint.
        """
        url = httpx.URL(request.url)
        if (url.scheme, url.netloc) != (self._endpoint.scheme, self._endpoint.netloc):
            raise UrlNotAllowed(f"The endpoint {self._endpoint.host} leads to {url.host}.")
        try:
            return asyncio.run(self._within_time(url, request))
        except TimeoutError as error:
            raise ReadTimeoutError(endpoint_url=self._endpoint, error=error) from error
        except httpx.TransportError as error:
            raise EndpointConnectionError(endpoint_url=self._endpoint, error=error) from error

    async def _within_time(self, url: httpx.URL, request: AWSPreparedRequest) -> AWSResponse:
        headers = {**dict(request.headers.items()), "Accept-Encoding": "identity"}
        body = request.body.read() if hasattr(request.body, "read") else request.body
        async with (
            asyncio.timeout(self._seconds),
            httpx.AsyncClient(verify=self._tls, trust_env=False, timeout=None) as client,  # noqa: S113 - the limit is above
        ):
            *others, last = self._addresses
            for address in (*others, last):
                try:
                    return await self._answer(client, request, content=body, **directed(url, address, headers))
                except httpx.ConnectError:
                    if address is last:
                        raise
        raise AssertionError  # a host that resolves has an address

    async def _answer(self, client: httpx.AsyncClient, request: AWSPreparedRequest, **sent: Any) -> AWSResponse:
        answer = await client.send(client.build_request(request.method, **sent), stream=True)
        try:
            body = bytearray()
            async for piece in answer.aiter_raw():
                body += piece
                if len(body) > LARGEST_ANSWER:
                    raise FetchFailed(f"{self._endpoint.host} sends more than was asked for.")
            return AWSResponse(request.url, answer.status_code, answer.headers, _Body(body))
        finally:
            await answer.aclose()


class _Body(BytesIO):
    """An answer's body as botocore reads it."""

    def stream(self, *_: object, **__: object) -> Iterator[bytes]:
        """All of it."""
        yield self.getvalue()
