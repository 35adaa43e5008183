"""A customer's bucket: read from and written to with the customer's own credentials, at an address that was checked.

Objects are read and written in parts, one after another: a call that broke off is sent again alone, and no part is larger
than `PART` in memory unless S3's limit of 10,000 parts asks for it.
"""

import base64
import hashlib
import ssl
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError
from botocore.utils import is_valid_endpoint_url, is_valid_ipv6_endpoint_url

from dubbing import clock
from dubbing.domain.connections import Bucket, BucketStep
from dubbing.errors import (
    ChecksumMismatch,
    DeliveryFailed,
    DeliveryInterrupted,
    DublineError,
    FetchFailed,
    FetchInterrupted,
    FileTooLarge,
    UrlNotAllowed,
)
from dubbing.settings import BucketSettings, FetchSettings
from dubbing.storage.pinned import PinnedSender
from dubbing.storage.remote import Resolve, checked, permitted, resolved, written
from dubbing.storage.s3 import open_client

PART = 16 << 20
"""Bytes."""
_MOST_PARTS = 10_000
_BUSY = frozenset({"SlowDown", "RequestTimeout", "ServiceUnavailable", "InternalError", "503", "500", "429"})
_DENIED = frozenset({"AccessDenied", "AllAccessDisabled", "Forbidden", "403"})
_ABSENT = frozenset({"NoSuchKey", "NotFound", "404"})
_MEANINGS = (
    (
        {"InvalidAccessKeyId", "SignatureDoesNotMatch"},
        "the key is not one that it knows",
        "rotate the connection with a valid access key and secret",
    ),
    (
        {"PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "301"},
        "the bucket is in another region",
        "make a connection with the bucket's own region and endpoint",
    ),
    (
        _DENIED,
        "the access key may not {action} there",
        "allow the key to {action} objects of {bucket}",
    ),
    ({"NoSuchBucket"}, "there is no such bucket", "make the bucket, or a connection to another one"),
    (_ABSENT, "there is no such object", "look whether the key is written as in the bucket, in capitals and small letters"),
    (
        {"PreconditionFailed", "412"},
        "the object was changed while it was read",
        "send the request again when the object is whole",
    ),
)
"""Codes of answers, what they mean, and what to do."""
_UNKNOWN = ("it does not {action} it", "test the connection")
_Kinds = tuple[type[DublineError], type[DublineError]]
_FETCH: _Kinds = (FetchFailed, FetchInterrupted)
_DELIVERY: _Kinds = (DeliveryFailed, DeliveryInterrupted)


def check_endpoint(text: str, settings: BucketSettings) -> httpx.URL:
    """An endpoint's URL, if it may be asked as far as can be told without resolving its name.

    Raises:
        UrlNotAllowed: it is none, has a path, or is of http where that is not open.
    """
    url = checked(text)
    if not (is_valid_endpoint_url(text) or is_valid_ipv6_endpoint_url(text)):
        raise UrlNotAllowed("The host of this endpoint is none that a name server knows.")
    if url.raw_path not in (b"/", b""):
        raise UrlNotAllowed("An endpoint is a scheme and a host, and has no path: the bucket has a member of its own.")
    if url.scheme != "https" and url.host not in settings.http_hosts:
        raise UrlNotAllowed("An endpoint begins with https://.")
    permitted(url, settings.hosts, settings.ranges, written)
    return url


class CustomerBucket:
    """One bucket, for one piece of work: its endpoint's name is resolved once.

    Args:
        bucket: where it is, and with which key it is asked.
        settings: what is open, and how long a call may take.
        resolve: a host and port's addresses.
        attempts: at each call.
        part: bytes of a part.
    """

    def __init__(
        self,
        bucket: Bucket,
        settings: BucketSettings,
        resolve: Resolve = resolved,
        *,
        attempts: int = 4,
        part: int = PART,
    ) -> None:
        self._bucket = bucket
        self._settings = settings
        self._resolve = resolve
        self._attempts = attempts
        self._part = part
        self._tls = ssl.create_default_context()

    def fetch(self, key: str, path: Path, limits: FetchSettings, go_on: Callable[[], None]) -> None:
        """Write an object to ``path``: all of it as it was at one moment.

        Args:
            key: of the object.
            path: is written to as bytes arrive.
            limits: how much is taken, and for how long.
            go_on: is called after each part; what it raises ends the fetch.

        Raises:
            UrlNotAllowed: the endpoint leads where the platform must not be sent.
            FetchFailed: the server refuses, sends for too long, or the object was changed meanwhile.
            FileTooLarge: the object is larger than the limit.
            FetchInterrupted: the server is not there, has trouble of its own, or broke off.
        """
        until = clock.monotonic() + limits.seconds
        with self._errors("read", key, _FETCH):
            head = self._s3.head_object(Bucket=self._bucket.name, Key=key)
        size, etag = int(head["ContentLength"]), head["ETag"]
        if size > limits.bytes:
            raise FileTooLarge(
                f"{self._bucket.url(key)} has {size} bytes; the limit is {limits.bytes}.", media={"limit": limits.bytes}
            )
        with path.open("wb") as file, self._errors("read", key, _FETCH):
            for piece in self._pieces(key, size, etag):
                file.write(piece)
                go_on()
                if clock.monotonic() > until:
                    raise FetchFailed(f"{self._bucket.url(key)} took longer than {limits.seconds:.0f} s.")

    def put(self, key: str, pieces: Iterable[bytes], size: int, sha256: str, go_on: Callable[[], None]) -> None:
        """Write an object, and see that it arrived as it is.

        Args:
            key: of the object; what lies there is replaced.
            pieces: its bytes, in pieces of any size.
            size: how many bytes these are.
            sha256: their digest, as it was measured when they were made.
            go_on: is called after each part; what it raises ends the upload.

        Raises:
            UrlNotAllowed: the endpoint leads where the platform must not be sent.
            DeliveryFailed: the server refuses, or has other bytes than were sent.
            DeliveryInterrupted: the server is not there, has trouble of its own, or broke off.
            ChecksumMismatch: ``pieces`` are other bytes than ``sha256`` names; nothing is written.
        """
        part = max(self._part, -(-size // _MOST_PARTS))
        with self._errors("write", key, _DELIVERY):
            etag = (self._put_whole if size <= part else self._put_parts)(key, _CheckedParts(pieces, part, sha256), go_on)
        with self._errors("read", key, _DELIVERY):
            self._verify(key, size, sha256, etag)

    def examine(self, key: str) -> list[BucketStep]:
        """Try to write, read and delete an object ``key``, which is not there afterwards; raises `UrlNotAllowed`."""
        name, data = {"Bucket": self._bucket.name, "Key": key}, b"dubline"
        steps = [self._step("write", lambda: self._s3.put_object(**name, Body=data, ContentMD5=_md5(data)))]
        written = steps[0].ok is True
        steps.append(self._step("read", lambda: self._s3.get_object(**name), is_there=written))
        if not written:
            return [*steps, BucketStep("delete", None, "Nothing could be written that could be deleted.")]
        return [*steps, self._step("delete", lambda: self._s3.delete_object(**name))]

    def _step(self, step: str, do: Callable[[], Any], *, is_there: bool = True) -> BucketStep:
        """What came of one step. That an object is not there, S3 tells to those who may list; it denies it to all others."""
        try:
            with self._errors(step, "", _FETCH):
                try:
                    do()
                except ClientError as error:
                    if not is_there and _code(error) in _DENIED:
                        return BucketStep(step, None, f"Nothing could be written to {step}, and S3 tells no more to this key.")
                    if is_there or _code(error) not in _ABSENT:
                        raise
        except (FetchFailed, FetchInterrupted) as error:
            return BucketStep(step, ok=False, detail=error.detail, suggestion=next(iter(error.suggestions), None))
        return BucketStep(step, ok=True)

    @cached_property
    def _s3(self) -> Any:
        """A client whose calls go to addresses that are checked here, once."""
        url, settings = check_endpoint(self._bucket.endpoint, self._settings), self._settings
        addresses = permitted(url, settings.hosts, settings.ranges, self._resolve)
        client = open_client(
            self._bucket.endpoint,
            self._bucket.region,
            self._bucket.access_key,
            self._bucket.secret_key,
            retries={"total_max_attempts": self._attempts, "mode": "standard"},
            # The digest of each part is signed: what arrives is what was sent.
            s3={"addressing_style": "path", "payload_signing_enabled": True},
        )
        client.meta.events.register("before-send.s3.HeadBucket", _elsewhere)
        client.meta.events.register("before-send.s3", PinnedSender(url, addresses, settings.seconds, self._tls))
        return client

    def _pieces(self, key: str, size: int, etag: str) -> Iterator[bytes]:
        for start in range(0, size, self._part):
            end = min(start + self._part, size)
            reach = {"Range": f"bytes={start}-{end - 1}", "IfMatch": etag}
            piece: bytes = self._s3.get_object(Bucket=self._bucket.name, Key=key, **reach)["Body"].read()
            if len(piece) != end - start:
                raise FetchFailed(f"{self._bucket.url(key)} has other bytes than its size says.")
            yield piece

    def _put_whole(self, key: str, parts: "_CheckedParts", go_on: Callable[[], None]) -> str:
        data = b"".join(parts)
        go_on()
        self._s3.put_object(Bucket=self._bucket.name, Key=key, Body=data, ContentMD5=_md5(data))
        return hashlib.md5(data, usedforsecurity=False).hexdigest()

    def _put_parts(self, key: str, parts: "_CheckedParts", go_on: Callable[[], None]) -> str:
        name = {"Bucket": self._bucket.name, "Key": key}
        upload = {**name, "UploadId": self._s3.create_multipart_upload(**name)["UploadId"]}
        try:
            done, digests = [], b""
            for number, data in enumerate(parts, 1):
                sent = self._s3.upload_part(**upload, PartNumber=number, Body=data, ContentMD5=_md5(data))
                done.append({"PartNumber": number, "ETag": sent["ETag"]})
                digests += hashlib.md5(data, usedforsecurity=False).digest()
                go_on()
            self._s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": done})
        except BaseException:
            with suppress(BotoCoreError, ClientError, DublineError):  # why it failed is worth more
                self._s3.abort_multipart_upload(**upload)
            raise
        return f"{hashlib.md5(digests, usedforsecurity=False).hexdigest()}-{len(done)}"

    def _verify(self, key: str, size: int, sha256: str, etag: str) -> None:
        """See that an object has the bytes that were sent: by its ETag, or where that is no digest of them by reading it."""
        head = self._s3.head_object(Bucket=self._bucket.name, Key=key)
        if int(head["ContentLength"]) == size and head["ETag"].strip('"') == etag:
            return
        digest = hashlib.sha256()
        for piece in self._pieces(key, int(head["ContentLength"]), head["ETag"]):
            digest.update(piece)
        if digest.hexdigest() != sha256:
            raise DeliveryFailed(f"{self._bucket.url(key)} has other bytes than were sent.", suggestions=("deliver it again",))

    @contextmanager
    def _errors(self, action: str, key: str, kinds: _Kinds) -> Iterator[None]:
        """Translate what the server, or the way to it, answers; ``kinds`` are for what stays so, and for what may pass."""
        failed, interrupted = kinds
        host, name = httpx.URL(self._bucket.endpoint).host, self._bucket.url(key)
        where = {"url": name, "endpoint": host}
        try:
            yield
        except ClientError as error:
            code = _code(error)
            if code in _BUSY or error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) >= 500:
                raise interrupted(f"{host} answers {code} for {name}.", where=where) from error
            why, advice = _explained(code, action, self._bucket)
            raise failed(f"{host} answers {code} for {name}: {why}.", where=where, suggestions=(advice,)) from error
        except ParamValidationError as error:
            raise failed(f"S3 knows no such name: {error}", where=where) from error
        except BotoCoreError as error:
            raise interrupted(f"{host} did not answer: {error}", where=where) from error
        except (FetchFailed, FetchInterrupted) as error:
            kind = failed if isinstance(error, FetchFailed) else interrupted
            raise kind(error.detail, where={**where, **error.where}, suggestions=error.suggestions) from error


class _CheckedParts:
    """Pieces of any size as parts of one size; the last one only comes if all of them have the digest that they should."""

    def __init__(self, pieces: Iterable[bytes], part: int, sha256: str) -> None:
        self._pieces = pieces
        self._part = part
        self._sha256 = sha256

    def __iter__(self) -> Iterator[bytes]:
        held, digest = bytearray(), hashlib.sha256()
        for piece in self._pieces:
            digest.update(piece)
            held += piece
            while len(held) > self._part:
                yield bytes(held[: self._part])
                del held[: self._part]
        if digest.hexdigest() != self._sha256:
            raise ChecksumMismatch("The stored master has other bytes than when it was made; nothing was delivered.")
        yield bytes(held)


def _explained(code: str, action: str, bucket: Bucket) -> tuple[str, str]:
    """What an answer means, and what to do."""
    found = next(((why, advice) for codes, why, advice in _MEANINGS if code in codes), _UNKNOWN)
    why, advice = (text.format(action=action, bucket=bucket.name) for text in found)
    return why, advice


def _elsewhere(**_: object) -> None:
    """Nobody here asks where a bucket is. botocore does when it is redirected, and again when that is redirected, for ever."""
    raise FetchFailed("The bucket is in another region.", suggestions=("make a connection with its own region and endpoint",))


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _md5(data: bytes) -> str:
    """As a header has it: the server refuses what does not have this digest."""
    return base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()
