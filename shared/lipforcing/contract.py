"""What the platform and the served models agree on: block arithmetic, model names, tensor names and types.

Torch-free on purpose: the platform imports this module and nothing else of the model library.

Layout legend: V video frames, T latent frames, Z latent channels, h/w latent height and width, H/W crop height and width,
A features.

Block arithmetic (paper section 3; Wan 2.1 VAE): latent frame 0 decodes to frame 0, latent frame k >= 1 to frames
4k-3 .. 4k. One autoregressive block is 3 latent frames: a chunk's first block yields 9 frames, every later one 12.

Frame rates (15 to 60 a second): students are trained at 25, and at every rate a frame of the picture is one frame of theirs.
None is dropped, doubled or interpolated; what differs is when each one hears: its features are sampled at its own exact time
i / rate, a fraction, never at a rounded grid. Above 30 a block of 12 frames spans less time than in training (0.2 s at 60
instead of 0.48 s), so a mouth moves less from frame to frame than the student has seen. Generating every second frame and
interpolating between them would keep to the trained step, but puts pictures into a master that no model made and smears
closures of the lips, which last two frames at 60. How much quality the shorter step costs has not been measured.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

LATENTS_PER_BLOCK = 3
FRAMES_PER_LATENT = 4
FIRST_BLOCK_FRAMES = 1 + FRAMES_PER_LATENT * (LATENTS_PER_BLOCK - 1)
BLOCK_FRAMES = FRAMES_PER_LATENT * LATENTS_PER_BLOCK
LATENT_CHANNELS = 16
SPATIAL_STRIDE = 8
SAMPLE_RATE = 16_000


def blocks_for(frames: int) -> int:
    """Smallest number of blocks that covers ``frames`` >= 1 video frames."""
    if frames < 1:
        message = f"a chunk has at least one frame, not {frames}"
        raise ValueError(message)
    return 1 + max(0, -(-(frames - FIRST_BLOCK_FRAMES) // BLOCK_FRAMES))


def frames_in_block(block: int) -> int:
    """Video frames that block number ``block`` (0-based) decodes to."""
    return FIRST_BLOCK_FRAMES if block == 0 else BLOCK_FRAMES


def frames_of(blocks: int) -> int:
    """Video frames that ``blocks`` >= 1 whole blocks decode to."""
    return FIRST_BLOCK_FRAMES + BLOCK_FRAMES * (blocks - 1)


def block_start(block: int) -> int:
    """First video frame of block number ``block``."""
    return 0 if block == 0 else frames_of(block)


def latents_of(blocks: int) -> int:
    """Latent frames in ``blocks`` whole blocks."""
    return LATENTS_PER_BLOCK * blocks


@dataclass(frozen=True, slots=True)
class StudentContract:
    """Names and sizes that a client needs to drive one student.

    Attributes:
        preset: name that users type (``tiny``, ``1.3b``, ``14b``).
        student: Triton model that generates blocks.
        face_encoder: Triton model that turns crops into latents.
        speech_encoder: Triton model that turns a waveform into per-frame features.
        crop: side of the square face crop in pixels.
        speech_features: A, width of one frame's speech features.
        demo: True when the weights are a demonstration, and every output must say so.
    """

    preset: str
    student: str
    face_encoder: str
    speech_encoder: str
    crop: int
    speech_features: int
    demo: bool

    @property
    def latent(self) -> int:
        """Side of the square latent."""
        return self.crop // SPATIAL_STRIDE


STUDENTS = {
    "tiny": StudentContract("tiny", "lip_student_tiny", "face_encoder_tiny", "speech_encoder_tiny", 128, 64, demo=True),
    "1.3b": StudentContract("1.3b", "lip_student_1_3b", "face_encoder_wan", "speech_encoder_wav2vec2", 512, 10_752, demo=False),
    "14b": StudentContract("14b", "lip_student_14b", "face_encoder_wan", "speech_encoder_wav2vec2", 512, 10_752, demo=False),
}


class FaceEncoderTensor(StrEnum):
    """``face_encoder_*``: the crops of one whole chunk in one request, stateless.

    CROPS uint8 [V, H, W, 3] RGB, V = frames_of(blocks) -> REFERENCE and MASKED fp16 [T, Z, h, w], T = latents_of(blocks):
    the encodings of the crops as they are and with the mouth region at mid grey. Both depend on the footage only, so a
    caller stores them and sends them again for the next language.
    """

    CROPS = "CROPS"
    REFERENCE = "REFERENCE"
    MASKED = "MASKED"


class SpeechEncoderTensor(StrEnum):
    """``speech_encoder_*``: one window of a track in one request, stateless.

    WAVEFORM fp32 [S] at 16 kHz mono, FRAME_TIMES fp64 [V] (seconds from the window's first sample, the presentation times
    of the video frames), LEVEL fp32 [2] (mean and standard deviation over the whole track; used by wav2vec2) ->
    FEATURES fp16 [V, A]. The caller cuts a long track into windows that start on whole ``SPEECH_STEP`` samples of the track,
    with at least ``SPEECH_CONTEXT`` seconds on both sides.
    """

    WAVEFORM = "WAVEFORM"
    FRAME_TIMES = "FRAME_TIMES"
    LEVEL = "LEVEL"
    FEATURES = "FEATURES"


class StudentTensor(StrEnum):
    """``lip_student_*``: one AR block in one request of a sequence (uint64 correlation id, START on block 0, END on the last).

    SEED int64 [1] job seed, NONCE int64 [1] drawn by the client for each attempt at a chunk, CHUNK int32 [1], BLOCK int32
    [1], REFERENCE fp16 [3, Z, h, w], MASKED fp16 [3, Z, h, w] (the block's slices), SPEECH fp16 [12, A] (features of the
    4 frames of each of the block's 3 latents; block 0 sends frame 0 four times for latent 0) ->
    FRAMES uint8 [9 or 12, H, W, 3] RGB and DIGEST uint8 [32], the SHA-256 of the weights file that made them. Latent 0 of
    block 0's REFERENCE is the identity reference of the whole chunk. On the wire every tensor has a leading batch dimension
    of 1, because the server batches blocks of different sequences.

    Whoever leaves a sequence before its last block sends END with BLOCK ``NO_BLOCK``: the slot of the sequence with this NONCE
    is freed, nothing is generated, all other tensors are ignored and the answer has none.
    """

    SEED = "SEED"
    NONCE = "NONCE"
    CHUNK = "CHUNK"
    BLOCK = "BLOCK"
    REFERENCE = "REFERENCE"
    MASKED = "MASKED"
    SPEECH = "SPEECH"
    FRAMES = "FRAMES"
    DIGEST = "DIGEST"


NO_BLOCK = -1
"""BLOCK of a request that only ends its sequence."""


class Refusal(StrEnum):
    """What is wrong with a request, in the backend's own words: its message is one of these, a colon, a space, and a text.

    The code decides whether to try again; the text is for people. A message without one is the server's own.
    """

    INVALID_BLOCK = "invalid_block"  # wrong shape, type or value
    STALE_BLOCK = "stale_block"  # not the block that its sequence expects, e.g. after a restart
    UNAVAILABLE = "unavailable"  # no slot is free
    CANCELLED = "cancelled"  # its client is gone
    NON_FINITE_OUTPUT = "non_finite_output"  # the network or the decoder made a value that is no number
    OUT_OF_MEMORY = "out_of_memory"  # there may be room later
    DEVICE_LOST = "device_lost"  # the process cannot compute any more, and must be started again
    BLOCK_FAILED = "block_failed"  # anything else that broke inside


# Samples of one step of wav2vec2 at 25 steps a second. A window starts on a whole one, so that its steps are the track's.
SPEECH_STEP = 640
# Seconds of sound on both sides of a request's frames, which only inform it.
# More than 2.56: half the kernel of wav2vec2's positional convolution at 25 steps a second.
SPEECH_CONTEXT = 3

# The mouth region of the aligned crop: rows of a 64 x 64 grid -> inclusive column runs that are generated; all else is kept.
# (Mask of the released weights at latent resolution; the notch in rows 24-31 spares the nose.)
_MOUTH_RUNS: dict[int, tuple[tuple[int, int], ...]] = {
    **dict.fromkeys(range(24, 32), ((2, 19), (44, 61))),
    **dict.fromkeys(range(32, 37), ((2, 61),)),
    **dict.fromkeys(range(37, 41), ((3, 61),)),
    **dict.fromkeys(range(41, 44), ((3, 60),)),
    44: ((4, 59),),
    45: ((5, 58),),
    46: ((5, 58),),
    47: ((6, 57),),
    48: ((7, 56),),
    49: ((8, 56),),
    50: ((8, 55),),
    51: ((9, 54),),
    52: ((11, 53),),
    53: ((12, 52),),
    54: ((13, 51),),
    55: ((15, 49),),
    56: ((17, 48),),
    57: ((19, 46),),
    58: ((21, 44),),
    59: ((23, 41),),
    60: ((27, 38),),
}
_MOUTH_GRID = 64


def mouth_mask(size: int) -> NDArray[np.bool_]:
    """The mouth region at ``size`` x ``size``: True where pixels are generated, False where they are kept.

    At 64 it is the table itself; larger sizes interpolate it bilinearly, smaller ones take the majority of each cell.
    """
    grid = np.zeros((_MOUTH_GRID, _MOUTH_GRID), np.float64)
    for row, runs in _MOUTH_RUNS.items():
        for first, last in runs:
            grid[row, first : last + 1] = 1.0
    if size < _MOUTH_GRID:
        step = _MOUTH_GRID // size
        return np.asarray(grid.reshape(size, step, size, step).mean(axis=(1, 3)) >= 0.5)
    at = np.clip((np.arange(size) + 0.5) * _MOUTH_GRID / size - 0.5, 0, _MOUTH_GRID - 1)
    low = np.minimum(at.astype(int), _MOUTH_GRID - 2)
    part = at - low
    rows = grid[low] * (1 - part)[:, None] + grid[low + 1] * part[:, None]
    return np.asarray(rows[:, low] * (1 - part) + rows[:, low + 1] * part > 0.5)
