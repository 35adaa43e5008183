"""SyncNet (Chung and Zisserman, 2016): how well a mouth fits a sound, and by how many frames one of them is late.

Five frames of a mouth and 20 columns (0.2 s) of cepstra go to one space; the distance between them is small where both belong
together. One class serves the published weights (``syncnet_v2``: pictures of 224 x 224, 1024 numbers) and small networks of
our own.

The metric is the published one. For every shift d in -15 .. 15 frames, D(d) is the mean over all places (one per frame, less
five) of the distance between picture i and sound i + d, where sounds outside the clip are zeros. Sync-D is the least D, Sync-C
the median D minus it. ``offset`` is the published ``15 - argmin``: how many frames the sound comes before the picture that it
belongs to (negative: after it).

Choices:
- One table serves metric and reward, so both see the same crop, the same padding and the same places.
- The reward looks at D(0), not at the smallest D: a mouth that is in time with another moment has earned nothing.
- Nothing here carries gradients while it scores; batch normalisation uses its stored statistics then.

Legend: N places, V video frames, H/W picture side, C colours (3), K columns of cepstra, S samples, E embedding, R shifts (31).
"""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, pad, pairwise_distance

from lipforcing.audio.mfcc import COEFFICIENTS, mfcc
from lipforcing.contract import SYNCNET_FRAMES, SYNCNET_REACH, SYNCNET_STEP

FRAMES = SYNCNET_FRAMES
COLUMNS = 20
COLUMNS_PER_FRAME = 4
REACH = SYNCNET_REACH
SAMPLES_PER_FRAME = SYNCNET_STEP
_CHUNK = 64


@dataclass(frozen=True, slots=True)
class SyncSizes:
    """Sizes of one SyncNet.

    Attributes:
        side: of the square picture.
        divide: every width is the published one divided by this.
    """

    side: int = 224
    divide: int = 1

    @property
    def embedding(self) -> int:
        """Width E of the common space."""
        return 1024 // self.divide


PUBLISHED = SyncSizes()
TINY = SyncSizes(side=112, divide=8)


class SyncNet(nn.Module):
    """The two halves, under the published names ``netcnnaud``, ``netfcaud``, ``netcnnlip`` and ``netfclip``.

    Args:
        sizes: published by default.
    """

    def __init__(self, sizes: SyncSizes = PUBLISHED) -> None:
        super().__init__()
        self.sizes = sizes
        wide = [width // sizes.divide for width in (64, 192, 384, 256, 256, 512)]
        self.netcnnaud = _sound_tower(wide)
        self.netcnnlip = _picture_tower([width // sizes.divide for width in (96, 256, 256, 256, 256, 512)], sizes.side)
        self.netfcaud, self.netfclip = (_head(wide[-1], sizes.embedding) for _ in range(2))

    def sounds(self, cepstra_NCK: Tensor) -> Tensor:
        """[N, 13, 20] -> [N, E]."""
        out: Tensor = self.netfcaud(self.netcnnaud(cepstra_NCK.unsqueeze(1)).flatten(1))
        return out

    def pictures(self, frames_NCVHW: Tensor) -> Tensor:
        """[N, 3 (BGR), 5, side, side] in 0 .. 255 -> [N, E]."""
        out: Tensor = self.netfclip(self.netcnnlip(frames_NCVHW).flatten(1))
        return out


def _sound_tower(wide: list[int]) -> nn.Sequential:
    one, two, three, four, five, six = wide
    return nn.Sequential(
        *_layer2(1, one, 3, 1), nn.MaxPool2d(1, 1),
        *_layer2(one, two, 3, 1), nn.MaxPool2d(3, (1, 2)),
        *_layer2(two, three, 3, 1), *_layer2(three, four, 3, 1), *_layer2(four, five, 3, 1), nn.MaxPool2d(3, 2),
        *_layer2(five, six, (5, 4), 0),
    )  # fmt: skip


def _picture_tower(wide: list[int], side: int) -> nn.Sequential:
    one, two, three, four, five, six = wide
    layers = nn.Sequential(
        *_layer3(3, one, (FRAMES, 7, 7), 2, 0), nn.MaxPool3d((1, 3, 3), (1, 2, 2)),
        *_layer3(one, two, (1, 5, 5), 2, 1), nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1)),
        *_layer3(two, three, (1, 3, 3), 1, 1), *_layer3(three, four, (1, 3, 3), 1, 1),
        *_layer3(four, five, (1, 3, 3), 1, 1), nn.MaxPool3d((1, 3, 3), (1, 2, 2)),
    )  # fmt: skip
    # What is left of the picture: 6 of 224.
    left = (((side - 7) // 2 + 1 - 3) // 2 + 1 - 3) // 2 + 1
    left = ((left - 1) // 2 + 1 - 3) // 2 + 1
    if left < 1:
        raise ValueError(f"a picture of {side} x {side} is too small for SyncNet")
    return layers.extend(_layer3(five, six, (1, left, left), 1, 0))


def _layer2(into: int, out: int, kernel: int | tuple[int, int], padding: int) -> list[nn.Module]:
    return [nn.Conv2d(into, out, kernel, padding=padding), nn.BatchNorm2d(out), nn.ReLU()]


def _layer3(into: int, out: int, kernel: tuple[int, int, int], stride: int, padding: int) -> list[nn.Module]:
    convolution = nn.Conv3d(into, out, kernel, (1, stride, stride), (0, padding, padding))
    return [convolution, nn.BatchNorm3d(out), nn.ReLU()]


def _head(width: int, embedding: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(width, width), nn.BatchNorm1d(width), nn.ReLU(), nn.Linear(width, embedding))


@dataclass(frozen=True, slots=True)
class SyncNetMetric:
    """What the distances of one clip say.

    Attributes:
        confidence: Sync-C, median minus smallest distance.
        distance: Sync-D, the smallest distance.
        offset: frames by which the sound comes before its picture, at the smallest distance.
        in_time: median minus the distance at shift 0; what the reward is made of.
    """

    confidence: float
    distance: float
    offset: int
    in_time: float


def distances(lips_NE: Tensor, sounds_NE: Tensor, reach: int = REACH, *, inside: bool = False) -> Tensor:
    """Mean distance for every shift -reach .. reach, [R]; shift d compares picture i with sound i + d, zeros outside.

    Args:
        lips_NE: embedded pictures.
        sounds_NE: embedded sounds.
        reach: largest shift.
        inside: leave out what lies outside instead, and shifts of which nothing is left: not the published metric, but what
            can be said of clips that are hardly longer than the shifts, where most of a mean would be distances to zeros.

    Raises:
        ValueError: the two are of different length, or empty.
    """
    places = len(lips_NE)
    if places != len(sounds_NE) or not places:
        raise ValueError(f"{places} pictures cannot be compared with {len(sounds_NE)} sounds")
    if inside:
        reach = min(reach, places - 1)
        rows = [
            (lips_NE[max(0, -d) : places - max(0, d)], sounds_NE[max(0, d) : places + min(0, d)])
            for d in range(-reach, reach + 1)
        ]
        return torch.stack([pairwise_distance(*row).mean() for row in rows])
    return distances_by_place(lips_NE, pad(sounds_NE, (0, 0, reach, reach))).mean(dim=0)


def distances_by_place(lips_NE: Tensor, sounds_ME: Tensor) -> Tensor:
    """Distances [N, R] of every place's picture to the R = M - N + 1 sounds around it; the sounds reach beyond the places."""
    places, shifts = len(lips_NE), len(sounds_ME) - len(lips_NE) + 1
    return torch.stack([pairwise_distance(lips_NE, sounds_ME[first : first + places]) for first in range(shifts)], dim=1)


def score_of(table_R: Tensor) -> SyncNetMetric:
    """Sync-C, Sync-D and offset of a table of distances."""
    reach = len(table_R) // 2
    least, place = table_R.min(dim=0)
    median = table_R.median()
    return SyncNetMetric(float(median - least), float(least), reach - int(place), float(median - table_R[reach]))


class ClipScorer:
    """Scores clips with a frozen network.

    Args:
        network: trained or loaded.
        inside: compare within the clip only (``distances``); otherwise as published.
    """

    def __init__(self, network: SyncNet, *, inside: bool = False) -> None:
        self.network = network.eval().requires_grad_(requires_grad=False)
        self._inside = inside

    @classmethod
    def of_clips(cls, network: SyncNet, frames: int) -> Self:
        """As published, or, for clips of fewer places than there are shifts, within the clip."""
        return cls(network, inside=frames - FRAMES <= 2 * REACH)

    @torch.no_grad()
    def pictures(self, frames_VHWC: Tensor) -> Tensor:
        """Embeddings of five frames at every place, [V - 5, E], of uint8 RGB crops [V, H, W, 3] of any size.

        Raises:
            ValueError: not uint8, or no more than five.
        """
        if len(frames_VHWC) == FRAMES:
            raise ValueError(f"the published metric leaves the last place out: more than {FRAMES} pictures are needed")
        return embed_pictures(self.network, prepare_pictures(frames_VHWC.to(self._device), self.network.sizes.side)[:-1])

    @torch.no_grad()
    def sounds(self, waveform_S: Tensor) -> Tensor:
        """Embeddings of every 0.2 s that begins with a frame, of 16 kHz mono in [-1, 1]."""
        return embed_sounds(self.network, prepare_sound(waveform_S).to(self._device))

    def table(self, frames_VHWC: Tensor, sounds_NE: Tensor) -> Tensor:
        """Distances [R] of a clip to the embedded sound of the same moment, over the places that both have."""
        lips_NE = self.pictures(frames_VHWC)
        places = min(len(lips_NE), len(sounds_NE))
        return distances(lips_NE[:places], sounds_NE[:places], inside=self._inside)

    def score(self, frames_VHWC: Tensor, waveform_S: Tensor) -> SyncNetMetric:
        """The metric of one clip and its sound."""
        return score_of(self.table(frames_VHWC, self.sounds(waveform_S)))

    @property
    def _device(self) -> torch.device:
        return next(self.network.parameters()).device


def embed_pictures(network: SyncNet, frames_VCHW: Tensor) -> Tensor:
    """Prepared pictures [V, 3, side, side] -> embeddings of five of them at every place, [V - 4, E]."""
    # [V - 4, 3, side, side, 5] as a view -> [V - 4, 3, 5, side, side]; 64 at a time, because a place takes 3 MB.
    windows = frames_VCHW.unfold(0, FRAMES, 1).permute(0, 1, 4, 2, 3)
    return torch.cat([network.pictures(part) for part in windows.split(_CHUNK)])


def embed_sounds(network: SyncNet, windows_NCK: Tensor) -> Tensor:
    """Windows of cepstra [N, 13, 20] -> embeddings [N, E]."""
    return torch.cat([network.sounds(part) for part in windows_NCK.split(8 * _CHUNK)])


def prepare_pictures(frames_VHWC: Tensor, side: int) -> Tensor:
    """uint8 RGB crops [V, H, W, 3] -> [V, 3 (BGR), side, side] float32 in 0 .. 255, bilinear without anti-aliasing.

    Raises:
        ValueError: not uint8, or too few frames for one place.
    """
    if frames_VHWC.dtype != torch.uint8 or len(frames_VHWC) < FRAMES:
        raise ValueError(f"SyncNet takes {FRAMES} uint8 pictures or more, not {len(frames_VHWC)} of {frames_VHWC.dtype}")
    # The published network was trained on pictures that OpenCV had read, which are BGR, and without scaling to [0, 1].
    frames_VCHW = frames_VHWC.flip(-1).permute(0, 3, 1, 2).float()
    return interpolate(frames_VCHW, (side, side), mode="bilinear", align_corners=False)


def prepare_sound(waveform_S: Tensor) -> Tensor:
    """A waveform [S] -> windows of cepstra [N, 13, 20], one per whole video frame (25 fps) less five.

    Raises:
        ValueError: too short for one window.
    """
    columns_CK = mfcc(waveform_S)
    places = min((columns_CK.shape[1] - COLUMNS) // COLUMNS_PER_FRAME + 1, len(waveform_S) // SAMPLES_PER_FRAME - FRAMES)
    if places < 1:
        raise ValueError(f"{len(waveform_S)} samples are too short for SyncNet")
    return sound_windows(columns_CK)[:places]


def sound_windows(columns_CK: Tensor) -> Tensor:
    """Cepstra [13, K] -> all whole windows of them that begin with a frame, [N, 13, 20]."""
    return columns_CK.unfold(1, COLUMNS, COLUMNS_PER_FRAME).transpose(0, 1).reshape(-1, COEFFICIENTS, COLUMNS)
