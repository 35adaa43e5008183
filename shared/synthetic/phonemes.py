"""From a phoneme in IPA to the mouth that makes it."""

from dataclasses import dataclass

from .shape import Mouth


@dataclass(frozen=True)
class Viseme:
    """A mouth target, how strongly it holds against its neighbours (dominance), and whether it must be reached."""

    mouth: Mouth
    dominance: float = 1.0
    closure: bool = False


def _v(open_: float, width: float = 0.0, round_: float = 0.0, dominance: float = 1.0, **rest: float) -> Viseme:
    return Viseme(Mouth(open=open_, width=width, round=round_, **rest), dominance)


SILENCE = Viseme(Mouth(), 1.2, closure=True)
_BILABIAL = Viseme(Mouth(press=0.85), 1.4, closure=True)
_LABIODENTAL = Viseme(Mouth(bite=1.0, lift=0.35), 1.3, closure=True)

_TABLE: dict[str, Viseme] = {
    "a": _v(0.85, 0.15), "ɑ": _v(0.90, 0.0), "ɐ": _v(0.65, 0.1), "æ": _v(0.72, 0.45), "ʌ": _v(0.62, 0.05),
    "ɒ": _v(0.66, -0.2, 0.35), "ɔ": _v(0.58, -0.2, 0.55), "o": _v(0.46, -0.2, 0.72), "ɤ": _v(0.4),
    "e": _v(0.42, 0.60, lift=0.2), "ɛ": _v(0.52, 0.45, lift=0.1), "ə": _v(0.34, 0.08, 0.0, 0.6),
    "ɜ": _v(0.40, 0.0, 0.15), "ɚ": _v(0.36, 0.0, 0.2), "i": _v(0.20, 0.95, lift=0.45), "ɪ": _v(0.28, 0.6, lift=0.3),
    "ɨ": _v(0.26, 0.4), "ᵻ": _v(0.28, 0.45), "ɯ": _v(0.24, 0.3), "u": _v(0.18, -0.3, 1.0), "ʊ": _v(0.26, -0.2, 0.72),
    "ʉ": _v(0.2, -0.1, 0.9), "y": _v(0.18, -0.15, 0.92), "ʏ": _v(0.26, -0.1, 0.75), "ø": _v(0.34, -0.1, 0.75),
    "œ": _v(0.46, -0.1, 0.6), "ɵ": _v(0.34, 0.0, 0.6), "ɶ": _v(0.6, 0.0, 0.4),
    "m": _BILABIAL, "b": _BILABIAL, "p": _BILABIAL, "ɓ": _BILABIAL, "ɱ": _LABIODENTAL, "f": _LABIODENTAL,
    "v": _LABIODENTAL, "ʋ": _v(0.10, 0.0, 0.0, 1.0, bite=0.6, lift=0.2), "β": _v(0.06, 0.0, 0.1, 1.2, press=0.3),
    "w": _v(0.13, -0.3, 1.0, 1.2), "ɥ": _v(0.13, -0.2, 0.9, 1.2), "ʍ": _v(0.13, -0.3, 1.0, 1.2),
    "s": _v(0.10, 0.45, 0.0, 1.1, lift=0.65), "z": _v(0.10, 0.45, 0.0, 1.1, lift=0.65),
    "ʃ": _v(0.15, -0.1, 0.65, 1.1, lift=0.5), "ʒ": _v(0.15, -0.1, 0.65, 1.1, lift=0.5),
    "ʂ": _v(0.15, 0.0, 0.5, 1.1, lift=0.5), "ʐ": _v(0.15, 0.0, 0.5, 1.1, lift=0.5),
    "ɕ": _v(0.13, 0.35, 0.15, 1.1, lift=0.6), "ʑ": _v(0.13, 0.35, 0.15, 1.1, lift=0.6), "ç": _v(0.16, 0.5, 0.0, 0.8, lift=0.4),
    "t": _v(0.14, 0.25, 0.0, 0.7, tongue=0.5, lift=0.3), "d": _v(0.16, 0.2, 0.0, 0.7, tongue=0.5, lift=0.2),
    "n": _v(0.18, 0.15, 0.0, 0.6, tongue=0.6), "ɲ": _v(0.18, 0.35, 0.0, 0.7, tongue=0.4),
    "l": _v(0.30, 0.1, 0.0, 0.7, tongue=0.9), "ɫ": _v(0.30, 0.0, 0.1, 0.7, tongue=0.9),
    "ʎ": _v(0.22, 0.4, 0.0, 0.7, tongue=0.5),
    "θ": _v(0.20, 0.15, 0.0, 1.0, tongue=1.0), "ð": _v(0.20, 0.1, 0.0, 0.9, tongue=0.9),
    "r": _v(0.28, 0.1, 0.0, 0.6, tongue=0.5), "ɾ": _v(0.26, 0.15, 0.0, 0.5, tongue=0.5), "ɹ": _v(0.22, -0.1, 0.45, 0.9),
    "ʁ": _v(0.34, 0.0, 0.0, 0.5), "ʀ": _v(0.34, 0.0, 0.0, 0.5), "ɽ": _v(0.26, 0.0, 0.0, 0.5, tongue=0.6),
    "j": _v(0.18, 0.75, 0.0, 0.8, lift=0.2), "k": _v(0.28, 0.1, 0.0, 0.35), "g": _v(0.28, 0.1, 0.0, 0.35),
    "ɡ": _v(0.28, 0.1, 0.0, 0.35), "ŋ": _v(0.26, 0.1, 0.0, 0.35), "x": _v(0.32, 0.1, 0.0, 0.4),
    "ɣ": _v(0.30, 0.05, 0.0, 0.35), "h": _v(0.35, 0.05, 0.0, 0.12), "ɦ": _v(0.35, 0.05, 0.0, 0.12),
    "c": _v(0.2, 0.4, 0.0, 0.5), "ɟ": _v(0.2, 0.4, 0.0, 0.5), "q": _v(0.3, 0.0, 0.0, 0.4), "ʔ": _v(0.3, 0.0, 0.0, 0.1),
}  # fmt: skip
_OTHER = _v(0.28, 0.1, 0.0, 0.3)


def parts(ipa: str) -> list[Viseme]:
    """The visemes of one espeak phoneme, in order: several for diphthongs and affricates, none for a modifier.

    Stress, length and diacritics are dropped; an empty name or a pause sign is silence.
    """
    letters = [c for c in ipa.replace("tʃ", "ʃ").replace("dʒ", "ʒ").replace("ts", "s") if c in _TABLE]
    if letters:
        return [_TABLE[c] for c in letters]
    bare = ipa.strip(" _:|ˈˌː-.!?,'")
    return [_OTHER] if bare else [SILENCE]


def is_stressed(ipa: str) -> bool:
    """Whether the phoneme carries primary stress."""
    return "ˈ" in ipa
