"""Speech: the same for the same words, whatever the time."""

import time

import numpy as np

from synthetic.espeak import say


def test_a_voice_with_breath_in_it_says_the_same_in_another_second() -> None:
    first, second = say("Bonjour tout le monde", "fr+f3"), int(time.time())
    while int(time.time()) == second:
        time.sleep(0.05)
    assert np.array_equal(say("Bonjour tout le monde", "fr+f3").samples, first.samples)
