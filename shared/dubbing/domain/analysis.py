"""What analysis finds in one picture: everything later steps need to know about its faces, whatever the language."""

from pydantic import Field

from dubbing.domain.faces import Chunk, FaceTrack, Shot
from dubbing.domain.findings import Finding, FrameRange, frame_ranges
from dubbing.domain.frozen import Frozen
from dubbing.domain.media import VideoInfo


class TrackPath(Frozen):
    """Where one track's face is in each of its frames.

    Attributes:
        track: the track.
        anchors: [V][6], left brow, right brow and nose as x, y pairs in pixels of the upright picture.
        opening: [V], mouth opening over the distance between the eyes; None where the face was not seen.
        outline: the face's outlines [V, 35, 2], packed (`dubbing.faces.outline.pack`).
        doubt: [V], how far the mouth is guessed (`dubbing.faces.mouth_occlusion.doubt`); None where not known.
    """

    track: FaceTrack
    anchors: tuple[tuple[float, ...], ...]
    opening: tuple[float | None, ...]
    outline: str = Field("", repr=False)
    doubt: tuple[float | None, ...] = Field((), repr=False)


class Analysis(Frozen):
    """One picture, analysed. ``chunks`` cover the tracks that are dubbed; `paths` has one entry for each of these."""

    video: VideoInfo
    shots: tuple[Shot, ...]
    paths: tuple[TrackPath, ...]
    chunks: tuple[Chunk, ...]
    findings: tuple[Finding, ...] = ()

    def path(self, track: int) -> TrackPath:
        """The path of track number ``track``."""
        return next(path for path in self.paths if path.track.index == track)

    def touched(
        self, chunks: tuple[Chunk, ...], frames: int, passed_through: frozenset[int] = frozenset()
    ) -> tuple[FrameRange, ...]:
        """The frames, among the first ``frames``, that ``chunks`` repaint: merged, in order, without those that miss a face.

        Args:
            chunks: what is generated.
            frames: length of the title.
            passed_through: frames that pass through although a mouth was generated for them.
        """
        marked: set[int] = set()
        for chunk in chunks:
            missing = set(self.path(chunk.track).track.missing)
            marked.update(i for i in range(chunk.keep_from, min(chunk.end, frames)) if i not in missing)
        return frame_ranges(marked - passed_through)
