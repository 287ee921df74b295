"""The pieces of a picture's ink: its connected components, cut where digits touch.

A cut is a seam from top to bottom (S. Avidan and A. Shamir, "Seam carving for content-aware image
resizing", 2007) that crosses as few strokes as possible. Where two digits touch it crosses one,
however thick the join; through a loop it would cross two.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import scipy
import skimage as ski
from PIL import Image

from digitlab.numbers.costs import Costs
from digitlab.numbers.pieces import Box, Line, typical_size
from digitlab.pictures.digit import fit_ink
from digitlab.pictures.pen import pen_width

_SOLID = 0.25  # pixels with more ink than this are connected to their neighbours
_SHARP = 64  # pixels: digits need not be higher than this
_MIN_SIZE = 0.05  # pieces smaller than this share of a digit, in both directions, are not writing
_MAX_PIECES = 400  # pieces: only the largest are kept, more are not writing
# Blots are broader than `_BLOT` widths of the pen, and fill at least `_FILLED` of their box. Digits
# do so as well if the pen is broader than `_BROAD` of their height, which closes their loops: then
# nothing is removed. An 8 with closed loops may do so, too. But blots are round (at least `_ROUND`
# of their longer side broad), or they are bars (at least `_BAR` of their box filled).
_BLOT, _FILLED, _BROAD, _ROUND, _BAR = 2.0, 0.55, 1 / 7, 0.6, 0.8
_TILTED = np.radians(5)  # smaller tilts are not turned back: the network does not mind
# For cuts.
_CROSSED = 4.0  # strokes that a seam may cross
_ALONG = 0.1  # cost, in strokes, of each pen width inside ink, and of each to the side
_MIN_INK = 0.5  # minimum ink of a part, as a share of a stem's (a line as high as a digit)
_APART = 0.3  # minimum ink between two seams, likewise

# How many of a hundred examples of each digit, 0 to 9, are in one part, in two, or in three or
# more. This is an estimate: pens skip, and the bars of fives stand apart.
_HABITS = [
    [98, 97, 98, 98, 92, 75, 98, 96, 97, 98],
    [2, 3, 1.5, 1.5, 8, 25, 1.5, 4, 3, 2],
    [0.3, 0.3, 0.3, 0.3, 0.5, 0.5, 0.3, 0.5, 0.3, 0.3],
]


class _Patch(NamedTuple):
    """Ink (h, w) float32 in [0, 1], and where its upper left corner is."""

    left: int
    top: int
    ink: np.ndarray


class InkPieces:
    """See `digitlab.numbers.pieces.Writing`. There may be no pieces.

    Args:
        ink: (h, w) float32 in [0, 1], as `digitlab.pictures.ink.find_ink` gives it.
        scale: Pixels of the picture for one pixel of the ink.
    """

    habits = np.log(np.array(_HABITS) / 100)
    # In a picture, most digits are one piece, so where several parts make one up, it must be clear.
    costs = Costs(cut=0.25, joined=5.0)

    def __init__(self, ink: np.ndarray, scale: float):
        patches = _components(ink)
        if patches and (times := int(_size(patches) / _SHARP)) > 1:
            ink, scale = ski.measure.block_reduce(ink, times, np.mean), scale * times
            patches = _components(ink)
        self._scale = scale
        self.pen = max(pen_width(ink > _SOLID) - 1, 0.0)  # points are the middles of pixels
        self._patches: list[_Patch] = []
        self.points: list[np.ndarray] = []
        self.parents: list[int] = []
        for patch in patches:
            self._add(patch, len(self.points))
        self.cut_off = _cut_off(patches, ink.shape)

    def box(self, pieces: Sequence[int]) -> Box:
        """See `Writing`."""
        points = np.concatenate([self.points[piece] for piece in pieces]) * self._scale
        (left, top), (right, bottom) = points.min(0).tolist(), points.max(0).tolist()
        return left, top, right, bottom

    def image(self, pieces: Sequence[int], tilt: float) -> np.ndarray:
        """See `Writing`."""
        patches = [self._patches[piece] for piece in pieces]
        left, top = min(p.left for p in patches), min(p.top for p in patches)
        right = max(p.left + p.ink.shape[1] for p in patches)
        bottom = max(p.top + p.ink.shape[0] for p in patches)
        ink = np.zeros((bottom - top, right - left), np.float32)
        for patch in patches:
            height, width = patch.ink.shape
            y, x = patch.top - top, patch.left - left
            place = ink[y : y + height, x : x + width]
            np.maximum(place, patch.ink, out=place)
        if abs(tilt) > _TILTED:
            turned = Image.fromarray(ink).rotate(
                np.degrees(tilt), Image.Resampling.BILINEAR, expand=True
            )
            ink = np.asarray(turned)
        times = max(ink.shape) // _SHARP  # thickening large ink takes long
        return fit_ink(ski.measure.block_reduce(ink, times, np.mean) if times > 1 else ink)

    def cut(self, piece: int, line: Line) -> list[int]:
        """See `Writing`. The cuts are seams that cross few strokes."""
        patch = self._patches[piece]
        pen = pen_width(patch.ink > _SOLID)
        seams = _seams(patch.ink, line.height, pen)
        if not seams:
            return []
        x = np.arange(patch.ink.shape[1])
        part = sum((x > seam[:, None]).astype(int) for seam in seams)  # (h, w)
        made = []
        for number in range(len(seams) + 1):
            ink = np.where(part == number, patch.ink, 0)
            if (ink > _SOLID).any():
                made.append(len(self.points))
                self._add(_trimmed(_Patch(patch.left, patch.top, ink)), self.parents[piece])
        return made

    def _add(self, patch: _Patch, parent: int) -> None:
        self._patches.append(patch)
        self.parents.append(parent)
        self.points.append(_outline(patch.ink > _SOLID) + (patch.left, patch.top))


def _components(ink: np.ndarray) -> list[_Patch]:
    """Split ink (h, w) into its connected components, without specks and blots."""
    ink = np.pad(ink, 1)
    labels, _ = scipy.ndimage.label(ink > _SOLID, np.ones((3, 3)))
    patches = []
    for label, (rows, columns) in enumerate(scipy.ndimage.find_objects(labels), start=1):
        top, left = rows.start - 1, columns.start - 1
        box = slice(top, rows.stop + 1), slice(left, columns.stop + 1)  # with its soft edge
        around = labels[box]
        own = scipy.ndimage.maximum_filter(around == label, 3) & ((around == 0) | (around == label))
        patches.append(_Patch(left - 1, top - 1, np.where(own, ink[box], 0)))
    patches.sort(key=lambda patch: -max(patch.ink.shape))
    patches = patches[:_MAX_PIECES]
    least = _MIN_SIZE * _size(patches) if patches else 0
    return _without_blots([patch for patch in patches if max(patch.ink.shape) - 2 > least])


def _cut_off(patches: Sequence[_Patch], shape: tuple[int, ...]) -> frozenset[int]:
    """Find patches that go on above or below a picture, unless it was cropped to its ink."""
    height, width = shape
    # Patches have a margin of one pixel.
    above = {at for at, patch in enumerate(patches) if patch.top < 0}
    below = {at for at, patch in enumerate(patches) if patch.top + len(patch.ink) > height}
    beside = [
        any(patch.left < 0 for patch in patches),
        any(patch.left + patch.ink.shape[1] > width for patch in patches),
    ]
    return frozenset() if above and below and all(beside) else frozenset(above | below)


def _without_blots(patches: list[_Patch]) -> list[_Patch]:
    """Leave out blots: punched holes, and what a scanner shows beside the paper."""
    solid = [patch.ink > _SOLID for patch in patches]
    size = _size(patches) if patches else 0
    filled = [mask.mean() >= _FILLED for mask in solid]
    pens = [
        pen_width(mask)
        for mask, full in zip(solid, filled, strict=True)
        if not full and max(mask.shape) > size / 2
    ]
    pen = float(np.median(pens)) if pens else np.inf
    if pen > _BROAD * size:
        return patches

    def is_blot(mask: np.ndarray) -> bool:
        breadth = 2 * scipy.ndimage.distance_transform_edt(mask).max()
        round_or_bar = breadth >= _ROUND * max(mask.shape) or mask.mean() >= _BAR
        return bool(breadth > _BLOT * pen and round_or_bar)

    return [
        patch
        for patch, mask, full in zip(patches, solid, filled, strict=True)
        if not full or not is_blot(mask)
    ]


def _size(patches: Sequence[_Patch]) -> float:
    """See `typical_size`."""
    return typical_size(np.array([patch.ink.shape for patch in patches]) - 2)


def _trimmed(patch: _Patch) -> _Patch:
    """Cut off the margins without ink."""
    rows, columns = np.flatnonzero(patch.ink.any(1)), np.flatnonzero(patch.ink.any(0))
    ink = patch.ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return _Patch(patch.left + columns[0], patch.top + rows[0], ink)


def _outline(solid: np.ndarray) -> np.ndarray:
    """Return the first and last places (n, 2) of each row and column of a mask (h, w): x, y."""
    height, width = solid.shape
    rows, columns = np.flatnonzero(solid.any(1)), np.flatnonzero(solid.any(0))
    left, right = solid[rows].argmax(1), width - 1 - solid[rows, ::-1].argmax(1)
    high, low = solid[:, columns].argmax(0), height - 1 - solid[::-1, columns].argmax(0)
    x = np.concatenate([left, right + 1, columns + 0.5, columns + 0.5])
    y = np.concatenate([rows + 0.5, rows + 0.5, high, low + 1])
    return np.stack([x, y], axis=1).astype(np.float64)


def _seams(ink: np.ndarray, height: float, pen: float) -> list[np.ndarray]:
    """Find seams through ink (h, w) of digits of this height: for each, its column in each row."""
    down, from_above = _easiest(ink, pen)
    up, from_below = _easiest(ink[::-1], pen)
    middle = len(ink) // 2
    # Both count the middle row's ink, and the stroke that it belongs to.
    total = down[middle] + up[len(ink) - 1 - middle] - (1 + _ALONG / pen) * ink[middle]  # (w,)
    rows, before = np.arange(len(ink)), np.cumsum(ink, axis=1)
    everything, stem = before[:, -1].sum(), pen * height
    seams: list[tuple[float, np.ndarray]] = []
    for column in np.argsort(total, kind="stable"):
        if total[column] > _CROSSED or len(seams) >= 2 + 4 * ink.shape[1] / height:
            break
        upper = _traced(from_above, middle, column)
        lower = _traced(from_below, len(ink) - 1 - middle, column)
        seam = np.concatenate([upper[::-1], lower[1:]])
        left = before[rows, seam].sum()
        if min(left, everything - left) < _MIN_INK * stem:
            continue
        if all(abs(left - other) >= _APART * stem for other, _ in seams):
            seams.append((left, seam))
    return [seam for _, seam in sorted(seams, key=lambda found: found[0])]


def _easiest(ink: np.ndarray, pen: float) -> tuple[np.ndarray, np.ndarray]:
    """For each place of ink (h, w), find the path from the first row across the fewest strokes.

    Returns:
        How many strokes that path crosses, (h, w) float64, see `_ALONG`; and the column, relative
        to the place, from which the path came in the row before, (h, w) of -1, 0 or 1.
    """
    cost = ink * (_ALONG / pen)
    least = np.concatenate([cost[:1] + ink[:1], cost[1:]]).astype(np.float64)
    steps = np.zeros(ink.shape, np.int8)
    sides = np.array([[0.0], [_ALONG / pen], [_ALONG / pen]])
    for row in range(1, len(ink)):
        way = _from_above(least[row - 1], np.inf)
        way += np.maximum(ink[row] - _from_above(ink[row - 1], 0.0), 0.0) + sides
        best = way.argmin(0)
        least[row] += np.take_along_axis(way, best[None], 0)[0]
        steps[row] = np.array([0, -1, 1], np.int8)[best]
    return least, steps


def _from_above(row: np.ndarray, outside: float) -> np.ndarray:
    """Return the values (3, w) above each place, and to the left and right of that."""
    padded = np.pad(row, 1, constant_values=outside)
    return np.stack([padded[1:-1], padded[:-2], padded[2:]])


def _traced(steps: np.ndarray, row: int, column: int) -> np.ndarray:
    """Return the columns of the path from a place back to the first row."""
    columns = [int(column)]
    for at in range(row, 0, -1):
        columns.append(columns[-1] + int(steps[at, columns[-1]]))
    return np.array(columns)
