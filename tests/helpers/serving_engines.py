"""An engine with a small student, and sequences of blocks that arrive at it in random order."""

import random
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from lipforcing.network import LipNetwork
from lipforcing.presets import StudentConfig
from lipforcing.rollout import Student
from lipforcing.serving.engine import BatchReport, BlockRequest, Engine, Frames
from lipforcing.serving.errors import (
    ServingError,
)
from lipforcing.serving.slots import Ticket
from lipforcing.vae.base import Codec, CodecState

SMALL = StudentConfig(dim=48, ffn=64, heads=2, layers=4, text_dim=6, text_len=3, audio_input=5, latent=4)


class Enlarger(Codec):
    """Shows three latent channels as colours and remembers the latents that it was given; no arithmetic of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.dtype = torch.nn.Parameter(torch.zeros((), dtype=torch.float64))
        self.seen: list[Tensor] = []

    def encode_step(self, x_BCVHW: Tensor, state: CodecState) -> Tensor:
        del x_BCVHW, state
        raise AssertionError("students do not encode")

    def decode_step(self, z_BZThw: Tensor, state: CodecState) -> Tensor:
        first, state.started = not state.started, True
        self.seen += z_BZThw.unbind(0)
        frames = z_BZThw[:, :3].repeat_interleave(4, 2)[:, :, 3 if first else 0 :]
        return torch.tanh(frames.repeat_interleave(8, 3).repeat_interleave(8, 4))


class Clock:
    def __init__(self) -> None:
        self.now, self.pace = 0.0, 0.0  # seconds, and seconds that pass between two looks

    def __call__(self) -> float:
        self.now += self.pace
        return self.now


def student(dtype: torch.dtype) -> Student:
    network = LipNetwork(SMALL).to(dtype)
    generator = torch.Generator().manual_seed(3)
    for parameter in network.parameters():
        fan = 10.0 if parameter.ndim == 1 else parameter[0].numel()
        parameter.data.normal_(std=fan**-0.5, generator=generator)
    return Student.frozen(network, torch.ones(1, 3, 6))


def engine(slots: int = 8, dtype: torch.dtype = torch.float64, clock: Clock | None = None, *, gated: bool = False) -> Engine:
    return Engine(student(dtype), Enlarger(), slots, idle=10.0, clock=clock or Clock(), gated=gated)


def sequence(number: int, blocks: int, nonce: int | None = None) -> list[BlockRequest]:
    rng = np.random.default_rng(number)
    reference, masked = (rng.standard_normal((3 * blocks, 16, 4, 4)).astype(np.float16) for _ in range(2))
    speech = rng.standard_normal((12 * blocks, 5)).astype(np.float16)
    return [
        BlockRequest(
            Ticket(number, 1000 + number if nonce is None else nonce, 77, number, b, b == 0, b == blocks - 1),
            reference[3 * b : 3 * b + 3], masked[3 * b : 3 * b + 3], speech[12 * b : 12 * b + 12],
        )
        for b in range(blocks)
    ]  # fmt: skip


def step(engine: Engine, *requests: BlockRequest) -> tuple[list[Frames | ServingError], BatchReport]:
    results: dict[int, Frames | ServingError] = {}

    def respond(index: int, result: Frames | ServingError) -> None:
        assert index not in results, "a block is answered once"
        results[index] = result

    report = engine.step(requests, respond)
    return [results[index] for index in range(len(requests))], report


def alone(number: int, blocks: int, dtype: torch.dtype) -> list[Frames]:
    one = engine(8, dtype)
    answers = [step(one, request)[0][0] for request in sequence(number, blocks)]
    assert all(isinstance(answer, np.ndarray) for answer in answers)
    return answers  # type: ignore[return-value]


def arrivals(lengths: dict[int, int]) -> Iterator[list[BlockRequest]]:
    """Random batches: sequences start at random times, and at every step a random subset has its next block ready."""
    dice = random.Random(5)
    waiting = {number: sequence(number, blocks) for number, blocks in lengths.items()}
    born = {number: dice.randrange(6) for number in lengths}
    now = 0
    while waiting:
        ready = [n for n in waiting if born[n] <= now and dice.random() < 0.7]
        dice.shuffle(ready)
        if ready:
            yield [waiting[n].pop(0) for n in ready]
        waiting = {n: rest for n, rest in waiting.items() if rest}
        now += 1


LENGTHS = {1: 4, 2: 1, 3: 6, 4: 2, 5: 5, 6: 3, 7: 4, 8: 7}
