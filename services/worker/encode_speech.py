"""ENCODE_SPEECH: the speech features of a track at the times of a picture's frames, window by window."""

import numpy as np

from dubbing import ids
from dubbing.domain.media import SyncMode, SyncPlan
from dubbing.domain.work import EncodeResult, EncodeSpeechTask
from dubbing.errors import NotAudio
from dubbing.inference.speech import FRAMES, windows
from dubbing.media.container import naming
from dubbing.media.mono import SPEECH_RATE, mono_windows
from dubbing.queue.context import Context
from dubbing.storage.sources import SourceCache
from dubbing.storage.store import ObjectStore
from services.worker.engines import Engines
from services.worker.laid_sound import frame_times, level_of
from services.worker.latents import save_speech


class EncodeSpeechHandler:
    """Handler of ``encode_speech`` items."""

    def __init__(self, store: ObjectStore, sources: SourceCache, engines: Engines) -> None:
        self._store = store
        self._sources = sources
        self._engines = engines

    def __call__(self, task: EncodeSpeechTask, context: Context) -> EncodeResult:
        """Encode the whole track, and store the features of every `FRAMES` frames.

        Raises:
            ModelUnavailable: the encoder is not served now.
        """
        info = task.source.media.audio
        if info is None:
            raise NotAudio(f"{task.source.filename} has no audio stream.", where={"pointer": "/audio"})
        engine = self._engines.get(task.preset, task.encoder.version)
        times = frame_times(self._sources, task.video, task.picture_after)
        whole = SyncPlan(mode=SyncMode.STRICT, sample_rate=info.sample_rate, lead=task.lead, keep=info.spread)
        done = 0
        with self._sources.open(task.source.key, task.source.sha256) as path, naming(task.source.filename, "audio"):
            level = task.level or level_of(path, info, whole)
            samples = mono_windows(path, info, SPEECH_RATE, whole)
            pending: list[np.ndarray] = []
            for window in windows(samples, times, level):
                pending.append(engine.encode_speech(window, context).astype(np.float16))
                done += len(pending[-1])
                context.progress(done, len(times))
                if done % FRAMES == 0 or done == len(times):
                    key = ids.speech_window_key(task.speech_prefix, (done - 1) // FRAMES)
                    save_speech(self._store, key, np.concatenate(pending))
                    pending.clear()
        return EncodeResult(frames=done)
