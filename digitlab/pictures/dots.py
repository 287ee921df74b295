"""Dots: dot paper, and dotted lines to write on, found in ink and removed."""

import numpy as np
import scipy

from digitlab.pictures.lines import SOLID, cleared

_SIDE = 0.25  # of the tallest parts: dots are smaller than this
_FILLED = 0.5  # of the box around a dot is ink, at least
_FEW = 8  # points: writing has fewer
_ALIKE = 2.5  # the areas of most dots differ by less than this factor from their median
_EVEN = 0.2  # and their distances from the nearest dot by less than this share
_MOST = 0.6  # of all specks must be such dots: dirt is not even
_APART = 0.85  # of a digit's height: the points in a column of amounts are farther apart


def without_dots(ink: np.ndarray) -> np.ndarray:
    """Remove many equal dots at equal distances from ink (h, w) in [0, 1]; others may be points."""
    solid = ink > SOLID
    labels, count = scipy.ndimage.label(solid, np.ones((3, 3)))
    if count < _FEW:
        return ink
    places = scipy.ndimage.find_objects(labels)
    sides = np.array([[part.stop - part.start for part in place] for place in places])
    tall = sides.max(axis=1)
    areas = np.bincount(labels.ravel())[1:]
    # Beside the lines of a table, digits are as small as dots.
    specks = np.flatnonzero((tall < _SIDE * tall.max()) & (areas > _FILLED * sides.prod(axis=1)))
    if len(specks) < _FEW:
        return ink
    typical = np.median(areas[specks])
    alike = specks[(areas[specks] < _ALIKE * typical) & (areas[specks] > typical / _ALIKE)]
    if len(alike) < _FEW:
        return ink
    middles = np.array([[(part.start + part.stop) / 2 for part in places[at]] for at in alike])
    apart = scipy.spatial.cKDTree(middles).query(middles, 2)[0][:, 1]
    pitch = np.median(apart)
    heights = sides[:, 0]
    if pitch > _APART * np.median(heights[heights > heights.max() / 2]):
        return ink
    dots = alike[np.abs(apart - pitch) < _EVEN * pitch]
    if len(dots) < max(_FEW, _MOST * len(specks)):
        return ink
    return cleared(ink, solid, np.isin(labels, dots + 1))
