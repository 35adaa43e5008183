"""Who speaks: every visible trait of a generated speaker, drawn from one seed."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Self, TypeAlias

import numpy as np

Rgb: TypeAlias = tuple[float, float, float]

# Skin from light to deep (sRGB, measured on no one: chosen by eye along the Monk scale).
_SKIN = np.array(
    [[243, 214, 196], [230, 190, 165], [212, 165, 132], [183, 132, 98], [146, 99, 70], [108, 71, 50], [72, 48, 37]]
)
_HAIR = np.array([[22, 18, 16], [45, 30, 22], [82, 54, 36], [122, 84, 52], [182, 142, 92], [150, 66, 34], [150, 148, 146]])
_IRIS = np.array([[70, 44, 26], [96, 64, 34], [88, 104, 62], [84, 122, 150], [110, 120, 126]])


class Beard(StrEnum):
    """Facial hair."""

    NONE = "none"
    STUBBLE = "stubble"
    MOUSTACHE = "moustache"
    GOATEE = "goatee"
    FULL = "full"


class Hair(StrEnum):
    """Hair on the head."""

    SHORT = "short"
    PARTED = "parted"
    LONG = "long"
    BUN = "bun"
    CURLY = "curly"
    SHAVED = "shaved"


class Glasses(StrEnum):
    """Spectacles."""

    NONE = "none"
    ROUND = "round"
    SQUARE = "square"


@dataclass(frozen=True)
class Shape:
    """Proportions as small offsets (fractions or centimetres) from the canonical head."""

    face_width: float
    jaw_width: float
    chin: float
    nose_width: float
    nose_length: float
    mouth_width: float
    mouth_y: float
    lip_fullness: float
    eye_size: float
    eye_gap: float
    brow_y: float
    forehead: float


@dataclass(frozen=True)
class Identity:
    """One generated speaker. Colours are sRGB 0..1."""

    seed: int
    shape: Shape
    skin: Rgb
    hair_colour: Rgb
    iris: Rgb
    lip: Rgb
    lip_strength: float
    cloth: Rgb
    beard: Beard
    hair: Hair
    glasses: Glasses
    brow_thickness: float
    age: float
    freckles: float
    teeth: float
    articulation: float

    @classmethod
    def draw(cls, seed: int) -> Self:
        """The speaker of `seed`; the same seed is always the same person."""
        rng = np.random.default_rng([0x5EED, seed])
        level = rng.uniform(0, len(_SKIN) - 1)
        skin = _between(_SKIN, level) * (1 + rng.normal(0, 0.02, 3))
        dark = level > 2.6
        hair = _HAIR[int(rng.choice(3 if dark else len(_HAIR)))] * rng.uniform(0.8, 1.15)
        iris = _IRIS[int(rng.choice(2 if dark else len(_IRIS)))] * rng.uniform(0.85, 1.15)
        bearded = rng.random() < 0.45
        rose = np.array([0.72, 0.30, 0.30]) if not dark else np.array([0.42, 0.20, 0.19])
        return cls(
            seed=seed,
            shape=_draw_shape(rng),
            skin=_rgb(skin / 255),
            hair_colour=_rgb(hair / 255),
            iris=_rgb(iris / 255),
            lip=_rgb(rose * rng.uniform(0.85, 1.15, 3)),
            lip_strength=float(rng.uniform(0.55, 0.95) if bearded else rng.uniform(0.45, 1.0)),
            cloth=_rgb(rng.uniform(0.08, 0.75, 3)),
            beard=Beard(rng.choice([b.value for b in Beard if b is not Beard.NONE])) if bearded else Beard.NONE,
            hair=Hair(rng.choice(["short", "parted", "shaved", "curly"] if bearded else [h.value for h in Hair])),
            glasses=Glasses(rng.choice([g.value for g in Glasses], p=[0.72, 0.14, 0.14])),
            brow_thickness=float(rng.uniform(0.6, 1.25) * (1.1 if bearded else 0.85)),
            age=float(rng.beta(1.6, 2.2)),
            freckles=float(max(0.0, rng.normal(0, 0.4)) if level < 2 else 0.0),
            teeth=float(rng.uniform(0.72, 0.95)),
            articulation=float(rng.uniform(0.85, 1.15)),
        )


def _between(table: np.ndarray, level: float) -> np.ndarray:
    low = min(int(level), len(table) - 2)
    mixed: np.ndarray = table[low] + (table[low + 1] - table[low]) * (level - low)
    return mixed


def _rgb(values: np.ndarray) -> Rgb:
    r, g, b = (float(v) for v in np.clip(values, 0, 1))
    return r, g, b


def _draw_shape(rng: np.random.Generator) -> Shape:
    def spread(sigma: float) -> float:
        return float(np.clip(rng.normal(0, sigma), -2 * sigma, 2 * sigma))

    return Shape(
        face_width=spread(0.035),
        jaw_width=spread(0.05),
        chin=spread(0.35),
        nose_width=spread(0.09),
        nose_length=spread(0.22),
        mouth_width=spread(0.06),
        mouth_y=spread(0.18),
        lip_fullness=spread(0.16),
        eye_size=spread(0.06),
        eye_gap=spread(0.12),
        brow_y=spread(0.15),
        forehead=spread(0.4),
    )
