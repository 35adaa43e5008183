"""Opening a media file safely: known containers only, local files only, and every refusal named.

libavformat opens far more than video: playlists that name other files and URLs, text files as terminal art, single
images. The allow-list keeps those out before any of their bytes are trusted.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from dubbing.errors import DublineError, EmptyMedia, NotAVideo, NotFound, TruncatedMedia, UnsupportedCodec

CONTAINERS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mxf,flv,asf,ogg,gif,ivf,nut,yuv4mpegpipe,h264,hevc,m4v,dv,"
    "wav,w64,aiff,caf,mp3,flac,aac,ac3,eac3,amr,au,wv"
)
# The first bytes of containers that keep an index elsewhere: if they do not open, they were cut, not mistaken.
_MAGIC = {4: (b"ftyp", b"moov", b"mdat", b"wide", b"free"), 0: (b"\x1aE\xdf\xa3", b"RIFF", b"OggS", b"fLaC", b"\x06\x0e+4")}
# Sample entries of encrypted tracks (ISO/IEC 23001-7) and of Apple's protected files.
_ENCRYPTED = {"encv", "enca", "drmi", "drms"}
_IO_SECONDS = 30.0


@contextmanager
def open_media(path: Path) -> Iterator[InputContainer]:
    """Open a local media file for reading and close it again.

    Raises:
        NotFound: no such file.
        EmptyMedia: the file has no bytes.
        TruncatedMedia: it starts as a known container, but its index is missing.
        NotAVideo: anything else that does not open as one of `CONTAINERS`.
    """
    path = Path(path)
    if not path.is_file():
        raise NotFound("There is no such file.")
    if path.stat().st_size == 0:
        raise EmptyMedia("The file has 0 bytes.", suggestions=("Upload the file again.",), media={"bytes": 0})
    try:
        container = av.open(
            str(path),
            options={"format_whitelist": CONTAINERS, "protocol_whitelist": "file"},
            timeout=_IO_SECONDS,
            metadata_errors="replace",
        )
    except av.FFmpegError as error:
        raise _refusal(path) from error
    with container:
        yield container


def _refusal(path: Path) -> TruncatedMedia | NotAVideo:
    with path.open("rb") as file:
        head = file.read(16)
    if any(head[at:].startswith(words) for at, words in _MAGIC.items()):
        return TruncatedMedia(
            "The file begins as a media file, but its index is missing: it was cut short.",
            suggestions=("Upload the whole file again.", "If the recording was interrupted, repair the file first."),
            media={"bytes": path.stat().st_size},
        )
    return NotAVideo(
        "This is not a media file that can be read.",
        suggestions=("Send an MP4, MOV, MKV, WebM, MXF, AVI or MPEG-TS file.", "Playlists and single images are not accepted."),
    )


@contextmanager
def naming(file: str, role: str) -> Iterator[None]:
    """Errors inside name the file and what it was sent as.

    Args:
        file: the name that its owner knows it by.
        role: ``video`` or ``audio``: the member of the request.
    """
    try:
        yield
    except DublineError as error:
        if "file" not in error.where:
            error.detail = f"{file} (the {role}): {error.detail}"
            error.where = {"pointer": f"/{role}", **error.where, "file": file}
        raise


def pictures(container: InputContainer) -> list[VideoStream]:
    """The streams of moving pictures, in file order; cover art does not count."""
    return [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]


def picture_stream(container: InputContainer, track: int = 1) -> VideoStream | None:
    """Moving picture number ``track``, from 1."""
    moving = pictures(container)
    return moving[track - 1] if 0 < track <= len(moving) else None


def require_decoder(stream: VideoStream | AudioStream | None, kind: str) -> None:
    """Refuse streams that cannot be decoded here: encrypted, or of an unknown codec.

    Raises:
        UnsupportedCodec: naming the codec.
    """
    context = stream.codec_context if stream is not None else None
    if context is None or not context.is_decoder:
        raise UnsupportedCodec(
            f"The {kind} stream's codec is not known here.", where={"stream": kind}, suggestions=(f"Re-encode the {kind}.",)
        )
    try:
        tag = context.codec_tag
    except UnicodeDecodeError:  # Numeric tags, as in AVI and WAV, are no text.
        tag = ""
    if tag in _ENCRYPTED:
        raise encrypted(kind)


def encrypted(kind: str) -> UnsupportedCodec:
    """The refusal of a protected stream."""
    return UnsupportedCodec(
        f"The {kind} stream is encrypted.", where={"stream": kind}, suggestions=("Send the file without protection.",)
    )
