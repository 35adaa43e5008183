"""The interface behind which the models live.

Layout legend: V video frames, H/W crop height and width, C colour channels (RGB), T latent frames, Z latent channels,
h/w latent height and width, A speech features, S samples.
"""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from dubbing.domain.work import OpenSequence
from lipforcing.contract import FRAMES_PER_LATENT, LATENTS_PER_BLOCK, StudentContract, block_start, blocks_for, frames_of


@dataclass(frozen=True, slots=True)
class FaceLatents:
    """What the student needs of the footage of one chunk; independent of the language, so it is stored and used again."""

    reference_TZhw: NDArray[np.float16]
    masked_TZhw: NDArray[np.float16]


@dataclass(frozen=True, slots=True)
class SpeechWindow:
    """A stretch of a track and the times, in seconds from its first sample, at which features are wanted.

    ``level`` is the mean and the standard deviation of the whole track.
    """

    waveform_S: NDArray[np.float32]
    frame_times_V: NDArray[np.float64]
    level: tuple[float, float]


@dataclass(frozen=True, slots=True)
class ChunkRequest:
    """One chunk to generate: ``speech_VA`` has one row for every frame of the chunk's whole blocks.

    The result depends on (``seed``, ``chunk``) and the arrays only; ``attempt`` names this try, so that no state of an
    earlier one can be mistaken for it.
    """

    seed: int
    chunk: int
    attempt: int
    latents: FaceLatents
    speech_VA: NDArray[np.float16]


@dataclass(frozen=True, slots=True)
class GeneratedBlock:
    """Frames of one AR block, uint8 RGB, and the SHA-256 of the weights that made them."""

    frames_VHWC: NDArray[np.uint8]
    digest: str


class Watch(Protocol):
    """Who waits for an engine, and may stop waiting."""

    def raise_if_canceled(self) -> None:
        """Called as often as the engine can, about twice a second with a server; what it raises ends the wait."""

    def opens(self, sequence: OpenSequence) -> None:
        """Called before a sequence is opened on a server; what it raises keeps it from being opened."""


class Unwatched:
    """Nobody stops waiting, and nobody else could end what is begun."""

    def raise_if_canceled(self) -> None:
        """Go on."""

    def opens(self, sequence: OpenSequence) -> None:
        """Go on."""


UNWATCHED = Unwatched()


class LipSyncEngine(Protocol):
    """Encoders and student of one preset.

    Every method raises `ModelUnavailable` when its model is not served now, `ModelBroken` when its process has died,
    `OutOfMemory` when there is no room for the request, and `ChunkFailed` when the model refuses it for good.
    """

    contract: StudentContract

    def check(self) -> None:
        """Return when all three models of the preset answer; raise `ModelUnavailable` with the reason otherwise."""

    def encode_faces(self, crops_VHWC: NDArray[np.uint8], watch: Watch = UNWATCHED) -> FaceLatents:
        """Latents of the crops of one chunk; V must be a whole number of blocks (`pad_to_blocks`)."""

    def encode_speech(self, window: SpeechWindow, watch: Watch = UNWATCHED) -> NDArray[np.float16]:
        """Features [V, A] at the window's frame times."""

    def generate(self, request: ChunkRequest, watch: Watch = UNWATCHED) -> Generator[GeneratedBlock]:
        """The chunk's blocks in order, each as soon as it is generated; closing the iterator abandons the chunk."""

    def end(self, sequence: OpenSequence) -> bool:
        """End a sequence that another process left open; True when it has ended, also when there is none."""


def pad_to_blocks(frames: NDArray[np.generic]) -> NDArray[np.generic]:
    """Repeat the last of ``frames`` [V, ...] until they fill whole blocks; the caller drops the surplus of what comes back."""
    surplus = frames_of(blocks_for(len(frames))) - len(frames)
    return np.concatenate([frames, np.repeat(frames[-1:], surplus, axis=0)]) if surplus else frames


def speech_of_block(speech_VA: NDArray[np.float16], block: int) -> NDArray[np.float16]:
    """The [12, A] features of one block: four frames for each latent, frame 0 four times for the chunk's first latent."""
    count = FRAMES_PER_LATENT * LATENTS_PER_BLOCK
    if block == 0:
        first = np.repeat(speech_VA[:1], FRAMES_PER_LATENT, axis=0)
        return np.concatenate([first, speech_VA[1 : 1 + count - FRAMES_PER_LATENT]])
    start = block_start(block)
    return speech_VA[start : start + count]
