"""Speech with exact phoneme times from espeak-ng (its shared library, through ctypes)."""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import espeakng_loader
import numpy as np
from numpy.typing import NDArray

# Values of espeak-ng's speak_lib.h.
_SYNCHRONOUS, _PHONEME_EVENTS, _PHONEME_IPA, _DONT_EXIT = 2, 1, 2, 0x8000
_EVENT_END, _EVENT_PHONEME = 0, 7
_RATE, _PITCH, _RANGE = 1, 3, 4
_UTF8, _POS_CHARACTER = 1, 1
_SEED = 1


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user", ctypes.c_void_p),
        ("name", ctypes.c_char * 8),
    )


_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


@dataclass(frozen=True)
class Phone:
    """A phoneme in IPA (empty: silence) and its time in seconds."""

    ipa: str
    start: float
    end: float


@dataclass(frozen=True)
class SynthesisedSpeech:
    """Mono speech -1..1 at `rate` Hz and its phones, which cover it from start to end."""

    samples: NDArray[np.float32]
    rate: int
    phones: tuple[Phone, ...]


class _Recorder:
    """Collects what espeak-ng's callback delivers: blocks of samples, and phonemes with their start in seconds."""

    def __init__(self) -> None:
        self.chunks: list[NDArray[np.int16]] = []
        self.marks: list[tuple[str, float]] = []

    def __call__(self, wav: "ctypes._Pointer[ctypes.c_short]", count: int, events: "ctypes._Pointer[_Event]") -> int:
        """The callback of espeak_SetSynthCallback; 0 means go on."""
        if wav and count > 0:
            self.chunks.append(np.ctypeslib.as_array(wav, (count,)).copy())
        i = 0
        while events[i].type != _EVENT_END:
            if events[i].type == _EVENT_PHONEME:
                self.marks.append((events[i].name.decode("utf-8", "ignore"), events[i].audio_position / 1000))
            i += 1
        return 0

    def spoken(self, rate: int) -> SynthesisedSpeech:
        """What was said."""
        pcm = np.concatenate(self.chunks) if self.chunks else np.zeros(0, np.int16)
        end = len(pcm) / rate
        stops = [start for _, start in self.marks[1:]] + [end]
        phones = tuple(
            Phone(ipa, start, min(stop, end)) for (ipa, start), stop in zip(self.marks, stops, strict=True) if stop > start
        )
        return SynthesisedSpeech(pcm.astype(np.float32) / np.float32(32768), rate, phones)


@contextmanager
def _library() -> Iterator[ctypes.CDLL]:
    """A freshly loaded espeak-ng.

    The library carries the phase of its waves and its jitter from one utterance to the next in static memory. Loading it
    anew (15 ms) makes the same text the same samples, whatever was said before.
    """
    library = ctypes.CDLL(espeakng_loader.get_library_path())
    try:
        yield library
    finally:
        library.espeak_Terminate()
        ctypes.CDLL(None).dlclose(ctypes.c_void_p(library._handle))  # noqa: SLF001 - ctypes has no public way to unload


def say(
    text: str, voice: str, *, rate: int = 165, pitch: int = 50, pitch_range: int = 50, data: str | None = None
) -> SynthesisedSpeech:
    """Speaks `text`. Not for several threads at once: the library is one per process.

    Args:
        text: what to say.
        voice: espeak voice, a language with an optional variant ("es+f2").
        rate: words per minute.
        pitch: 0..99.
        pitch_range: 0..99, monotone to lively.
        data: folder of voices and languages; the package's own unless told.

    Raises:
        RuntimeError: the library's data is missing.
        ValueError: the voice does not exist.
    """
    with _library() as library:
        flags = _PHONEME_EVENTS | _PHONEME_IPA | _DONT_EXIT
        folder = data or espeakng_loader.get_data_path()
        hertz: int = library.espeak_Initialize(_SYNCHRONOUS, 0, folder.encode(), flags)
        if hertz <= 0:
            raise RuntimeError("espeak-ng did not start: its voice data is missing; reinstall espeakng-loader")
        library.espeak_ng_SetRandSeed(ctypes.c_long(_SEED))  # the noise of breathy voices is seeded by the clock otherwise
        if library.espeak_SetVoiceByName(voice.encode()) != 0:
            raise ValueError(f"espeak-ng has no voice {voice!r}")
        for parameter, value in ((_RATE, rate), (_PITCH, pitch), (_RANGE, pitch_range)):
            library.espeak_SetParameter(parameter, value, 0)
        recorder = _Recorder()
        callback = _CALLBACK(recorder)  # named: C holds a bare pointer to it
        library.espeak_SetSynthCallback(callback)
        written = text.encode() + b"\0"
        library.espeak_Synth(written, len(written), 0, _POS_CHARACTER, 0, _UTF8, None, None)
        return recorder.spoken(hertz)
