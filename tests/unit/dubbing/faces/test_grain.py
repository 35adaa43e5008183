from typing import Any

import cv2
import numpy as np
import pytest

from dubbing.faces.grain import BLOCK, Grain, field, measure

WIDTH = 320
TOP = 0xFFFF


def shaded() -> Any:
    """Skin without a pore: shading alone, float [bands x 16, WIDTH, 3] in code values."""
    y, x = np.mgrid[: 3 * BLOCK, :WIDTH]
    shade = 0.5 + 0.2 * np.sin(x / 90) * np.cos(y / 70)
    return shade[..., None] * np.array([1.0, 0.75, 0.6]) * TOP


def noise(sigma: float, softness: float, seed: int, shared: float) -> Any:
    """Grain of that deviation (of 255), blurred, of which a share is the same in all three channels."""
    rng = np.random.default_rng(seed)
    white = rng.standard_normal((3 * BLOCK, WIDTH, 3))
    mixed = np.sqrt(1 - shared) * white + np.sqrt(shared) * rng.standard_normal((3 * BLOCK, WIDTH, 1))
    soft = cv2.GaussianBlur(mixed, (0, 0), softness) if softness else mixed
    return soft / soft.std() * sigma / 255 * TOP


def bands(picture: Any) -> list[list[Any]]:
    codes = np.clip(picture, 0, TOP).astype(np.uint16)
    return [[codes[i : i + BLOCK, :, c] for c in range(3)] for i in range(0, len(codes), BLOCK)]


def measured(sigma: float, softness: float = 0.0, shared: float = 0.0) -> Grain:
    found = measure(bands(shaded() + noise(sigma, softness, 1, shared)))
    assert found is not None
    return found


def neighbours(picture: Any) -> float:
    """Correlation of neighbouring pixels."""
    flat = picture[..., 1]
    return float(np.corrcoef(flat[:, 1:].ravel(), flat[:, :-1].ravel())[0, 1])


@pytest.mark.parametrize("sigma", [10.0, 25.0])
@pytest.mark.parametrize("softness", [0.0, 0.8])
def test_grain_is_made_again_as_strong_and_as_coarse_as_it_was_filmed(sigma: float, softness: float) -> None:
    made = field(measured(sigma, softness), (WIDTH, 200), 7)
    assert made.shape == (200, WIDTH, 3)
    assert made.std() / TOP * 255 == pytest.approx(sigma, rel=0.2)
    assert neighbours(made) == pytest.approx(neighbours(noise(sigma, softness, 3, 0.0)), abs=0.12)


@pytest.mark.parametrize("shared", [0.0, 0.9])
def test_grain_keeps_its_colour(shared: float) -> None:
    made = field(measured(20.0, 0.0, shared), (WIDTH, 200), 7)
    assert np.corrcoef(made.reshape(-1, 3).T)[0, 1] == pytest.approx(shared, abs=0.12)


def test_a_film_without_grain_gets_none() -> None:
    assert measure(bands(shaded())) is None
    assert measure(bands(shaded() + noise(1.0, 0.0, 1, 0.0))) is None


def test_the_grain_of_edges_is_not_that_of_skin() -> None:
    picture = shaded()
    picture[:, 100:140] *= 0.2
    picture[20:24] *= 1.4
    assert measure(bands(picture)) is None
    noisy = measure(bands(picture + noise(20.0, 0.0, 1, 0.0)))
    assert noisy is not None
    assert field(noisy, (WIDTH, 200), 7).std() / TOP * 255 == pytest.approx(20, rel=0.25)


def features(seed: int) -> Any:
    """A small face as blocks see it: features as large as they are, as soft as a codec leaves them."""
    rng = np.random.default_rng(seed)
    coarse = rng.uniform(0.3, 0.8, (3, 4, 3))
    face = cv2.resize(coarse, (4 * BLOCK, 3 * BLOCK), interpolation=cv2.INTER_LINEAR)
    for _ in range(16):
        at = rng.integers(4, [4 * BLOCK - 4, 3 * BLOCK - 4])
        cv2.ellipse(face, at.tolist(), (7, 2), float(rng.uniform(-20, 20)), 0, 360, rng.uniform(0.1, 0.4, 3).tolist(), -1)
    return cv2.GaussianBlur(face, (0, 0), 1.0) * TOP


@pytest.mark.parametrize("seed", range(12))
def test_features_of_a_small_face_are_no_grain(seed: int) -> None:
    assert measure(bands(features(seed))) is None


@pytest.mark.parametrize("seed", range(4))
def test_fine_grain_on_a_small_face_is_found(seed: int) -> None:
    rng = np.random.default_rng(seed)
    grainy = features(seed) + rng.standard_normal((3 * BLOCK, 4 * BLOCK, 3)) * 25 / 255 * TOP
    assert measure(bands(grainy)) is not None


def test_soft_grain_is_found_where_many_flat_blocks_show_the_same() -> None:
    made = field(measured(12.0, softness=1.0), (WIDTH, 200), 7)
    assert made.std() / TOP * 255 == pytest.approx(12, rel=0.2)


def test_where_too_little_is_seen_there_is_none() -> None:
    assert measure([]) is None
    assert measure([[channel[:, :12] for channel in band] for band in bands(shaded() + noise(20.0, 0.0, 1, 0.0))]) is None
    assert measure(bands(np.zeros_like(shaded()))) is None


def test_the_same_frame_has_the_same_grain_and_the_next_one_another() -> None:
    grain = measured(20.0)
    np.testing.assert_array_equal(field(grain, (64, 64), 3), field(grain, (64, 64), 3))
    assert np.abs(np.corrcoef(field(grain, (64, 64), 3).ravel(), field(grain, (64, 64), 4).ravel())[0, 1]) < 0.05
