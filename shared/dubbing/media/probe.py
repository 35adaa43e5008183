"""Facts about a file: exact counts and rates, or an error that says what is wrong with it and where."""

from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import av
import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from dubbing.domain.media import AudioInfo, ColourTags, MediaInfo, VideoInfo
from dubbing.errors import DublineError, EmptyMedia, NotAudio, NoVideoStream, UnsupportedCodec
from dubbing.media.container import encrypted, open_media, picture_stream, require_decoder
from dubbing.media.index import FrameIndex, build_index
from dubbing.media.sound import count_sound

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


def probe(path: Path, need: Literal["video", "audio"] | None = None) -> MediaInfo:
    """Measure a media file.

    Frames are counted from the packets (decoded where packets and frames differ), samples by decoding. Damage inside a
    picture shows when it is decoded: `FrameReader` names the frame.

    Args:
        path: a local file.
        need: the kind of stream that must be there and whole. With ``"audio"`` the picture is not looked at; with
            ``"video"`` a sound that cannot be read counts as none, since it is replaced anyway.

    Raises:
        NotAVideo, EmptyMedia, TruncatedMedia, UnsupportedCodec, NoVideoStream, NotAudio: see `dubbing.errors`.
    """
    path = Path(path)
    with open_media(path) as container:
        name = container.format.name
        has_picture, has_sound = picture_stream(container) is not None, bool(container.streams.audio)
        covers = len(container.streams.video) - int(has_picture)
        video = None
        if need != "audio" and has_picture:
            require_decoder(container, "video")
            video = _video_info(path, *_first_frame(container))
    if need != "audio" and not has_picture and (need == "video" or not has_sound):
        raise _no_picture(path, covers)
    if need == "audio" and not has_sound:
        raise NotAudio(
            f"{path.name} has no audio stream.",
            where={"file": path.name, "stream": "audio"},
            suggestions=("Send a file with sound, e.g. WAV, FLAC, M4A or MP3.",),
        )
    return MediaInfo(
        container=name,
        size_bytes=path.stat().st_size,
        video=video,
        audio=_audio_info(path, tolerant=need == "video") if has_sound else None,
    )


def _no_picture(path: Path, covers: int) -> NoVideoStream:
    what = "only a cover picture" if covers else "no picture"
    return NoVideoStream(
        f"{path.name} holds {what}, no moving video.",
        where={"file": path.name, "stream": "video"},
        suggestions=("Send the filmed picture as the video, and this file as the audio.",),
    )


def _first_frame(container: InputContainer) -> tuple[VideoFrame, VideoStream]:
    """Decode the first picture: what the file really holds, whatever its header says."""
    stream = picture_stream(container)
    if stream is None:
        raise NoVideoStream("The file has no video stream.")
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
    return frame, stream


def _video_info(path: Path, frame: VideoFrame, stream: VideoStream) -> VideoInfo:
    index: FrameIndex = build_index(path)
    matrix, rotation = _display(frame)
    aspect = stream.sample_aspect_ratio
    return VideoInfo(
        codec=stream.codec_context.name,
        width=frame.width,
        height=frame.height,
        rotation=rotation,
        display_matrix=matrix,
        fps=index.fps,
        frames=len(index),
        variable_rate=index.rate is None,
        time_base=index.time_base,
        start=int(index.ticks[0]) * index.time_base if index.stamped else Fraction(0),
        pixel_format=frame.format.name,
        bit_depth=frame.format.components[0].bits,
        sample_aspect_ratio=aspect or Fraction(1),
        colour=_colour(frame),
    )


def _colour(frame: VideoFrame) -> ColourTags:
    return ColourTags(
        primaries=_PRIMARIES.get(int(frame.color_primaries)),
        transfer=_TRANSFER.get(int(frame.color_trc)),
        matrix=_MATRIX.get(int(frame.colorspace)),
        range=_RANGE.get(int(frame.color_range)),
    )


def _display(frame: VideoFrame) -> tuple[tuple[int, ...] | None, int]:
    """The display matrix and the clockwise quarter turns it stands for, in degrees."""
    side: Any = frame.side_data.get("DISPLAYMATRIX")
    if side is None:
        return None, 0
    matrix = tuple(int(v) for v in np.frombuffer(bytes(side), np.int32))
    return matrix, round(-frame.rotation / 90) % 4 * 90


def _audio_info(path: Path, *, tolerant: bool) -> AudioInfo | None:
    try:
        return count_sound(path)
    except DublineError:
        if tolerant:
            return None
        raise
