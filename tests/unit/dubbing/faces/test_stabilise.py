import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d
from shaken import EYES, FACE, Array, drawn, path, place, seen

from dubbing.faces.align import crop_transform, crop_transforms, pose_of
from dubbing.faces.motion import FaceMotion, Motion
from dubbing.faces.stabilise import filled, smoothed, stabilised

FRAMES = 50
ERROR = 0.005 * EYES  # of landmarks, in pixels, frame by frame and over half a second each: as MediaPipe's
PICTURE = drawn()
AT = np.arange(FRAMES)


def wave(hertz: float, late: float = 0.0) -> Array:
    return np.sin(2 * np.pi * hertz * AT / 25 + late)


# Pixels are those of a picture in which the eyes are 60 apart; of one of 1080 lines with a face of 180, three times as many.
CAMERAS = {
    "still": path(FRAMES),
    "pan": path(FRAMES, x=3 * np.abs(AT % 40 - 20.0) - 30),
    "zoom": path(FRAMES, zoom=1 + 0.2 * np.clip(1.5 * wave(0.5), -1, 1)),
    "shake": path(FRAMES, x=0.7 * wave(7.6, 1.0), y=1.4 * wave(7.6)),
    "violent shake": path(FRAMES, x=12 * np.sin(1.9 * AT), y=12 * np.cos(2.3 * AT)),
    "walk": path(FRAMES, x=3 * wave(1), y=4 * wave(2), zoom=1 + 0.004 * wave(2, 1.0), roll=np.radians(1.2) * wave(1, 0.7)),
    "bump": path(FRAMES, y=4 * np.exp(-(AT - 10) / 2) * np.cos(1.6 * (AT - 10)) * (AT >= 10)),
    "one frame": path(FRAMES, y=4.0 * (AT == 20)),
    "step": path(FRAMES, y=4.0 * (AT // 12 % 2)),
}


def landmarks(cameras: Array, seed: int = 0) -> tuple[Array, Array]:
    """Brows and nose as they are, and as landmarks that err see them."""
    truth = np.stack([place(matrix) for matrix in cameras])
    quick, slow = np.random.default_rng(seed).normal(0, ERROR, (2, *truth.shape))
    slow = gaussian_filter1d(slow, 6, axis=0)
    return truth, truth + quick + slow * (ERROR / slow.std())


def followed(cameras: Array, anchors: Array) -> Motion:
    motion = FaceMotion()
    for frame, (matrix, points) in enumerate(zip(cameras, anchors, strict=True)):
        motion.see(frame, seen(PICTURE, matrix, frame), points)
    return motion.through(0, len(cameras))


def unknown(frames: int) -> Motion:
    return Motion(np.full((frames, 2, 3), np.nan), np.arange(frames))


def displaced(matrices: Array, truth: Array) -> Array:
    """How far the face stands off its mean place in the crop, in pixels of the frame, [V, 3, 2]."""
    inside = np.stack([place(matrix, points) for matrix, points in zip(matrices, truth, strict=True)])
    return (inside - inside.mean(axis=0)) @ np.linalg.inv(crop_transform(FACE, 128)[:, :2]).T


def tremble(off: Array) -> float:
    """From one frame to the next and back."""
    return float(np.sqrt(np.square(np.diff(off.mean(axis=1), 2, axis=0)).mean() / 6))


@pytest.mark.parametrize("name", CAMERAS)
def test_a_face_stands_still_in_its_crop_whatever_the_camera_does(name: str) -> None:
    truth, seen_at = landmarks(CAMERAS[name])
    off = displaced(crop_transforms(stabilised(seen_at, followed(CAMERAS[name], seen_at)), 128), truth)
    error = np.hypot(off[..., 0], off[..., 1])
    before = displaced(smoothed(pose_of(seen_at)).transforms(128), truth)
    assert np.median(error) <= 0.1
    assert np.percentile(error, 99) <= 0.33
    assert tremble(off) <= tremble(before)


def test_landmarks_smoothed_alone_do_not_follow_a_shake() -> None:
    truth, _ = landmarks(CAMERAS["shake"])
    off = displaced(smoothed(pose_of(truth)).transforms(128), truth)
    assert np.hypot(off[..., 0], off[..., 1]).max() > 1


def test_where_no_picture_tells_the_motion_that_of_landmarks_is_followed() -> None:
    truth, seen_at = landmarks(CAMERAS["walk"])
    off = displaced(crop_transforms(stabilised(seen_at, unknown(FRAMES)), 128), truth)
    raw = displaced(crop_transforms(seen_at, 128), truth)
    assert off.std() < raw.std()
    assert tremble(off) < 0.6 * tremble(raw)


def test_a_jump_that_no_picture_tells_is_not_smeared() -> None:
    """As where a shot goes on after a flash, and the camera went on meanwhile."""
    cameras = np.concatenate([path(25), path(25, x=30)])
    truth, seen_at = landmarks(cameras)
    parts = [followed(cameras[a : a + 25], seen_at[a : a + 25]) for a in (0, 25)]
    motion = Motion(
        np.concatenate([part.steps for part in parts]), np.concatenate([parts[0].references, parts[1].references + 25])
    )
    error = np.abs(stabilised(seen_at, motion) - truth)
    assert np.abs(seen_at - truth).max() > 1  # what landmarks err
    assert error.max() < 1


def test_size_and_roll_tremble_less_than_pictures_tell_them() -> None:
    known = path(FRAMES, *np.random.default_rng(0).normal([[0], [0], [1], [0]], [[0], [0], [0.002], [0.002]], (4, FRAMES)))
    whole = np.concatenate([known, np.broadcast_to([[0.0, 0.0, 1.0]], (FRAMES, 1, 3))], axis=1)
    steps = np.concatenate([np.full((1, 2, 3), np.nan), (whole[1:] @ np.linalg.inv(whole[:-1]))[:, :2]])
    anchors = np.stack([place(matrix) for matrix in known])
    before, after = pose_of(anchors), pose_of(stabilised(anchors, Motion(steps, np.zeros(FRAMES, np.int64))))
    for name in ("log_scale", "angle"):
        one, other = (np.diff(getattr(pose, name), 2).std() for pose in (before, after))
        assert other < 0.6 * one


@pytest.mark.parametrize("frames", [1, 2, 3, 4, 5, 6, 16])
def test_steady_motion_is_kept_exactly_for_any_length(frames: int) -> None:
    way = FACE + np.arange(frames)[:, None, None] * [3.3, -1.7]
    np.testing.assert_allclose(stabilised(way, unknown(frames)), way, atol=1e-6)
    np.testing.assert_allclose(smoothed(pose_of(way)).transforms(128), crop_transforms(way, 128), atol=1e-6)


def test_the_roll_of_a_face_that_turns_over_is_smoothed_across_the_half_turn() -> None:
    way = np.stack([place(matrix) for matrix in path(21, roll=np.linspace(np.pi - 0.3, np.pi + 0.3, 21))])
    np.testing.assert_allclose(smoothed(pose_of(way)).transforms(128), crop_transforms(way, 128), atol=0.01)
    np.testing.assert_allclose(stabilised(way, unknown(21)), way, atol=0.05)


def test_a_face_is_where_pictures_put_it_in_frames_without_landmarks() -> None:
    truth, _ = landmarks(CAMERAS["bump"])
    motion = followed(CAMERAS["bump"], truth)
    every, looked = AT, AT[::2]
    np.testing.assert_allclose(filled(every, looked, truth[looked], motion), truth, atol=0.2)


def test_in_a_gap_without_pictures_a_face_moves_on_a_straight_line() -> None:
    way = FACE + np.arange(10)[:, None, None] * [2.0, 1.0]
    looked = np.array([0, 1, 2, 6, 7, 8, 9])
    np.testing.assert_allclose(filled(np.arange(10), looked, way[looked], unknown(10)), way, atol=1e-9)
