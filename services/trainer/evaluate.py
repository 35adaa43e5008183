"""How well a published student speaks, measured on people, voices and languages that it never saw.

Nothing of the generator's knowledge is used on the result: generated mouths are pasted back into the frames and measured
there by the landmarker, and compared with the mouth that the generator drew for the same sound.

Legend: N clips, V video frames, H/W picture height and width, C colours, A features, S samples.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from dubbing.faces.align import Matrix, crop_transforms, extract_crop
from dubbing.faces.composite import Compositor
from dubbing.faces.detector import FaceDetector, MediaPipeDetector
from lipforcing.contract import mouth_mask
from lipforcing.rollout import generate
from lipforcing.serving.encoders import FaceEncoder, SpeechEncoder
from lipforcing.serving.loading import LoadedStudent, load_face_encoder, load_speech_encoder, load_student
from lipforcing.vae.base import to_uint8

from .data import Footage, footage
from .latents import conditions_of
from .publish import TINY, version_folder
from .speakers.measure import MouthSeries, best_lag, correlation, mouth_series
from .speakers.splits import Split

Frames = NDArray[np.uint8]
Series = NDArray[np.float64]
_FPS = 25


class Dubber:
    """The three published models, called as the server calls them.

    Args:
        repository: Triton's model repository.
    """

    def __init__(self, repository: Path) -> None:
        cpu = torch.device("cpu")
        faces = load_face_encoder(version_folder(repository, TINY.face_encoder), TINY.face_encoder, cpu)
        speech = load_speech_encoder(version_folder(repository, TINY.speech_encoder), TINY.speech_encoder, cpu)
        self._faces, self._speech = FaceEncoder(faces, TINY.crop), SpeechEncoder(speech)
        self._loaded: LoadedStudent = load_student(version_folder(repository, TINY.student), cpu)

    def listen(self, sound_S: NDArray[np.int16], times_V: Series) -> NDArray[np.float16]:
        """Features of a sound at the given times."""
        return self._speech.encode(sound_S.astype(np.float32) / 32_768.0, times_V, np.array([0.0, 1.0], np.float32))

    @torch.inference_mode()
    def speak(self, crops_VHWC: Frames, speech_VA: NDArray[np.float16], seed: int = 0) -> Frames:
        """The crops with a mouth that says ``speech_VA``; V must fill whole blocks."""
        reference, masked = self._faces.encode(crops_VHWC)
        network = self._loaded.student.network
        conditions = conditions_of(
            torch.from_numpy(reference).transpose(0, 1)[None], torch.from_numpy(masked).transpose(0, 1)[None],
            torch.from_numpy(speech_VA)[None], network.dtype,
        )  # fmt: skip
        latents = generate(self._loaded.student, conditions, seed)
        pictures = self._loaded.codec.decode(latents.to(next(self._loaded.codec.parameters()).dtype))
        return to_uint8(pictures[0]).numpy()


@dataclass(frozen=True, slots=True)
class _Clip:
    """One held-out clip, cut for the student."""

    shot: Footage
    frames: list[Frames]
    filmed: list[Frames]
    matrices: list[Matrix]
    crops: Frames

    @classmethod
    def of(cls, shot: Footage) -> "_Clip":
        frames, filmed = (list(column) for column in zip(*shot.frames(), strict=True))
        matrices = list(crop_transforms(shot.anchors(), TINY.crop))
        cut = [extract_crop(frame, matrix, TINY.crop) for frame, matrix in zip(frames, matrices, strict=True)]
        return cls(shot, frames, filmed, matrices, np.asarray(cut, np.uint8))

    def pasted(self, made: Frames) -> list[Frames]:
        compositor = Compositor(TINY.crop)
        rows = zip(self.frames, self.matrices, self.crops, made, strict=True)
        return [np.asarray(compositor.paste(*row), np.uint8) for row in rows]


@dataclass(frozen=True, slots=True)
class Measured:
    """One clip: its figures, and what they were measured on.

    Attributes:
        figures: by name.
        pictures: frames named ``source``, ``generated``, ``true`` and ``silence``.
        mouths: in the frames ``generated`` and ``true``.
    """

    figures: dict[str, float]
    pictures: dict[str, Sequence[Frames]]
    mouths: dict[str, MouthSeries]


def evaluate(
    repository: Path, landmarker: Path, *, split: Split, clips: int, frames: int, seed: int,
    look: Callable[[int, Measured], None] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Figures of the published student on ``clips`` clips of a held-out split.

    Args:
        repository: Triton's model repository.
        landmarker: MediaPipe's model.
        split: ``DEV`` while tuning, ``TEST`` for what is reported.
        clips: how many.
        frames: of each, 9 + 12k.
        seed: of the clips.
        look: called with every clip's number and what was measured on it, e.g. to draw contact sheets.

    Returns:
        JSON values; correlations are means of per-clip Pearson correlations, and ``each`` lists two of them clip by clip.
    """
    dubber, detector = Dubber(repository), MediaPipeDetector(landmarker)
    held = [footage(split, seed * 1_000_003 + index, frames, plain=True) for index in range(clips)]
    rows = []
    for index, shot in enumerate(held):
        measured = _judge(dubber, detector, _Clip.of(shot), held[(index + 1) % clips])
        rows.append(measured.figures)
        if look is not None:
            look(index, measured)
    return {
        "split": split.value, "clips": clips, "frames": frames, "seed": seed,
        "languages": sorted({str(shot.meta["language"]) for shot in held}),
        **_summary(rows),
    }  # fmt: skip


def _judge(dubber: Dubber, detector: FaceDetector, clip: _Clip, other: Footage) -> Measured:
    """All measurements on one clip."""
    shot = clip.shot
    speech = {
        "own": dubber.listen(shot.sound[1], shot.times),
        "late": dubber.listen(shot.sound[1], shot.times - 3 / _FPS),
        "other": dubber.listen(other.sound[1], other.times),
        "silence": dubber.listen(np.zeros_like(shot.sound[1]), shot.times),
    }
    made = {name: dubber.speak(clip.crops, features) for name, features in speech.items()}
    pasted = {name: clip.pasted(crops) for name, crops in made.items()}
    seen = {name: mouth_series(frames, detector, mirrored=True) for name, frames in pasted.items()}
    ceiling = mouth_series(clip.filmed, detector, mirrored=True)
    opening, width = shot.truth[1].astype(np.float64).T
    footage_opening = shot.truth[0][:, 0].astype(np.float64)
    others = other.truth[1][:, 0].astype(np.float64)
    untouched = [np.array_equal(a[outside], b[outside]) for a, b, outside in _outside(clip, pasted["own"])]
    row = {
        "r_open": correlation(seen["own"].opening, opening),
        "r_width": correlation(seen["own"].width, width),
        "ceiling_open": correlation(ceiling.opening, opening),
        "ceiling_width": correlation(ceiling.width, width),
        "lag": float(best_lag(seen["own"].opening, opening)),
        "lag_late": float(best_lag(seen["late"].opening, opening)),
        "mae_open": float(np.nanmean(np.abs(seen["own"].opening - ceiling.opening))),
        "r_wrong": correlation(seen["own"].opening, others),
        "r_footage": correlation(seen["own"].opening, footage_opening),
        "r_footage_truth": correlation(opening, footage_opening),
        "r_swapped": correlation(seen["other"].opening, others),
        "r_swapped_leak": correlation(seen["other"].opening, opening),
        "silence": float(np.nanmean(seen["silence"].opening)),
        "silence_std": float(np.nanstd(seen["silence"].opening)),
        "spread": float(np.nanstd(ceiling.opening)),
        "mean_open": float(np.nanmean(ceiling.opening)),
        "mouth_error": _mouth_error(clip, made["own"]),
        "untouched": float(np.mean(untouched)),
    }
    return Measured(
        row,
        {"source": clip.frames, "generated": pasted["own"], "true": clip.filmed, "silence": pasted["silence"]},
        {"generated": seen["own"], "true": ceiling},
    )


def _outside(clip: _Clip, pasted: Sequence[Frames]) -> list[tuple[Frames, Frames, NDArray[np.bool_]]]:
    """Frames before and after, with the region that the mouth mask cannot reach."""
    found = []
    ys, xs = np.mgrid[: clip.frames[0].shape[0], : clip.frames[0].shape[1]]
    points = np.stack([xs, ys, np.ones_like(xs)], axis=-1).astype(np.float64)
    mask = np.pad(mouth_mask(TINY.crop), 2, mode="edge")
    for frame, made, matrix in zip(clip.frames, pasted, clip.matrices, strict=True):
        at = np.rint(points @ matrix.T).astype(int) + 2
        inside = ((at >= 0) & (at < TINY.crop + 4)).all(axis=-1)
        at = np.clip(at, 0, TINY.crop + 3)
        found.append((frame, made, ~(inside & mask[at[..., 1], at[..., 0]])))
    return found


def _mouth_error(clip: _Clip, made: Frames) -> float:
    """Mean absolute error of the generated crop inside the mouth region, in 8-bit steps."""
    true = np.asarray([extract_crop(f, m, TINY.crop) for f, m in zip(clip.filmed, clip.matrices, strict=True)], np.float32)
    return float(np.abs(true - made)[:, mouth_mask(TINY.crop)].mean())


def _summary(rows: Sequence[dict[str, float]]) -> dict[str, Any]:
    def mean(name: str) -> float:
        return round(float(np.nanmean([row[name] for row in rows])), 4)

    def share(name: str, fits: Callable[[float], bool]) -> float:
        return round(float(np.mean([fits(row[name]) for row in rows])), 4)

    def standard_error(name: str) -> float:
        return round(float(np.nanstd([row[name] for row in rows], ddof=min(1, len(rows) - 1)) / len(rows) ** 0.5), 4)

    names = [name for name in rows[0] if name not in ("lag", "lag_late")]
    return {
        **{name: mean(name) for name in names},
        **{f"{name}_standard_error": standard_error(name) for name in ("r_open", "r_width")},
        "r_open_worst": round(float(np.nanmin([row["r_open"] for row in rows])), 4),
        "each": {name: [round(float(row[name]), 4) for row in rows] for name in ("r_open", "r_width")},
        "lag_within_1": share("lag", lambda lag: abs(lag) <= 1),
        "late_lag_2_to_4": share("lag_late", lambda lag: 2 <= lag <= 4),
    }
