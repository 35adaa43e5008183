"""The first reading of a file: exact counts and rates, or an error that says what is wrong with it and where."""

from collections import Counter
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal, NamedTuple

import av
import numpy as np
from av.container import InputContainer
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from dubbing.domain.findings import Finding, FindingCode, FrameRange, frame_ranges
from dubbing.domain.media import READING, ColourTags, MediaInfo, SoundChoice, VideoInfo
from dubbing.domain.timecode import clock
from dubbing.errors import DublineError, EmptyMedia, NoVideoStream, UnsupportedCodec
from dubbing.media.container import encrypted, open_media, picture_stream, pictures, require_decoder
from dubbing.media.index import FrameIndex, build_index
from dubbing.media.measure import measure_sound
from dubbing.media.timeline import held_frames
from dubbing.media.tracks import PictureTrack, choose_picture

# H.273 names as ffmpeg prints them, by code.
_PRIMARIES = {1: "bt709", 4: "bt470m", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 8: "film", 9: "bt2020", 10: "smpte428",
              11: "smpte431", 12: "smpte432", 22: "ebu3213"}  # fmt: skip
_TRANSFER = {1: "bt709", 4: "gamma22", 5: "gamma28", 6: "smpte170m", 7: "smpte240m", 8: "linear", 9: "log100", 10: "log316",
             11: "iec61966-2-4", 12: "bt1361e", 13: "iec61966-2-1", 14: "bt2020-10", 15: "bt2020-12", 16: "smpte2084",
             17: "smpte428", 18: "arib-std-b67"}  # fmt: skip
_MATRIX = {0: "gbr", 1: "bt709", 4: "fcc", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 8: "ycgco", 9: "bt2020nc",
           10: "bt2020c"}  # fmt: skip
_RANGE = {1: "tv", 2: "pc"}
COLOUR_CODES = {
    "primaries": {name: code for code, name in _PRIMARIES.items()},
    "transfer": {name: code for code, name in _TRANSFER.items()},
    "matrix": {name: code for code, name in _MATRIX.items()},
    "range": {name: code for code, name in _RANGE.items()},
}


_ALL = SoundChoice()


def probe(
    path: Path, need: Literal["video", "audio"] | None = None, picture: int | None = None, sound: SoundChoice = _ALL
) -> MediaInfo:
    """Measure a media file.

    Frames are counted from the packets (decoded where packets and frames differ), samples by decoding. Damage inside a
    picture shows when it is decoded: `FrameReader` names the frame.

    Args:
        path: a local file.
        need: the kind of stream that must be there and whole, and the only one that is looked at; both by default, and then
            either may be missing.
        picture: number of the moving picture that is used, from 1; see `dubbing.media.tracks` for the default.
        sound: which sound is used.

    Raises:
        NotAVideo, EmptyMedia, TruncatedMedia, UnsupportedCodec, NoVideoStream, NotAudio and what else `dubbing.errors.media`
        has: see there.
    """
    path = Path(path)
    findings: list[Finding] = []
    with open_media(path) as container:
        name = container.format.name
        has_picture, has_sound = bool(pictures(container)), bool(container.streams.audio)
        covers = len(container.streams.video)
    if need != "audio" and not has_picture and (need == "video" or not has_sound):
        raise _no_picture(covers)
    video = audio = None
    if need != "audio" and has_picture:
        found = probe_picture(path, picture)
        video, findings = found.info, [*found.findings]
    if need == "audio" or (need is None and has_sound):
        audio, heard = measure_sound(path, sound)
        findings += heard
    return MediaInfo(
        reading=READING, container=name, size_bytes=path.stat().st_size, video=video, audio=audio, findings=tuple(findings)
    )


def _no_picture(covers: int) -> NoVideoStream:
    what = "only a cover picture" if covers else "no picture"
    return NoVideoStream(
        f"The file holds {what}, no moving video.",
        where={"stream": "video"},
        suggestions=("Send the filmed picture as the video, and this file as the audio.",),
    )


def _picture_tracks(path: Path) -> list[PictureTrack]:
    """The pictures of a file; where there are several, packets tell which of them move."""
    with open_media(path) as container:
        found = pictures(container)
        counts: Counter[int] = Counter()
        if len(found) > 1:
            counts.update(packet.stream.index for packet in container.demux(found) if packet.size)
        return [
            PictureTrack(
                number=number,
                width=stream.codec_context.width if stream.codec_context is not None else 0,
                height=stream.codec_context.height if stream.codec_context is not None else 0,
                default=bool(stream.disposition & Disposition.default),
                still=counts[stream.index] == 1,
            )
            for number, stream in enumerate(found, 1)
        ]


def _first_frame(container: InputContainer, stream: VideoStream) -> VideoFrame:
    """Decode the first picture: what the file really holds, whatever its header says."""
    try:
        frame = None
        for packet in container.demux(stream):
            if packet.has_sidedata("encryption_info"):
                raise encrypted("video")
            frame = next(iter(packet.decode()), None)
            if frame is not None:
                break
    except av.FFmpegError as error:
        raise UnsupportedCodec(
            f"The first picture of the {stream.codec_context.name} stream cannot be decoded.",
            where={"stream": "video", "frame": 0},
            suggestions=("Upload the file again.", "Re-encode the video as H.264 or ProRes."),
        ) from error
    if frame is None:
        raise EmptyMedia(
            "The video stream holds no frame.",
            where={"stream": "video"},
            suggestions=("Export the file again, and look whether it plays.",),
            media={"video_frames": 0},
        )
    return frame


class ProbedPicture(NamedTuple):
    """A picture's facts, the index that its times come from, and what is told about it."""

    info: VideoInfo
    frames: FrameIndex
    findings: tuple[Finding, ...]


def probe_picture(path: Path, wanted: int | None = None) -> ProbedPicture:
    """Measure the picture that is used of a file; ``wanted`` and errors as for `probe`."""
    with open_media(path) as container:
        if not pictures(container):
            raise _no_picture(len(container.streams.video))
    track, chosen = choose_picture(_picture_tracks(path), wanted)
    with open_media(path) as container:
        stream = picture_stream(container, track)
        require_decoder(stream, "video")
        if stream is None:
            raise DublineError("A stream that was there is gone.")
        frame = _first_frame(container, stream)
        codec, aspect = stream.codec_context.name, stream.sample_aspect_ratio
    index = build_index(path, track)
    matrix, rotation, mirrored = _display(frame)
    info = VideoInfo(
        codec=codec,
        track=track,
        width=frame.width,
        height=frame.height,
        rotation=rotation,
        mirrored=mirrored,
        display_matrix=matrix,
        fps=index.fps,
        frames=len(index),
        variable_rate=index.rate is None,
        time_base=index.time_base,
        start=index.start,
        pixel_format=frame.format.name,
        bit_depth=frame.format.components[0].bits,
        sample_aspect_ratio=aspect or Fraction(1),
        colour=_colour(frame),
    )
    return ProbedPicture(info, index, (*chosen, *_time_findings(index)))


def _time_findings(index: FrameIndex) -> list[Finding]:
    """What is told about a picture's times."""
    findings = []
    if index.guessed:
        findings.append(Finding(
            code=FindingCode.TIMES_GUESSED,
            detail=f"The picture has no usable time stamps: its {len(index)} frames follow at {index.fps} frames per second, "
            "the rate that its header names.",
        ))  # fmt: skip
    if index.broken:
        findings.append(Finding(
            code=FindingCode.TIMES_REPAIRED,
            detail=f"{len(index.broken)} of {len(index)} frames had no time of their own, or none after the frame before. They "
            "were put evenly between their neighbours; every other frame keeps its time.",
            frames=frame_ranges(index.broken),
        ))  # fmt: skip
    for frame, seconds in held_frames(index.ticks, index.last, index.time_base):
        at = clock(int(index.ticks[frame] - index.ticks[0]) * index.time_base)
        detail = f"Frame {frame} ({at}) is shown for {float(seconds):.3f} s, as in the source."
        findings.append(Finding(
            code=FindingCode.PICTURE_HOLE, detail=detail, frames=(FrameRange(start=frame, end=frame + 1),)
        ))  # fmt: skip
    return findings


def _colour(frame: VideoFrame) -> ColourTags:
    return ColourTags(
        primaries=_PRIMARIES.get(int(frame.color_primaries)),
        transfer=_TRANSFER.get(int(frame.color_trc)),
        matrix=_MATRIX.get(int(frame.colorspace)),
        range=_RANGE.get(int(frame.color_range)),
    )


def _display(frame: VideoFrame) -> tuple[tuple[int, ...] | None, int, bool]:
    """The display matrix, the clockwise quarter turns it stands for in degrees, and whether left and right are swapped then.

    The matrix (a b u; c d v; x y w) takes (p, q) to (a p + c q, b p + d q), y pointing down (ISO/IEC 14496-12, 8.3.2). A turn
    by t has a = cos t, b = sin t; where the determinant is negative, left and right are swapped after it and a = -cos t.
    """
    side: Any = frame.side_data.get("DISPLAYMATRIX")
    if side is None:
        return None, 0, False
    matrix = tuple(int(v) for v in np.frombuffer(bytes(side), np.int32))
    a, b, c, d = matrix[0], matrix[1], matrix[3], matrix[4]
    mirrored = a * d - b * c < 0
    turn = np.degrees(np.arctan2(b, -a if mirrored else a))
    return matrix, round(turn / 90) % 4 * 90, mirrored
