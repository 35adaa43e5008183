"""Speech with exact phoneme times from espeak-ng (its shared library, through ctypes)."""

import ctypes
from dataclasses import dataclass
from functools import cache

import espeakng_loader
import numpy as np
from numpy.typing import NDArray

# Values of espeak-ng's speak_lib.h.
_RETRIEVAL, _PHONEME_EVENTS, _PHONEME_IPA, _DONT_EXIT = 1, 1, 2, 0x8000
_EVENT_END, _EVENT_PHONEME = 0, 7
_RATE, _PITCH, _RANGE = 1, 3, 4
_UTF8, _POS_CHARACTER = 1, 1


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
class Spoken:
    """Mono speech -1..1 at `rate` Hz and its phones, which cover it from start to end."""

    samples: NDArray[np.float32]
    rate: int
    phones: tuple[Phone, ...]


class Engine:
    """The process's espeak-ng. The library keeps global state: use one engine per process, from one thread.

    Raises:
        RuntimeError: the library's data is missing.
    """

    def __init__(self) -> None:
        self._lib = ctypes.CDLL(espeakng_loader.get_library_path())
        flags = _PHONEME_EVENTS | _PHONEME_IPA | _DONT_EXIT
        self.rate: int = self._lib.espeak_Initialize(_RETRIEVAL, 0, espeakng_loader.get_data_path().encode(), flags)
        if self.rate <= 0:
            raise RuntimeError("espeak-ng did not start: its voice data is missing; reinstall espeakng-loader")
        self._chunks: list[NDArray[np.int16]] = []
        self._marks: list[tuple[str, float]] = []
        self._callback = _CALLBACK(self._receive)  # kept: C holds a bare pointer to it
        self._lib.espeak_SetSynthCallback(self._callback)

    def say(self, text: str, voice: str, *, rate: int = 165, pitch: int = 50, pitch_range: int = 50) -> Spoken:
        """Speaks `text`.

        Args:
            text: what to say.
            voice: espeak voice, a language with an optional variant ("es+f2").
            rate: words per minute.
            pitch: 0..99.
            pitch_range: 0..99, monotone to lively.

        Raises:
            ValueError: the voice does not exist.
        """
        if self._lib.espeak_SetVoiceByName(voice.encode()) != 0:
            raise ValueError(f"espeak-ng has no voice {voice!r}")
        for parameter, value in ((_RATE, rate), (_PITCH, pitch), (_RANGE, pitch_range)):
            self._lib.espeak_SetParameter(parameter, value, 0)
        self._chunks, self._marks = [], []
        data = text.encode() + b"\0"
        self._lib.espeak_Synth(data, len(data), 0, _POS_CHARACTER, 0, _UTF8, None, None)
        self._lib.espeak_Synchronize()
        pcm = np.concatenate(self._chunks) if self._chunks else np.zeros(0, np.int16)
        end = len(pcm) / self.rate
        stops = [start for _, start in self._marks[1:]] + [end]
        phones = tuple(
            Phone(ipa, start, min(stop, end)) for (ipa, start), stop in zip(self._marks, stops, strict=True) if stop > start
        )
        return Spoken(pcm.astype(np.float32) / np.float32(32768), self.rate, phones)

    def _receive(self, wav: "ctypes._Pointer[ctypes.c_short]", count: int, events: "ctypes._Pointer[_Event]") -> int:
        if wav and count > 0:
            self._chunks.append(np.ctypeslib.as_array(wav, (count,)).copy())
        i = 0
        while events[i].type != _EVENT_END:
            if events[i].type == _EVENT_PHONEME:
                self._marks.append((events[i].name.decode("utf-8", "ignore"), events[i].audio_position / 1000))
            i += 1
        return 0


@cache
def engine() -> Engine:
    """This process's engine."""
    return Engine()
