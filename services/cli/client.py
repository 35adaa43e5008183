"""The API as the command line uses it: upload, submit, follow, cancel, download. Every refusal is a `Refused` with its code."""

import hashlib
import json
import os
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx
import stamina

from dubbing.errors import BadInput, ChecksumMismatch, DublineError, Transient

OnBytes = Callable[[int], None]
_BLOCK = 1 << 20
_PARALLEL_PARTS = 4
_ATTEMPTS = 6
_TIMEOUT = httpx.Timeout(60.0, connect=5.0)


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


class Unreachable(Transient):
    """No API answers at the address."""

    code = "api_unreachable"
    title = "The API does not answer"


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


class Client:
    """One caller of one API.

    Args:
        url: base URL of the API.
        key: API key.
    """

    def __init__(self, url: str, key: str) -> None:
        self._url = url
        self._api = httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=_TIMEOUT)
        self._store = httpx.Client(timeout=_TIMEOUT)

    def upload(self, path: Path, advance: OnBytes) -> str:
        """Sends the file at ``path`` in parts straight to the object store; gives the id of the asset.

        Args:
            path: a file.
            advance: is called with the number of bytes of each part that arrived.
        """
        announced = {"filename": file_name(path), "size": path.stat().st_size, "sha256": sha256_of(path)}
        upload = self._call("POST", "/v1/uploads", json=announced)
        with ThreadPoolExecutor(_PARALLEL_PARTS) as pool:
            sent = [pool.submit(self._send_part, path, part) for part in upload["parts"]]
            try:
                for part in sent:
                    advance(part.result())
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        asset = self._call("POST", f"/v1/uploads/{upload['upload_id']}/complete", json={})
        return str(asset["id"])

    def submit(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Creates a job; sending it again after a lost answer creates no second one."""
        return self._call("POST", "/v1/lipsyncs", json=request)

    def job(self, job_id: str) -> dict[str, Any]:
        """A job as it is now."""
        return self._call("GET", f"/v1/jobs/{job_id}")

    def jobs(self, limit: int, status: str | None = None) -> list[dict[str, Any]]:
        """The newest ``limit`` jobs."""
        found: list[dict[str, Any]] = []
        cursor = None
        while len(found) < limit:
            query = {"limit": min(100, limit - len(found)), "cursor": cursor, "status": status}
            page = self._call("GET", "/v1/jobs", params={key: value for key, value in query.items() if value is not None})
            found += page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        return found

    def cancel(self, job_id: str) -> dict[str, Any]:
        """Cancels a job."""
        return self._call("POST", f"/v1/jobs/{job_id}/cancel")

    def receipt(self, job_id: str) -> dict[str, Any]:
        """The receipt of a job that succeeded."""
        return self._call("GET", f"/v1/jobs/{job_id}/receipt")

    def get(self, path: str, **query: Any) -> dict[str, Any]:
        """Reads the thing at ``path``."""
        return self._call("GET", path, params={key: value for key, value in query.items() if value is not None})

    def post(self, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Changes the thing at ``path``; sending it again after a lost answer changes nothing twice."""
        return self._call("POST", path, **({} if body is None else {"json": body}))

    def events(self, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Server-sent events of ``path`` as (type, data), until the stream ends; a cut stream goes on where it was cut."""
        last = "0"
        while True:
            try:
                with self._api.stream("GET", path, headers={"Last-Event-ID": last}) as response:
                    if response.is_error:
                        response.read()
                        raise refused(_problem(response))
                    for number, kind, data in _events(response.iter_lines()):
                        last = number
                        yield kind, data
            except httpx.TransportError:
                time.sleep(1.0)
            else:
                return

    def download(self, link: str, target: Path, advance: OnBytes = lambda _: None, sha256: str | None = None) -> None:
        """Writes what ``link`` (presigned) gives to ``target``, whole or not at all.

        Raises:
            ChecksumMismatch: the bytes are not those that ``sha256`` announces.
        """
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f".{target.name}.partial")
        try:
            found = self._fetch(link, partial, advance)
            if sha256 is not None and found != sha256:
                raise ChecksumMismatch(f"{target.name} arrived with SHA-256 {found}, not {sha256}.")
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)

    def _fetch(self, link: str, partial: Path, advance: OnBytes) -> str:
        digest = hashlib.sha256()
        try:
            with self._store.stream("GET", link) as response, partial.open("wb") as file:
                if response.is_error:
                    response.read()
                    raise Unreachable(f"The object store answered {response.status_code}: {response.text[:300]}")
                for block in response.iter_bytes(_BLOCK):
                    digest.update(block)
                    file.write(block)
                    advance(len(block))
        except httpx.TransportError as error:
            raise Unreachable(f"The object store broke off: {error}") from error
        return digest.hexdigest()

    def _send_part(self, path: Path, part: Mapping[str, Any]) -> int:
        for attempt in stamina.retry_context(Unreachable, attempts=_ATTEMPTS):
            with attempt:
                self._put(path, part)
        return int(part["size"])

    def _put(self, path: Path, part: Mapping[str, Any]) -> None:
        content = _slice_of(path, part["offset"], part["size"])
        try:
            response = self._store.put(part["url"], content=content, headers={"Content-Length": str(part["size"])})
        except httpx.TransportError as error:
            raise Unreachable(f"The object store does not take part {part['n']}: {error}") from error
        if response.is_error:
            raise Unreachable(f"The object store refused part {part['n']}: {response.status_code} {response.text[:300]}")

    def _call(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        """One request; repeated while the API is not there or says that it is busy, which the idempotency key makes safe."""
        headers = {"Idempotency-Key": secrets.token_hex(16)} if method == "POST" else {}
        for attempt in stamina.retry_context(Unreachable, attempts=_ATTEMPTS, timeout=20):
            with attempt:
                return self._request(method, path, headers, **options)
        raise AssertionError  # retry_context returns or raises

    def _request(self, method: str, path: str, headers: Mapping[str, str], **options: Any) -> dict[str, Any]:
        try:
            response = self._api.request(method, path, headers=headers, **options)
        except httpx.TransportError as error:
            raise Unreachable(
                f"No API answers at {self._url} ({error}).",
                suggestions=("Run `dubline up`, or set DUBLINE_API_URL and DUBLINE_API_KEY.",),
            ) from error
        if response.status_code == HTTPStatus.SERVICE_UNAVAILABLE and _retryable(response):
            raise Unreachable(refused(_problem(response)).detail)
        if response.is_error:
            raise refused(_problem(response))
        answer: dict[str, Any] = response.json()
        return answer


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


def _retryable(response: httpx.Response) -> bool:
    return bool(_problem(response).get("retryable")) and _problem(response).get("code") != "model_unavailable"


def _problem(response: httpx.Response) -> dict[str, Any]:
    try:
        members = response.json()
    except ValueError:
        members = None
    if isinstance(members, dict):
        return {"status": response.status_code, **members}
    return {"status": response.status_code, "detail": f"HTTP {response.status_code}: {response.text[:300]}"}


def _slice_of(path: Path, offset: int, size: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(offset)
        while size > 0 and (block := file.read(min(_BLOCK, size))):
            size -= len(block)
            yield block


def file_name(path: Path) -> str:
    """The file's name as text; bytes of it that are no UTF-8 become the replacement character."""
    return os.fsencode(path.name).decode(errors="replace")


def sha256_of(path: Path) -> str:
    """SHA-256 of the file at ``path``, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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
