"""Mouths measured by the product's own landmarks agree with the drawn ones."""

import numpy as np
import pytest
from places import LANDMARKER

from dubbing.faces.detector import MediaPipeDetector
from services.trainer.metrics.mouth_series import best_lag, correlation, mouth_series
from synthetic.scene import scene
from synthetic.splits import Split


def test_lag_is_positive_when_the_measured_series_comes_later() -> None:
    truth = np.random.default_rng(0).normal(size=60).cumsum()
    assert best_lag(np.roll(truth, 3), truth) == 3
    assert best_lag(np.roll(truth, -2), truth) == -2
    assert best_lag(truth, truth) == 0


def test_correlation_leaves_out_frames_without_a_face_and_is_zero_without_motion() -> None:
    a = np.array([0.0, 1.0, np.nan, 3.0])
    assert correlation(a, np.array([0.0, 1.0, 50.0, 3.0])) == pytest.approx(1.0)
    assert correlation(a, np.ones(4)) == 0.0


def test_too_few_frames_for_a_lag_are_refused() -> None:
    with pytest.raises(ValueError, match="too few"):
        best_lag(np.zeros(8), np.zeros(8))


@pytest.mark.slow
@pytest.mark.parametrize("seed", [502, 507])
def test_landmarks_follow_the_drawn_mouth(seed: int) -> None:
    one = scene(Split.TEST, seed, 40)
    controls = one.target_controls()
    truth = one.shot.truth(controls).astype(np.float64)
    with MediaPipeDetector(LANDMARKER) as detector:
        seen = mouth_series((frame for (frame,) in one.shot.shoot(controls)), detector)
        both = mouth_series((frame for (frame,) in one.shot.shoot(controls)), detector, mirrored=True)
    assert seen.found == both.found == 1.0
    assert correlation(both.opening, truth[:, 0]) > correlation(seen.opening, truth[:, 0]) - 0.003
    assert correlation(both.width, truth[:, 1]) > correlation(seen.width, truth[:, 1]) - 0.01
    assert correlation(seen.opening, truth[:, 0]) > 0.95
    assert correlation(seen.width, truth[:, 1]) > 0.85
    assert best_lag(seen.opening, truth[:, 0], 3) == 0
