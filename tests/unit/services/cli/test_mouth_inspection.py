"""A second look at masters that somebody else may have made: spoiled by kind, or sound."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from drawn import HEIGHT, WIDTH, Picture, bookshelf, speaker, written
from places import LANDMARKER

from dubbing.domain.findings import Finding
from dubbing.faces.detector import MediaPipeDetector
from services.cli.mouth_inspection import inspect_mouths
from synthetic.shape import Mouth

FRAMES = 20
SPOILED = range(8, 13)
ONE, WALL = speaker(3), bookshelf(1)
X, Y = (int(v) for v in ONE.lips(ONE.pose()))

Spoil = Callable[[Picture], Picture]


def talk(phase: float) -> list[Picture]:
    return [ONE.draw(ONE.pose(), Mouth(open=0.4 + 0.4 * np.sin(0.9 * i + phase)), WALL) for i in range(FRAMES)]


def around_the_mouth(change: Spoil) -> Spoil:
    def spoil(picture: Picture) -> Picture:
        spoiled = picture.copy()
        part = np.s_[Y - 14 : Y + 26, X - 40 : X + 40]
        spoiled[part] = change(picture[part])
        return spoiled

    return spoil


def blocks(part: Picture) -> Picture:
    steps = np.kron(np.random.default_rng(1).integers(-60, 60, (5, 10, 1)), np.ones((8, 8, 1)))
    return np.clip(part + steps, 0, 255).astype(np.uint8)


def aslant(picture: Picture) -> Picture:
    """The mouth is aslant: colours and roughness are a face's, but landmarks do not know where it is."""
    eyes = ONE.eyes(ONE.pose())
    there = cv2.ellipse(np.zeros((HEIGHT, WIDTH)), (X, Y), (int(0.5 * eyes), int(0.3 * eyes)), 0, 0, 360, 1, -1)
    soft = cv2.GaussianBlur(there, (0, 0), 2)[..., None]
    mouth = cv2.warpAffine(picture, cv2.getRotationMatrix2D((X, Y), -45, 1), (WIDTH, HEIGHT))
    return np.asarray(picture * (1 - soft) + mouth * soft, np.uint8)


def repainted_wall(picture: Picture) -> Picture:
    spoiled = picture.copy()
    spoiled[Y - 30 : Y + 30, X + 110 : X + 150] = (90, 90, 90)
    return spoiled


def paste(colour: tuple[int, int, int]) -> Spoil:
    return lambda part: np.asarray(cv2.addWeighted(part, 0.4, np.full_like(part, colour), 0.6, 0), np.uint8)


SPOILS: dict[str, tuple[Spoil, str]] = {
    "blocks": (around_the_mouth(blocks), "mouth_doubtful"),
    "another colour": (around_the_mouth(paste((40, 200, 60))), "mouth_doubtful"),
    "a mouth aslant": (aslant, "mouth_doubtful"),
    "a wall that was painted": (repainted_wall, "painted_outside"),
}


def looked(tmp_path: Path, source: list[Picture], master: list[Picture]) -> tuple[Finding, ...]:
    readers = [written(tmp_path / f"{name}.mp4", film) for name, film in (("source", source), ("master", master))]
    with MediaPipeDetector(LANDMARKER) as detector:
        return inspect_mouths(readers[0], readers[1], detector)


@pytest.mark.parametrize("name", SPOILS)
def test_spoiled_frames_are_named_and_the_others_are_not(tmp_path: Path, name: str) -> None:
    spoil, code = SPOILS[name]
    master = talk(1.5)
    for i in SPOILED:
        master[i] = spoil(master[i])
    findings = {finding.code: finding for finding in looked(tmp_path, talk(0.0), master)}
    named = {code: {i for part in found.frames for i in range(part.start, part.end)} for code, found in findings.items()}
    assert len(named[code]) >= len(SPOILED) - 1
    assert set.union(*named.values()) <= set(SPOILED)
    assert "to 00:00:00:12" in findings[code].detail


def test_the_last_frames_of_a_shot_are_named_with_those_before_them(tmp_path: Path) -> None:
    master = talk(1.5)
    for i in range(12, FRAMES - 3):
        master[i] = around_the_mouth(blocks)(master[i])
    found = {finding.code: finding for finding in looked(tmp_path, talk(0.0), master)}
    assert max(part.end for part in found["mouth_doubtful"].frames) == FRAMES


def test_another_mouth_on_the_same_face_is_sound(tmp_path: Path) -> None:
    assert looked(tmp_path, talk(0.0), talk(1.5)) == ()


def test_in_a_film_without_a_face_nothing_may_be_painted(tmp_path: Path) -> None:
    source = [WALL] * 12
    master = [picture.copy() for picture in source]
    master[4][100:140, 200:240] = 90
    (found,) = looked(tmp_path, source, master)
    assert (found.code, [(part.start, part.end) for part in found.frames]) == ("painted_outside", [(4, 5)])
    assert "00:00:00:04" in found.detail
