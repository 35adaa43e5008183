"""Figures of merit against hand-computed values and slow, plain definitions."""

import numpy as np
import pytest

from lipforcing.contract import mouth_mask
from services.trainer.evaluation.clip import ClipResult
from services.trainer.evaluation.compare import FIGURES, table
from services.trainer.evaluation.features import motion, pooled
from services.trainer.evaluation.run import _add_identity, _distances
from services.trainer.metrics import pictures as metrics
from services.trainer.metrics.mouth_series import MouthSeries
from services.trainer.metrics.sync import REACH, agreement_by_offset, score_of

RNG = np.random.default_rng(0)
EVERYWHERE = np.ones((24, 24), bool)


def noise(frames: int = 3, side: int = 24) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (frames, side, side, 3), np.uint8)


def grey(values: np.ndarray) -> np.ndarray:
    return np.repeat(values.astype(np.uint8)[..., None], 3, axis=-1)


def test_ssim_of_equal_pictures_is_one_and_falls_with_noise() -> None:
    one = noise()
    assert metrics.ssim(one, one) == 1.0
    slightly, much = (np.clip(one + RNG.normal(0, s, one.shape), 0, 255).astype(np.uint8) for s in (5, 60))
    assert 1.0 > metrics.ssim(one, slightly) > metrics.ssim(one, much) > 0


def test_ssim_of_two_flat_pictures_is_what_its_formula_says() -> None:
    one, two = grey(np.full((1, 24, 24), 100)), grey(np.full((1, 24, 24), 120))
    c1 = (0.01 * 255) ** 2
    assert metrics.ssim(one, two) == pytest.approx((2 * 100 * 120 + c1) / (100**2 + 120**2 + c1))


def test_ssim_equals_the_plain_definition_in_the_middle() -> None:
    one, two = grey(RNG.integers(0, 256, (1, 11, 11))), grey(RNG.integers(0, 256, (1, 11, 11)))
    at = np.arange(-5, 6)
    window = np.exp(-(at[:, None] ** 2 + at**2) / (2 * 1.5**2))
    window /= window.sum()
    a, b = one[0, ..., 0].astype(float), two[0, ..., 0].astype(float)
    ma, mb = (window * a).sum(), (window * b).sum()
    va, vb, ab = (window * a * a).sum() - ma**2, (window * b * b).sum() - mb**2, (window * a * b).sum() - ma * mb
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    wanted = (2 * ma * mb + c1) * (2 * ab + c2) / ((ma**2 + mb**2 + c1) * (va + vb + c2))
    middle = np.zeros((11, 11), bool)
    middle[5, 5] = True
    assert metrics.ssim(one, two, middle) == pytest.approx(wanted)


def test_frechet_distance_of_two_normals_is_the_closed_form() -> None:
    one = RNG.normal(0, 1, (20_000, 2)) * [1.0, 2.0]
    two = RNG.normal(0, 1, (20_000, 2)) * [3.0, 2.0] + [5.0, 0.0]
    assert metrics.frechet(one, one) == pytest.approx(0, abs=1e-6)
    assert metrics.frechet(one, two) == pytest.approx(25 + (3 - 1) ** 2, rel=0.03)
    with pytest.raises(ValueError, match="two samples"):
        metrics.frechet(one[:1], two)


def test_frechet_distance_of_fewer_samples_than_dimensions_is_finite() -> None:
    few = RNG.normal(size=(4, 16))
    assert np.isfinite(metrics.frechet(few, few + 1.0))
    assert metrics.frechet(few, few + 1.0) == pytest.approx(16, rel=1e-3)


def test_feature_distance_looks_at_directions_inside_the_mask_only() -> None:
    one = np.zeros((1, 2, 2, 2))
    one[0, 0] = 1.0
    other = one.copy()
    other[0, :, 0, 0] = [0.0, 7.0]
    masks = [np.array([[True, True], [False, False]])]
    assert metrics.feature_distance([one], [one * 9], masks) == 0.0
    assert metrics.feature_distance([one], [other], masks) == pytest.approx(2.0 / 2)
    assert metrics.feature_distance([one], [other], [~masks[0]]) == 0.0


def test_flicker_is_the_ratio_of_second_differences_so_steady_motion_has_none() -> None:
    t = np.arange(10)[:, None, None]
    ramp = grey(np.broadcast_to(5 * t, (10, 24, 24)))
    blink = grey(np.broadcast_to(100 + 20 * (t % 2), (10, 24, 24)))
    less = grey(np.broadcast_to(100 + 10 * (t % 2), (10, 24, 24)))
    assert metrics.flicker(ramp, blink, EVERYWHERE) == 0.0
    assert metrics.flicker(blink, less, EVERYWHERE) == pytest.approx(2.0)


def test_a_jump_where_blocks_meet_is_seen_and_one_elsewhere_is_not() -> None:
    level = np.arange(33)
    joined = np.where(level >= 9, 20, 0) + np.where(level >= 21, 20, 0) + level
    elsewhere = np.where(level >= 12, 20, 0) + level
    for values, wanted in ((joined, 21.0), (elsewhere, 1.0), (level, 1.0)):
        assert metrics.block_seam(grey(np.broadcast_to(values[:, None, None], (33, 24, 24))), EVERYWHERE) == wanted
    assert metrics.block_seam(noise(9), EVERYWHERE) == 1.0


def test_a_step_at_the_border_of_the_region_is_seen() -> None:
    mask = mouth_mask(64)
    source = grey(RNG.integers(98, 102, (2, 64, 64)))
    stepped = source.copy()
    stepped[:, mask] += 40
    assert metrics.edge_seam(source, source, mask) == 1.0
    assert metrics.edge_seam(stepped, source, mask) > 1.5


def shapes(people: int = 4) -> np.ndarray:
    return RNG.normal(size=(people, 30, 2))


def moved(shape: np.ndarray, angle: float, scale: float) -> np.ndarray:
    c, s = np.cos(angle), np.sin(angle)
    return shape @ np.array([[c, s], [-s, c]]) * scale + [100.0, 50.0]


def test_a_shape_is_the_same_wherever_the_head_is() -> None:
    shape = shapes(1)[0]
    track = np.array([moved(shape, angle, scale) for angle, scale in ((0.0, 1.0), (0.3, 2.0), (-0.5, 40.0))])
    still = metrics.mean_shape(track[:1])
    assert np.allclose(metrics.mean_shape(track), still)
    assert np.allclose(metrics.mean_shape(np.concatenate([track, np.full((1, 30, 2), np.nan)])), still)
    assert np.isnan(metrics.mean_shape(np.full((2, 30, 2), np.nan))).all()


def test_identity_is_one_for_the_same_people_and_not_for_others() -> None:
    true = np.array([metrics.mean_shape(shape[None]) for shape in shapes(6)])
    turned = np.array([metrics.mean_shape(moved(shape, 0.4, 3.0)[None]) for shape in true])
    assert metrics.shape_identity(turned, true) == pytest.approx(np.ones(6))
    assert metrics.shape_identity(np.roll(true, 1, axis=0), true).mean() < 0.3


def judged(shapes_of: tuple[np.ndarray, np.ndarray], looks: tuple[np.ndarray, np.ndarray]) -> ClipResult:
    nothing = np.zeros((4, 10)), np.zeros((4, 10))
    return ClipResult({}, {}, (np.zeros(3), np.zeros(3)), shapes_of, looks, nothing)


def test_identity_is_that_of_aligned_faces_wherever_and_however_large_they_are_in_the_frame() -> None:
    """On whole frames, who sits at the same place counts as the same person, and who moved as another."""
    people, still = shapes(6), (RNG.normal(size=(5, 3)), RNG.normal(size=(5, 3)))

    def track(shape: np.ndarray, places: np.ndarray) -> np.ndarray:
        return np.array([moved(shape, 0.2 * at, 1.0 + at) + 300.0 * at for at in places])

    true = [metrics.mean_shape(track(shape, np.zeros(4))) for shape in people]
    elsewhere = [metrics.mean_shape(track(shape, np.arange(4.0))) for shape in people]
    others_there = [metrics.mean_shape(track(shape, np.zeros(4))) for shape in np.roll(people, 1, axis=0)]
    same, strangers = ([judged(pair, still) for pair in zip(made, true, strict=True)] for made in (elsewhere, others_there))
    _add_identity(same)
    _add_identity(strangers)
    assert min(clip.values["identity"] for clip in same) > 0.999
    assert np.mean([clip.values["identity"] for clip in strangers]) < 0.3


def test_a_frechet_distance_is_one_over_all_clips_and_says_how_many_samples_carry_it() -> None:
    """Clip by clip, a few dozen samples would stand for a distribution of many dimensions; here each is the other's truth."""
    one, two = RNG.normal(0, 1, (40, 3)), RNG.normal(5, 1, (40, 3))
    shape = shapes(1)[0]
    found = _distances([judged((shape, shape), looks) for looks in ((one, two), (two, one))])["codec_feature_frechet"]
    assert found == {"value": pytest.approx(0, abs=1e-6), "samples": 80, "dimensions": 3, "full_rank": True}
    assert np.mean([metrics.frechet(one, two), metrics.frechet(two, one)]) > 50
    few = _distances([judged((shape, shape), (one[:2], two[:2]))])["codec_feature_frechet"]
    assert few["full_rank"] is False


def test_an_interval_holds_the_mean_is_seeded_and_leaves_gaps_out() -> None:
    values = RNG.normal(3.0, 1.0, 50)
    low, high = metrics.interval(values.tolist())
    assert low < values.mean() < high
    assert (low, high) == metrics.interval([*values.tolist(), float("nan")])
    assert np.isnan(metrics.interval([float("nan")])).all()
    assert metrics.interval([2.0, 2.0]) == (2.0, 2.0)


@pytest.mark.parametrize("late", [-6, 0, 4])
def test_the_offset_is_by_how_much_the_mouth_is_late(late: int) -> None:
    said = np.convolve(np.random.default_rng(3).random(120), np.ones(5) / 5, "same")
    score = score_of(agreement_by_offset(np.roll(said, late)[20:101], said[20:101]))
    assert score.offset == late
    assert score.distance < (1e-9 if late == 0 else 0.25)
    assert score.confidence > 0.6


def test_frames_without_a_partner_and_unknown_ones_count_as_average() -> None:
    seen, said = np.random.default_rng(4).random(33), np.random.default_rng(5).random(33)
    seen[10] = np.nan
    a = np.nan_to_num((seen - np.nanmean(seen)) / (np.nanstd(seen) * np.sqrt(32)))
    b = (said - said.mean()) / (said.std() * np.sqrt(33))
    wanted = [sum(a[i + offset] * b[i] for i in range(33) if 0 <= i + offset < 33) for offset in range(-REACH, REACH + 1)]
    assert agreement_by_offset(seen, said) == pytest.approx(wanted)


def test_a_mouth_that_does_not_move_agrees_with_nothing() -> None:
    score = score_of(agreement_by_offset(np.full(81, 0.2), RNG.random(81)))
    assert score == (0.0, 1.0, 0)
    assert len(agreement_by_offset(np.ones(81), np.ones(81))) == 2 * REACH + 1


def test_pooled_features_see_the_mouth_region_only_and_motion_leaves_gaps_out() -> None:
    fine, coarse = np.zeros((2, 1, 32, 32)), np.zeros((2, 3, 16, 16))
    coarse[:, :, mouth_mask(16)] = 2.0
    coarse[:, :, ~mouth_mask(16)] = 9.0
    assert np.array_equal(pooled([fine, coarse]), np.full((2, 3), 2.0))
    opening = np.arange(8.0)
    opening[2] = np.nan
    windows = motion(MouthSeries(opening, np.arange(8.0)))
    assert windows.tolist() == [[3, 4, 5, 6, 7, 3, 4, 5, 6, 7]]


def clips(**changes: float) -> list[dict[str, float]]:
    rows = np.random.default_rng(5).normal(1.2, 0.05, (12, len(FIGURES)))
    return [
        {figure.name: float(value) + changes.get(figure.name, 0.0) for figure, value in zip(FIGURES, row, strict=True)}
        for row in rows
    ]


def test_a_model_is_better_or_worse_by_each_figures_own_direction() -> None:
    rows = {row.figure.name: row for row in table(clips(r_open=0.1, sync_distance=0.1, flicker=0.1, ssim_face=1e-9), clips())}
    assert rows["r_open"].verdict == "better"
    assert rows["sync_distance"].verdict == "worse"
    assert rows["flicker"].verdict == "worse"
    assert rows["identity"].verdict == "equal"
    assert rows["r_open"].difference == pytest.approx((0.1, 0.1))
    assert rows["r_open"].new - (rows["r_open"].old or 0) == pytest.approx(0.1)


def test_without_an_incumbent_there_is_no_verdict_and_other_clips_cannot_be_compared() -> None:
    assert {row.verdict for row in table(clips())} == {""}
    with pytest.raises(ValueError, match="12 clips"):
        table(clips(), clips()[:3])
