"""A steady-state block can be captured as a CUDA graph: no operation reads back from the device, and shapes never change."""

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from lipforcing.cache import StreamCache
from lipforcing.conditions import Conditions
from lipforcing.network import LipNetwork
from lipforcing.presets import StudentConfig
from lipforcing.rollout import BlockBatch, Student, eager
from lipforcing.rope import Angles, rotate
from lipforcing.serving.graphs import Graphed, shapes_of

SMALL = StudentConfig(dim=48, ffn=64, heads=2, layers=4, text_dim=6, text_len=3, audio_input=5, latent=4)
# Operations that wait for the device, copy between devices, or have shapes that depend on values.
SYNCHRONISING = ("_local_scalar_dense", "item", "nonzero", "equal", "masked_select", "unique", "_to_cpu", "is_nonzero")


class Trace(TorchDispatchMode):
    """Records name and shapes of every operation; one that cannot be captured fails at once."""

    def __init__(self) -> None:
        super().__init__()
        self.operations: list[tuple[str, tuple[tuple[int, ...], ...]]] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__
        assert name not in SYNCHRONISING, f"{name} waits for the device"
        assert not (name in ("_to_copy", "copy_") and self._crosses(args, kwargs or {})), "copy between devices"
        out = func(*args, **(kwargs or {}))
        self.operations.append((name, tuple(tuple(x.shape) for x in tree_leaves((args, out)) if isinstance(x, Tensor))))
        return out

    @staticmethod
    def _crosses(args: Any, kwargs: dict[str, Any]) -> bool:
        devices = {x.device.type for x in tree_leaves(args) if isinstance(x, Tensor)}
        target = kwargs.get("device")
        return len(devices | ({torch.device(target).type} if target is not None else set())) > 1


def conditions(lanes: int, device: str = "cpu", dtype: torch.dtype = torch.float32) -> Conditions:
    g = torch.Generator().manual_seed(lanes)

    def draw(*shape: int) -> Tensor:
        return torch.randn(shape, generator=g).to(device, dtype)

    return Conditions(
        draw(lanes, 16, 4, 4), draw(4, 4), draw(lanes, 16, 3, 4, 4), draw(lanes, 16, 3, 4, 4), draw(lanes, 3, 4, 5)
    )


def student(device: str = "cpu", dtype: torch.dtype = torch.float32) -> Student:
    torch.manual_seed(0)
    network = LipNetwork(SMALL).to(device, dtype).requires_grad_(requires_grad=False)
    network.fuse_qkv()
    return Student.frozen(network, torch.ones(1, 3, 6, device=device, dtype=dtype))


def trace(subject: Student, cache: StreamCache, slots: Sequence[int], block: int) -> list[Any]:
    lanes = len(slots)
    noise = [torch.randn(lanes, 16, 3, 4, 4) for _ in range(2)]
    batch = BlockBatch(slots, [block] * lanes, conditions(lanes), noise.__getitem__)
    with Trace() as seen, torch.no_grad():
        _, context = eager(subject, cache)(batch)
        context()
    return seen.operations


@pytest.mark.parametrize("slots", [[0], [0, 1, 2], [2, 0]])
def test_a_steady_block_never_waits_and_keeps_its_shapes_and_buffers(slots: list[int]) -> None:
    subject = student()
    cache = StreamCache(SMALL, 3, torch.device("cpu"), torch.float32)
    addresses = [buffer.data_ptr() for buffer in (*cache.keys, *cache.values)]
    first, later = trace(subject, cache, slots, 2), trace(subject, cache, slots, 9)
    assert first == later
    assert [buffer.data_ptr() for buffer in (*cache.keys, *cache.values)] == addresses


def test_a_steady_block_gathers_each_window_once_a_pass_and_joins_nothing_else() -> None:
    operations = trace(student(), StreamCache(SMALL, 3, torch.device("cpu"), torch.float32), [2, 0], 3)
    names = [name for name, _ in operations]
    # The conditions are joined once per block; keys and values are gathered in every layer of two steps and a context pass.
    assert names.count("cat") == 1
    assert names.count("index_select") == 2 * (2 * SMALL.layers + SMALL.layers - 1)


def test_the_context_pass_stops_at_the_last_layers_keys() -> None:
    subject = student()
    cache = StreamCache(SMALL, 1, torch.device("cpu"), torch.float32)
    batch = BlockBatch([0], [2], conditions(1), lambda _draw: torch.zeros(1, 16, 3, 4, 4))
    calls: list[str] = []
    for name in ("blocks.3.ffn", "blocks.3.cross_attn", "head", "blocks.2.ffn"):
        subject.network.get_submodule(name).register_forward_hook(lambda *_args, name=name: calls.append(name))
    with torch.no_grad():
        _, context = eager(subject, cache)(batch)
        calls.clear()
        context()
    assert calls == ["blocks.2.ffn"]


def test_prompt_and_timesteps_are_embedded_never_and_conditions_once_in_a_block() -> None:
    subject = student()
    calls: list[str] = []
    for name in ("text_embedding", "time_embedding", "time_projection", "blocks.0.cross_attn.k", "audio_proj"):
        subject.network.get_submodule(name).register_forward_hook(lambda *_args, name=name: calls.append(name))
    trace(subject, StreamCache(SMALL, 1, torch.device("cpu"), torch.float32), [0], 2)
    assert calls == ["audio_proj"]


def test_only_live_keys_are_rotated_and_those_that_become_the_past_once_more() -> None:
    cache = StreamCache(SMALL, 1, torch.device("cpu"), torch.float32)
    rotated: list[int] = []

    def counting(x_BSHC: Tensor, angles: Angles) -> Tensor:
        rotated.append(x_BSHC.shape[1])
        return rotate(x_BSHC, angles)

    cache.rotate = counting
    trace(student(), cache, [0], 5)
    # Queries and keys of two steps in every layer, of the context pass in all but the last, and each layer's next past.
    assert len(rotated) == 2 * 2 * SMALL.layers + 2 * (SMALL.layers - 1) + SMALL.layers
    assert set(rotated) == {cache.block_tokens}


def test_a_block_runs_on_tensors_without_values() -> None:
    """On fake tensors, anything that reads a value raises."""
    subject = student()
    with FakeTensorMode(allow_non_fake_inputs=True), torch.no_grad():
        cache = StreamCache(SMALL, 2, torch.device("cpu"), torch.float32)
        batch = BlockBatch([0, 1], [2, 2], conditions(2), lambda _draw: torch.empty(2, 16, 3, 4, 4))
        x0, context = eager(subject, cache)(batch)
        context()
    assert tuple(x0.shape) == (2, 16, 3, 4, 4)


@pytest.mark.gpu
def test_replayed_graphs_equal_eager_blocks() -> None:
    subject = student("cuda", torch.bfloat16)
    results = []
    for graphed in (False, True):
        cache = StreamCache(SMALL, 2, torch.device("cuda"), torch.bfloat16)
        run, blocks = eager(subject, cache), []
        if graphed:
            run = Graphed(subject, cache, 2)
            assert not run.capture(shapes_of(2)).failed
        for block in range(6):
            torch.manual_seed(block)
            noise = [torch.randn(2, 16, 3, 4, 4) for _ in range(2)]
            batch = BlockBatch([0, 1], [block, block], conditions(2, "cuda", torch.bfloat16), noise.__getitem__)
            with torch.inference_mode():
                x0, context = run(batch)
                blocks.append(x0.clone())
                context()
        results.append(torch.stack(blocks))
    torch.testing.assert_close(results[0], results[1], rtol=0.02, atol=0.02)
