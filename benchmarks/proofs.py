"""What the proofs of one job cost, in processor seconds: the second reading of all its files, and the guard of its mouths."""

import time
from pathlib import Path
from typing import Any

import cv2

from dubbing.domain.media import SoundChoice
from dubbing.domain.receipt import Receipt
from dubbing.faces import landmarks as marks
from dubbing.faces.align import crop_transform, extract_crop
from dubbing.faces.composite import JUDGED_SIDE
from dubbing.faces.detector import Face, MediaPipeDetector
from dubbing.faces.guard import judge, remade, shown
from dubbing.faces.outline import POINTS
from dubbing.media.frames import FrameReader
from dubbing.media.pixels.picture import PictureFrame
from dubbing.media.probe import probe
from dubbing.media.witness.facts import Headers, read_picture, read_sound
from dubbing.media.witness.master import Given, check_master
from dubbing.settings import MediaSettings
from services.stack.public import CHECKOUT


def witness_cpu(picture: Path, sound: Path, master: Path, receipt: dict[str, Any], children: Any) -> float:
    """Processor seconds of reading source, track and master the second way and holding them against one another.

    Args:
        picture: the source.
        sound: the track.
        master: what was made of them.
        receipt: the job's.
        children: gives the processor seconds of all programs that have ended.
    """
    parsed = Receipt.model_validate(receipt)
    info = probe(sound, "audio").audio
    if parsed.plan is None or info is None:
        raise SystemExit("the receipt names no plan")
    began, used = time.process_time(), children()
    record = read_picture(Headers.of(picture), None).record
    read_sound(Headers.of(sound), SoundChoice())
    if record is None:
        raise SystemExit("the second reading saw no picture")
    given = Given(sound, info, parsed.plan, exact=info.lossless and not info.floating, lossy=False)
    check = check_master(master, record, given)
    if check.differences:
        raise SystemExit(f"the master does not hold: {check.differences}")
    return float(time.process_time() - began + children() - used)


def guard_cpu(picture: Path, master: Path, touched: set[int]) -> float:
    """Processor seconds of judging every painted mouth, and of asking landmarks of all that became others.

    A job asks of fewer: of shots over 100 frames, every third one. What is measured is the most that it could be.

    Args:
        picture: the source.
        master: what was made of it.
        touched: the frames in which it was painted.
    """
    videos = [probe(path, "video").video for path in (picture, master)]
    sides = [
        FrameReader(path, video).read() for path, video in zip((picture, master), videos, strict=True) if video is not None
    ]
    used = 0.0
    with MediaPipeDetector(CHECKOUT / MediaSettings().face_model) as detector:
        near: Face | None = None
        for before, after in zip(*sides, strict=True):
            near = _face(detector, before, near)
            if near is not None and before.index in touched:
                used += _judging(detector, before, after, near)
    return used


def _face(detector: MediaPipeDetector, frame: PictureFrame, last: Face | None) -> Face | None:
    followed = None if last is None else detector.follow(frame, [last])[0]
    return followed or next(iter(detector.find(frame)), None)


def _judging(detector: MediaPipeDetector, before: PictureFrame, after: PictureFrame, face: Face) -> float:
    """Processor seconds of one mouth; what a job has at hand already is made before."""
    size = 2 * JUDGED_SIDE
    matrix = crop_transform(marks.anchors(face.landmarks), size)
    crops = (extract_crop(frame, matrix, size) for frame in (before, after))
    filmed, made = (cv2.resize(crop, (JUDGED_SIDE, JUDGED_SIDE), interpolation=cv2.INTER_AREA) for crop in crops)
    outline = (face.landmarks[list(POINTS)] @ matrix[:, :2].T + matrix[:, 2]) / 2
    began = time.process_time()
    judge(filmed, made, outline, shown(matrix, size, before.size))
    asked = remade(filmed, made, outline)
    used = time.process_time() - began
    if asked:  # the landmarks themselves are found for the meter of openings anyway
        began = time.process_time()
        detector.follow(after, [face])
        plain, began = time.process_time() - began, time.process_time()
        detector.follow(after, [face], doubting=True)
        used += max(0.0, time.process_time() - began - plain)
    return used
