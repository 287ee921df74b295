"""Underlines: lines drawn by hand below digits, or above the result of a sum."""

import numpy as np
import scipy

from digitlab.pictures.lines import SOLID, cleared

_MIN_DIGIT_HEIGHT = 0.4  # minimum height of a digit, as a share of the tallest one's
_FLAT = 0.2  # an underline's height, as a share of its width
# An underline's minimum width, as a share of the tallest digit's height; and if there are digits
# below it, too: the bar of a five among them is not as wide.
_WIDE, _WIDER = 0.7, 1.5
_BELOW = 0.5  # how far below the digits it is at most, likewise
_EVEN = 3  # its maximum thickness, as a multiple of the usual one
_FILLED = 0.8  # minimum share of its thickness that is ink: writing between lines has less


def without_underlines(ink: np.ndarray) -> np.ndarray:
    """Remove such lines from ink (h, w) in [0, 1]."""
    labels, _ = scipy.ndimage.label(ink > SOLID, np.ones((3, 3)))
    parts = scipy.ndimage.find_objects(labels)
    # top, bottom, left, right
    ends = np.array([(y.start, y.stop, x.start, x.stop) for y, x in parts]).reshape(-1, 4)
    under = [
        part
        for part in np.flatnonzero(find_underlines(ends, digits=1))
        if _is_line(labels[parts[part]] == part + 1)
    ]
    return cleared(ink, labels > 0, np.isin(labels, np.add(under, 1)))


def _is_line(mask: np.ndarray) -> bool:
    """Tell whether ink (h, w) is a line along which nothing is written."""
    thickness = len(mask) - mask.argmax(axis=0) - mask[::-1].argmax(axis=0)  # (w,)
    even = thickness.max() <= _EVEN * np.median(thickness) + 2
    return bool(even and np.count_nonzero(mask) >= _FILLED * thickness.sum())


def find_underlines(ends: np.ndarray, digits: int) -> np.ndarray:
    """Find lines drawn by hand below digits, or above the result of a sum.

    Args:
        ends: The top, bottom, left and right end of each part of the writing, (n, 4), in any unit.
        digits: The least number of them that a line runs below.

    Returns:
        (n,) bool.
    """
    top, bottom, left, right = ends.T
    tall = (bottom - top).max(initial=0)
    high = bottom - top > _MIN_DIGIT_HEIGHT * tall
    under = np.zeros(len(ends), bool)
    for part in np.flatnonzero(bottom - top <= _FLAT * (right - left)):
        wide, thick = right[part] - left[part], bottom[part] - top[part]
        shared = np.minimum(right, right[part]) - np.maximum(left, left[part])
        beside = high & (shared > (right - left) / 2)  # above it, below it or across it
        above, below = top[part] - bottom >= -thick, top - bottom[part] >= -thick
        close = above & (top[part] - bottom < _BELOW * tall)
        least = _WIDER if (beside & below).any() else _WIDE
        under[part] = (
            wide >= least * tall
            and np.count_nonzero(beside & close) >= digits
            and not (beside & ~above & ~below).any()
        )
    return under
