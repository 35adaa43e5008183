"""Preflight of the pair: may this sound go with this picture, where does it lie, and what of it is used.

Both lie on one time line, the source programme's (docs/adr/0011-one-time-line.md): where a picture or a sound starts later than
the programme, that start is kept. A track that does not fit the programme but fits the picture alone is laid from the first
frame on, and that is told.

The output's picture is always the source's, frame for frame. So a mismatch is answered in the sound, or not at all:

| mode      | sound ends later                        | sound ends earlier                        |
|-----------|-----------------------------------------|-------------------------------------------|
| strict    | rejected                                | rejected                                  |
| cut_off   | cut at the end of the picture           | rejected, ``silence`` is suggested        |
| silence   | rejected, ``cut_off`` is suggested      | filled with silence to the picture's end  |

A difference within the tolerance is none in every mode: the given sound then goes in full, untouched.
"""

from fractions import Fraction
from typing import NamedTuple

from dubbing.domain.findings import Finding, FindingCode
from dubbing.domain.media import AudioInfo, MediaInfo, SyncMode, SyncPlan, VideoInfo
from dubbing.errors import DurationMismatch, NotAudio, NoVideoStream

# An offset below this part of a frame is kept like any other, but nobody could see it: it is not told.
_FINDING_FROM = Fraction(1, 4)


class _Laid(NamedTuple):
    """One way to lay the sound: the second of the programme at which it begins, and what is told about it."""

    at: Fraction
    findings: tuple[Finding, ...] = ()


def check_pair(video: MediaInfo, audio: MediaInfo, mode: SyncMode = SyncMode.STRICT, tolerance_frames: int = 1) -> SyncPlan:
    """Decide how the new sound meets the picture.

    Args:
        video: the source. Its own sound plays no part but for where the programme starts.
        audio: the new sound.
        mode: what a mismatch is answered with; see the table above.
        tolerance_frames: difference that counts as none; never less than half a frame, which is mere rounding.

    Raises:
        NoVideoStream, NotAudio: a stream is missing.
        DurationMismatch: with the difference in frames and milliseconds, and where it lies.
    """
    picture, sound = _streams(video, audio)
    tolerance = max(Fraction(tolerance_frames), Fraction(1, 2)) / picture.fps
    ways = _ways(picture, sound)
    laid = next((way for way in ways if abs(_over(picture, sound, way)) <= tolerance), ways[0])
    delta = _over(picture, sound, laid)
    start = min(laid.at, picture.start)
    whole = SyncPlan(
        mode=mode,
        sample_rate=sound.sample_rate,
        lead=round((laid.at - start) * sound.sample_rate),
        keep=sound.spread,
        start=start,
        picture_after=picture.start - start,
        delta=delta,
        delta_frames=int(abs(delta) * picture.fps + Fraction(1, 2)) * (1 if delta > 0 else -1),
        findings=laid.findings,
    )
    if abs(delta) <= tolerance:
        return whole
    lack = round((picture.start + picture.duration - start) * sound.sample_rate) - whole.samples
    if mode is SyncMode.CUT_OFF and delta > 0 and whole.keep + lack > 0:
        return whole.model_copy(update={"keep": whole.keep + lack})
    if mode is SyncMode.SILENCE and delta < 0:
        return whole.model_copy(update={"pad": lack})
    raise _mismatch(picture, sound, whole)


def _streams(video: MediaInfo, audio: MediaInfo) -> tuple[VideoInfo, AudioInfo]:
    if video.video is None:
        raise NoVideoStream("The video file has no video stream.", where={"pointer": "/video"})
    if audio.audio is None:
        raise NotAudio("The audio file has no audio stream.", where={"pointer": "/audio"})
    return video.video, audio.audio


def _ways(picture: VideoInfo, sound: AudioInfo) -> list[_Laid]:
    """How the sound may be meant, likeliest first: only the first keeps every start."""
    frame = 1 / picture.fps
    late, delayed = picture.start, sound.start
    findings = []
    if late >= _FINDING_FROM * frame:
        detail = (
            f"The picture starts {_s(late)} into the programme. The master keeps that start, and the given sound lies on the"
            " programme's time line."
        )
        findings.append(_finding(FindingCode.PICTURE_STARTS_LATE, detail))
    if delayed >= _FINDING_FROM * frame:
        at = f"The given sound starts at {_s(delayed)} of its file's time line."
        detail = f"{at} That start is kept; what lies before it is silent."
        findings.append(_finding(FindingCode.SOUND_STARTS_LATE, detail))
    ways = [_Laid(delayed, tuple(findings))]
    dropped = _finding(
        FindingCode.START_NOT_KEPT,
        f"The given sound's time stamps begin at {_s(delayed)}. It fits the picture only without that start, which "
        "was left out.",
    )
    from_picture = _finding(
        FindingCode.LAID_FROM_PICTURE,
        f"The picture starts {_s(late)} into the programme, and the master keeps that start. The given sound is as long as the "
        "picture, not as the programme, so it was laid from the first frame on.",
    )
    if late:
        ways.append(_Laid(late + delayed, (from_picture, *findings[1:])))
    if delayed:
        ways.append(_Laid(Fraction(0), (*findings[:-1], dropped)))
    if late and delayed:
        ways.append(_Laid(late, (from_picture, dropped)))
    return ways


def _over(picture: VideoInfo, sound: AudioInfo, laid: _Laid) -> Fraction:
    """Seconds by which the sound ends after the picture."""
    return laid.at + sound.duration - picture.start - picture.duration


def _mismatch(picture: VideoInfo, sound: AudioInfo, plan: SyncPlan) -> DurationMismatch:
    ms, frames = round(plan.delta * 1000), plan.delta_frames
    amount = f"{abs(frames)} frame{'s' * (abs(frames) != 1)} ({abs(ms)} ms)"
    part, why, advice = _cause(picture, sound, plan)
    relation = "longer" if plan.delta > 0 else "shorter"
    return DurationMismatch(
        f"The audio is {amount} {relation} than the video at {picture.fps} frames per second.{why}",
        where={"pointer": "/audio", "stage": "preflight", "part": part},
        suggestions=advice,
        media={
            "video_frames": picture.frames,
            "audio_samples": sound.samples,
            "sample_rate": sound.sample_rate,
            "delta_frames": frames,
            "delta_ms": ms,
            "video_start_ms": round(picture.start * 1000),
            "audio_start_ms": round(sound.start * 1000),
            "audio_holes_ms": round(1000 * Fraction(sound.spread - sound.samples, sound.sample_rate)),
        },
    )


def _cause(picture: VideoInfo, sound: AudioInfo, plan: SyncPlan) -> tuple[str, str, tuple[str, ...]]:
    """Where the difference lies (``start``, ``hole`` or ``end``), in words, and advice that does no harm there.

    Cutting or filling at the end mends a difference at the end only; anywhere else it would put the whole dub out of place.
    """
    ms = abs(round(plan.delta * 1000))
    if picture.start or sound.start:
        programme = picture.start + picture.duration
        why = (
            f" The picture covers {_s(picture.start)} to {_s(programme)} of its programme, the audio {_s(sound.start)} to "
            f"{_s(sound.start + sound.duration)} of its own time line."
        )
        whole = f"Send a track of {_s(programme)} made against the whole programme."
        return (
            "start",
            why,
            (whole, f"Or send one of {_s(picture.duration)} made against the picture, from its first frame on."),
        )
    if sound.holes:
        first = sound.holes[0]
        why = (
            f" The audio's time stamps leave {len(sound.holes)} hole{'s' * (len(sound.holes) != 1)} of "
            f"{_s(Fraction(sound.spread - sound.samples, sound.sample_rate))} in all, the first at "
            f"{_s(Fraction(first.at, sound.sample_rate))}."
        )
        return "hole", why, ("Export the track again without holes: a part of it may be missing.",)
    if plan.delta > 0:
        cut = f"Set sync.mode to cut_off to cut the last {ms} ms of the audio."
        return "end", "", (cut, f"Trim the audio by {ms} ms.")
    return "end", "", (f"Set sync.mode to silence to add {ms} ms of silence.", f"Send audio that is {ms} ms longer.")


def _finding(code: FindingCode, detail: str) -> Finding:
    return Finding(code=code, detail=detail)


def _s(seconds: Fraction) -> str:
    return f"{float(seconds):.3f} s"
