"""Speakers that code draws, posed as a test wants them, with the truth about where their faces end."""

from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from dubbing.domain.media import VideoInfo
from dubbing.faces import landmarks as marks
from dubbing.faces.align import crop_transform, extract_crop
from dubbing.faces.detector import FaceDetector
from dubbing.faces.outline import POINTS, in_crop, outline_of
from dubbing.media.frames import FrameReader
from dubbing.media.pixels.picture import PictureFrame
from dubbing.media.probe import probe
from synthetic.canonical import LIP_Y, OVAL, f32, vertices
from synthetic.clip import Take, take
from synthetic.identity import Identity
from synthetic.renderer import HeadPose, project, render
from synthetic.shape import Mouth, displacement, sample
from synthetic.splits import Split, identity_seed

Picture = NDArray[np.uint8]
Outline = NDArray[np.float32]

WIDTH, HEIGHT = 640, 360
CLOSED, HALF_OPEN, WIDE_OPEN = Mouth(), Mouth(open=0.4), Mouth(open=1.0)


@dataclass(frozen=True)
class Speaker:
    """One person in one room."""

    take: Take

    @property
    def room(self) -> Picture:
        """What is behind, uint8 [HEIGHT, WIDTH, 3]."""
        return self.take.background

    def pose(
        self, x: float = WIDTH / 2, y: float = HEIGHT / 2, *, size: float = 1.0, roll: float = 0.0, yaw: float = 0.0
    ) -> HeadPose:
        """A place in the picture; angles are radians, and a head turns by 0.6 at most before its drawing tears."""
        return HeadPose(x, y, self.take.poses[0].scale * size, roll=roll, yaw=yaw)

    def draw(self, pose: HeadPose, mouth: Mouth = HALF_OPEN, wall: Picture | None = None) -> Picture:
        """The picture, uint8 [HEIGHT, WIDTH, 3]."""
        (picture,) = render(self.take.actor, pose, [mouth], self.room if wall is None else wall)
        return np.asarray(picture, np.uint8)

    def outline(self, pose: HeadPose, mouth: Mouth = HALF_OPEN) -> Outline:
        """The face's true outline, float32 [36, 2] pixels: the drawing's own vertices, moved as the jaw moves them."""
        at = vertices()[list(OVAL), :2]
        moved = at + sample(displacement(self.take.actor.fields.low, mouth), at[None])[0]
        return project(self.take.actor, pose, f32(moved))

    def eyes(self, pose: HeadPose) -> float:
        """Distance between the eyes when the head looks straight ahead, in pixels."""
        left, right = project(self.take.actor, HeadPose(0, 0, pose.scale), f32([[-3.2, -2.6], [3.2, -2.6]]))
        return float(np.hypot(*(right - left)))

    def lips(self, pose: HeadPose) -> tuple[float, float]:
        """Where the middle of the mouth is, in pixels."""
        x, y = project(self.take.actor, pose, f32([[0, LIP_Y]]))[0]
        return float(x), float(y)


@cache
def speaker(who: int = 6, *, face: float = 170) -> Speaker:
    """A person of the test set; ``face`` is the width from ear to ear in pixels."""
    return Speaker(take(Identity.draw(identity_seed(Split.TEST, who)), 1, (HEIGHT, WIDTH), who, face=face))


def tiles(side: int = 12) -> Picture:
    """A wall of tiles in two colours, on which every repainted pixel shows."""
    y, x = np.mgrid[:HEIGHT, :WIDTH] // side
    return np.where(((x + y) % 2 == 0)[..., None], (70, 110, 160), (215, 205, 170)).astype(np.uint8)


def bookshelf(seed: int) -> Picture:
    """A wall full of upright edges; another one for each seed."""
    rng = np.random.default_rng(seed)
    wall = np.full((HEIGHT, WIDTH, 3), 60, np.uint8)
    for top in range(0, HEIGHT, HEIGHT // 4):
        left = 0
        while left < WIDTH:
            width, height = int(rng.integers(8, 40)), int(rng.integers(50, 84))
            wall[top + 84 - height : top + 84, left : left + width] = rng.integers(40, 220, 3)
            left += width + int(rng.integers(1, 5))
    return wall


def filled(outline: Outline) -> NDArray[np.bool_]:
    """The pixels inside an outline's hull, bool [HEIGHT, WIDTH]."""
    plane = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.fillConvexPoly(plane, cv2.convexHull(outline.astype(np.float32)).round().astype(np.int32), 1)
    return plane > 0


@dataclass(frozen=True)
class Aligned:
    """A face as the stitcher has it: its transform and crop, and its outline there."""

    matrix: NDArray[np.float64]
    crop: Picture
    outline: NDArray[np.float64]


def aligned(detector: FaceDetector, picture: Picture, size: int) -> Aligned:
    """The largest face of a picture in its crop of that size."""
    face = detector.find(picture)[0]
    anchors = marks.anchors(face.landmarks)
    matrix = crop_transform(anchors, size)
    crop = np.asarray(extract_crop(picture, matrix, size), np.uint8)
    return Aligned(matrix, crop, in_crop(outline_of(face.landmarks), anchors, matrix))


def outlines_in(detector: FaceDetector, crop: Picture) -> tuple[NDArray[np.float64], ...]:
    """The outline of the face that a generated crop shows, if it shows one."""
    return tuple(face.landmarks[list(POINTS)] for face in detector.find(crop)[:1])


def as_frame(picture: Picture, *, rotation: int = 0, mirrored: bool = False) -> PictureFrame:
    """An upright picture as a decoded frame, stored so that a player turns it clockwise by ``rotation``, then mirrors it."""
    stored = np.rot90(picture[:, ::-1] if mirrored else picture, rotation // 90)
    height, width = stored.shape[:2]
    native = av.VideoFrame.from_ndarray(np.ascontiguousarray(stored), format="rgb24").reformat(format="gbrp")
    video = VideoInfo(
        codec="ffv1",
        width=width,
        height=height,
        fps=Fraction(25),
        frames=1,
        pixel_format="gbrp",
        rotation=rotation,
        mirrored=mirrored,
    )
    return PictureFrame(native, 0, Fraction(0), video)


def written(path: Path, frames: list[Picture], qp: int = 8) -> FrameReader:
    """The pictures as a film of 25 frames a second at ``path``, H.264 with that constant quantiser."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"preset": "ultrafast", "qp": str(qp)})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for picture in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    video = probe(path).video
    assert video is not None
    return FrameReader(path, video)
