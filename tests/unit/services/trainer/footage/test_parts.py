"""The parts of data preparation that need no film: grid, plans, quality, doubles, splits, order of workers."""

import os
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from footage_workers import dies_on_bad

from dubbing.domain.findings import FrameRange
from dubbing.errors import LeakedReference
from services.trainer.footage import workers
from services.trainer.footage.conform import Sound, conform, loudness
from services.trainer.footage.duplicates import Seen, Signature, doubles, perceptual_hash
from services.trainer.footage.heldout import Speaker, language_name, speaker_of, split_of_speaker
from services.trainer.footage.plan import CLIP_FRAMES, GAP, filled, gap_between, plan_clips
from services.trainer.footage.quality import Limits, blurred, geometry_fault, jitter, pose
from services.trainer.footage.shards import ShardEntry, read_shard, stage, wav_bytes, write_shard
from services.trainer.footage.source import SourceTask, common_offset
from synthetic.splits import Split, split_of


def steady(rate: Fraction, frames: int) -> list[Fraction]:
    return [i / rate for i in range(frames)]


def test_footage_at_25_frames_passes_as_it_is() -> None:
    assert conform(steady(Fraction(25), 50), Fraction(2)) == list(range(50))


def test_50_frames_become_every_second_one_and_24_repeat_one_a_second() -> None:
    assert conform(steady(Fraction(50), 100), Fraction(2)) == list(range(0, 100, 2))
    slow = conform(steady(Fraction(24), 48), Fraction(2))
    assert (len(slow), len(set(slow))) == (50, 48)


@pytest.mark.parametrize("rate", [Fraction(24000, 1001), Fraction(30000, 1001), Fraction(60)])
def test_no_picture_is_more_than_half_an_interval_from_its_time(rate: Fraction) -> None:
    frames = 300
    times = steady(rate, frames)
    grid = conform(times, frames / rate)
    assert len(grid) == int(frames / rate * 25)
    apart = [abs(times[shown] - Fraction(i, 25)) for i, shown in enumerate(grid)]
    assert max(apart[:-1]) <= 1 / rate / 2


def test_a_rate_that_only_averages_25_does_not_drift() -> None:
    times = steady(Fraction(20), 20) + [1 + i / Fraction(30) for i in range(30)]
    grid = conform(times, Fraction(2))
    assert max(abs(times[shown] - Fraction(i, 25)) for i, shown in enumerate(grid)) <= Fraction(1, 40)


def test_sound_is_cut_on_the_pictures_clock_and_silent_where_there_is_none() -> None:
    sound = Sound(np.arange(1, 6_401, dtype=np.int16), lead=100)
    assert sound.cut(0, 1).tolist() == [0] * 100 + list(range(1, 541))
    assert sound.cut(2, 1)[0] == 1_281 - 100
    assert sound.cut(3, 1, late=1)[0] == sound.cut(2, 1)[0]
    assert sound.cut(20, 2).tolist() == [0] * 1_280
    assert len(sound.cut(4, 2, margin=10)) == 1_300


def test_loudness_of_full_scale_and_of_silence() -> None:
    assert loudness(np.full(100, 16_384, np.int16)) == pytest.approx(-6.02, abs=0.01)
    assert loudness(np.zeros(100, np.int16)) == -100


def test_clips_follow_each_other_and_their_references_lie_farthest_away() -> None:
    plans = plan_clips(FrameRange(start=10, end=10 + 3 * 81 + 5))
    assert [plan.clip.start for plan in plans] == [10, 91, 172]
    assert [(p.reference.start, p.reference.end) for p in plans if p.reference] == [(177, 258), (197, 258), (10, 91)]


@pytest.mark.parametrize("length", range(81, 400, 7))
def test_a_reference_is_a_second_away_from_its_clip_or_there_is_none(length: int) -> None:
    for plan in plan_clips(FrameRange(start=0, end=length)):
        assert len(plan.clip) == CLIP_FRAMES
        assert plan.reference is None or gap_between(plan.clip, plan.reference) >= GAP
    assert (plan_clips(FrameRange(start=0, end=length))[0].reference is None) == (length < 81 + 25 + 25)


def test_a_short_reference_runs_to_and_fro() -> None:
    assert filled(FrameRange(start=5, end=8), 7) == [5, 6, 7, 6, 5, 6, 7]


def face(turn: float = 0.0, nod: float = 0.0, frames: int = 30) -> np.ndarray:
    """Brows 40 pixels apart, and a nose."""
    return np.tile(np.array([[80.0, 100.0], [120.0, 100.0], [100 + 40 * turn, 100 + 40 * (0.69 + nod)]]), (frames, 1, 1))


def test_pose_is_read_off_brows_and_nose_whatever_the_roll() -> None:
    turned = face(0.2, 0.1)
    c, s = np.cos(0.5), np.sin(0.5)
    assert pose(turned) == pytest.approx((0.2, 0.1))
    assert pose(turned @ np.array([[c, s], [-s, c]])) == pytest.approx((0.2, 0.1))


@pytest.mark.parametrize(
    ("anchors", "eyes", "fault"),
    [
        (face(), 30.0, None),
        (face(), 10.0, "small"),
        (face(turn=0.4), 30.0, "pose"),
        (face(nod=-0.4), 30.0, "pose"),
        (face() + np.random.default_rng(0).normal(0, 2.0, (30, 3, 2)), 30.0, "unsteady"),
    ],
)
def test_the_first_limit_that_is_broken_is_named(anchors: np.ndarray, eyes: float, fault: str | None) -> None:
    assert geometry_fault(anchors, eyes, Limits()) == fault


def test_a_head_that_moves_smoothly_does_not_tremble() -> None:
    t = np.arange(30)[:, None, None]
    assert jitter(face() + 0.02 * t * t) < 1e-9


def test_what_is_out_of_focus_is_blurred_at_any_contrast() -> None:
    rng = np.random.default_rng(1)
    sharp = cv2.resize(rng.integers(0, 255, (6, 6, 3), np.uint8), (128, 128), interpolation=cv2.INTER_NEAREST)
    soft = cv2.GaussianBlur(sharp, (0, 0), 3)
    pale = (soft // 2 + 60).astype(np.uint8)
    assert not blurred(sharp[None], Limits())
    assert blurred(soft[None], Limits())
    assert blurred(pale[None], Limits())


def moving(seed: int) -> tuple[float, ...]:
    rng = np.random.default_rng(seed)
    return tuple(np.convolve(rng.random(90), np.ones(5) / 5, "valid")[:81].tolist())


def test_the_same_moment_is_a_double_also_when_it_was_cut_two_frames_later() -> None:
    first, looks = moving(1), 0x123456789ABCDEF0
    later = (*first[2:], 0.3, 0.4)
    assert doubles(Signature(looks, first), Signature(looks ^ 0b111, later))


def test_the_same_face_at_another_time_and_another_face_are_no_doubles() -> None:
    seen = Seen()
    assert seen.add(Signature(0, moving(1)))
    assert seen.add(Signature(0, moving(2)))
    assert seen.add(Signature((1 << 20) - 1, moving(1)))
    assert not seen.add(Signature(1, moving(2)))


def test_many_clips_are_remembered() -> None:
    seen, rng = Seen(), np.random.default_rng(0)
    marks = [Signature(int(rng.integers(0, 2**63)), moving(i)) for i in range(300)]
    assert all(seen.add(mark) for mark in marks)
    assert not any(seen.add(mark) for mark in marks)


def test_a_perceptual_hash_survives_scaling_and_noise_and_not_another_picture() -> None:
    rng = np.random.default_rng(2)
    one, two = (cv2.GaussianBlur(rng.integers(0, 255, (128, 128, 3), np.uint8), (0, 0), 9) for _ in range(2))
    noisy = np.clip(cv2.resize(one, (96, 96)).astype(int) + rng.integers(-6, 6, (96, 96, 3)), 0, 255).astype(np.uint8)
    assert (perceptual_hash(one) ^ perceptual_hash(noisy)).bit_count() <= 6
    assert (perceptual_hash(one) ^ perceptual_hash(two)).bit_count() > 20


def test_an_offset_is_a_sources_own_only_where_its_clips_agree() -> None:
    assert common_offset([3, 3, 4, 2, 3]) == 3
    assert common_offset([3, -5, 9, 0]) == 0
    assert common_offset([4, 4]) == 0


def name_in(kind: str, split: Split) -> str:
    return next(name for name in map(str, range(1_000)) if split_of(kind, name) is split)


def test_anything_held_out_holds_the_sample_out() -> None:
    known = {kind: name_in(kind, Split.TRAIN) for kind in ("identity", "voice", "language")}
    assert split_of_speaker(Speaker(**known)) == (Split.TRAIN, ())
    for kind in known:
        for split in (Split.DEV, Split.TEST):
            assert split_of_speaker(Speaker(**{**known, kind: name_in(kind, split)})) == (split, (kind,))
    both = {**known, "voice": name_in("voice", Split.DEV), "language": name_in("language", Split.TEST)}
    assert split_of_speaker(Speaker(**both)) == (Split.TEST, ("voice", "language"))
    assert split_of_speaker(Speaker(known["identity"], known["voice"], "und"))[0] is Split.TRAIN


def test_a_language_is_split_like_the_generated_speakers_that_have_it() -> None:
    assert language_name("it-CH") == "it"
    assert language_name("en") == language_name("en-GB") == "en-us"
    assert language_name("xx-YY") == "xx-yy"


def test_a_speaker_is_named_by_the_folder_or_by_the_file(tmp_path: Path) -> None:
    assert speaker_of(tmp_path / "anna" / "b" / "c.mp4", tmp_path) == Speaker("anna", "anna", "und")
    assert speaker_of(tmp_path / "c.mp4", tmp_path) == Speaker("c", "c", "und")


def test_a_shard_has_the_same_bytes_each_time_and_a_leaked_reference_is_refused(tmp_path: Path) -> None:
    media = {"target.mkv": b"t", "reference.mkv": b"r", "wav": wav_bytes(np.zeros(640, np.int16))}
    sample = stage("k", media, {"clip": [0, 81], "reference": [80, 120]})
    first, second = (write_shard(tmp_path / name, [sample]) for name in "ab")
    assert first == second
    with pytest.raises(LeakedReference) as caught:
        list(read_shard(tmp_path / "a", ShardEntry("s.tar", *first)))
    assert caught.value.where == {"shard": "s.tar", "sample": "k"}


def test_a_source_that_ends_its_process_costs_only_itself(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(workers, "_examine", dies_on_bad)
    tasks = [SourceTask(tmp_path / name, name, 128, Limits(), tmp_path) for name in ("bad", "good")]
    found = list(workers.examine_all(tasks, workers.Tools(tmp_path, tmp_path), 2))
    assert [one.frames for one in found] == [0, ord("g")]
    assert found[0].error is not None
    assert found[0].error["code"] == "crashed"
    assert os.getpid() not in {one.shift for one in found}
