"""Which identities, voices and languages belong to which split, fixed by hash."""

from enum import StrEnum
from functools import cache
from hashlib import sha256

from .texts import SENTENCES

# espeak-ng's voice variants that speak plainly (the others sing, whisper or rattle).
VARIANTS = (
    "f1", "f2", "f3", "f4", "f5", "m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8", "Alex", "Alicia", "Andrea", "Andy",
    "Annie", "Denis", "Diogo", "Hugo", "Jacky", "Lee", "Marco", "Mario", "Michael", "Mike", "Nguyen", "adam", "anika",
    "antonio", "belinda", "benjamin", "boris", "david", "ed", "edward", "gustave", "ian", "iven", "john", "linda",
    "marcelo", "max", "michel", "miguel", "norbert", "pablo", "paul", "pedro", "quincy", "rob", "robert", "sandro",
    "shelby", "steph", "travis", "victor", "zac",
)  # fmt: skip


# Further languages of espeak-ng, for training only. They have no texts here and read those of other languages by their own
# rules: the words are nobody's, but the sounds are theirs, and a listener that has heard sixty languages is surprised less
# by the next one.
ACCENTS = (
    "af", "an", "az", "bs", "ca", "cy", "da", "en-gb-scotland", "eo", "et", "eu", "ga", "gd", "gn", "haw", "hr", "ht", "hu",
    "ia", "id", "io", "is", "jbo", "kl", "ku", "la", "lb", "lfn", "lt", "ltg", "lv", "ms", "mt", "nb", "nci", "om", "pap",
    "py", "qu", "qya", "sjn", "sk", "sl", "smj", "sq", "sw", "tn", "uz", "vi",
)  # fmt: skip


class Split(StrEnum):
    """Train, development (looked at while tuning) and test (untouched)."""

    TRAIN = "train"
    DEV = "dev"
    TEST = "test"


def split_of(kind: str, name: str) -> Split:
    """The split of one identity, voice or language: 70 / 15 / 15 percent by SHA-256.

    The salt was chosen once so that every split has at least two languages, and the largest are in training.
    """
    bucket = int.from_bytes(sha256(f"speakers-1959/{kind}/{name}".encode()).digest()[:4], "big") % 100
    return Split.TRAIN if bucket < 70 else Split.DEV if bucket < 85 else Split.TEST


@cache
def members(kind: str, split: Split) -> tuple[str, ...]:
    """The languages ("language") or voice variants ("voice") of a split."""
    names = tuple(SENTENCES) if kind == "language" else VARIANTS
    return tuple(n for n in names if split_of(kind, n) is split)


def identity_seed(split: Split, index: int) -> int:
    """The seed of a split's `index`-th identity."""
    found, seed = -1, -1
    while found < index:
        seed += 1
        found += split_of("identity", str(seed)) is split
    return seed
