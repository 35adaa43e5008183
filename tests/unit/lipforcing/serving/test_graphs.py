"""CUDA graphs serve production: rehearsed with a recorder, whose replays compute what eager blocks compute."""

import gc
import random
import threading
import weakref
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import replace
from unittest import mock

import numpy as np
import pytest
import torch
from recorder import rehearsal
from serving_engines import LENGTHS, Enlarger, alone, arrivals, sequence, step, student
from torch._dynamo.utils import counters
from waiting import LIMIT

from lipforcing.noise import block_noise
from lipforcing.serving.engine import BatchReport, BlockRequest, Engine, Frames, Tuning
from lipforcing.serving.errors import BlockFailedError, DeviceLostError
from lipforcing.serving.graphs import Graphed, Stages, even_shapes, shapes_of

F64 = torch.float64
CHUNK_BLOCKS = 8  # of production (services.worker.prepare)


def engine(slots: int, tuning: Tuning | None = None) -> Engine:
    return Engine(student(F64), Enlarger(), slots, tuning=tuning)


def serve(server: Engine, batches: Iterator[list[BlockRequest]]) -> tuple[dict[int, list[Frames]], list[BatchReport]]:
    got: dict[int, list[Frames]] = {}
    reports = []
    for batch in batches:
        answers, report = step(server, *batch)
        reports.append(report)
        for request, answer in zip(batch, answers, strict=True):
            assert isinstance(answer, np.ndarray), answer
            got.setdefault(request.ticket.sequence, []).append(answer)
    return got, reports


def test_every_batch_of_sequences_that_come_and_go_is_replayed_and_equals_running_alone() -> None:
    lengths = {number: LENGTHS[number] for number in (1, 3, 8)}
    with rehearsal() as recorder:
        server = engine(3)
        before = recorder.replays
        got, reports = serve(server, arrivals(lengths))
    assert max(report.lanes for report in reports) == 3
    assert all(report.replayed for report in reports)
    # A batch is one replay, and another for its context pass unless all of its sequences have ended.
    assert len(reports) < recorder.replays - before <= 2 * len(reports)
    for number, blocks in lengths.items():
        for a, b in zip(got[number], alone(number, blocks, F64), strict=True):
            np.testing.assert_array_equal(a, b)


def test_graphs_know_every_combination_of_stages_of_eight_lanes_and_the_even_ones_of_more() -> None:
    assert [len(shapes_of(lanes)) for lanes in (1, 4, 8, 16)] == [3, 34, 164, 164 + 24]
    assert shapes_of(2) == [(2, 2), (1, 2), (1, 1), (0, 2), (0, 1), (0, 0), (2,), (1,), (0,)]


def production(lanes: int, chunks: int) -> Iterator[list[BlockRequest]]:
    """Workers that each stream one chunk after another; half of the time all answers came at once, and all go on together,
    otherwise some are late. One chunk in ten is the short end of a track."""
    dice, numbers = random.Random(lanes), iter(range(1, chunks + 1))

    def chunk() -> list[BlockRequest]:
        length = dice.randrange(1, CHUNK_BLOCKS) if dice.random() < 0.1 else CHUNK_BLOCKS
        return next((sequence(number, length) for number in numbers), [])

    waiting = [chunk() for _ in range(lanes)]
    while any(waiting):
        together = dice.random() < 0.5
        if ready := [lane for lane in range(lanes) if waiting[lane] and (together or dice.random() < 0.6)]:
            yield [waiting[lane].pop(0) for lane in ready]
        waiting = [blocks or chunk() for blocks in waiting]


@pytest.mark.parametrize(("lanes", "before"), [(1, 0.75), (8, 0.35)])
def test_nearly_all_batches_of_production_replay_where_most_used_to_run_eagerly(lanes: int, before: float) -> None:
    with rehearsal(dry=True):
        server = Engine(student(torch.float32), Enlarger(), lanes, gated=True)
        captured = server.captured
        _, reports = serve(server, production(lanes, 8 * lanes))
    assert captured is not None
    assert captured.shapes == len(shapes_of(lanes))
    share = sum(report.replayed for report in reports) / len(reports)
    assert share >= 0.95
    # Graphs of steady blocks alone, even if all of them had been captured beforehand:
    steady = [min(request.ticket.block for request in batch) >= 2 for batch in production(lanes, 8 * lanes)]
    assert sum(steady) / len(steady) <= before


def test_a_capture_that_fails_costs_nobody_anything() -> None:
    every = shapes_of(3)
    # A broken capture is one, a whole one two: of the denoising and of the context pass.
    broken = {2 * every.index(shape) - before for before, shape in enumerate([(0, 1, 2), (1,), (0,)])}
    with rehearsal(broken) as recorder:
        server = engine(3)
        captured = server.captured
        assert captured is not None
        assert len(captured.failed) == 3
        assert captured.shapes == 16
        assert all("not permitted when stream is capturing" in reason for reason in captured.failed.values())
        replays = recorder.replays
        batches = ([sequence(1, 5)[0]], [sequence(1, 5)[1]], [sequence(1, 5)[2], sequence(2, 5)[0]])
        got, reports = serve(server, iter(batches))
        later = (
            [sequence(1, 5)[3], sequence(2, 5)[1], sequence(3, 5)[0]],
            [sequence(n, 5)[b] for n, b in ((1, 4), (2, 2), (3, 1))],
        )
        more, later_reports = serve(server, iter(later))
    assert [report.replayed for report in reports + later_reports] == [False, False, True, False, True]
    assert recorder.replays > replays
    for number, frames in got.items():
        for a, b in zip(frames + more[number], alone(number, 5, F64), strict=False):
            np.testing.assert_array_equal(a, b)


def test_a_sequence_whose_first_block_alone_has_no_graph_goes_on_beside_two_others() -> None:
    """The first capture of three lanes fails; every sequence ends, and blocks that have graphs are replayed."""
    with rehearsal({0}):
        server = engine(3, Tuning(shapes=even_shapes([3, 2, 1])))
        batches = ([sequence(n, 4)[block] for n in (1, 2, 3)] for block in range(4))
        got, reports = serve(server, batches)
    assert [report.replayed for report in reports] == [True, True, False, False]
    for number in (1, 2, 3):
        np.testing.assert_array_equal(np.concatenate(got[number]), np.concatenate(alone(number, 4, F64)))


def test_only_the_shapes_that_were_asked_for_are_captured() -> None:
    with rehearsal() as recorder:
        server = engine(4, Tuning(shapes=even_shapes([4])))
    assert server.captured is not None
    assert (server.captured.shapes, recorder.captures, recorder.streams > 0) == (3, 6, True)
    assert server.captured.bytes > 0


@pytest.mark.parametrize("attention", ["auto", "cudnn", "flash"])
def test_every_kind_of_attention_serves(attention: str) -> None:
    with rehearsal():
        got, _ = serve(engine(1, Tuning(attention=attention)), ([block] for block in sequence(1, 3)))
    np.testing.assert_array_equal(np.concatenate(got[1]), np.concatenate(alone(1, 3, F64)))


def test_everything_is_compiled_before_the_first_capture() -> None:
    def warming(graphs: Graphed, shapes: Sequence[Stages]) -> None:
        warm_up(graphs, shapes)
        compiled.append(counters["stats"]["unique_graphs"])

    torch._dynamo.reset()
    counters.clear()
    compiled, warm_up = [], Graphed._warm_up
    with rehearsal(dry=True), mock.patch.object(Graphed, "_warm_up", warming):
        server = Engine(student(torch.float32), Enlarger(), 3, tuning=Tuning(compile=True))
    assert server.captured is not None
    assert not server.captured.failed
    assert compiled[0] > 0
    assert counters["stats"]["unique_graphs"] == compiled[0]


def test_an_unknown_kind_of_attention_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(ValueError, match="attention is one of auto, cudnn, flash, not sage"):
        engine(1, Tuning(attention="sage"))


def test_a_graph_serves_whatever_slots_a_batch_has() -> None:
    with rehearsal():
        server = engine(3)
        for number in (1, 2, 3):
            step(server, replace(sequence(number, 4)[0]))
        # 1 and 3 are neighbours in no sense but that of the batch.
        for block in (1, 2, 3):
            answers, report = step(server, sequence(3, 4)[block], sequence(1, 4)[block])
            assert report.replayed
    np.testing.assert_array_equal(answers[0], alone(3, 4, F64)[3])
    np.testing.assert_array_equal(answers[1], alone(1, 4, F64)[3])


@pytest.mark.parametrize("rehearsed", [False, True])
def test_an_engine_that_nobody_holds_gives_its_memory_back_at_once(rehearsed: bool) -> None:
    def served() -> tuple[weakref.ref[object], ...]:
        server = engine(2, Tuning(shapes=even_shapes([1])))
        step(server, sequence(1, 2)[0])
        return weakref.ref(server), weakref.ref(server.cache), weakref.ref(server.cache.keys[0])

    gc.disable()
    try:
        with rehearsal() if rehearsed else nullcontext():
            assert [held() for held in served()] == [None] * 3
    finally:
        gc.enable()


def test_a_lost_device_is_told_from_a_failed_batch() -> None:
    broken = mock.Mock(side_effect=RuntimeError("CUDA error: unspecified launch failure"))
    with rehearsal() as recorder:
        server = engine(2)
        step(server, sequence(1, 3)[0])
        with mock.patch.object(server._codec, "decode_step", broken):
            (failed,), _ = step(server, sequence(1, 3)[1])
        assert type(failed) is BlockFailedError
        assert not server.lost
        recorder.lost = True
        with mock.patch.object(server._codec, "decoder_state", broken):
            (gone,), _ = step(server, sequence(2, 3)[0])
    assert isinstance(gone, DeviceLostError)
    assert "unspecified launch failure" in str(gone)
    assert server.lost


def test_the_next_blocks_noise_is_drawn_while_the_context_pass_runs() -> None:
    drawn = {block: threading.Event() for block in range(3)}

    def noting(seed: int, chunk: int, block: int, draw: int, shape: tuple[int, ...]) -> torch.Tensor:
        noise = block_noise(seed, chunk, block, draw, shape)
        drawn[block].set()
        return noise

    server = engine(1)

    def context(*_: object) -> None:
        assert drawn[1].wait(LIMIT)

    with (
        mock.patch("lipforcing.serving.noise_prefetch.block_noise", noting),
        mock.patch("lipforcing.rollout._context", context),
    ):
        step(server, sequence(1, 2)[0])
    # The context pass ended because block 1's noise was there; nobody had asked for that block yet.
    assert [drawn[block].is_set() for block in range(3)] == [True, True, False]
