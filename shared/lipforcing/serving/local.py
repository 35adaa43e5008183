"""The three models of one preset in this process, without a server: the same loaders, encoders and engine that Triton runs.

Legend: V video frames, H/W crop height and width, C colour channels, T latent frames, Z latent channels, h/w latent height and
width, S samples, A speech features.
"""

import math
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from lipforcing.contract import STUDENTS
from lipforcing.serving.encoders import FaceEncoder, SpeechEncoder
from lipforcing.serving.engine import BlockRequest, Engine, Frames
from lipforcing.serving.errors import ServingError
from lipforcing.serving.loading import LoadedStudent, load_face_encoder, load_speech_encoder, load_student
from lipforcing.serving.slots import Ticket
from lipforcing.weights.errors import UnreadableWeightsError, WeightsError

__all__ = ["LocalModels", "ServingError", "WeightsError"]

Array = NDArray[np.float16]


class LocalModels:
    """Each model is loaded when it is first used; not thread-safe.

    Args:
        repository: folder with one folder per model, each with numbered version folders.
        preset: key of `lipforcing.contract.STUDENTS`.
        version: number of the version folders; None takes the highest of each model.
    """

    def __init__(self, repository: Path, preset: str, version: int | None = None) -> None:
        self._version = version
        self._repository = repository
        self._contract = STUDENTS[preset]
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._attempts = 0

    def folder(self, model: str) -> Path:
        """The version folder of ``model``: the one that was asked for, or the highest, which a server would choose too.

        Raises:
            WeightsError: it has none.
        """
        versions = [path for path in (self._repository / model).glob("*/") if path.name.isdigit()]
        if self._version is not None:
            versions = [path for path in versions if int(path.name) == self._version]
        if not versions:
            raise UnreadableWeightsError(f"{model} has no weights in {self._repository}")
        return max(versions, key=lambda path: int(path.name))

    def encode_faces(self, crops_VHWC: NDArray[np.uint8]) -> tuple[Array, Array]:
        """See `FaceEncoder.encode`."""
        return self._faces.encode(crops_VHWC)

    def encode_speech(self, waveform_S: NDArray[np.float32], times_V: NDArray[np.float64], level: NDArray[np.float32]) -> Array:
        """See `SpeechEncoder.encode`."""
        return self._speech.encode(waveform_S, times_V, level)

    def generate(self, seed: int, chunk: int, blocks: Sequence[tuple[Array, Array, Array]]) -> Iterator[tuple[Frames, str]]:
        """One chunk, block by block; a chunk that was abandoned before gives way to it.

        Args:
            seed: of the job.
            chunk: number of the chunk in the job.
            blocks: reference [3, Z, h, w], masked [3, Z, h, w] and speech [12, A] of every block.

        Yields:
            uint8 frames [9 or 12, H, W, 3] of each block, and the digest of the weights that made them.

        Raises:
            ServingError: a block was refused; the chunk ends there.
        """
        engine, digest = self._engine, self._student.digest.hex()
        self._attempts += 1
        attempt, answers = self._attempts, list[Frames | ServingError]()
        for number, tensors in enumerate(blocks):
            ticket = Ticket(1, attempt, seed, chunk, number, start=number == 0, end=number == len(blocks) - 1)
            engine.step([BlockRequest(ticket, *tensors)], lambda _, answer: answers.append(answer))
            answer = answers.pop()
            if isinstance(answer, ServingError):
                raise answer
            yield answer, digest

    @cached_property
    def _faces(self) -> FaceEncoder:
        name = self._contract.face_encoder
        return FaceEncoder(load_face_encoder(self.folder(name), name, self._device), self._contract.crop)

    @cached_property
    def _speech(self) -> SpeechEncoder:
        name = self._contract.speech_encoder
        return SpeechEncoder(load_speech_encoder(self.folder(name), name, self._device))

    @cached_property
    def _student(self) -> LoadedStudent:
        return load_student(self.folder(self._contract.student), self._device)

    @cached_property
    def _engine(self) -> Engine:
        return Engine(self._student.student, self._student.codec, slots=1, idle=math.inf)
