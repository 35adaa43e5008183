"""A file's facts as the receipt states them."""

from dubbing.domain.media import MediaInfo
from dubbing.domain.receipt import AudioFacts, VideoFacts
from dubbing.errors import ParityFailed


def video(filename: str, sha256: str, media: MediaInfo) -> VideoFacts:
    """The picture of one file."""
    if media.video is None:
        raise ParityFailed(f"{filename} has no picture.", where={"stage": "verify"})
    info = media.video
    return VideoFacts(
        filename=filename,
        sha256=sha256,
        size_bytes=media.size_bytes,
        frames=info.frames,
        fps=info.fps,
        width=info.width,
        height=info.height,
        rotation=info.rotation,
        codec=info.codec,
        colour=info.colour,
    )


def audio(filename: str, sha256: str, media: MediaInfo) -> AudioFacts:
    """The track of one file."""
    if media.audio is None:
        raise ParityFailed(f"{filename} has no sound.", where={"stage": "verify"})
    info = media.audio
    return AudioFacts(
        filename=filename, sha256=sha256, sample_rate=info.sample_rate, channels=info.channels, samples=info.samples
    )
