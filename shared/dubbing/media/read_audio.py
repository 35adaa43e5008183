"""A given track, read twice."""

from fractions import Fraction
from pathlib import Path

from dubbing.domain.media import READING, AudioInfo, MediaInfo, SoundChoice
from dubbing.domain.timecode import clock
from dubbing.domain.witness import Difference, Reading, Witness
from dubbing.errors import TruncatedMedia
from dubbing.media.container import open_media
from dubbing.media.losses import lost_of_sound
from dubbing.media.measure import layout_unknown, measure_sound
from dubbing.media.reading import FIRST, LACK, MILLISECONDS, ReadFile, require_agreement
from dubbing.media.witness.compare import compare, compare_seconds
from dubbing.media.witness.facts import Headers, SoundReading, read_sound

# MediaInfo only guesses how long these are.
_UNCOUNTED = ("mp3", "aac", "ac3", "eac3", "ogg", "mpegts", "mpeg", "matroska")
_ALL = SoundChoice()


def read_audio(path: Path, choice: SoundChoice = _ALL) -> ReadFile:
    """Read a given track twice.

    Args:
        path: a local file.
        choice: which of its sound is used.

    Raises:
        ReadingsDiffer: with every difference; neither reading is believed.
        TruncatedMedia: the file ends early, or a decoder complained; names the time.
        and what `dubbing.media.measure.measure_sound` raises.
    """
    info, findings = measure_sound(path, choice)
    headers = Headers.of(path)
    with open_media(path) as container:
        name = container.format.name
    second = read_sound(headers, choice)
    _require_heard(name, headers, info, second)
    if info.layout is not None and info.channels > 2 and _unnamed(headers, info):
        info = info.model_copy(update={"layout": None})
        findings = (*findings, layout_unknown(info))
    witness = _witness_sound(info, headers, second)
    require_agreement(witness)
    media = MediaInfo(
        reading=READING,
        container=name,
        size_bytes=path.stat().st_size,
        audio=info,
        findings=(*findings, *lost_of_sound(headers.header, info)),
        witness=witness,
    )
    return ReadFile(media)


def _require_heard(name: str, headers: Headers, info: AudioInfo, second: SoundReading) -> None:
    complaint = next((one for heard in second.heard for one in heard.complaints), None)
    if complaint is not None:
        at = clock(Fraction(sum(second.heard[0].lengths[: complaint.after]), info.sample_rate))
        raise TruncatedMedia(
            f"The sound is damaged near {at}: {complaint.words}.",
            where={"stream": "audio", "time": at},
            suggestions=("Upload the file again.", "Export the file again if the damage is in the original."),
            media={"decoder": f"{complaint.who}: {complaint.words}"},
        )
    for number, course in zip(second.tracks, second.courses, strict=True):
        sounds = headers.header.sounds
        declared = sounds[number - 1].seconds if number <= len(sounds) and not name.startswith(_UNCOUNTED) else None
        there = info.start + Fraction(course.samples + sum(hole.samples for hole in course.holes), info.sample_rate)
        if declared is not None and declared - there > LACK:
            raise TruncatedMedia(
                f"The sound ends at {clock(there)}, but its header promises {clock(declared)}.",
                where={"stream": "audio", "time": clock(there)},
                suggestions=("Upload the whole file again.", "Export the file again if the damage is in the original."),
            )


def _witness_sound(info: AudioInfo, headers: Headers, second: SoundReading) -> Witness:
    spreads = [course.samples + sum(hole.samples for hole in course.holes) for course in second.courses]
    begins = [course.start for course in second.courses]
    late = [round((begin - min(begins)) * info.sample_rate) for begin in begins]
    joined = len(spreads) > 1
    spread = max(lead + size for lead, size in zip(late, spreads, strict=True)) if joined else spreads[0]
    channels = sum(heard.channels for heard in second.heard)
    holes = () if joined else tuple(hole.samples for hole in second.courses[0].holes)
    mine = Reading(
        by=(FIRST,),
        tracks=info.tracks,
        start=info.start,
        end=info.start + info.duration,
        samples=info.samples,
        sample_rate=info.sample_rate,
        channels=info.channels,
        holes=tuple(hole.samples for hole in info.holes),
    )
    theirs = Reading(
        by=headers.by,
        tracks=second.tracks,
        start=second.start,
        samples=info.spread if info.spread in {spread, second.tabled} else second.tabled or spread,
        sample_rate=second.heard[0].rate,
        channels=len(info.picked) or channels,
        holes=holes,
    )
    found = [
        *compare("tracks", mine.tracks, theirs.tracks),
        *compare("sample rate", mine.sample_rate, theirs.sample_rate),
        *compare("channels", mine.channels, theirs.channels),
        *compare("holes", len(mine.holes), len(theirs.holes)),
        *_compare_samples(info, theirs),
        *(compare_seconds("start", mine.start, theirs.start, MILLISECONDS) if theirs.start is not None else ()),
    ]
    return Witness(first=mine, second=theirs, differences=tuple(found))


def _compare_samples(info: AudioInfo, theirs: Reading) -> list[Difference]:
    """Samples are counted exactly; how long a hole is, is known to a tick of the file's clock."""
    slack = len(info.holes) * MILLISECONDS * info.sample_rate
    if theirs.samples is not None and abs(info.spread - theirs.samples) <= slack:
        return []
    return compare("samples", info.spread, theirs.samples)


def _unnamed(headers: Headers, info: AudioInfo) -> bool:
    """PCM without a channel mask: libraries take six channels for 5.1, which nobody said."""
    sounds = headers.header.sounds
    return info.codec.startswith("pcm_") and all(n <= len(sounds) and sounds[n - 1].layout is None for n in info.tracks)
