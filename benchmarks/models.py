"""What the model benchmarks share: students of full size with random weights, blocks to feed them, clocks and ceilings.

Speed does not depend on the weights' values, so none are needed. Everything runs in this process through the same engine that
the inference server uses, from numpy arrays to uint8 frames in host memory.

Legend: B sequences, T latent frames, Z latent channels, h/w latent side, V video frames, A speech features.
"""

import os
import resource
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from report import commit, cpu_name

from lipforcing.contract import BLOCK_FRAMES, LATENT_CHANNELS, LATENTS_PER_BLOCK, STUDENTS, StudentContract
from lipforcing.network import LipNetwork
from lipforcing.presets import PRESETS, StudentConfig
from lipforcing.rollout import Student
from lipforcing.serving.compiled import compile_pointwise
from lipforcing.serving.encoders import FaceEncoder
from lipforcing.serving.engine import BlockRequest, Engine, Frames
from lipforcing.serving.errors import ServingError
from lipforcing.serving.fp8 import quantise_blocks
from lipforcing.serving.slots import Ticket
from lipforcing.vae.base import Codec
from lipforcing.vae.taew import Taew
from lipforcing.vae.tiny import TinyCodec
from lipforcing.vae.wan import WanVae

WARM = 4  # blocks 0 and 1 have windows of their own, 2 is captured as a graph, 3 is replayed for the first time
Run = Callable[[], object]


@dataclass(frozen=True)
class Subject:
    """One student under test with the codecs that belong to it."""

    contract: StudentContract
    student: Student
    decoder: Codec
    faces: FaceEncoder
    device: torch.device
    compiled: bool = False

    @property
    def config(self) -> StudentConfig:
        """Sizes."""
        return self.student.network.config


def build(preset: str, device: torch.device) -> Subject:
    """A student of full size with random weights, in the types in which it is served."""
    contract, config, gpu = STUDENTS[preset], PRESETS[preset], device.type == "cuda"
    with torch.device("meta"):
        network = LipNetwork(config).to(torch.bfloat16)
    network = _filled(network.to_empty(device=device))
    network.fuse_qkv()
    text = torch.randn(1, config.text_len, config.text_dim, device=device).to(torch.bfloat16)
    tiny = preset == "tiny"
    decoder = (TinyCodec() if tiny else Taew()).to(device, torch.float16 if gpu and not tiny else torch.float32).eval()
    encoder = (TinyCodec() if tiny else WanVae()).to(device, torch.bfloat16 if gpu and not tiny else torch.float32).eval()
    return Subject(contract, Student.frozen(network, text), decoder, FaceEncoder(encoder, contract.crop), device)


def quantised(subject: Subject) -> Subject:
    """The same student, whose linear layers are in FP8 from now on and for ever."""
    quantise_blocks(subject.student.network)
    return subject


def compiled(subject: Subject) -> Subject:
    """The same student, whose engines compile their pointwise operations from now on."""
    return replace(subject, compiled=True)


def _filled(network: LipNetwork) -> LipNetwork:
    """Random numbers of sensible size: one run of them, repeated, because drawing billions takes long on a CPU."""
    network.requires_grad_(requires_grad=False)
    numbers = torch.randn(1 << 20, generator=torch.Generator().manual_seed(0)).to(network.device, network.dtype)
    for name, parameter in network.named_parameters():
        for piece in parameter.data.view(-1).split(len(numbers)):
            piece.copy_(numbers[: len(piece)])
        parameter.data.mul_((parameter[0].numel() if parameter.ndim > 1 else 100) ** -0.5)
        if "norm" in name and name.endswith("weight"):
            parameter.data.add_(1.0)
    return network.eval()


class Streams:
    """Sequences in step with each other through one engine.

    Args:
        subject: the student.
        count: sequences.
    """

    def __init__(self, subject: Subject, count: int) -> None:
        self.engine = Engine(subject.student, subject.decoder, slots=count, idle=float("inf"))
        if subject.compiled and (refusal := compile_pointwise(subject.student.network, self.engine.cache)):
            raise RuntimeError(refusal)
        self._subject, self._count, self._block, self._nonce = subject, count, 0, 1
        shape = (LATENTS_PER_BLOCK, LATENT_CHANNELS, subject.config.latent, subject.config.latent)
        random = np.random.default_rng(0)
        self._latents: NDArray[np.float16] = random.standard_normal(shape).astype(np.float16)
        speech = random.standard_normal((BLOCK_FRAMES, subject.config.audio_input))
        self._speech: NDArray[np.float16] = speech.astype(np.float16)

    def step(self, latents: tuple[NDArray[np.float16], NDArray[np.float16]] | None = None) -> list[Frames]:
        """The next block of every sequence; frames as they lie in host memory."""
        reference, masked = latents or (self._latents, self._latents)
        answers: dict[int, Frames] = {}

        def respond(index: int, answer: Frames | ServingError) -> None:
            if isinstance(answer, ServingError):
                raise answer
            answers[index] = answer
            self.answered = time.perf_counter()

        tickets = [Ticket(i + 1, self._nonce, i, 0, self._block, self._block == 0, end=False) for i in range(self._count)]
        self.engine.step([BlockRequest(ticket, reference, masked, self._speech) for ticket in tickets], respond)
        settle(self._subject.device)
        self._block += 1
        return [answers[index] for index in range(self._count)]

    def restart(self) -> None:
        """Begin new sequences in the same slots."""
        self._block, self._nonce = 0, self._nonce + 1


def settle(device: torch.device) -> None:
    """Wait for everything that was asked of the device."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def seconds(run: Run, device: torch.device, repeats: int, warm: int = 1) -> float:
    """Median seconds of one call."""
    for _ in range(warm):
        run()
    taken = []
    for _ in range(repeats):
        settle(device)
        began = time.perf_counter()
        run()
        settle(device)
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def forward_flops(config: StudentConfig, queries: int, keys: int) -> float:
    """Floating-point operations of one forward over ``queries`` tokens that see ``keys`` tokens (one sequence)."""
    dim, layers = config.dim, config.layers
    linear = 2 * queries * (6 * dim * dim + 2 * dim * config.ffn)
    attention = 4 * queries * keys * dim
    prompt = 4 * queries * config.text_len * dim
    return float(layers * (linear + attention + prompt))


def block_flops(config: StudentConfig) -> float:
    """Of a steady-state block: every denoising step and the context pass, whose last layer is cut to its keys and values."""
    count = config.frame_tokens
    whole = forward_flops(config, LATENTS_PER_BLOCK * count, config.window * count)
    passes = len(config.t_list) - 1 + (config.layers - 1) / config.layers
    return passes * whole


def matmul_ceiling(device: torch.device, *, fp8: bool = False) -> float:
    """Best measured TFLOP/s of one large square matrix product in bf16, or in FP8 with per-row scales."""
    side = 8192 if device.type == "cuda" else 2048
    a, b = (torch.randn(side, side, device=device).to(torch.bfloat16) for _ in range(2))
    run: Run = lambda: a @ b  # noqa: E731 - replaced below
    if fp8:
        a8, b8, ones = a.to(torch.float8_e4m3fn), b.to(torch.float8_e4m3fn), torch.ones(side, 1, device=device)
        run = lambda: torch._scaled_mm(a8, b8.t(), ones, ones.t(), out_dtype=torch.bfloat16)  # noqa: E731, SLF001
    repeats = 20 if device.type == "cuda" else 3
    return 2 * side**3 / seconds(run, device, repeats, warm=3) * 1e-12


def reset_peak(device: torch.device) -> None:
    """Start a new measurement of peak memory (on a CPU it is the process's, and only grows)."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)


def peak_gib(device: torch.device) -> float:
    """Peak memory: of the device, or of this process on a CPU."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**30
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def machine(device: torch.device) -> dict[str, Any]:
    """Where a result was measured."""
    where: dict[str, Any] = {"cpu": cpu_name(), "cores": os.cpu_count(), "torch": torch.__version__, "commit": commit()}
    if device.type == "cuda":
        where |= {"gpu": torch.cuda.get_device_name(device), "cuda": torch.version.cuda}
    else:
        where["load_before"] = round(os.getloadavg()[0], 2)
    return where
