"""From a source and a new sound to a master, without faces: what the stitcher does around its painting."""

from pathlib import Path
from typing import TYPE_CHECKING

from dubbing.domain.media import SoundChoice, SyncMode
from dubbing.domain.sync import check_pair
from dubbing.media.encode import EncodeSettings, PictureWriter
from dubbing.media.frames import FrameReader
from dubbing.media.mux import MuxSettings, SoundWriter, mux
from dubbing.media.proof import given_sound
from dubbing.media.read_audio import read_audio
from dubbing.media.read_video import read_video

if TYPE_CHECKING:
    from dubbing.domain.findings import Finding

FAST = EncodeSettings(crf=4, preset="ultrafast")
_DEFAULT = MuxSettings()
_ALL = SoundChoice()


class Delivery:
    """One master, made beside its source, and everything that was said on the way.

    Args:
        source: the picture.
        sound: the track.
        mode: what a mismatch is answered with.
        settings: how the sound is delivered.
        choice: which sound is used.
    """

    def __init__(
        self,
        source: Path,
        sound: Path,
        mode: SyncMode = SyncMode.STRICT,
        settings: MuxSettings = _DEFAULT,
        *,
        choice: SoundChoice = _ALL,
    ) -> None:
        self.video, self.audio = read_video(source), read_audio(sound, choice)
        assert self.video.media.video is not None
        assert self.video.record is not None
        self.record = self.video.record
        self.plan = check_pair(self.video.media, self.audio.media, mode)
        picture, self.out = source.with_name("picture.mp4"), source.with_name("out.mp4")
        with PictureWriter(picture, self.video.media.video, FAST) as writer:
            for frame in FrameReader(source, self.video.media.video).read():
                writer.write(frame)
        made = source.with_name("sound.mp4")
        with SoundWriter(sound, made, info=self.audio.media, plan=self.plan, settings=settings) as track:
            mux(picture, track.ready(), self.out, settings, self.plan)
        self.given = given_sound(sound, self.audio.media, self.plan, track.codec)
        self.findings: list[Finding] = [
            *self.video.media.findings,
            *self.audio.media.findings,
            *self.plan.findings,
            *track.findings,
        ]

    @property
    def codes(self) -> list[str]:
        """The codes of what was told."""
        return [finding.code for finding in self.findings]
