"""Continuous batching: blocks of different sequences, at different places in their clips, share every forward pass.

One ``step`` takes at most one block of each of some sequences, generates them in one batch, answers each block as soon as its
frames exist, and only then runs the context pass. The context pass is skipped when every sequence of the batch has ended.
Noise of the blocks that come next is drawn meanwhile.

A block fails alone: what is wrong with it is answered to it, its slot is freed, and its neighbours carry on. The lanes of a
batch share weights and nothing else, so a lane that produces NaN cannot reach another.

Legend: B lanes, Z latent channels, T latent frames (3), h/w latent height and width, G = 4 frames of a latent, A speech
features, V frames, H/W crop height and width.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lipforcing.cache import StreamCache, stage
from lipforcing.conditions import Conditions
from lipforcing.contract import FRAMES_PER_LATENT, LATENT_CHANNELS, LATENTS_PER_BLOCK
from lipforcing.mask import generate_mask
from lipforcing.noise import CHUNKS
from lipforcing.rollout import BlockBatch, Generate, Student, eager, rollout
from lipforcing.serving import gpu
from lipforcing.serving.compiled import compile_pointwise
from lipforcing.serving.errors import (
    BlockFailedError,
    DeviceLostError,
    InvalidBlockError,
    NonFiniteOutputError,
    ServingError,
    failure,
)
from lipforcing.serving.graphs import Captured, Graphed, Stages, shapes_of
from lipforcing.serving.noise_prefetch import Draws, NoisePrefetcher
from lipforcing.serving.slots import Slot, SlotTable, Ticket
from lipforcing.vae.base import Codec, to_uint8


@dataclass(frozen=True, slots=True)
class BlockRequest:
    """One block as it came over the wire (``contract.StudentTensor``).

    Attributes:
        ticket: whose block it is.
        reference_TZhw: fp16 [3, 16, h, w].
        masked_TZhw: fp16 [3, 16, h, w].
        speech_VA: fp16 [12, A].
    """

    ticket: Ticket
    reference_TZhw: NDArray[np.float16]
    masked_TZhw: NDArray[np.float16]
    speech_VA: NDArray[np.float16]


Frames = NDArray[np.uint8]
Respond = Callable[[int, Frames | ServingError], None]


@dataclass(frozen=True, slots=True)
class BatchReport:
    """What one step did, for metrics.

    Attributes:
        lanes: blocks that were generated together.
        frames: video frames answered.
        seconds: until the last answer.
        context_seconds: of the context pass after it.
        slots: in use afterwards.
        replayed: it was a CUDA graph.
    """

    lanes: int
    frames: int
    seconds: float
    context_seconds: float
    slots: int
    replayed: bool


@dataclass(frozen=True, slots=True)
class Tuning:
    """How a student runs.

    Attributes:
        compile: fuse pointwise operations (``serving.compiled``).
        attention: kernels on a GPU, a key of ``serving.gpu.ATTENTION``.
        shapes: batches that are captured as CUDA graphs on a GPU; None for all that are worth it (``serving.graphs``).
    """

    compile: bool = False
    attention: str = "auto"
    shapes: Sequence[Stages] | None = None


class _IdleClock:
    """Seconds that pass between steps alone: who waits until a slow model has time for its next block is not silent."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock, self.worked = clock, 0.0

    def __call__(self) -> float:
        return self._clock() - self.worked


@dataclass(frozen=True, slots=True)
class _Lane:
    index: int
    request: BlockRequest
    slot: Slot


class Engine:
    """Serves one student.

    Args:
        student: with its prompt and timesteps embedded (``Student.frozen``).
        codec: decodes its latents.
        slots: sequences held at the same time.
        idle: seconds without a block, while the model has nothing to do, after which a sequence is dropped.
        clock: monotonic seconds.
        gated: as for ``SlotTable``.
        tuning: how it runs.

    Attributes:
        uncompiled: why nothing was compiled although it was asked for; empty otherwise.
        captured: what came of capturing graphs; None on a CPU.
        lost: the device does not compute any more; nothing helps but another process.

    Raises:
        ValueError: an unknown kind of attention.
    """

    def __init__(
        self, student: Student, codec: Codec, slots: int, idle: float = 60.0,
        clock: Callable[[], float] = time.monotonic, *, gated: bool = False, tuning: Tuning | None = None,
    ) -> None:  # fmt: skip
        tuning, network = tuning or Tuning(), student.network
        if tuning.attention not in gpu.ATTENTION:
            raise ValueError(f"attention is one of {', '.join(gpu.ATTENTION)}, not {tuning.attention}")
        self._codec, self._clock, self._idle_clock = codec, clock, _IdleClock(clock)
        self._config, self._device, self._attention = network.config, network.device, tuning.attention
        self.cache = StreamCache(network.config, slots, network.device, network.dtype)
        self.slots = SlotTable(slots, idle, self.cache.clear, self._idle_clock, gated=gated)
        self._mask = generate_mask(network.config.latent, network.device, network.dtype)
        self._codec_dtype = next(codec.parameters(), self._mask).dtype
        self._noise = NoisePrefetcher(network.config)
        self.uncompiled = compile_pointwise(network, self.cache) if tuning.compile else ""
        self._graphs: Graphed | None = None
        self.captured: Captured | None = None
        self.lost = False
        if gpu.is_gpu(self._device):
            self._graphs, self.captured = self._capture(student, slots, tuning)
        self._run: Generate = self._graphs or eager(student, self.cache)

    def _capture(self, student: Student, slots: int, tuning: Tuning) -> tuple[Graphed, Captured]:
        gpu.use_flash_attention_3(tuning.attention)
        graphs = Graphed(student, self.cache, slots)
        with gpu.attending(tuning.attention):
            return graphs, graphs.capture(shapes_of(slots) if tuning.shapes is None else tuning.shapes)

    def cancel(self, ticket: Ticket) -> None:
        """Drop the sequence of a client that is gone or wants no more of it; another attempt at the chunk is not touched."""
        self.slots.drop(ticket.sequence, ticket.nonce)

    @torch.inference_mode()
    def step(self, requests: Sequence[BlockRequest], respond: Respond) -> BatchReport:
        """Generate one block of each request's sequence.

        Args:
            requests: blocks of different sequences.
            respond: called once per request, with uint8 frames [9 or 12, H, W, 3] or with what was wrong.
        """
        begin, replays = self._clock(), self._replays()
        waiting = set(range(len(requests)))

        def answer(index: int, result: Frames | ServingError) -> None:
            waiting.discard(index)
            respond(index, result)

        self.slots.reclaim()
        lanes = self._admit(requests, answer)
        frames, answered, done = 0, begin, begin
        if lanes:
            try:
                with gpu.attending(self._attention if self._graphs else "auto"):
                    frames, answered = self._generate(lanes, answer)
            except Exception as error:  # noqa: BLE001 - the batch is lost, the server must not be
                self._fail([lane for lane in lanes if lane.index in waiting], lanes, answer, error)
            done = self._clock()
            self._idle_clock.worked += done - begin
        replayed = self._replays() > replays
        return BatchReport(len(lanes), frames, answered - begin, done - answered, len(self.slots), replayed)

    def _replays(self) -> int:
        return self._graphs.replays if self._graphs else 0

    def _admit(self, requests: Sequence[BlockRequest], respond: Respond) -> list[_Lane]:
        lanes: list[_Lane] = []
        # Sequences that go on come first: none of them may lose its slot to one that starts in the same batch.
        for index, request in sorted(enumerate(requests), key=lambda row: row[1].ticket.start):
            ticket = request.ticket
            try:
                if any(lane.request.ticket.sequence == ticket.sequence for lane in lanes):
                    raise InvalidBlockError(f"two blocks of sequence {ticket.sequence} in one batch")
                slot = self.slots.check(ticket)
                self._validate(request)
                if slot is None:
                    identity = torch.from_numpy(request.reference_TZhw[0]).to(self._mask)
                    slot = self.slots.open(ticket, identity, self._codec.decoder_state())
                self.slots.touch(slot)
            except ServingError as error:
                respond(index, error)
                continue
            except RuntimeError as error:  # of the device, which may be lost
                respond(index, self._failure(error))
                continue
            lanes.append(_Lane(index, request, slot))
        # Lanes at the same stage attend together, and graphs know batches in this order alone.
        return sorted(lanes, key=lambda lane: (stage(lane.request.ticket.block), lane.slot.index))

    def _validate(self, request: BlockRequest) -> None:
        """Refuse what the network cannot take; the block is its sequence's own, so the sequence ends with it."""
        if not 0 <= request.ticket.chunk < CHUNKS:
            raise InvalidBlockError(f"CHUNK must be in 0 .. {CHUNKS - 1}, not {request.ticket.chunk}")
        side = self._config.latent
        latents = (LATENTS_PER_BLOCK, LATENT_CHANNELS, side, side)
        speech = (LATENTS_PER_BLOCK * FRAMES_PER_LATENT, self._config.audio_input)
        wanted = {"reference_TZhw": latents, "masked_TZhw": latents, "speech_VA": speech}
        for name, shape in wanted.items():
            array, label = getattr(request, name), name.partition("_")[0].upper()
            if array.shape != shape:
                problem = f"{label} must have shape {list(shape)}, not {list(array.shape)}"
            elif not np.isfinite(array).all():
                problem = f"{label} holds values that are not finite"
            else:
                continue
            if not request.ticket.start:
                self.slots.close(request.ticket.sequence)
            raise InvalidBlockError(f"block {request.ticket.block}: {problem}")

    def _generate(self, lanes: list[_Lane], respond: Respond) -> tuple[int, float]:
        """Denoise, decode and answer; then the context pass for the sequences that go on."""
        run = rollout(self._run, [self._batch(lanes)])
        x0_BZThw = next(run)
        frames = 0
        for lane, x0_ZThw in zip(lanes, x0_BZThw, strict=True):
            # One by one: each is answered as soon as it can be, and a batch takes no more memory than a lane.
            x_BCVHW = self._codec.decode_step(x0_ZThw.unsqueeze(0).to(self._codec_dtype), lane.slot.decoder)
            frames += self._answer(lane, x_BCVHW[0], respond)
        answered = self._clock()
        if any(self.slots.holds(lane.slot) for lane in lanes):
            next(run, None)
        return frames, answered

    def _batch(self, lanes: list[_Lane]) -> BlockBatch:
        draws = [lane.slot.noise or self._draw(lane.request.ticket) for lane in lanes]
        conditions = Conditions(
            identity_BZhw=torch.stack([lane.slot.identity_Zhw for lane in lanes]),
            mask_hw=self._mask,
            masked_BZThw=self._upload([lane.request.masked_TZhw for lane in lanes]).transpose(1, 2),
            reference_BZThw=self._upload([lane.request.reference_TZhw for lane in lanes]).transpose(1, 2),
            speech_BTGA=self._upload([lane.request.speech_VA for lane in lanes]).unflatten(1, (-1, FRAMES_PER_LATENT)),
        )
        return BlockBatch(
            slots=[lane.slot.index for lane in lanes],
            blocks=[lane.request.ticket.block for lane in lanes],
            conditions=conditions,
            noise=lambda draw: torch.stack([lane[draw].result() for lane in draws]),
        )

    def _draw(self, ticket: Ticket) -> Draws:
        return self._noise.draw(ticket.seed, ticket.chunk, ticket.block)

    def _upload(self, arrays: list[NDArray[np.float16]]) -> Tensor:
        return torch.from_numpy(np.stack(arrays)).to(self._mask)

    def _answer(self, lane: _Lane, x_CVHW: Tensor, respond: Respond) -> int:
        """Hand out a lane's frames, or free its slot if a value is not finite (NaN latents decode to NaN frames)."""
        ticket, slot = lane.request.ticket, lane.slot
        healthy = bool(torch.isfinite(x_CVHW).all())
        if ticket.end or not healthy:
            self.slots.close(ticket.sequence)
        if not healthy:
            respond(lane.index, NonFiniteOutputError(f"block {ticket.block} of chunk {ticket.chunk} is not finite"))
            return 0
        self.slots.advance(slot)
        slot.noise = None if ticket.end else self._draw(slot.ticket)
        frames_VHWC = to_uint8(x_CVHW).cpu().numpy()
        respond(lane.index, frames_VHWC)
        return len(frames_VHWC)

    def _fail(self, waiting: list[_Lane], lanes: list[_Lane], respond: Respond, error: Exception) -> None:
        """Free every slot of the batch, whose K/V may be half written, and tell those that have no answer yet."""
        for lane in lanes:
            self.slots.close(lane.request.ticket.sequence)
        broken = self._failure(error)
        for lane in waiting:
            respond(lane.index, broken)

    def _failure(self, error: Exception) -> BlockFailedError:
        broken = failure(error, self._device)
        self.lost = isinstance(broken, DeviceLostError)
        return broken
