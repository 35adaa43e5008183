"""Phonemes to mouths."""

from fractions import Fraction

import numpy as np
import pytest

from synthetic.espeak import Phone, say
from synthetic.phonemes import parts
from synthetic.texts import SENTENCES
from synthetic.utterance import Voice, speak
from synthetic.visemes import CONTROLS, trajectory

OPEN, PRESS, BITE = (CONTROLS.index(n) for n in ("open", "press", "bite"))


@pytest.mark.parametrize("language", sorted(SENTENCES))
def test_every_language_speaks_with_phonemes_that_cover_its_sound(language: str) -> None:
    spoken = say(SENTENCES[language][:60], f"{language}+m1")
    assert len(spoken.phones) > 15
    assert spoken.phones[0].start < 0.2
    assert spoken.phones[-1].end == pytest.approx(len(spoken.samples) / spoken.rate, abs=0.05)
    assert all(a.end == b.start for a, b in zip(spoken.phones[:-1], spoken.phones[1:], strict=True))


def test_what_is_said_does_not_depend_on_what_was_said_before() -> None:
    first = say("Guten Morgen", "de+m1")
    say("hola", "es+f2")
    again = say("Guten Morgen", "de+m1")
    assert first.phones == again.phones
    assert np.array_equal(first.samples, again.samples)


def test_an_unknown_voice_is_refused() -> None:
    with pytest.raises(ValueError, match="no voice"):
        say("hello", "xx-none")


@pytest.mark.parametrize("consonant", ["m", "b", "p"])
def test_lips_meet_between_vowels_for_bilabials(consonant: str) -> None:
    phones = [Phone("a", 0.1, 0.3), Phone(consonant, 0.3, 0.37), Phone("a", 0.37, 0.6)]
    track = trajectory(phones, 0.7)
    closed = track.at(np.float32([0.325, 0.335]))
    assert closed[:, OPEN].max() < 0.01
    assert closed[:, PRESS].min() > 0.3
    assert track.at(np.float32([0.2, 0.48]))[:, OPEN].min() > 0.3


def test_a_25_fps_camera_sees_every_closure_whatever_its_phase() -> None:
    phones = [Phone("a", 0.1, 0.3), Phone("p", 0.3, 0.34), Phone("a", 0.34, 0.6)]
    track = trajectory(phones, 0.7)
    for phase in np.arange(0, 0.04, 0.004):
        frames = track.frames(15, Fraction(25), phase)[:, OPEN]
        assert frames[4:11].min() < 0.02


def test_lower_lip_lies_under_the_teeth_for_f() -> None:
    track = trajectory([Phone("a", 0.1, 0.3), Phone("f", 0.3, 0.4), Phone("a", 0.4, 0.6)], 0.7)
    row = track.at(np.float32([0.34]))[0]
    assert row[BITE] > 0.4
    assert row[OPEN] < 0.02


def test_mouth_is_closed_in_pauses_and_without_speech() -> None:
    track = trajectory([Phone("a", 0.5, 0.7), Phone("", 0.7, 1.2), Phone("o", 1.2, 1.4)], 2.0)
    assert track.at(np.float32([0.1, 0.9, 1.0, 1.8]))[:, OPEN].max() < 0.01
    assert trajectory([], 1.0).values.max() < 1e-6


def test_lips_begin_before_the_vowel_sounds() -> None:
    track = trajectory([Phone("a", 0.5, 0.8)], 1.2)
    assert track.at(np.float32([0.46]))[0, OPEN] > 0.02


def test_an_unknown_sound_moves_the_mouth_a_little_and_a_pause_mark_is_silence() -> None:
    assert parts("ʢ")[0].mouth.open > 0
    assert parts("_:")[0].mouth.open == parts("")[0].mouth.open == 0


def test_a_longer_vocal_tract_stretches_sound_and_mouth_alike() -> None:
    plain, long = (speak("mama papa", Voice("es", "m1", 150, 50, 50, Fraction(t, 100))) for t in (100, 110))
    assert long.seconds / plain.seconds == pytest.approx(1.1, abs=0.005)
    at = np.linspace(0.05, plain.seconds - 0.05, 40, dtype=np.float32)
    assert np.corrcoef(plain.track.at(at)[:, OPEN], long.track.at(at * np.float32(1.1))[:, OPEN])[0, 1] > 0.97
