"""Opens the engine that the settings name."""

from collections.abc import Callable
from pathlib import Path
from typing import Literal

from dubbing.domain.work import OpenSequence
from dubbing.inference.calls import TritonCalls
from dubbing.inference.engine import LipSyncEngine
from dubbing.inference.in_process import InProcessEngine
from dubbing.inference.passthrough import PassthroughEngine
from dubbing.inference.triton import TritonEngine

EngineName = Literal["triton", "in-process", "passthrough"]


def open_engine(
    name: EngineName, preset: str, triton_url: str, model_repository: str, version: int | None = None
) -> LipSyncEngine:
    """An engine for one preset.

    Args:
        name: ``triton`` (a server at ``triton_url``), ``in-process`` (the weights in ``model_repository``, in this
            process; needs the model library's dependencies) or ``passthrough``.
        preset: key of `lipforcing.contract.STUDENTS`.
        triton_url: ``host:port`` of the gRPC endpoint.
        model_repository: folder with the models' version folders.
        version: number of the version folder; None takes the engine's choice.
    """
    if name == "triton":
        return TritonEngine(triton_url, preset, version)
    if name == "in-process":
        return InProcessEngine(Path(model_repository), preset, version)
    return PassthroughEngine(preset)


def open_ender(name: EngineName, triton_url: str) -> Callable[[OpenSequence], bool]:
    """What ends the sequences that dead processes left open; see `LipSyncEngine.end`. Connects when it is first called."""
    held: list[TritonCalls] = []

    def end(sequence: OpenSequence) -> bool:
        if name != "triton":
            return True
        if not held:
            held.append(TritonCalls(triton_url))
        return held[0].end(sequence)

    return end
