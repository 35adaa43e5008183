"""An S3-compatible store through boto3, path style, so that any server and any host name will do."""

import hashlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.client import Config
from botocore.exceptions import BotoCoreError, ClientError

from dubbing.errors import BadParts, ObjectMissing, StoreUnavailable
from dubbing.settings import S3Settings
from dubbing.storage.store import Part, StoredObject, sha256_of, sha256_of_bytes

_MISSING = {"404", "NoSuchKey", "NotFound", "NoSuchUpload", "NoSuchBucket"}
_CANNOT_WRITE = "InternalError"  # SeaweedFS says no more than this when its disk is full
_BAD_PARTS = {"InvalidPart", "InvalidPartOrder", "EntityTooSmall", "NoSuchUpload", "MalformedXML", "InvalidRequest"}
_TRANSFER = TransferConfig(multipart_threshold=32 << 20, multipart_chunksize=32 << 20, max_concurrency=4)


def _uninvited(params: dict[str, Any], **_: object) -> None:
    """Send a body without being invited to: of an invitation that is cut off, botocore awaits the end for ever, in a loop."""
    params["headers"].pop("Expect", None)


def open_client(endpoint: str, region: str, access_key: str, secret_key: str, **options: Any) -> Any:
    """A client of boto3 that suits any S3-compatible server; ``options`` are botocore's, beside or instead of ours."""
    ours = {
        "signature_version": "s3v4",
        "s3": {"addressing_style": "path"},
        "connect_timeout": 3,
        "read_timeout": 60,
        "retries": {"max_attempts": 4, "mode": "standard"},
        "max_pool_connections": 32,
        # Older S3-compatible servers do not know the newer default checksums.
        "request_checksum_calculation": "when_required",
        "response_checksum_validation": "when_required",
    }
    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
        region_name=region,
        config=Config(**{**ours, **options}),
    )
    client.meta.events.register_last("before-call.s3", _uninvited)
    return client


def _client(settings: S3Settings, endpoint: str) -> Any:
    access_key, secret_key = settings.access_key.get_secret_value(), settings.secret_key.get_secret_value()
    return open_client(endpoint, settings.region, access_key, secret_key)


class S3Store:
    """`ObjectStore` over one bucket."""

    def __init__(self, settings: S3Settings) -> None:
        self._bucket = settings.bucket
        self._s3 = _client(settings, settings.endpoint)
        public = settings.public_endpoint
        self._signer = _client(settings, public) if public and public != settings.endpoint else self._s3

    def check(self) -> None:
        """Return when the bucket can be used."""
        with _errors(self._bucket):
            self._s3.head_bucket(Bucket=self._bucket)

    def ensure_bucket(self) -> None:
        """Create the bucket if it is absent."""
        try:
            self.check()
        except ObjectMissing:
            with _errors(self._bucket):
                self._s3.create_bucket(Bucket=self._bucket)

    def put_file(self, key: str, path: Path) -> StoredObject:
        """Upload a file in parts, in bounded memory."""
        digest = sha256_of(path)
        with _errors(key):
            self._s3.upload_file(str(path), self._bucket, key, Config=_TRANSFER)
        return StoredObject(key, path.stat().st_size, digest)

    def put_bytes(self, key: str, data: bytes, content_type: str = "application/octet-stream") -> StoredObject:
        """Upload a small object."""
        with _errors(key):
            self._s3.put_object(Bucket=self._bucket, Key=key, Body=data, ContentType=content_type)
        return StoredObject(key, len(data), sha256_of_bytes(data))

    def get_file(self, key: str, path: Path) -> StoredObject:
        """Download to ``path`` and hash on the way; ``path`` appears only when complete."""
        digest, size = hashlib.sha256(), 0
        handle, partial = tempfile.mkstemp(dir=path.parent, prefix=".partial-")
        try:
            with os.fdopen(handle, "wb") as file:
                for piece in self.read(key):
                    digest.update(piece)
                    size += len(piece)
                    file.write(piece)
            Path(partial).replace(path)
        finally:
            Path(partial).unlink(missing_ok=True)
        return StoredObject(key, size, digest.hexdigest())

    def get_bytes(self, key: str) -> bytes:
        """A small object, whole."""
        return b"".join(self.read(key))

    def read(self, key: str) -> Iterator[bytes]:
        """The object in pieces."""
        with _errors(key):
            body = self._s3.get_object(Bucket=self._bucket, Key=key)["Body"]
            yield from body.iter_chunks(1 << 20)

    def size(self, key: str) -> int | None:
        """Size in bytes; None when there is no such object."""
        try:
            with _errors(key):
                return int(self._s3.head_object(Bucket=self._bucket, Key=key)["ContentLength"])
        except ObjectMissing:
            return None

    def list_keys(self, prefix: str) -> Iterator[str]:
        """Keys below a prefix."""
        with _errors(prefix):
            pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
            for page in pages:
                yield from (entry["Key"] for entry in page.get("Contents", ()))

    def delete_prefix(self, prefix: str) -> int:
        """Delete everything below a prefix; returns how many objects."""
        if not prefix.endswith("/"):
            message = f"a prefix to delete must end with a slash: {prefix!r}"
            raise ValueError(message)
        keys = list(self.list_keys(prefix))
        with _errors(prefix):
            for start in range(0, len(keys), 1000):
                batch = [{"Key": key} for key in keys[start : start + 1000]]
                self._s3.delete_objects(Bucket=self._bucket, Delete={"Objects": batch, "Quiet": True})
        return len(keys)

    def url(self, key: str, expires: int, *, filename: str | None = None, inline: bool = False) -> str:
        """A presigned GET; ``filename`` becomes the download's name."""
        parameters = {"Bucket": self._bucket, "Key": key}
        if filename is not None:
            kind = "inline" if inline else "attachment"
            parameters["ResponseContentDisposition"] = f"{kind}; filename*=UTF-8''{quote(filename, safe='')}"
        return str(self._signer.generate_presigned_url("get_object", Params=parameters, ExpiresIn=expires))

    def start_upload(self, key: str) -> str:
        """Begin a multipart upload; returns the store's id for it."""
        with _errors(key):
            return str(self._s3.create_multipart_upload(Bucket=self._bucket, Key=key)["UploadId"])

    def part_url(self, key: str, upload_id: str, number: int, expires: int) -> str:
        """A presigned PUT for one part."""
        parameters = {"Bucket": self._bucket, "Key": key, "UploadId": upload_id, "PartNumber": number}
        return str(self._signer.generate_presigned_url("upload_part", Params=parameters, ExpiresIn=expires))

    def list_parts(self, key: str, upload_id: str) -> list[Part]:
        """Parts that have arrived, by number; empty when there is no such upload."""
        found: list[Part] = []
        try:
            with _errors(key):
                pages = self._s3.get_paginator("list_parts").paginate(Bucket=self._bucket, Key=key, UploadId=upload_id)
                for page in pages:
                    found += [
                        Part(entry["PartNumber"], entry["ETag"].strip('"'), entry["Size"]) for entry in page.get("Parts", ())
                    ]
        except ObjectMissing:
            return []
        return found

    def finish_upload(self, key: str, upload_id: str, parts: Sequence[tuple[int, str]]) -> None:
        """Assemble (number, etag) parts into the object."""
        listed = [{"PartNumber": number, "ETag": etag} for number, etag in sorted(parts)]
        with _errors(key, bad_parts=True):
            self._s3.complete_multipart_upload(
                Bucket=self._bucket, Key=key, UploadId=upload_id, MultipartUpload={"Parts": listed}
            )

    def abort_upload(self, key: str, upload_id: str) -> None:
        """Drop an unfinished upload; an unknown one is dropped already."""
        try:
            with _errors(key):
                self._s3.abort_multipart_upload(Bucket=self._bucket, Key=key, UploadId=upload_id)
        except ObjectMissing:
            return


@contextmanager
def _errors(key: str, *, bad_parts: bool = False) -> Iterator[None]:
    """Translate boto3's errors into ours."""
    try:
        yield
    except (BotoCoreError, ClientError, boto3.exceptions.Boto3Error) as error:
        # An upload of a file hides the server's answer behind an error of its own.
        answer = error if isinstance(error, ClientError) else error.__context__
        if not isinstance(answer, ClientError):
            raise StoreUnavailable(f"The object store did not answer: {error}", where={"object": key}) from error
        code = str(answer.response.get("Error", {}).get("Code", ""))
        if bad_parts and code in _BAD_PARTS:
            raise BadParts(
                f"The store refused the parts ({code}).",
                where={"pointer": "/parts"},
                suggestions=("read the upload to see which parts have arrived, and send the others again",),
            ) from error
        if code in _MISSING:
            raise ObjectMissing(f"There is no object {key}.", where={"object": key}) from error
        raise StoreUnavailable(
            f"The object store answered {code} for {key}.",
            where={"object": key},
            suggestions=("see whether the store's disk is full, then its log",) if code == _CANNOT_WRITE else (),
        ) from error
