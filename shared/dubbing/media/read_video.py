"""A source's picture, read twice."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np

from dubbing.domain.media import READING, AudioInfo, MediaInfo, VideoInfo
from dubbing.domain.timecode import clock, to_timecode
from dubbing.domain.witness import Difference, Reading, Witness
from dubbing.errors import DublineError, PictureChanges, TruncatedMedia
from dubbing.media.container import open_media
from dubbing.media.frames import FrameReader
from dubbing.media.losses import lost_of_picture
from dubbing.media.measure import measure_sound
from dubbing.media.probe import ProbedPicture, probe_picture
from dubbing.media.reading import FIRST, LACK, MILLISECONDS, ReadFile, require_agreement
from dubbing.media.witness.compare import compare, compare_seconds, compare_times, times_digest
from dubbing.media.witness.facts import Headers, PictureReading, PictureRecord, read_picture, reading_of_picture, turn


def read_video(path: Path, picture: int | None = None, on_frames: Callable[[int], None] = lambda _: None) -> ReadFile:
    """Read a source's picture twice.

    Args:
        path: a local file.
        picture: number of the moving picture that is used, from 1; None for the default.
        on_frames: called with the number of frames that the second reading has seen.

    Raises:
        ReadingsDiffer: with every difference; neither reading is believed.
        TruncatedMedia: the file ends early, or a decoder complained; names the frame.
        PictureChanges: size or format changes inside; names the frame.
        and what `dubbing.media.probe.probe` raises.
    """
    first = probe_picture(path, picture)
    headers = Headers.of(path)
    second = read_picture(headers, picture, on_frames)
    info = first.info
    _require_undamaged(path, info, second)
    _require_one_shape(info, second)
    _require_declared(headers, info, second)
    site = second.shown.site if second.shown.site != "unspecified" and "420" in info.pixel_format else None
    video = info.model_copy(update={"start": _start(info, second), "chroma_site": site})
    witness = _witness_picture(video, first, headers, second)
    require_agreement(witness)
    findings = [*first.findings, *lost_of_picture(headers.header, video, second.shown)]
    with open_media(path) as container:
        name = container.format.name
    media = MediaInfo(
        reading=READING,
        container=name,
        size_bytes=path.stat().st_size,
        video=video,
        audio=_own_sound(path),
        findings=tuple(findings),
        witness=witness,
    )
    return ReadFile(media, _usable(second, first))


def _start(info: VideoInfo, second: PictureReading) -> Fraction:
    """By the container's own tables, where it has some: libavformat leaves small starts out."""
    if second.record is None or second.record.start is None:
        return info.start
    return second.record.start


def _own_sound(path: Path) -> AudioInfo | None:
    """The source's own sound, for whoever asks what the file holds; it is replaced, so what is wrong with it is no matter."""
    try:
        return measure_sound(path)[0]
    except DublineError:
        return None


def _require_undamaged(path: Path, info: VideoInfo, second: PictureReading) -> None:
    complaint = next(iter(second.shown.complaints), None)
    if complaint is None:
        return
    for _ in FrameReader(path, info).read():  # names the frame, where the decoder flags it
        pass
    frame = min(complaint.after, max(info.frames - 1, 0))
    at = clock(frame / info.fps)
    raise TruncatedMedia(
        f"The picture is damaged near frame {frame} (time code {to_timecode(frame, info.fps)}, {at}): {complaint.words}.",
        where={"frame": frame, "timecode": to_timecode(frame, info.fps), "time": at, "stream": "video"},
        suggestions=("Upload the file again.", "Export the file again if the damage is in the original."),
        media={"video_frames": info.frames, "decoder": f"{complaint.who}: {complaint.words}"},
    )


def _require_one_shape(info: VideoInfo, second: PictureReading) -> None:
    if len(second.shown.shapes) > 1:
        (_, width, height, pixels), (frame, new_width, new_height, new_pixels) = second.shown.shapes[:2]
        code = to_timecode(frame, info.fps)
        before, after = f"{width}x{height} {pixels}", f"{new_width}x{new_height} {new_pixels}"
        raise PictureChanges(
            f"The picture changes from {before} to {after} at frame {frame} ({code}).",
            where={"frame": frame, "timecode": code, "stream": "video"},
            suggestions=("Export the programme with one size and format.", "Send its parts as titles of their own."),
        )


def _require_declared(headers: Headers, info: VideoInfo, second: PictureReading) -> None:
    """What says how long the picture is, against what was shown."""
    pictures = headers.header.pictures
    declared = pictures[info.track - 1].seconds if info.track <= len(pictures) else None
    if declared is None:
        return
    frames = len(second.shown)
    there = info.start + frames / info.fps
    if declared - there > LACK:
        raise TruncatedMedia(
            f"The file ends or is damaged after {frames} frames, at {clock(there)}; its header promises {clock(declared)}.",
            where={"frame": frames, "time": clock(there), "stream": "video"},
            suggestions=("Upload the whole file again.", "Export the file again if the damage is in the original."),
            media={"video_frames": frames},
        )


def _witness_picture(video: VideoInfo, first: ProbedPicture, headers: Headers, second: PictureReading) -> Witness:
    seconds, record = first.frames.times(), second.record
    mine = Reading(
        by=(FIRST,),
        tracks=(video.track,),
        frames=video.frames,
        times_sha256=times_digest(seconds),
        size=(video.width, video.height),
        start=video.start,
        end=video.start + video.duration,
    )
    if record is None:
        return Witness(
            first=mine, second=reading_of_picture(headers, second, None), differences=tuple(compare("frames", video.frames, 0))
        )
    theirs = record.seconds()
    found = [
        *compare("track", video.track, second.track),
        *compare("size", (video.width, video.height), record.size),
        *compare("orientation", _orientation(video), turn(record.matrix)),
        *_times(first, seconds, theirs, record),
        *_tables(first, second),
        *_starts(first, headers, second),
    ]
    return Witness(first=mine, second=reading_of_picture(headers, second, times_digest(theirs)), differences=tuple(found))


def _times(
    first: ProbedPicture, seconds: Sequence[Fraction], theirs: Sequence[Fraction], record: PictureRecord
) -> list[Difference]:
    index = first.frames
    if index.guessed:
        return compare("frames", len(seconds), len(theirs))
    # A frame whose time was repaired has none that could be compared; frame 0 gives all their origin.
    broken = set(index.broken)
    if 0 in broken and len(seconds) == len(theirs):
        place = next(frame for frame in range(len(seconds)) if frame not in broken)
        theirs = [time - theirs[place] + seconds[place] for time in theirs]
    return compare_times(seconds, theirs, max(index.time_base, record.base), index.last * index.time_base, broken)


def _tables(first: ProbedPicture, second: PictureReading) -> list[Difference]:
    """What was shown must follow from the container's own tables."""
    tabled, record = second.tabled, second.record
    if tabled is None or record is None or first.frames.guessed:
        return []
    begin = [Fraction(int(tick - tabled.ticks[0]), tabled.timescale) for tick in tabled.ticks]
    last = Fraction(int(tabled.lengths[-1]), tabled.timescale) if len(tabled.lengths) else Fraction(0)
    found = compare_times(
        begin, record.seconds(), max(record.base, Fraction(1, tabled.timescale)), last, set(first.frames.broken)
    )
    return [one.model_copy(update={"fact": f"{one.fact} in the tables"}) for one in found]


def _starts(first: ProbedPicture, headers: Headers, second: PictureReading) -> list[Difference]:
    """Where the picture begins against the sound."""
    index, record = first.frames, second.record
    if record is None or index.guessed:
        return []
    if second.tabled is not None:
        if record.inside:
            return []
        mine, theirs = int(index.ticks[0]) * index.time_base, Fraction(int(second.tabled.ticks[0]), second.tabled.timescale)
        return compare_seconds("start", mine, theirs, index.time_base)
    delays = [delay for delay in headers.header.delays if delay is not None]
    late = max(Fraction(0), -min(delays)) if delays else None
    return compare_seconds("start", index.start, late, MILLISECONDS + index.time_base)


def _usable(second: PictureReading, first: ProbedPicture) -> PictureRecord | None:
    """The second reading's record; where the file's times had to be repaired or guessed, with the repaired ones."""
    record, index = second.record, first.frames
    if record is None or not (index.guessed or index.broken):
        return record
    return PictureRecord(
        **{**vars(record), "ticks": np.asarray(index.ticks, np.int64), "base": index.time_base, "last": index.last}
    )


def _orientation(video: VideoInfo) -> str:
    return f"{video.rotation}{' mirrored' * video.mirrored}"
