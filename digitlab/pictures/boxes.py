"""Boxes: printed fields to write in, single or in a row, found in ink and removed."""

import numpy as np
import scipy

from digitlab.pictures.lines import SOLID, LongLine, cleared, erased, find_lines

_MIN_SIDE = 0.12  # minimum side of a box, as a share of the picture's shorter side
_INKED = 0.5  # maximum share of a box that is ink
_CORNER = 0.3  # of a field's shorter side: what is left of a rounded corner is not larger
_BORDER = 0.12  # how far a box's sides may be from the ends of its ink, as a share of its side


def without_boxes(ink: np.ndarray) -> np.ndarray:
    """Remove boxes, and lines that divide them, from ink (h, w) in [0, 1].

    What is written in them stays. A box with nothing inside stays, too: it may be a square zero.
    """
    solid = ink > SOLID
    labels, _ = scipy.ndimage.label(solid, np.ones((3, 3)))
    gone = np.zeros_like(solid)
    for label, place in enumerate(scipy.ndimage.find_objects(labels), start=1):
        box = labels[place] == label
        if min(box.shape) < _MIN_SIDE * min(ink.shape) or box.mean() > _INKED:
            continue
        across = _sides(box)
        if _are_borders(across, len(box)) and _are_borders(down := _sides(box.T), box.shape[1]):
            field = min(len(box) / (len(across) - 1), box.shape[1] / (len(down) - 1))
            rest = _without_corners(erased(box, across, down), box, _CORNER * field)
            if rest.any() or (solid[place] & ~box).any():
                gone[place] |= box & ~rest
    return cleared(ink, solid, gone)


def _without_corners(rest: np.ndarray, box: np.ndarray, reach: float) -> np.ndarray:
    """Remove rounded corners from what is left of a box (h, w) without its sides."""
    beside = scipy.ndimage.binary_dilation(box & ~rest, np.ones((3, 3)))
    labels, _ = scipy.ndimage.label(rest, np.ones((3, 3)))
    corners = np.zeros_like(rest)
    for label, place in enumerate(scipy.ndimage.find_objects(labels), start=1):
        in_corner = all(
            part.stop <= reach or part.start >= side - reach
            for part, side in zip(place, box.shape, strict=True)
        )
        part = labels[place] == label
        if in_corner and (part & beside[place]).any():
            corners[place] |= part
    return rest & ~corners


def _sides(box: np.ndarray) -> list[LongLine]:
    """Find the lines across a mask (h, w) from one end to the other."""
    away = _BORDER * box.shape[1]
    lines = find_lines(box)
    return [it for it in lines if it.first <= away and it.end >= box.shape[1] - away]


def _are_borders(lines: list[LongLine], side: int) -> bool:
    """Tell whether lines include the first and the last of a box with this side."""
    places = [float(line.rows.mean()) for line in lines] or [float(side)]
    return min(places) <= _BORDER * side and max(places) >= (1 - _BORDER) * side
