"""What the receipt says of mouths and sound: only what differs from chance."""

from collections.abc import Sequence
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from dubbing.domain.analysis import Analysis, TrackPath
from dubbing.domain.faces import FaceTrack, Shot
from dubbing.domain.media import VideoInfo
from dubbing.domain.receipt import Receipt, ShotScore, SyncMeasure, SyncNetScore
from dubbing.faces import landmarks as marks
from dubbing.faces.detector import Face
from services.stitcher.scoring import MouthMeter, lost_sync, score
from services.stitcher.syncnet import with_syncnet

SHOTS = 20
FRAMES = 250


def speech(frames: int, seed: int) -> np.ndarray:
    return np.convolve(np.random.default_rng(seed).standard_normal(frames + 4), np.ones(5) / 5, "valid")


def analysis(before: np.ndarray, count: int = SHOTS) -> Analysis:
    """Shots of ten seconds, one face in each."""
    shots = tuple(Shot(index=i, start=i * FRAMES, end=(i + 1) * FRAMES) for i in range(count))
    tracks = [FaceTrack(index=one.index, shot=one.index, start=one.start, end=one.end, size=60) for one in shots]
    paths = tuple(
        TrackPath(track=t, anchors=((0.0,) * 6,) * len(t), opening=tuple(before[t.start : t.end].tolist())) for t in tracks
    )
    video = VideoInfo(codec="h264", width=64, height=64, fps=Fraction(25), frames=count * FRAMES, pixel_format="yuv420p")
    return Analysis(video=video, shots=shots, paths=paths, chunks=())


def test_a_language_whose_mouths_follow_its_track_is_told_as_a_whole_and_its_shots_where_they_differ_from_chance() -> None:
    sound = speech(SHOTS * FRAMES, 1)
    found = score(analysis(speech(SHOTS * FRAMES, 2)), sound + speech(SHOTS * FRAMES, 3), sound)
    assert found.language.measure is SyncMeasure.OPENING
    assert found.language.frames == SHOTS * FRAMES
    assert found.language.agreement is not None
    assert (found.language.agreement.lag_frames, found.language.agreement.significance) == (0, 0.0001)
    assert found.language.agreement_before is None
    assert [(one.start, one.end) for one in found.shots] == [(i * FRAMES, (i + 1) * FRAMES) for i in range(SHOTS)]
    assert sum(one.agreement is not None for one in found.shots) > SHOTS / 2
    assert all(one.agreement_before is None for one in found.shots)
    assert all(one.touched and one.syncnet is None and one.score is None for one in dumped(found.shots))


def dumped(shots: tuple[ShotScore, ...]) -> list[Any]:
    """The shots with what a receipt of before had, too."""
    return [type("Dumped", (), one.model_dump()) for one in shots]


def test_unrelated_sound_gives_no_score_though_twenty_shots_are_twenty_tries() -> None:
    compared = 0
    for seed in range(5):
        found = score(
            analysis(speech(SHOTS * FRAMES, seed)), speech(SHOTS * FRAMES, 100 + seed), speech(SHOTS * FRAMES, 200 + seed)
        )
        compared += sum(one.agreement is not None for one in found.shots)
    assert compared <= 1  # one shot in twenty would be 5


def film(*lengths: int) -> Analysis:
    """Shots of these lengths, without faces."""
    ends = np.cumsum(lengths, dtype=int).tolist()
    shots = tuple(Shot(index=i, start=end - length, end=end) for i, (length, end) in enumerate(zip(lengths, ends, strict=True)))
    video = VideoInfo(codec="h264", width=64, height=64, fps=Fraction(25), frames=max(1, *ends, 1), pixel_format="yuv420p")
    return Analysis(video=video, shots=shots, paths=(), chunks=())


def test_openings_are_compared_at_the_same_frames_before_and_after() -> None:
    sound = speech(SHOTS * FRAMES, 1)
    opening = np.full(SHOTS * FRAMES, np.nan)
    opening[: 2 * FRAMES] = sound[: 2 * FRAMES]
    found = score(analysis(sound), opening, sound)
    assert found.language.frames == 2 * FRAMES
    assert found.language.agreement == found.language.agreement_before is not None
    assert [one.touched for one in found.shots] == [True, True] + [False] * (SHOTS - 2)
    assert all(one.agreement_before is None for one in found.shots[2:])


def test_where_syncnet_was_at_hand_it_is_named_and_stands_beside_the_agreement() -> None:
    sound = speech(SHOTS * FRAMES, 1)
    plain = score(analysis(sound), sound, sound)
    one, two, three = (
        SyncNetScore(frames=n, confidence=c, distance=d, offset_frames=o)
        for n, c, d, o in ((60, 6.0, 8.0, -1), (90, 7.0, 7.0, 0), (70, 2.0, 9.0, 4))
    )
    found = with_syncnet(plain, {0: [one], 4: [two, three]})
    assert found.shots[0].syncnet == one
    assert found.shots[4].syncnet == SyncNetScore(frames=160, confidence=4.5, distance=8.0, offset_frames=0)
    assert found.shots[1].syncnet is None
    assert found.language.measure is SyncMeasure.SYNCNET
    assert found.language.syncnet == SyncNetScore(frames=220, confidence=5.0, distance=8.0, offset_frames=0)
    assert found.language.agreement == plain.language.agreement
    assert with_syncnet(plain, {}) == plain


def test_a_receipt_of_before_is_still_read_and_keeps_its_scores_apart() -> None:
    facts = {"filename": "a", "sha256": "0" * 64}
    video = {**facts, "size_bytes": 1, "frames": 9, "fps": "25", "width": 2, "height": 2, "codec": "h264"}
    audio = {**facts, "sample_rate": 48000, "channels": 1, "samples": 9}
    pin = {"name": "m", "digest": "0" * 64}
    parity = {
        "frames_in": 9, "frames_out": 9, "fps": "25", "variable_rate": False, "width": 2, "height": 2, "rotation": 0,
        "sample_aspect_ratio": "1", "colour": {}, "samples_in": 9, "samples_out": 9, "sample_rate": 48000, "channels": 1,
        "audio_start": "0",
    }  # fmt: skip
    shot = {
        "start": 0, "end": 9, "shot": 0, "touched": True, "score": 0.54, "lag_frames": -2, "score_before": 0.3,
        "lag_frames_before": 11,
    }  # fmt: skip
    receipt = Receipt.model_validate(
        {
            "job_id": "job_1", "created_at": datetime(2026, 1, 1, tzinfo=UTC), "input_video": video, "output_video": video,
            "input_audio": audio, "output_audio": audio, "sync": {}, "seed": 1, "parity": parity, "touched": [],
            "models": {"preset": "tiny", "demo": True, "student": pin, "face_encoder": pin, "speech_encoder": pin},
            "shots": [shot],
        }
    )  # fmt: skip
    assert receipt.score is None
    assert receipt.shots[0].agreement is None
    assert receipt.model_dump(mode="json")["shots"][0]["score"] == 0.54


# Half a minute of the source's mouth and sound, and of the new ones, by the seed of what each of them follows.
LOST: dict[str, tuple[tuple[int, int, int, int], bool]] = {
    "both agree": ((1, 1, 2, 2), False),
    "the new mouth speaks something else": ((1, 1, 2, 3), True),
    "the source was dubbed before": ((1, 4, 2, 3), False),
    "the new mouth agrees where the source did not": ((1, 4, 2, 2), False),
}


@pytest.mark.parametrize("name", LOST)
def test_only_a_language_that_lost_the_agreement_of_its_source_is_told_of(name: str) -> None:
    seeds, lost = LOST[name]
    own, filmed, track, made = (speech(3 * FRAMES, seed) for seed in seeds)
    compared = lost_sync(analysis(filmed, 3), made, track, own)
    assert (compared is not None and compared.code == "sync_lost") == lost


class Looked:
    """A detector of regions that hold two numbers: whether a face is seen (if followed, if searched for), and its opening."""

    def __init__(self) -> None:
        self.looks: list[str] = []
        self.closed = False

    def find(self, frame: Any, *, deep: bool = False, known: Sequence[Face] = ()) -> list[Face]:
        del deep, known
        self.looks.append("find")
        return [face(frame)] if frame[0, 0, 1] else []

    def follow(self, frame: Any, faces: Sequence[Face], *, doubting: bool = False) -> list[Face | None]:
        del doubting
        self.looks.append("follow")
        return [face(frame) if frame[0, 0, 0] else None for _ in faces]

    def close(self) -> None:
        self.closed = True


def face(frame: Any) -> Face:
    """Eyes 100 pixels apart, lips as far apart as the region's last number says."""
    points = np.zeros((marks.COUNT, 2))
    points[list(marks.LEFT_EYE)], points[list(marks.RIGHT_EYE)] = (0, 0), (100, 0)
    points[list(marks.LOWER_LIP)] = (50, 60 + int(frame[0, 0, 2]))
    points[list(marks.UPPER_LIP)] = (50, 60)
    return Face(points)


def region(*, followed: bool, found: bool, opening: int) -> np.ndarray:
    return np.array([[[followed, found, opening]]], np.uint8)


# What regions show one after another: whether the face can be followed and found, and what is measured of it.
MEASURED: dict[str, tuple[list[tuple[bool, bool]], list[str], list[bool]]] = {
    "followed from the first on": ([(True, True)] * 3, ["find", "follow", "follow"], [True] * 3),
    "lost and found": ([(True, True), (False, True)], ["find", "follow", "find"], [True, True]),
    "lost": ([(True, True), (False, False), (True, True)], ["find", "follow", "find", "find"], [True, False, True]),
    "never seen": ([(False, False)] * 2, ["find", "find"], [False, False]),
}


@pytest.mark.parametrize("name", MEASURED)
def test_a_mouth_is_followed_and_looked_for_where_it_was_lost(name: str) -> None:
    regions, looks, seen = MEASURED[name]
    detector = Looked()
    with MouthMeter(lambda: detector, film(9)) as meter:
        for frame, (followed, found) in enumerate(regions):
            meter.see(
                frame, lambda a=followed, b=found, c=frame: region(followed=a, found=b, opening=10 + c), 1, doubting=False
            )
    assert detector.looks == looks
    assert detector.closed
    expected = [0.1 + 0.01 * frame if there else np.nan for frame, there in enumerate(seen)]
    np.testing.assert_allclose(meter.opening, [*expected, *[np.nan] * (9 - len(expected))])


# Lengths of shots whose mouths are all repainted, and the frames that are measured.
SPARSE: dict[str, tuple[list[int], list[int]]] = {
    "every frame of a short shot": ([100], list(range(100))),
    "every third of a long one": ([101], list(range(0, 101, 3))),
    "each shot by itself": ([101, 4], [*range(0, 101, 3), *range(101, 105)]),
    "ten seconds of a very long one": ([900], list(range(0, 250, 3))),
}


@pytest.mark.parametrize("name", SPARSE)
def test_long_shots_are_measured_sparsely_and_what_is_not_measured_is_not_shown(name: str) -> None:
    lengths, expected = SPARSE[name]
    shown: list[int] = []

    def show(frame: int) -> np.ndarray:
        shown.append(frame)
        return region(followed=True, found=True, opening=10)

    with MouthMeter(Looked, film(*lengths)) as meter:
        for frame in range(sum(lengths)):
            meter.see(frame, lambda frame=frame: show(frame), 1, doubting=False)
    assert shown == expected
    assert np.flatnonzero(np.isfinite(meter.opening)).tolist() == expected


def test_the_detector_is_closed_when_the_work_fails() -> None:
    detector = Looked()
    with pytest.raises(ZeroDivisionError), MouthMeter(lambda: detector, film(1)):
        raise ZeroDivisionError
    assert detector.closed


def test_what_fails_on_the_meters_thread_fails_the_work() -> None:
    with (
        pytest.raises(IndexError),
        MouthMeter(Looked, film(1)) as meter,
    ):
        meter.see(0, lambda: np.zeros((0, 0, 3), np.uint8), 1, doubting=False)
