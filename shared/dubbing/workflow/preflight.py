"""What would become of a dub, found without making one: from what is known, and from work that no model does.

Files that were not read yet and sounds that were not compared yet are asked for here, by the very items that the job would ask
for. Whoever asks again later is told more.
"""

from collections.abc import Collection, Mapping
from fractions import Fraction
from typing import Any, Literal, NamedTuple

from dubbing.db.models import Asset, WorkItem
from dubbing.db.unit_of_work import UnitOfWork
from dubbing.domain.findings import Finding
from dubbing.domain.jobs import Chosen, Models, Phase, Sharing, Sync
from dubbing.domain.media import AudioInfo, MediaInfo, SyncMode, SyncPlan
from dubbing.domain.sync import check_pair
from dubbing.domain.work import (
    CompareResult,
    InferTask,
    ItemSpec,
    PrepareResult,
    ProbeResult,
    Ring,
    Source,
    WorkKind,
    WorkState,
)
from dubbing.errors import DublineError, DurationMismatch
from dubbing.workflow import flow
from dubbing.workflow.advance import earlier_of
from dubbing.workflow.files import probe_of

Waits = Literal["video", "audio", "compare"]
_WANTED = 3600.0
"""Seconds after which nobody is taken to come back for an answer."""


class Planned(NamedTuple):
    """A dub that is not there: what it would be made of. None is what could not be found, or is at a URL still.

    ``refused``: something else speaks against it already, so that no sounds are compared for it.
    """

    organisation_id: str
    video: Asset | None
    audio: Asset | None
    chosen: Chosen
    sync: Sync
    models: Models | None
    seed: int
    sharing: Sharing
    seeds: Mapping[int, int] = {}
    kept_shots: Collection[int] = ()
    earlier: str | None = None
    refused: bool = False


class Found(NamedTuple):
    """What is known of a planned dub.

    Attributes:
        problems: why it would fail, as its job would say it.
        waiting_for: ``video``, ``audio`` (the file is being read) or ``compare`` (the sounds are being compared).
        video, audio: what the files hold.
        plan: how the track meets the picture.
        prepared: the picture's analysis.
        chunks, generated: that there would be, and those of them whose mouths are not there yet; None while unknown.
        known: kinds of work whose results are there already.
        compares: whether chunks of an earlier master may be kept.
    """

    problems: tuple[dict[str, Any], ...] = ()
    waiting_for: tuple[Waits, ...] = ()
    video: MediaInfo | None = None
    audio: MediaInfo | None = None
    plan: SyncPlan | None = None
    prepared: PrepareResult | None = None
    chunks: tuple[InferTask, ...] | None = None
    generated: tuple[InferTask, ...] | None = None
    known: frozenset[WorkKind] = frozenset()
    compares: bool = False
    findings: tuple[Finding, ...] = ()


class Preflight(NamedTuple):
    """Bound to one transaction, which may only add work that needs no model."""

    work: UnitOfWork
    max_attempts: int

    def of(self, planned: Planned) -> Found:
        """All that is known now."""
        sources: dict[str, Source] = {}
        problems: list[dict[str, Any]] = []
        waiting: list[Waits] = []
        files: dict[Waits, Asset | None] = {"video": planned.video, "audio": planned.audio}
        for role, asset in files.items():
            if asset is None:
                continue
            item = self._item(planned, probe_of(asset, role, planned.chosen), waiting, role)
            if item is not None and item.state == WorkState.DONE:
                sources[role] = _source(asset, ProbeResult.model_validate(item.result))
            elif item is not None and item.error is not None:
                problems.append(item.error)
        video, audio = sources.get("video"), sources.get("audio")
        found = Found(
            problems=tuple(problems),
            waiting_for=tuple(waiting),
            video=None if video is None else video.media,
            audio=None if audio is None else audio.media,
            findings=tuple(finding for source in sources.values() for finding in source.media.findings),
            known=frozenset({WorkKind.PROBE} if len(sources) == len(("video", "audio")) else ()),
        )
        if video is not None:
            found = self._analysed(planned, video, found)
        if video is not None and audio is not None:
            found = self._paired(planned, video, audio, found)
        return found

    def _analysed(self, planned: Planned, video: Source, found: Found) -> Found:
        """With what the picture's analysis found, if the organisation has one."""
        try:
            spec = flow.prepare(video, flow.scope_of(planned.organisation_id, planned.sharing))
        except DublineError as error:
            return found._replace(problems=(*found.problems, error.problem()))
        item = self.work.items.known(planned.organisation_id, [spec.key]).get(spec.key)
        if item is not None and item.state == WorkState.FAILED and item.error is not None:
            return found._replace(problems=(*found.problems, item.error))
        if item is None or item.state != WorkState.DONE:
            return found
        prepared = PrepareResult.model_validate(item.result)
        findings = (*found.findings, *prepared.findings)
        return found._replace(prepared=prepared, findings=findings, known=found.known | {WorkKind.PREPARE})

    def _paired(self, planned: Planned, video: Source, audio: Source, found: Found) -> Found:
        """With how both meet, and what would be generated."""
        try:
            laid = check_pair(video.media, audio.media, planned.sync.mode, planned.sync.tolerance_frames)
        except DublineError as error:
            return found._replace(problems=(*found.problems, error.problem()))
        found = found._replace(plan=laid, findings=(*found.findings, *laid.findings))
        if planned.models is None:
            return found
        facts = flow.JobFacts(
            job_id="preflight",
            video=video,
            audio=audio,
            sync=planned.sync,
            seed=planned.seed,
            models=planned.models,
            scope=flow.scope_of(planned.organisation_id, planned.sharing),
            shared_by=planned.organisation_id if planned.sharing is Sharing.ORGANISATION else "",
            seeds=planned.seeds,
            kept_shots=frozenset(planned.kept_shots),
            earlier=earlier_of(self.work, planned.earlier, video),
        )
        if facts.earlier is not None:
            if planned.refused:
                return found
            (compare,) = (s for s in flow.plan(Phase.ANALYZING, facts, None) if s.kind is WorkKind.COMPARE)
            waiting: list[Waits] = []
            item = self._item(planned, compare, waiting, "compare")
            found = found._replace(compares=True, waiting_for=(*found.waiting_for, *waiting))
            if item is None or item.state != WorkState.DONE:
                return found
            facts = facts._replace(compared=CompareResult.model_validate(item.result))
        return self._counted(planned, facts, found)

    def _counted(self, planned: Planned, facts: flow.JobFacts, found: Found) -> Found:
        """With the chunks that there would be, and those that would have to be generated."""
        if found.prepared is None:
            return found
        specs = [
            *flow.plan(Phase.ENCODING, facts, found.prepared),
            *flow.plan(Phase.ANALYZING, facts, None),
            *flow.plan(Phase.GENERATING, facts, found.prepared),
        ]
        items = self.work.items.known(planned.organisation_id, {spec.key for spec in specs})
        done = {key for key, item in items.items() if item.state == WorkState.DONE}
        chunks = [(spec.key, spec.payload) for spec in specs if isinstance(spec.payload, InferTask)]
        encoded = {spec.kind for spec in specs if spec.kind is not WorkKind.INFER and spec.key in done}
        louder = () if facts.compared is None else facts.compared.findings
        return found._replace(
            chunks=tuple(task for _, task in chunks),
            generated=tuple(task for key, task in chunks if key not in done),
            known=found.known | encoded,
            findings=(*found.findings, *louder),
        )

    def _item(self, planned: Planned, spec: ItemSpec, waiting: list[Waits], name: Waits) -> WorkItem | None:
        """The item, if it has ended. Else it is asked for, as urgently as a usual job would, and waited for."""
        item = self.work.items.known(planned.organisation_id, [spec.key]).get(spec.key)
        if item is not None and item.state in (WorkState.DONE, WorkState.FAILED):
            return item
        item_id, state = self.work.items.want(spec, planned.organisation_id, self.max_attempts, seconds=_WANTED)
        if state is WorkState.PENDING:
            self.work.ring(Ring(spec.kind, item_id))
        waiting.append(name)
        return None


def _source(asset: Asset, result: ProbeResult) -> Source:
    return Source(asset_id=asset.id, key=asset.object_key, filename=asset.filename, sha256=result.sha256, media=result.media)


class Effect(NamedTuple):
    """What a sync mode does: ``fits``, ``cuts``, ``fills`` or ``refuses``, and with how many milliseconds of sound."""

    does: str
    ms: int = 0


def effects(video: MediaInfo, audio: MediaInfo, tolerance_frames: int) -> dict[SyncMode, Effect]:
    """What every sync mode would do with a pair; both have their stream."""
    return {mode: _effect(video, audio, mode, tolerance_frames) for mode in SyncMode}


def _effect(video: MediaInfo, audio: MediaInfo, mode: SyncMode, tolerance_frames: int) -> Effect:
    try:
        laid = check_pair(video, audio, mode, tolerance_frames)
    except DurationMismatch:
        return Effect("refuses")
    sound = _sound(audio)
    cut = sound.spread - laid.keep
    if cut > 0:
        return Effect("cuts", _ms(Fraction(cut, laid.sample_rate)))
    return Effect("fills", _ms(Fraction(laid.pad, laid.sample_rate))) if laid.pad else Effect("fits")


def _sound(audio: MediaInfo) -> AudioInfo:
    if audio.audio is None:
        message = "the sound was checked before"
        raise ValueError(message)
    return audio.audio


def _ms(seconds: Fraction) -> int:
    return round(seconds * 1000)


def frames_of(found: Found) -> int:
    """How many frames would get new mouths, of those that are known."""
    return sum(task.chunk.end - task.chunk.keep_from for task in found.generated or ())
