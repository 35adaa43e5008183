from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.job_out import JobOut
from ...models.problem import Problem
from ...models.render_create import RenderCreate
from ...types import UNSET, Response, Unset


def _get_kwargs(
    title_id: str,
    language: str,
    *,
    body: RenderCreate,
    idempotency_key: None | str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(idempotency_key, Unset):
        headers["Idempotency-Key"] = idempotency_key

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/v1/titles/{title_id}/languages/{language}/render".format(
            title_id=quote(str(title_id), safe=""),
            language=quote(str(language), safe=""),
        ),
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> JobOut | Problem | None:
    if response.status_code == 202:
        response_202 = JobOut.from_dict(response.json())

        return response_202

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


def _build_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> Response[JobOut | Problem]:
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
    body: RenderCreate,
    idempotency_key: None | str | Unset = UNSET,
) -> Response[JobOut | Problem]:
    """Render Language

     Render a language: `stale` after a new sound, `all` with another model, `shots` or `ranges` for
    other mouths there.

    Chunks whose sound and seed did not change are those of the last master, to the byte.

    Args:
        title_id (str):
        language (str):
        idempotency_key (None | str | Unset):
        body (RenderCreate): What of a language to make again.

            What is ``stale``, or ``all``: a master again. ``shots`` (by number) or ``ranges``: other
            mouths for these shots, with
            ``seed`` or one that is drawn; it stays theirs in later revisions. ``model`` and
            ``output`` replace the language's for this
            job.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[JobOut | Problem]
    """

    kwargs = _get_kwargs(
        title_id=title_id,
        language=language,
        body=body,
        idempotency_key=idempotency_key,
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
    body: RenderCreate,
    idempotency_key: None | str | Unset = UNSET,
) -> JobOut | Problem | None:
    """Render Language

     Render a language: `stale` after a new sound, `all` with another model, `shots` or `ranges` for
    other mouths there.

    Chunks whose sound and seed did not change are those of the last master, to the byte.

    Args:
        title_id (str):
        language (str):
        idempotency_key (None | str | Unset):
        body (RenderCreate): What of a language to make again.

            What is ``stale``, or ``all``: a master again. ``shots`` (by number) or ``ranges``: other
            mouths for these shots, with
            ``seed`` or one that is drawn; it stays theirs in later revisions. ``model`` and
            ``output`` replace the language's for this
            job.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        JobOut | Problem
    """

    return sync_detailed(
        title_id=title_id,
        language=language,
        client=client,
        body=body,
        idempotency_key=idempotency_key,
    ).parsed


async def asyncio_detailed(
    title_id: str,
    language: str,
    *,
    client: AuthenticatedClient,
    body: RenderCreate,
    idempotency_key: None | str | Unset = UNSET,
) -> Response[JobOut | Problem]:
    """Render Language

     Render a language: `stale` after a new sound, `all` with another model, `shots` or `ranges` for
    other mouths there.

    Chunks whose sound and seed did not change are those of the last master, to the byte.

    Args:
        title_id (str):
        language (str):
        idempotency_key (None | str | Unset):
        body (RenderCreate): What of a language to make again.

            What is ``stale``, or ``all``: a master again. ``shots`` (by number) or ``ranges``: other
            mouths for these shots, with
            ``seed`` or one that is drawn; it stays theirs in later revisions. ``model`` and
            ``output`` replace the language's for this
            job.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[JobOut | Problem]
    """

    kwargs = _get_kwargs(
        title_id=title_id,
        language=language,
        body=body,
        idempotency_key=idempotency_key,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    title_id: str,
    language: str,
    *,
    client: AuthenticatedClient,
    body: RenderCreate,
    idempotency_key: None | str | Unset = UNSET,
) -> JobOut | Problem | None:
    """Render Language

     Render a language: `stale` after a new sound, `all` with another model, `shots` or `ranges` for
    other mouths there.

    Chunks whose sound and seed did not change are those of the last master, to the byte.

    Args:
        title_id (str):
        language (str):
        idempotency_key (None | str | Unset):
        body (RenderCreate): What of a language to make again.

            What is ``stale``, or ``all``: a master again. ``shots`` (by number) or ``ranges``: other
            mouths for these shots, with
            ``seed`` or one that is drawn; it stays theirs in later revisions. ``model`` and
            ``output`` replace the language's for this
            job.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        JobOut | Problem
    """

    return (
        await asyncio_detailed(
            title_id=title_id,
            language=language,
            client=client,
            body=body,
            idempotency_key=idempotency_key,
        )
    ).parsed
