"""Drawn voices: espeak-ng speaks with them, they differ, and the same draw gives the same speech."""

from pathlib import Path

import numpy as np
import pytest

from synthetic.drawn_voices import COUNT, data_path, drawn_voice
from synthetic.espeak import say
from synthetic.utterance import SAMPLE_RATE, draw_strange


@pytest.mark.parametrize("index", [0, 159, 160, COUNT - 1])
def test_every_drawn_voice_is_in_its_own_data_which_espeak_can_hold(index: int) -> None:
    voices = {path.name for path in (Path(data_path(index)) / "voices/!v").iterdir()}
    assert drawn_voice(index) in voices
    assert len(voices) <= 200  # espeak-ng leaves voices beyond its 349th out, and has some 130 languages


def test_the_last_drawn_voice_speaks() -> None:
    assert len(say("buongiorno", f"es+{drawn_voice(COUNT - 1)}", data=data_path(COUNT - 1)).samples) > 4_000


def test_drawn_voices_say_the_same_phones_with_sounds_of_their_own() -> None:
    plain = say("buongiorno", "es")
    drawn = [say("buongiorno", f"es+{drawn_voice(i)}", data=data_path(i)) for i in (0, 1)]
    assert all([p.ipa for p in one.phones] == [p.ipa for p in plain.phones] for one in drawn)
    for one, other in ((drawn[0], drawn[1]), (drawn[0], plain), (drawn[1], plain)):
        shared = min(len(one.samples), len(other.samples))
        assert not np.allclose(one.samples[:shared], other.samples[:shared], atol=0.01)


def test_the_same_seed_gives_the_same_strange_speech_of_the_asked_length() -> None:
    one, again = (draw_strange(5, 2 * SAMPLE_RATE) for _ in range(2))
    assert len(one.samples) == 2 * SAMPLE_RATE
    assert np.array_equal(one.samples, again.samples)
    assert np.array_equal(one.track.values, again.track.values)
    assert one.said != draw_strange(6, 2 * SAMPLE_RATE).said
