"""The sheet: bright paper in a picture that shows the darker desk around it, too."""

import numpy as np
import scipy
import skimage as ski
from PIL import Image

_SIDE = 192  # pixels: the picture is reduced to less than twice that
_LEAST = 0.2  # minimum share of the picture that the sheet covers
_CONVEX = 0.8  # minimum share of its convex hull that is paper, the rest being ink
_CORNERS = 6  # a sheet has four; where the picture cuts it off, there are more
_STRAIGHT = 0.015  # how far its sides may bend, as a share of the picture's longer side
_WRITTEN = 0.002  # minimum share of the sheet that is ink
_INK = 0.8  # ink is at least that much darker than the paper
# A desk is so many times darker, and covers this share of the picture's edge: what is much darker
# cannot be a shadow, and no shadow lies all around.
_DESKS = ((6.0, 0.2), (1.3, 0.9))


def without_desk(brightness: np.ndarray) -> np.ndarray:
    """Extend the sheet over the desk in a picture (h, w), if there is a desk beside or around it.

    A sheet is bright, has straight sides, and is written on.
    """
    times = max(1, max(brightness.shape) // _SIDE)
    small = np.asarray(Image.fromarray(brightness).reduce(times))
    depth = np.log(np.maximum(small, 0.01))
    least = np.log(min(darker for darker, _ in _DESKS))
    if np.ptp(depth) < least:
        return brightness
    light = depth > ski.filters.threshold_otsu(depth)
    # Without light streaks in the desk's wood.
    labels = ski.measure.label(scipy.ndimage.binary_opening(light, np.ones((5, 5))))
    if not labels.any():
        return brightness
    bright = labels == 1 + np.argmax(np.bincount(labels.ravel())[1:])
    if bright.mean() < _LEAST:
        return brightness
    sheet = ski.morphology.convex_hull_image(bright)
    if bright.sum() < _CONVEX * sheet.sum() or sheet.all() or not _has_straight_sides(sheet):
        return brightness
    paper = float(np.median(depth[bright]))
    darker = np.exp(paper - np.median(depth[~sheet]))
    edge = np.concatenate([sheet[0], sheet[-1], sheet[:, 0], sheet[:, -1]])
    if not any(darker >= least and 1 - edge.mean() >= along for least, along in _DESKS):
        return brightness
    inside = scipy.ndimage.binary_erosion(sheet, np.ones((7, 7)))
    if not inside.any() or np.mean(depth[inside] < paper + np.log(_INK)) < _WRITTEN:
        return brightness
    bare = inside & scipy.ndimage.binary_erosion(bright, np.ones((5, 5)))  # without soft edges
    if not bare.any():
        return brightness
    nearest = scipy.ndimage.distance_transform_edt(
        ~bare, return_distances=False, return_indices=True
    )
    height, width = brightness.shape

    def enlarged(values: np.ndarray) -> np.ndarray:
        image = Image.fromarray(np.repeat(np.repeat(values, times, axis=0), times, axis=1))
        return np.asarray(image)[:height, :width]

    return np.where(enlarged(inside), brightness, enlarged(small[tuple(nearest)]))


def _has_straight_sides(sheet: np.ndarray) -> bool:
    """Tell whether a convex mask (h, w) is a polygon of few sides."""
    outline = ski.measure.find_contours(np.pad(sheet, 1).astype(np.float32), 0.5)[0]
    corners = ski.measure.approximate_polygon(outline, _STRAIGHT * max(sheet.shape))
    return len(corners) - 1 <= _CORNERS
