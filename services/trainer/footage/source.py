"""One source from file to candidates: followed once for shots and faces, read again for the crops of what is worth it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dubbing.domain.findings import FindingCode, FrameRange
from dubbing.domain.media import MediaInfo, VideoInfo
from dubbing.errors import BadInput, FaceUpsideDown, NoFaceAnywhere, NotAudio, NoVideoStream
from dubbing.faces.align import Matrix, crop_transforms, extract_crop
from dubbing.faces.detector import FaceDetector
from dubbing.faces.follow import follow_faces
from dubbing.faces.tracks import TrackedFace, choose_faces
from dubbing.media.crops import pack_crops
from dubbing.media.frames import FrameReader
from dubbing.media.probe import probe
from dubbing.media.shots import ShotFinder
from services.trainer.common.timing import MARGIN
from services.trainer.metrics.sync import SyncScore, SyncScorer

from .conform import FPS, Sound, conform, loudness
from .disk import disk_error
from .duplicates import Signature, perceptual_hash
from .plan import CLIP_FRAMES, ClipPlan, filled, plan_clips
from .quality import Crops, Limits, blurred, geometry_fault
from .shards import wav_bytes

_LEAST_VOTES = 3  # clips that must agree before a source's sound is shifted


@dataclass(frozen=True, slots=True)
class SourceTask:
    """What a worker needs to know of one source."""

    path: Path
    sha256: str
    crop: int
    limits: Limits
    staging: Path


@dataclass(frozen=True, slots=True)
class Candidate:
    """A clip that broke no limit; its crops and sound lie in the staging folder under its key."""

    key: str
    signature: Signature
    facts: dict[str, Any]


@dataclass(slots=True)
class SourceFound:
    """What one source gave: candidates in the order of time, and how many clips (``short``: tracks) were left out, by reason.

    Its mouths came ``shift`` frames after its sound, which is taken out; ``error`` says why it could not be used at all.
    """

    frames: int = 0
    candidates: list[Candidate] = field(default_factory=list)
    drops: Counter[str] = field(default_factory=Counter)
    shift: int = 0
    error: dict[str, str] | None = None


@dataclass(frozen=True, slots=True)
class _Judged:
    """A clip between its crops and its sound."""

    key: str
    face: TrackedFace
    clip: FrameRange
    reference: FrameRange
    score: SyncScore
    appearance: int


class Examiner:
    """Turns sources into candidates."""

    def __init__(self, detector: FaceDetector, scorer: SyncScorer) -> None:
        self._detector, self._scorer = detector, scorer

    def examine(self, task: SourceTask) -> SourceFound:
        """Everything usable of one source; what cannot be used at all is an ``error``, never an exception.

        Raises:
            DiskFull: the staging folder has no room.
        """
        found = SourceFound()
        try:
            media = probe(task.path)
            if media.video is None:
                raise NoVideoStream(f"{task.path.name} has no video stream.")
            if media.audio is None:
                raise NotAudio(f"{task.path.name} has no audio stream.")
            self._examine(task, media, media.video, found)
        except BadInput as error:
            found.candidates.clear()
            found.error = {"code": error.code, "detail": error.detail}
        except OSError as error:
            raise disk_error(error, str(task.staging)) from error
        return found

    def _examine(self, task: SourceTask, media: MediaInfo, video: VideoInfo, found: SourceFound) -> None:
        reader = FrameReader(task.path, video)
        grid = conform(reader.frame_times(), video.duration)
        found.frames = len(grid)
        sound = Sound.of(task.path, media)
        faces, crowded = self._faces(reader, grid, found)
        judged = []
        for face in faces:
            plans = plan_clips(face.track)
            found.drops["short"] += not plans
            cutter = _Cutter(reader, grid, face, task.crop)
            for plan in plans:
                one = self._judge(task, plan, cutter, sound, crowded)
                if isinstance(one, str):
                    found.drops[one] += 1
                else:
                    judged.append(one)
        found.shift = common_offset([one.score.offset for one in judged])
        for one in judged:
            if abs(one.score.offset - found.shift) > task.limits.offset:
                found.drops["offset"] += 1
                continue
            cut = sound.cut(one.clip.start, CLIP_FRAMES, margin=MARGIN, late=found.shift)
            (task.staging / f"{one.key}.wav").write_bytes(wav_bytes(cut))
            found.candidates.append(_candidate(one, found.shift))

    def _faces(self, reader: FrameReader, grid: Sequence[int], found: SourceFound) -> tuple[list[TrackedFace], set[int]]:
        """The faces of a source, each inside one shot, and the frames in which there is more than one."""
        finder, times = ShotFinder(FPS), Counter(grid)
        shown = (rgb for frame in reader.read() if times[frame.index] for rgb in [frame.rgb()] * times[frame.index])
        followed = follow_faces(self._detector, ((rgb, finder.push(rgb)) for rgb in shown), sparse=False)
        try:
            tracked = choose_faces(followed, finder.finish(), FPS)
        except (NoFaceAnywhere, FaceUpsideDown):
            found.drops["no_face"] += 1
            return [], set()
        crowded = {i for finding in tracked.findings if finding.code == FindingCode.SPEAKER_AMBIGUOUS for r in finding.frames
                   for i in range(r.start, r.end)}  # fmt: skip
        return list(tracked.faces), crowded

    def _judge(self, task: SourceTask, plan: ClipPlan, cutter: "_Cutter", sound: Sound, crowded: set[int]) -> "_Judged | str":
        """The clip, staged, or the reason why it is dropped; the cheapest reasons first."""
        clip, reference = plan.clip, plan.reference
        if reference is None:
            return "no_reference"
        fault = _fault_of_place(cutter, clip, reference, crowded, task.limits)
        speech_S = sound.cut(clip.start, CLIP_FRAMES)
        if fault is None and loudness(speech_S) < task.limits.loudness:
            fault = "silence"
        if fault is not None:
            return fault
        crops = cutter.crops(range(clip.start, clip.end))
        score = None if blurred(crops, task.limits) else self._scorer.score(crops, speech_S)
        if score is None:
            return "blurred" if blurred(crops, task.limits) else "mouth_unseen"
        if score.confidence < task.limits.confidence:
            return "unsynchronised"
        key = f"{task.sha256[:16]}-{clip.start:07d}"
        (task.staging / f"{key}.target.mkv").write_bytes(pack_crops(crops))
        (task.staging / f"{key}.reference.mkv").write_bytes(pack_crops(cutter.crops(filled(reference))))
        return _Judged(key, cutter.face, clip, reference, score, perceptual_hash(crops[CLIP_FRAMES // 2]))


class _Cutter:
    """Cuts the crops of one face."""

    def __init__(self, reader: FrameReader, grid: Sequence[int], face: TrackedFace, size: int) -> None:
        self._reader, self._grid, self.face, self._size = reader, grid, face, size
        self._matrices: Matrix = crop_transforms(face.anchors, size)

    def anchors(self, frames: FrameRange) -> NDArray[np.float64]:
        """Brows and nose in some frames, as landmarks have them."""
        return self.face.landmarks[frames.start - self.face.track.start : frames.end - self.face.track.start]

    def crops(self, frames: Sequence[int]) -> Crops:
        """Aligned crops of frames of the grid, in the given order, with repeats."""
        shows: dict[int, set[int]] = {}
        for frame in frames:
            shows.setdefault(self._grid[frame], set()).add(frame)
        cut = {}
        for picture in self._reader.pick(sorted(shows)):
            rgb = picture.rgb()
            for frame in shows[picture.index]:
                cut[frame] = extract_crop(rgb, self._matrices[frame - self.face.track.start], self._size)
        return np.asarray([cut[frame] for frame in frames], np.uint8)


def _fault_of_place(cutter: _Cutter, clip: FrameRange, reference: FrameRange, crowded: set[int], limits: Limits) -> str | None:
    """Why the frames themselves will not do: faces that are lost, doubled, small, turned away or unsteady."""
    track = cutter.face.track
    frames = {*range(clip.start, clip.end), *range(reference.start, reference.end)}
    if frames & set(track.missing):
        return "face_lost"
    if frames & crowded:
        return "another_face"
    return geometry_fault(cutter.anchors(clip), track.size, limits)


def common_offset(offsets: Sequence[int]) -> int:
    """The offset that a whole source has: the median, where at least 70 % of three or more clips lie within a frame of it."""
    if len(offsets) < _LEAST_VOTES:
        return 0
    middle = round(float(np.median(offsets)))
    near = sum(abs(offset - middle) <= 1 for offset in offsets)
    return middle if near >= 0.7 * len(offsets) else 0


def _candidate(one: _Judged, shift: int) -> Candidate:
    clip, reference, start = one.clip, one.reference, one.face.track.start
    opening = np.nan_to_num(one.face.opening[clip.start - start : clip.end - start])
    facts = {
        "clip": [clip.start, clip.end],
        "reference": [reference.start, reference.end],
        "confidence": round(one.score.confidence, 4),
        "offset": one.score.offset - shift,
        "eyes": round(one.face.track.size, 2),
    }
    return Candidate(one.key, Signature(one.appearance, tuple(round(float(v), 4) for v in opening)), facts)
