"""The Triton backend ``lipforcing``: one Python-based backend for every model, which differ in name, weights and configuration.

Only this module knows Triton. A model whose version folder is absent or damaged raises in ``initialize``, which makes that
model unavailable with its reason while the others serve on.

Choices:
- A block is answered through its response sender as soon as its frames exist, before the context pass; so the clients' next
  blocks queue up while that pass runs, and are batched.
- Where a device is lost its blocks are answered first, so that their clients try elsewhere, and then the server is ended.
- Every error that this code meets is answered with a code of ours (``contract.Refusal``): a message without one is the
  server's own, and means that this process has died.
- Tensors cross by DLPack: the server's own numpy bridge is built for numpy 1 and hands out empty arrays under numpy 2.

Wire: student tensors have a leading batch dimension of 1, because Triton batches sequences; encoder tensors have none.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
import torch.utils.dlpack
import triton_python_backend_utils as pb_utils
from numpy.typing import NDArray

from lipforcing.contract import (
    NO_BLOCK,
    STUDENTS,
    SYNCNET,
    FaceEncoderTensor,
    SpeechEncoderTensor,
    StudentContract,
    StudentTensor,
    SyncNetTensor,
)
from lipforcing.serving import gpu
from lipforcing.serving.encoders import FaceEncoder, SpeechEncoder
from lipforcing.serving.engine import BatchReport, BlockRequest, Engine, Frames, Tuning
from lipforcing.serving.errors import (
    CancelledError,
    DeviceLostError,
    InvalidBlockError,
    OutOfMemoryServingError,
    ServingError,
    UnavailableError,
    failure,
)
from lipforcing.serving.loading import LoadedStudent, load_face_encoder, load_served_syncnet, load_speech_encoder, load_student
from lipforcing.serving.slots import Ticket
from lipforcing.serving.sync import SyncJudge

_CODES = {
    InvalidBlockError: "INVALID_ARG",
    UnavailableError: "UNAVAILABLE",
    OutOfMemoryServingError: "UNAVAILABLE",
    CancelledError: "CANCELLED",
}
# Our own limit is a little shorter than Triton's, so that a slot is free when Triton admits the next sequence.
_IDLE_SHARE = 0.9


class Model(Protocol):
    """One model of the repository."""

    def execute(self, requests: list[Any]) -> list[Any] | None:
        """Answer the requests, by the returned list or (None) by their response senders."""


@dataclass(frozen=True, slots=True)
class _Instance:
    """Which instance of which model this is."""

    model: str
    folder: Path
    instance: str
    device: torch.device
    odd: str

    @property
    def labels(self) -> dict[str, str]:
        """By which metrics of one instance are told from others'."""
        return {"model": self.model, "version": self.folder.name, "instance": self.instance}


class TritonPythonModel:
    """What Triton instantiates, once per model instance."""

    def initialize(self, args: dict[str, str]) -> None:
        """Load the weights of one model.

        Raises:
            WeightsError: the version folder is absent, damaged or holds something else, or the GPU cannot hold it.
            NoGpuError: a large model, and no GPU to compute on.
        """
        name, folder = args["model_name"], Path(args["model_repository"]) / args["model_version"]
        contract = _contract_of(name)
        small = contract is None or contract.demo
        device, odd = gpu.device_for(args["model_instance_kind"], int(args["model_instance_device_id"]), demo=small)
        if odd:
            pb_utils.Logger.log_warn(f"{name}: {odd}")
        place = _Instance(name, folder, args["model_instance_name"], device, odd)
        self._where = _Device(place)
        self._model = _build(contract, place, json.loads(args["model_config"]))

    def execute(self, requests: list[Any]) -> list[Any] | None:
        """Answer a batch of requests."""
        return self._model.execute(requests)


def _contract_of(name: str) -> StudentContract | None:
    """Whose model this is; None for SyncNet, which belongs to no student."""
    if name == SYNCNET:
        return None
    for contract in STUDENTS.values():
        if name in (contract.student, contract.face_encoder, contract.speech_encoder):
            return contract
    raise ValueError(f"the backend lipforcing has no model named {name}")


def _build(contract: StudentContract | None, place: _Instance, config: dict[str, Any]) -> Model:
    name, folder, device = place.model, place.folder, place.device
    if contract is None:
        return _EncoderModel(partial(_compare, SyncJudge(load_served_syncnet(folder, device))), device)
    if name == contract.student:
        return _StudentModel(place, config)
    if name == contract.face_encoder:
        faces = FaceEncoder(load_face_encoder(folder, name, device), contract.crop)
        return _EncoderModel(partial(_encode_faces, faces), device)
    return _EncoderModel(partial(_encode_speech, SpeechEncoder(load_speech_encoder(folder, name, device))), device)


class _StudentModel:
    def __init__(self, place: _Instance, config: dict[str, Any]) -> None:
        batching, parameters = config["sequence_batching"], _parameters(config)
        idle = int(batching["max_sequence_idle_microseconds"]) * 1e-6 * _IDLE_SHARE
        slots = int(batching["oldest"]["max_candidate_sequences"])
        tuning = Tuning(compile=parameters.get("compile") == "true", attention=parameters.get("attention", "auto"))
        loaded = load_student(place.folder, place.device, fp8=parameters.get("fp8") == "true", slots=slots)
        self._engine = Engine(loaded.student, loaded.codec, slots, idle, gated=True, tuning=tuning)
        self._digest = np.array([list(loaded.digest)], np.uint8)
        self._metrics = _Metrics(place, loaded, self._engine, slots)
        self._warn(place.model, loaded)
        # Beside other lanes a float32 sum may round otherwise. On a CPU company gains little, so there every block goes alone,
        # and a chunk that is generated again, beside whatever, is the same bytes.
        self._device = place.device
        self._together = gpu.is_gpu(place.device)

    def _warn(self, name: str, loaded: LoadedStudent) -> None:
        """Say once what is not as it was asked for, and what the graphs take."""
        for refusal in (self._engine.uncompiled, loaded.fp8.uncompiled if loaded.fp8 else ""):
            if refusal:
                pb_utils.Logger.log_warn(f"{name}: {refusal}; it runs uncompiled")
        if (captured := self._engine.captured) is None:
            return
        gib = captured.bytes / 2**30
        pb_utils.Logger.log_info(f"{name}: {captured.shapes} graphs captured in {captured.seconds:.1f} s, {gib:.2f} GiB")
        if captured.failed:
            stages, reason = next(iter(captured.failed.items()))
            failed = f"{len(captured.failed)} graphs were not captured (the first, for lanes at stages {stages}: {reason})"
            pb_utils.Logger.log_warn(f"{name}: {failed}; such batches run eagerly")

    def execute(self, requests: list[Any]) -> None:
        answers = _Answers(requests, self._digest)
        places = list(range(len(requests)))
        try:
            for batch in [places] if self._together else [[place] for place in places]:
                self._step({place: requests[place] for place in batch}, answers)
        except Exception as error:  # noqa: BLE001 - outside of the blocks themselves; whatever it is, it must have a code
            answers.fail(failure(error, self._device))

    def _step(self, requests: dict[int, Any], answers: "_Answers") -> None:
        """Generate a block for each request, or drop its sequence when its client is gone or wants no more of it."""
        blocks: dict[int, BlockRequest] = {}
        for place, request in requests.items():
            block = _block(request)
            if block.ticket.block == NO_BLOCK or request.is_cancelled():
                self._engine.cancel(block.ticket)
                answers.give(place, None if block.ticket.block == NO_BLOCK else CancelledError("its client is gone"))
            else:
                blocks[place] = block
        order = list(blocks)

        def respond(index: int, result: Frames | ServingError) -> None:
            # The server drops the sequence of a client that goes away meanwhile, and sends no END.
            if requests[order[index]].is_cancelled():
                self._engine.cancel(blocks[order[index]].ticket)
            answers.give(order[index], result)

        self._metrics.add(self._engine.step(list(blocks.values()), respond))
        if self._engine.lost:
            _leave()


class _Answers:
    """The answers to a batch of blocks: each leaves as soon as it is there, and there is one for each."""

    def __init__(self, requests: list[Any], digest: NDArray[np.uint8]) -> None:
        self._digest = digest
        self._senders = {place: request.get_response_sender() for place, request in enumerate(requests)}

    def give(self, place: int, result: Frames | ServingError | None) -> None:
        """Answer with frames, with what was wrong, or (a sequence that was ended) with nothing."""
        error = result if isinstance(result, ServingError) else None
        frames = result if isinstance(result, np.ndarray) else None
        outputs: dict[str, NDArray[Any]] = (
            {} if frames is None else {StudentTensor.FRAMES: frames[None], StudentTensor.DIGEST: self._digest}
        )
        self._senders.pop(place).send(_response(error, outputs), flags=pb_utils.TRITONSERVER_RESPONSE_COMPLETE_FINAL)

    def fail(self, error: ServingError) -> None:
        """Answer all that have none yet."""
        for place in list(self._senders):
            self.give(place, error)


class _EncoderModel:
    """A stateless model: ``encode`` makes outputs out of a request."""

    def __init__(self, encode: Callable[[Any], dict[str, NDArray[Any]]], device: torch.device) -> None:
        self._encode, self._device = encode, device

    def execute(self, requests: list[Any]) -> list[Any]:
        return [self._answer(request) for request in requests]

    def _answer(self, request: Any) -> Any:
        try:
            return _response(None, self._encode(request))
        except ServingError as error:
            return _response(error, {})
        except Exception as error:  # noqa: BLE001 - a request fails alone, the others of the batch are answered
            broken = failure(error, self._device)
            if isinstance(broken, DeviceLostError):
                _leave()
            return _response(broken, {})


def _encode_faces(encoder: FaceEncoder, request: Any) -> dict[str, NDArray[Any]]:
    reference, masked = encoder.encode(_input(request, FaceEncoderTensor.CROPS))
    return {FaceEncoderTensor.REFERENCE: reference, FaceEncoderTensor.MASKED: masked}


def _encode_speech(encoder: SpeechEncoder, request: Any) -> dict[str, NDArray[Any]]:
    names = SpeechEncoderTensor
    waveform, times, level = (_input(request, name) for name in (names.WAVEFORM, names.FRAME_TIMES, names.LEVEL))
    return {names.FEATURES: encoder.encode(waveform, times, level)}


def _compare(judge: SyncJudge, request: Any) -> dict[str, NDArray[Any]]:
    names = SyncNetTensor
    pictures, waveform, inside = (_input(request, name) for name in (names.PICTURES, names.WAVEFORM, names.INSIDE))
    return {names.DISTANCES: judge.distances(pictures, waveform, inside)}


def _leave() -> None:
    pb_utils.Logger.log_error("the device is lost; the server ends, to be started again with the devices that are left")
    gpu.end_server()


class _Device:
    """Tells where an instance computes: the metric ``lipforcing_device``, whose value is always 1."""

    def __init__(self, place: _Instance) -> None:
        family = pb_utils.MetricFamily(
            name="lipforcing_device", description="Where an instance computes, and what is odd about it",
            kind=pb_utils.MetricFamily.GAUGE,
        )  # fmt: skip
        metric = family.Metric(labels={**place.labels, "device": gpu.name(place.device), "odd": place.odd})
        metric.set(1)
        self._kept = (family, metric)


class _Metrics:
    """Custom metrics on Triton's own metrics port, all labelled with model, version and instance: each knows its own share."""

    def __init__(self, place: _Instance, loaded: LoadedStudent, engine: Engine, slots: int) -> None:
        counter, gauge = pb_utils.MetricFamily.COUNTER, pb_utils.MetricFamily.GAUGE
        self._labels, self._device, self._total = place.labels, place.device, slots
        self._families: dict[str, Any] = {}
        metric = self._metric
        self._slots = metric("slots_in_use", "Sequences that hold a slot of the K/V cache", gauge)
        self._free = metric("slots_free", "Slots of the K/V cache that no sequence holds", gauge)
        self._batch = metric("batch_size", "Blocks that shared the last forward pass", gauge)
        self._steps = metric("steps_total", "Batches of blocks generated", counter)
        self._replayed = metric("replayed_batches_total", "Batches that were a replay of a CUDA graph", counter)
        self._eager = metric("eager_batches_total", "Batches that ran operation by operation, as all do on a CPU", counter)
        self._blocks = metric("blocks_total", "Blocks generated", counter)
        self._frames = metric("frames_total", "Video frames answered", counter)
        self._seconds = metric("block_seconds_total", "Seconds from the start of a batch to its last answer", counter)
        self._context = metric("context_seconds_total", "Seconds of context passes after the answers", counter)
        self._report_constants(loaded, engine, gauge)
        self._slots.set(0)  # the server keeps the figures of an instance that died
        self._free.set(slots)

    def _metric(self, name: str, description: str, kind: Any, **labels: str) -> Any:
        if name not in self._families:
            self._families[name] = pb_utils.MetricFamily(name=f"lipforcing_{name}", description=description, kind=kind)
        return self._families[name].Metric(labels=self._labels | labels)

    def _report_constants(self, loaded: LoadedStudent, engine: Engine, gauge: Any) -> None:
        """What stays as it was when the model was loaded; what does not apply is absent."""
        about, captured = "Bytes of memory: by shapes, of graphs as measured, and free on the device", engine.captured
        sizes = {"weights": loaded.need.weights, "slots": loaded.need.slot * self._total}
        if captured is not None:
            sizes |= {"graphs": captured.bytes}
        self._kept = [self._metric("memory_bytes", about, gauge, part=part) for part in sizes]
        for metric, size in zip(self._kept, sizes.values(), strict=True):
            metric.set(size)
        self._unheld = self._metric("memory_bytes", about, gauge, part="free") if captured is not None else None
        figures = {
            "graphs": ("CUDA graphs that were captured", captured and captured.shapes),
            "graph_capture_failures": ("CUDA graphs that could not be captured", captured and len(captured.failed)),
            "fp8_psnr_db": ("PSNR of frames in FP8 against bf16 when the model was loaded", loaded.fp8 and loaded.fp8.psnr),
        }
        for name, (description, figure) in figures.items():
            if figure is not None:
                self._kept.append(self._metric(name, description, gauge))
                self._kept[-1].set(figure)

    def add(self, report: BatchReport) -> None:
        self._slots.set(report.slots)
        self._free.set(self._total - report.slots)
        if not report.lanes:
            return
        self._batch.set(report.lanes)
        self._steps.increment(1)
        (self._replayed if report.replayed else self._eager).increment(1)
        self._blocks.increment(report.lanes)
        self._frames.increment(report.frames)
        self._seconds.increment(report.seconds)
        self._context.increment(report.context_seconds)
        if self._unheld is not None:
            self._unheld.set(gpu.free_bytes(self._device))


def _parameters(config: dict[str, Any]) -> dict[str, str]:
    return {name: str(value.get("string_value", "")) for name, value in config.get("parameters", {}).items()}


def _block(request: Any) -> BlockRequest:
    names = StudentTensor
    seed, nonce, chunk, block, start, end, sequence = (
        int(_input(request, name).reshape(-1)[0])
        for name in (names.SEED, names.NONCE, names.CHUNK, names.BLOCK, "START", "END", "CORRID")
    )
    ticket = Ticket(sequence, nonce, seed, chunk, block, bool(start), bool(end))
    reference, masked, speech = (_input(request, name)[0] for name in (names.REFERENCE, names.MASKED, names.SPEECH))
    return BlockRequest(ticket, reference, masked, speech)


def _input(request: Any, name: str) -> NDArray[Any]:
    array: NDArray[Any] = torch.utils.dlpack.from_dlpack(pb_utils.get_input_tensor_by_name(request, str(name))).numpy()
    return array


def _response(error: ServingError | None, outputs: dict[str, NDArray[Any]]) -> Any:
    if error is not None:
        code = getattr(pb_utils.TritonError, _CODES.get(type(error), "INTERNAL"))
        return pb_utils.InferenceResponse(error=pb_utils.TritonError(str(error), code))
    tensors = [pb_utils.Tensor.from_dlpack(str(name), torch.from_numpy(array)) for name, array in outputs.items()]
    return pb_utils.InferenceResponse(tensors)
