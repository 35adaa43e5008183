"""The API as the command line uses it: upload, submit, follow, cancel, download. Every refusal is a `Refused` with its code.

The calls themselves are those of the generated client (`dubline_client`); what it cannot do stands here: events, which it would
read to their end before it gives the first, and the bytes that go to the object store by presigned URLs.
A server that is being restarted costs nothing: calls are repeated (`Retries`), and what was cut goes on where it was.
"""

import json
import os
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any, BinaryIO, Generic, TypeVar, cast

import httpx

from dubbing.errors import BadInput, ChecksumMismatch, DublineError, IdempotencyInProgress, StoreUnavailable
from dubbing.storage.store import sha256_of
from dubline_client import AuthenticatedClient
from dubline_client.api.jobs import cancel_job, list_jobs, read_job, read_receipt
from dubline_client.api.lipsyncs import create_lipsync
from dubline_client.api.uploads import complete_upload, create_upload
from dubline_client.models import JobOut, JobState, LipsyncCreate, PartUrl, Problem, Receipt, UploadComplete, UploadCreate
from dubline_client.types import UNSET, Response
from services.cli.retries import RETRY_SECONDS, Retries, Tell, Unreachable

_T = TypeVar("_T")
OnBytes = Callable[[int], None]
# A function of the generated client with all that it takes but the API and the idempotency key.
Operation = Callable[..., Response[_T | Problem]]
_BLOCK = 1 << 20
_PARALLEL_PARTS = 4
_PAUSE = 1.0  # before a stream of events that was cut is asked for again
_TIMEOUT = httpx.Timeout(60.0, connect=5.0)
# Answers of a server that starts or has too much to do, and of a proxy before one that is away.
_PASSING = {
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
}


@dataclass(eq=False)
class Refused(DublineError):
    """The API answered with a problem (RFC 9457), or a job ended with one.

    Attributes:
        members: the whole problem.
    """

    members: Mapping[str, Any] = ()  # type: ignore[assignment]

    @property
    def is_bad_input(self) -> bool:
        """True when the caller must change what was sent."""
        return HTTPStatus.BAD_REQUEST <= int(self.members.get("status", 500)) < HTTPStatus.INTERNAL_SERVER_ERROR


def refused(members: Mapping[str, Any]) -> Refused:
    """The error that ``members`` of a problem describe; its ``code`` is the problem's."""
    error = Refused(
        detail=str(members.get("detail") or members.get("title") or "the request was refused"),
        where=dict(members.get("where") or {}),
        suggestions=tuple(members.get("suggestions") or ()),
        media=dict(members.get("media") or {}),
        members=members,
    )
    error.code = str(members.get("code", "internal_error"))  # type: ignore[misc]
    return error


class UnreadableAnswer(DublineError):
    """The API answered what this version of its client cannot read."""

    code = "unreadable_answer"
    title = "The API's answer cannot be read"


@dataclass(frozen=True, slots=True)
class Answer(Generic[_T]):
    """What the API answered.

    Attributes:
        value: as its type.
        members: as JSON with every member as it came, to be printed or kept.
    """

    value: _T
    members: dict[str, Any]


class Client:
    """One caller of one API.

    Args:
        url: base URL of the API.
        key: API key.
        tell: hears that a server is waited for.
    """

    def __init__(self, url: str, key: str, tell: Tell = lambda _: None) -> None:
        self._url = url
        hooks = {"event_hooks": {"response": [self._refuse]}}
        self._api = AuthenticatedClient(url, token=key, timeout=_TIMEOUT, httpx_args=hooks)
        self._store = httpx.Client(timeout=_TIMEOUT)
        self._api_retries, self._store_retries = Retries("The API", tell), Retries("The object store", tell)

    def upload(self, path: Path, advance: OnBytes) -> str:
        """Sends the file at ``path`` in parts straight to the object store; gives the id of the asset.

        Args:
            path: a file.
            advance: is called with the number of bytes of each part that arrived.
        """
        announced = UploadCreate(file_name(path), path.stat().st_size, sha256_of(path))
        upload = self.change(partial(create_upload.sync_detailed, body=announced)).value
        with ThreadPoolExecutor(_PARALLEL_PARTS) as pool:
            sent = [pool.submit(self._store_retries.of, partial(self._put, path, part)) for part in upload.parts]
            try:
                for part, its in zip(sent, upload.parts, strict=True):
                    part.result()
                    advance(its.size)
            except BaseException:
                self.hurry(0)  # or threads that wait for the store would keep us here
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        completed = self.change(partial(complete_upload.sync_detailed, upload.upload_id, body=UploadComplete()))
        return completed.value.id

    def hurry(self, seconds: float) -> None:
        """No call is repeated any more once ``seconds`` have passed."""
        self._api_retries.end_within(seconds)
        self._store_retries.end_within(seconds)

    def submit(self, request: LipsyncCreate) -> Answer[JobOut]:
        """Creates a job; sending it again after a lost answer creates no second one."""
        return self.change(partial(create_lipsync.sync_detailed, body=request))

    def job(self, job_id: str) -> Answer[JobOut]:
        """A job as it is now. Whatever the API breaks at is waited out: the job goes on meanwhile."""
        return self.read(partial(read_job.sync_detailed, job_id), any_fault=True)

    def jobs(self, limit: int, status: str | None = None) -> list[Answer[JobOut]]:
        """The newest ``limit`` jobs."""
        found: list[Answer[JobOut]] = []
        cursor = None
        states = UNSET if status is None else [cast("JobState", status)]  # the API judges what the user typed
        while len(found) < limit:
            size = min(100, limit - len(found))
            page = self.read(partial(list_jobs.sync_detailed, limit=size, cursor=cursor, status=states))
            found += map(Answer, page.value.items, page.members["items"])
            cursor = page.value.next_cursor
            if cursor is None:
                break
        return found

    def cancel(self, job_id: str) -> Answer[JobOut]:
        """Cancels a job."""
        return self.change(partial(cancel_job.sync_detailed, job_id))

    def receipt(self, job_id: str) -> Answer[Receipt]:
        """The receipt of a job that succeeded."""
        return self.read(partial(read_receipt.sync_detailed, job_id))

    def read(self, operation: Operation[_T], *, any_fault: bool = False) -> Answer[_T]:
        """What an operation answers that changes nothing; repeated while the API is not there or says that it is busy.

        With ``any_fault`` it is repeated after every answer that names a fault of the server.
        """

        def request() -> Answer[_T]:
            try:
                return self._answer(operation)
            except Refused as refusal:
                if any_fault and not refusal.is_bad_input:
                    raise Unreachable(refusal.detail) from refusal
                raise

        return self._api_retries.of(request)

    def change(self, operation: Operation[_T]) -> Answer[_T]:
        """What an operation answers that changes something; repeated like the others, which its idempotency key makes safe."""
        keyed = partial(operation, idempotency_key=secrets.token_hex(16))
        return self._api_retries.of(lambda: self._answer(keyed))

    def events(self, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Server-sent events of ``path`` as (type, data), until the stream ends; a cut stream goes on where it was cut."""
        last, heard = "0", time.monotonic()
        while True:
            try:
                with self._api.get_httpx_client().stream("GET", path, headers={"Last-Event-ID": last}) as response:
                    for number, kind, data in _events(response.iter_lines()):
                        last, heard = number, time.monotonic()
                        yield kind, data
            except (httpx.TransportError, Unreachable) as error:
                if time.monotonic() - heard > RETRY_SECONDS:
                    raise self._unreachable(error) from error
                time.sleep(_PAUSE)
            else:
                return

    def download(
        self, link: Callable[[], str], target: Path, advance: OnBytes = lambda _: None, sha256: str | None = None
    ) -> None:
        """Writes what ``link`` gives to ``target``, whole or not at all; what was cut goes on where it was.

        Args:
            link: gives a presigned URL, a fresh one for each try: an old one may have expired.
            target: the file.
            advance: is called with the number of bytes of each block that arrived.
            sha256: what the file must have.

        Raises:
            ChecksumMismatch: the bytes are not those that ``sha256`` announces.
        """
        incomplete = target.with_name(f".{target.name}.partial")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with incomplete.open("wb") as file:
                while not self._store_retries.of(lambda: self._fetch(link(), file, advance)):
                    pass
            if sha256 is not None and (found := sha256_of(incomplete)) != sha256:
                raise ChecksumMismatch(f"{target.name} arrived with SHA-256 {found}, not {sha256}.")
            incomplete.replace(target)
        except OSError as error:
            raise BadInput(f"{target} cannot be written: {error.strerror}.", where={"option": "output"}) from error
        finally:
            with suppress(OSError):
                incomplete.unlink()

    def _fetch(self, link: str, file: BinaryIO, advance: OnBytes) -> bool:
        """Appends what ``file`` lacks of the object at ``link``; False when that broke off on the way."""
        there = file.tell()
        headers = {"Accept-Encoding": "identity", **({"Range": f"bytes={there}-"} if there else {})}
        try:
            with self._store.stream("GET", link, headers=headers) as response:
                if response.is_error:
                    response.read()
                    raise _refusal(response, "The object store does not give the file")
                if there and response.status_code != HTTPStatus.PARTIAL_CONTENT:  # it knows no ranges: all over again
                    file.seek(0)
                    file.truncate()
                    advance(-there)
                for block in response.iter_bytes():
                    file.write(block)
                    advance(len(block))
        except httpx.TransportError as error:
            if file.tell() > there:
                return False
            raise Unreachable(f"The object store broke off: {error}.") from error
        return True

    def _put(self, path: Path, part: PartUrl) -> None:
        content = _slice_of(path, part.offset, part.size)
        try:
            response = self._store.put(part.url, content=content, headers={"Content-Length": str(part.size)})
        except httpx.TransportError as error:
            raise Unreachable(f"The object store does not take part {part.n}: {error}.") from error
        if response.is_error:
            raise _refusal(response, f"The object store refused part {part.n}")

    def _answer(self, operation: Operation[_T]) -> Answer[_T]:
        """One request."""
        try:
            response = operation(client=self._api)
        except httpx.TransportError as error:
            raise self._unreachable(error) from error
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise self._unreadable(repr(error)) from error
        if response.parsed is None or isinstance(response.parsed, Problem):
            raise self._unreadable(f"HTTP {response.status_code}")
        return Answer(response.parsed, json.loads(response.content))

    def _refuse(self, response: httpx.Response) -> None:
        """Raises what the API refused with: it need not be a problem of the API's, which the generated client would read."""
        if response.is_error:
            response.read()
            raise self._problem_of(response)

    def _problem_of(self, response: httpx.Response) -> DublineError:
        """What the API refused with, as something that passes or something that stays."""
        members = _members(response)
        passes = members.get("retryable", True) and members.get("code") != "model_unavailable"
        error = refused(members)
        # An API that was killed in mid-answer has left the key in use: it is free again within a minute.
        answering = error.code == IdempotencyInProgress.code
        return Unreachable(error.detail) if answering or (response.status_code in _PASSING and passes) else error

    def _unreadable(self, why: str) -> UnreadableAnswer:
        advice = "Use the client of the API's version."
        return UnreadableAnswer(f"The API at {self._url} answered something else than expected ({why}).", suggestions=(advice,))

    def _unreachable(self, error: Exception) -> Unreachable:
        return Unreachable(
            f"No API answers at {self._url} ({error}).",
            suggestions=("Run `dubline up`, or set DUBLINE_API_URL and DUBLINE_API_KEY.",),
        )


def _events(lines: Iterator[str]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(id, type, data) of a stream of server-sent events (WHATWG HTML, section 9.2.6), as our API writes them."""
    fields: dict[str, str] = {}
    for line in lines:
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif "data" in fields:
            yield fields["id"], fields["event"], json.loads(fields["data"])
            fields = {}


def _members(response: httpx.Response) -> dict[str, Any]:
    """Of the problem that the API answered with, or of one that stands for what is none."""
    try:
        members = response.json()
    except ValueError:
        members = None
    if isinstance(members, dict):
        return {"status": response.status_code, **members}
    return {"status": response.status_code, "detail": f"HTTP {response.status_code}: {response.text[:300]}"}


def _refusal(response: httpx.Response, what: str) -> DublineError:
    """Why the object store did not do as it was told: a fault of its own passes, a refusal stays."""
    detail = f"{what}: {response.status_code} {response.text[:300]}."
    passes = response.is_server_error or response.status_code in _PASSING
    return Unreachable(detail) if passes else StoreUnavailable(detail)


def _slice_of(path: Path, offset: int, size: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(offset)
        while size > 0 and (block := file.read(min(_BLOCK, size))):
            size -= len(block)
            yield block


def file_name(path: Path) -> str:
    """The file's name as text; bytes of it that are no UTF-8 become the replacement character."""
    return os.fsencode(path.name).decode(errors="replace")


def readable(path: Path, what: str) -> Path:
    """``path`` when it is a file that can be read.

    Raises:
        BadInput: it is not.
    """
    try:
        with path.open("rb"):
            return path
    except OSError as error:
        raise BadInput(
            f"The {what} {path} cannot be read: {error.strerror}.",
            where={"argument": what},
            suggestions=("Check the path and its permissions.",),
        ) from error
