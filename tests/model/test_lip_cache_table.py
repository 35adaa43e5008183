"""The streaming cache, latent frame by latent frame: contents and positions of keys and queries for blocks 0 .. 5.

Keys and queries are made so that their temporal position can be read off after rotation; values carry their frame's number.
"""

import math
from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from lipforcing import cache as cache_module
from lipforcing.cache import StreamCache
from lipforcing.presets import PRESETS, StudentConfig

CONFIG = StudentConfig(dim=48, ffn=64, heads=2, layers=4, text_dim=6, text_len=3, audio_input=5, latent=4)
WIDE_SINK = StudentConfig(dim=48, ffn=64, heads=2, layers=4, text_dim=6, text_len=3, audio_input=5, latent=4, window=9, sink=3)
TOKENS = 4
CPU, F64 = torch.device("cpu"), torch.float64

# (frames in the window, in order; temporal positions of the keys; of the queries), as published for window 7, sink 1.
TABLE = {
    0: ([0, 1, 2], [0, 1, 2], [0, 1, 2]),
    1: ([0, 1, 2, 3, 4, 5], [0, 1, 2, 3, 4, 5], [3, 4, 5]),
    2: ([0, 3, 4, 5, 6, 7, 8], [0, 1, 2, 3, 4, 5, 6], [4, 5, 6]),
    3: ([0, 6, 7, 8, 9, 10, 11], [0, 1, 2, 3, 4, 5, 6], [4, 5, 6]),
    4: ([0, 9, 10, 11, 12, 13, 14], [0, 1, 2, 3, 4, 5, 6], [4, 5, 6]),
    5: ([0, 12, 13, 14, 15, 16, 17], [0, 1, 2, 3, 4, 5, 6], [4, 5, 6]),
}
WIDE_TABLE = {
    1: ([0, 1, 2, 3, 4, 5], [0, 1, 2, 3, 4, 5], [3, 4, 5]),
    2: ([0, 1, 2, 3, 4, 5, 6, 7, 8], [0, 1, 2, 3, 4, 5, 6, 7, 8], [6, 7, 8]),
    4: ([0, 1, 2, 9, 10, 11, 12, 13, 14], [0, 1, 2, 3, 4, 5, 6, 7, 8], [6, 7, 8]),
}


class Seen:
    """What reached the attention kernel."""

    def __init__(self) -> None:
        self.q, self.k, self.v = [], [], []

    def __call__(self, q_BSHC: Tensor, k_BSHC: Tensor, v_BSHC: Tensor, mask: Tensor | None = None) -> Tensor:
        assert mask is None
        self.q.append(q_BSHC.clone())
        self.k.append(k_BSHC.clone())
        self.v.append(v_BSHC.clone())
        return q_BSHC


def per_frame(x_BSHC: Tensor) -> Tensor:
    """The first token of every frame of the first sequence, first head: [frames, C]."""
    return x_BSHC[0, ::TOKENS, 0]


def positions(x_BSHC: Tensor) -> list[int]:
    """The slowest temporal pair turns by 10000^(-3/4) radians a frame, so its angle names the position."""
    pair = per_frame(x_BSHC)[:, 6:8]
    angle = torch.atan2(pair[:, 1], pair[:, 0])
    return [round(value) for value in (angle / 10_000.0 ** (-3 / 4)).tolist()]


def ones_pairs() -> Tensor:
    """[1, S, H, C] in which every pair is 1 + 0i."""
    x = torch.zeros(1, 3 * TOKENS, 2, 24, dtype=F64)
    x[..., 0::2] = 1.0
    return x


def frame_numbers(block: int) -> Tensor:
    numbers = torch.arange(3 * block, 3 * block + 3, dtype=F64).repeat_interleave(TOKENS)
    return numbers.view(1, -1, 1, 1).expand(1, -1, 2, 24)


def run(config: StudentConfig, blocks: int, monkeypatch: pytest.MonkeyPatch, slot: int = 1) -> list[dict[str, Seen]]:
    """Every block as the network runs it: two denoising passes whose values are worthless, then the context pass."""
    cache = StreamCache(config, 3, CPU, F64)
    history = []
    for block in range(blocks):
        passes = {}
        for name in ("step 1", "step 2", "context"):
            seen = Seen()
            monkeypatch.setattr(cache_module, "attend", seen)
            attention = cache.step([slot], [block], store=name == "context")
            values = frame_numbers(block) if name == "context" else frame_numbers(block) + 0.5
            attention(2, ones_pairs(), ones_pairs(), values)
            if attention.stores:
                attention.store(2, ones_pairs(), values)
            passes[name] = seen
        history.append(passes)
    return history


@pytest.mark.parametrize(("config", "table"), [(CONFIG, TABLE), (WIDE_SINK, WIDE_TABLE)], ids=["7/1", "9/3"])
def test_window_contents_and_positions_follow_the_published_table(
    config: StudentConfig, table: dict[int, tuple[list[int], list[int], list[int]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    history = run(config, max(table) + 1, monkeypatch)
    for block, (contents, keys, queries) in table.items():
        for name, seen in history[block].items():
            drift = 0.0 if name == "context" else 0.5
            live = [frame + (drift if frame >= 3 * block else 0.0) for frame in contents]
            assert per_frame(seen.v[0])[:, 0].tolist() == live, (block, name)
            assert positions(seen.k[0]) == keys, (block, name)
            assert positions(seen.q[0]) == queries, (block, name)


def test_denoising_passes_leave_the_past_untouched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache_module, "attend", Seen())
    cache = StreamCache(CONFIG, 1, CPU, F64)
    context = cache.step([0], [0], store=True)
    context(0, ones_pairs(), ones_pairs(), frame_numbers(0))
    context.store(0, ones_pairs(), frame_numbers(0))
    past = cache.values[0][0, : 4 * TOKENS].clone(), cache.keys[0][0, : 4 * TOKENS].clone()
    cache.step([0], [1])(0, ones_pairs() * 3, ones_pairs() * 3, frame_numbers(1))
    assert torch.equal(cache.values[0][0, : 4 * TOKENS], past[0])
    assert torch.equal(cache.keys[0][0, : 4 * TOKENS], past[1])


def test_a_slot_is_written_by_its_own_sequence_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache_module, "attend", Seen())
    cache = StreamCache(CONFIG, 3, CPU, F64)
    attention = cache.step([1], [0], store=True)
    attention(0, ones_pairs(), ones_pairs(), frame_numbers(0) + 1)
    attention.store(0, ones_pairs(), frame_numbers(0) + 1)
    assert cache.values[0][1].any()
    assert not cache.values[0][0].any()
    assert not cache.values[0][2].any()


@pytest.mark.parametrize("slots", [[0, 1, 2], [2, 0], [1]])
def test_sequences_at_different_places_see_their_own_windows_in_one_batch(
    slots: Sequence[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = StreamCache(CONFIG, 3, CPU, F64)
    blocks = [(0, 1, 3)[slot] for slot in slots]
    for slot, block in zip(slots, blocks, strict=True):
        monkeypatch.setattr(cache_module, "attend", Seen())
        for past in range(block):
            attention = cache.step([slot], [past], store=True)
            attention.store(0, ones_pairs(), frame_numbers(past) + 100 * slot)
    seen = Seen()
    monkeypatch.setattr(cache_module, "attend", seen)
    batch = torch.cat([frame_numbers(block) + 100 * slot for slot, block in zip(slots, blocks, strict=True)])
    many = ones_pairs().expand(len(slots), -1, -1, -1)
    cache.step(slots, blocks)(0, many, many, batch)
    windows = [per_frame(part)[:, 0].tolist() for v in seen.v for part in v.split(1)]
    keys = [positions(part) for k in seen.k for part in k.split(1)]
    assert windows == [[frame + 100 * slot for frame in TABLE[block][0]] for slot, block in zip(slots, blocks, strict=True)]
    assert keys == [TABLE[block][1] for block in blocks]


def test_a_window_that_cannot_be_streamed_is_refused() -> None:
    wide = StudentConfig.from_json({**CONFIG.to_json(), "window": 10})
    with pytest.raises(ValueError, match="window 10 with sink 1 does not fit"):
        StreamCache(wide, 1, CPU, F64)


def test_a_slot_keeps_the_sink_and_one_block_four_sevenths_of_the_published_window() -> None:
    cache = StreamCache(PRESETS["14b"], 1, torch.device("meta"), torch.bfloat16)
    layer = cache.keys[0].nbytes + cache.values[0].nbytes
    assert math.isclose(layer, 146.8e6 * 4 / 7, rel_tol=1e-3)
    assert math.isclose(40 * layer, 5.87e9 * 4 / 7, rel_tol=1e-3)


@pytest.mark.parametrize("differentiable", [False, True])
def test_keys_and_values_of_a_wider_type_are_kept_in_the_caches_own(differentiable: bool) -> None:
    """As under autocast, where norms multiply by weights in float32."""
    cache = StreamCache(CONFIG, 2, CPU, torch.bfloat16)
    wide = torch.randn(2, 3 * TOKENS, 2, 24)
    for block in range(3):
        seen = cache.step([1, 0], [block] * 2, differentiable=differentiable)(0, *[wide.bfloat16()] * 3)
        context = cache.step([1, 0], [block] * 2, store=True)
        with torch.autocast("cpu", torch.bfloat16):
            torch.testing.assert_close(context(0, wide, wide, wide).bfloat16(), seen, rtol=0.05, atol=0.05)
        context.store(0, wide, wide)
    assert cache.values[0].dtype == torch.bfloat16
    assert torch.equal(cache.values[0][1, TOKENS:], wide[0].bfloat16())
