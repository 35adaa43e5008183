"""Opens the engine that the settings name."""

from importlib import import_module
from typing import Literal, cast

from dubbing.inference.engine import LipSyncEngine
from dubbing.inference.passthrough import PassthroughEngine
from dubbing.inference.triton import TritonEngine

EngineName = Literal["triton", "in-process", "passthrough"]

# Loaded by name, on demand: the platform must import without torch.
_IN_PROCESS = "lipforcing.serving.local"


def open_engine(name: EngineName, preset: str, triton_url: str, model_repository: str) -> LipSyncEngine:
    """An engine for one preset.

    Args:
        name: ``triton`` (a server at ``triton_url``), ``in-process`` (the weights in ``model_repository``, in this
            process; needs the model library's dependencies) or ``passthrough``.
        preset: key of `lipforcing.contract.STUDENTS`.
        triton_url: ``host:port`` of the gRPC endpoint.
        model_repository: folder with the models' version folders.
    """
    if name == "triton":
        return TritonEngine(triton_url, preset)
    if name == "in-process":
        return cast("LipSyncEngine", import_module(_IN_PROCESS).LocalEngine(model_repository, preset))
    return PassthroughEngine(preset)
