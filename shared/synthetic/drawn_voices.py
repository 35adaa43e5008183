"""Voices that nobody has: espeak-ng variants drawn at random, for the training of the speech encoder.

espeak-ng's own variants differ in few ways and a listener learns them by heart: on held-out ones with unusual formants it was
0.06 to 0.08 worse. Here every formant is moved on its own, and some voices use the other synthesizer (Klatt).

The first voices are such that people could have them. The others have whatever espeak-ng can do, as some of its own variants
do: formants that hardly sound, hoarse or breathy sources, echoes. (Held-out variants of that kind were 0.03 worse than the
others while only the first sort was drawn.)
"""

import shutil
import tempfile
from collections.abc import Iterable, Iterator
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import espeakng_loader
import numpy as np

COUNT = 8_160
_NEAR = 5_920  # the first voices: near to people's
_GROUP = 160  # voices that lie in one folder: espeak-ng holds 349, its languages included
_KLATT = 0.25  # share of the voices that the Klatt synthesizer speaks
_SELDOM = 0.3  # share of the odd voices with an echo, with breath, with a stress of their own
_LOW = 4  # formants that make the vowels
_VARIANTS = "voices/!v"


def drawn_voice(index: int) -> str:
    """The name of voice ``index`` (0 .. ``COUNT`` - 1)."""
    return f"drawn{index:04d}"


class _Manner(NamedTuple):
    """Ranges to draw a voice from: the tract, each formant beside it (low ones, high ones), and the voice's source."""

    tract: tuple[float, float]
    apart: tuple[float, float]
    frequency: tuple[float, float]
    strength: tuple[int, int]
    width: tuple[int, int]
    low: tuple[int, int]
    span: tuple[float, float]


_PERSON = _Manner((0.88, 1.14), (0.07, 0.15), (0.6, 1.35), (70, 125), (70, 150), (60, 210), (1.15, 1.7))
_ODD = _Manner((0.8, 1.16), (0.08, 0.25), (0.35, 1.6), (30, 150), (45, 180), (55, 260), (1.05, 1.8))


def _definition(index: int) -> str:
    """The voice in espeak-ng's own language: percents of frequency, strength and width for every formant, and the source."""
    rng = np.random.default_rng([0xE5BEA, index])
    near = index < _NEAR
    lines = ["language variant", f"name {drawn_voice(index)}", *_formants(rng, _PERSON if near else _ODD)]
    lines += _plain_source(rng) if near else _odd_source(rng)
    return "\n".join(lines) + "\n"


def _formants(rng: np.random.Generator, manner: _Manner) -> Iterator[str]:
    """All formants and the pitch."""
    tract = rng.uniform(*manner.tract)
    for formant in range(9):
        apart = rng.normal(1.0, manner.apart[formant >= _LOW])
        frequency = round(100 * float(np.clip(tract * apart, *manner.frequency)))
        yield f"formant {formant} {frequency} {int(rng.integers(*manner.strength))} {int(rng.integers(*manner.width))}"
    low = int(rng.integers(*manner.low))
    yield f"pitch {low} {round(low * rng.uniform(*manner.span))}"


def _plain_source(rng: np.random.Generator) -> Iterator[str]:
    if rng.random() < _KLATT:
        yield f"klatt {int(rng.integers(1, 7))}"
    yield f"flutter {int(rng.integers(0, 12))}"
    yield f"roughness {int(rng.integers(0, 5))}"
    yield f"consonants {int(rng.integers(70, 130))} {int(rng.integers(70, 130))}"
    yield _words("tone", (part for hertz in (600, 1200, 2000) for part in (hertz, int(rng.integers(90, 256)))))


def _odd_source(rng: np.random.Generator) -> Iterator[str]:
    yield f"voicing {round(float(np.exp(rng.uniform(np.log(30), np.log(220)))))}"
    if rng.random() < _KLATT:
        yield f"klatt {int(rng.integers(1, 7))}"
    if rng.random() < _SELDOM:
        yield f"echo {int(rng.integers(10, 150))} {int(rng.integers(5, 60))}"
    if rng.random() < _SELDOM:
        yield _words("breath", rng.integers(0, 14, 8))
    if rng.random() < _SELDOM:
        yield _words("stressAmp", rng.integers(12, 36, 8))
    yield f"intonation {int(rng.integers(1, 5))}"
    yield f"flutter {int(rng.integers(0, 12))}"
    yield f"roughness {int(rng.integers(0, 6))}"
    yield f"consonants {int(rng.integers(25, 220))} {int(rng.integers(25, 220))}"
    tones = [int(rng.integers(*span)) for span in ((300, 900), (900, 1_600), (1_600, 3_200))]
    yield _words("tone", (part for hertz in tones for part in (hertz, int(rng.integers(30, 256)))))


def _words(name: str, numbers: Iterable[int]) -> str:
    return " ".join([name, *(str(int(number)) for number in numbers)])


def data_path(index: int) -> str:
    """A copy of espeak-ng's data (links where nothing changes) that knows voice ``index`` and its group instead of its own."""
    return _group_path(index // _GROUP)


@cache
def _group_path(group: int) -> str:
    original = Path(espeakng_loader.get_data_path())
    voices = {drawn_voice(index): _definition(index) for index in range(group * _GROUP, (group + 1) * _GROUP)}
    digest = sha256("".join(voices.values()).encode() + str(original).encode()).hexdigest()[:16]
    folder = Path(tempfile.gettempdir()) / f"dubline-voices-{digest}"
    if not folder.exists():
        _build(folder, original, voices)
    return str(folder)


def _build(folder: Path, original: Path, voices: dict[str, str]) -> None:
    """Complete or not at all: several processes may build at once, and the first one's result stays."""
    partial = Path(tempfile.mkdtemp(prefix=f"{folder.name}-"))
    partial.chmod(0o755)
    for entry in original.iterdir():
        if entry.name != "voices":
            (partial / entry.name).symlink_to(entry)
    (partial / _VARIANTS).mkdir(parents=True)
    for name, definition in voices.items():
        (partial / _VARIANTS / name).write_text(definition)
    try:
        partial.rename(folder)
    except OSError:  # another process was first
        shutil.rmtree(partial)
