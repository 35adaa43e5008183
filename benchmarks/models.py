"""What the model benchmarks share: students with random weights, lanes to drive them as production does, clocks and ceilings.

Speed does not depend on the weights' values, so none are needed. Everything runs in this process through the same engine that
the inference server uses, from numpy arrays to uint8 frames in host memory.

Legend: B sequences, T latent frames, Z latent channels, h/w latent side, V video frames, A speech features.
"""

import gc
import os
import resource
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from operations import block_flops
from report import commit, cpu_name

from lipforcing.cache import stage
from lipforcing.contract import BLOCK_FRAMES, LATENT_CHANNELS, LATENTS_PER_BLOCK, STUDENTS, StudentContract, frames_of
from lipforcing.network import LipNetwork
from lipforcing.presets import PRESETS, StudentConfig
from lipforcing.rollout import Student
from lipforcing.serving import gpu
from lipforcing.serving.encoders import FaceEncoder
from lipforcing.serving.engine import BlockRequest, Engine, Frames, Tuning
from lipforcing.serving.errors import ServingError
from lipforcing.serving.fp8 import compile_quantised, quantise_blocks
from lipforcing.serving.graphs import Stages
from lipforcing.serving.slots import Ticket
from lipforcing.vae.base import Codec
from lipforcing.vae.taew import Taew
from lipforcing.vae.tiny import TinyCodec
from lipforcing.vae.wan import WanVae

CHUNK = 8  # blocks of a production chunk (services.worker.prepare)
PRE_ROLL = frames_of(1)  # of its frames that are dropped
WARM = 4  # endless lanes: blocks 0 and 1 have windows of their own
Run = Callable[[], object]
# For rehearsals.
_NARROW_TAEW, _NARROW_WAN = partial(Taew, (2, 2, 2, 2)), partial(WanVae, 2)


@dataclass(frozen=True)
class Sizes:
    """What a subject is built of."""

    contract: StudentContract
    config: StudentConfig
    decoder: Callable[[], Codec]
    encoder: Callable[[], Codec]


@dataclass(frozen=True)
class Subject:
    """One student under test with the codecs that belong to it."""

    sizes: Sizes
    student: Student
    decoder: Codec
    faces: FaceEncoder
    device: torch.device
    tuning: Tuning = field(default_factory=Tuning)

    @property
    def contract(self) -> StudentContract:
        """Names and sizes for clients."""
        return self.sizes.contract

    @property
    def config(self) -> StudentConfig:
        """Sizes of the network."""
        return self.sizes.config


def true_sizes(preset: str) -> Sizes:
    """As published, or as committed."""
    decoder, encoder = (TinyCodec, TinyCodec) if preset == "tiny" else (Taew, WanVae)
    return Sizes(STUDENTS[preset], PRESETS[preset], decoder, encoder)


def shrunken_sizes(preset: str) -> Sizes:
    """The same classes in a size for a rehearsal on a CPU."""
    contract = replace(STUDENTS[preset], crop=32, speech_features=32)
    config = StudentConfig(64, 128, 2, 4, text_dim=6, text_len=3, audio_input=32, latent=contract.latent)
    return Sizes(contract, config, _NARROW_TAEW, _NARROW_WAN)


def build(sizes: Sizes, device: torch.device) -> Subject:
    """A student with random weights, in the types in which it is served."""
    config, wide = sizes.config, torch.float32
    half = gpu.is_gpu(device) and sizes.contract.preset != "tiny"
    with torch.device("meta"):
        network = LipNetwork(config).to(torch.bfloat16)
    network = _filled(network.to_empty(device=device))
    network.fuse_qkv()
    text = torch.randn(1, config.text_len, config.text_dim, device=device).to(torch.bfloat16)
    decoder = sizes.decoder().to(device, torch.float16 if half else wide).eval()
    encoder = sizes.encoder().to(device, torch.bfloat16 if half else wide).eval()
    return Subject(sizes, Student.frozen(network, text), decoder, FaceEncoder(encoder, sizes.contract.crop), device)


def quantised(subject: Subject) -> Subject:
    """The same student, whose linear layers are in FP8 from now on and for ever, compiled where there is a GPU."""
    quantise_blocks(subject.student.network)
    if gpu.is_gpu(subject.device) and (refusal := compile_quantised(subject.student.network)):
        print(f"FP8: {refusal}")
    return subject


def tuned(subject: Subject, **tuning: Any) -> Subject:
    """The same student, whose engines are tuned otherwise from now on."""
    return replace(subject, tuning=replace(subject.tuning, **tuning))


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


class Lanes:
    """Sequences side by side through one engine, each a chunk after another.

    Args:
        subject: the student.
        count: of sequences.
        blocks: of a chunk, each lane a block behind the one before it, as workers come to be that began apart; 0 for endless
            ones in step with each other.
        encode: the crops of every chunk are encoded before its first block.
    """

    def __init__(self, subject: Subject, count: int, blocks: int = 0, *, encode: bool = False) -> None:
        self._subject, self._count, self._blocks, self._encode = subject, count, blocks, encode
        self._now, self._round, self.frames, self.chunks, self.operations = 0, 1, 0, 0, 0.0
        tuning = replace(subject.tuning, shapes=sorted(self._shapes(), key=len, reverse=True))
        self.engine = Engine(subject.student, subject.decoder, slots=count, idle=float("inf"), tuning=tuning)
        if self.engine.uncompiled:
            raise RuntimeError(self.engine.uncompiled)
        self.replayed = self.steps = 0
        shape = (LATENTS_PER_BLOCK, LATENT_CHANNELS, subject.config.latent, subject.config.latent)
        random = np.random.default_rng(0)
        self._latents: NDArray[np.float16] = random.standard_normal(shape).astype(np.float16)
        self._speech: NDArray[np.float16] = random.standard_normal((BLOCK_FRAMES, subject.config.audio_input)).astype(
            np.float16
        )
        crop = subject.contract.crop
        self._crops = random.integers(0, 255, (frames_of(blocks or 1), crop, crop, 3), np.uint8) if encode else None

    @property
    def warm(self) -> int:
        """Steps until every lane has begun, and every graph has run."""
        return self._count + self._blocks if self._blocks else WARM

    @property
    def round(self) -> int:
        """Steps in which every lane does the same once more."""
        return self._blocks or 1

    def step(self, latents: tuple[NDArray[np.float16], NDArray[np.float16]] | None = None) -> list[Frames]:
        """The next block of every sequence that has begun; frames as they lie in host memory."""
        reference, masked = latents or (self._latents, self._latents)
        answers: dict[int, Frames] = {}

        def respond(index: int, answer: Frames | ServingError) -> None:
            if isinstance(answer, ServingError):
                raise answer
            answers[index] = answer
            self.answered = time.perf_counter()

        tickets = [ticket for lane in range(self._count) if (ticket := self._ticket(lane))]
        if self._crops is not None:
            for ticket in tickets:
                if ticket.start:
                    self._subject.faces.encode(self._crops)
        report = self.engine.step([BlockRequest(ticket, reference, masked, self._speech) for ticket in tickets], respond)
        settle(self._subject.device)
        self._now += 1
        self.steps, self.replayed = self.steps + 1, self.replayed + report.replayed
        self.frames, self.chunks = self.frames + report.frames, self.chunks + sum(ticket.start for ticket in tickets)
        self.operations += sum(block_flops(self._subject.config, ticket.block) for ticket in tickets)
        return [answers[index] for index in range(len(tickets))]

    def restart(self) -> None:
        """Begin new sequences in the same slots."""
        self._now, self._round = 0, self._round + 1

    def _block(self, lane: int, now: int) -> int | None:
        """Which block a lane is at; None before it begins."""
        if not self._blocks:
            return now
        return (now - lane) % self._blocks if now >= lane else None

    def _ticket(self, lane: int) -> Ticket | None:
        block = self._block(lane, self._now)
        if block is None:
            return None
        chunk = (self._now - block) if self._blocks else 0
        nonce = self._round << 32 | chunk
        return Ticket(lane + 1, nonce, lane, chunk, block, block == 0, end=block == self._blocks - 1)

    def _shapes(self) -> set[Stages]:
        """The batches that will come."""
        steps = range(self._count + self._blocks) if self._blocks else range(3)
        at = ([self._block(lane, now) for lane in range(self._count)] for now in steps)
        return {tuple(sorted(stage(block) for block in blocks if block is not None)) for blocks in at}


def settle(device: torch.device) -> None:
    """Wait for everything that was asked of the device."""
    if gpu.is_gpu(device):
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


def matmul_ceiling(device: torch.device, *, fp8: bool = False, side: int = 0) -> float:
    """Best measured TFLOP/s of one large square matrix product in bf16, or in FP8 with per-row scales."""
    big = device.type == "cuda"
    side = side or (8192 if big else 2048)
    a, b = (torch.randn(side, side, device=device).to(torch.bfloat16) for _ in range(2))
    run: Run = lambda: a @ b  # noqa: E731 - replaced below
    if fp8:
        a8, b8, ones = a.to(torch.float8_e4m3fn), b.to(torch.float8_e4m3fn), torch.ones(side, 1, device=device)
        run = lambda: torch._scaled_mm(a8, b8.t(), ones, ones.t(), out_dtype=torch.bfloat16)  # noqa: E731, SLF001
    return 2 * side**3 / seconds(run, device, 20 if big else 3, warm=3) * 1e-12


def reset_peak(device: torch.device) -> None:
    """Start a new measurement of peak memory (on a CPU it is the process's, and only grows)."""
    gc.collect()
    if gpu.is_gpu(device):
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)


def peak_gib(device: torch.device) -> float:
    """Peak memory: of the device, or of this process on a CPU."""
    if gpu.is_gpu(device):
        return torch.cuda.max_memory_allocated(device) / 2**30
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def machine(device: torch.device) -> dict[str, Any]:
    """Where a result was measured."""
    where: dict[str, Any] = {"cpu": cpu_name(), "cores": os.cpu_count(), "torch": torch.__version__, "commit": commit()}
    if gpu.is_gpu(device):
        where |= {"gpu": gpu.name(device), "cuda": torch.version.cuda, "driver": gpu.driver_version()}
    else:
        where["load_before"] = round(os.getloadavg()[0], 2)
    return where
