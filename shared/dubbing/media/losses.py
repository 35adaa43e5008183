"""What a source carries and a master of today does not: each thing is told once."""

from collections.abc import Iterator

from dubbing.domain.findings import Finding, FindingCode
from dubbing.domain.media import AudioInfo, VideoInfo
from dubbing.domain.timecode import clock
from dubbing.media.pixels.colour import has_alpha, working_format
from dubbing.media.witness.headers import Header
from dubbing.media.witness.program import ShownPicture

_DELIVERED_BITS = 10
_ZERO_TIMECODES = {"00:00:00:00", "00:00:00;00"}


def lost_of_picture(header: Header, info: VideoInfo, shown: ShownPicture) -> Iterator[Finding]:
    """What of a source its masters will not carry.

    Args:
        header: what its header says.
        info: its picture.
        shown: its frames.
    """
    picture = header.pictures[info.track - 1] if info.track <= len(header.pictures) else None
    if has_alpha(info.pixel_format):
        yield _lost(FindingCode.ALPHA_LOST, f"The picture has an alpha channel ({info.pixel_format}); the master has none.")
    if shown.interlaced[0]:
        order = "top" if 2 * shown.interlaced[1] >= shown.interlaced[0] else "bottom"
        yield _lost(
            FindingCode.INTERLACING_LOST,
            f"{shown.interlaced[0]} of {len(shown)} frames are interlaced ({order} field first); the master is not flagged so.",
        )
    if picture is not None and picture.hdr:
        formats = ", ".join(picture.hdr)
        yield _lost(
            FindingCode.HDR_METADATA_LOST, f"The HDR description ({formats}) is not in the master; its colour tags are."
        )
    if info.bit_depth > _DELIVERED_BITS:
        yield _lost(
            FindingCode.DEPTH_REDUCED, f"The picture has {info.bit_depth} bits per component; the master has {_DELIVERED_BITS}."
        )
    if working_format(info.pixel_format, info.bit_depth).startswith("gbr"):
        yield _lost(
            FindingCode.COLOUR_CONVERTED, f"The picture is R'G'B' ({info.pixel_format}); the master is BT.709 Y'CbCr 4:4:4."
        )
    if header.timecode is not None and header.timecode not in _ZERO_TIMECODES:
        reel = f", reel {header.reel}," if header.reel else ""
        yield _lost(FindingCode.TIMECODE_LOST, f"The time code that begins at {header.timecode}{reel} is not in the master.")
    yield from _lost_beside(header, picture.language if picture is not None else "")


def _lost_beside(header: Header, language: str) -> Iterator[Finding]:
    """Tracks, tags and pictures beside the one that is dubbed."""
    named = [f"{name.replace('_', ' ')} {value!r}" for name, value in header.metadata.items()]
    if language:
        named.append(f"picture language {language}")
    if named:
        yield _lost(FindingCode.METADATA_LOST, f"Not in the master: {', '.join(named)}.")
    beside = []
    if len(header.sounds) > 1:
        tracks = ", ".join(" ".join(filter(None, (str(n), s.language, s.title))) for n, s in enumerate(header.sounds, 1))
        beside.append(f"{len(header.sounds)} sound tracks ({tracks}), of which the new track replaces every one")
    if header.others:
        beside.append(f"{len(header.others)} data track{'s' * (len(header.others) != 1)} ({', '.join(header.others)})")
    if beside:
        yield _lost(
            FindingCode.TRACKS_LOST, f"The source has {' and '.join(beside)}. The master has one picture and one sound."
        )
    if header.texts:
        yield _lost(FindingCode.SUBTITLES_LOST, f"Not in the master: {header.texts} subtitle track{'s' * (header.texts != 1)}.")
    if header.chapters:
        yield _lost(FindingCode.CHAPTERS_LOST, f"Not in the master: {header.chapters} chapter{'s' * (header.chapters != 1)}.")
    if header.covers:
        yield _lost(FindingCode.PICTURES_LOST, "The cover picture is not in the master.")


def lost_of_sound(header: Header, info: AudioInfo) -> Iterator[Finding]:
    """What of a given track its master will not carry."""
    references = [header.sounds[number - 1].reference for number in info.tracks if number <= len(header.sounds)]
    if references and references[0]:
        yield _lost(
            FindingCode.TIMECODE_LOST,
            f"The track's time reference ({clock(references[0])} after midnight) is not used and not in the master: the "
            "track lies on the programme from its first sample on.",
        )


def _lost(code: FindingCode, detail: str) -> Finding:
    return Finding(code=code, detail=detail)
