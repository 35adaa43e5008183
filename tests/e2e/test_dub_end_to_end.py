"""The main job, from two files to one: the lips follow the new track, nothing else changes, and the receipt proves it."""

import hashlib
import json
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from film import FPS, RATE, SIZE, Film
from numpy.typing import NDArray
from platform_access import Platform

from dubbing import ids
from dubbing.domain.analysis import Analysis
from dubbing.faces.align import crop_transforms
from dubbing.faces.detector import MediaPipeDetector
from dubbing.media.probe import probe
from dubbing.settings import MediaSettings
from lipforcing.contract import STUDENTS
from services.stack.home import CHECKOUT
from services.stitcher.repaint import crop_box
from services.trainer.metrics.mouth_series import MouthSeries, correlation, mouth_series

pytestmark = [pytest.mark.stack, pytest.mark.slow]


@pytest.fixture(scope="module")
def receipt(platform: Platform, dubbed: dict[str, Any]) -> dict[str, Any]:
    return platform.client.receipt(dubbed["job"]["id"]).members


@pytest.fixture(scope="module")
def analysis(platform: Platform, dubbed: dict[str, Any]) -> Analysis:
    (item,) = platform.items(dubbed["job"]["id"], "prepare")
    return Analysis.model_validate_json(platform.store.get_bytes(item["payload"]["analysis_key"]))


def frames_of(path: Path) -> Iterator[NDArray[np.uint8]]:
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            yield frame.to_ndarray(format="rgb24")


def mouths(path: Path) -> MouthSeries:
    detector = MediaPipeDetector(MediaSettings().face_model)
    try:
        return mouth_series(frames_of(path), detector)
    finally:
        detector.close()


def test_the_master_has_the_pictures_frames_rate_and_size_and_the_whole_track(film: Film, master: Path) -> None:
    source, made = probe(film.video).video, probe(master)
    assert made.video is not None
    assert made.audio is not None
    assert source is not None
    assert (made.video.frames, made.video.fps) == (film.frames, Fraction(FPS))
    assert (made.video.width, made.video.height, made.video.rotation) == (*SIZE, 0)
    assert made.video.colour.model_copy(update={"range": None}) == source.colour.model_copy(update={"range": None})
    assert (made.audio.samples, made.audio.sample_rate, made.audio.start) == (film.frames * RATE // FPS, RATE, 0)


def test_the_receipt_describes_exactly_these_files_and_weights(film: Film, master: Path, receipt: dict[str, Any]) -> None:
    for part, path in (("input_video", film.video), ("input_audio", film.track), ("output_video", master)):
        assert receipt[part]["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest(), part
    parity = receipt["parity"]
    assert (parity["frames_in"], parity["frames_out"], Fraction(parity["fps"])) == (film.frames, film.frames, Fraction(FPS))
    assert parity["samples_in"] == parity["samples_out"] == film.frames * RATE // FPS
    assert receipt["touched"] == [{"start": 0, "end": film.frames}]
    assert receipt["seed"] == 7
    assert {"paint_and_encode", "mux", "verify"} <= set(receipt["timings"])
    assert receipt["models"]["demo"] is True
    for part in ("student", "face_encoder", "speech_encoder"):
        pinned = receipt["models"][part]
        weights = CHECKOUT / "model_repo" / pinned["name"] / "1" / "model.safetensors"
        assert pinned["digest"] == hashlib.sha256(weights.read_bytes()).hexdigest(), part


def test_the_receipt_says_by_which_measure_mouths_and_track_agree_and_nothing_that_may_be_chance(
    film: Film, receipt: dict[str, Any]
) -> None:
    score, (shot,) = receipt["score"], receipt["shots"]
    assert score["measure"] == "opening_and_loudness"  # the repository holds no weights of SyncNet
    assert score["syncnet"] is None
    assert shot["touched"]
    assert 0 < score["frames"] <= film.frames
    agreements = [part[name] for part in (score, shot) for name in ("agreement", "agreement_before") if part[name] is not None]
    assert all(one["significance"] <= 0.04 for one in agreements)
    assert all(shot[name] is None for name in ("score", "score_before", "lag_frames", "lag_frames_before"))


def test_the_lips_follow_the_new_track_and_forget_the_old_one(film: Film, master: Path) -> None:
    assert abs(correlation(film.said, film.wanted)) < 0.4  # or the rest would say nothing
    made = mouths(master)
    assert made.found == 1.0
    # What the committed demonstration weights reach (0.60 in the worst of their test clips), not what they should reach: the
    # goal of 0.90 and the figures stand in the model's manifest.
    followed, left_behind = correlation(made.opening, film.wanted), correlation(made.opening, film.said)
    assert followed >= 0.5, (followed, left_behind)
    assert followed - left_behind >= 0.2, (followed, left_behind)


def test_nothing_moves_outside_the_face(film: Film, master: Path, analysis: Analysis) -> None:
    (path,) = analysis.paths
    size = STUDENTS["tiny"].crop
    matrices = crop_transforms(np.reshape(path.anchors, (-1, 3, 2)), size)
    for before, after, matrix in zip(frames_of(film.video), frames_of(master), matrices, strict=True):
        box = crop_box(matrix, size, SIZE)
        assert box is not None
        outside = np.ones(before.shape[:2], bool)
        outside[box.top : box.bottom, box.left : box.right] = False
        error = (before.astype(int) - after)[outside]
        assert np.sqrt(np.mean(error**2)) < 3.0  # what a second encoding costs
        assert abs(error.mean()) < 0.5


def test_the_contact_sheet_is_a_picture(platform: Platform, dubbed: dict[str, Any], tmp_path: Path) -> None:
    platform.client.download(lambda: dubbed["job"]["links"]["preview"], tmp_path / "sheet.png")
    with av.open(str(tmp_path / "sheet.png")) as sheet:
        picture = next(sheet.decode(video=0)).to_ndarray(format="rgb24")
    assert min(picture.shape[:2]) > 200
    assert picture.std() > 10


def test_the_stored_receipt_is_the_one_that_the_api_shows(
    platform: Platform, receipt: dict[str, Any], dubbed: dict[str, Any]
) -> None:
    assert json.loads(platform.store.get_bytes(ids.receipt_key(dubbed["job"]["id"]))) == receipt
