"""What a student of any preset is worth on prepared footage of people, voices or languages that are held out.

Footage has no drawn truth: what was filmed is the truth, as the landmarker sees it in the aligned crops. So generated crops
are measured where they are made, and nothing is pasted.

Choices:
- A clip that shall say its own words is shown another stretch of the same person as reference, as in training. With itself
  as reference a student that copies would be perfect.
- A clip that shall say another clip's words is its own reference, as in every job: whatever of the filmed mouth comes through
  is a leak.
- What another clip asks for is filmed too: controls compare with the mouth of the clip half the set away, which is hardly
  ever of the same source.

Legend: V video frames, H/W crop side, C colours, S samples (16 kHz).
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dubbing.faces.detector import FaceDetector
from lipforcing.contract import mouth_mask
from services.trainer.common.timing import MARGIN, frame_times
from services.trainer.footage.frozen import FrozenClips
from services.trainer.footage.sample import Sample
from services.trainer.metrics.mouth_figures import LATE, Frames, Measured, mouth_figures, summary
from services.trainer.metrics.mouth_series import MouthSeries, mouths_in
from services.trainer.metrics.sync import SyncScorer, sync_figures
from services.trainer.models.dubber import Dubber

OnClip = Callable[[int, Sample, Measured], None]


class ClipSpeech(NamedTuple):
    """What a clip says: its sound with margins, int16 [S], and the mouth that was filmed with it."""

    sound_S: NDArray[np.int16]
    mouth: MouthSeries


class FootageJudge:
    """Measures students; without a scorer no figure of sync is given. The seed is that of the students' noise."""

    def __init__(self, detector: FaceDetector, scorer: SyncScorer | None, seed: int) -> None:
        self._detector, self._scorer, self._seed = detector, scorer, seed

    def measure(self, dubber: Dubber, clips: FrozenClips, on_clip: OnClip | None = None) -> dict[str, Any]:
        """Figures of a student; ``on_clip`` hears every clip's number, the clip, and what was measured on it.

        Returns:
            JSON values, by the names of `services.trainer.evaluation.speakers` where they mean the same.
        """
        said = [ClipSpeech(clip.sound_S, self._mouths(clip.target_VnnC)) for clip in clips]
        rows, languages = [], set()
        for index, clip in enumerate(clips):
            measured = self._judge(dubber, clip, said[index], said[(index + len(said) // 2) % len(said)])
            rows.append(measured.figures)
            languages.add(str(clip.meta.get("language", "und")))
            if on_clip is not None:
                on_clip(index, clip, measured)
        return {
            "split": clips.split.value, "clips": len(clips), "frames": clips.frames, "seed": self._seed, "data": clips.digest,
            "device": dubber.device.type, "languages": sorted(languages), **summary(rows),
        }  # fmt: skip

    def _judge(self, dubber: Dubber, clip: Sample, own: ClipSpeech, other: ClipSpeech) -> Measured:
        times = frame_times(len(clip.target_VnnC))
        itself, masked = dubber.encode(clip.filmed_VnnC)
        elsewhere, _ = dubber.encode(clip.reference_VnnC)
        inputs = {
            "own": (elsewhere, own.sound_S, times),
            "late": (elsewhere, own.sound_S, times - LATE),
            "other": (itself, other.sound_S, times),
            "silence": (elsewhere, np.zeros_like(own.sound_S), times),
        }
        generated = {
            name: dubber.say(reference, masked, dubber.listen(sound, at), self._seed)
            for name, (reference, sound, at) in inputs.items()
        }
        seen = {name: self._mouths(crops) for name, crops in generated.items()}
        row = {
            **mouth_figures(seen, own.mouth, own.mouth, other.mouth.opening),
            "mouth_error": _mouth_error(generated["own"], clip.target_VnnC),
            **self._sync(generated["own"], own.sound_S, other.sound_S),
        }
        pictures = {
            "source": clip.filmed_VnnC,
            "generated": generated["own"],
            "true": clip.target_VnnC,
            "silence": generated["silence"],
        }
        shown = {name: list(frames) for name, frames in pictures.items()}
        return Measured(row, shown, {"generated": seen["own"], "true": own.mouth})

    def _sync(self, crops_VHWC: Frames, own_S: NDArray[np.int16], other_S: NDArray[np.int16]) -> dict[str, float]:
        sounds = (sound_S[MARGIN:-MARGIN] for sound_S in (own_S, other_S))
        return {} if self._scorer is None else sync_figures(self._scorer, crops_VHWC, *sounds)

    def _mouths(self, crops_VHWC: Frames) -> MouthSeries:
        return mouths_in(crops_VHWC, self._detector, mirrored=True)


def _mouth_error(generated_VHWC: Frames, true_VHWC: Frames) -> float:
    """Mean absolute error inside the mouth region, in 8-bit steps."""
    apart = np.abs(generated_VHWC.astype(np.int16) - true_VHWC)
    return float(apart[:, mouth_mask(generated_VHWC.shape[1])].mean())
