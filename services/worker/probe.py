"""PROBE: what an uploaded file really is. Hashes it, counts its frames and samples, and refuses what cannot be dubbed."""

from dubbing.domain.work import ProbeResult, ProbeTask
from dubbing.errors import ChecksumMismatch
from dubbing.media.probe import probe
from dubbing.queue.context import Context
from dubbing.storage.sources import SourceCache


class Prober:
    """Handler of ``probe`` items."""

    def __init__(self, sources: SourceCache) -> None:
        self._sources = sources

    def __call__(self, task: ProbeTask, context: Context) -> ProbeResult:
        """Verify the announced checksum and read the file's facts.

        Raises:
            ChecksumMismatch: the bytes that arrived are not the bytes that were announced.
            BadInput: the file is no video (role ``video``) or has no sound (role ``audio``), or is damaged.
        """
        with self._sources.admit(task.key) as (path, stored):
            if task.claimed_sha256 not in (None, stored.sha256):
                raise ChecksumMismatch(
                    f"{task.filename} arrived with another SHA-256 than was announced.",
                    where={"pointer": f"/{task.role}", "asset": task.asset_id},
                    suggestions=("upload the file again",),
                    media={"announced_sha256": task.claimed_sha256, "sha256": stored.sha256},
                )
            context.raise_if_canceled()
            media = probe(path, "video" if task.role == "video" else "audio")
        return ProbeResult(sha256=stored.sha256, media=media)
