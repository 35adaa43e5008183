"""Whether something lies over a mouth: a hand, a cup, a caption.

Two signs have to come together, because each alone also has harmless reasons. The skin around the mouth becomes uneven
(`appearance.texture`), which a smile or a shadow does a little. And the landmarks of the mouth become doubtful: found again
in the mirrored picture they lie elsewhere, because the network guesses what it does not see, and in small and grainy faces
it guesses too. Both are compared with the same face's own usual values.

A mouth that the picture's edge cuts off is hidden too.

Two more signs stand alone. A strong colour over lips or chin that the face has nowhere else is a caption. And a hand is one
that is recognised as such (`dubbing.faces.hands`) in most frames of half a second: in single ones, and in up to four that
follow one another, hands were also recognised before natural speakers who held none there.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, binary_propagation, median_filter

from dubbing.domain.findings import frame_ranges
from dubbing.faces import landmarks as marks

Series = NDArray[np.float64]

_MOUTH: Final = (61, 291, 78, 308, 0, 13, 14, 17, 152)  # corners, lips and chin, and what each becomes in a mirror
_MOUTH_MIRRORED: Final = (291, 61, 308, 78, 0, 13, 14, 17, 152)
_STEADY: Final = (33, 263, 133, 362, 70, 300, 4)  # eyes, brows and the nose's tip
_STEADY_MIRRORED: Final = (263, 33, 362, 133, 300, 70, 4)

_WINDOW: Final = 9  # frames of the median that single doubtful frames do not pass
_FEWEST: Final = 18  # looks that say what is usual
_USUAL: Final = 20  # percentile that is usual for a face, though it be covered most of the time
_LEAST_DOUBT: Final = 0.013  # what a clear, large face has
_MOST_DOUBT: Final = 0.020  # what is usual cannot be more, or a mouth that is always covered would be the rule
_LARGE: Final = 30.0  # pixels between the eyes below which doubt grows with every pixel less
_MOST_TEXTURE: Final = 0.09
_COVERED: Final = 4.5
_TOUCHED: Final = 1.7  # down to which the frames around a covered one belong to it
_UNEVEN: Final = 1.35  # times the usual texture without which doubt is a turned head's
_BURST: Final = 0.85  # likeness to the frame before below which something comes over a mouth, or leaves it
_NEAR: Final = 12  # frames from a burst to where both signs are clear
_CUT_OFF: Final = 0.04  # share of the lips; 0.03 at most where they end at the picture's edge
_CAPTION: Final = 0.15  # share of lips and chin that it takes at least; a face without has none
_UNDER: Final = 0.2  # share of the lips' outline that lies under a hand
_HAND_WINDOW: Final = 13  # frames of the median that single hands do not pass
_EDGE: Final = 2  # frames of margin


def doubt(landmarks: marks.Points, mirrored: marks.Points) -> float:
    """How far two looks at one mouth disagree, in distances between the eyes.

    Args:
        landmarks: as found in the picture.
        mirrored: as found in the mirrored picture, and mirrored back.
    """
    shift = (landmarks[list(_STEADY)] - mirrored[list(_STEADY_MIRRORED)]).mean(axis=0)
    apart = landmarks[list(_MOUTH)] - mirrored[list(_MOUTH_MIRRORED)] - shift
    return float(np.hypot(*apart.T).mean() / marks.eye_distance(landmarks))


def captioned(foreign_V: Series) -> NDArray[np.bool_]:
    """The frames in which something in a strong colour lies over the mouth.

    Args:
        foreign_V: `foreign.foreign_mouth` of consecutive frames; NaN where it was not measured.
    """
    return _lasting(foreign_V, _CAPTION)


def cut_off(outside_V: Series) -> NDArray[np.bool_]:
    """The frames in which the picture's edge cuts the mouth off: no student has learned what a part of a mouth is.

    Args:
        outside_V: `outline.lips_outside` of consecutive frames; NaN where it was not measured.
    """
    return _lasting(outside_V, _CUT_OFF)


def under_a_hand(hand_V: Series) -> NDArray[np.bool_]:
    """The frames in which a hand lies over the mouth: from before its first sighting, where nobody looked, to its last.

    Args:
        hand_V: `hands.HandDetector.over` of consecutive frames; NaN where nobody looked.
    """
    observed = np.flatnonzero(np.isfinite(hand_V))
    if not len(observed):
        return np.zeros(len(hand_V), bool)
    # At the ends stands a mirror: the first look alone, or the last one, is no half of a second.
    found = median_filter(filled_in(hand_V), _HAND_WINDOW, mode="reflect") > _UNDER
    seen = observed[hand_V[observed] > _UNDER]
    for run in frame_ranges(np.flatnonzero(found).tolist()):
        # Once it is sure that there is one, the single sightings near it are sightings of it.
        near = seen[(seen >= run.start - _HAND_WINDOW) & (seen < run.end + _HAND_WINDOW)]
        start, end = min([run.start, *near.tolist()]), max([run.end, *(near + 1).tolist()])
        found[max((int(i) + 1 for i in observed if i < start), default=0) : end] = True
    return np.asarray(binary_dilation(found, iterations=_EDGE), bool)


def occluded_frames(texture_V: Series, doubt_V: Series, likeness_V: Series, eyes: float) -> NDArray[np.bool_]:
    """The frames of one face in which something lies over its mouth.

    Args:
        texture_V: `appearance.texture` of consecutive frames; NaN where it was not measured.
        doubt_V: `doubt` of the same frames; NaN where it was not measured.
        likeness_V: how far the mouth's surroundings agree with those of the sighting before; NaN where that is not known.
        eyes: the face's usual distance between the eyes in pixels.
    """
    if np.isfinite(texture_V).sum() < _FEWEST or not np.isfinite(doubt_V).any():
        return np.zeros(len(texture_V), bool)
    texture, doubts = (median_filter(filled_in(values), _WINDOW, mode="nearest") for values in (texture_V, doubt_V))
    usual_texture = min(float(np.percentile(texture, _USUAL)), _MOST_TEXTURE)
    most = _MOST_DOUBT * max(1.0, _LARGE / max(eyes, 1.0))
    usual_doubt = min(max(float(np.percentile(doubts, _USUAL)), _LEAST_DOUBT), most)
    uneven = texture / max(usual_texture, 1e-6)
    sign = doubts / usual_doubt * uneven**2
    found = binary_propagation((sign > _COVERED) & (uneven > _UNEVEN), mask=sign > _TOUCHED)
    if not found.any():
        return np.asarray(found, bool)
    bursts = np.flatnonzero(likeness_V < _BURST)
    for run in frame_ranges(np.flatnonzero(found).tolist()):
        near = bursts[(bursts >= run.start - _NEAR) & (bursts < run.end + _NEAR)]
        start, end = min([run.start, *near.tolist()]), max([run.end, *(near + 1).tolist()])
        found[start:end] = True
    return np.asarray(binary_dilation(found, iterations=_EDGE), bool)


def _lasting(values_V: Series, most: float) -> NDArray[np.bool_]:
    """Where a measure usually exceeds ``most``, and the frames beside."""
    if not np.isfinite(values_V).any():
        return np.zeros(len(values_V), bool)
    found = median_filter(filled_in(values_V), _WINDOW, mode="nearest") > most
    return np.asarray(binary_dilation(found, iterations=_EDGE), bool)


def filled_in(values: Series) -> Series:
    """A series without NaN: straight lines between the values that it has, of which there must be some."""
    at = np.flatnonzero(np.isfinite(values))
    return np.interp(np.arange(len(values)), at, values[at])
