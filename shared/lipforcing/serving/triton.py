"""The Triton backend ``lipforcing``: one Python-based backend for every model, which differ in name, weights and configuration.

Only this module knows Triton. A model whose version folder is absent or damaged raises in ``initialize``, which makes that
model unavailable with its reason while the others serve on.

Choices:
- A block is answered through its response sender as soon as its frames exist, before the context pass; so the clients' next
  blocks queue up while that pass runs, and are batched.
- Every error that this code meets is answered with a code of ours (``contract.Refusal``): a message without one is the
  server's own, and means that this process has died.
- Tensors cross by DLPack: the server's own numpy bridge is built for numpy 1 and hands out empty arrays under numpy 2.

Wire: student tensors have a leading batch dimension of 1, because Triton batches sequences; encoder tensors have none.
"""

import json
import os
import threading
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
import torch.utils.dlpack
import triton_python_backend_utils as pb_utils
from numpy.typing import NDArray

from lipforcing.contract import NO_BLOCK, STUDENTS, FaceEncoderTensor, SpeechEncoderTensor, StudentTensor
from lipforcing.serving.compiled import compile_pointwise
from lipforcing.serving.encoders import FaceEncoder, SpeechEncoder
from lipforcing.serving.engine import BlockRequest, Engine, Frames, StepReport
from lipforcing.serving.errors import (
    CancelledError,
    DeviceLostError,
    InvalidBlockError,
    OutOfMemoryServingError,
    ServingError,
    UnavailableError,
    failure,
)
from lipforcing.serving.loading import load_face_encoder, load_speech_encoder, load_student
from lipforcing.serving.slots import Ticket

_CODES = {
    InvalidBlockError: "INVALID_ARG",
    UnavailableError: "UNAVAILABLE",
    OutOfMemoryServingError: "UNAVAILABLE",
    CancelledError: "CANCELLED",
}
# Our own limit is a little shorter than Triton's, so that a slot is free when Triton admits the next sequence.
_IDLE_SHARE = 0.9
# Seconds for the last answers to leave a process whose device is lost.
_LAST_WORDS = 1.0


class Model(Protocol):
    """One model of the repository."""

    def execute(self, requests: list[Any]) -> list[Any] | None:
        """Answer the requests, by the returned list or (None) by their response senders."""


class TritonPythonModel:
    """What Triton instantiates, once per model instance."""

    def initialize(self, args: dict[str, str]) -> None:
        """Load the weights of one model.

        Raises:
            WeightsError: the version folder is absent, damaged or holds something else.
        """
        folder = Path(args["model_repository"]) / args["model_version"]
        on_gpu = args["model_instance_kind"] == "GPU" and torch.cuda.is_available()
        device = torch.device("cuda", int(args["model_instance_device_id"])) if on_gpu else torch.device("cpu")
        self._model = _build(args["model_name"], folder, json.loads(args["model_config"]), device, args["model_instance_name"])

    def execute(self, requests: list[Any]) -> list[Any] | None:
        """Answer a batch of requests."""
        return self._model.execute(requests)


def _build(name: str, folder: Path, config: dict[str, Any], device: torch.device, instance: str) -> Model:
    for contract in STUDENTS.values():
        if name == contract.student:
            return _StudentModel(name, folder, config, device, instance)
        if name == contract.face_encoder:
            return _FaceModel(FaceEncoder(load_face_encoder(folder, name, device), contract.crop))
        if name == contract.speech_encoder:
            return _SpeechModel(SpeechEncoder(load_speech_encoder(folder, name, device)))
    raise ValueError(f"the backend lipforcing has no model named {name}")


class _StudentModel:
    def __init__(self, name: str, folder: Path, config: dict[str, Any], device: torch.device, instance: str) -> None:
        fp8, fuse = (_switched_on(config, name) for name in ("fp8", "compile"))
        loaded = load_student(folder, device, fp8=fp8)
        batching = config["sequence_batching"]
        idle = int(batching["max_sequence_idle_microseconds"]) * 1e-6 * _IDLE_SHARE
        slots = int(batching["oldest"]["max_candidate_sequences"])
        self._engine = Engine(loaded.student, loaded.codec, slots, idle, gated=True)
        if fuse and (refusal := compile_pointwise(loaded.student.network, self._engine.cache)):
            pb_utils.Logger.log_warn(f"{name}: {refusal}; it runs uncompiled")
        self._digest = np.array([list(loaded.digest)], np.uint8)
        self._metrics = _Metrics(name, folder.name, instance)
        if loaded.fp8_psnr is not None:
            self._metrics.passed_fp8(loaded.fp8_psnr)
        # Beside other lanes a float32 sum may round otherwise. On a CPU company gains little, so there every block goes alone,
        # and a chunk that is generated again, beside whatever, is the same bytes.
        self._together = device.type != "cpu"

    def execute(self, requests: list[Any]) -> None:
        answers = _Answers(requests, self._digest)
        places = list(range(len(requests)))
        try:
            for batch in [places] if self._together else [[place] for place in places]:
                self._step({place: requests[place] for place in batch}, answers)
        except Exception as error:  # noqa: BLE001 - outside of the blocks themselves; whatever it is, it must have a code
            answers.fail(failure(error))

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


class _FaceModel:
    def __init__(self, encoder: FaceEncoder) -> None:
        self._encoder = encoder

    def execute(self, requests: list[Any]) -> list[Any]:
        return [_guarded(self._encode, request) for request in requests]

    def _encode(self, request: Any) -> dict[str, NDArray[Any]]:
        reference, masked = self._encoder.encode(_input(request, FaceEncoderTensor.CROPS))
        return {FaceEncoderTensor.REFERENCE: reference, FaceEncoderTensor.MASKED: masked}


class _SpeechModel:
    def __init__(self, encoder: SpeechEncoder) -> None:
        self._encoder = encoder

    def execute(self, requests: list[Any]) -> list[Any]:
        return [_guarded(self._encode, request) for request in requests]

    def _encode(self, request: Any) -> dict[str, NDArray[Any]]:
        names = SpeechEncoderTensor
        waveform, times, level = (_input(request, name) for name in (names.WAVEFORM, names.FRAME_TIMES, names.LEVEL))
        return {names.FEATURES: self._encoder.encode(waveform, times, level)}


class _Metrics:
    """Custom metrics on Triton's own metrics port, all labelled with model, version and instance: each knows its own share."""

    def __init__(self, model: str, version: str, instance: str) -> None:
        counter, gauge = pb_utils.MetricFamily.COUNTER, pb_utils.MetricFamily.GAUGE
        self._labels = {"model": model, "version": version, "instance": instance}
        self._families: list[Any] = []
        metric = self._metric
        self._slots = metric("slots_in_use", "Sequences that hold a slot of the K/V cache", gauge)
        self._batch = metric("batch_size", "Blocks that shared the last forward pass", gauge)
        self._steps = metric("steps_total", "Batches of blocks generated", counter)
        self._blocks = metric("blocks_total", "Blocks generated", counter)
        self._frames = metric("frames_total", "Video frames answered", counter)
        self._seconds = metric("block_seconds_total", "Seconds from the start of a batch to its last answer", counter)
        self._context = metric("context_seconds_total", "Seconds of context passes after the answers", counter)
        self._slots.set(0)  # the server keeps the figures of an instance that died

    def _metric(self, name: str, description: str, kind: Any) -> Any:
        family = pb_utils.MetricFamily(name=f"lipforcing_{name}", description=description, kind=kind)
        self._families.append(family)
        return family.Metric(labels=self._labels)

    def passed_fp8(self, psnr: float) -> None:
        """Tell what FP8 costs; the metric is absent where FP8 is off."""
        description = "PSNR of frames in FP8 against bf16 when the model was loaded"
        self._fp8 = self._metric("fp8_psnr_db", description, pb_utils.MetricFamily.GAUGE)
        self._fp8.set(psnr)

    def add(self, report: StepReport) -> None:
        self._slots.set(report.slots)
        if not report.lanes:
            return
        self._batch.set(report.lanes)
        self._steps.increment(1)
        self._blocks.increment(report.lanes)
        self._frames.increment(report.frames)
        self._seconds.increment(report.seconds)
        self._context.increment(report.context_seconds)


def _switched_on(config: dict[str, Any], name: str) -> bool:
    return bool(config.get("parameters", {}).get(name, {}).get("string_value") == "true")


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


def _guarded(encode: Any, request: Any) -> Any:
    try:
        return _response(None, encode(request))
    except ServingError as error:
        return _response(error, {})
    except Exception as error:  # noqa: BLE001 - whatever a model raises must have a code
        return _response(failure(error), {})


def _response(error: ServingError | None, outputs: dict[str, NDArray[Any]]) -> Any:
    if isinstance(error, DeviceLostError):
        # Its keeper finds the process dead and has the model loaded again.
        threading.Timer(_LAST_WORDS, os._exit, (1,)).start()
    if error is not None:
        code = getattr(pb_utils.TritonError, _CODES.get(type(error), "INTERNAL"))
        return pb_utils.InferenceResponse(error=pb_utils.TritonError(str(error), code))
    tensors = [pb_utils.Tensor.from_dlpack(str(name), torch.from_numpy(array)) for name, array in outputs.items()]
    return pb_utils.InferenceResponse(tensors)
