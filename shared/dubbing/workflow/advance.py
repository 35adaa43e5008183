"""Moves jobs on: after any work item ends, decide in the same transaction what comes next.

Every decision is made under the job's row lock. Of two last chunks that end at once, the second waits for the first one's
commit and counts its row too, and exactly one wins the conditional UPDATE of the phase. Calling it again changes nothing;
the sweeper does, for jobs whose last step was lost.
"""

from typing import NamedTuple

from dubbing.db.models import Job
from dubbing.db.unit_of_work import UnitOfWork
from dubbing.domain.jobs import TERMINAL, Chosen, JobState, Models, Phase, Sharing, Sync
from dubbing.domain.media import READING
from dubbing.domain.work import (
    KINDS_OF,
    CompareResult,
    EncodeResult,
    EncodeSpeechTask,
    InferTask,
    ItemSpec,
    PrepareResult,
    ProbeResult,
    ProbeTask,
    Ring,
    Source,
    StitchResult,
    WorkKind,
    WorkState,
)
from dubbing.errors import DublineError
from dubbing.workflow import flow
from dubbing.workflow.files import StoredFiles, probe_of


class Advancer(NamedTuple):
    """The flow, bound to one transaction."""

    work: UnitOfWork
    max_attempts: int

    def begin(self, job: Job) -> None:
        """Ask for the first items of a new job, and go on if they are done already."""
        self._probe(job)
        self.advance(job.id)

    def _probe(self, job: Job) -> None:
        assets = self.work.assets.by_ids(filter(None, (job.video_asset, job.audio_asset)))
        chosen = Chosen.model_validate(job.options.get("chosen", {}))
        files = {"video": job.video_asset, "audio": job.audio_asset}
        self._ask(job, [probe_of(assets[file], role, chosen) for role, file in files.items() if file is not None])

    def item_ended(self, item_id: str) -> None:
        """Advance every unfinished job that needs the item, and whatever else it is a step of: a run, a release, a delivery."""
        for job_id in self.work.jobs.lock_needing(item_id):
            self.advance(job_id)
        self.work.ring(*self.work.runs.settle(item_id, self.max_attempts))
        self.work.releases.settle(item_id)
        self.work.ring(*self.work.webhooks.settle(item_id))
        self.work.deliveries.settle(item_id)
        StoredFiles(self.work, self.max_attempts).settle(item_id)

    def advance(self, job_id: str) -> None:
        """Move the job as far as its finished items allow."""
        job = self.work.jobs.lock(job_id)
        while job.state not in TERMINAL:
            if job.state == JobState.CANCELING:
                self._cancel(job)
                return
            phase = Phase(job.phase)
            undone, error = self.work.jobs.open_items(job.id, KINDS_OF[phase])
            if phase is Phase.ENCODING and error is None:  # of chunks that are generated meanwhile
                _, error = self.work.jobs.open_items(job.id, KINDS_OF[Phase.GENERATING])
            if error is not None:
                self._fail(job, error)
                return
            if undone:
                if phase is Phase.ENCODING:
                    self._generate_early(job)
                return
            if phase is Phase.ANALYZING and job.audio_asset is None:
                self._analysed(job)
                return
            if phase not in flow.NEXT:
                self._succeed(job)
                return
            if not self._next(job, phase):
                return
            job = self.work.jobs.lock(job_id)

    def _next(self, job: Job, phase: Phase) -> bool:
        try:
            if phase is Phase.PROBING and not self._probed(job):
                return False
            specs = self._plan(job, flow.NEXT[phase])
        except DublineError as error:
            self._fail(job, error.problem())
            return False
        if not self.work.jobs.enter(job.id, flow.NEXT[phase], leaving=phase):
            return False
        self.work.jobs.event(job.id, "job.phase", {"phase": flow.NEXT[phase], "items": len(specs)})
        self._ask(job, specs)
        return True

    def _generate_early(self, job: Job) -> None:
        """Ask for the chunks whose latents are stored while others are still being encoded; a repeat asks for nothing new."""
        faces, *others = sorted(
            self.work.items.results(job.id, KINDS_OF[Phase.ENCODING]), key=lambda item: item.kind != WorkKind.ENCODE_FACE
        )
        stored = set(EncodeResult.model_validate(faces.result).chunks) if faces.result else set()
        if not stored or any(item.state != WorkState.DONE for item in others):
            return
        asked = self.work.items.keys(job.id, WorkKind.INFER)
        if len(asked) >= len(stored):
            return
        specs = [spec for spec in flow.generatable(*self._facts(job), stored) if spec.key not in asked]
        if specs:
            self.work.jobs.begin_early(job.id, Phase.GENERATING)
            self._ask(job, specs)

    def _ask(self, job: Job, specs: list[ItemSpec]) -> None:
        # In key order: two jobs that ask for the same shared items then take their row locks in the same order.
        for spec in sorted(specs, key=lambda spec: spec.key):
            ((item_id, state),) = self.work.items.ensure(job, [spec], self.max_attempts)
            if state is WorkState.PENDING:
                self.work.ring(Ring(spec.kind, item_id))

    def _probed(self, job: Job) -> bool:
        """Note what the probes found; False while a file that was read before an upgrade is being read anew."""
        if any(source.media.reading != READING for source in self._sources(job).values()):
            self._probe(job)
            if self.work.jobs.open_items(job.id, KINDS_OF[Phase.PROBING])[0]:
                return False
        for source in self._sources(job).values():
            StoredFiles(self.work, self.max_attempts).probed(source.asset_id, source.sha256, source.media)
        return True

    def _plan(self, job: Job, phase: Phase) -> list[ItemSpec]:
        if job.audio_asset is None:
            return [flow.prepare(self._sources(job)["video"], flow.scope_of(job.organisation_id, job.options.get("sharing")))]
        return flow.plan(phase, *self._facts(job))

    def _facts(self, job: Job) -> tuple[flow.JobFacts, PrepareResult | None]:
        read = self._sources(job)
        compared = [CompareResult.model_validate(item.result) for item in self.work.items.results(job.id, [WorkKind.COMPARE])]
        prepared = [PrepareResult.model_validate(item.result) for item in self.work.items.results(job.id, [WorkKind.PREPARE])]
        plan = flow.JobFacts(
            job_id=job.id,
            video=read["video"],
            audio=read["audio"],
            sync=Sync.model_validate(job.sync),
            seed=job.seed,
            models=Models.model_validate(job.models),
            name=job.options.get("name"),
            scope=flow.scope_of(job.organisation_id, job.options.get("sharing")),
            shared_by=_shared_by(job),
            seeds={int(shot): seed for shot, seed in job.options.get("seeds", {}).items()},
            kept_shots=frozenset(job.options.get("kept_shots", ())),
            earlier=earlier_of(self.work, job.options.get("earlier"), read["video"]),
            compared=next(iter(compared), None),
        )
        return plan, prepared[0] if prepared else None

    def _sources(self, job: Job) -> dict[str, Source]:
        """What the probes found, by role; facts that are read in today's way win over older ones."""
        found: dict[str, Source] = {}
        for item in self.work.items.results(job.id, [WorkKind.PROBE]):
            if item.state != WorkState.DONE:
                continue
            task, result = ProbeTask.model_validate(item.payload), ProbeResult.model_validate(item.result)
            known = found.get(task.role)
            if known is None or known.media.reading != READING:
                found[task.role] = Source(
                    asset_id=task.asset_id,
                    key=task.key,
                    filename=task.filename,
                    sha256=result.sha256,
                    media=result.media,
                )
        return found

    def _succeed(self, job: Job) -> None:
        (item,) = self.work.items.results(job.id, [WorkKind.STITCH])
        result = StitchResult.model_validate(item.result)
        warnings = [finding.model_dump(mode="json") for finding in result.warnings]
        if self.work.jobs.finish(job.id, _ended(warnings), output=result.model_dump(mode="json"), warnings=warnings):
            ended = self.work.jobs.lock(job.id)
            self.work.reviews.delivered(ended)
            self.deliver(ended)

    def deliver(self, job: Job) -> None:
        """Send the master of a locked job to the bucket that waits for it, unless it waits for approval itself."""
        if job.output is None or self.work.reviews.withheld([job.id]):
            return
        self.work.ring(*self.work.deliveries.begin(job, StitchResult.model_validate(job.output), self.max_attempts))

    def _analysed(self, job: Job) -> None:
        (item,) = self.work.items.results(job.id, [WorkKind.PREPARE])
        findings = (*self._sources(job)["video"].media.findings, *PrepareResult.model_validate(item.result).findings)
        warnings = [finding.model_dump(mode="json") for finding in findings]
        self.work.jobs.finish(job.id, _ended(warnings), warnings=warnings)

    def _fail(self, job: Job, error: dict[str, object]) -> None:
        if self.work.jobs.finish(job.id, JobState.FAILED, error=error):
            self.work.items.cancel_unwanted(job.id)

    def _cancel(self, job: Job) -> None:
        if self.work.items.cancel_unwanted(job.id) == 0:
            self.work.jobs.finish(job.id, JobState.CANCELED)


def earlier_of(work: UnitOfWork, job_id: str | None, video: Source) -> flow.Earlier | None:
    """What the job left whose chunks are kept; None where there is none, or of another picture."""
    done = work.items.results(job_id or "", [WorkKind.ENCODE_SPEECH, WorkKind.INFER])
    speech = [EncodeSpeechTask.model_validate(item.payload) for item in done if item.kind == WorkKind.ENCODE_SPEECH]
    chunks = [InferTask.model_validate(item.payload) for item in done if item.kind == WorkKind.INFER]
    if not speech or (speech[0].video.sha256, speech[0].video.media.video) != (video.sha256, video.media.video):
        return None
    return flow.Earlier(speech[0], {task.chunk.index: task for task in chunks})


def _shared_by(job: Job) -> str | None:
    match job.options.get("sharing"):
        case Sharing.ORGANISATION:
            return job.organisation_id
        case Sharing.INSTALLATION:
            return ""
        case _:  # a job of before
            return job.organisation_id if job.title_id is not None else None


def _ended(warnings: list[dict[str, object]]) -> JobState:
    return JobState.SUCCEEDED_WITH_WARNINGS if warnings else JobState.SUCCEEDED
