"""Tracks and shots meet: a face that is followed across a cut becomes a track on either side of it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from dubbing.domain.faces import FaceTrack, Shot
from dubbing.faces.tracks import TrackedFace


def split_at_cuts(faces: Iterable[TrackedFace], shots: Sequence[Shot]) -> list[TrackedFace]:
    """The faces, each inside one shot, numbered anew in order; parts in which the face was never seen are left out.

    Cuts are certain only some frames after they happened, so faces are followed without them.
    """
    return [_numbered(part, index) for index, part in enumerate(_parts(faces, shots))]


def _parts(faces: Iterable[TrackedFace], shots: Sequence[Shot]) -> Iterator[TrackedFace]:
    for face in faces:
        track = face.track
        for shot in shots:
            start, end = max(track.start, shot.start), min(track.end, shot.end)
            missing = tuple(frame for frame in track.missing if start <= frame < end)
            if end - start <= len(missing):
                continue
            value = FaceTrack(start=start, end=end, index=track.index, shot=shot.index, missing=missing, size=track.size)
            part = slice(start - track.start, end - track.start)
            yield TrackedFace(value, face.anchors[part], face.motion.part(part), face.opening[part])


def _numbered(face: TrackedFace, index: int) -> TrackedFace:
    return replace(face, track=face.track.model_copy(update={"index": index}))
