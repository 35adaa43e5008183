"""A SyncNet of our own: the published architecture at a small size, trained on clips whose mouths and sounds agree.

In every step the places of a clip compete: five frames of the mouth must be nearest to their own 0.2 s of sound, and the
reverse. Distances are those of the metric.

Choices:
- Several clips go through the network together, though each competes with itself alone: batch normalisation over one clip
  would take the face out, which the stored statistics cannot do afterwards.
- What a step looks at depends on its number alone, so that threads prepare it while the device computes.
- At the end these statistics are measured anew with the averaged weights, which they were not collected with.

Legend: N clips, V video frames, H/W crop side, C colours (3), S samples of sound (16 kHz), P places, E embedding.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lipforcing.syncnet import FRAMES, TINY, SyncNet, SyncSizes, prepare_pictures, prepare_sound
from services.trainer.common.losses import contrastive_loss
from services.trainer.common.optimise import Curve, Optimisation, Parts, optimise

_THREADS = 4  # that prepare steps


@dataclass(frozen=True, slots=True)
class Spoken:
    """One clip: uint8 crops [V, H, W, 3] and float32 sound [S] in [-1, 1] that begins with the first frame."""

    frames_VHWC: NDArray[np.uint8]
    waveform_S: NDArray[np.float32]


class SpokenClips(Protocol):
    """Clips by number; they may be made only when they are looked at."""

    def __len__(self) -> int:
        """How many."""

    def __getitem__(self, index: int, /) -> Spoken:
        """One of them."""


@dataclass(frozen=True, slots=True)
class SyncStage:
    """How SyncNet is trained.

    Attributes:
        plan: the optimisation; ``batch`` is the number of places of one clip that compete.
        sizes: of the network.
        temperature: of the softmax at the start; it is learned.
        calibration: clips from which batch normalisation's statistics are measured at the end.
        clips: of one step.
    """

    plan: Optimisation
    sizes: SyncSizes = field(default=TINY)
    temperature: float = 1.0
    calibration: int = 32
    clips: int = 4


class ClipPlaces(NamedTuple):
    """Some places of one clip: pictures [P, 3, 5, side, side] and their sounds [P, 13, 20]."""

    pictures: Tensor
    sounds: Tensor

    def on(self, device: torch.device | None) -> "ClipPlaces":
        """The same, there."""
        return ClipPlaces(self.pictures.to(device), self.sounds.to(device))


class _Pairing(nn.Module):
    """The network and the logarithm of its temperature, which are trained together."""

    def __init__(self, stage: SyncStage) -> None:
        super().__init__()
        self.network = SyncNet(stage.sizes)
        self.log_temperature = nn.Parameter(torch.tensor(stage.temperature).log())

    def loss(self, clips: Sequence[ClipPlaces]) -> Tensor:
        """Mean over clips."""
        # Places of each clip, to take the batch apart again.
        counts = [len(one.sounds) for one in clips]
        # [P of all clips, E] each, then cut clip by clip: one pass, so that batch normalisation sees several faces.
        lips = self.network.pictures(torch.cat([one.pictures for one in clips])).split(counts)
        sounds = self.network.sounds(torch.cat([one.sounds for one in clips])).split(counts)
        # [P, P] for each clip: every picture against every sound of the same clip, and no other clip's.
        tables = [torch.cdist(*pair) for pair in zip(lips, sounds, strict=True)]
        # Softmax over the places of a clip, both ways; the temperature is learned as its logarithm, so it stays positive.
        return torch.stack([contrastive_loss(table, self.log_temperature.exp()) for table in tables]).mean()


def train_syncnet(
    clips: SpokenClips, stage: SyncStage, seed: int,
    advance: Callable[[int, int], None] = lambda _done, _of: None, device: torch.device | None = None,
) -> tuple[SyncNet, Curve]:  # fmt: skip
    """A SyncNet for ``clips``, trained on ``device``, given frozen and on the CPU; ``advance`` is told the step.

    Raises:
        ValueError: clips too short to compete.
    """
    torch.manual_seed(seed)
    pairing = _Pairing(stage).to(device).train()
    prepared = _prefetched(lambda step: _drawn(clips, stage, seed, step), stage.plan.steps)

    def loss(step: int) -> Parts:
        advance(step + 1, stage.plan.steps)
        return {"sync": pairing.loss([one.on(device) for one in next(prepared)])}

    curve = optimise(pairing, loss, stage.plan, stage="syncnet", report_every=50)
    _calibrate(pairing.network, [clips[at] for at in range(min(stage.calibration, len(clips)))], stage, device)
    return pairing.network.eval().requires_grad_(requires_grad=False).cpu(), curve


def _drawn(clips: SpokenClips, stage: SyncStage, seed: int, step: int) -> list[ClipPlaces]:
    """What step number ``step`` looks at."""
    drawn = torch.Generator().manual_seed(seed << 32 | step)  # of this step alone, whoever prepares it
    rows = torch.randint(len(clips), (stage.clips,), generator=drawn).tolist()
    return [places_of(clips[row], stage.sizes, stage.plan.batch, drawn) for row in rows]


def _prefetched(make: Callable[[int], list[ClipPlaces]], count: int) -> Iterator[list[ClipPlaces]]:
    """``make(0)``, ``make(1)``, ... in order, a few of them made ahead by threads."""
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="places") as threads:
        waiting: deque[Future[list[ClipPlaces]]] = deque()
        for step in range(count):
            waiting.append(threads.submit(make, step))
            # Enough ahead that no thread waits, and few enough to fit into memory.
            if len(waiting) > 2 * _THREADS:
                yield waiting.popleft().result()
        for one in waiting:
            yield one.result()


def places_of(clip: Spoken, sizes: SyncSizes, count: int, drawn: torch.Generator) -> ClipPlaces:
    """Some places of a clip, drawn without repetition.

    Raises:
        ValueError: fewer than two places.
    """
    # [places, 13, 20]: one for each frame, 0.2 s long.
    sounds = prepare_sound(torch.from_numpy(clip.waveform_S))
    places = min(len(clip.frames_VHWC) - FRAMES, len(sounds))  # the last five frames begin no place
    if places < 2:
        raise ValueError(f"a clip of {len(clip.frames_VHWC)} frames has no two places to compare")
    # Without repetition: the same place twice would be right and wrong at once.
    chosen = torch.randperm(places, generator=drawn)[:count]
    # All frames of the clip, [V, 3, side, side].
    frames = prepare_pictures(torch.from_numpy(clip.frames_VHWC), sizes.side)
    # Five frames from every place on: [P, 3, side, side, 5] -> [P, 3, 5, side, side].
    return ClipPlaces(frames.unfold(0, FRAMES, 1)[chosen].permute(0, 1, 4, 2, 3), sounds[chosen])


@torch.no_grad()
def _calibrate(network: SyncNet, clips: Sequence[Spoken], stage: SyncStage, device: torch.device | None) -> None:
    """Plain means of the statistics over ``clips`` instead of running ones."""
    norms = [module for module in network.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)]  # noqa: SLF001 - the common base of all three has no public name
    for norm in norms:
        norm.reset_running_stats()  # what was collected while the weights still moved
        # None is PyTorch's word for a plain mean over all batches.
        norm.momentum = None
    # In training mode, for only then are statistics collected; no weight changes.
    network.train()
    for first in range(0, len(clips), stage.clips):
        drawn = torch.Generator().manual_seed(first)  # the same places whenever it is measured
        few = clips[first : first + stage.clips]
        some = [places_of(clip, stage.sizes, stage.plan.batch, drawn).on(device) for clip in few]
        network.pictures(torch.cat([one.pictures for one in some]))
        network.sounds(torch.cat([one.sounds for one in some]))
