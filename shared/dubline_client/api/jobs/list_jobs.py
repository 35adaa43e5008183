import datetime
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.job_page import JobPage
from ...models.job_state import JobState, check_job_state
from ...models.list_jobs_model_type_0 import ListJobsModelType0, check_list_jobs_model_type_0
from ...models.problem import Problem
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    limit: int | Unset = 20,
    cursor: None | str | Unset = UNSET,
    created_after: datetime.datetime | None | Unset = UNSET,
    created_before: datetime.datetime | None | Unset = UNSET,
    status: list[JobState] | Unset = UNSET,
    title: None | str | Unset = UNSET,
    language: None | str | Unset = UNSET,
    model: ListJobsModelType0 | None | Unset = UNSET,
    batch: None | str | Unset = UNSET,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    params["limit"] = limit

    json_cursor: None | str | Unset
    if isinstance(cursor, Unset):
        json_cursor = UNSET
    else:
        json_cursor = cursor
    params["cursor"] = json_cursor

    json_created_after: None | str | Unset
    if isinstance(created_after, Unset):
        json_created_after = UNSET
    elif isinstance(created_after, datetime.datetime):
        json_created_after = created_after.isoformat()
    else:
        json_created_after = created_after
    params["created_after"] = json_created_after

    json_created_before: None | str | Unset
    if isinstance(created_before, Unset):
        json_created_before = UNSET
    elif isinstance(created_before, datetime.datetime):
        json_created_before = created_before.isoformat()
    else:
        json_created_before = created_before
    params["created_before"] = json_created_before

    json_status: list[str] | Unset = UNSET
    if not isinstance(status, Unset):
        json_status = []
        for status_item_data in status:
            status_item: str = status_item_data
            json_status.append(status_item)

    params["status"] = json_status

    json_title: None | str | Unset
    if isinstance(title, Unset):
        json_title = UNSET
    else:
        json_title = title
    params["title"] = json_title

    json_language: None | str | Unset
    if isinstance(language, Unset):
        json_language = UNSET
    else:
        json_language = language
    params["language"] = json_language

    json_model: None | str | Unset
    if isinstance(model, Unset):
        json_model = UNSET
    elif isinstance(model, str):
        json_model = model
    else:
        json_model = model
    params["model"] = json_model

    json_batch: None | str | Unset
    if isinstance(batch, Unset):
        json_batch = UNSET
    else:
        json_batch = batch
    params["batch"] = json_batch

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/v1/jobs",
        "params": params,
    }

    return _kwargs


def _parse_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> JobPage | Problem | None:
    if response.status_code == 200:
        response_200 = JobPage.from_dict(response.json())

        return response_200

    if response.status_code == 401:
        response_401 = Problem.from_dict(response.json())

        return response_401

    if response.status_code == 403:
        response_403 = Problem.from_dict(response.json())

        return response_403

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


def _build_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> Response[JobPage | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    limit: int | Unset = 20,
    cursor: None | str | Unset = UNSET,
    created_after: datetime.datetime | None | Unset = UNSET,
    created_before: datetime.datetime | None | Unset = UNSET,
    status: list[JobState] | Unset = UNSET,
    title: None | str | Unset = UNSET,
    language: None | str | Unset = UNSET,
    model: ListJobsModelType0 | None | Unset = UNSET,
    batch: None | str | Unset = UNSET,
) -> Response[JobPage | Problem]:
    """List Jobs

     Jobs, newest first. Pages stay stable while new jobs arrive.

    Args:
        limit (int | Unset):  Default: 20.
        cursor (None | str | Unset):
        created_after (datetime.datetime | None | Unset):
        created_before (datetime.datetime | None | Unset):
        status (list[JobState] | Unset):
        title (None | str | Unset):
        language (None | str | Unset):
        model (ListJobsModelType0 | None | Unset):
        batch (None | str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[JobPage | Problem]
    """

    kwargs = _get_kwargs(
        limit=limit,
        cursor=cursor,
        created_after=created_after,
        created_before=created_before,
        status=status,
        title=title,
        language=language,
        model=model,
        batch=batch,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient,
    limit: int | Unset = 20,
    cursor: None | str | Unset = UNSET,
    created_after: datetime.datetime | None | Unset = UNSET,
    created_before: datetime.datetime | None | Unset = UNSET,
    status: list[JobState] | Unset = UNSET,
    title: None | str | Unset = UNSET,
    language: None | str | Unset = UNSET,
    model: ListJobsModelType0 | None | Unset = UNSET,
    batch: None | str | Unset = UNSET,
) -> JobPage | Problem | None:
    """List Jobs

     Jobs, newest first. Pages stay stable while new jobs arrive.

    Args:
        limit (int | Unset):  Default: 20.
        cursor (None | str | Unset):
        created_after (datetime.datetime | None | Unset):
        created_before (datetime.datetime | None | Unset):
        status (list[JobState] | Unset):
        title (None | str | Unset):
        language (None | str | Unset):
        model (ListJobsModelType0 | None | Unset):
        batch (None | str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        JobPage | Problem
    """

    return sync_detailed(
        client=client,
        limit=limit,
        cursor=cursor,
        created_after=created_after,
        created_before=created_before,
        status=status,
        title=title,
        language=language,
        model=model,
        batch=batch,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    limit: int | Unset = 20,
    cursor: None | str | Unset = UNSET,
    created_after: datetime.datetime | None | Unset = UNSET,
    created_before: datetime.datetime | None | Unset = UNSET,
    status: list[JobState] | Unset = UNSET,
    title: None | str | Unset = UNSET,
    language: None | str | Unset = UNSET,
    model: ListJobsModelType0 | None | Unset = UNSET,
    batch: None | str | Unset = UNSET,
) -> Response[JobPage | Problem]:
    """List Jobs

     Jobs, newest first. Pages stay stable while new jobs arrive.

    Args:
        limit (int | Unset):  Default: 20.
        cursor (None | str | Unset):
        created_after (datetime.datetime | None | Unset):
        created_before (datetime.datetime | None | Unset):
        status (list[JobState] | Unset):
        title (None | str | Unset):
        language (None | str | Unset):
        model (ListJobsModelType0 | None | Unset):
        batch (None | str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[JobPage | Problem]
    """

    kwargs = _get_kwargs(
        limit=limit,
        cursor=cursor,
        created_after=created_after,
        created_before=created_before,
        status=status,
        title=title,
        language=language,
        model=model,
        batch=batch,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    limit: int | Unset = 20,
    cursor: None | str | Unset = UNSET,
    created_after: datetime.datetime | None | Unset = UNSET,
    created_before: datetime.datetime | None | Unset = UNSET,
    status: list[JobState] | Unset = UNSET,
    title: None | str | Unset = UNSET,
    language: None | str | Unset = UNSET,
    model: ListJobsModelType0 | None | Unset = UNSET,
    batch: None | str | Unset = UNSET,
) -> JobPage | Problem | None:
    """List Jobs

     Jobs, newest first. Pages stay stable while new jobs arrive.

    Args:
        limit (int | Unset):  Default: 20.
        cursor (None | str | Unset):
        created_after (datetime.datetime | None | Unset):
        created_before (datetime.datetime | None | Unset):
        status (list[JobState] | Unset):
        title (None | str | Unset):
        language (None | str | Unset):
        model (ListJobsModelType0 | None | Unset):
        batch (None | str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        JobPage | Problem
    """

    return (
        await asyncio_detailed(
            client=client,
            limit=limit,
            cursor=cursor,
            created_after=created_after,
            created_before=created_before,
            status=status,
            title=title,
            language=language,
            model=model,
            batch=batch,
        )
    ).parsed
