"""The sheet: bright paper in a picture that shows the darker desk around it, too."""

import numpy as np
import scipy
import skimage as ski
from PIL import Image

_SIDE = 192  # pixels: the picture is reduced to less than twice that
_MIN_AREA = 0.2  # minimum share of the picture that the sheet covers
_CONVEX = 0.8  # minimum share of its convex hull that is paper, the rest being ink
_CORNERS = 6  # a sheet has four; where the picture cuts it off, there are more
_STRAIGHT = 0.015  # how far its sides may bend, as a share of the picture's longer side
_MIN_INK_SHARE = 0.002  # minimum share of the sheet that is ink
_INK = 0.8  # maximum brightness of ink, as a share of the paper's
# A desk is at least this many times darker than the paper, and covers at least this share of the
# picture's edge. Shadows are never as dark as the first, and never lie all around as the second.
_DESKS = ((6.0, 0.2), (1.3, 0.9))


def without_desk(brightness: np.ndarray) -> np.ndarray:
    """Extend the sheet over the desk in a picture (h, w), if there is a desk beside or around it.

    A sheet is bright, has straight sides, and is written on.
    """
    times = max(1, max(brightness.shape) // _SIDE)
    small = np.asarray(Image.fromarray(brightness).reduce(times))
    sheet, paper = _find_sheet(np.log(np.maximum(small, 0.01)))
    if not paper.any():
        return brightness
    nearest = scipy.ndimage.distance_transform_edt(
        ~paper, return_distances=False, return_indices=True
    )
    height, width = brightness.shape

    def enlarged(values: np.ndarray) -> np.ndarray:
        return values.repeat(times, axis=0).repeat(times, axis=1)[:height, :width]

    return np.where(enlarged(sheet), brightness, enlarged(small[tuple(nearest)]))


def _find_sheet(depth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Find the sheet in the logarithm of brightness (h, w).

    Returns:
        Two masks (h, w): the sheet, and its bare paper, both without edges. All False if there is
        no desk, or nothing that looks like a sheet.
    """
    nothing = np.zeros(depth.shape, bool), np.zeros(depth.shape, bool)
    if np.ptp(depth) < np.log(min(darker for darker, _ in _DESKS)):
        return nothing
    light = depth > ski.filters.threshold_otsu(depth)
    # Without light streaks in the desk's wood.
    labels = ski.measure.label(scipy.ndimage.binary_opening(light, np.ones((5, 5))))
    sizes = np.bincount(labels.ravel(), minlength=2)[1:]
    if sizes.max() < _MIN_AREA * depth.size:
        return nothing
    paper = labels == 1 + np.argmax(sizes)
    sheet = ski.morphology.convex_hull_image(paper)
    if paper.sum() < _CONVEX * sheet.sum() or sheet.all() or not _has_straight_sides(sheet):
        return nothing
    middle = float(np.median(depth[paper]))
    darker = np.exp(middle - np.median(depth[~sheet]))
    along = 1 - np.concatenate([sheet[0], sheet[-1], sheet[:, 0], sheet[:, -1]]).mean()
    if not any(darker >= least and along >= share for least, share in _DESKS):
        return nothing
    sheet = scipy.ndimage.binary_erosion(sheet, np.ones((7, 7)))
    if not sheet.any() or np.mean(depth[sheet] < middle + np.log(_INK)) < _MIN_INK_SHARE:
        return nothing
    return sheet, sheet & scipy.ndimage.binary_erosion(paper, np.ones((5, 5)))


def _has_straight_sides(sheet: np.ndarray) -> bool:
    """Tell whether a convex mask (h, w) is a polygon of few sides."""
    outline = ski.measure.find_contours(np.pad(sheet, 1).astype(np.float32), 0.5)[0]
    corners = ski.measure.approximate_polygon(outline, _STRAIGHT * max(sheet.shape))
    return len(corners) - 1 <= _CORNERS
