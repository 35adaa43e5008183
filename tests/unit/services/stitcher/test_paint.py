"""Which frames of a film are painted: broken mouths and those beside them pass through, all others are dubbed."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from drawn import CLOSED, WIDE_OPEN, Aligned, Picture, aligned, outlines_in, speaker, written
from places import LANDMARKER

from dubbing.domain.analysis import Analysis, TrackPath
from dubbing.domain.faces import FaceTrack, Shot
from dubbing.faces.align import extract_crop
from dubbing.faces.detector import MediaPipeDetector
from dubbing.faces.outline import LIPS
from dubbing.media.encode import EncodeSettings
from dubbing.media.frames import FrameReader
from services.stitcher.mouths import GeneratedMouth
from services.stitcher.paint import Painter
from services.stitcher.scoring import MouthMeter

FRAMES, SIDE = 30, 256
TRACK = 20  # frames of the first track; the others are the second's


class Watcher:
    """Stands where meter and sheet do, and notes what they are shown."""

    def __init__(self) -> None:
        self.seen: list[int] = []
        self.unsure = np.full(FRAMES, np.nan)

    def see(self, frame: Any, *_: Any, **__: Any) -> None:
        self.seen.append(frame if isinstance(frame, int) else frame.index)


class Recorder:
    """Stands where a job's context does."""

    def progress(self, done: int, total: int) -> None:
        assert 0 < done <= total


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> FrameReader:
    """Thirty equal frames of a silent speaker."""
    one = speaker(3)
    return written(tmp_path_factory.mktemp("film") / "film.mp4", [one.draw(one.pose(), CLOSED)] * FRAMES, qp=4)


class Crops:
    """One filmed face, and crops that a student might make of it."""

    def __init__(self, face: Aligned, sound: Picture, outlines: Any) -> None:
        self._face, self._sound, self._outlines = face, sound, outlines
        rough = np.random.default_rng(1).integers(-90, 90, (16, 16, 1))
        self._broken = np.clip(sound + np.kron(rough, np.ones((16, 16, 1))), 0, 255).astype(np.uint8)

        middle = (float(outlines[0][LIPS, 0].mean()), float(outlines[0][LIPS, 1].mean()))
        there = cv2.ellipse(np.zeros((SIDE, SIDE)), tuple(map(int, middle)), (SIDE // 5, SIDE // 8), 0, 0, 360, 1, -1)
        soft = cv2.GaussianBlur(there, (0, 0), 4)[..., None]
        turned = cv2.warpAffine(sound, cv2.getRotationMatrix2D(middle, -45, 1), (SIDE, SIDE))
        self._aslant = np.asarray(sound * (1 - soft) + turned * soft, np.uint8)

    def aslant(self, frames: set[int]) -> Iterator[GeneratedMouth]:
        """Mouths of which those of some frames are whole, and stand aslant."""
        for mouth in self.mouths(set(), EVERY):
            yield mouth._replace(crop=self._aslant) if mouth.frame in frames else mouth

    def mouths(self, broken: set[int], frames: set[int]) -> Iterator[GeneratedMouth]:
        for i in sorted(frames):
            crop = self._broken if i in broken else self._sound
            yield GeneratedMouth(i, self._face.matrix, crop, self._face.outline, self._outlines, track=i // TRACK)


@pytest.fixture(scope="module")
def crops() -> Crops:
    one = speaker(3)
    with MediaPipeDetector(LANDMARKER) as detector:
        face = aligned(detector, one.draw(one.pose(), CLOSED), SIDE)
        sound = np.asarray(extract_crop(one.draw(one.pose(), WIDE_OPEN), face.matrix, SIDE), np.uint8)
        return Crops(face, sound, outlines_in(detector, sound))


def changed(reader: FrameReader, master: Path) -> set[int]:
    """The frames of which the mouth differs from the source's."""
    x, y = speaker(3).lips(speaker(3).pose())
    around = np.s_[int(y) - 15 : int(y) + 35, int(x) - 40 : int(x) + 40]
    with av.open(str(master)) as container:
        made = [frame.to_ndarray(format="rgb24")[around] for frame in container.decode(video=0)]
    filmed = [frame.rgb()[around] for frame in reader.read()]
    assert len(made) == len(filmed) == FRAMES
    return {i for i, (a, b) in enumerate(zip(made, filmed, strict=True)) if np.abs(cv2.blur(a, (5, 5)).astype(int) - cv2.blur(b, (5, 5))).max() > 25}  # fmt: skip  # noqa: E501


EVERY = set(range(FRAMES))
CASES: dict[str, tuple[set[int], set[int], set[int]]] = {
    "none": (set(), EVERY, set()),
    "one in the middle": ({15}, EVERY, set(range(12, 19))),
    "two near each other": ({10, 14}, EVERY, set(range(7, 18))),
    "the first": ({0}, EVERY, set(range(4))),
    "the last": ({FRAMES - 1}, EVERY, set(range(FRAMES - 4, FRAMES))),
    "all": (EVERY, EVERY, EVERY),
    "the last of a track": ({TRACK - 1}, EVERY, set(range(TRACK - 4, TRACK))),
    "the first of a track": ({TRACK}, EVERY, set(range(TRACK, TRACK + 4))),
    "beside frames that nobody dubs": ({12}, EVERY - {9, 10, 11, 14}, {12, 13, 15}),
}


@pytest.mark.parametrize("name", CASES)
def test_broken_mouths_pass_through_with_those_beside_them(
    reader: FrameReader, crops: Crops, tmp_path: Path, name: str
) -> None:
    broken, dubbed, passing = CASES[name]
    meter, sheet, recorder = Watcher(), Watcher(), Recorder()
    settings = EncodeSettings(crf=4, preset="ultrafast")
    anything: Any = (meter, sheet)
    painter = Painter(reader.video, SIDE, settings, *anything)
    context: Any = recorder
    painter.paint(reader, crops.mouths(broken, dubbed), tmp_path / "master.mp4", context)
    assert set(painter.broken) == passing
    assert not set(painter.broken) & set(painter.doubtful)
    assert changed(reader, tmp_path / "master.mp4") == dubbed - passing
    # How well a mouth speaks is measured where one was painted; the sheet sees every frame before and after.
    assert meter.seen == sorted(dubbed - passing)
    assert sorted(sheet.seen) == sorted([*range(FRAMES)] * 2)


def test_mouths_of_an_analysis_that_kept_no_outlines_are_painted_unjudged(
    reader: FrameReader, crops: Crops, tmp_path: Path
) -> None:
    meter, sheet, recorder = Watcher(), Watcher(), Recorder()
    anything: Any = (meter, sheet)
    context: Any = recorder
    painter = Painter(reader.video, SIDE, EncodeSettings(crf=4, preset="ultrafast"), *anything)
    mouths = (mouth._replace(filmed=None, made=()) for mouth in crops.mouths({4, 5}, {4, 5}))
    painter.paint(reader, mouths, tmp_path / "master.mp4", context)
    assert changed(reader, tmp_path / "master.mp4") == {4, 5}
    assert meter.seen == [4, 5]
    assert (painter.broken, painter.doubtful) == ({}, {})


def test_a_mouth_that_landmarks_cannot_place_is_painted_and_told(reader: FrameReader, crops: Crops, tmp_path: Path) -> None:
    shot = Shot(index=0, start=0, end=FRAMES)
    path = TrackPath(
        track=FaceTrack(index=0, shot=0, start=0, end=FRAMES, size=70),
        anchors=((0.0,) * 6,) * FRAMES,
        opening=(0.1,) * FRAMES,
        doubt=(0.015,) * FRAMES,
    )
    analysis = Analysis(video=reader.video, shots=(shot,), paths=(path,), chunks=())
    sheet: Any = Watcher()
    context: Any = Recorder()
    aslant = set(range(12, 18))
    with MouthMeter(partial(MediaPipeDetector, LANDMARKER), analysis) as meter:
        painter = Painter(reader.video, SIDE, EncodeSettings(crf=4, preset="ultrafast"), meter, sheet)
        painter.paint(reader, crops.aslant(aslant), tmp_path / "master.mp4", context)
    assert np.isfinite(meter.opening).all()
    assert painter.broken == {}
    assert len(painter.doubtful) >= len(aslant) - 1
    assert set(painter.doubtful) <= aslant
