"""Ruling: the lines of ruled and squared paper, tables and frames, removed from ink.

They run along the picture, past the writing.
"""

import numpy as np
import scipy

from digitlab.pictures.lines import GAP, SOLID, THICK, LongLine, cleared, erased, find_lines

_RIDGE = 0.15  # minimum ink of a thin line, the sum of three pixels across
_PAST = 0.03  # minimum length of a line beyond the writing, as a share of the line's length
_NEAR = 0.12  # maximum gap from a line's end to the edge, as a share of the picture's side
_PAGE_PARTS = 3  # a picture with at least this many parts of writing is a page
_LONGER = 3  # a line on a page is at least this many times as long as a digit
_TALL = 0.92  # maximum length of a 1, as a share of the length of a line beside it
_LARGE = 0.08  # minimum size of a part of the writing, as a share of the picture's shorter side


def without_ruling(ink: np.ndarray) -> np.ndarray:
    """Remove lines along the picture from ink (h, w) in [0, 1]; strokes that cross them stay."""
    solid = ink > SOLID
    all_across, all_down = find_lines(_ridges(ink)), find_lines(_ridges(ink.T))
    if not all_across and not all_down:
        return ink
    height, width = solid.shape
    across = [line for line in all_across if _runs_through(line, width, all_down)]
    down = [line for line in all_down if _runs_through(line, height, all_across)]
    written = _written(erased(solid, across, down))
    if not written and down:
        # A tall 1 is shorter than the lines beside it, or than the picture.
        one = min(down, key=lambda line: line.length)
        longest = max((line.length for line in down if line is not one), default=height)
        if one.length < _TALL * longest:
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
        across = across + [line for line in all_across if line.length >= long]
        down = down + [line for line in all_down if line.length >= long]
    if not across and not down:
        return ink
    return cleared(ink, solid, solid & ~erased(solid, across, down))


def _ridges(ink: np.ndarray) -> np.ndarray:
    """Find where ink (h, w) is solid, or part of a thin line between two rows of pixels."""
    above, below, beyond, before = (np.roll(ink, rows, axis=0) for rows in (1, -1, 2, -2))
    more = above + ink + below - 1.5 * (beyond + before)  # than in the paper around it
    return (ink > SOLID) | (ink >= above) & (ink >= below) & (more > _RIDGE)


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
    broad = THICK * min(rest.shape)
    parts = whole or [part for part in parts if min(s.stop - s.start for s in part) > broad]
    largest = max(map(_size, parts), default=0)
    return [part for part in parts if _size(part) >= largest / 3]


def _size(part: tuple[slice, slice]) -> int:
    return max(side.stop - side.start for side in part)


def _runs_through(line: LongLine, side: int, others: list[LongLine]) -> bool:
    """Tell whether a line ends near both edges of a picture of this side, or at crossing lines."""
    away = max(2, GAP * side)

    def meets(place: int, height: float) -> bool:
        return any(
            other.first - away <= height < other.end + away
            and abs(other.row_at(height) - place) <= away
            for other in others
        )

    near = line.first <= _NEAR * side and line.end >= (1 - _NEAR) * side
    return near or meets(line.first, line.rows[0]) and meets(line.end, line.rows[-1])


def _runs_past(line: LongLine, start: int, end: int) -> bool:
    """Tell whether a line begins before the writing and ends after it."""
    past = max(1, _PAST * line.length)
    return start - line.first >= past and line.end - end >= past
