from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.asset_out import AssetOut
from ...models.problem import Problem
from ...models.url_ref import UrlRef
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    body: UrlRef,
    idempotency_key: None | str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(idempotency_key, Unset):
        headers["Idempotency-Key"] = idempotency_key

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/v1/assets",
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> AssetOut | Problem | None:
    if response.status_code == 201:
        response_201 = AssetOut.from_dict(response.json())

        return response_201

    if response.status_code == 400:
        response_400 = Problem.from_dict(response.json())

        return response_400

    if response.status_code == 401:
        response_401 = Problem.from_dict(response.json())

        return response_401

    if response.status_code == 403:
        response_403 = Problem.from_dict(response.json())

        return response_403

    if response.status_code == 409:
        response_409 = Problem.from_dict(response.json())

        return response_409

    if response.status_code == 413:
        response_413 = Problem.from_dict(response.json())

        return response_413

    if response.status_code == 422:
        response_422 = Problem.from_dict(response.json())

        return response_422

    if response.status_code == 500:
        response_500 = Problem.from_dict(response.json())

        return response_500

    if response.status_code == 503:
        response_503 = Problem.from_dict(response.json())

        return response_503

    if client.raise_on_unexpected_status:
        raise errors.UnexpectedStatus(response.status_code, response.content)
    else:
        return None


def _build_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> Response[AssetOut | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    body: UrlRef,
    idempotency_key: None | str | Unset = UNSET,
) -> Response[AssetOut | Problem]:
    """Create Asset

     Have a file at a URL fetched and read at once, to be used later. Files of your own are uploaded.

    Args:
        idempotency_key (None | str | Unset):
        body (UrlRef): A file that is fetched when it is first read. ``sha256``, if given, is
            compared with the bytes that arrive.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[AssetOut | Problem]
    """

    kwargs = _get_kwargs(
        body=body,
        idempotency_key=idempotency_key,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient,
    body: UrlRef,
    idempotency_key: None | str | Unset = UNSET,
) -> AssetOut | Problem | None:
    """Create Asset

     Have a file at a URL fetched and read at once, to be used later. Files of your own are uploaded.

    Args:
        idempotency_key (None | str | Unset):
        body (UrlRef): A file that is fetched when it is first read. ``sha256``, if given, is
            compared with the bytes that arrive.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        AssetOut | Problem
    """

    return sync_detailed(
        client=client,
        body=body,
        idempotency_key=idempotency_key,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    body: UrlRef,
    idempotency_key: None | str | Unset = UNSET,
) -> Response[AssetOut | Problem]:
    """Create Asset

     Have a file at a URL fetched and read at once, to be used later. Files of your own are uploaded.

    Args:
        idempotency_key (None | str | Unset):
        body (UrlRef): A file that is fetched when it is first read. ``sha256``, if given, is
            compared with the bytes that arrive.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[AssetOut | Problem]
    """

    kwargs = _get_kwargs(
        body=body,
        idempotency_key=idempotency_key,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    body: UrlRef,
    idempotency_key: None | str | Unset = UNSET,
) -> AssetOut | Problem | None:
    """Create Asset

     Have a file at a URL fetched and read at once, to be used later. Files of your own are uploaded.

    Args:
        idempotency_key (None | str | Unset):
        body (UrlRef): A file that is fetched when it is first read. ``sha256``, if given, is
            compared with the bytes that arrive.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        AssetOut | Problem
    """

    return (
        await asyncio_detailed(
            client=client,
            body=body,
            idempotency_key=idempotency_key,
        )
    ).parsed
