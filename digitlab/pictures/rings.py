"""Rings: lines drawn by hand around digits, found in ink and removed."""

import numpy as np
import scipy

from digitlab.pictures.lines import SOLID, cleared

_MIN_HEIGHT = 12  # pixels: minimum height of a ring
_ROUND = 0.75  # minimum width of a ring, as a share of its height; most zeros are narrower
_HOLLOW = 0.5  # minimum share of its box that it encloses
_MIN_INSIDE = 0.3  # minimum height of what is written inside, as a share of the ring's
_OPEN = 0.06  # widest gap between its ends, as a share of its shorter side


def without_rings(ink: np.ndarray) -> np.ndarray:
    """Remove rings around writing from ink (h, w) in [0, 1]. One with nothing inside is a zero."""
    solid = ink > SOLID
    labels, count = scipy.ndimage.label(solid, np.ones((3, 3)))
    if count < 2:
        return ink
    parts = scipy.ndimage.find_objects(labels)
    heights = np.array([0] + [rows.stop - rows.start for rows, _ in parts])
    gone = np.zeros_like(solid)
    for label, part in enumerate(parts, start=1):
        ring = labels[part] == label
        height, width = ring.shape
        if height < _MIN_HEIGHT or width < _ROUND * height or ring.mean() > 1 - _HOLLOW:
            continue
        window = 2 * round(_OPEN * min(height, width) / 2) + 1
        closed = scipy.ndimage.grey_closing(np.pad(ring, window).view(np.uint8), (window, window))
        closed = closed[window:-window, window:-window] > 0
        inside = scipy.ndimage.binary_fill_holes(closed) & ~closed
        written = np.unique(labels[part][inside])
        if inside.mean() >= _HOLLOW and heights[written].max() >= _MIN_INSIDE * height:
            gone[part] |= ring
    return cleared(ink, solid, gone)
