"""Objects at a picture's edge: fingers that hold the sheet, a strip of the desk beside it."""

import numpy as np
import scipy

from digitlab.pictures.pen import pen_width

_DARK = 0.8  # maximum brightness of an object, as a share of the paper's
_PENS = 3  # an object is at least this many pen widths broad
_BROAD = 0.05  # and at least this share of the picture's shorter side
_REACH = 5  # it reaches into the picture by at most this many times the radius of a disk in it
_SOFT = 7  # pixels: how soft its border is
_SHARP = 0.85  # it is at most this bright, as a share of what is beyond its border
_BORDER = 0.8  # along at least this share of the border, which is soft around shadows
_INK = 0.5  # writing in a shadow is at least this share as dark as the other writing
_FEW = 2  # and longer than this many pen widths


def without_edge_objects(brightness: np.ndarray) -> np.ndarray:
    """Replace broad, dark objects at the edge of a picture (h, w) of dark ink by paper.

    An object stays if it may be a shadow with writing in it, or if it touches writing.
    """
    paper = _closed(brightness, min(brightness.shape))
    dark = brightness < _DARK * paper
    parts, _ = scipy.ndimage.label(dark, np.ones((3, 3)))
    edges = np.concatenate([parts[0], parts[-1], parts[:, 0], parts[:, -1]])
    at_edge = np.isin(parts, edges[edges > 0])
    writing = dark & ~at_edge
    if not at_edge.any() or not writing.any():
        return brightness
    pen = round(pen_width(writing)) or 1
    side = 2 * round(max(_PENS * pen, _BROAD * min(brightness.shape)) / 2) + 1
    broad = _opened(at_edge, (side, side))
    if not broad.any():
        return brightness
    # With their ends, where they are narrower.
    long = _opened(at_edge, (1, 2 * side + 1)) | _opened(at_edge, (2 * side + 1, 1))
    from_edge = _distances_from_edge(brightness.shape)
    labels, _ = scipy.ndimage.label(broad | long & (from_edge < side), np.ones((3, 3)))
    objects, count = scipy.ndimage.label(np.isin(labels, labels[broad]), np.ones((3, 3)))
    every = range(1, count + 1)
    core = scipy.ndimage.minimum_filter(objects, _SOFT)
    full = float(np.median(1 - brightness[writing] / paper[writing]))
    gone = (
        _are_compact(objects, from_edge, every)
        & _have_sharp_borders(brightness, objects, core, every)
        & ~_touch_writing(objects, np.where(at_edge, parts, 0), pen, every)
        & ~_have_writing(brightness, core, pen, 2 * side + 1, full, every)
    )
    there = np.isin(objects, 1 + np.flatnonzero(gone))
    return np.where(_grown(there, 2 * (pen // 2) + 3), paper, brightness)


def _distances_from_edge(shape: tuple[int, ...]) -> np.ndarray:
    height, width = shape
    y, x = np.ogrid[:height, :width]
    return np.minimum(np.minimum(y, height - 1 - y), np.minimum(x, width - 1 - x))


def _are_compact(objects: np.ndarray, from_edge: np.ndarray, every: range) -> np.ndarray:
    """Tell for each object whether it reaches into the picture no farther than it is broad."""
    reach = scipy.ndimage.maximum(from_edge, objects, every)
    radius = scipy.ndimage.maximum(
        scipy.ndimage.distance_transform_edt(objects > 0), objects, every
    )
    return np.asarray(reach) <= _REACH * np.asarray(radius)


def _have_sharp_borders(
    brightness: np.ndarray, objects: np.ndarray, core: np.ndarray, every: range
) -> np.ndarray:
    """Tell for each object whether there is brighter paper all along its border."""
    outside = np.where(_grown(objects, _SOFT), 0, _grown(objects, 2 * _SOFT - 1))
    within = np.where(core, 0, objects)
    shade = scipy.ndimage.median(brightness, within, every)
    lighter = _SHARP * brightness > np.append(0, shade)[outside]
    return np.asarray(scipy.ndimage.sum_labels(lighter - _BORDER, outside, every)) > 0


def _touch_writing(objects: np.ndarray, parts: np.ndarray, pen: int, every: range) -> np.ndarray:
    """Tell for each object whether a stroke goes on from it: a part of a digit would be removed."""
    rest = (parts > 0) & (_grown(objects, _SOFT) == 0)
    strokes = _opened(rest, (pen // 2 + 1, pen // 2 + 1))  # without the thinner lines of paper
    own = scipy.ndimage.maximum(parts, objects, every).astype(int)
    return np.asarray(scipy.ndimage.sum_labels(strokes, parts, own)) > _FEW * pen**2


def _have_writing(
    brightness: np.ndarray, core: np.ndarray, pen: int, side: int, full: float, every: range
) -> np.ndarray:
    """Tell for each object whether there is writing in it, with this pen, this dark elsewhere."""
    # Without the grain of wood, which is finer than a pen.
    within = (core > 0).astype(brightness.dtype)
    total, share = (scipy.ndimage.uniform_filter(it, pen) for it in (brightness * within, within))
    smooth = within * total / np.maximum(share, 1e-3)
    darkness = 1 - smooth / np.maximum(_closed(smooth, side), 1e-3)
    inside = scipy.ndimage.minimum_filter(core, pen)
    ink = scipy.ndimage.sum_labels(darkness > _INK * full, inside, every)
    return np.asarray(ink) > _FEW * pen**2


def _grown(places: np.ndarray, window: int | tuple[int, int]) -> np.ndarray:
    return scipy.ndimage.maximum_filter(places, window, mode="constant", cval=0)


def _opened(mask: np.ndarray, window: tuple[int, int]) -> np.ndarray:
    """Keep what a window fits into; beyond the edge, all goes on."""
    fits = scipy.ndimage.minimum_filter(mask, window, mode="constant", cval=1)
    return _grown(fits, window)


def _closed(brightness: np.ndarray, side: int) -> np.ndarray:
    """Brighten dark places that are narrower than a window, or than half of it at the edge."""
    light = scipy.ndimage.maximum_filter(brightness, side, mode="constant", cval=0)
    return scipy.ndimage.minimum_filter(light, side, mode="constant", cval=np.inf)
