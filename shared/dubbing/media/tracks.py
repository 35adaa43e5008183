"""Which of a file's pictures and sound tracks are used: a choice, with a default that is told.

Pictures: the one that was chosen; else, of those that move, the one that the file marks as its default, then the largest, then
the first. Sound: the tracks that were chosen; else mono tracks of one production are joined, channel after channel; else the
track that the file marks as its default; else the first.
"""

from collections.abc import Sequence
from typing import NamedTuple

from dubbing.domain.findings import Finding, FindingCode
from dubbing.domain.media import SoundChoice
from dubbing.errors import NoSuchTrack, UnsupportedChannels

MOST_CHANNELS = 8


class PictureTrack(NamedTuple):
    """What is known of a picture before it is decoded. ``still``: it holds a single frame."""

    number: int
    width: int
    height: int
    default: bool
    still: bool = False


class SoundTrack(NamedTuple):
    """What is known of a sound track before it is decoded."""

    number: int
    channels: int
    rate: int
    default: bool
    language: str = ""
    title: str = ""

    def __str__(self) -> str:
        """As findings name it."""
        words = [{1: "mono", 2: "stereo"}.get(self.channels, f"{self.channels} channels"), self.language, self.title]
        return f"{self.number} ({', '.join(word for word in words if word)})"


def choose_picture(found: Sequence[PictureTrack], wanted: int | None = None) -> tuple[int, tuple[Finding, ...]]:
    """The number of the picture that is used, and what is told about it.

    Raises:
        NoSuchTrack: there is no picture of the wanted number.
    """
    if wanted is not None:
        if not 1 <= wanted <= len(found):
            raise _no_track("picture", wanted, len(found))
        return wanted, ()
    moving = [track for track in found if not track.still] or list(found)
    defaults = [track for track in moving if track.default] if any(not track.default for track in moving) else moving
    best = max(defaults or moving, key=lambda track: (track.width * track.height, -track.number))
    if len(found) < 2:
        return best.number, ()
    others = ", ".join(f"{t.number} ({'a still, ' * t.still}{t.width}x{t.height})" for t in found if t.number != best.number)
    detail = (
        f"The file has {len(found)} pictures. Picture {best.number} ({best.width}x{best.height}) was used; "
        f"{others} was not, and is not in the master."
    )
    return best.number, (Finding(code=FindingCode.PICTURE_CHOSEN, detail=detail),)


def choose_sound(found: Sequence[SoundTrack], choice: SoundChoice) -> tuple[tuple[int, ...], tuple[Finding, ...]]:
    """The numbers of the tracks that are used, in order, and what is told about them.

    Raises:
        NoSuchTrack: there is no track of a wanted number.
        UnsupportedChannels: the tracks cannot be joined, or have too many channels together.
    """
    missing = next((number for number in choice.tracks if not 1 <= number <= len(found)), None)
    if missing is not None:
        raise _no_track("sound track", missing, len(found))
    used = choice.tracks or _default(found)
    taken = [found[number - 1] for number in used]
    if len({track.rate for track in taken}) > 1:
        raise UnsupportedChannels(
            f"Sound tracks {', '.join(map(str, taken))} have different sample rates and cannot be joined.",
            where={"stream": "audio"},
            suggestions=("Choose tracks of one rate.",),
        )
    findings: list[Finding] = []
    if len(used) > 1:
        detail = f"Sound tracks {', '.join(map(str, taken))} were joined, in this order, as the channels of one track."
        findings.append(Finding(code=FindingCode.SOUND_JOINED, detail=detail))
    rest = [track for track in found if track.number not in used]
    if rest and not choice.tracks:
        detail = (
            f"The file has {len(found)} sound tracks. Track {', '.join(map(str, taken))} was used"
            f"{', the default of the file' if taken[0].default else ''}; not used: {', '.join(map(str, rest))}."
        )
        findings.append(Finding(code=FindingCode.SOUND_CHOSEN, detail=detail))
    return used, tuple(findings)


def pick_channels(channels: int, choice: SoundChoice) -> tuple[int, ...]:
    """The numbers of the channels that are used, empty for all.

    Raises:
        NoSuchTrack: there is no channel of a wanted number.
    """
    missing = next((number for number in choice.channels if not 1 <= number <= channels), None)
    if missing is not None:
        raise _no_track("channel", missing, channels)
    return () if choice.channels == tuple(range(1, channels + 1)) else choice.channels


def require_carriable(channels: int, layout: str | None) -> None:
    """Refuse what no codec of the delivery container carries.

    Raises:
        UnsupportedChannels: naming number and layout.
    """
    if channels > MOST_CHANNELS:
        named = f", laid out as {layout}" if layout else ""
        raise UnsupportedChannels(
            f"The sound has {channels} channels{named}; a master carries at most {MOST_CHANNELS}.",
            where={"stream": "audio"},
            suggestions=(f"Choose up to {MOST_CHANNELS} of its channels.", "Send a mix of fewer channels."),
            media={"channels": channels},
        )


def _default(found: Sequence[SoundTrack]) -> tuple[int, ...]:
    """Muxers mark the first track as default by themselves: only another one is a choice that somebody made."""
    defaults = [track.number for track in found if track.default]
    chosen = defaults[0] if defaults and len(defaults) < len(found) else found[0].number
    one_production = len({(track.rate, track.language, track.title) for track in found}) == 1
    if chosen == 1 and len(found) > 1 and one_production and all(track.channels == 1 for track in found):
        return tuple(track.number for track in found)
    return (chosen,)


def _no_track(what: str, number: int, there: int) -> NoSuchTrack:
    return NoSuchTrack(
        f"The file has no {what} {number}.",
        where={"stream": "video" if what == "picture" else "audio"},
        suggestions=(f"Choose a number from 1 to {there}.",) if there else ("Send a file with sound.",),
        media={what.replace(" ", "_") + "s": there},
    )
