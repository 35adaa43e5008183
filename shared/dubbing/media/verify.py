"""The last check before delivery: the output measured anew and held against its source and its plan."""

from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

from dubbing.domain.media import ColourTags, MediaInfo, SyncPlan, VideoInfo
from dubbing.domain.receipt import Parity
from dubbing.errors import ParityFailed
from dubbing.media.encode import delivery_colour
from dubbing.media.index import build_index
from dubbing.media.probe import probe


class Verified(NamedTuple):
    """The output's own facts, and how they compare."""

    media: MediaInfo
    parity: Parity


def verify_output(output: Path, source: Path, source_info: MediaInfo, audio_info: MediaInfo, plan: SyncPlan) -> Verified:
    """Measure the output and compare it with its source.

    Args:
        output: the delivery file.
        source: the source video; its frame times are compared when its rate varies.
        source_info: what `probe` said about the source.
        audio_info: what it said about the given sound.
        plan: how the sound was to be used.

    Raises:
        ParityFailed: with every difference, ``{fact: [expected, found]}`` in ``media["differences"]``.
    """
    found = probe(output)
    want, sound = source_info.video, audio_info.audio
    if found.video is None or found.audio is None or want is None or sound is None:
        raise ParityFailed("The output lacks its picture or its sound.", where={"stage": "verify"})
    expected: dict[str, Any] = {
        **_picture_facts(want, delivery_colour(want)),
        "samples": plan.samples,
        "sample_rate": sound.sample_rate,
        "channels": sound.channels,
        "start": (Fraction(0), Fraction(0)),
    }
    measured: dict[str, Any] = {
        **_picture_facts(found.video, found.video.colour),
        "samples": found.audio.samples,
        "sample_rate": found.audio.sample_rate,
        "channels": found.audio.channels,
        "start": (found.video.start, found.audio.start),
    }
    if want.variable_rate:
        expected["fps"] = measured["fps"] = None
        expected["times"], measured["times"] = _compared_times(source, output)
    differences = {k: [str(expected[k]), str(measured[k])] for k in expected if expected[k] != measured[k]}
    if differences:
        what = "; ".join(f"{k}: {a} expected, {b} found" for k, (a, b) in differences.items())
        raise ParityFailed(
            f"The output differs from its source: {what}.", where={"stage": "verify"}, media={"differences": differences}
        )
    parity = Parity(
        frames_in=want.frames,
        frames_out=found.video.frames,
        fps=want.fps,
        variable_rate=want.variable_rate,
        width=found.video.width,
        height=found.video.height,
        rotation=found.video.rotation,
        sample_aspect_ratio=found.video.sample_aspect_ratio,
        colour=found.video.colour,
        samples_in=sound.samples,
        samples_out=found.audio.samples,
        sample_rate=found.audio.sample_rate,
        channels=found.audio.channels,
        audio_start=found.audio.start,
    )
    return Verified(found, parity)


def _picture_facts(video: VideoInfo, colour: ColourTags) -> dict[str, Any]:
    return {
        "frames": video.frames,
        "fps": video.fps,
        "size": (video.width, video.height),
        "rotation": video.rotation,
        "sample_aspect_ratio": video.sample_aspect_ratio,
        # Limited range is what an untagged file means; encoders may write it down.
        "colour": colour.model_copy(update={"range": "tv" if colour.range is None else colour.range}),
    }


def _compared_times(source: Path, output: Path) -> tuple[str, str]:
    """Frame times of a variable rate, as two words that are equal when the times are."""
    expected, found = build_index(source).times(), build_index(output).times()
    wrong = next((i for i, (a, b) in enumerate(zip(expected, found, strict=False)) if a != b), None)
    if wrong is None:
        return "equal", "equal"
    return f"frame {wrong} at {float(expected[wrong]):.6f} s", f"frame {wrong} at {float(found[wrong]):.6f} s"
