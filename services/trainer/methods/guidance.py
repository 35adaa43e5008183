"""When the teacher is guided while a student learns from it (Sync-Window DMD), and by what.

A clip's timestep is drawn as published, t = s·u / (1 + (s - 1)·u) with u uniform in [0.001, 0.999], each sample's its own.
Whether it lies inside the window is decided first, for all samples that are computed together, and with the same probability:
the law of t is unchanged, while the pass without conditions (its cost is that of the pass with them) runs only for the 40 %
of the batches that need it, on all ranks alike.

Legend: B samples, L text tokens, E text width.
"""

from dataclasses import dataclass, replace
from typing import Literal, get_args

import torch
from torch import Tensor

from lipforcing.presets import TeacherConfig
from lipforcing.schedule import guidance_window, shifted
from services.trainer.methods.draws import Draws, Purpose
from services.trainer.methods.samples import Clips

_LEAST, _MOST = 0.001, 0.999
# Where the teacher is guided; ``window`` is the method, the others are its ablations.
Gate = Literal["window", "outside", "always", "never"]


@dataclass(frozen=True, slots=True)
class Levels:
    """Timesteps of a micro-batch: float64 [B], and whether the teacher is guided at all of them."""

    t_B: Tensor
    guided: bool


@dataclass(frozen=True, slots=True)
class Guidance:
    """The guidance schedule of a teacher.

    Attributes:
        scale: inside the gate; 1 outside.
        gate: where.
        window: lowest and highest timestep of the sync window, both inclusive.
        shift: of the law of timesteps.

    Raises:
        ValueError: an unknown gate.
    """

    scale: float
    gate: Gate
    window: tuple[float, float]
    shift: float

    def __post_init__(self) -> None:
        """Refuse what does not exist."""
        if self.gate not in get_args(Gate):
            raise ValueError(f"the teacher is guided {', '.join(get_args(Gate))}, not {self.gate!r}")

    @classmethod
    def of(cls, teacher: TeacherConfig, gate: Gate = "window") -> "Guidance":
        """The window as the teacher's own sampling grid has it, not as rounded in print."""
        return cls(teacher.guidance, gate, guidance_window(teacher), teacher.shift)

    def draw(self, draws: Draws, purpose: Purpose) -> Levels:
        """Timesteps of a micro-batch on one side of the window."""
        # [B] in [0, 1): where within its side of the window each sample lies.
        u_B = draws.uniform(purpose)  # float64
        # The window in the uniform variable: t = s u / (1 + (s - 1) u), solved for u.
        low, high = (t / (self.shift - (self.shift - 1.0) * t) for t in self.window)
        width, total = high - low, _MOST - _LEAST  # in u, where the law is uniform
        # Decided for the group, with the probability that a single draw would have: the law of t stays.
        inside = draws.shared_uniform(Purpose.REGION) < width / total
        if inside:
            # [low, high): uniform in u, so t follows the published law within the window.
            u_B = low + u_B * width
        else:
            # What lies outside is two pieces; they are drawn as one, then the upper one is moved up.
            u_B = _LEAST + u_B * (total - width)
            u_B = torch.where(u_B < low, u_B, u_B + width)  # [_LEAST, low) and [high, _MOST)
        # [B] float64; the ends are left out, where there is nothing to learn or nothing to see.
        t_B = shifted(u_B, self.shift).clamp(_LEAST, _MOST)
        # All samples of the batch alike, so the pass without conditions is run for all or for none.
        guided = {"window": inside, "outside": not inside, "always": True, "never": False}[self.gate]
        return Levels(t_B, guided)

    def law(self, u: Tensor) -> Tensor:
        """The timestep at a uniform number in [0, 1) where nothing depends on the window."""
        # The same law as ``draw`` gives in all, by one number for each sample.
        return shifted(_LEAST + u * (_MOST - _LEAST), self.shift).clamp(_LEAST, _MOST)


@dataclass(frozen=True, slots=True)
class NullConditions:
    """What a network is told instead of a condition that is dropped.

    Attributes:
        text_LE: the embedded empty prompt; zeros only where the prompts themselves are zeros.
        text: whether the negative of guidance drops the text too, or the sound alone.
    """

    text_LE: Tensor
    text: bool = True

    def negative(self, clips: Clips) -> Clips:
        """The clips without what guidance pushes away from: in silence, and with the empty prompt.

        Raises:
            ValueError: the empty prompt's embedding is missing (all zero) although prompts are embedded.
        """
        # Zero features are the null of sound, as the teacher's dropout has shown it.
        silent = clips.without_audio()  # [B, T, G, A] of zeros
        return replace(silent, text_BLE=self.texts(clips)) if self.text else silent

    def texts(self, clips: Clips) -> Tensor:
        """The empty prompt for every clip; raises like ``negative``."""
        if not self.text_LE.any() and clips.text_BLE.any():
            raise ValueError("the embedding of the empty prompt is all zero, which no teacher has seen: embed it first")
        # [L, E] -> [B, L, E] without a copy.
        return self.text_LE.to(clips.text_BLE).expand_as(clips.text_BLE)

    def drop(self, clips: Clips, draws: Draws, text: float, speech: float) -> Clips:
        """Condition dropout: every clip loses its text and its sound with these chances, each for itself."""
        # [B, 1, 1] beside texts [B, L, E], and [B, 1, 1, 1] beside features [B, T, G, A].
        no_text = (draws.uniform(Purpose.DROP_TEXT) < text).view(-1, 1, 1).to(clips.text_BLE.device)
        no_speech = (draws.uniform(Purpose.DROP_SPEECH) < speech).view(-1, 1, 1, 1).to(clips.text_BLE.device)
        speech_BTGA = clips.conditions.speech_BTGA.masked_fill(no_speech, 0.0)  # silence is zero features
        # Without a chance the empty prompt is not asked for: of models without text it may be missing.
        texts = torch.where(no_text, self.texts(clips), clips.text_BLE) if text else clips.text_BLE
        return replace(clips, text_BLE=texts, conditions=replace(clips.conditions, speech_BTGA=speech_BTGA))
