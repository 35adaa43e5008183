"""PUBLISH: from a run's candidate to a served version, through the gate, or to a refusal with every figure.

The order keeps whoever submits a job meanwhile safe: the version that serves is written down first, so that a folder which is
only being checked is nobody's choice. Doing it again after a crash repeats each step with the same result.
"""

import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

import structlog

from dubbing import clock
from dubbing.db.engine import Database
from dubbing.db.training_models import ModelRelease, TrainingRun
from dubbing.db.unit_of_work import UnitOfWork, unit_of_work
from dubbing.domain.jobs import Models
from dubbing.domain.training import ReleaseState
from dubbing.domain.work import PublishResult, PublishTask
from dubbing.errors import DublineError, GateFailed, GoldenCheckFailed, ModelUnavailable, ObjectMissing
from dubbing.inference.versions import pin_again, pin_all
from dubbing.queue.context import Context
from dubbing.settings import S3Settings, TrainerSettings, TritonSettings
from dubbing.storage.store import ObjectStore
from services.trainer.common.event_files import EVENT_FILES, EventFiles
from services.trainer.common.folder_store import get_folder
from services.trainer.metrics.gate import compare, differences
from services.trainer.models import repository
from services.trainer.release.child import ask
from services.trainer.release.gate_dataset import GateDataset, gate_dataset

_T = TypeVar("_T")

log = structlog.get_logger()


@dataclass(frozen=True)
class Places:
    """Where things are: served repository, server, MediaPipe's model, and the store, where the gate's footage may lie."""

    models: Path
    triton: TritonSettings
    landmarker: Path
    s3: S3Settings


class Publisher:
    """Handler of ``publish`` items."""

    def __init__(self, database: Database, store: ObjectStore, settings: TrainerSettings, places: Places) -> None:
        self._database, self._store, self._settings, self._places = database, store, settings, places

    def __call__(self, task: PublishTask, context: Context) -> PublishResult:
        """Judge one release.

        Raises:
            ModelUnavailable: the inference server is away; the release stays undecided and is tried again.
            DublineError: the candidate cannot be read or measured.
        """
        del context
        release, run = self._transact(lambda work: self._read(work, task.release_id))
        if release.state != ReleaseState.CHECKING:
            return PublishResult(state=ReleaseState(release.state))
        folder = self._settings.scratch / "publish" / release.id
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        try:
            return PublishResult(state=self._judge(release, run, folder))
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _judge(self, release: ModelRelease, run: TrainingRun, folder: Path) -> ReleaseState:
        candidate, preset, models = folder / "candidate", release.preset, self._places.models
        # First what can be told without a download or a measurement: what the operator owes, and a server that is away.
        measured_by = gate_dataset(preset, self._settings, self._places.s3)
        repository.check_server(self._places.triton)
        if run.candidate_key is None:
            raise ObjectMissing(f"Run {run.id} has no candidate.")
        get_folder(self._store, run.candidate_key, candidate, repository.models_of(preset))
        folders = repository.folders_of(candidate, models, preset)
        ours = self._measure(release.id, "candidate", repository.as_version_1(folders, folder / "shown"), measured_by)
        verdict = compare(ours, self._incumbent(release, folder, measured_by), measured_by.rules)
        figures = [asdict(figure) for figure in verdict.figures]
        self._note(release.id, metrics=ours, figures=figures)
        gated = {f"gate/{figure.name}": figure.candidate for figure in verdict.figures}
        EventFiles(self._settings.scratch / EVENT_FILES / run.id).figures(run.step, gated)
        if not verdict.passed:
            detail = f"The candidate is worse than the incumbent: {differences(verdict.figures)}."
            return self._refuse(release.id, GateFailed(detail, where={"figures": verdict.worse}))
        self._write_down_others(preset)
        used, others = repository.highest_version(models, preset), repository.sharing(preset)
        version = self._transact(lambda work: work.releases.number(release.id, others, used))
        try:
            self._serve(folders, preset, version, {"metrics": ours, "figures": figures, "version": version})
        except GoldenCheckFailed as error:
            return self._refuse(release.id, error)
        return self._transact(lambda work: self._pass(work, release.id, version))

    def _serve(self, folders: dict[str, Path], preset: str, version: int, about: dict[str, Any]) -> None:
        """Place a version, load and check it; one that does not pass is taken away again."""
        try:
            self._check_served(folders, preset, version, about)
        except BaseException:
            self._withdraw(preset, version)
            raise

    def _check_served(self, folders: dict[str, Path], preset: str, version: int, about: dict[str, Any]) -> None:
        places = self._places
        repository.place(folders, places.models, version, about)
        repository.load(places.triton, preset, version)
        found = ask("golden", str(places.models), preset, str(version), places.triton.url)
        log.info("golden_checked", preset=preset, version=version, **found)
        if found["fault"] is not None:
            raise GoldenCheckFailed(found["fault"], where={"model": preset, "version": version}, media=found)

    def _withdraw(self, preset: str, version: int) -> None:
        repository.remove(self._places.models, preset, version)
        try:
            repository.forget(self._places.triton, self._places.models, preset)
        except ModelUnavailable as error:
            log.warning("version_not_unloaded", preset=preset, version=version, reason=error.detail)

    def _written_down(self, preset: str) -> ModelRelease | None:
        """The release that serves, which from now on no folder beside it replaces; None when nothing serves."""
        try:
            models = pin_all(self._places.models, preset)
        except ModelUnavailable:
            return None
        return self._transact(lambda work: self._adopted(work, preset, models))

    def _adopted(self, work: UnitOfWork, preset: str, models: Models) -> ModelRelease:
        active = work.releases.adopt(preset, models)
        released = Models.model_validate(active.models)
        work.releases.follow(preset, released, pin_again(self._places.models, released))
        return active

    def _write_down_others(self, preset: str) -> None:
        """The same for the presets that share encoders with this one: theirs lie where its new version will."""
        for other in repository.sharing(preset):
            self._written_down(other)

    def _incumbent(self, release: ModelRelease, folder: Path, measured_by: GateDataset) -> dict[str, Any] | None:
        """Figures of the version that serves, measured on this very set; None when nothing serves."""
        active = self._written_down(release.preset)
        if active is None:
            return None
        known: dict[str, Any] = active.metrics or {}
        if {name: known.get(name) for name in measured_by.about} == measured_by.about:
            return known
        served = repository.folders_in(self._places.models, Models.model_validate(active.models))
        figures = self._measure(release.id, "incumbent", repository.as_version_1(served, folder / "incumbent"), measured_by)
        self._note(active.id, metrics=figures)
        return figures

    def _measure(self, release_id: str, model: str, models: Path, measured_by: GateDataset) -> dict[str, Any]:
        """Figures of the ``model`` (candidate or incumbent) in ``models``; the release tells how far it is."""
        began = clock.monotonic()

        def advance(done: int, of: int) -> None:
            left = (clock.monotonic() - began) / done * (of - done)
            self._note(release_id, progress={"model": model, "done": done, "of": of, "eta_seconds": round(left, 1)})

        return ask("measure", str(models), str(self._places.landmarker), *measured_by.arguments, advance=advance)

    def _refuse(self, release_id: str, error: DublineError) -> ReleaseState:
        log.info("release_refused", release_id=release_id, code=error.code, detail=error.detail)

        def refuse(work: UnitOfWork) -> ReleaseState:
            work.releases.reject(work.releases.get(release_id), ReleaseState.REJECTED, error.problem())
            return ReleaseState.REJECTED

        return self._transact(refuse)

    def _pass(self, work: UnitOfWork, release_id: str, version: int) -> ReleaseState:
        release = work.releases.get(release_id)
        work.releases.pass_(release, pin_all(self._places.models, release.preset, version))
        if release.run_id is not None:
            run = work.runs.lock(release.run_id)
            run.version = version
            work.runs.event(run.id, "run.published", {"version": version, "state": release.state, "share": release.share})
        return ReleaseState(release.state)

    def _note(self, release_id: str, **values: Any) -> None:
        def note(work: UnitOfWork) -> None:
            release = work.releases.get(release_id)
            for name, value in values.items():
                setattr(release, name, value)

        self._transact(note)

    @staticmethod
    def _read(work: UnitOfWork, release_id: str) -> tuple[ModelRelease, TrainingRun]:
        release = work.releases.get(release_id)
        if release.run_id is None:
            raise ObjectMissing(f"Release {release_id} comes of no run.")
        return release, work.runs.lock(release.run_id)

    def _transact(self, do: Callable[[UnitOfWork], _T]) -> _T:
        with unit_of_work(self._database.sessions(), lambda _: None) as work:
            return do(work)
