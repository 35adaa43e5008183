"""ENCODE_SPEECH: the speech features of a track at the times of a picture's frames, window by window."""

from fractions import Fraction

import numpy as np

from dubbing import ids
from dubbing.domain.work import EncodeResult, EncodeSpeechTask, Source
from dubbing.inference.speech import windows
from dubbing.media.frames import FrameReader
from dubbing.media.sound import SPEECH_RATE, mono_windows, sound_level
from dubbing.queue.context import Context
from dubbing.storage.sources import SourceCache
from dubbing.storage.store import ObjectStore
from services.worker.engines import Engines
from services.worker.latents import save_speech


class SpeechEncoder:
    """Handler of ``encode_speech`` items."""

    def __init__(self, store: ObjectStore, sources: SourceCache, engines: Engines) -> None:
        self._store = store
        self._sources = sources
        self._engines = engines

    def __call__(self, task: EncodeSpeechTask, context: Context) -> EncodeResult:
        """Encode the whole track; sound past its end is silence.

        Raises:
            ModelUnavailable: the encoder is not served now.
        """
        engine = self._engines.get(task.preset, task.encoder.version)
        times = self._frame_times(task.video)
        done = 0
        with self._sources.open(task.source.key, task.source.sha256) as path:
            level = sound_level(path)
            samples = mono_windows(path, SPEECH_RATE)
            for number, window in enumerate(windows(samples, times, (level.mean, level.std))):
                features = engine.encode_speech(window, context)
                save_speech(self._store, ids.speech_window_key(task.speech_prefix, number), features.astype(np.float16))
                done += len(features)
                context.progress(done, len(times))
        return EncodeResult(frames=done)

    def _frame_times(self, video: Source) -> list[Fraction]:
        info = video.media.video
        if info is None:
            return []
        if not info.variable_rate:
            return [i / info.fps for i in range(info.frames)]
        with self._sources.open(video.key, video.sha256) as path:
            return FrameReader(path, info).frame_times()
