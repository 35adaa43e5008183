"""What the proofs of one job cost, in processor seconds: the second reading of all its files, and the guard of its mouths."""

import time
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np

from dubbing.domain.media import SoundChoice
from dubbing.domain.receipt import Receipt
from dubbing.faces import landmarks as marks
from dubbing.faces.align import crop_transform, extract_crop
from dubbing.faces.composite import JUDGED_SIDE
from dubbing.faces.detector import MediaPipeDetector
from dubbing.faces.guard import judge, shown
from dubbing.faces.outline import POINTS
from dubbing.media.frames import FrameReader
from dubbing.media.probe import probe
from dubbing.media.witness.facts import Headers, read_picture, read_sound
from dubbing.media.witness.master import Given, check_master
from dubbing.settings import MediaSettings
from services.stack.public import CHECKOUT

_TIMES: Final = 200


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


def guard_cpu(picture: Path) -> float:
    """Processor seconds of judging one mouth."""
    video = probe(picture, "video").video
    if video is None:
        raise SystemExit("no picture")
    frame = next(FrameReader(picture, video).read())
    with MediaPipeDetector(CHECKOUT / MediaSettings().face_model) as detector:
        face = detector.find(frame)[0]
    matrix = crop_transform(marks.anchors(face.landmarks), 2 * JUDGED_SIDE)
    crop = cv2.resize(extract_crop(frame, matrix, 2 * JUDGED_SIDE), (JUDGED_SIDE, JUDGED_SIDE), interpolation=cv2.INTER_AREA)
    outline = (face.landmarks[list(POINTS)] @ matrix[:, :2].T + matrix[:, 2]) / 2
    made = np.roll(crop, 1, axis=0)
    began = time.process_time()
    for _ in range(_TIMES):
        judge(crop, made, outline, shown(matrix, 2 * JUDGED_SIDE, frame.size))
    return (time.process_time() - began) / _TIMES
