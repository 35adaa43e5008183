"""The compiled student is the eager one, and a machine without a compiler is told so and served all the same."""

from typing import Any

import pytest
import torch
from torch import Tensor
from torch._dynamo.utils import counters

from lipforcing.cache import StreamCache
from lipforcing.conditions import Conditions
from lipforcing.network import LipNetwork
from lipforcing.presets import StudentConfig
from lipforcing.rollout import BlockBatch, Student, eager
from lipforcing.serving.compiled import compile_pointwise

CONFIG = StudentConfig(dim=64, ffn=128, heads=2, layers=4, text_dim=6, text_len=3, audio_input=5, latent=4)
CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def nothing_compiled_yet() -> None:
    torch._dynamo.reset()
    counters.clear()


def small_student(device: torch.device = CPU) -> Student:
    torch.manual_seed(5)
    network = LipNetwork(CONFIG).to(device).requires_grad_(requires_grad=False).eval()
    network.fuse_qkv()
    return Student.frozen(network, torch.ones(1, 3, 6))


def blocks_of(student: Student, cache: StreamCache, lanes: list[int]) -> Tensor:
    """Four blocks of some sequences in step with each other."""
    run, blocks = eager(student, cache), []
    for block in range(4):
        g = torch.Generator().manual_seed(block)
        count = len(lanes)
        shapes = ((count, 16, 4, 4), (4, 4), (count, 16, 3, 4, 4), (count, 16, 3, 4, 4), (count, 3, 4, 5))
        conditions = Conditions(*(torch.randn(shape, generator=g).to(student.network.device) for shape in shapes))
        noise = [torch.randn(count, 16, 3, 4, 4, generator=g) for _ in range(2)]
        with torch.inference_mode():
            x0, context = run(BlockBatch(lanes, [block] * count, conditions, noise.__getitem__))
            context()
        blocks.append(x0)
    return torch.cat(blocks, dim=2)


def check_compiled(device: torch.device, backend: str) -> None:
    eager_student, compiled_student = small_student(device), small_student(device)
    cache = StreamCache(CONFIG, 3, device, torch.float32)
    assert compile_pointwise(compiled_student.network, cache, backend) == ""
    for lanes in ([0], [0, 1, 2]):
        want = blocks_of(eager_student, StreamCache(CONFIG, 3, device, torch.float32), lanes)
        torch.testing.assert_close(blocks_of(compiled_student, cache, lanes), want, rtol=1e-4, atol=1e-4)


def test_compiled_blocks_equal_eager_ones_and_no_layer_or_slot_is_compiled_anew() -> None:
    """Everything but the last step, the generation of machine code, which takes minutes on a CPU."""
    check_compiled(CPU, "aot_eager")
    # Four layers, three functions, one or several sequences.
    assert 0 < counters["stats"]["unique_graphs"] <= 16
    assert not counters["recompile_limit"]


@pytest.mark.gpu
def test_machine_code_for_the_accelerator_equals_eager_blocks() -> None:
    check_compiled(torch.device("cuda"), "inductor")


def no_compiler(*_: Any) -> Any:
    raise RuntimeError("no working C++ compiler")


def test_without_a_compiler_the_student_says_so_and_generates_the_same() -> None:
    student = small_student()
    cache = StreamCache(CONFIG, 1, CPU, torch.float32)
    refusal = compile_pointwise(student.network, cache, no_compiler)
    assert refusal.startswith("nothing was compiled (")
    assert "no working C++ compiler" in refusal
    want = blocks_of(small_student(), StreamCache(CONFIG, 1, CPU, torch.float32), [0])
    assert torch.equal(blocks_of(student, cache, [0]), want)
