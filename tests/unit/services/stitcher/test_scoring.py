"""What the receipt says of mouths and sound: only what differs from chance."""

from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

import numpy as np

from dubbing.domain.analysis import Analysis, TrackPath
from dubbing.domain.faces import FaceTrack, Shot
from dubbing.domain.media import VideoInfo
from dubbing.domain.receipt import Receipt, ShotScore, SyncMeasure, SyncNetScore
from services.stitcher.scoring import score
from services.stitcher.syncnet import with_syncnet

SHOTS = 20
FRAMES = 250


def speech(frames: int, seed: int) -> np.ndarray:
    return np.convolve(np.random.default_rng(seed).standard_normal(frames + 4), np.ones(5) / 5, "valid")


def analysis(before: np.ndarray) -> Analysis:
    """Shots of ten seconds, one face in each."""
    shots = tuple(Shot(index=i, start=i * FRAMES, end=(i + 1) * FRAMES) for i in range(SHOTS))
    tracks = [FaceTrack(index=one.index, shot=one.index, start=one.start, end=one.end, size=60) for one in shots]
    paths = tuple(
        TrackPath(track=t, anchors=((0.0,) * 6,) * len(t), opening=tuple(before[t.start : t.end].tolist())) for t in tracks
    )
    video = VideoInfo(codec="h264", width=64, height=64, fps=Fraction(25), frames=SHOTS * FRAMES, pixel_format="yuv420p")
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
    told = 0
    for seed in range(5):
        found = score(
            analysis(speech(SHOTS * FRAMES, seed)), speech(SHOTS * FRAMES, 100 + seed), speech(SHOTS * FRAMES, 200 + seed)
        )
        told += sum(one.agreement is not None for one in found.shots)
    assert told <= 1  # one shot in twenty would be 5


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
