"""Ruling: the lines of ruled and squared paper, tables and frames, found in ink and removed.

Such a line is thin and straight, is tilted by a few degrees at most, and runs along the picture,
past the writing. Measured across the line, its ink is about as long as the line is thick. Where a
pen stroke crosses it, the ink is longer, and stays. Staff lines are removed from music scores in
this way (C. Dalitz et al., "A comparative study of staff removal algorithms", 2008).
"""

from typing import NamedTuple

import numpy as np
import scipy

# A pixel with more ink than this may be part of a line. Writing begins at 0.25; with the same
# value, lines as pale as that would be found in pieces, and stay as hundreds of specks.
SOLID = 0.18
_TILT = 0.12  # maximum slope of a line: 7 degrees
_THICK = 0.06  # maximum thickness of a line, as a share of the picture's shorter side
_LONG = 0.5  # minimum length of a line, as a share of the picture's side
_ALONE = 0.4  # minimum share of its columns in which it does not touch other ink
_MIN_THIN = _LONG * _ALONE  # a line needs thin ink in at least this share of the columns
_GAP = 0.03  # longest gap in a line, as a share of the picture's side
_PAST = 0.03  # minimum length of a line beyond the writing, as a share of the line's length
_NEAR = 0.12  # maximum gap from a line's end to the edge, as a share of the picture's side
_PAGE_PARTS = 3  # a picture with at least this many parts of writing is a page
_LONGER = 3  # a line on a page is at least this many times as long as a digit
_BEND = 0.02  # maximum distance of a line from a straight one, as a share of its length
_TALL = 0.92  # maximum length of a 1, as a share of the length of a line beside it
_MIN_DIGIT_HEIGHT = 0.4  # minimum height of a digit, as a share of the tallest one's
_FLAT = 0.2  # an underline's height, as a share of its width
# An underline's minimum width, as a share of the tallest digit's height; and if there are digits
# below it, too: the bar of a five among them is not as wide.
_WIDE, _WIDER = 0.7, 1.5
_BELOW = 0.5  # how far below the digits it is at most, likewise
_LARGE = 0.08  # minimum size of a part of the writing, as a share of the picture's shorter side


class RuledLine(NamedTuple):
    """A line across a picture; or down it, if the picture was transposed."""

    first: int  # column
    heights: np.ndarray  # (n,) float64: the row of its middle in this and each following column
    thickness: float

    @property
    def end(self) -> int:
        """The column after the last."""
        return self.first + len(self.heights)


def without_ruling(ink: np.ndarray) -> np.ndarray:
    """Remove lines along the picture from ink (h, w) in [0, 1]; strokes that cross them stay."""
    solid = ink > SOLID
    all_across, all_down = find_lines(solid), find_lines(solid.T)
    if not all_across and not all_down:
        return ink
    height, width = solid.shape
    across = [line for line in all_across if _runs_through(line, width, all_down)]
    down = [line for line in all_down if _runs_through(line, height, all_across)]
    written = _written(erased(solid, across, down))
    if not written and down:
        # A tall 1 is shorter than the lines beside it, or than the picture.
        one = min(down, key=lambda line: len(line.heights))
        longest = max((len(line.heights) for line in down if line is not one), default=height)
        if len(one.heights) < _TALL * longest:
            down = [line for line in down if line is not one]
            written = _written(erased(solid, across, down))
    if not written and across + down:  # one line may be a stroke, several are empty paper
        return ink if len(across) + len(down) == 1 else np.zeros_like(ink)
    if written:
        left, right = min(part[1].start for part in written), max(part[1].stop for part in written)
        top, bottom = min(part[0].start for part in written), max(part[0].stop for part in written)
        across = [line for line in across if _runs_past(line, left, right)]
        down = [line for line in down if _runs_past(line, top, bottom)]
    # On a page, lines may end anywhere, and are longer than digits.
    written = _written(erased(solid, all_across, all_down))
    if len(written) >= _PAGE_PARTS:
        long = _LONGER * max(map(_size, written))
        across = across + [line for line in all_across if len(line.heights) >= long]
        down = down + [line for line in all_down if len(line.heights) >= long]
    if not across and not down:
        return ink
    return cleared(ink, solid, solid & ~erased(solid, across, down))


def without_underlines(ink: np.ndarray) -> np.ndarray:
    """Remove lines drawn by hand below digits, or below a sum, from ink (h, w) in [0, 1]."""
    labels, _ = scipy.ndimage.label(ink > SOLID, np.ones((3, 3)))
    parts = scipy.ndimage.find_objects(labels)
    # top, bottom, left, right
    ends = np.array([(y.start, y.stop, x.start, x.stop) for y, x in parts]).reshape(-1, 4)
    under = find_underlines(ends, digits=1)
    return cleared(ink, labels > 0, np.isin(labels, 1 + np.flatnonzero(under)))


def find_underlines(ends: np.ndarray, digits: int) -> np.ndarray:
    """Find lines drawn by hand below digits, or below a sum.

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


def find_lines(solid: np.ndarray) -> list[RuledLine]:
    """Find the lines across a mask (h, w)."""
    height, width = solid.shape
    columns, tops, ends = _runs(solid)
    thin = ends - tops <= max(2, _THICK * min(height, width))
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
            at = line.heights[np.where(there, columns - line.first, 0)]
            near |= left & there & (np.abs(middles - at) <= 1.5 * cell + 0.5)
        table -= votes(near)
        table[best] = 0
        left &= ~near
    return lines


def _runs(solid: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return column, first row and row after the last of each run of True down a mask (h, w)."""
    change = np.diff(solid.T.astype(np.int8), axis=1, prepend=0, append=0)
    columns, tops = np.nonzero(change == 1)
    return columns, tops, np.nonzero(change == -1)[1]


def _traced(
    solid: np.ndarray, columns: np.ndarray, middles: np.ndarray, thickness: np.ndarray
) -> RuledLine | None:
    """Follow a line through the middles of its runs; return None if it is short or has gaps."""
    height, width = solid.shape
    powers = np.vander(np.linspace(-1, 1, width), 3)
    near = np.ones(len(columns), bool)
    for _ in range(3):
        if _distinct(columns[near]) < max(3, _MIN_THIN * width):
            return None
        thick = float(np.median(thickness[near]))
        # A parabola, because paper may bend.
        bend = np.linalg.lstsq(powers[columns[near]], middles[near], rcond=None)[0]
        near = np.abs(middles - powers[columns] @ bend) <= max(1.0, thick / 2)
    heights = powers @ bend
    rows = np.clip(np.rint(heights).astype(int) + [[-1], [0], [1]], 0, height - 1)
    inked = solid[rows, np.arange(width)].any(axis=0)
    there = np.flatnonzero(inked)
    # The longest stretch without a large gap.
    parts = np.split(there, np.flatnonzero(np.diff(there) > max(2, _GAP * width)) + 1)
    part = max(parts, key=len)
    if len(part) == 0 or np.ptp(part) + 1 < _LONG * width:
        return None
    first, end = int(part[0]), int(part[-1]) + 1
    straight = np.linspace(heights[first], heights[end - 1], end - first)
    if np.abs(heights[first:end] - straight).max() > max(1, _BEND * (end - first)):
        return None
    alone = np.zeros(width, bool)
    alone[columns[near]] = True
    if alone[first:end].mean() < _ALONE:  # it only passes through other ink
        return None
    return RuledLine(first, heights[first:end], thick)


def _distinct(columns: np.ndarray) -> int:
    """Count the different ones among columns (n,)."""
    return int(np.count_nonzero(np.bincount(columns)))


def erased(solid: np.ndarray, across: list[RuledLine], down: list[RuledLine]) -> np.ndarray:
    """Return a mask (h, w) without these lines."""
    rest = solid
    for lines in (across, down):
        if lines:
            columns, tops, ends = _runs(rest)
            gone = np.zeros(len(columns), bool)
            for line in lines:
                there = (columns >= line.first) & (columns < line.end)
                at = line.heights[np.where(there, columns - line.first, 0)]
                there &= (tops - 1 <= at) & (at <= ends)
                gone |= there & (ends - tops <= 1.5 * line.thickness + 1.5)
            marks = np.zeros((rest.shape[1], rest.shape[0] + 1), np.int8)
            marks[columns[gone], tops[gone]] = 1
            marks[columns[gone], ends[gone]] = -1
            rest = rest & ~np.cumsum(marks, axis=1, dtype=np.int8)[:, :-1].astype(bool).T
        rest = rest.T
    return rest


def _written(rest: np.ndarray) -> list[tuple[slice, slice]]:
    """Return rows and columns of each part of the writing, except specks and tails."""
    parts = scipy.ndimage.find_objects(scipy.ndimage.label(rest, np.ones((3, 3)))[0])
    least = _LARGE * min(rest.shape)
    parts = [part for part in parts if _size(part) >= least]
    whole = [
        part
        for part in parts
        if all(s.start > 0 and s.stop < side for s, side in zip(part, rest.shape, strict=True))
    ]
    # If the picture's edge cuts every part, it also cuts the digit, which is broader than what is
    # left of a line.
    broad = _THICK * min(rest.shape)
    parts = whole or [part for part in parts if min(s.stop - s.start for s in part) > broad]
    largest = max(map(_size, parts), default=0)
    return [part for part in parts if _size(part) >= largest / 3]


def _size(part: tuple[slice, slice]) -> int:
    return max(side.stop - side.start for side in part)


def _runs_through(line: RuledLine, side: int, others: list[RuledLine]) -> bool:
    """Tell whether a line ends near both edges of a picture of this side, or at crossing lines."""
    away = max(2, _GAP * side)

    def meets(place: int, height: float) -> bool:
        return any(
            other.first - away <= height < other.end + away
            and abs(
                other.heights[int(np.clip(height - other.first, 0, len(other.heights) - 1))] - place
            )
            <= away
            for other in others
        )

    near = line.first <= _NEAR * side and line.end >= (1 - _NEAR) * side
    return near or meets(line.first, line.heights[0]) and meets(line.end, line.heights[-1])


def _runs_past(line: RuledLine, start: int, end: int) -> bool:
    """Tell whether a line begins before the writing and ends after it."""
    past = max(1, _PAST * len(line.heights))
    return start - line.first >= past and line.end - end >= past
