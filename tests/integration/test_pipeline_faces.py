"""What is not painted, or came out broken, through every step: told once, in the job's warnings and in the receipt."""

from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from drawn import HEIGHT, WIDTH, Picture, bookshelf, speaker
from drawn_covers import hand
from film import write_tone
from pipeline import Pipeline

from dubbing.domain.findings import Finding, FrameRange
from dubbing.domain.work import StitchResult
from dubbing.errors import FaceUpsideDown
from dubbing.inference.engine import UNWATCHED, ChunkRequest, GeneratedBlock, Watch
from dubbing.inference.passthrough import PassthroughEngine
from dubbing.settings import S3Settings
from dubbing.storage.s3 import S3Store
from synthetic.shape import Mouth

pytestmark = pytest.mark.stack


class Breaking(PassthroughEngine):
    """Generates blocks of colour in the frames 6 and 7 of every sequence."""

    def generate(self, request: ChunkRequest, watch: Watch = UNWATCHED) -> Generator[GeneratedBlock]:
        """As the engine that changes nothing does, but for these two."""
        at = 0
        for block in super().generate(request, watch):
            frames = block.frames_VHWC.copy()
            side = frames.shape[1]
            rubbish = np.kron(np.random.default_rng(0).integers(0, 256, (16, 16, 3)), np.ones((side // 16, side // 16, 1)))
            for i in range(len(frames)):
                if at + i in (6, 7):
                    frames[i] = rubbish
            at += len(frames)
            yield replace(block, frames_VHWC=frames)


@pytest.fixture(scope="module")
def store(s3_settings: S3Settings) -> S3Store:
    return S3Store(s3_settings)


def talk(who: int, frames: int, wall: int) -> list[Picture]:
    one = speaker(who)
    return [one.draw(one.pose(), Mouth(open=0.4 + 0.4 * np.sin(0.9 * i)), bookshelf(wall)) for i in range(frames)]


def captioned(picture: Picture) -> Picture:
    x, y = (int(v) for v in speaker(6).lips(speaker(6).pose()))
    shown = picture.copy()
    shown[y - 14 : y + 30, x - 150 : x + 150] = (20, 60, 200)
    cv2.putText(shown, "LIVE NEWS", (x - 100, y + 20), cv2.FONT_HERSHEY_DUPLEX, 1.0, (255, 255, 255), 2, cv2.LINE_AA)
    return shown


def written(path: Path, frames: list[Picture]) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"preset": "veryfast", "qp": "10"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for picture in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")))
        container.mux(stream.encode())
    return path


def dubbed(pipeline: Pipeline, folder: Path, frames: list[Picture]) -> StitchResult:
    result = pipeline.dub(written(folder / "film.mp4", frames), write_tone(folder / "track.wav", len(frames) / 25))
    assert result.receipt.warnings == result.warnings
    assert len({finding.code for finding in result.warnings}) == len(result.warnings)
    return result


def frames_of(ranges: tuple[FrameRange, ...]) -> set[int]:
    return {frame for part in ranges for frame in range(part.start, part.end)}


def by_code(findings: tuple[Finding, ...]) -> dict[str, set[int]]:
    return {finding.code: frames_of(finding.frames) for finding in findings}


def test_every_reason_is_told_once_and_its_frames_are_not_touched(store: S3Store, tmp_path: Path) -> None:
    first, short, second, turned = talk(3, 12, 1), talk(5, 2, 2), talk(6, 26, 3), talk(4, 10, 4)
    first[6] = np.full_like(first[6], 255)
    second[10:18] = [captioned(picture) for picture in second[10:18]]
    film = first + short + second + [np.rot90(picture, 2) for picture in turned]
    result = dubbed(Pipeline(store, tmp_path), tmp_path, film)
    by_reason = by_code(result.warnings)
    assert by_reason.keys() == {"flash", "shot_too_short", "mouth_covered", "face_upside_down"}
    assert by_reason["flash"] == {6}
    assert by_reason["shot_too_short"] == {12, 13}
    assert by_reason["face_upside_down"] == set(range(40, 50))
    assert set(range(24, 32)) <= by_reason["mouth_covered"] <= set(range(14, 38))
    assert frames_of(result.receipt.touched) == set(range(50)) - set.union(*by_reason.values())


def decoded(path: Path) -> list[Picture]:
    with av.open(str(path)) as film:
        return [cv2.blur(frame.to_ndarray(format="rgb24"), (5, 5)) for frame in film.decode(video=0)]


def test_a_title_whose_mouths_are_all_covered_is_delivered_as_it_was_filmed(store: S3Store, tmp_path: Path) -> None:
    one, pipeline = speaker(3), Pipeline(store, tmp_path)
    result = dubbed(pipeline, tmp_path, [hand(picture, one, one.pose(), 1.0) for picture in talk(3, 20, 1)])
    assert by_code(result.warnings) == {"mouth_covered": set(range(20))}
    assert result.receipt.touched == ()
    filmed, made = decoded(tmp_path / "film.mp4"), decoded(pipeline.fetch(result, tmp_path))
    assert len(made) == 20
    assert max(np.abs(a.astype(int) - b).max() for a, b in zip(made, filmed, strict=True)) < 20


def test_broken_mouths_are_told_with_time_codes_and_their_frames_are_not_touched(store: S3Store, tmp_path: Path) -> None:
    result = dubbed(Pipeline(store, tmp_path, Breaking), tmp_path, talk(3, 25, 1))
    (found,) = result.warnings
    assert found.code == "mouth_broken"
    assert frames_of(found.frames) == set(range(3, 11))
    assert "00:00:00:03 to 00:00:00:10" in found.detail
    assert frames_of(result.receipt.touched) == set(range(25)) - set(range(3, 11))


def test_a_film_on_its_head_is_refused(store: S3Store, tmp_path: Path) -> None:
    film = written(tmp_path / "film.mp4", [np.rot90(picture, 2) for picture in talk(4, 10, 4)])
    with pytest.raises(FaceUpsideDown) as refused:
        Pipeline(store, tmp_path).dub(film, write_tone(tmp_path / "track.wav", 0.4))
    assert "180 degrees" in refused.value.suggestions[0]
