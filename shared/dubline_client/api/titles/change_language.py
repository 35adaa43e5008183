from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.language_change import LanguageChange
from ...models.language_out import LanguageOut
from ...models.problem import Problem
from ...types import UNSET, Response, Unset


def _get_kwargs(
    title_id: str,
    language: str,
    *,
    body: LanguageChange,
    if_match: str | Unset = "*",
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(if_match, Unset):
        headers["If-Match"] = if_match

    _kwargs: dict[str, Any] = {
        "method": "patch",
        "url": "/v1/titles/{title_id}/languages/{language}".format(
            title_id=quote(str(title_id), safe=""),
            language=quote(str(language), safe=""),
        ),
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> LanguageOut | Problem | None:
    if response.status_code == 200:
        response_200 = LanguageOut.from_dict(response.json())

        return response_200

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

    if response.status_code == 412:
        response_412 = Problem.from_dict(response.json())

        return response_412

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
    language: str,
    *,
    client: AuthenticatedClient,
    body: LanguageChange,
    if_match: str | Unset = "*",
) -> Response[LanguageOut | Problem]:
    """Change Language

     Change the name of its masters, whether they wait for approval, or metadata; what is left out stays.

    Where a review is asked for now, it begins for the last master at once. To ask for none any more
    takes `reviews:write`.

    Args:
        title_id (str):
        language (str):
        if_match (str | Unset): The ETag that was read, or several; `*`, or none, makes the change
            whatever it meets. Default: '*'.
        body (LanguageChange): What is to change of a language; members that are left out stay.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[LanguageOut | Problem]
    """

    kwargs = _get_kwargs(
        title_id=title_id,
        language=language,
        body=body,
        if_match=if_match,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    title_id: str,
    language: str,
    *,
    client: AuthenticatedClient,
    body: LanguageChange,
    if_match: str | Unset = "*",
) -> LanguageOut | Problem | None:
    """Change Language

     Change the name of its masters, whether they wait for approval, or metadata; what is left out stays.

    Where a review is asked for now, it begins for the last master at once. To ask for none any more
    takes `reviews:write`.

    Args:
        title_id (str):
        language (str):
        if_match (str | Unset): The ETag that was read, or several; `*`, or none, makes the change
            whatever it meets. Default: '*'.
        body (LanguageChange): What is to change of a language; members that are left out stay.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        LanguageOut | Problem
    """

    return sync_detailed(
        title_id=title_id,
        language=language,
        client=client,
        body=body,
        if_match=if_match,
    ).parsed


async def asyncio_detailed(
    title_id: str,
    language: str,
    *,
    client: AuthenticatedClient,
    body: LanguageChange,
    if_match: str | Unset = "*",
) -> Response[LanguageOut | Problem]:
    """Change Language

     Change the name of its masters, whether they wait for approval, or metadata; what is left out stays.

    Where a review is asked for now, it begins for the last master at once. To ask for none any more
    takes `reviews:write`.

    Args:
        title_id (str):
        language (str):
        if_match (str | Unset): The ETag that was read, or several; `*`, or none, makes the change
            whatever it meets. Default: '*'.
        body (LanguageChange): What is to change of a language; members that are left out stay.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[LanguageOut | Problem]
    """

    kwargs = _get_kwargs(
        title_id=title_id,
        language=language,
        body=body,
        if_match=if_match,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    title_id: str,
    language: str,
    *,
    client: AuthenticatedClient,
    body: LanguageChange,
    if_match: str | Unset = "*",
) -> LanguageOut | Problem | None:
    """Change Language

     Change the name of its masters, whether they wait for approval, or metadata; what is left out stays.

    Where a review is asked for now, it begins for the last master at once. To ask for none any more
    takes `reviews:write`.

    Args:
        title_id (str):
        language (str):
        if_match (str | Unset): The ETag that was read, or several; `*`, or none, makes the change
            whatever it meets. Default: '*'.
        body (LanguageChange): What is to change of a language; members that are left out stay.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        LanguageOut | Problem
    """

    return (
        await asyncio_detailed(
            title_id=title_id,
            language=language,
            client=client,
            body=body,
            if_match=if_match,
        )
    ).parsed
