"""Continuous batching: neighbours never change a sequence's result, and nothing reaches a slot that is not its own."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch
from serving_engines import LENGTHS, Clock, Enlarger, alone, arrivals, engine, sequence, step, student

from lipforcing.contract import frames_in_block
from lipforcing.serving.engine import BlockRequest, Engine, Frames
from lipforcing.serving.errors import (
    BlockFailedError,
    InvalidBlockError,
    NonFiniteOutputError,
    ServingError,
    StaleBlockError,
    UnavailableError,
)

Sent = list[tuple[BlockRequest, Frames | ServingError]]


@pytest.mark.parametrize(("dtype", "levels"), [(torch.float64, 0), (torch.float32, 1)])
def test_eight_interleaved_sequences_with_random_arrivals_equal_running_alone(dtype: torch.dtype, levels: int) -> None:
    shared = engine(8, dtype)
    got: dict[int, list[Frames]] = {number: [] for number in LENGTHS}
    sizes = []
    for batch in arrivals(LENGTHS):
        answers, report = step(shared, *batch)
        sizes.append(report.lanes)
        for request, answer in zip(batch, answers, strict=True):
            assert isinstance(answer, np.ndarray), answer
            got[request.ticket.sequence].append(answer)
    assert max(sizes) >= 5
    assert len(shared.slots) == 0
    for number, blocks in LENGTHS.items():
        want = alone(number, blocks, dtype)
        assert [len(frames) for frames in want] == [frames_in_block(block) for block in range(blocks)]
        for a, b in zip(got[number], want, strict=True):
            assert np.abs(a.astype(int) - b.astype(int)).max() <= levels


def test_float64_latents_are_bit_equal_in_company_and_alone() -> None:
    def latents(batches: Iterator[list[BlockRequest]]) -> set[bytes]:
        codec = Enlarger()
        server = Engine(student(torch.float64), codec, 8)
        for batch in batches:
            server.step(batch, lambda _index, _result: None)
        return {z.numpy().tobytes() for z in codec.seen}

    together = latents(arrivals(LENGTHS))
    apart = set().union(*(latents([r] for r in sequence(n, blocks)) for n, blocks in LENGTHS.items()))
    assert len(apart) == sum(LENGTHS.values())
    assert together == apart


def run_first_blocks(server: Engine, *numbers: int) -> None:
    answers, _ = step(server, *(sequence(number, 3)[0] for number in numbers))
    assert all(isinstance(answer, np.ndarray) for answer in answers)


CHANGES = {
    "foreign nonce": {"nonce": 5},
    "foreign seed": {"seed": 5},
    "foreign chunk": {"chunk": 5},
    "unknown sequence": {"sequence": 99},
    "repeated block": {"block": 0},
    "skipped block": {"block": 2},
    "second start": {"start": True, "block": 0},
    "start in the middle": {"start": True},
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_block_that_is_not_the_expected_one_is_refused_and_harms_nobody(change: str) -> None:
    server = engine()
    run_first_blocks(server, 1, 2)
    mine, other = sequence(1, 3), sequence(2, 3)
    wrong = replace(mine[1], ticket=replace(mine[1].ticket, **CHANGES[change]))
    (refused, neighbour), _ = step(server, wrong, other[1])
    assert isinstance(refused, StaleBlockError)
    np.testing.assert_array_equal(neighbour, alone(2, 3, torch.float64)[1])
    # The sequence itself goes on as if nothing had happened.
    (mine_now,), _ = step(server, mine[1])
    np.testing.assert_array_equal(mine_now, alone(1, 3, torch.float64)[1])


def test_a_new_attempt_at_a_sequence_replaces_the_old_one() -> None:
    server = engine(slots=1)
    run_first_blocks(server, 1)
    again = sequence(1, 2, nonce=8)
    (first,), _ = step(server, again[0])
    (stale,), _ = step(server, sequence(1, 3)[1])
    (second,), _ = step(server, again[1])
    assert isinstance(stale, StaleBlockError)
    np.testing.assert_array_equal(np.concatenate([first, second]), np.concatenate(alone(1, 2, torch.float64)))


def test_without_a_free_slot_a_sequence_is_told_to_come_back() -> None:
    server = engine(slots=2)
    run_first_blocks(server, 1, 2)
    (answer,), _ = step(server, sequence(3, 2)[0])
    assert isinstance(answer, UnavailableError)
    assert str(answer) == "unavailable: all 2 slots are in use"


def test_behind_a_server_that_counts_a_new_sequence_takes_the_slot_of_the_longest_silent_one() -> None:
    clock = Clock()
    server = engine(slots=2, clock=clock, gated=True)
    for number in (1, 2):
        run_first_blocks(server, number)
        clock.now += 1.0
    # Sequence 1 is the older one, but goes on in the very batch that sequence 3 starts in: 2 is the one that is gone.
    (new, going_on), _ = step(server, sequence(3, 2)[0], sequence(1, 3)[1])
    np.testing.assert_array_equal(new, alone(3, 2, torch.float64)[0])
    np.testing.assert_array_equal(going_on, alone(1, 3, torch.float64)[1])
    (gone,), _ = step(server, sequence(2, 3)[1])
    assert isinstance(gone, StaleBlockError)


def test_a_silent_client_loses_its_slot_to_the_next_one() -> None:
    clock = Clock()
    server = engine(slots=1, clock=clock)
    run_first_blocks(server, 1)
    clock.now = 10.5
    run_first_blocks(server, 2)
    (late,), _ = step(server, sequence(1, 3)[1])
    assert isinstance(late, StaleBlockError)


def test_a_client_whose_block_waits_while_a_slow_model_works_is_not_silent() -> None:
    clock = Clock()
    server = engine(slots=2, clock=clock)
    run_first_blocks(server, 1, 2)

    def after_a_while(_index: int, _result: Frames | ServingError) -> None:
        clock.now += 20.0

    server.step([sequence(1, 3)[1]], after_a_while)
    (waited,), _ = step(server, sequence(2, 3)[1])
    np.testing.assert_array_equal(waited, alone(2, 3, torch.float64)[1])


def test_the_longest_silent_one_is_known_however_long_the_model_worked_meanwhile() -> None:
    clock = Clock()
    server = engine(slots=2, clock=clock, gated=True)
    for number in (1, 2):
        step(server, sequence(number, 4)[0])
    for number, clock.pace in ((1, 1.0), (2, 0.1)):  # 2 is the last to go on, after the longer step of 1
        step(server, sequence(number, 4)[1])
    step(server, sequence(3, 2)[0])
    (gone,), _ = step(server, sequence(1, 4)[2])
    (going_on,), _ = step(server, sequence(2, 4)[2])
    assert isinstance(gone, StaleBlockError)
    np.testing.assert_array_equal(going_on, alone(2, 4, torch.float64)[2])


def test_a_reused_slot_holds_nothing_of_its_former_owner() -> None:
    server = engine(slots=1)
    for request in sequence(1, 3):
        step(server, request)
    server.cache.keys[0].fill_(float("nan"))
    got = [step(server, request)[0][0] for request in sequence(2, 3)]
    np.testing.assert_array_equal(np.concatenate(got), np.concatenate(alone(2, 3, torch.float64)))


@pytest.mark.parametrize("field", ["reference_TZhw", "masked_TZhw", "speech_VA"])
@pytest.mark.parametrize("fault", ["nan", "shape"])
def test_a_bad_input_ends_its_own_sequence_only(field: str, fault: str) -> None:
    server = engine()
    run_first_blocks(server, 1, 2)
    mine, other = sequence(1, 3), sequence(2, 3)
    array = getattr(mine[1], field).copy()
    array.flat[3] = np.nan
    bad = replace(mine[1], **{field: array if fault == "nan" else array[:, :3]})
    (refused, neighbour), _ = step(server, bad, other[1])
    assert isinstance(refused, InvalidBlockError)
    assert "block 1" in str(refused)
    np.testing.assert_array_equal(neighbour, alone(2, 3, torch.float64)[1])
    assert len(server.slots) == 1


def test_a_result_that_is_no_number_is_not_returned_and_frees_its_slot() -> None:
    server = engine()
    run_first_blocks(server, 1, 2)
    server.cache.values[2][0] = float("nan")
    mine, other = sequence(1, 3), sequence(2, 3)
    (failed, neighbour), report = step(server, mine[1], other[1])
    assert isinstance(failed, NonFiniteOutputError)
    np.testing.assert_array_equal(neighbour, alone(2, 3, torch.float64)[1])
    assert report.frames == 12
    assert len(server.slots) == 1
    assert isinstance(step(server, mine[2])[0][0], StaleBlockError)


def test_a_broken_batch_fails_its_blocks_and_leaves_the_server_alive() -> None:
    server = engine()
    run_first_blocks(server, 1, 2)
    keys, server.cache.keys = server.cache.keys, []
    answers, _ = step(server, sequence(1, 3)[1], sequence(2, 3)[1])
    server.cache.keys = keys
    assert [type(answer) for answer in answers] == [BlockFailedError] * 2
    assert len(server.slots) == 0
    run_first_blocks(server, 3)


def test_a_cancelled_sequence_frees_its_slot_but_a_foreign_cancel_does_not() -> None:
    server = engine()
    run_first_blocks(server, 1, 2)
    server.cancel(replace(sequence(1, 3)[1].ticket, nonce=5))
    assert len(server.slots) == 2
    server.cancel(sequence(1, 3)[1].ticket)
    assert len(server.slots) == 1


def test_a_chunks_pictures_depend_on_seed_and_chunk_but_not_on_its_length() -> None:
    short, long = engine(), engine()
    one, two = sequence(1, 4), [replace(r, ticket=replace(r.ticket, end=False)) for r in sequence(1, 4)]
    a = [step(short, request)[0][0] for request in (*one[:1], replace(one[1], ticket=replace(one[1].ticket, end=True)))]
    b = [step(long, request)[0][0] for request in two]
    np.testing.assert_array_equal(np.concatenate(a), np.concatenate(b[:2]))
    other = engine()
    (c,), _ = step(other, replace(one[0], ticket=replace(one[0].ticket, chunk=2)))
    assert isinstance(c, np.ndarray)
    assert (c != a[0]).any()
