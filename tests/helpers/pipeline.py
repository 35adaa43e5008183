"""A job without its processes: the real handlers, called one after another in the order that the flow plans."""

import hashlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from dubbing.domain.frozen import Frozen
from dubbing.domain.jobs import ModelPin, Models, Phase, Sync
from dubbing.domain.media import SyncMode
from dubbing.domain.work import (
    CompareResult,
    EncodeSpeechTask,
    InferTask,
    ItemSpec,
    LeasedItem,
    ProbeTask,
    Source,
    StitchResult,
    WorkKind,
)
from dubbing.faces.detector import MediaPipeDetector
from dubbing.faces.hands import MediaPipeHands
from dubbing.inference.engine import LipSyncEngine
from dubbing.inference.passthrough import PassthroughEngine
from dubbing.media.encode import EncodeSettings
from dubbing.media.isolated import Reader
from dubbing.media.mux import MuxSettings
from dubbing.queue.context import Context
from dubbing.queue.runner import Handlers
from dubbing.settings import MediaSettings
from dubbing.storage.sources import SourceCache
from dubbing.storage.store import ObjectStore
from dubbing.workflow import flow
from services.stitcher.scorer import Scorer
from services.stitcher.stitch import Delivery, Stitcher
from services.worker.compare import CompareHandler
from services.worker.customer_files import CustomerFiles
from services.worker.encode_face import EncodeFaceHandler
from services.worker.encode_speech import EncodeSpeechHandler
from services.worker.engines import Engines
from services.worker.infer import InferHandler
from services.worker.prepare import PrepareHandler
from services.worker.probe import ProbeHandler

_DIGEST = hashlib.sha256(b"passthrough").hexdigest()
_MODELS = Models(
    preset="tiny",
    demo=True,
    student=ModelPin(name="lip_student_tiny", digest=_DIGEST),
    face_encoder=ModelPin(name="face_encoder_tiny", digest=_DIGEST),
    speech_encoder=ModelPin(name="speech_encoder_tiny", digest=_DIGEST),
)


class Listener(Context):
    """A context that nobody cancels; keeps what it was told."""

    def __init__(self, item: LeasedItem) -> None:
        self.item = item
        self.progressed: list[tuple[int, int]] = []
        self.phases: list[Phase] = []
        self.parts: list[Frozen] = []

    def raise_if_canceled(self) -> None:
        """Never."""

    def progress(self, done: int, total: int) -> None:
        """Note it."""
        self.progressed.append((done, total))

    def partial_result(self, result: Frozen) -> None:
        """Note it."""
        self.parts.append(result)

    def phase(self, phase: Phase) -> None:
        """Note it."""
        self.phases.append(phase)


class _NoFiles(CustomerFiles):
    """No file lies elsewhere."""

    def __init__(self) -> None:
        """Needs nothing."""


class Pipeline:
    """Every handler over one object store.

    Args:
        store: an object store.
        scratch: a folder for local copies.
        engine: opens the engine of a preset; by default the one that changes nothing.
    """

    def __init__(self, store: ObjectStore, scratch: Path, engine: Callable[[str], LipSyncEngine] = PassthroughEngine) -> None:
        self.store = store
        self.models = _MODELS
        self.contexts: dict[str, Listener] = {}
        self.specs: dict[str, list[ItemSpec]] = {}
        sources = SourceCache(store, scratch / "sources", 1 << 33)
        detector = partial(MediaPipeDetector, MediaSettings().face_model)
        engines = Engines(lambda preset, _: engine(preset))
        delivery = Delivery(scratch / "outputs", EncodeSettings(preset="ultrafast"), MuxSettings())
        self._handlers = Handlers()
        self._handlers.add("probe", ProbeHandler(store, sources, Reader(MediaSettings().reading_bytes), _NoFiles()))
        self._handlers.add(
            "prepare", PrepareHandler(store, sources, detector, partial(MediaPipeHands, MediaSettings().hand_model))
        )
        self._handlers.add("compare", CompareHandler(sources))
        self._handlers.add("encode_face", EncodeFaceHandler(store, sources, engines))
        self._handlers.add("encode_speech", EncodeSpeechHandler(store, sources, engines))
        self._handlers.add("infer", InferHandler(store, engines))
        self._handlers.add("stitch", Stitcher(store, sources, detector, delivery, Scorer()))

    def dub(self, video: Path, audio: Path, mode: SyncMode = SyncMode.STRICT, job_id: str = "job_1") -> StitchResult:
        """The whole job; raises whatever would fail it."""
        facts = [self._probed(path, role) for path, role in ((video, "video"), (audio, "audio"))]
        return self._through(flow.JobFacts(job_id, *facts, sync=Sync(mode=mode), seed=1, models=_MODELS))

    def render(
        self, video: Path, audio: Path, job_id: str, earlier: str | None = None, kept_shots: frozenset[int] = frozenset()
    ) -> StitchResult:
        """A revision of a title's language, after the job ``earlier``; shots can keep the original picture."""
        facts = [self._probed(path, role) for path, role in ((video, "video"), (audio, "audio"))]
        job = flow.JobFacts(job_id, *facts, sync=Sync(), seed=1, models=_MODELS, shared_by="studio", kept_shots=kept_shots)
        if earlier is not None:
            before = [spec.payload for spec in self.specs[earlier]]
            (speech,) = (task for task in before if isinstance(task, EncodeSpeechTask))
            chunks = {task.chunk.index: task for task in before if isinstance(task, InferTask)}
            job = job._replace(earlier=flow.Earlier(speech, chunks))
        return self._through(job)

    def _through(self, job: flow.JobFacts) -> StitchResult:
        prepared, result = None, None
        specs = self.specs[job.job_id] = list[ItemSpec]()
        for phase in (Phase.ANALYZING, Phase.ENCODING, Phase.GENERATING, Phase.STITCHING):
            for spec in flow.plan(phase, job, prepared):
                specs.append(spec)
                if spec.kind is WorkKind.INFER and spec.shared and spec.key in self.contexts:
                    continue
                result = self._run(spec.kind, spec.key, spec.payload)
                prepared = result if spec.kind is WorkKind.PREPARE else prepared
                job = job._replace(compared=result) if isinstance(result, CompareResult) else job
        assert isinstance(result, StitchResult)
        return result

    def fetch(self, result: StitchResult, folder: Path) -> Path:
        """The master as a file."""
        path = folder / "master.mp4"
        stored = self.store.get_file(result.output_key, path)
        assert stored.sha256 == result.receipt.output_video.sha256
        return path

    def _probed(self, path: Path, role: str) -> Source:
        name = hashlib.sha256(str(path).encode()).hexdigest()[:12]
        key = f"assets/{name}/source{path.suffix}"
        self.store.put_file(key, path)
        task = ProbeTask(asset_id=f"ast_{name}", key=key, filename=path.name, claimed_sha256=None, role=role)
        found: Any = self._run(WorkKind.PROBE, f"probe:{name}:{role}", task)
        return Source(asset_id=task.asset_id, key=key, filename=path.name, sha256=found.sha256, media=found.media)

    def _run(self, kind: WorkKind, key: str, payload: Frozen) -> Frozen:
        item = LeasedItem(
            id=key, kind=kind, key=key, payload=payload.model_dump(mode="json"), lease_owner="test", attempt=1, max_attempts=8
        )
        self.contexts[key] = Listener(item)
        return self._handlers.run(item, self.contexts[key])
