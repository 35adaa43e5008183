from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.comment_change import CommentChange
from ...models.comment_out import CommentOut
from ...models.problem import Problem
from ...types import UNSET, Response, Unset


def _get_kwargs(
    review_id: str,
    comment_id: str,
    *,
    body: CommentChange,
    if_match: str | Unset = "*",
    idempotency_key: None | str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(if_match, Unset):
        headers["If-Match"] = if_match

    if not isinstance(idempotency_key, Unset):
        headers["Idempotency-Key"] = idempotency_key

    _kwargs: dict[str, Any] = {
        "method": "patch",
        "url": "/v1/reviews/{review_id}/comments/{comment_id}".format(
            review_id=quote(str(review_id), safe=""),
            comment_id=quote(str(comment_id), safe=""),
        ),
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> CommentOut | Problem | None:
    if response.status_code == 200:
        response_200 = CommentOut.from_dict(response.json())

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

    if response.status_code == 409:
        response_409 = Problem.from_dict(response.json())

        return response_409

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
) -> Response[CommentOut | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    review_id: str,
    comment_id: str,
    *,
    client: AuthenticatedClient,
    body: CommentChange,
    if_match: str | Unset = "*",
    idempotency_key: None | str | Unset = UNSET,
) -> Response[CommentOut | Problem]:
    """Settle Comment

     Settle a comment, open it again, or weigh it otherwise. `If-Match` takes the review's ETag.

    A warning that is settled as anything but `fix` stays so in later revisions, where the same code
    covers the same frames.

    Args:
        review_id (str):
        comment_id (str):
        if_match (str | Unset): The ETag that was read, or several; `*`, or none, makes the change
            whatever it meets. Default: '*'.
        idempotency_key (None | str | Unset):
        body (CommentChange): How a comment is settled, ``open`` opens it again, with what
            ``answer``; how much it weighs. What is left out stays.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[CommentOut | Problem]
    """

    kwargs = _get_kwargs(
        review_id=review_id,
        comment_id=comment_id,
        body=body,
        if_match=if_match,
        idempotency_key=idempotency_key,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    review_id: str,
    comment_id: str,
    *,
    client: AuthenticatedClient,
    body: CommentChange,
    if_match: str | Unset = "*",
    idempotency_key: None | str | Unset = UNSET,
) -> CommentOut | Problem | None:
    """Settle Comment

     Settle a comment, open it again, or weigh it otherwise. `If-Match` takes the review's ETag.

    A warning that is settled as anything but `fix` stays so in later revisions, where the same code
    covers the same frames.

    Args:
        review_id (str):
        comment_id (str):
        if_match (str | Unset): The ETag that was read, or several; `*`, or none, makes the change
            whatever it meets. Default: '*'.
        idempotency_key (None | str | Unset):
        body (CommentChange): How a comment is settled, ``open`` opens it again, with what
            ``answer``; how much it weighs. What is left out stays.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        CommentOut | Problem
    """

    return sync_detailed(
        review_id=review_id,
        comment_id=comment_id,
        client=client,
        body=body,
        if_match=if_match,
        idempotency_key=idempotency_key,
    ).parsed


async def asyncio_detailed(
    review_id: str,
    comment_id: str,
    *,
    client: AuthenticatedClient,
    body: CommentChange,
    if_match: str | Unset = "*",
    idempotency_key: None | str | Unset = UNSET,
) -> Response[CommentOut | Problem]:
    """Settle Comment

     Settle a comment, open it again, or weigh it otherwise. `If-Match` takes the review's ETag.

    A warning that is settled as anything but `fix` stays so in later revisions, where the same code
    covers the same frames.

    Args:
        review_id (str):
        comment_id (str):
        if_match (str | Unset): The ETag that was read, or several; `*`, or none, makes the change
            whatever it meets. Default: '*'.
        idempotency_key (None | str | Unset):
        body (CommentChange): How a comment is settled, ``open`` opens it again, with what
            ``answer``; how much it weighs. What is left out stays.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[CommentOut | Problem]
    """

    kwargs = _get_kwargs(
        review_id=review_id,
        comment_id=comment_id,
        body=body,
        if_match=if_match,
        idempotency_key=idempotency_key,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    review_id: str,
    comment_id: str,
    *,
    client: AuthenticatedClient,
    body: CommentChange,
    if_match: str | Unset = "*",
    idempotency_key: None | str | Unset = UNSET,
) -> CommentOut | Problem | None:
    """Settle Comment

     Settle a comment, open it again, or weigh it otherwise. `If-Match` takes the review's ETag.

    A warning that is settled as anything but `fix` stays so in later revisions, where the same code
    covers the same frames.

    Args:
        review_id (str):
        comment_id (str):
        if_match (str | Unset): The ETag that was read, or several; `*`, or none, makes the change
            whatever it meets. Default: '*'.
        idempotency_key (None | str | Unset):
        body (CommentChange): How a comment is settled, ``open`` opens it again, with what
            ``answer``; how much it weighs. What is left out stays.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        CommentOut | Problem
    """

    return (
        await asyncio_detailed(
            review_id=review_id,
            comment_id=comment_id,
            client=client,
            body=body,
            if_match=if_match,
            idempotency_key=idempotency_key,
        )
    ).parsed
