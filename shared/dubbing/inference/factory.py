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
from dubbing.settings import TritonSettings

EngineName = Literal["triton", "in-process", "passthrough"]


def open_engine(
    name: EngineName, preset: str, triton: TritonSettings, model_repository: str, version: int | None = None
) -> LipSyncEngine:
    """An engine for one preset.

    Args:
        name: ``triton`` (the server that ``triton`` names), ``in-process`` (the weights in ``model_repository``, in this
            process; needs the model library's dependencies) or ``passthrough``.
        preset: key of `lipforcing.contract.STUDENTS`.
        triton: the inference server.
        model_repository: folder with the models' version folders.
        version: number of the version folder; None takes the engine's choice.
    """
    if name == "triton":
        return TritonEngine(triton.url, preset, version, secret=triton.secret)
    if name == "in-process":
        return InProcessEngine(Path(model_repository), preset, version)
    return PassthroughEngine(preset)


def open_ender(name: EngineName, triton: TritonSettings) -> Callable[[OpenSequence], bool]:
    """What ends the sequences that dead processes left open; see `LipSyncEngine.end`. Connects when it is first called."""
    held: list[TritonCalls] = []

    def end(sequence: OpenSequence) -> bool:
        if name != "triton":
            return True
        if not held:
            held.append(TritonCalls(triton.url, triton.secret))
        return held[0].end(sequence)

    return end
