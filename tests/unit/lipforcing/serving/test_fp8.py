"""FP8 linear layers stay close to the layers that they replace, and weights that do not bear them are refused."""

from pathlib import Path

import numpy as np
import pytest
import torch
from served_students import CONFIG, random_network, version_folder
from torch import Tensor, nn
from torch._dynamo.utils import counters

from lipforcing.cache import StreamCache
from lipforcing.conditions import Conditions
from lipforcing.network import LipNetwork
from lipforcing.rollout import BlockBatch, Student, eager
from lipforcing.serving.fp8 import (
    LEAST_PSNR,
    Fp8Linear,
    Fp8RefusedError,
    compile_quantised,
    probe_frames,
    psnr,
    quantise_blocks,
    quantise_checked,
)
from lipforcing.serving.loading import load_student
from lipforcing.vae.tiny import TinyCodec
from lipforcing.weights.errors import WeightsError


def test_one_layer_is_within_a_few_percent_even_when_rows_differ_a_thousandfold() -> None:
    torch.manual_seed(0)
    layer = nn.Linear(256, 512)
    x = torch.randn(3, 40, 256) * torch.logspace(-1.5, 1.5, 40)[:, None]
    want, got = layer(x), Fp8Linear(layer)(x)
    assert got.shape == want.shape
    error = ((got - want).norm(dim=-1) / want.norm(dim=-1)).detach()
    assert float(error.max()) < 0.06


@pytest.fixture(autouse=True)
def nothing_compiled_yet() -> None:
    torch._dynamo.reset()
    counters.clear()


def generated(*, fp8: bool, backend: str = "", lanes: int = 1) -> Tensor:
    torch.manual_seed(1)
    network = LipNetwork(CONFIG).bfloat16().requires_grad_(requires_grad=False)
    network.fuse_qkv()
    student = Student.frozen(network, torch.ones(1, 3, 6))
    if fp8:
        quantise_blocks(network)
    if backend:
        assert compile_quantised(network, backend) == ""
    cache = StreamCache(CONFIG, lanes, torch.device("cpu"), torch.bfloat16)
    run, blocks = eager(student, cache), []
    for block in range(3):
        g = torch.Generator().manual_seed(block)
        shapes = ((lanes, 16, 4, 4), (4, 4), (lanes, 16, 3, 4, 4), (lanes, 16, 3, 4, 4), (lanes, 3, 4, 5))
        conditions = Conditions(*(torch.randn(shape, generator=g).bfloat16() for shape in shapes))
        noise = [torch.randn(lanes, 16, 3, 4, 4, generator=g) for _ in range(2)]
        with torch.inference_mode():
            x0, context = run(BlockBatch(range(lanes), [block] * lanes, conditions, noise.__getitem__))
            context()
        blocks.append(x0.float())
    return torch.cat(blocks, dim=2)


def test_a_quantised_student_generates_nearly_the_same_blocks() -> None:
    exact, quantised = generated(fp8=False), generated(fp8=True)
    assert not torch.equal(exact, quantised)
    assert float((exact - quantised).norm() / exact.norm()) < 0.05


def test_only_the_blocks_are_quantised() -> None:
    network = LipNetwork(CONFIG)
    network.fuse_qkv()
    quantise_blocks(network)
    names = {name for name, module in network.named_modules() if isinstance(module, Fp8Linear)}
    layer = {"self_attn.qkv", "self_attn.o", "cross_attn.q", "cross_attn.o", "ffn.0", "ffn.2"}
    assert names == {f"blocks.{i}.{name}" for i in range(4) for name in layer}


def test_compiled_scaling_changes_no_block_and_is_compiled_once_for_all_layers() -> None:
    """Everything but the last step, the generation of machine code, which takes minutes on a CPU."""
    for lanes in (1, 3, 2):
        assert torch.equal(generated(fp8=True, backend="aot_eager", lanes=lanes), generated(fp8=True, lanes=lanes))
    assert 0 < counters["stats"]["unique_graphs"] <= 12
    assert not counters["recompile_limit"]


def test_without_a_compiler_fp8_runs_as_it_is_and_says_so() -> None:
    def none(*_: object) -> object:
        raise RuntimeError("no working C++ compiler")

    network = random_network()
    network.fuse_qkv()
    quantise_blocks(network)
    assert "no working C++ compiler" in compile_quantised(network, none)
    assert network.blocks[3].ffn(torch.ones(1, 2, 64).bfloat16()).shape == (1, 2, 64)


def fragile(network: LipNetwork) -> LipNetwork:
    """A network that means the same in bf16, and whose FP8 scales are taken up by a weight that plays no part.

    The first hidden unit of every feed-forward layer is always off, and what hangs on it is huge: e4m3 spans five decades, so
    the weights beside it become zero.
    """
    for block in network.blocks:
        block.ffn[0].weight[0], block.ffn[0].bias[0] = 0.0, -1e4
        block.ffn[2].weight *= 20.0
        block.ffn[2].weight[:, 0] = 1e9
    return network


def test_a_student_in_fp8_is_loaded_when_its_frames_stay_what_they_are(tmp_path: Path) -> None:
    folder = version_folder(tmp_path, random_network())
    plain, fp8 = (load_student(folder, torch.device("cpu"), fp8=on) for on in (False, True))
    assert plain.fp8 is None
    assert fp8.fp8 is not None
    assert LEAST_PSNR < fp8.fp8.psnr < 100.0
    exact, rough = (probe_frames(loaded.student, loaded.codec) for loaded in (plain, fp8))
    assert psnr(exact, rough) == pytest.approx(fp8.fp8.psnr)
    assert exact.shape == (33, 32, 32, 3)


def test_weights_that_do_not_bear_fp8_are_refused_with_their_figure_and_serve_without_it(tmp_path: Path) -> None:
    folder = version_folder(tmp_path, fragile(random_network()))
    with pytest.raises(Fp8RefusedError, match=r"frames are \d+\.\d dB from those in torch.bfloat16, and 35.0 dB is the least"):
        load_student(folder, torch.device("cpu"), fp8=True)
    assert issubclass(Fp8RefusedError, WeightsError)
    assert load_student(folder, torch.device("cpu")).fp8 is None


def test_the_gate_is_the_least_that_it_is_given() -> None:
    torch.manual_seed(3)
    codec = TinyCodec().eval()

    def run(least: float) -> float:
        network = random_network()
        network.fuse_qkv()
        return quantise_checked(Student.frozen(network, torch.ones(1, 3, 6)), codec, least).psnr

    found = run(0.0)
    assert run(found - 0.01) == found
    with pytest.raises(Fp8RefusedError):
        run(found + 0.01)


def test_frames_that_are_no_numbers_never_pass() -> None:
    student, codec = Student.frozen(random_network(), torch.ones(1, 3, 6)), TinyCodec().eval()
    student.network.head.head.bias[0] = float("nan")
    with pytest.raises(Fp8RefusedError, match="nan dB"):
        quantise_checked(student, codec, 0.0)


def test_psnr_is_that_of_the_textbook() -> None:
    a = np.zeros((2, 4, 4, 3), np.uint8)
    assert psnr(a, a + 1) == pytest.approx(48.1308, abs=1e-4)
    assert psnr(a, a + 255) == pytest.approx(0.0)
    assert psnr(a, a) > 130.0
