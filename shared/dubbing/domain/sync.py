"""Preflight of the pair: may this sound go with this picture, and what of it is used.

The output's picture is always the source's, frame for frame. So a mismatch is answered in the sound, or not at all:

| mode      | sound is longer                         | sound is shorter                          |
|-----------|-----------------------------------------|-------------------------------------------|
| strict    | rejected                                | rejected                                  |
| cut_off   | cut at the end of the picture           | rejected, ``silence`` is suggested        |
| silence   | rejected, ``cut_off`` is suggested      | filled with silence to the picture's end  |

A difference within the tolerance is none in every mode: the given sound then goes in full, untouched.
"""

from fractions import Fraction

from dubbing.domain.media import AudioInfo, MediaInfo, SyncMode, SyncPlan, VideoInfo
from dubbing.errors import DurationMismatch, NotAudio, NoVideoStream


def check_pair(video: MediaInfo, audio: MediaInfo, mode: SyncMode = SyncMode.STRICT, tolerance_frames: int = 1) -> SyncPlan:
    """Decide how the new sound meets the picture.

    Args:
        video: the source. Its own sound plays no part.
        audio: the new sound.
        mode: what a mismatch is answered with; see the table above.
        tolerance_frames: difference that counts as none; never less than half a frame, which is mere rounding.

    Raises:
        NoVideoStream, NotAudio: a stream is missing.
        DurationMismatch: with the difference in frames and milliseconds.
    """
    if video.video is None:
        raise NoVideoStream("The video file has no video stream.", where={"pointer": "/video"})
    if audio.audio is None:
        raise NotAudio("The audio file has no audio stream.", where={"pointer": "/audio"})
    picture, sound = video.video, audio.audio
    delta = sound.duration - picture.duration
    frames = int(abs(delta) * picture.fps + Fraction(1, 2)) * (1 if delta > 0 else -1)
    whole = SyncPlan(mode=mode, sample_rate=sound.sample_rate, keep=sound.samples, delta=delta, delta_frames=frames)
    if abs(delta) <= max(Fraction(tolerance_frames), Fraction(1, 2)) / picture.fps:
        return whole
    wanted = round(picture.duration * sound.sample_rate)
    if mode is SyncMode.CUT_OFF and delta > 0:
        return whole.model_copy(update={"keep": wanted})
    if mode is SyncMode.SILENCE and delta < 0:
        return whole.model_copy(update={"pad": wanted - sound.samples})
    raise _mismatch(picture, sound, delta, frames)


def _mismatch(picture: VideoInfo, sound: AudioInfo, delta: Fraction, frames: int) -> DurationMismatch:
    ms = round(delta * 1000)
    longer = delta > 0
    amount = f"{abs(frames)} frame{'s' * (abs(frames) != 1)} ({abs(ms)} ms)"
    return DurationMismatch(
        f"The audio is {amount} {'longer' if longer else 'shorter'} than the video at {picture.fps} frames per second.",
        where={"pointer": "/audio", "stage": "preflight"},
        suggestions=(
            (f"Set sync.mode to cut_off to cut the last {abs(ms)} ms of the audio.", f"Trim the audio by {abs(ms)} ms.")
            if longer
            else (f"Set sync.mode to silence to add {abs(ms)} ms of silence.", f"Send audio that is {abs(ms)} ms longer.")
        ),
        media={
            "video_frames": picture.frames,
            "audio_samples": sound.samples,
            "sample_rate": sound.sample_rate,
            "delta_frames": frames,
            "delta_ms": ms,
        },
    )
