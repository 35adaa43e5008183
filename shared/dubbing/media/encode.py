"""The picture writer: native planes in, H.264 in MP4 out, frame by frame, with the source's own time stamps and tags.

Size, sampling and depth follow the source where H.264 has them. Odd sizes go out as 4:4:4, since 4:2:0 H.264 can only
crop to even sizes; 12 and 16 bits go out as 10; planar R'G'B' becomes 4:4:4 Y'CbCr.
"""

from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import av
from av.video.frame import PictureType, VideoFrame
from av.video.stream import VideoStream

from dubbing.domain.media import ColourTags, VideoInfo
from dubbing.errors import EncodeFailed
from dubbing.media.pixels.colour import working_format
from dubbing.media.pixels.picture import PictureFrame
from dubbing.media.probe import COLOUR_CODES

# Codes of H.264's chroma_sample_loc_type (ITU-T H.264, E.2.1), by ffmpeg's names.
_CHROMA_SITES = {"left": 0, "center": 1, "topleft": 2, "top": 3, "bottomleft": 4, "bottom": 5}
_KEEP_DURATIONS = 1 << 8  # AV_CODEC_FLAG_FRAME_DURATION: the last frame of a variable rate keeps its length.


@dataclass(frozen=True)
class EncodeSettings:
    """libx264 settings.

    CRF 16 is visually lossless; ``veryfast`` keeps two cores near real time at 1080p. Threads wait for one another, so twice as
    many as cores keep those busy.
    """

    crf: int = 16
    preset: str = "veryfast"
    threads: int = 4


def delivery_format(video: VideoInfo) -> str:
    """The pixel format that the output is encoded in."""
    name = working_format(video.pixel_format, video.bit_depth)
    depth = "10le" if video.bit_depth > 8 else ""
    odd = video.width % 2 or (video.height % 2 and "420" in name)
    sampling = "444" if name.startswith("gbr") or odd else name[3:6]
    return f"yuv{sampling}p{depth}"


def delivery_colour(video: VideoInfo) -> ColourTags:
    """The colour tags of the output: the source's, but Y'CbCr where the source was R'G'B'."""
    tags = video.colour
    if working_format(video.pixel_format, video.bit_depth).startswith("gbr"):
        return tags.model_copy(update={"matrix": "bt709", "range": "tv"})
    if video.pixel_format.startswith("yuvj"):
        return tags.model_copy(update={"range": "pc"})
    return tags


class PictureWriter:
    """Encodes pictures of one source as they come; use as a context manager.

    Args:
        path: the MP4 to write (picture only; `mux` adds the sound).
        video: the source's facts; size, rate, rotation, aspect and colour are taken from it.
        settings: encoder settings.
    """

    def __init__(self, path: Path, video: VideoInfo, settings: EncodeSettings) -> None:
        self._video = video
        self._base = video.time_base if video.variable_rate else 1 / video.fps
        self._format = delivery_format(video)
        self._container = av.open(str(path), "w", format="mp4")
        self._stream = self._add_stream(settings)
        self.frames = 0

    def _add_stream(self, settings: EncodeSettings) -> VideoStream:
        video = self._video
        rate = video.fps.limit_denominator(1001) if video.variable_rate else video.fps
        options = {"crf": str(settings.crf), "preset": settings.preset}
        if video.chroma_site in _CHROMA_SITES and "420" in self._format:
            options["x264-params"] = f"chromaloc={_CHROMA_SITES[video.chroma_site]}"
        stream = self._container.add_stream("libx264", rate=rate, options=options)
        stream.width, stream.height, stream.pix_fmt = video.width, video.height, self._format
        context = stream.codec_context
        context.time_base = stream.time_base = self._base
        context.thread_count = settings.threads
        context.flags |= _KEEP_DURATIONS
        context.sample_aspect_ratio = video.sample_aspect_ratio
        for attribute, value in self._colour_codes().items():
            setattr(context, attribute, value)
        if video.display_matrix is not None:
            stream.set_display_matrix(video.display_matrix)
        return stream

    def _colour_codes(self) -> dict[str, int]:
        tags = delivery_colour(self._video)
        named = {
            "color_primaries": ("primaries", tags.primaries),
            "color_trc": ("transfer", tags.transfer),
            "colorspace": ("matrix", tags.matrix),
            "color_range": ("range", tags.range),
        }
        return {attribute: COLOUR_CODES[kind][name] for attribute, (kind, name) in named.items() if name is not None}

    def write(self, frame: PictureFrame) -> None:
        """Encode the next picture in display order.

        Raises:
            EncodeFailed: the encoder or the disk refused it.
        """
        native = self._delivered(frame.native)
        native.pts = int(frame.time / self._base) if self._video.variable_rate else frame.index
        native.time_base = self._base
        native.pict_type = PictureType.NONE  # The encoder decides anew; the source's types would force key frames.
        if not self._video.variable_rate:
            native.duration = 1
        try:
            self._container.mux(self._stream.encode(native))
        except av.FFmpegError as error:
            raise EncodeFailed(f"Frame {frame.index} could not be encoded: {error}", where={"frame": frame.index}) from error
        self.frames += 1

    def _delivered(self, native: VideoFrame) -> VideoFrame:
        if native.format.name == self._format:
            return native
        codes: dict[str, Any] = {"src_color_range": native.color_range, "dst_color_range": native.color_range}
        if native.format.name.startswith("gbr"):
            codes = {"dst_colorspace": "ITU709", "dst_color_range": "MPEG"}
        out = native.reformat(format=self._format, interpolation="BICUBIC", **codes)
        out.duration = native.duration
        return out

    def close(self) -> None:
        """Flush the encoder and finish the file."""
        try:
            self._container.mux(self._stream.encode(None))
        except av.FFmpegError as error:
            raise EncodeFailed(f"The encoder could not finish: {error}") from error
        finally:
            self._container.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is None:
            self.close()
        else:
            self._container.close()
