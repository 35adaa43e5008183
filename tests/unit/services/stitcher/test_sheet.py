"""Which frames a contact sheet shows, and where: every frame's colour tells its number, and whether it was repainted."""

import io
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from drawn import as_frame
from PIL import Image
from wave_files import voices, write_wave

from dubbing.domain.analysis import Analysis, TrackPath
from dubbing.domain.faces import Chunk, FaceTrack, Shot
from dubbing.domain.media import AudioInfo, SyncMode, SyncPlan, VideoInfo
from services.stitcher.sheet import Sheet

FRAMES, WIDTH, HEIGHT = 50, 96, 64
LABEL, TILE, GAP = 64, 192, 8
WAVE = (94, 178, 255)
BEFORE, AFTER = 40, 220  # how green a frame is
SILENCE = SyncPlan(mode=SyncMode.STRICT, sample_rate=48_000, keep=96_000)


def analysis(missing: Sequence[int] = ()) -> Analysis:
    """A face in frames 5 to 44."""
    track = FaceTrack(index=0, shot=0, start=5, end=45, size=20, missing=tuple(missing))
    path = TrackPath(track=track, anchors=((40.0, 20.0, 56.0, 20.0, 48.0, 32.0),) * 40, opening=(0.1,) * 40)
    video = VideoInfo(codec="h264", width=WIDTH, height=HEIGHT, fps=Fraction(25), frames=FRAMES, pixel_format="gbrp")
    return Analysis(video=video, shots=(Shot(index=0, start=0, end=FRAMES),), paths=(path,), chunks=())


def chunk(start: int, end: int) -> Chunk:
    return Chunk(index=start, track=0, shot=0, start=max(5, start - 3), keep_from=start, end=end)


def drawn(sheet: Sheet, sound: Path = Path("none"), info: AudioInfo | None = None) -> Image.Image:
    """The sheet, after every frame has passed twice."""
    for index in range(FRAMES):
        for green in (BEFORE, AFTER):
            picture = as_frame(np.full((HEIGHT, WIDTH, 3), (4 * index, green, 100), np.uint8))
            picture.index = index
            sheet.see(picture)
    return Image.open(io.BytesIO(sheet.draw(sound, info, SILENCE))).convert("RGB")


def colours(image: Image.Image, x: int) -> tuple[int, int, int]:
    """What the middle of both rows shows at ``x``: the frame's number, and how green it was above and below."""
    above, below = (image.getpixel((x, GAP + TILE // 2 + row * (TILE + GAP))) for row in range(2))
    assert isinstance(above, tuple)
    assert isinstance(below, tuple)
    assert above[0] == below[0]
    return round(above[0] / 4), above[1], below[1]


# What is repainted, in which frames the face is missing, and the frames that the sheet shows.
SHOWN: dict[str, tuple[tuple[Chunk, ...], range | tuple[int, ...], list[int]]] = {
    "every part of a long run": ((chunk(5, 45),), (), [7, 12, 17, 22, 27, 32, 37, 42]),
    "no frame of a pre-roll": ((chunk(37, 45),), (), list(range(37, 45))),
    "as many as there are": ((chunk(20, 23),), (), [20, 21, 22]),
    "two runs in turn": ((chunk(5, 9), chunk(41, 45)), (), [5, 6, 7, 8, 41, 42, 43, 44]),
    "none where the face is missing": ((chunk(20, 30),), range(22, 28), [20, 21, 28, 29]),
    "any where nothing is repainted": ((), (), [3, 9, 15, 21, 28, 34, 40, 46]),
}


@pytest.mark.parametrize("name", SHOWN)
def test_repainted_frames_are_shown_evenly_spaced_the_source_above_the_result(name: str) -> None:
    chunks, missing, frames = SHOWN[name]
    image = drawn(Sheet(analysis(missing), chunks))
    found = [colours(image, LABEL + column * (TILE + GAP) + TILE // 2) for column in range(len(frames))]
    assert found == [(frame, BEFORE, AFTER) for frame in frames]
    # The whole pair at the right is of the column in the middle.
    assert colours(image, image.width - 3 * GAP) == (frames[len(frames) // 2], BEFORE, AFTER)


def waves(image: Image.Image) -> int:
    """Pixels in the colour of the sound."""
    return int((np.asarray(image) == WAVE).all(axis=2).sum())


def test_the_sound_is_drawn_below_where_there_is_one(tmp_path: Path) -> None:
    path = write_wave(tmp_path / "two.wav", voices(1))
    info = AudioInfo(codec="pcm_s16le", sample_rate=48_000, channels=1, layout="mono", samples=96_000)
    assert waves(drawn(Sheet(analysis(), (chunk(5, 45),)), path, info)) > 1000
    assert waves(drawn(Sheet(analysis(), (chunk(5, 45),)))) == 0
