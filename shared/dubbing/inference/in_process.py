"""The engine in this process: the model library itself, where a server is not wanted. Needs that library's dependencies."""

from collections.abc import Callable, Generator
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from dubbing.domain.work import OpenSequence
from dubbing.errors import DublineError, ModelUnavailable
from dubbing.inference import refusals
from dubbing.inference.engine import UNWATCHED, ChunkRequest, FaceLatents, GeneratedBlock, SpeechWindow, Watch, speech_of_block
from lipforcing.contract import LATENTS_PER_BLOCK, STUDENTS, blocks_for

_T = TypeVar("_T")


class InProcessEngine:
    """Loads each model when it is first used. Not thread-safe: one engine per thread.

    Args:
        repository: folder with the models' version folders.
        preset: key of `lipforcing.contract.STUDENTS`.
        version: number of the models' version folder; None takes the highest.
    """

    def __init__(self, repository: Path, preset: str, version: int | None = None) -> None:
        self.contract = STUDENTS[preset]
        # By name, on demand: the platform must import without torch.
        library: Any = import_module("lipforcing.serving.local")
        self._models = library.LocalModels(repository, preset, version)
        self._weights_error, self._serving_error = library.WeightsError, library.ServingError

    def check(self) -> None:
        """See `LipSyncEngine.check`."""
        for model in (self.contract.student, self.contract.face_encoder, self.contract.speech_encoder):
            self._translated(model, partial(self._models.folder, model))

    def encode_faces(self, crops_VHWC: NDArray[np.uint8], watch: Watch = UNWATCHED) -> FaceLatents:
        """See `LipSyncEngine.encode_faces`."""
        watch.raise_if_canceled()
        return FaceLatents(*self._translated(self.contract.face_encoder, lambda: self._models.encode_faces(crops_VHWC)))

    def encode_speech(self, window: SpeechWindow, watch: Watch = UNWATCHED) -> NDArray[np.float16]:
        """See `LipSyncEngine.encode_speech`."""
        watch.raise_if_canceled()
        sound, times = window.waveform_S.astype(np.float32), window.frame_times_V.astype(np.float64)
        level = np.asarray(window.level, np.float32)
        features: NDArray[np.float16] = self._translated(
            self.contract.speech_encoder, lambda: self._models.encode_speech(sound, times, level)
        )
        return features

    def generate(self, request: ChunkRequest, watch: Watch = UNWATCHED) -> Generator[GeneratedBlock]:
        """See `LipSyncEngine.generate`."""
        inputs = [_block_inputs(request, block) for block in range(blocks_for(len(request.speech_VA)))]
        blocks = self._models.generate(request.seed, request.chunk, inputs)
        while (made := self._translated(self.contract.student, lambda: next(blocks, None))) is not None:
            yield GeneratedBlock(*made)
            watch.raise_if_canceled()

    def end(self, sequence: OpenSequence) -> bool:
        """See `LipSyncEngine.end`; what is open here ends with the process, or gives way to the next chunk."""
        del sequence
        return True

    def _translated(self, model: str, call: Callable[[], _T]) -> _T:
        """What ``call`` returns, or the model library's refusal as one of ours."""
        try:
            return call()
        except self._weights_error as error:
            raise ModelUnavailable(
                f"{model} cannot be loaded: {error}",
                where={"stage": "generating", "model": model},
                suggestions=("fetch or import the weights, or choose another model",),
            ) from error
        except self._serving_error as error:
            raise refusals.from_backend(model, str(error)) or DublineError(str(error)) from error


def _block_inputs(request: ChunkRequest, block: int) -> tuple[NDArray[np.float16], ...]:
    part = slice(block * LATENTS_PER_BLOCK, (block + 1) * LATENTS_PER_BLOCK)
    latents = request.latents
    return latents.reference_TZhw[part], latents.masked_TZhw[part], speech_of_block(request.speech_VA, block)
