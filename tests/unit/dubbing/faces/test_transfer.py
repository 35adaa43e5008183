from typing import Any

import numpy as np
import pytest

from dubbing.faces.transfer import TransferCurve

TRANSFERS = ["bt709", "iec61966-2-1", "gamma22", "gamma28", "linear", "smpte2084", "arib-std-b67", None]


@pytest.mark.parametrize("transfer", TRANSFERS)
def test_every_eight_bit_code_survives_the_way_to_light_and_back(transfer: str | None) -> None:
    codes = np.arange(256, dtype=np.uint8).reshape(16, 16)
    light = TransferCurve(transfer)
    np.testing.assert_array_equal(light.encode(light.decode(codes), np.uint8), codes)


@pytest.mark.parametrize("transfer", TRANSFERS)
def test_sixteen_bit_codes_return_within_a_quarter_of_a_ten_bit_step(transfer: str | None) -> None:
    codes = np.arange(65536).astype(np.uint16)
    light = TransferCurve(transfer)
    back = light.encode(light.decode(codes), np.uint16)
    assert np.abs(back.astype(int) - codes).max() <= 16


@pytest.mark.parametrize(
    ("transfer", "code", "light"),
    [
        ("bt709", 0.5, 0.2596),
        ("iec61966-2-1", 0.5, 0.2140),
        ("smpte2084", 0.5, 0.2596),  # as a student sees it
        ("arib-std-b67", 0.5, 1 / 12),
        ("linear", 0.5, 0.5),
        ("unknown", 0.5, 0.2596),
    ],
)
def test_light_follows_the_standards(transfer: str, code: float, light: float) -> None:
    picture: Any = np.array([[round(code * 65535)]], np.uint16)
    assert TransferCurve(transfer).decode(picture)[0, 0] == pytest.approx(light, rel=5e-3)


def test_light_beyond_the_range_is_clipped() -> None:
    beyond = np.array([-0.5, 0.0, 1.0, 7.0], np.float32)
    assert TransferCurve("bt709").encode(beyond, np.uint8).tolist() == [0, 0, 255, 255]
