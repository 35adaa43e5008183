"""The models behind a real Triton server, with random weights: what a client sees of blocks, refusals and metrics."""

import hashlib
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from shutil import copytree, rmtree
from types import SimpleNamespace

import httpx
import numpy as np
import pytest
import torch
from triton_chunks import TINY, Chunk, Weights, fill_and_empty, infer, request_of, run_chunk, tensors_of
from triton_metrics import metrics, slots_in_use
from tritonclient import grpc
from tritonclient.utils import InferenceServerException
from waiting import until

from dubbing import ids
from dubbing.domain.faces import Chunk as PlannedChunk
from dubbing.domain.jobs import ModelPin
from dubbing.domain.work import InferTask, OpenSequence
from dubbing.errors import Cancelled, ChunkFailed, ModelUnavailable
from dubbing.inference.calls import TritonCalls
from dubbing.inference.triton import TritonEngine
from lipforcing.contract import SYNCNET, StudentTensor, frames_in_block
from lipforcing.mask import grey_mouth
from lipforcing.vae.base import from_uint8
from services.stack import models
from services.stack.bootstrap import triton_settings
from services.worker.engines import Engines
from services.worker.infer import InferHandler
from services.worker.latents import save_latents, save_speech

pytestmark = [pytest.mark.stack]


def cancelled(server: dict[str, str]) -> float:
    """Requests to the student that were withdrawn while they waited."""
    name = f'nv_inference_request_failure{{model="{TINY.student}",reason="CANCELED",version="1"}} '
    lines = httpx.get(server["DUBLINE_TRITON_METRICS_URL"]).text.splitlines()
    return float(next(line for line in lines if line.startswith(name)).removeprefix(name))


class MemoryStore(dict[str, bytes]):
    """Objects in a dict."""

    put_bytes, get_bytes = dict.__setitem__, dict.__getitem__


def test_a_chunk_comes_back_block_by_block_as_the_library_generates_it_offline(
    client: grpc.InferenceServerClient, weights: Weights
) -> None:
    chunk = Chunk(1, blocks=4)
    frames = [chunk.send(client, block) for block in range(4)]
    assert [len(part) for part in frames] == [frames_in_block(block) for block in range(4)]
    difference = np.abs(np.concatenate(frames).astype(int) - chunk.expected(weights).astype(int))
    assert difference.max() <= 1


def test_every_answer_names_the_weights_that_made_it(client: grpc.InferenceServerClient, server: dict[str, str]) -> None:
    answer = infer(client, TINY.student, Chunk(2, 1).inputs(0), sequence_id=2, sequence_start=True, sequence_end=True)
    file = Path(server["repository"]) / TINY.student / "1" / "model.safetensors"
    assert answer.as_numpy(StudentTensor.DIGEST).tobytes() == hashlib.sha256(file.read_bytes()).digest()


def test_concurrent_chunks_keep_their_own_results_to_the_byte(server: dict[str, str], weights: Weights) -> None:
    chunks = [Chunk(10 + number, blocks=5) for number in range(6)]

    before = metrics(server)
    with ThreadPoolExecutor(len(chunks)) as pool:
        results = list(pool.map(partial(run_chunk, server), chunks))
    after = metrics(server)
    for chunk, frames in zip(chunks, results, strict=True):
        assert np.abs(frames.astype(int) - chunk.expected(weights).astype(int)).max() <= 1
    blocks, steps, busy = (
        after[name] - before.get(name, 0.0) for name in ("blocks_total", "steps_total", "block_seconds_total")
    )
    assert blocks == 30
    assert busy > 0.0
    assert after["batch_size"] >= 1
    assert (after["slots_in_use"], after["slots_free"]) == (0, 8)
    assert after["replayed_batches_total"] + after["eager_batches_total"] == after["steps_total"]
    assert after["memory_bytes"] > 0
    assert steps < blocks if torch.cuda.is_available() else steps == blocks
    assert after["frames_total"] - before.get("frames_total", 0.0) == 6 * (9 + 4 * 12)
    if not torch.cuda.is_available():
        np.testing.assert_array_equal(run_chunk(server, chunks[0]), results[0])


def test_every_model_tells_what_it_computes_on(server: dict[str, str]) -> None:
    found = models.read(triton_settings(server), Path(server["repository"]), server["DUBLINE_TRITON_METRICS_URL"])
    devices = {model.name: model.device for model in found if model.state is models.ModelState.READY}
    assert set(devices) == {TINY.student, TINY.face_encoder, TINY.speech_encoder, SYNCNET}
    assert all(devices.values())
    assert set(devices.values()) == {"cpu"} or torch.cuda.is_available()


def test_a_foreign_block_is_refused_and_the_sequence_goes_on(client: grpc.InferenceServerClient, weights: Weights) -> None:
    chunk = Chunk(30, blocks=3)
    first = chunk.send(client, 0)
    with pytest.raises(InferenceServerException, match="stale_block: sequence 31 expects nonce 930, not 1"):
        chunk.send(client, 1, NONCE=1)
    with pytest.raises(InferenceServerException, match="expects block 1, not 2"):
        chunk.send(client, 1, BLOCK=2)
    rest = [chunk.send(client, block) for block in (1, 2)]
    frames = np.concatenate([first, *rest])
    assert np.abs(frames.astype(int) - chunk.expected(weights).astype(int)).max() <= 1


def test_a_bad_input_is_named_and_frees_the_slot(client: grpc.InferenceServerClient, server: dict[str, str]) -> None:
    chunk = Chunk(40, blocks=3)
    chunk.send(client, 0)
    chunk.speech[12:] = np.nan
    with pytest.raises(InferenceServerException, match="invalid_block: block 1: SPEECH holds values that are not finite"):
        chunk.send(client, 1)
    with pytest.raises(InferenceServerException, match="is not open"):
        chunk.send(client, 2)
    assert slots_in_use(server, 0) == 0


def keep_busy(server: dict[str, str], number: int, enough: threading.Event) -> tuple[int, np.ndarray]:
    """How many blocks were generated until the word came, and the frames of the last chunk."""
    blocks = 0
    while blocks == 0 or not enough.is_set():
        frames = run_chunk(server, Chunk(number, blocks=2))
        blocks += 2
    return blocks, frames


def test_a_block_that_is_cancelled_while_it_waits_is_not_generated_and_its_slot_is_free(
    server: dict[str, str], client: grpc.InferenceServerClient, weights: Weights
) -> None:
    calls, before = TritonCalls(server["DUBLINE_TRITON_URL"]), metrics(server)["blocks_total"]
    enough, caught = threading.Event(), False
    with ThreadPoolExecutor(7) as pool:  # on each process of the model three or four wait for one another
        running = [pool.submit(keep_busy, server, 60 + number, enough) for number in range(7)]
        try:
            for number in range(40, 60):
                gone = Chunk(number, blocks=3)
                gone.send(client, 0)
                withdrawn = cancelled(server)
                client.async_infer(TINY.student, tensors_of(gone.inputs(1)), lambda **_: None, sequence_id=number + 1).cancel()
                assert calls.end(OpenSequence(model=TINY.student, version=1, id=number + 1, nonce=gone.nonce), wait=60.0)
                # Whether the block was still waiting is the server's to say: the word may come too early, or too late.
                if caught := cancelled(server) > withdrawn:
                    break
        finally:
            enough.set()
        others = [future.result() for future in running]
    assert caught, "no block was ever cancelled while it waited"
    generated, tries = metrics(server)["blocks_total"] - before - sum(blocks for blocks, _ in others), number - 39
    assert tries <= generated < 2 * tries
    assert np.abs(others[0][1].astype(int) - Chunk(60, blocks=2).expected(weights).astype(int)).max() <= 1
    with pytest.raises(InferenceServerException, match="START"):
        gone.send(client, 2)
    fill_and_empty(server, range(140, 148))
    assert slots_in_use(server, 0) == 0


class Watcher:
    """Stops waiting when it has been asked once; knows the sequence that was opened."""

    def __init__(self, *, patient: bool = False) -> None:
        self.opened: list[OpenSequence] = []
        self._patient = patient

    def raise_if_canceled(self) -> None:
        if not self._patient:
            raise Cancelled("nobody wants it any more")

    def opens(self, sequence: OpenSequence) -> None:
        self.opened.append(sequence)


def test_chunks_that_are_left_cost_no_generation_and_the_next_ones_begin_at_once(server: dict[str, str]) -> None:
    engine, before = TritonEngine(server["DUBLINE_TRITON_URL"], "tiny"), metrics(server)["blocks_total"]
    left = [engine.generate(request_of(Chunk(200 + number, blocks=3))) for number in range(8)]
    for chunk in left:
        next(chunk)
    assert slots_in_use(server, 8) == 8
    for chunk in left:
        chunk.close()
    assert slots_in_use(server, 0) == 0
    assert metrics(server)["blocks_total"] - before == 8
    following = [engine.generate(request_of(Chunk(210 + number, blocks=1))) for number in range(8)]
    assert [len(next(chunk).frames_VHWC) for chunk in following] == [9] * 8


def test_a_sequence_is_ended_by_another_process_that_knows_of_it(server: dict[str, str]) -> None:
    holder, taker = TritonEngine(server["DUBLINE_TRITON_URL"], "tiny", 1), TritonCalls(server["DUBLINE_TRITON_URL"])
    watch = Watcher(patient=True)
    chunk = holder.generate(request_of(Chunk(220, blocks=3)), watch)
    next(chunk)
    (sequence,) = watch.opened
    assert slots_in_use(server, 1) == 1
    assert taker.end(sequence)
    assert slots_in_use(server, 0) == 0
    with pytest.raises(ModelUnavailable):
        next(chunk)
    assert taker.end(sequence)  # there is none any more, which is as good


def test_who_waits_for_a_slot_stops_as_soon_as_nobody_wants_the_chunk(
    server: dict[str, str], client: grpc.InferenceServerClient
) -> None:
    holders = [Chunk(230 + number, blocks=2) for number in range(8)]
    for chunk in holders:
        chunk.send(client, 0)
    began = time.monotonic()
    for number in range(4):
        with pytest.raises(Cancelled):
            next(TritonEngine(server["DUBLINE_TRITON_URL"], "tiny").generate(request_of(Chunk(240 + number, 2)), Watcher()))
    assert time.monotonic() - began < 60  # half a second each; the server would keep them for two minutes
    blocks = metrics(server)["blocks_total"]
    for chunk in holders:
        chunk.send(client, 1)
    assert slots_in_use(server, 0) == 0
    assert metrics(server)["blocks_total"] - blocks == 8  # and none for those that are gone


def test_without_a_free_slot_a_chunk_waits_and_is_then_told_that_the_model_is_unavailable(
    server: dict[str, str], client: grpc.InferenceServerClient
) -> None:
    holders = [Chunk(70 + number, blocks=2) for number in range(8)]
    for chunk in holders:
        chunk.send(client, 0)
    assert slots_in_use(server, 8) == 8
    request = request_of(Chunk(80, blocks=1))
    with pytest.raises(ModelUnavailable, match="Deadline Exceeded") as caught:
        next(TritonEngine(server["DUBLINE_TRITON_URL"], "tiny", timeout=1.0).generate(request))
    assert caught.value.code == "model_unavailable"
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(run_chunk, server, Chunk(81, blocks=1))
        time.sleep(0.5)
        assert not waiting.done()
        for chunk in holders:
            chunk.send(client, 1)
        assert len(waiting.result()) == 9
    assert slots_in_use(server, 0) == 0


def test_slots_of_silent_clients_are_given_to_others(server: dict[str, str], client: grpc.InferenceServerClient) -> None:
    config = client.get_model_config(TINY.student, as_json=True)["config"]
    config["sequence_batching"]["max_sequence_idle_microseconds"] = "6000000"
    client.load_model(TINY.student, config=json.dumps(config))
    try:
        silent = [Chunk(90 + number, blocks=2) for number in range(8)]
        for chunk in silent:
            chunk.send(client, 0)
        time.sleep(7)
        with ThreadPoolExecutor(8) as pool:  # as many as there are slots, so that every instance gets some
            # One block each: on a busy machine a client may well be silent for 6 seconds between two.
            others = pool.map(partial(run_chunk, server), [Chunk(160 + number, blocks=1) for number in range(8)])
        assert [len(frames) for frames in others] == [9] * 8
        with pytest.raises(InferenceServerException, match=r"START|is not open"):
            silent[0].send(client, 1)
        assert slots_in_use(server, 0) == 0
    finally:
        client.load_model(TINY.student)


def test_an_output_that_is_no_number_fails_its_chunk_frees_its_slot_and_stores_nothing(
    server: dict[str, str], client: grpc.InferenceServerClient
) -> None:
    broken, folder = Weights(), Path(server["repository"]) / TINY.student
    broken.network.head.head.weight.data.fill_(1e38)
    broken.write_student(folder / "2")
    client.load_model(TINY.student)
    chunk, store = Chunk(110, blocks=2), MemoryStore()
    save_latents(store, "latents", request_of(chunk).latents)
    save_speech(store, ids.speech_window_key("speech/", 0), chunk.speech)
    task = InferTask(
        job_id="job_1", chunk=PlannedChunk(index=110, track=0, shot=0, start=0, keep_from=0, end=21), seed=5, preset="tiny",
        student=ModelPin(name=TINY.student, digest="0" * 64), latents_key="latents", speech_prefix="speech/", output_key="out",
    )  # fmt: skip
    item = SimpleNamespace(attempt=1, sequence=None)
    context = SimpleNamespace(item=item, progress=lambda *_: None, opens=lambda _: None, raise_if_canceled=lambda: None)
    try:
        with pytest.raises(ChunkFailed, match="non_finite_output: block 0 of chunk 110 is not finite"):
            InferHandler(store, Engines(partial(TritonEngine, server["DUBLINE_TRITON_URL"])))(task, context)
        assert "out" not in store
        assert slots_in_use(server, 0, version=2) == 0
    finally:
        rmtree(folder / "2")
        client.load_model(TINY.student)


def test_an_unknown_model_is_named_in_the_refusal(client: grpc.InferenceServerClient, server: dict[str, str]) -> None:
    with pytest.raises(InferenceServerException, match=r"unknown model.*lip_student_7b"):
        infer(client, "lip_student_7b", Chunk(120, 1).inputs(0), sequence_id=121, sequence_start=True, sequence_end=True)
    repository = Path(server["repository"])
    copytree(repository / TINY.student, repository / "lip_student_7b")
    config = repository / "lip_student_7b" / "config.pbtxt"
    config.write_text(config.read_text().replace(TINY.student, "lip_student_7b"))
    with pytest.raises(InferenceServerException, match="the backend lipforcing has no model named lip_student_7b"):
        client.load_model("lip_student_7b")
    assert client.is_model_ready(TINY.student)


def test_a_model_is_unloaded_and_loaded_on_request(client: grpc.InferenceServerClient) -> None:
    inputs = {"WAVEFORM": np.zeros(16_000, np.float32), "FRAME_TIMES": np.zeros(1), "LEVEL": np.ones(2, np.float32)}
    client.unload_model(TINY.speech_encoder)
    until(lambda: not client.is_model_ready(TINY.speech_encoder), "the model is not unloaded")
    with pytest.raises(InferenceServerException, match=TINY.speech_encoder):
        infer(client, TINY.speech_encoder, inputs)
    client.load_model(TINY.speech_encoder)
    assert infer(client, TINY.speech_encoder, inputs).as_numpy("FEATURES").shape == (1, TINY.speech_features)


def test_faces_and_speech_are_encoded_as_the_library_does(client: grpc.InferenceServerClient, weights: Weights) -> None:
    crops = np.random.default_rng(1).integers(0, 256, (21, 128, 128, 3), np.uint8)
    answer = infer(client, TINY.face_encoder, {"CROPS": crops})
    x = from_uint8(torch.from_numpy(crops))[None]
    with torch.no_grad():
        for name, clip in (("REFERENCE", x), ("MASKED", grey_mouth(x))):
            want = weights.codec.encode(clip)[0].transpose(0, 1).numpy()
            np.testing.assert_allclose(answer.as_numpy(name).astype(np.float32), want, atol=5e-3)
        sound = np.sin(np.arange(32_000) / 20.0).astype(np.float32)
        times = np.arange(40) / 25.0
        inputs = {"WAVEFORM": sound, "FRAME_TIMES": times, "LEVEL": np.array([0.0, 0.7], np.float32)}
        got = infer(client, TINY.speech_encoder, inputs).as_numpy("FEATURES")
        want = weights.speech(torch.from_numpy(sound), torch.from_numpy(times)).numpy()
    np.testing.assert_allclose(got.astype(np.float32), want, atol=5e-3)


def test_wrong_shapes_are_refused_with_the_shape_that_is_wanted(client: grpc.InferenceServerClient) -> None:
    crops = np.zeros((10, 128, 128, 3), np.uint8)
    with pytest.raises(InferenceServerException, match=r"CROPS must have shape \[9 \+ 12k, 128, 128, 3\]"):
        infer(client, TINY.face_encoder, {"CROPS": crops})


def test_a_model_without_weights_is_unavailable_with_a_reason_while_the_others_serve(
    client: grpc.InferenceServerClient, server: dict[str, str]
) -> None:
    repository = Path(server["repository"])
    (repository / "lip_student_14b" / "1").mkdir(exist_ok=True)
    with pytest.raises(InferenceServerException, match=r"model.safetensors|model.json"):
        client.load_model("lip_student_14b")
    reasons = {entry.name: entry.reason for entry in client.get_model_repository_index().models}
    assert "is absent; make it with `dubline weights" in reasons["lip_student_14b"]
    assert client.is_model_ready(TINY.student)


def test_damaged_weights_are_refused(client: grpc.InferenceServerClient, server: dict[str, str]) -> None:
    repository = Path(server["repository"])
    copytree(repository / TINY.face_encoder / "1", repository / TINY.face_encoder / "2")
    file = repository / TINY.face_encoder / "2" / "model.safetensors"
    damaged = bytearray(file.read_bytes())
    damaged[-1] ^= 1
    file.write_bytes(damaged)
    with pytest.raises(InferenceServerException, match="sha256"):
        client.load_model(TINY.face_encoder)
    assert client.is_model_ready(TINY.face_encoder, "1")
