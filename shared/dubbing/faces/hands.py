"""Whether a hand lies over a mouth: the interface, and MediaPipe's HandLandmarker behind it.

It is a second witness beside `dubbing.faces.mouth_occlusion`: it knows what hands look like, so it also sees one that lies
there from the first frame to the last. It is asked in a small picture around a face that is known. In a single frame it is
often wrong in both directions, also where it is sure; `mouth_occlusion.under_a_hand` says what follows from many.
"""

from pathlib import Path
from typing import Any, Final, Protocol

import cv2
import numpy as np

from dubbing.faces import landmarks as marks
from dubbing.faces.align import Frame, Matrix, Picture, Points, preview_crop
from dubbing.faces.bundles import closed_at_exit, image, mediapipe, verified
from dubbing.faces.detector import Face, around, eight_bit

# Apache-2.0; the float16/1 file that Google publishes.
HAND_SHA256: Final = "fbc2a30080c3c557093b5ddfc334698132eb341044ccee322ccf8bcf3607cde1"

_SIDE: Final = 256  # the network behind it sees 192
_FACES: Final = 3.0  # side of the region in faces: a palm is found where its arm is seen too
_LOWER: Final = 0.3  # faces by which it lies below the face, where arms come from
_LEAST: Final = 0.1  # confidence; fingers before a face look little like the hands that it was taught
_HANDS: Final = 2


class HandDetector(Protocol):
    """Finds hands over mouths, in frames as `detector.FaceDetector` takes them."""

    def over(self, frame: Frame, face: Face) -> float:
        """Share of the lips' outline that lies under a hand, 0 to 1."""
        ...


class MediaPipeHands:
    """`HandDetector` by MediaPipe's HandLandmarker, one CPU thread.

    Args:
        model: path of ``hand_landmarker.task``; its SHA-256 is checked.

    Raises:
        Permanent: the file is missing or is another one.
    """

    def __init__(self, model: Path) -> None:
        tasks = mediapipe().tasks
        vision = tasks.vision
        options = vision.HandLandmarkerOptions(
            base_options=tasks.BaseOptions(model_asset_buffer=verified(model, HAND_SHA256)),
            running_mode=vision.RunningMode.IMAGE,
            num_hands=_HANDS,
            min_hand_detection_confidence=_LEAST,
            min_hand_presence_confidence=_LEAST,
        )
        self._landmarker: Any = closed_at_exit(vision.HandLandmarker.create_from_options(options))

    def close(self) -> None:
        """Frees the detector."""
        self._landmarker.close()

    def over(self, frame: Frame, face: Face) -> float:
        """Share of the lips' outline that lies under the hull of a hand's landmarks, 0 to 1."""
        matrix = around(face, _SIDE, _FACES, _LOWER)
        picture = np.ascontiguousarray(_seen(frame, matrix))
        found = self._landmarker.detect(image(picture)).hand_landmarks
        lips = face.landmarks[list(marks.LIPS)] @ matrix[:, :2].T + matrix[:, 2]
        return max((_under(lips, np.array([(p.x, p.y) for p in hand]) * _SIDE - 0.5) for hand in found), default=0.0)


def _seen(frame: Frame, matrix: Matrix) -> Picture:
    """The region, black where the frame ends: an arm that is drawn on to the region's edge is none."""
    picture = eight_bit(preview_crop(frame, matrix, (_SIDE, _SIDE)))
    width, height = frame.shape[1::-1] if isinstance(frame, np.ndarray) else frame.size
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)]) @ matrix[:, :2].T + matrix[:, 2]
    inside = np.zeros((_SIDE, _SIDE, 1), np.uint8)
    cv2.fillConvexPoly(inside, corners.round().astype(np.int32), 1)
    return np.asarray(picture * inside)


def _under(lips: Points, hand: Points) -> float:
    hull = cv2.convexHull(hand.astype(np.float32))
    return float(np.mean([cv2.pointPolygonTest(hull, (float(x), float(y)), measureDist=False) > 0 for x, y in lips]))
