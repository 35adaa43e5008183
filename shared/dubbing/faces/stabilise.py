"""A steady place for a face: landmarks say where it is, pictures how it moves.

Landmarks tremble by half a percent of the distance between the eyes, and a crop that trembles makes a mouth that does. Smoothed
over time they would no longer follow a hand that shakes, a bump, a step or a zoom. So they are smoothed in the face's own
frame: carried by the motion that the pictures tell into the first frame, where they would all fall together if they did not
err, and back. Whatever the motion, only their error is averaged (a complementary filter).

V stands for frames.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from dubbing.faces.align import Matrix, Points, Pose, pose_of
from dubbing.faces.motion import Motion

_WINDOW: Final = 25  # frames over which a face that turns or speaks may change what its landmarks mean
_CALM_WINDOW: Final = 5  # frames over which size and roll are smoothed that pictures tell
# Of landmarks alone: the face's place moves fast, its size and roll slowly.
_PLACE_WINDOW: Final = 7
_SHAPE_WINDOW: Final = 15
_NOISE: Final = 0.015  # of the distance between the eyes: what moves by more is no error of landmarks


def stabilised(anchors: Points, motion: Motion) -> Points:
    """Brows and nose of one track without the landmarks' tremble, and without lag.

    In frames that show the same face as one reference, they are at the same place of it: the mean. From reference to reference
    they follow local lines (Savitzky and Golay, 1964). Motion at constant velocity is kept exactly. Size and roll, which move a
    mouth that lies far below, are smoothed over five frames after that.

    Args:
        anchors: float64 [V, 3, 2], of V >= 1 consecutive frames of one track.
        motion: of the same frames. Where no picture tells it, it is that of the landmarks, smoothed.

    Returns:
        float64 [V, 3, 2].
    """
    carried = Motion(_completed(motion.steps, anchors), motion.references).carried()
    still = moved(_back(carried), anchors)
    _, shown = np.unique(motion.references, return_inverse=True)
    sums = np.zeros((shown.max() + 1, 3, 2))
    np.add.at(sums, shown, still)
    still = (sums / np.bincount(shown)[:, None, None])[shown]
    return _calmed(moved(carried, _local(still, _WINDOW, 1)))


def _calmed(anchors: Points) -> Points:
    """The same places, with size and roll smoothed: pictures tell these less exactly than the place."""
    pose = pose_of(anchors)
    calm = Pose(pose.centre, _local(pose.log_scale, _CALM_WINDOW, 2), _local(np.unwrap(pose.angle), _CALM_WINDOW, 2))
    whole = np.tile(np.eye(3), (2, len(anchors), 1, 1))
    whole[0, :, :2], whole[1, :, :2] = pose.similarities(), calm.similarities()
    return moved(_back(whole[1]) @ whole[0], anchors)


def filled(frames: NDArray[np.intp], seen: NDArray[np.intp], anchors: Points, motion: Motion) -> Points:
    """Brows and nose in every frame: where they were not looked for, on straight lines in the face's own frame.

    Args:
        frames: [V], consecutive.
        seen: [S], those in which they were looked for.
        anchors: float64 [S, 3, 2].
        motion: of all frames.

    Returns:
        float64 [V, 3, 2].
    """
    carried = motion.carried()
    still = moved(_back(carried[seen - frames[0]]), anchors).reshape(len(seen), 6)
    between = np.stack([np.interp(frames, seen, column) for column in still.T], axis=-1)
    return moved(carried, between.reshape(len(frames), 3, 2))


def moved(matrices: Matrix, points: Points) -> Points:
    """Points [V, N, 2] through one matrix [V, 3, 3] each."""
    return np.asarray(np.einsum("vij,vnj->vni", matrices[:, :2, :2], points) + matrices[:, None, :2, 2])


def _back(matrices: Matrix) -> Matrix:
    return np.asarray(np.linalg.inv(matrices), np.float64)


def smoothed(pose: Pose) -> Pose:
    """Poses from landmarks alone, smoothed by local quadratic fits, which follow motion at constant acceleration exactly."""
    return Pose(
        _local(pose.centre, _PLACE_WINDOW, 2),
        _local(pose.log_scale, _SHAPE_WINDOW, 2),
        _local(np.unwrap(pose.angle), _SHAPE_WINDOW, 2),
    )


def _completed(steps: Matrix, anchors: Points) -> Matrix:
    """The steps, with those that no picture tells taken from landmarks."""
    unknown = np.asarray(np.isnan(steps).any(axis=(1, 2)))
    unknown[0] = False
    if not unknown.any():
        return steps
    whole = np.tile(np.eye(3), (len(steps), 1, 1))
    whole[:, :2] = _followed(pose_of(anchors)).similarities()
    own = _back(whole[1:]) @ whole[:-1]
    completed = steps.copy()
    completed[unknown] = own[unknown[1:], :2]
    return completed


def _followed(pose: Pose) -> Pose:
    """The smoothed poses, and the landmarks' own where the two are further apart than landmarks err.

    The weight is a Wiener filter's for the local residual (as of Lee, 1980), so that nothing is smeared that moves suddenly.
    """
    smooth = smoothed(pose)
    raw = pose._replace(angle=np.unwrap(pose.angle))
    off = np.hypot(*(raw.centre - smooth.centre).T) / pose.eyes
    off = np.maximum(off, np.hypot(raw.log_scale - smooth.log_scale, raw.angle - smooth.angle))
    trust = off**2 / (off**2 + _NOISE**2)
    return Pose(
        smooth.centre + trust[:, None] * (raw.centre - smooth.centre),
        smooth.log_scale + trust * (raw.log_scale - smooth.log_scale),
        smooth.angle + trust * (raw.angle - smooth.angle),
    )


def _local(values: NDArray[np.float64], window: int, order: int) -> NDArray[np.float64]:
    odd = min(window, len(values) - 1 + len(values) % 2)
    if odd <= order + 1:
        return values
    from scipy.signal import savgol_filter  # noqa: PLC0415 - it imports all of scipy.stats, which most workers never need

    return np.asarray(savgol_filter(values, odd, order, axis=0, mode="interp"))
