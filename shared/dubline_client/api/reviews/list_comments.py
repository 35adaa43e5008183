from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.comment_page import CommentPage
from ...models.comment_state import CommentState, check_comment_state
from ...models.problem import Problem
from ...types import UNSET, Response, Unset


def _get_kwargs(
    review_id: str,
    *,
    limit: int | Unset = 20,
    cursor: None | str | Unset = UNSET,
    state: list[CommentState] | Unset = UNSET,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    params["limit"] = limit

    json_cursor: None | str | Unset
    if isinstance(cursor, Unset):
        json_cursor = UNSET
    else:
        json_cursor = cursor
    params["cursor"] = json_cursor

    json_state: list[str] | Unset = UNSET
    if not isinstance(state, Unset):
        json_state = []
        for state_item_data in state:
            state_item: str = state_item_data
            json_state.append(state_item)

    params["state"] = json_state

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/v1/reviews/{review_id}/comments".format(
            review_id=quote(str(review_id), safe=""),
        ),
        "params": params,
    }

    return _kwargs


def _parse_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> CommentPage | Problem | None:
    if response.status_code == 200:
        response_200 = CommentPage.from_dict(response.json())

        return response_200

    if response.status_code == 401:
        response_401 = Problem.from_dict(response.json())

        return response_401

    if response.status_code == 403:
        response_403 = Problem.from_dict(response.json())

        return response_403

    if response.status_code == 404:
        response_404 = Problem.from_dict(response.json())

        return response_404

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
) -> Response[CommentPage | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    review_id: str,
    *,
    client: AuthenticatedClient,
    limit: int | Unset = 20,
    cursor: None | str | Unset = UNSET,
    state: list[CommentState] | Unset = UNSET,
) -> Response[CommentPage | Problem]:
    """List Comments

     Comments, newest first: those of this review, and what people said in earlier ones of the language.

    Comments with a `code` are the platform's own, one for each warning of the job.

    Args:
        review_id (str):
        limit (int | Unset):  Default: 20.
        cursor (None | str | Unset):
        state (list[CommentState] | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[CommentPage | Problem]
    """

    kwargs = _get_kwargs(
        review_id=review_id,
        limit=limit,
        cursor=cursor,
        state=state,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    review_id: str,
    *,
    client: AuthenticatedClient,
    limit: int | Unset = 20,
    cursor: None | str | Unset = UNSET,
    state: list[CommentState] | Unset = UNSET,
) -> CommentPage | Problem | None:
    """List Comments

     Comments, newest first: those of this review, and what people said in earlier ones of the language.

    Comments with a `code` are the platform's own, one for each warning of the job.

    Args:
        review_id (str):
        limit (int | Unset):  Default: 20.
        cursor (None | str | Unset):
        state (list[CommentState] | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        CommentPage | Problem
    """

    return sync_detailed(
        review_id=review_id,
        client=client,
        limit=limit,
        cursor=cursor,
        state=state,
    ).parsed


async def asyncio_detailed(
    review_id: str,
    *,
    client: AuthenticatedClient,
    limit: int | Unset = 20,
    cursor: None | str | Unset = UNSET,
    state: list[CommentState] | Unset = UNSET,
) -> Response[CommentPage | Problem]:
    """List Comments

     Comments, newest first: those of this review, and what people said in earlier ones of the language.

    Comments with a `code` are the platform's own, one for each warning of the job.

    Args:
        review_id (str):
        limit (int | Unset):  Default: 20.
        cursor (None | str | Unset):
        state (list[CommentState] | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[CommentPage | Problem]
    """

    kwargs = _get_kwargs(
        review_id=review_id,
        limit=limit,
        cursor=cursor,
        state=state,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    review_id: str,
    *,
    client: AuthenticatedClient,
    limit: int | Unset = 20,
    cursor: None | str | Unset = UNSET,
    state: list[CommentState] | Unset = UNSET,
) -> CommentPage | Problem | None:
    """List Comments

     Comments, newest first: those of this review, and what people said in earlier ones of the language.

    Comments with a `code` are the platform's own, one for each warning of the job.

    Args:
        review_id (str):
        limit (int | Unset):  Default: 20.
        cursor (None | str | Unset):
        state (list[CommentState] | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        CommentPage | Problem
    """

    return (
        await asyncio_detailed(
            review_id=review_id,
            client=client,
            limit=limit,
            cursor=cursor,
            state=state,
        )
    ).parsed
