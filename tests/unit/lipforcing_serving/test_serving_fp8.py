"""FP8 linear layers stay close to the layers that they replace, and a quantised student still generates."""

import torch
from torch import Tensor, nn

from lipforcing.cache import StreamCache
from lipforcing.conditions import Conditions
from lipforcing.network import LipNetwork
from lipforcing.presets import StudentConfig
from lipforcing.rollout import BlockBatch, Student, eager
from lipforcing.serving.fp8 import Fp8Linear, quantise_blocks

CONFIG = StudentConfig(dim=64, ffn=128, heads=2, layers=4, text_dim=6, text_len=3, audio_input=5, latent=4)


def test_one_layer_is_within_a_few_percent_even_when_rows_differ_a_thousandfold() -> None:
    torch.manual_seed(0)
    layer = nn.Linear(256, 512)
    x = torch.randn(3, 40, 256) * torch.logspace(-1.5, 1.5, 40)[:, None]
    want, got = layer(x), Fp8Linear(layer)(x)
    assert got.shape == want.shape
    error = ((got - want).norm(dim=-1) / want.norm(dim=-1)).detach()
    assert float(error.max()) < 0.06


def generated(*, fp8: bool) -> Tensor:
    torch.manual_seed(1)
    network = LipNetwork(CONFIG).bfloat16().requires_grad_(requires_grad=False)
    network.fuse_qkv()
    student = Student.frozen(network, torch.ones(1, 3, 6))
    if fp8:
        quantise_blocks(network)
    cache = StreamCache(CONFIG, 1, torch.device("cpu"), torch.bfloat16)
    run, blocks = eager(student, cache), []
    for block in range(3):
        g = torch.Generator().manual_seed(block)
        shapes = ((1, 16, 4, 4), (4, 4), (1, 16, 3, 4, 4), (1, 16, 3, 4, 4), (1, 3, 4, 5))
        conditions = Conditions(*(torch.randn(shape, generator=g).bfloat16() for shape in shapes))
        noise = [torch.randn(1, 16, 3, 4, 4, generator=g) for _ in range(2)]
        with torch.no_grad():
            x0, context = run(BlockBatch([0], [block], conditions, noise.__getitem__))
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
