"""What a model takes of a GPU's memory, from its shapes alone, and whether that is there.

The model's own code is run on tensors without values (device ``meta``), and every storage that it makes is counted while it
lives. So nothing here repeats what the network, the cache or a codec allocate: their code is the formula.

Estimates, until a GPU has confirmed them: what the driver keeps for a node of a CUDA graph, and what libraries' workspaces
and the allocator's rounding add.

Legend: B batch, Z latent channels, T latent frames, h/w latent height and width, C colours, V frames, H/W height and width.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from weakref import WeakSet, finalize

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from lipforcing.cache import StreamCache
from lipforcing.conditions import Conditions
from lipforcing.contract import BLOCK_FRAMES, FRAMES_PER_LATENT, LATENT_CHANNELS, LATENTS_PER_BLOCK
from lipforcing.network import LipNetwork
from lipforcing.presets import StudentConfig
from lipforcing.rollout import BlockBatch, Student, eager
from lipforcing.serving import gpu
from lipforcing.serving.fp8 import quantise_blocks
from lipforcing.serving.graphs import shapes_of
from lipforcing.vae.base import Codec, CodecState
from lipforcing.weights.errors import WeightsError

_META = torch.device("meta")
_STEADY = 2
_GIB = 2**30
_NODE = 2048  # bytes that the driver keeps for one operation of a graph
_RESERVE = 0.03  # of all, and
_WORKSPACES = _GIB  # once


class DoesNotFitError(WeightsError):
    """The card has too little free memory for the model with the slots that were asked for."""

    code = "does_not_fit"


@dataclass(frozen=True, slots=True)
class Need:
    """Bytes that one version of a model takes.

    Attributes:
        weights: with the prompt's keys and values, and the decoder's weights.
        loading: more than that while it loads, before there are slots.
        slot: K/V of a sequence, and what the decoder remembers of it.
        lane: of a block while it is generated, for each lane of the batch; CUDA graphs hold it for ever.
        once: while frames are encoded or decoded, one sequence at a time.
        graph: the driver's part of one graph.
    """

    weights: int
    loading: int = 0
    slot: int = 0
    lane: int = 0
    once: int = 0
    graph: int = 0

    def total(self, slots: int) -> int:
        """Bytes at the highest point, for batches of as many lanes as there are slots."""
        return max(self.serving(slots), self.weights + self.loading + _WORKSPACES)

    def serving(self, slots: int) -> int:
        """Bytes of all while it serves."""
        parts = self.weights + slots * (self.slot + self.lane) + self.once + self.graphs(slots)
        return parts + int(_RESERVE * parts) + _WORKSPACES

    def graphs(self, slots: int) -> int:
        """Bytes of the graphs of all batches of up to ``slots`` lanes."""
        return self.graph * len(shapes_of(slots)) if slots else 0

    def fitting(self, free: int) -> int:
        """The largest number of slots that fits into ``free`` bytes, at most 64; -1 when not even the weights do."""
        slots = -1
        while slots < 64 and self.total(slots + 1) <= free:
            slots += 1
        return slots

    def breakdown(self, slots: int) -> str:
        """The sum, term by term."""
        if self.total(slots) > self.serving(slots):
            return f"{_gib(self.total(slots))} GiB while it loads, before it is quantised"
        terms = [("weights", self.weights)]
        if slots:
            terms += [(f"{slots} slots of {_gib(self.slot)}", slots * self.slot), (f"{slots} lanes", slots * self.lane)]
            terms += [(f"{len(shapes_of(slots))} graphs", self.graphs(slots))]
        terms += [("coding frames", self.once)]
        terms += [("reserve", self.total(slots) - sum(size for _, size in terms))]
        return " + ".join(f"{name} {_gib(size)}" for name, size in terms) + f" = {_gib(self.total(slots))} GiB"


def check_fits(need: Need, slots: int, device: torch.device) -> None:
    """Refuse a model that its card cannot hold.

    Args:
        need: of the model.
        slots: sequences that it shall hold; 0 for an encoder.
        device: nothing is refused on a CPU.

    Raises:
        DoesNotFitError: with the sum, and the number of slots that would fit.
    """
    if not gpu.is_gpu(device):
        return
    free = gpu.free_bytes(device)
    if need.total(slots) <= free:
        return
    fitting = need.fitting(free)
    advice = "choose a larger card, or free this one: every version that is served takes memory"
    if slots and fitting > 0:
        advice = f"{fitting} slots would fit (max_candidate_sequences and max_batch_size of its config.pbtxt)"
    raise DoesNotFitError(f"{need.breakdown(slots)}, and {_gib(free)} GiB are free on {gpu.name(device)}: {advice}")


def student_need(
    config: StudentConfig, dtype: torch.dtype, make_codec: Callable[[], Codec], codec_dtype: torch.dtype, *, fp8: bool = False
) -> Need:
    """What a student takes.

    Args:
        config: sizes of its network.
        dtype: of its network.
        make_codec: makes the codec of its latents.
        codec_dtype: in which it decodes.
        fp8: with its blocks' linear layers in FP8, which are made from the wider ones one at a time.
    """
    with _META:
        network = LipNetwork(config).to(dtype)
    network.fuse_qkv()
    student = Student.frozen(network, torch.zeros(1, config.text_len, config.text_dim, device=_META))
    wide = bytes_of(network)
    if fp8:
        quantise_blocks(network)
    cache = StreamCache(config, 1, _META, dtype)
    decoder = _on_meta(make_codec, codec_dtype)
    state = decoder.decoder_state()
    z_BZThw = torch.zeros(_latents(config), device=_META, dtype=codec_dtype)
    peak(lambda: decoder.decode_step(z_BZThw, state))
    lane = peak(lambda: _block(student, cache))
    return Need(
        weights=_weights(student, decoder),
        loading=wide - bytes_of(network),
        slot=_slot(cache, state),
        lane=lane.bytes,
        once=peak(lambda: decoder.decode_step(z_BZThw, state)).bytes,
        graph=lane.operations * _NODE,
    )


def held(student: Student, codec: Codec) -> Need:
    """What a student that is loaded holds: its weights and slots, and nothing of what its blocks take for a while.

    Where nothing is refused this is enough, and is known in hundredths of a second: the first operation without values imports
    a second's worth of torch.
    """
    config, weight = student.network.config, next(codec.parameters())
    state = codec.decoder_state()
    with torch.no_grad():
        codec.decode_step(torch.zeros(_latents(config), device=weight.device, dtype=weight.dtype), state)
    cache = StreamCache(config, 1, weight.device, student.network.dtype)
    return Need(weights=_weights(student, codec), slot=_slot(cache, state))


def encoder_need(make_codec: Callable[[], Codec], dtype: torch.dtype, crop: int) -> Need:
    """What a face encoder takes: both streams of one block at a time."""
    encoder = _on_meta(make_codec, dtype)
    state = encoder.encoder_state()
    shape = (2, 3, BLOCK_FRAMES, crop, crop)
    with torch.no_grad():
        encoder.encode_step(torch.zeros(2, 3, 1 + FRAMES_PER_LATENT, crop, crop, device=_META, dtype=dtype), state)
        kept = sum(x.nbytes for x in state.tensors.values())
        once = peak(lambda: encoder.encode_step(torch.zeros(shape, device=_META, dtype=dtype), state)).bytes
    return Need(weights=bytes_of(encoder), once=once + kept)


@dataclass(frozen=True, slots=True)
class Peak:
    """The most bytes that a run held at once of those that it made, and how many operations it was."""

    bytes: int
    operations: int


def peak(run: Callable[[], object]) -> Peak:
    """Run something without gradients, on any device, and watch what it allocates."""
    watch = _AllocationWatch()
    with torch.no_grad(), _Fused(), watch:
        run()
    return Peak(watch.most, watch.operations)


def bytes_of(module: nn.Module) -> int:
    """Bytes of a module's parameters and buffers."""
    return sum(tensor.nbytes for tensor in (*module.parameters(), *module.buffers()))


def _on_meta(make_codec: Callable[[], Codec], dtype: torch.dtype) -> Codec:
    with _META:
        codec = make_codec()
    return codec.to(device=_META, dtype=dtype)


def _block(student: Student, cache: StreamCache) -> None:
    config, dtype = student.network.config, student.network.dtype

    def zeros(*shape: int) -> Tensor:
        return torch.zeros(shape, device=cache.keys[0].device, dtype=dtype)

    latents = _latents(config)
    conditions = Conditions(
        zeros(*latents[:2], *latents[3:]), zeros(*latents[3:]), zeros(*latents), zeros(*latents),
        zeros(1, LATENTS_PER_BLOCK, FRAMES_PER_LATENT, config.audio_input),
    )  # fmt: skip
    _, context = eager(student, cache)(BlockBatch([0], [_STEADY], conditions, lambda _: zeros(*latents)))
    context()


def _latents(config: StudentConfig) -> tuple[int, ...]:
    return (1, LATENT_CHANNELS, LATENTS_PER_BLOCK, config.latent, config.latent)


def _weights(student: Student, codec: Codec) -> int:
    return bytes_of(student.network) + bytes_of(codec) + sum(kv.nbytes for layer in _text(student) for kv in layer)


def _slot(cache: StreamCache, state: CodecState) -> int:
    return sum(x.nbytes for x in (*cache.keys, *cache.values, *state.tensors.values()))


def _text(student: Student) -> list[tuple[Tensor, Tensor]]:
    return [(layer.keys, layer.values) for layer in student.text if not isinstance(layer, Tensor)]


class _AllocationWatch(TorchDispatchMode):
    """Counts the bytes of storages that are made while it is entered, until they are gone."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # it carries no annotations
        self.most = self.operations = self._now = 0
        self._known: WeakSet[torch.UntypedStorage] = WeakSet()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self._known.update(_storages((args, kwargs)))
        out = func(*args, **(kwargs or {}))
        self.operations += not func.is_view
        for storage in _storages(out):
            if storage not in self._known:
                self._known.add(storage)
                self._now += storage.nbytes()
                finalize(storage, self._gone, storage.nbytes())
        self.most = max(self.most, self._now)
        return out

    def _gone(self, size: int) -> None:
        self._now -= size


class _Fused(TorchFunctionMode):
    """Attention as its fused kernels do it: nothing but the result is allocated."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is torch.nn.functional.scaled_dot_product_attention:
            return torch.empty_like(args[0])
        return func(*args, **(kwargs or {}))


def _storages(tree: Any) -> list[torch.UntypedStorage]:
    return [leaf.untyped_storage() for leaf in tree_leaves(tree) if isinstance(leaf, Tensor)]


def _gib(size: int) -> str:
    return f"{size / _GIB:.2f}"
