from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.decision_create import DecisionCreate
from ...models.problem import Problem
from ...models.review_out import ReviewOut
from ...types import UNSET, Response, Unset


def _get_kwargs(
    review_id: str,
    *,
    body: DecisionCreate,
    if_match: str | Unset = "*",
    idempotency_key: None | str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(if_match, Unset):
        headers["If-Match"] = if_match

    if not isinstance(idempotency_key, Unset):
        headers["Idempotency-Key"] = idempotency_key

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/v1/reviews/{review_id}/decisions".format(
            review_id=quote(str(review_id), safe=""),
        ),
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> Problem | ReviewOut | None:
    if response.status_code == 201:
        response_201 = ReviewOut.from_dict(response.json())

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


def _build_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> Response[Problem | ReviewOut]:
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
    body: DecisionCreate,
    if_match: str | Unset = "*",
    idempotency_key: None | str | Unset = UNSET,
) -> Response[Problem | ReviewOut]:
    """Decide

     Decide on the language, or on a shot. The last decision counts, until another master is delivered.

    Approval gives the master out. With `If-Match`, only if nothing has happened in the review since you
    read it.

    Args:
        review_id (str):
        if_match (str | Unset): The ETag that was read, or several; `*`, or none, makes the change
            whatever it meets. Default: '*'.
        idempotency_key (None | str | Unset):
        body (DecisionCreate): A decision on the language or, with ``shot``, on a shot by its
            number.

            ``keep_original`` is for shots: the next render leaves them as they were filmed. ``name``
            says who decides; guests must.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | ReviewOut]
    """

    kwargs = _get_kwargs(
        review_id=review_id,
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
    *,
    client: AuthenticatedClient,
    body: DecisionCreate,
    if_match: str | Unset = "*",
    idempotency_key: None | str | Unset = UNSET,
) -> Problem | ReviewOut | None:
    """Decide

     Decide on the language, or on a shot. The last decision counts, until another master is delivered.

    Approval gives the master out. With `If-Match`, only if nothing has happened in the review since you
    read it.

    Args:
        review_id (str):
        if_match (str | Unset): The ETag that was read, or several; `*`, or none, makes the change
            whatever it meets. Default: '*'.
        idempotency_key (None | str | Unset):
        body (DecisionCreate): A decision on the language or, with ``shot``, on a shot by its
            number.

            ``keep_original`` is for shots: the next render leaves them as they were filmed. ``name``
            says who decides; guests must.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | ReviewOut
    """

    return sync_detailed(
        review_id=review_id,
        client=client,
        body=body,
        if_match=if_match,
        idempotency_key=idempotency_key,
    ).parsed


async def asyncio_detailed(
    review_id: str,
    *,
    client: AuthenticatedClient,
    body: DecisionCreate,
    if_match: str | Unset = "*",
    idempotency_key: None | str | Unset = UNSET,
) -> Response[Problem | ReviewOut]:
    """Decide

     Decide on the language, or on a shot. The last decision counts, until another master is delivered.

    Approval gives the master out. With `If-Match`, only if nothing has happened in the review since you
    read it.

    Args:
        review_id (str):
        if_match (str | Unset): The ETag that was read, or several; `*`, or none, makes the change
            whatever it meets. Default: '*'.
        idempotency_key (None | str | Unset):
        body (DecisionCreate): A decision on the language or, with ``shot``, on a shot by its
            number.

            ``keep_original`` is for shots: the next render leaves them as they were filmed. ``name``
            says who decides; guests must.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | ReviewOut]
    """

    kwargs = _get_kwargs(
        review_id=review_id,
        body=body,
        if_match=if_match,
        idempotency_key=idempotency_key,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    review_id: str,
    *,
    client: AuthenticatedClient,
    body: DecisionCreate,
    if_match: str | Unset = "*",
    idempotency_key: None | str | Unset = UNSET,
) -> Problem | ReviewOut | None:
    """Decide

     Decide on the language, or on a shot. The last decision counts, until another master is delivered.

    Approval gives the master out. With `If-Match`, only if nothing has happened in the review since you
    read it.

    Args:
        review_id (str):
        if_match (str | Unset): The ETag that was read, or several; `*`, or none, makes the change
            whatever it meets. Default: '*'.
        idempotency_key (None | str | Unset):
        body (DecisionCreate): A decision on the language or, with ``shot``, on a shot by its
            number.

            ``keep_original`` is for shots: the next render leaves them as they were filmed. ``name``
            says who decides; guests must.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | ReviewOut
    """

    return (
        await asyncio_detailed(
            review_id=review_id,
            client=client,
            body=body,
            if_match=if_match,
            idempotency_key=idempotency_key,
        )
    ).parsed
