from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dubbing.domain.faces import FaceTrack
from dubbing.faces.plan import plan_chunks
from lipforcing.contract import FIRST_BLOCK_FRAMES, blocks_for, frames_of


def tracks_of(lengths: list[int], gap: int = 0) -> list[FaceTrack]:
    tracks, start = [], 0
    for index, length in enumerate(lengths):
        tracks.append(FaceTrack(index=index, shot=index, start=start, end=start + length, size=50))
        start += length + gap
    return tracks


@settings(deadline=None)  # how long one example takes is the machine's business
@given(st.lists(st.integers(1, 2000), max_size=8), st.integers(0, 30), st.integers(2, 40), st.integers(1, 5))
def test_every_frame_of_every_track_is_kept_by_exactly_one_chunk(
    lengths: list[int], gap: int, max_blocks: int, beside: int
) -> None:
    tracks = tracks_of(lengths, gap)
    chunks = plan_chunks(tracks, max_blocks, beside)
    kept = Counter((c.track, i) for c in chunks for i in range(c.keep_from, c.end))
    assert kept == Counter((t.index, i) for t in tracks for i in range(t.start, t.end))
    assert [c.index for c in chunks] == list(range(len(chunks)))


@settings(deadline=None)  # how long one example takes is the machine's business
@given(st.integers(1, 5000), st.integers(2, 40), st.integers(1, 5))
def test_chunks_are_bounded_and_only_the_first_has_no_pre_roll(length: int, max_blocks: int, beside: int) -> None:
    first, *later = plan_chunks(tracks_of([length]), max_blocks, beside)
    assert first.keep_from == first.start == 0
    for before, chunk in zip([first, *later], later, strict=False):
        assert chunk.keep_from - chunk.start == FIRST_BLOCK_FRAMES
        assert chunk.keep_from == before.end
    assert all(len(c) <= frames_of(max_blocks) for c in [first, *later])


def test_a_track_as_long_as_the_limit_is_one_chunk_and_one_frame_more_is_two() -> None:
    assert len(plan_chunks(tracks_of([frames_of(5)]), 5)) == 1
    assert [(c.start, c.keep_from, c.end) for c in plan_chunks(tracks_of([frames_of(5) + 1]), 5)] == [(0, 0, 33), (24, 33, 58)]


@settings(deadline=None)  # how long one example takes is the machine's business
@given(st.integers(1, 5000), st.integers(2, 40), st.integers(1, 5))
def test_chunks_of_a_track_take_equally_long_and_fill_every_place_beside_each_other(
    length: int, max_blocks: int, beside: int
) -> None:
    blocks = [blocks_for(len(chunk)) for chunk in plan_chunks(tracks_of([length]), max_blocks, beside)]
    assert max(blocks) - min(blocks) <= 1
    assert len(blocks) in (1, blocks_for(length) - 1) or len(blocks) % beside == 0
    assert len(blocks) < -(-(blocks_for(length) - 1) // (max_blocks - 1)) + beside or len(blocks) == 1


def test_ten_seconds_become_four_chunks_of_which_two_are_generated_at_a_time() -> None:
    assert [(c.start, c.keep_from, c.end) for c in plan_chunks(tracks_of([250]), 8, beside=2)] == [
        (0, 0, 69), (60, 69, 129), (120, 129, 189), (180, 189, 250),
    ]  # fmt: skip


def test_a_chunk_of_one_block_could_keep_nothing() -> None:
    with pytest.raises(ValueError, match="at least 2 blocks"):
        plan_chunks(tracks_of([20]), 1)
