"""A rehearsal of everything that asks for CUDA, on a CPU: a recorder in the place of its graphs and streams.

A capture records the operations that run under it; a replay runs them again, in order, on the very same tensors, and Python is
not asked. So what a replay computes can be compared with what an eager run computes: a graph that has kept a value which it
should have read from its inputs is found without a GPU. As on a GPU, an operation that waits for the device breaks a capture.
"""

from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any
from unittest import mock

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from lipforcing.serving import compiled, gpu

# Operations that wait for the device, or whose shapes depend on values.
SYNCHRONISING = ("_local_scalar_dense", "item", "nonzero", "equal", "masked_select", "unique", "is_nonzero")
_CARD = 141 * 10**9
_NODE = 2048


class Recorder:
    """What a rehearsal saw.

    Args:
        broken: numbers of the captures that fail, in the order in which they are begun.
        dry: captures keep nothing and replays do nothing; for who only counts them.

    Attributes:
        captures: that were begun.
        replays: of graphs.
        streams: that were made.
        waits: for the device.
    """

    def __init__(self, broken: Collection[int] = (), *, dry: bool = False) -> None:
        self.broken, self.dry, self.lost = broken, dry, False
        self.captures = self.replays = self.streams = self.waits = self.held = 0

    def graph(self, graph: "Graph", pool: object = None) -> AbstractContextManager[object]:
        """In the place of ``torch.cuda.graph``."""
        del pool
        self.captures += 1
        return nullcontext() if self.dry else _Capture(graph, self, fails=self.captures - 1 in self.broken)

    def stream(self, _device: object = None) -> mock.Mock:
        """In the place of ``torch.cuda.Stream``."""
        self.streams += 1
        return mock.Mock(spec_set=("wait_stream",))

    def synchronize(self, _device: object = None) -> None:
        """In the place of ``torch.cuda.synchronize``."""
        self.waits += 1
        if self.lost:
            raise RuntimeError("CUDA error: unspecified launch failure")

    def memory(self, _device: object = None) -> tuple[int, int]:
        """In the place of ``torch.cuda.mem_get_info``: a large card that holds graphs alone."""
        return _CARD - self.held, _CARD


class Graph:
    """In the place of ``torch.cuda.CUDAGraph``."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self.operations: list[tuple[Any, Any, Any, Any]] = []

    def replay(self) -> None:
        """Run everything again, into the same tensors."""
        self._recorder.replays += 1
        for func, args, kwargs, before in self.operations:
            for old, new in zip(tree_leaves(before), tree_leaves(func(*args, **kwargs)), strict=True):
                if isinstance(old, Tensor) and old.untyped_storage().data_ptr() != new.untyped_storage().data_ptr():
                    old.copy_(new)


class _Capture(TorchDispatchMode):
    def __init__(self, graph: Graph, recorder: Recorder, *, fails: bool) -> None:
        super().__init__()
        self._graph, self._recorder, self._fails = graph, recorder, fails

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__
        if self._fails or name in SYNCHRONISING:
            raise RuntimeError(f"CUDA error: operation not permitted when stream is capturing ({name})")
        out = func(*args, **(kwargs or {}))
        self._graph.operations.append((func, args, kwargs or {}, out))
        self._recorder.held += _NODE
        return out


@contextmanager
def rehearsal(broken: Collection[int] = (), *, dry: bool = False) -> Iterator[Recorder]:
    """While it is entered the CPU passes for a GPU, and what would be asked of CUDA is asked of the recorder."""
    recorder = Recorder(broken, dry=dry)
    cuda = {
        "CUDAGraph": lambda: Graph(recorder),
        "graph": recorder.graph,
        "graph_pool_handle": object,
        "Stream": recorder.stream,
        "stream": lambda _: nullcontext(),
        "current_stream": recorder.stream,
        "synchronize": recorder.synchronize,
        "mem_get_info": recorder.memory,
        "get_device_name": lambda _: "a rehearsal",
        "empty_cache": lambda: None,
        "reset_peak_memory_stats": lambda _: None,
        "max_memory_allocated": lambda _: recorder.held,
    }
    benchmark = torch.backends.cudnn.benchmark
    try:
        with (
            mock.patch.multiple(torch.cuda, **cuda),
            mock.patch.object(gpu, "is_gpu", return_value=True),
            mock.patch.object(compiled, "BACKEND", "eager"),
        ):
            yield recorder
    finally:
        torch.backends.cudnn.benchmark = benchmark
