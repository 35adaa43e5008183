from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.language_create import LanguageCreate
from ...models.language_out import LanguageOut
from ...models.problem import Problem
from ...types import UNSET, Response, Unset


def _get_kwargs(
    title_id: str,
    *,
    body: LanguageCreate,
    idempotency_key: None | str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(idempotency_key, Unset):
        headers["Idempotency-Key"] = idempotency_key

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/v1/titles/{title_id}/languages".format(
            title_id=quote(str(title_id), safe=""),
        ),
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> LanguageOut | Problem | None:
    if response.status_code == 201:
        response_201 = LanguageOut.from_dict(response.json())

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

    if response.status_code == 404:
        response_404 = Problem.from_dict(response.json())

        return response_404

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


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[LanguageOut | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    title_id: str,
    *,
    client: AuthenticatedClient,
    body: LanguageCreate,
    idempotency_key: None | str | Unset = UNSET,
) -> Response[LanguageOut | Problem]:
    """Add Language

     Add a language to a title. Nothing is rendered until it is asked for.

    Args:
        title_id (str):
        idempotency_key (None | str | Unset):
        body (LanguageCreate): A language of a title: its sound, and how masters of it are made.

            ``filename`` names its masters, without the suffix: ``{title}``, ``{language}`` and
            ``{revision}`` are filled in. Where a
            ``review`` is ``required``, they are given out, and delivered to ``output``, when they are
            approved.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[LanguageOut | Problem]
    """

    kwargs = _get_kwargs(
        title_id=title_id,
        body=body,
        idempotency_key=idempotency_key,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    title_id: str,
    *,
    client: AuthenticatedClient,
    body: LanguageCreate,
    idempotency_key: None | str | Unset = UNSET,
) -> LanguageOut | Problem | None:
    """Add Language

     Add a language to a title. Nothing is rendered until it is asked for.

    Args:
        title_id (str):
        idempotency_key (None | str | Unset):
        body (LanguageCreate): A language of a title: its sound, and how masters of it are made.

            ``filename`` names its masters, without the suffix: ``{title}``, ``{language}`` and
            ``{revision}`` are filled in. Where a
            ``review`` is ``required``, they are given out, and delivered to ``output``, when they are
            approved.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        LanguageOut | Problem
    """

    return sync_detailed(
        title_id=title_id,
        client=client,
        body=body,
        idempotency_key=idempotency_key,
    ).parsed


async def asyncio_detailed(
    title_id: str,
    *,
    client: AuthenticatedClient,
    body: LanguageCreate,
    idempotency_key: None | str | Unset = UNSET,
) -> Response[LanguageOut | Problem]:
    """Add Language

     Add a language to a title. Nothing is rendered until it is asked for.

    Args:
        title_id (str):
        idempotency_key (None | str | Unset):
        body (LanguageCreate): A language of a title: its sound, and how masters of it are made.

            ``filename`` names its masters, without the suffix: ``{title}``, ``{language}`` and
            ``{revision}`` are filled in. Where a
            ``review`` is ``required``, they are given out, and delivered to ``output``, when they are
            approved.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[LanguageOut | Problem]
    """

    kwargs = _get_kwargs(
        title_id=title_id,
        body=body,
        idempotency_key=idempotency_key,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    title_id: str,
    *,
    client: AuthenticatedClient,
    body: LanguageCreate,
    idempotency_key: None | str | Unset = UNSET,
) -> LanguageOut | Problem | None:
    """Add Language

     Add a language to a title. Nothing is rendered until it is asked for.

    Args:
        title_id (str):
        idempotency_key (None | str | Unset):
        body (LanguageCreate): A language of a title: its sound, and how masters of it are made.

            ``filename`` names its masters, without the suffix: ``{title}``, ``{language}`` and
            ``{revision}`` are filled in. Where a
            ``review`` is ``required``, they are given out, and delivered to ``output``, when they are
            approved.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        LanguageOut | Problem
    """

    return (
        await asyncio_detailed(
            title_id=title_id,
            client=client,
            body=body,
            idempotency_key=idempotency_key,
        )
    ).parsed
