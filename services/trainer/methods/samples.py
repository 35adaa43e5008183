"""What a method learns from: samples that are checked one by one and put together into micro-batches.

Nothing is optional by accident: a field that a recipe needs and a sample lacks, a reference that shows the target, a waveform
in half precision are refused with the sample's name; none of them changes silently what is trained.

Legend: B samples, V video frames, Z latent channels, T latent frames, h/w latent side, L text tokens, E text width, A speech
features, S samples of sound (16 kHz mono).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from lipforcing.conditions import Conditions
from lipforcing.contract import FRAMES_PER_LATENT, LATENTS_PER_BLOCK
from lipforcing.syncnet import SAMPLES_PER_FRAME
from services.trainer.models.latents import conditions_of


class BadSampleError(ValueError):
    """A sample that cannot be trained on; ``name`` says which."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"sample {name}: {why}")
        self.name = name


@dataclass(frozen=True, slots=True)
class Span:
    """Frames ``start`` .. ``stop`` - 1 of one piece of footage; the same shot with another mouth is another piece."""

    source: str
    start: int
    stop: int

    def overlaps(self, other: "Span") -> bool:
        """Whether both show some frame."""
        return self.source == other.source and self.start < other.stop and other.start < self.stop


@dataclass(frozen=True, slots=True)
class EncodedSample:
    """One clip to be learned, encoded.

    Attributes:
        name: by which errors call it.
        target_ZThw: latents of the clip with the mouth to be learned.
        masked_ZThw: of the same clip with the mouth hidden.
        reference_ZThw: of other footage of the same person.
        speech_VA: features of the clip's sound at its frames, V = 4T - 3.
        text_LE: embedded prompt.
        shown: where the target is from.
        reference: where the reference is from.
        waveform_S: the clip's sound, float32; needed where a reward hears it.
    """

    name: str
    target_ZThw: Tensor
    masked_ZThw: Tensor
    reference_ZThw: Tensor
    speech_VA: Tensor
    text_LE: Tensor
    shown: Span
    reference: Span
    waveform_S: Tensor | None = None

    def check(self, *, sound: bool) -> None:
        """Refuse what cannot be trained on; ``sound`` says that the waveform is needed.

        Raises:
            BadSampleError: says what is wrong.
        """
        frames = self.target_ZThw.shape[1]  # T
        # Latent 0 is of one frame, every later one of four: V = 1 + 4 (T - 1).
        seen = 1 + FRAMES_PER_LATENT * (frames - 1)
        if frames % LATENTS_PER_BLOCK or len(self.speech_VA) != seen:
            raise BadSampleError(self.name, f"{frames} latent frames with {len(self.speech_VA)} frames of speech")
        if {self.masked_ZThw.shape, self.reference_ZThw.shape} != {self.target_ZThw.shape}:
            raise BadSampleError(self.name, "target, masked footage and reference differ in shape")
        if self.shown.overlaps(self.reference):  # the law of every data set
            raise BadSampleError(
                self.name,
                f"its reference {self.reference} shows frames of its target {self.shown}: the answer would be visible",
            )
        # A codec that overflows in half precision, or a damaged file, would else train on NaN.
        for field in ("target_ZThw", "masked_ZThw", "reference_ZThw", "speech_VA", "text_LE"):
            if not torch.isfinite(getattr(self, field)).all():
                raise BadSampleError(self.name, f"{field} holds values that are no numbers")
        if sound:
            self._check_sound(seen)

    def _check_sound(self, frames: int) -> None:
        if self.waveform_S is None:
            raise BadSampleError(self.name, "the reward needs its waveform, which is absent")
        if self.waveform_S.dtype != torch.float32:
            raise BadSampleError(self.name, f"its waveform is {self.waveform_S.dtype}; the reward needs float32")
        if len(self.waveform_S) != frames * SAMPLES_PER_FRAME:
            raise BadSampleError(
                self.name, f"its waveform has {len(self.waveform_S)} samples; {frames} frames last {frames * SAMPLES_PER_FRAME}"
            )


@dataclass(frozen=True, slots=True)
class Clips:
    """A micro-batch.

    Attributes:
        names: of the samples.
        places: of the samples in the whole batch of the step (``draws``).
        x0_BZThw: target latents, float32.
        conditions: of the same clips.
        text_BLE: prompts.
        waveform_BS: float32, or None where no reward hears it.
    """

    names: tuple[str, ...]
    places: tuple[int, ...]
    x0_BZThw: Tensor
    conditions: Conditions
    text_BLE: Tensor
    waveform_BS: Tensor | None = None

    def __len__(self) -> int:
        """Number of samples."""
        return len(self.names)

    @property
    def frames(self) -> int:
        """Latent frames T."""
        return self.x0_BZThw.shape[2]

    def needed_waveforms(self) -> Tensor:
        """The waveforms, for what hears them.

        Raises:
            ValueError: the samples came without.
        """
        if self.waveform_BS is None:
            raise ValueError(f"waveforms are needed, and samples {', '.join(self.names)} came without them")
        return self.waveform_BS

    def without_audio(self) -> "Clips":
        """The same clips in silence: features of zero, the null of guidance."""
        # Features [B, T, G, A] of digital silence.
        silent = torch.zeros_like(self.conditions.speech_BTGA)
        return replace(self, conditions=replace(self.conditions, speech_BTGA=silent))


def collate(
    samples: Sequence[EncodedSample], places: Sequence[int], dtype: torch.dtype = torch.float32, *, sound: bool = False
) -> Clips:
    """Check samples of equal shape and put them together; targets and waveforms stay float32, whatever the conditions are.

    Waveforms are left out unless ``sound`` needs them, whoever has one.

    Raises:
        BadSampleError: one of them cannot be used.
        ValueError: there are none.
    """
    if not samples:
        raise ValueError("a micro-batch has at least one sample; all of this one's were refused")
    for sample in samples:
        sample.check(sound=sound)
        if sample.target_ZThw.shape != samples[0].target_ZThw.shape or sample.text_LE.shape != samples[0].text_LE.shape:
            raise BadSampleError(sample.name, f"differs in shape from {samples[0].name}, with which it shares a batch")
    # [B, Z, T, h, w] twice, [B, V, A]; grouped by latent on the way, four frames of speech each.
    conditions = conditions_of(
        torch.stack([sample.reference_ZThw for sample in samples]), torch.stack([sample.masked_ZThw for sample in samples]),
        torch.stack([sample.speech_VA for sample in samples]), dtype,
    )  # fmt: skip
    sounds = [sample.waveform_S for sample in samples if sample.waveform_S is not None] if sound else []
    return Clips(
        tuple(sample.name for sample in samples),
        tuple(places),
        torch.stack([sample.target_ZThw for sample in samples]).float(),
        conditions,
        torch.stack([sample.text_LE for sample in samples]).to(dtype),
        torch.stack(sounds) if sounds else None,
    )


def on_device(clips: Clips, device: torch.device) -> Clips:
    """The clips where they are needed; waveforms stay, for sounds are embedded once and on the CPU's side."""
    conditions = clips.conditions
    # The mask and the identity frame too: everything that the network sees.
    moved = {name: getattr(conditions, name).to(device) for name in type(conditions).__dataclass_fields__}
    return replace(
        clips, x0_BZThw=clips.x0_BZThw.to(device), conditions=Conditions(**moved), text_BLE=clips.text_BLE.to(device)
    )
