"""Long, straight lines in ink, such as those on ruled paper: found, and removed.

Such a line is thin and straight, is tilted by a few degrees at most, and runs along the picture.
Measured across the line, its ink is about as long as the line is thick. Where a pen stroke crosses
it, the ink is longer, and stays. Staff lines are removed from music scores in this way (C. Dalitz
et al., "A comparative study of staff removal algorithms", 2008).
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import scipy

# A pixel with more ink than this may be part of a line. Writing begins at 0.25; with the same
# value, lines as pale as that would be found in pieces, and stay as hundreds of specks.
SOLID = 0.18
THICK = 0.06  # maximum thickness of a line, as a share of the picture's shorter side
GAP = 0.03  # longest gap in a line, as a share of the picture's side
_TILT = 0.12  # maximum slope of a line: 7 degrees
_LONG = 0.5  # minimum length of a line, as a share of the picture's side
_ALONE = 0.4  # minimum share of its columns in which it does not touch other ink
_MIN_THIN = _LONG * _ALONE  # a line needs thin ink in at least this share of the columns
_TYPICAL = 0.4  # quantile of its thickness that counts: along bars of digits, it seems thicker
_BEND = 0.02  # maximum distance of a line from a straight one, as a share of its length


class LongLine(NamedTuple):
    """A line across a picture; or down it, if the picture was transposed."""

    first: int  # column
    rows: np.ndarray  # (n,) float64: the row of its middle in this and each following column
    thickness: float

    @property
    def end(self) -> int:
        """The column after the last."""
        return self.first + self.length

    @property
    def length(self) -> int:
        """How many columns it takes."""
        return len(self.rows)

    def row_at(self, columns: npt.ArrayLike) -> np.ndarray:
        """The row of its middle in some columns; beyond its ends, that of the end."""
        places = np.subtract(columns, self.first).astype(int)
        return self.rows[places.clip(0, self.length - 1)]


def find_lines(solid: np.ndarray) -> list[LongLine]:
    """Find the lines across a mask (h, w)."""
    height, width = solid.shape
    columns, tops, ends = _runs(solid)
    thin = ends - tops <= max(2, THICK * min(height, width))
    columns, tops, ends = columns[thin], tops[thin], ends[thin]
    if _distinct(columns) < _MIN_THIN * width:
        return []
    middles, thickness = (tops + ends - 1) / 2, ends - tops
    # Each run votes for the lines through its middle (P. Hough, 1962). A cell of the table stands
    # for one slope and a few pixels of the line's height in the middle column.
    cell = max(1, max(height, width) / 400)
    slopes = np.arange(-_TILT, _TILT, 2 * cell / width)
    room = int(_TILT * width / 2 / cell) + 1
    cells = int(height / cell) + 2 * room + 1

    def votes(some: np.ndarray) -> np.ndarray:
        at = (middles[some, None] - (columns[some, None] - width / 2) * slopes) / cell + room
        at = at.astype(np.int64) + np.arange(len(slopes)) * cells
        return np.bincount(at.ravel(), minlength=len(slopes) * cells)

    left = np.ones(len(columns), bool)  # not taken by a line yet
    table = votes(left)
    lines = []
    while table.max() >= _LONG * width / 3:
        best = int(table.argmax())
        middle = (best % cells + 0.5 - room) * cell
        away = np.abs(middles - middle - (columns - width / 2) * slopes[best // cells])
        near = left & (away <= 1.5 * cell + 0.5)
        line = _traced(solid, columns[near], middles[near], thickness[near])
        if line is not None:
            lines.append(line)
            there = (columns >= line.first) & (columns < line.end)
            near |= left & there & (np.abs(middles - line.row_at(columns)) <= 1.5 * cell + 0.5)
        table -= votes(near)
        table[best] = 0
        left &= ~near
    return lines


def erased(solid: np.ndarray, across: list[LongLine], down: list[LongLine]) -> np.ndarray:
    """Return a mask (h, w) without these lines."""
    rest = solid
    for lines in (across, down):
        if lines:
            columns, tops, ends = _runs(rest)
            gone = np.zeros(len(columns), bool)
            for line in lines:
                there = (columns >= line.first) & (columns < line.end)
                at = line.row_at(columns)
                there &= (tops - 1 <= at) & (at <= ends)
                gone |= there & (ends - tops <= 1.5 * line.thickness + 1.5)
            marks = np.zeros((rest.shape[1], rest.shape[0] + 1), np.int8)
            marks[columns[gone], tops[gone]] = 1
            marks[columns[gone], ends[gone]] = -1
            rest = rest & ~np.cumsum(marks, axis=1, dtype=np.int8)[:, :-1].astype(bool).T
        rest = rest.T
    return rest


def cleared(ink: np.ndarray, solid: np.ndarray, gone: np.ndarray) -> np.ndarray:
    """Remove what a mask (h, w) covers from ink (h, w), with its soft edge.

    Args:
        ink: In [0, 1].
        solid: Where there is ink; the rest of it stays.
        gone: What to remove.
    """
    if not gone.any():
        return ink
    soft_edge = scipy.ndimage.maximum_filter(gone, 5)
    return np.where(soft_edge & ~scipy.ndimage.maximum_filter(solid & ~gone, 3), 0, ink)


def _runs(solid: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return column, first row and row after the last of each run of True down a mask (h, w)."""
    change = np.diff(solid.T.astype(np.int8), axis=1, prepend=0, append=0)
    columns, tops = np.nonzero(change == 1)
    return columns, tops, np.nonzero(change == -1)[1]


def _traced(
    solid: np.ndarray, columns: np.ndarray, middles: np.ndarray, thickness: np.ndarray
) -> LongLine | None:
    """Follow a line through the middles of its runs; return None if it is short or has gaps."""
    height, width = solid.shape
    powers = np.vander(np.linspace(-1, 1, width), 3)
    near = np.ones(len(columns), bool)
    for _ in range(3):
        if _distinct(columns[near]) < max(3, _MIN_THIN * width):
            return None
        thick = float(np.quantile(thickness[near], _TYPICAL))
        # A parabola, because paper may bend.
        bend = np.linalg.lstsq(powers[columns[near]], middles[near], rcond=None)[0]
        near = np.abs(middles - powers[columns] @ bend) <= max(1.0, thick / 2)
    rows = powers @ bend
    around = np.clip(np.rint(rows).astype(int) + [[-1], [0], [1]], 0, height - 1)
    inked = solid[around, np.arange(width)].any(axis=0)
    there = np.flatnonzero(inked)
    # The longest stretch without a large gap.
    parts = np.split(there, np.flatnonzero(np.diff(there) > max(2, GAP * width)) + 1)
    part = max(parts, key=len)
    if len(part) == 0 or np.ptp(part) + 1 < _LONG * width:
        return None
    first, end = int(part[0]), int(part[-1]) + 1
    straight = np.linspace(rows[first], rows[end - 1], end - first)
    if np.abs(rows[first:end] - straight).max() > max(1, _BEND * (end - first)):
        return None
    alone = np.zeros(width, bool)
    alone[columns[near]] = True
    if alone[first:end].mean() < _ALONE:  # it only passes through other ink
        return None
    return LongLine(first, rows[first:end], thick)


def _distinct(columns: np.ndarray) -> int:
    """Count the different ones among columns (n,)."""
    return int(np.count_nonzero(np.bincount(columns)))
