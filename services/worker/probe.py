"""PROBE: what a file really is. Fetches it from where it lies, hashes it, reads it twice, and refuses what cannot be dubbed."""

from pathlib import Path
from typing import Literal

from dubbing import ids
from dubbing.domain.media import READING, MediaInfo
from dubbing.domain.work import ProbeResult, ProbeTask
from dubbing.errors import ChecksumMismatch
from dubbing.media.container import naming
from dubbing.media.isolated import Reader, ReadRequest
from dubbing.queue.context import Context
from dubbing.storage.sources import SourceCache
from dubbing.storage.store import ObjectStore
from services.worker.customer_files import CustomerFiles


class ProbeHandler:
    """Handler of ``probe`` items.

    Args:
        store: where the second reading's record of a picture goes.
        sources: local copies.
        reader: reads files in a process of its own.
        files: fetches those that lie elsewhere.
    """

    def __init__(self, store: ObjectStore, sources: SourceCache, reader: Reader, files: CustomerFiles) -> None:
        self._store = store
        self._sources = sources
        self._reader = reader
        self._files = files

    def __call__(self, task: ProbeTask, context: Context) -> ProbeResult:
        """Verify the announced checksum and read the file's facts.

        Raises:
            ChecksumMismatch: the bytes that arrived are not the bytes that were announced.
            ReadingsDiffer: two independent readings say different things.
            FatalInput: the file ends the process that reads it.
            BadInput: the file is no video (role ``video``) or has no sound (role ``audio``), or is damaged.
            UrlNotAllowed, FetchFailed, FileTooLarge, FetchInterrupted: it cannot be fetched from where it lies.
        """
        if task.url is not None:
            with naming(task.filename, task.role):
                self._sources.bring(task.key, lambda path: self._files.fetch(task, path, context.raise_if_canceled))
        with self._sources.admit(task.key) as (path, stored):
            if task.claimed_sha256 not in (None, stored.sha256):
                raise ChecksumMismatch(
                    f"{task.filename} arrived with another SHA-256 than was announced.",
                    where={"pointer": f"/{task.role}", "asset": task.asset_id},
                    suggestions=("send the file again",),
                    media={"announced_sha256": task.claimed_sha256, "sha256": stored.sha256},
                )
            context.raise_if_canceled()
            role: Literal["video", "audio"] = "video" if task.role == "video" else "audio"
            with naming(task.filename, role):
                media = self._read(path, stored.sha256, role, task, context)
        return ProbeResult(sha256=stored.sha256, media=media)

    def _read(self, path: Path, sha256: str, role: Literal["video", "audio"], task: ProbeTask, context: Context) -> MediaInfo:
        record = path.with_name("record.npz")
        request = ReadRequest(path, role, record, picture=task.picture, sound=task.sound)
        media = self._reader.read(request, lambda _: context.raise_if_canceled())
        if media.video is not None:
            self._store.put_file(ids.record_key(sha256, READING, media.video.track), record)
        return media
