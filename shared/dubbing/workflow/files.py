"""Files are hashed and read as soon as they are here, by the very items that jobs ask for later.

Whether a file is a picture or a sound is known from what it holds: it is read as what its name says, and as the other where it
turns out to hold no such stream. Nobody waits for it, so it comes after all that jobs need.
"""

from typing import NamedTuple

from dubbing.db.models import Asset
from dubbing.db.unit_of_work import UnitOfWork
from dubbing.domain.assets import role_of
from dubbing.domain.jobs import Chosen
from dubbing.domain.media import MediaInfo
from dubbing.domain.webhooks import WebhookEvent
from dubbing.domain.work import ItemSpec, ProbeResult, ProbeTask, Ring, WorkState
from dubbing.errors import Cancelled, NotAudio, NoVideoStream
from dubbing.workflow import flow

_LOWEST = -100
"""The lowest priority that a job can have."""
_WANTED = 30 * 86_400.0
"""Seconds after which nobody is taken to wait for a file any more that no job uses."""
_OTHER_ROLE = {NoVideoStream.code: "audio", NotAudio.code: "video"}


def probe_of(asset: Asset, role: str, chosen: Chosen) -> ItemSpec:
    """The item that reads a file as a picture (``video``) or a sound (``audio``)."""
    task = ProbeTask(
        asset_id=asset.id,
        key=asset.object_key,
        filename=asset.filename,
        claimed_sha256=asset.claimed_sha256,
        role=role,
        url=asset.source_url,
        connection=asset.connection_id,
    )
    picked = {"picture": chosen.picture} if role == "video" else {"sound": chosen.sound}
    return flow.probe(task.model_copy(update=picked))


class StoredFiles(NamedTuple):
    """What is done with files, bound to one transaction."""

    work: UnitOfWork
    max_attempts: int

    def read(self, asset: Asset, role: str | None = None, chosen: Chosen | None = None, *, wanted: bool = True) -> None:
        """Have a new file read, as what it is meant to be if that is known.

        ``wanted``: even if no job needs it. Without that, a file at a URL is not fetched when its job is cancelled before.
        """
        spec = probe_of(asset, role or role_of(asset.filename), chosen or Chosen())
        self.work.assets.reads(asset.id, self._ask(asset, spec, wanted=wanted))

    def read_all(self, limit: int) -> None:
        """Have some files read that were here before files were read at once."""
        for asset in self.work.assets.unread(limit):
            self.read(asset)

    def settle(self, item_id: str) -> None:
        """Write down what became of a file whose item has ended; calling it again changes nothing."""
        found = self.work.assets.read_by(item_id)
        if found is None:
            return
        asset, item = found
        if item.state == WorkState.DONE:
            result = ProbeResult.model_validate(item.result)
            self.probed(asset.id, result.sha256, result.media)
            return
        problem = item.error or Cancelled("Nobody wanted the file any more before it was read.").problem()
        other = _OTHER_ROLE.get(problem["code"])
        # The payload is read for what reading the file has found only: an item fails also because nobody understands that. The
        # item of the other role comes before the row of the file, as wherever both are locked.
        if other is not None and other != ProbeTask.model_validate(item.payload).role == role_of(asset.filename):
            self.work.assets.reads(asset.id, self._ask(asset, probe_of(asset, other, Chosen()), wanted=True), item_id)
            return
        where = {name: value for name, value in problem["where"].items() if name != "pointer"}  # it points into no body
        self.work.assets.refuse(asset.id, item_id, {**problem, "where": where})

    def probed(self, asset_id: str, sha256: str, media: MediaInfo) -> None:
        """Keep what was measured, and tell who waits for the file."""
        ready = self.work.assets.probed(asset_id, sha256, media)
        if ready is not None:
            data = {"asset_id": ready.id, "filename": ready.filename, "size": ready.size, "sha256": ready.sha256}
            self.work.tell(ready.organisation_id, WebhookEvent.ASSET_READY, data)

    def _ask(self, asset: Asset, spec: ItemSpec, *, wanted: bool) -> str:
        item_id, state = self.work.items.want(
            spec,
            asset.organisation_id,
            self.max_attempts,
            priority=_LOWEST,
            seconds=_WANTED if wanted else None,
        )
        if state is WorkState.PENDING:
            self.work.ring(Ring(spec.kind, item_id))
        return item_id
