"""Every display matrix that a player knows: turned by quarters, and mirrored."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from film import ffmpeg

from dubbing.media.frames import FrameReader
from dubbing.media.probe import probe

SIZE = (96, 64)
TURNS = (0, 90, 180, 270)
MATRICES = [(turn, flips) for turn in TURNS for flips in ((), ("-display_hflip",), ("-display_vflip",))]


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A picture in which no side looks like another."""
    path = tmp_path_factory.mktemp("plain") / "plain.mp4"
    ffmpeg(
        "-f", "lavfi", "-i", "testsrc2=s=96x64:r=25", "-frames:v", 2, "-c:v", "libx264", "-qp", 0, "-pix_fmt", "yuv444p", path
    )
    return path


def shown_by_ffmpeg(path: Path, folder: Path) -> Any:
    """The first frame as another program shows it."""
    ffmpeg("-i", path, "-frames:v", 1, "-pix_fmt", "rgb24", folder / "shown.png")
    return cv2.imread(str(folder / "shown.png"))[..., ::-1]


@pytest.mark.parametrize(("turn", "flips"), MATRICES, ids=str)
def test_a_display_matrix_is_read_as_players_read_it(plain: Path, tmp_path: Path, turn: int, flips: tuple[str, ...]) -> None:
    path = tmp_path / "turned.mp4"
    ffmpeg("-display_rotation", turn, *flips, "-i", plain, "-c", "copy", path)
    video = probe(path).video
    assert video is not None
    assert (video.width, video.height) == SIZE
    expected = shown_by_ffmpeg(path, tmp_path)
    assert video.upright_size == expected.shape[1::-1]
    frame = next(iter(FrameReader(path, video).read()))
    apart = np.abs(cv2.blur(frame.rgb(), (3, 3)).astype(int) - cv2.blur(np.ascontiguousarray(expected), (3, 3)))
    assert apart.mean() < 4


def test_the_matrices_are_eight(plain: Path, tmp_path: Path) -> None:
    found = set()
    for turn, flips in MATRICES:
        ffmpeg("-display_rotation", turn, *flips, "-i", plain, "-c", "copy", tmp_path / "turned.mp4")
        video = probe(tmp_path / "turned.mp4").video
        assert video is not None
        found.add((video.rotation, video.mirrored))
    assert found == {(turn, mirrored) for turn in TURNS for mirrored in (False, True)}
