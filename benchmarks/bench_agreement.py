"""How often unrelated sound passes for a mouth's own, its own is recognised, and a loss is told (`dubbing.faces.agreement`).

Without arguments: mouths and voices made by code (mouth tracks of the drawn speakers, which the renderer follows). With
``--video`` and ``--sound``: mouths of real footage, measured by landmarks, against voices that have nothing to do with them.
"""

import argparse
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from models import machine
from numpy.typing import NDArray
from report import save

from dubbing.domain.findings import FrameRange
from dubbing.faces.agreement import LEVEL, TakeSeries, agreement, loss
from dubbing.faces.detector import MediaPipeDetector
from dubbing.faces.follow import follow_faces
from dubbing.faces.tracks import choose_faces
from dubbing.media.frames import FrameReader
from dubbing.media.loudness import loudness
from dubbing.media.mono import SPEECH_RATE, mono_windows
from dubbing.media.probe import probe
from dubbing.media.shots import ShotFinder
from synthetic.splits import Split
from synthetic.utterance import draw
from synthetic.visemes import CONTROLS

FPS = Fraction(25)
LONGEST = 500
FACE_MODEL = Path(__file__).parents[1] / "third_party/face_landmarker/face_landmarker.task"
Series = NDArray[np.float64]


class Title(NamedTuple):
    """Shots of one length, of whose frames every ``step`` th has its mouth measured."""

    shots: int
    frames: int
    step: int


TITLES = (
    Title(1, 81, 1),
    Title(1, 173, 1),
    Title(1, 250, 3),
    Title(1, 375, 1),
    Title(1, 500, 1),
    Title(10, 60, 1),
    Title(8, 150, 3),
    Title(30, 100, 1),
)
Pair = Callable[[np.random.Generator, int], tuple[Series, Series]]


def main() -> None:
    """Measure, print and save."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tries", type=int, default=1000)
    parser.add_argument("--speakers", type=int, default=400, help="how many are drawn")
    parser.add_argument("--video", type=Path, action="append", help="footage of a speaker")
    parser.add_argument("--sound", type=Path, action="append", help="speech that nobody in the footage says")
    parser.add_argument("--out", type=Path, help="folder; default benchmarks/results")
    options = parser.parse_args()
    pairs = footage(options.video, options.sound) if options.video else drawn(options.speakers)
    rows = [row(kind, pair, title, options.tries) for kind, pair in pairs.items() for title in TITLES]
    if not options.video:
        rows += [lost(kind, pairs["own"], pairs[kind], title, options.tries) for kind in ("own", "other") for title in TITLES]
    result = {"machine": machine(torch.device("cpu")), "level": LEVEL, "tries": options.tries, "rows": rows}
    save("agreement_footage" if options.video else "agreement_drawn", result, options.out)


def row(kind: str, pair: Pair, title: Title, tries: int) -> dict[str, Any]:
    """Share of the tries that pass, and how large scores are."""
    rng, found = np.random.default_rng(1), []
    shots = [FrameRange(start=i * title.frames, end=(i + 1) * title.frames) for i in range(title.shots)]
    for _ in range(tries):
        parts = [pair(rng, title.frames) for _ in range(title.shots)]
        opening, sound = (np.concatenate(series) for series in zip(*parts, strict=True))
        opening[np.arange(len(opening)) % title.step > 0] = np.nan
        found.append(agreement(opening, sound, shots, FPS))
    judged = [one for one in found if one is not None]
    scores = np.array([one.score for one in judged])
    passed = float(np.mean([one.significance <= LEVEL for one in judged]))
    print(
        f"{kind:10} {title.shots:3} x {title.frames:3} frames, every {title.step}: {100 * passed:5.1f} % of {len(judged)}, "
        f"score {np.median(scores):.2f} at the median, {np.quantile(scores, 0.95):.2f} at 95 %",
        flush=True,
    )
    spread = {str(share): round(float(np.quantile(scores, share)), 3) for share in (0.5, 0.95)}
    return {"kind": kind, **title._asdict(), "judged": len(judged), "passed": round(passed, 4), "score": spread}


def lost(kind: str, before: Pair, after: Pair, title: Title, tries: int) -> dict[str, Any]:
    """Share of the tries in which a loss is told: none should be where the new mouth is as good as the source's."""
    rng, reported = np.random.default_rng(1), 0
    shots = [FrameRange(start=i * title.frames, end=(i + 1) * title.frames) for i in range(title.shots)]
    for _ in range(tries):
        source, new = (
            TakeSeries(*(np.concatenate(series) for series in zip(*(pair(rng, title.frames) for _ in shots), strict=True)))
            for pair in (before, after)
        )
        new.opening_V[np.arange(len(new.opening_V)) % title.step > 0] = np.nan
        reported += loss(source, new, shots, FPS).lost
    share = reported / tries
    print(
        f"a new mouth with its {kind} sound, {title.shots} x {title.frames} frames: loss told in {100 * share:.1f} %",
        flush=True,
    )
    return {"kind": f"loss_{kind}", **title._asdict(), "judged": tries, "passed": round(share, 4)}


def drawn(speakers: int) -> dict[str, Pair]:
    """A speaker's own sound, another one's, and the own one four seconds away."""
    said = [draw(Split.TEST, seed, 2 * LONGEST * 640) for seed in range(speakers)]
    times = [Fraction(i, 25) for i in range(2 * LONGEST)]
    mouths = [one.track.frames(2 * LONGEST, FPS)[:, CONTROLS.index("open")].astype(np.float64) for one in said]
    sounds = [loudness(iter([one.samples]), times, SPEECH_RATE) for one in said]

    def pair(rng: np.random.Generator, frames: int, *, other: bool, away: int) -> tuple[Series, Series]:
        who, start = int(rng.integers(len(said))), int(rng.integers(2 * LONGEST - frames - away + 1))
        whose = (who + int(rng.integers(1, len(said)))) % len(said) if other else who
        return mouths[who][start : start + frames].copy(), sounds[whose][start + away : start + away + frames]

    return {
        "other": lambda rng, frames: pair(rng, frames, other=True, away=0),
        "shifted": lambda rng, frames: pair(rng, frames, other=False, away=100),
        "own": lambda rng, frames: pair(rng, frames, other=False, away=0),
    }


def footage(videos: list[Path], sounds: list[Path]) -> dict[str, Pair]:
    """Real mouths and unrelated voices, from places drawn by lot."""
    mouths, voices = [openings(path) for path in videos], [voice(path) for path in sounds]

    def pair(rng: np.random.Generator, frames: int) -> tuple[Series, Series]:
        mouth, sound = mouths[int(rng.integers(len(mouths)))], voices[int(rng.integers(len(voices)))]
        return tuple(part(series, rng, frames) for series in (mouth, sound))  # type: ignore[return-value]

    return {"unrelated": pair}


def part(series: Series, rng: np.random.Generator, frames: int) -> Series:
    """A stretch of a series; of one that is too short, with its beginning after its end."""
    start = int(rng.integers(max(1, len(series) - frames)))
    return np.resize(series[start:], frames) if len(series) < frames else series[start : start + frames].copy()


def openings(path: Path) -> Series:
    """Openings of the first face of a film, per frame."""
    video = probe(path, "video").video
    if video is None:
        raise SystemExit(f"{path} has no picture")
    with MediaPipeDetector(FACE_MODEL) as detector:
        finder = ShotFinder(video.fps)
        pictures = ((frame, finder.push(frame.rgb())) for frame in FrameReader(path, video).read())
        found = choose_faces(follow_faces(detector, pictures, sparse=False), finder.finish(), video.fps)
    return np.concatenate([face.opening for face in found.faces])


def voice(path: Path) -> Series:
    """Loudness of a whole track at 25 frames a second."""
    sound = probe(path, "audio").audio
    if sound is None:
        raise SystemExit(f"{path} has no sound")
    times = [Fraction(i, 25) for i in range(int(sound.duration * 25))]
    samples: Iterator[NDArray[np.float32]] = mono_windows(path, sound, SPEECH_RATE)
    return loudness(samples, times, SPEECH_RATE)


if __name__ == "__main__":
    main()
