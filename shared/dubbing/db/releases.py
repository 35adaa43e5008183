"""Versions of the served models: for each preset one check at a time, one active, at most one canary; rollback is an UPDATE."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from dubbing import ids
from dubbing.db.items import WorkItems
from dubbing.db.models import WorkItem
from dubbing.db.times import now
from dubbing.db.training_models import ModelRelease, TrainingRun
from dubbing.domain.jobs import Models
from dubbing.domain.training import ReleaseState, RunState
from dubbing.domain.work import PublishTask, Ring, WorkKind, WorkState
from dubbing.errors import Conflict, ModelUnavailable, NotFound, PublishInProgress

_DRAWS = 10_000


class Releases:
    """Repository of model versions. Never commits."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def publish(self, run: TrainingRun, preset: str, share: float, max_attempts: int) -> tuple[ModelRelease, Ring]:
        """Begin to publish what a run made.

        Raises:
            Conflict: the run has made nothing yet, or is a version already.
            PublishInProgress: another run is being published for the preset.
        """
        if run.state != RunState.SUCCEEDED or run.candidate_key is None:
            raise Conflict(f"Run {run.id} is {run.state}; only a run that succeeded can be published.")
        if run.version is not None:
            raise Conflict(f"Run {run.id} is version {run.version} of {preset} already.")
        release = ModelRelease(
            id=ids.new_id("rel"), preset=preset, run_id=run.id, state=ReleaseState.CHECKING, share=share, figures=[]
        )
        try:
            with self._session.begin_nested():
                self._session.add(release)
                self._session.flush()
        except IntegrityError as error:
            raise PublishInProgress(
                f"Another run is being published as a version of {preset}.",
                where={"model": preset},
                suggestions=("wait until it is decided, then publish again",),
            ) from error
        task = PublishTask(release_id=release.id)
        item_id = WorkItems(self._session).add(
            WorkKind.PUBLISH, f"publish:{release.id}", task, run.organisation_id, max_attempts
        )
        release.work_item_id = item_id
        self._session.flush()
        return release, Ring(WorkKind.PUBLISH, item_id)

    def get(self, release_id: str) -> ModelRelease:
        """One release, locked until commit."""
        wanted = select(ModelRelease).where(ModelRelease.id == release_id).with_for_update(key_share=True)
        return self._session.scalars(wanted.execution_options(populate_existing=True)).one()

    def of(self, preset: str) -> list[ModelRelease]:
        """All releases of a preset, newest first."""
        wanted = select(ModelRelease).where(ModelRelease.preset == preset)
        return list(self._session.scalars(wanted.order_by(ModelRelease.created_at.desc(), ModelRelease.id.desc())))

    def in_state(self, preset: str, state: ReleaseState, *, lock: bool = False) -> ModelRelease | None:
        """The preset's release that is checking, canary or active."""
        wanted = select(ModelRelease).where(ModelRelease.preset == preset, ModelRelease.state == state)
        return self._session.scalar(wanted.with_for_update(key_share=True) if lock else wanted)

    def adopt(self, preset: str, models: Models) -> ModelRelease:
        """The active release; the weights ``models`` become it when nothing was ever published for the preset."""
        known = self.in_state(preset, ReleaseState.ACTIVE, lock=True)
        if known is not None:
            return known
        release = ModelRelease(
            id=ids.new_id("rel"),
            preset=preset,
            version=models.student.version,
            state=ReleaseState.ACTIVE,
            share=1.0,
            models=models.model_dump(mode="json"),
            figures=[],
            decided_at=now(self._session),
        )
        self._session.add(release)
        self._session.flush()
        return release

    def choose(self, preset: str, draw: int) -> Models | None:
        """The models of a new job: the canary's for its share of draws, else the active ones; None when none was released."""
        canary = self.in_state(preset, ReleaseState.CANARY)
        if canary is not None and draw % _DRAWS < canary.share * _DRAWS:
            return Models.model_validate(canary.models)
        active = self.in_state(preset, ReleaseState.ACTIVE)
        return None if active is None else Models.model_validate(active.models)

    def follow(self, preset: str, released: Models, found: Models) -> Models:
        """What a release is now that ``found`` lies where its weights were: what came with the installation may be exchanged.

        What a run made cannot become something else by exchanging files: its figures would be another's.

        Raises:
            ModelUnavailable: a run made what was released, and other weights lie there.
        """
        if found == released:
            return released
        version = released.student.version
        for release in self.of(preset):
            if release.version == version and release.run_id is None:
                release.models, release.metrics = found.model_dump(mode="json"), None  # the gate measures it again
                self._session.flush()
                return found
        raise ModelUnavailable(
            f"Version {version} of {preset} was released with other weights than lie in the model repository now.",
            where={"pointer": "/model", "version": version, "digest": released.student.digest},
            suggestions=(
                "put its files back into the repository",
                f"or go back to the version before: POST /v1/models/{preset}/rollback",
            ),
        )

    def number(self, release_id: str, presets: Sequence[str], used: int) -> int:
        """The version that a release becomes: known before its folders exist, so that a repeat takes the same one.

        Args:
            release_id: of the release.
            presets: that have a model in common with its preset, itself among them; two of them may be published at once.
            used: the highest number that lies in the model repository.
        """
        self._session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended("version", 0))))
        release = self.get(release_id)
        if release.version is None:
            taken = self._session.scalar(select(func.max(ModelRelease.version)).where(ModelRelease.preset.in_(presets)))
            release.version = max(used, taken or 0) + 1
        return release.version

    def pass_(self, release: ModelRelease, models: Models) -> None:
        """A release that was checked goes live: as canary for less than all jobs, else as the active one."""
        release.models, release.version = models.model_dump(mode="json"), models.student.version
        release.decided_at, release.progress = now(self._session), None
        self._leave(release.preset, ReleaseState.CANARY, ReleaseState.REJECTED)
        if release.share < 1.0:
            release.state = ReleaseState.CANARY
        else:
            self._activate(release)
        self._session.flush()

    def reject(self, release: ModelRelease, state: ReleaseState, error: dict[str, Any] | None = None) -> None:
        """A release does not go live."""
        release.state, release.error, release.decided_at, release.progress = state, error, now(self._session), None
        self._session.flush()

    def promote(self, preset: str) -> ModelRelease:
        """The canary serves every new job.

        Raises:
            NotFound: there is none.
        """
        canary = self.in_state(preset, ReleaseState.CANARY, lock=True)
        if canary is None:
            raise NotFound(f"There is no canary of {preset}.", where={"model": preset})
        canary.share = 1.0
        self._activate(canary)
        return canary

    def roll_back(self, preset: str) -> ModelRelease:
        """New jobs get the version before; running ones keep theirs. A canary is simply taken back.

        Raises:
            Conflict: there is no version before.
        """
        canary = self.in_state(preset, ReleaseState.CANARY, lock=True)
        active = self.in_state(preset, ReleaseState.ACTIVE, lock=True)
        if canary is not None and active is not None:
            canary.state = ReleaseState.REJECTED
            self._session.flush()
            return active
        before = None if active is None else self._before(active)
        if active is None or before is None:
            raise Conflict(f"There is no earlier version of {preset} to go back to.", where={"model": preset})
        active.state = ReleaseState.REJECTED
        self._session.flush()
        before.state = ReleaseState.ACTIVE
        self._session.flush()
        return before

    def settle(self, item_id: str) -> None:
        """A publish whose work item failed for good is failed."""
        wanted = select(ModelRelease.id).where(
            ModelRelease.work_item_id == item_id, ModelRelease.state == ReleaseState.CHECKING
        )
        release_id = self._session.scalar(wanted)
        if release_id is None:
            return
        release = self.get(release_id)
        item = self._session.get_one(WorkItem, item_id, populate_existing=True)
        if release.state == ReleaseState.CHECKING and item.state == WorkState.FAILED:
            self.reject(release, ReleaseState.FAILED, item.error)

    def unsettled(self) -> list[str]:
        """Work items that failed while their release still counts on them."""
        wanted = select(WorkItem.id).join(ModelRelease, ModelRelease.work_item_id == WorkItem.id)
        return list(
            self._session.scalars(wanted.where(WorkItem.state == WorkState.FAILED, ModelRelease.state == ReleaseState.CHECKING))
        )

    def _before(self, active: ModelRelease) -> ModelRelease | None:
        """The newest earlier version that served until another took its place; one that was taken back is not among them."""
        wanted = select(ModelRelease).where(
            ModelRelease.preset == active.preset,
            ModelRelease.state == ReleaseState.RETIRED,
            ModelRelease.version < active.version,
        )
        return self._session.scalar(wanted.order_by(ModelRelease.version.desc()).limit(1).with_for_update(key_share=True))

    def _activate(self, release: ModelRelease) -> None:
        self._leave(release.preset, ReleaseState.ACTIVE, ReleaseState.RETIRED)
        release.state = ReleaseState.ACTIVE
        self._session.flush()

    def _leave(self, preset: str, state: ReleaseState, to: ReleaseState) -> None:
        """Make room for another release in ``state``."""
        known = self.in_state(preset, state, lock=True)
        if known is not None:
            known.state = to
            self._session.flush()
