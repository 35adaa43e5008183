"""What a file's headers say, read by MediaInfo: tracks and defaults, layouts, rates, lengths, and what else it carries."""

from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from pymediainfo import MediaInfo

# General facts of a file that people put there; programs and containers write the others by themselves.
_METADATA = (
    "title", "movie_name", "title_more_info", "movie_more", "comment", "description", "performer", "album", "director",
    "producer", "copyright", "genre", "synopsis", "keywords", "recorded_date", "recorded_location", "xyz", "make", "model",
    "comapplequicktimemake", "comapplequicktimemodel", "comapplequicktimelocationiso6709", "originator", "reel_name", "scene",
    "tape", "encoded_date", "tagged_date", "mastered_date",
)  # fmt: skip
# Clocks that were never set.
_NO_DATES = ("0-00-00", "1904-01-01", "1970-01-01")
# MPEG-4 Systems' own tracks (ISO/IEC 14496-1), which nobody made.
_UNREPORTED = ("System", "System Core")


@dataclass(frozen=True)
class HeaderPicture:
    """One picture as the header describes it; None where it says nothing. ``seconds`` is what it promises."""

    width: int
    height: int
    seconds: Fraction | None
    rate: Fraction | None
    frames: int | None
    default: bool | None
    scan: str | None
    hdr: tuple[str, ...]
    language: str


@dataclass(frozen=True)
class HeaderSound:
    """One sound track as the header describes it; None where it says nothing.

    ``reference`` is the time of day of its first sample, in seconds, as Broadcast Wave files have it (EBU Tech 3285).
    """

    codec: str
    channels: int
    layout: str | None
    rate: int
    samples: int | None
    seconds: Fraction | None
    default: bool | None
    bits: int | None
    language: str
    title: str
    reference: Fraction = Fraction(0)


@dataclass(frozen=True)
class Header:
    """A file's header.

    Attributes:
        by: the program that read it, with its version.
        delay: seconds by which each sound track starts after the first picture, where the header says so.
        texts, chapters: how many subtitle tracks and chapters.
        timecode, reel: SMPTE time code of the first frame, and the name of the reel that it counts.
        others: kinds of tracks that are neither picture, sound, text nor time code.
        covers: whether there is cover art.
        metadata: names and values that people put there.
    """

    by: str
    pictures: tuple[HeaderPicture, ...] = ()
    sounds: tuple[HeaderSound, ...] = ()
    delays: tuple[Fraction | None, ...] = ()
    texts: int = 0
    chapters: int = 0
    timecode: str | None = None
    reel: str = ""
    others: tuple[str, ...] = ()
    covers: bool = False
    metadata: dict[str, str] = field(default_factory=dict)


def read_header(path: Path) -> Header:
    """Read a file's header with MediaInfo; an unreadable one is empty."""
    tracks: dict[str, list[dict[str, Any]]] = {}
    with path.open("rb") as file:  # by its descriptor: the library knows no name that is not UTF-8
        parsed = MediaInfo.parse(f"/proc/self/fd/{file.fileno()}")
    for track in parsed.tracks:
        tracks.setdefault(track.track_type, []).append(track.to_data())
    general = (tracks.get("General") or [{}])[0]
    others = tracks.get("Other", [])
    return Header(
        by=_version(),
        pictures=tuple(_picture(data) for data in tracks.get("Video", [])),
        sounds=tuple(_sound(data) for data in tracks.get("Audio", [])),
        delays=tuple(_milliseconds(data.get("delay_relative_to_video")) for data in tracks.get("Audio", [])),
        texts=len(tracks.get("Text", [])),
        chapters=max((_chapters(data) for data in tracks.get("Menu", [])), default=0),
        timecode=_timecode([*others, *tracks.get("Video", []), general]),
        reel=next((str(data["title"]) for data in others if data.get("type") == "Time code" and data.get("title")), ""),
        others=tuple(name for name in map(_kind, others) if name not in {"Time code", *_UNREPORTED}),
        covers=general.get("cover") == "Yes" or bool(tracks.get("Image") and tracks.get("Video")),
        metadata=_metadata(general),
    )


def _version() -> str:
    return f"MediaInfo {MediaInfo._get_library()[2]}"  # noqa: SLF001 - the wrapper has no other way to name the library it brings


def _picture(data: dict[str, Any]) -> HeaderPicture:
    numerator, denominator = data.get("framerate_num"), data.get("framerate_den")
    rate = Fraction(int(numerator), int(denominator)) if numerator and denominator and int(denominator) else None
    hdr = [
        str(data[name])
        for name in (
            "hdr_format",
            "mastering_display_luminance",
            "maximum_content_light_level",
            "maximum_frameaverage_light_level",
        )
        if data.get(name)
    ]
    return HeaderPicture(
        width=int(data.get("width") or 0),
        height=int(data.get("height") or 0),
        seconds=_milliseconds(data.get("duration")),
        rate=rate,
        frames=_number(data.get("frame_count")),
        default=_flag(data.get("default")),
        scan=data.get("scan_type"),
        hdr=tuple(hdr),
        language=str(data.get("language") or ""),
    )


def _sound(data: dict[str, Any]) -> HeaderSound:
    return HeaderSound(
        codec=str(data.get("format") or ""),
        channels=_number(data.get("channel_s")) or 0,
        layout=data.get("channel_layout"),
        rate=_number(data.get("sampling_rate")) or 0,
        samples=_number(data.get("samples_count")),
        seconds=_milliseconds(data.get("duration")),
        default=_flag(data.get("default")),
        bits=_number(data.get("bit_depth")),
        language=str(data.get("language") or ""),
        title=str(data.get("title") or ""),
        reference=(_milliseconds(data.get("delay")) or Fraction(0))
        if "bext" in str(data.get("delay__origin"))
        else Fraction(0),
    )


def _kind(data: dict[str, Any]) -> str:
    """What a track is that is neither picture nor sound nor text."""
    return "Time code" if data.get("type") == "Time code" else str(data.get("format") or data.get("type") or "data")


def _chapters(menu: dict[str, Any]) -> int:
    """MediaInfo names each chapter by its time, such as ``00_01_30000``."""
    return sum(name[:1].isdecimal() and name.count("_") >= 2 for name in menu)


def _timecode(tracks: list[dict[str, Any]]) -> str | None:
    codes = [str(track["time_code_of_first_frame"]) for track in tracks if track.get("time_code_of_first_frame")]
    return codes[0] if codes else None


def _metadata(general: dict[str, Any]) -> dict[str, str]:
    found = {name.removeprefix("comapplequicktime"): str(general[name]) for name in _METADATA if general.get(name)}
    values: dict[str, str] = {}
    for name, value in found.items():
        if value.strip() and value not in values.values() and not value.startswith(_NO_DATES):
            values[name] = value
    return values


def _number(value: object) -> int | None:
    try:
        return int(str(value).split(" / ")[0])
    except ValueError:
        return None


def _milliseconds(value: object) -> Fraction | None:
    try:
        return Fraction(str(value)) / 1000
    except ValueError:
        return None


def _flag(value: object) -> bool | None:
    return {"Yes": True, "No": False}.get(str(value))
