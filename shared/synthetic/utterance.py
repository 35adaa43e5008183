"""One thing said by one voice: its sound as a microphone takes it, and the mouth that says it."""

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Self

import numpy as np

from .canonical import F32
from .drawn_voices import COUNT, data_path, drawn_voice
from .espeak import Phone, say
from .splits import ACCENTS, Split, members
from .texts import SENTENCES, invented, text
from .visemes import MouthTrack, trajectory

SAMPLE_RATE = 16_000
_ACCENTED = 0.7  # share of the training voices that read with the rules of a language without texts
_INVENTED = 0.6  # share of the training utterances in Latin script whose words are invented
_FRAGILE = ("kl",)  # espeak-ng's rules for it read beyond their end at letters that it does not have
_LATIN = ("en-us", "es", "fr", "de", "pt", "nl", "pl", "ro", "cs")  # training languages in Latin script


@dataclass(frozen=True)
class Voice:
    """How espeak speaks: language, variant, speed, pitch, and the vocal tract's length (formants divided by it)."""

    language: str
    variant: str
    rate: int
    pitch: int
    pitch_range: int
    tract: Fraction

    @classmethod
    def draw(cls, split: Split, rng: np.random.Generator, language: str | None = None) -> Self:
        """A voice of the split; `language` overrules the drawn one."""
        names = ACCENTS if split is Split.TRAIN and rng.random() < _ACCENTED else members("language", split)
        return cls(
            language=language or str(rng.choice(names)),
            variant=str(rng.choice(members("voice", split))),
            rate=int(rng.integers(125, 200)),
            pitch=int(rng.integers(20, 80)),
            pitch_range=int(rng.integers(30, 80)),
            tract=Fraction(int(rng.integers(91, 110)), 100),
        )


@dataclass(frozen=True)
class Utterance:
    """Speech: mono float32 -1..1 at `rate` Hz and the mouth's track over the same time."""

    said: str
    voice: Voice
    samples: F32
    rate: int
    track: MouthTrack

    @property
    def seconds(self) -> float:
        """Duration."""
        return len(self.samples) / self.rate

    def pcm(self) -> np.ndarray:
        """The sound as int16."""
        return np.round(np.clip(self.samples, -1, 1) * 32767).astype(np.int16)


def speak(said: str, voice: Voice, rate: int = SAMPLE_RATE, effort: float = 1.0, data: str | None = None) -> Utterance:
    """Synthesises `said`; sound and mouth keep their exact relation when the tract's length is changed."""
    spoken = say(
        said, f"{voice.language}+{voice.variant}", rate=voice.rate, pitch=voice.pitch, pitch_range=voice.pitch_range, data=data
    )
    from scipy.signal import resample_poly  # noqa: PLC0415 - as in `canonical._height`

    # Played back slower by `tract`: formants and pitch fall, and everything lasts that much longer.
    resampling = Fraction(rate, spoken.rate) * voice.tract
    sound = resample_poly(spoken.samples, resampling.numerator, resampling.denominator).astype(np.float32)
    stretch = float(voice.tract)
    phones = [Phone(p.ipa, p.start * stretch, p.end * stretch) for p in spoken.phones]
    seconds = len(sound) / rate
    return Utterance(said, voice, sound, rate, trajectory(phones, seconds, effort))


def fit(utterance: Utterance, samples: int, start: int = 0) -> Utterance:
    """The part of `samples` samples from `start` (may be negative); silence and a closed mouth beyond the ends."""
    rate = utterance.rate
    out = np.zeros(samples, np.float32)
    a, b = max(start, 0), min(start + samples, len(utterance.samples))
    if b > a:
        out[a - start : b - start] = utterance.samples[a:b]
    step = rate // 200
    rows = int(np.ceil(samples / step)) + 1
    values = utterance.track.values
    padded = np.pad(values, ((rows, rows), (0, 0)))
    at = rows + np.clip(round(start / step), -rows, len(values))
    return Utterance(utterance.said, utterance.voice, out, rate, MouthTrack(padded[at : at + rows]))


def recorded(utterance: Utterance, rng: np.random.Generator) -> Utterance:
    """The same speech through a room and a microphone: tilt, reflections, noise, gain."""
    from scipy.signal import fftconvolve, lfilter  # noqa: PLC0415 - as in `canonical._height`

    sound = utterance.samples
    tilt = float(rng.uniform(-0.35, 0.5))
    sound = lfilter([1.0, -tilt], [1.0], sound)
    if rng.random() < 0.6:
        tail = rng.uniform(0.04, 0.25)
        t = np.arange(int(tail * utterance.rate)) / utterance.rate
        impulse = rng.standard_normal(len(t)) * np.exp(-t / (tail / 4)) * rng.uniform(0.01, 0.06)
        impulse[0] = 1.0
        sound = fftconvolve(sound, impulse)[: len(utterance.samples)]
    level = 10 ** (rng.uniform(-26, -14) / 20)
    loud = float(np.sqrt(np.mean(sound**2))) + 1e-5
    sound = sound * (level / max(loud, 0.01))
    hiss = lfilter([1.0], [1.0, -float(rng.uniform(0, 0.9))], rng.standard_normal(len(sound)))
    hiss *= level * 10 ** (rng.uniform(-48, -22) / 20) / float(np.std(hiss))
    mixed = np.clip(sound + hiss, -1, 1).astype(np.float32)
    return Utterance(utterance.said, utterance.voice, mixed, utterance.rate, utterance.track)


def draw(split: Split, seed: int, samples: int, *, language: str | None = None) -> Utterance:
    """A random recorded utterance of exactly `samples` samples at 16 kHz from the split's voices and languages."""
    rng = np.random.default_rng([0x57EEC4, list(Split).index(split), seed])
    voice = Voice.draw(split, rng, language)
    wanted = samples / SAMPLE_RATE
    written = voice.language if voice.language in SENTENCES else str(rng.choice(_LATIN))
    words = max(4, int(wanted * 2.6) + 3)
    unknown = split is Split.TRAIN and written in _LATIN and rng.random() < _INVENTED
    said = invented(rng, words) if unknown else text(written, rng, words)
    whole = speak(said, voice, effort=float(rng.uniform(1.08, 1.22)))
    slack = len(whole.samples) - samples
    start = int(rng.integers(-SAMPLE_RATE // 3, max(slack, 0) + SAMPLE_RATE // 3))
    return recorded(fit(whole, samples, start), rng)


def draw_strange(seed: int, samples: int) -> Utterance:
    """As `draw` for training, but by voices that nobody has, in invented words with the letters of every Latin alphabet.

    What the speech encoder learns to listen by, beside the speakers of the footage.
    """
    rng = np.random.default_rng([0x57A6E, seed])
    names = [name for name in (*ACCENTS, *members("language", Split.TRAIN)) if name not in _FRAGILE]
    voice = Voice.draw(Split.TRAIN, rng, str(rng.choice(names)))
    index = int(rng.integers(COUNT))
    voice = replace(voice, variant=drawn_voice(index))
    words = max(4, int(samples / SAMPLE_RATE * 2.6) + 3)
    whole = speak(invented(rng, words, rare=0.4), voice, effort=float(rng.uniform(1.08, 1.22)), data=data_path(index))
    slack = len(whole.samples) - samples
    start = int(rng.integers(-SAMPLE_RATE // 3, max(slack, 0) + SAMPLE_RATE // 3))
    return recorded(fit(whole, samples, start), rng)
