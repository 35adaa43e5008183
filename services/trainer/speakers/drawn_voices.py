"""Voices that nobody has: espeak-ng variants drawn at random, for the training of the speech encoder.

espeak-ng's own variants differ in few ways and a listener learns them by heart: on held-out ones with unusual formants it was
0.06 to 0.08 worse. Here every formant is moved on its own, and some voices use the other synthesizer (Klatt).

The first voices are such that people could have them. The others have whatever espeak-ng can do, as some of its own variants
do: formants that hardly sound, hoarse or breathy sources, echoes. (Held-out variants of that kind were 0.03 worse than the
others while only the first sort was drawn.)
"""

import shutil
import tempfile
from functools import cache
from hashlib import sha256
from pathlib import Path

import espeakng_loader
import numpy as np

COUNT = 8_160
_NEAR = 5_920  # the first voices: near to people's
_GROUP = 160  # voices that lie in one folder: espeak-ng holds 349, its languages included
_KLATT = 0.25  # share of the voices that the Klatt synthesizer speaks
_VARIANTS = "voices/!v"


def drawn_voice(index: int) -> str:
    """The name of voice ``index`` (0 .. ``COUNT`` - 1)."""
    return f"drawn{index:04d}"


def _definition(index: int) -> str:
    """The voice in espeak-ng's own language: percents of frequency, strength and width for every formant, and the source."""
    rng = np.random.default_rng([0xE5BEA, index])
    return _near(index, rng) if index < _NEAR else _far(index, rng)


def _far(index: int, rng: np.random.Generator) -> str:
    whole = rng.uniform(0.8, 1.16)
    lines = ["language variant", f"name {drawn_voice(index)}"]
    for formant in range(9):
        apart = rng.normal(1.0, 0.08 if formant < 4 else 0.25)
        frequency = round(100 * float(np.clip(whole * apart, 0.35, 1.6)))
        lines.append(f"formant {formant} {frequency} {int(rng.integers(30, 150))} {int(rng.integers(45, 180))}")
    low = int(rng.integers(55, 260))
    lines.append(f"pitch {low} {round(low * rng.uniform(1.05, 1.8))}")
    lines.append(f"voicing {round(float(np.exp(rng.uniform(np.log(30), np.log(220)))))}")
    if rng.random() < _KLATT:
        lines.append(f"klatt {int(rng.integers(1, 7))}")
    if rng.random() < 0.3:
        lines.append(f"echo {int(rng.integers(10, 150))} {int(rng.integers(5, 60))}")
    if rng.random() < 0.3:
        lines.append(f"breath {' '.join(str(int(strength)) for strength in rng.integers(0, 14, 8))}")
    if rng.random() < 0.3:
        lines.append(f"stressAmp {' '.join(str(int(strength)) for strength in rng.integers(12, 36, 8))}")
    lines.append(f"intonation {int(rng.integers(1, 5))}")
    lines.append(f"flutter {int(rng.integers(0, 12))}")
    lines.append(f"roughness {int(rng.integers(0, 6))}")
    lines.append(f"consonants {int(rng.integers(25, 220))} {int(rng.integers(25, 220))}")
    hertz = (int(rng.integers(300, 900)), int(rng.integers(900, 1_600)), int(rng.integers(1_600, 3_200)))
    lines.append(f"tone {' '.join(f'{at} {int(rng.integers(30, 256))}' for at in hertz)}")
    return "\n".join(lines) + "\n"


def _near(index: int, rng: np.random.Generator) -> str:
    whole = rng.uniform(0.88, 1.14)
    lines = ["language variant", f"name {drawn_voice(index)}"]
    for formant in range(9):
        apart = rng.normal(1.0, 0.07 if formant < 4 else 0.15)
        frequency = round(100 * float(np.clip(whole * apart, 0.6, 1.35)))
        lines.append(f"formant {formant} {frequency} {int(rng.integers(70, 125))} {int(rng.integers(70, 150))}")
    low = int(rng.integers(60, 210))
    lines.append(f"pitch {low} {round(low * rng.uniform(1.15, 1.7))}")
    if rng.random() < _KLATT:
        lines.append(f"klatt {int(rng.integers(1, 7))}")
    lines.append(f"flutter {int(rng.integers(0, 12))}")
    lines.append(f"roughness {int(rng.integers(0, 5))}")
    lines.append(f"consonants {int(rng.integers(70, 130))} {int(rng.integers(70, 130))}")
    tones = [f"{hertz} {int(rng.integers(90, 256))}" for hertz in (600, 1200, 2000)]
    lines.append(f"tone {' '.join(tones)}")
    return "\n".join(lines) + "\n"


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
