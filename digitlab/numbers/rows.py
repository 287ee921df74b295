"""Rows of writing: how their lines are tilted, and which pieces belong to which row.

The tilt is the one at which the ink, looked at along the lines, covers the least height.
"""

import numpy as np

from digitlab.numbers.pieces import SPECK, Line, straightening, typical_size, weighted_median

_TILTS = np.radians(np.arange(-30, 31, 2.0))
_SLANTS = np.radians(np.arange(-36, 37, 6.0))
# How much a tilt of one radian must reduce the covered height, and a slant the widths, in sizes of
# a digit.
_LEVEL, _UPRIGHT = 0.6, 0.1
_TALL = 0.45  # of a digit's height: pieces that are less tall do not start a row near another
_CLOSE = 0.25  # of a row's height: low pieces that are closer to it than this belong to it
_SHARED = 0.35  # a piece that shares more than this part of its height with a row belongs to it
_APART = 0.85  # of a row's height: the middles of rows are at least this far apart
_WHOLE = 0.75  # of the tallest row's height: lower rows at the picture's edge may be cut off
_FLAT = 0.25  # a piece is a bar if its height is below this share of its width
# In digit heights: how far above the digits, below them and beside them points may be.
_ABOVE, _BELOW, _BESIDE = 0.15, 0.3, 0.7
_SOME = 4000  # points: enough to find the tilt


def find_rows(
    points: list[np.ndarray], cut_off: frozenset[int] = frozenset()
) -> list[tuple[Line, list[int]]]:
    """Sort pieces into rows, from top to bottom, and drop specks and the rest of cut-off rows.

    Args:
        points: See `digitlab.numbers.pieces.Writing`.
        cut_off: Likewise.

    Returns:
        Each row's line, and its remaining pieces from left to right.
    """
    sides = np.array([np.ptp(piece, axis=0) for piece in points])
    tilt = _tilt(np.concatenate(points), typical_size(sides))
    turn = straightening(tilt, 0.0)
    ends = np.array([(y.min(), y.max()) for y in ((piece @ turn)[:, 1] for piece in points)])
    heights = ends[:, 1] - ends[:, 0]
    tall = heights >= _TALL * weighted_median(heights)
    rows: list[list[int]] = []
    bands: list[tuple[float, float]] = []  # the top and bottom of each row
    for piece in np.argsort(-heights, kind="stable"):
        top, bottom = ends[piece]
        shares = [
            (min(bottom, low) - max(top, high)) / max(bottom - top, 1e-9) for high, low in bands
        ]
        best = int(np.argmax(shares)) if shares else -1
        if shares and (
            shares[best] > _SHARED
            or _near(top, bottom, bands[best])
            or not tall[piece]
            and _is_mark(float(sides[piece].max()), top, bottom, bands[best])
        ):
            rows[best].append(int(piece))
            bands[best] = _band(ends[rows[best]])
        else:
            rows.append([int(piece)])
            bands.append((top, bottom))
    _drop_cut_off(rows, bands, heights, cut_off)
    _join_single(rows, bands, ends, tall)
    _merge(rows, bands)
    order = np.argsort([high + low for high, low in bands])
    return [_without_specks(points, rows[at], tilt) for at in order]


def _without_specks(
    points: list[np.ndarray], row: list[int], tilt: float
) -> tuple[Line, list[int]]:
    """Measure the line of a row, and drop specks that are not on it or beside its digits."""
    # Measured without specks: one above a digit would make a tall column of both.
    sides = np.array([np.ptp(points[piece], axis=0).max() for piece in row])
    large = [piece for piece, side in zip(row, sides, strict=True) if side >= SPECK * sides.max()]
    line, _ = _measure(points, large, tilt)
    level = [line.straighten(points[piece]) / line.height for piece in row]
    left, top, right, bottom = np.array([(*p.min(0), *p.max(0)) for p in level]).T
    small = np.maximum(right - left, bottom - top) < SPECK
    gaps = np.maximum(left[:, None] - right[~small], left[~small] - right[:, None])  # (n, others)
    off = np.maximum(
        line.top / line.height - bottom - _ABOVE, top - line.bottom / line.height - _BELOW
    )
    dirt = small & ((off > 0) | (gaps.min(1, initial=0.0 if small.all() else np.inf) > _BESIDE))
    kept = [piece for piece, is_dirt in zip(row, dirt, strict=True) if not is_dirt]
    return _measure(points, kept, tilt)


def _merge(rows: list[list[int]], bands: list[tuple[float, float]]) -> None:
    """Join rows that are too close, such as the upper and the lower loops of eights."""
    for one in range(len(rows) - 1, 0, -1):
        for other in range(one):
            (top, bottom), (high, low) = bands[one], bands[other]
            apart = abs(top + bottom - high - low) / 2
            if apart < _APART * max(bottom - top, low - high):
                rows[other] += rows.pop(one)
                bands[other] = min(top, high), max(bottom, low)
                del bands[one]
                break


def _near(top: float, bottom: float, band: tuple[float, float]) -> bool:
    """Tell whether a piece is too near to a row's middle to belong to another row."""
    high, low = band
    return abs(top + bottom - high - low) / 2 < _APART * (low - high)


def _join_single(
    rows: list[list[int]], bands: list[tuple[float, float]], ends: np.ndarray, tall: np.ndarray
) -> None:
    """Join a low piece that is alone to the nearest row: it is a part of a digit there."""
    for at in reversed(range(len(rows))):
        (piece, *others) = rows[at]
        if others or tall[piece] or len(rows) == 1:
            continue
        del rows[at], bands[at]
        top, bottom = ends[piece]
        nearest = int(np.argmin([max(high - bottom, top - low) for high, low in bands]))
        rows[nearest].append(piece)
        bands[nearest] = _band(ends[rows[nearest]])


def _drop_cut_off(
    rows: list[list[int]],
    bands: list[tuple[float, float]],
    heights: np.ndarray,
    cut_off: frozenset[int],
) -> None:
    """Drop rows of which the picture shows only the upper or lower ends."""
    tallest = max(low - high for high, low in bands)
    for at in reversed(range(len(rows))):
        high, low = bands[at]
        if low - high < _WHOLE * tallest:
            main = [piece for piece in rows[at] if heights[piece] >= 0.5 * heights[rows[at]].max()]
            if cut_off.issuperset(main):
                del rows[at], bands[at]


def _is_mark(side: float, top: float, bottom: float, band: tuple[float, float]) -> bool:
    """Tell whether a low piece, with this longer side, is a mark of a row and no smaller digit."""
    high, low = band
    gap = max(high - bottom, top - low)
    return side < SPECK * (low - high) or gap < _CLOSE * (low - high)


def _band(ends: np.ndarray) -> tuple[float, float]:
    """Return the median top and bottom of a row's taller pieces, from those of all (n, 2)."""
    heights = ends[:, 1] - ends[:, 0]
    top, bottom = np.median(ends[heights >= 0.7 * heights.max()], axis=0)
    return float(top), float(bottom)


def _measure(points: list[np.ndarray], row: list[int], tilt: float) -> tuple[Line, list[int]]:
    """Return the line of a row, and its pieces from left to right."""
    flat = [points[piece] @ straightening(tilt, 0.0) for piece in row]
    slant = _slant(flat)
    shear = straightening(0.0, slant)
    ends = np.array([(*p.min(0), *p.max(0)) for p in (level @ shear for level in flat)])
    places = [float(piece[:, 0].mean()) for piece in (level @ shear for level in flat)]
    from_left = [row[at] for at in np.argsort(places, kind="stable")]
    tall = _columns(ends)
    heights = tall[:, 1] - tall[:, 0]
    height = weighted_median(heights)
    if height < _FLAT * (wide := float((ends[:, 2] - ends[:, 0]).max())):
        height = 0.9 * wide  # there are only bars
    digits = tall[heights > 0.6 * height]
    top, bottom = np.median(digits if len(digits) else tall, axis=0)
    line = Line(tilt, slant, max(float(height), 1e-9), float(top), float(bottom))
    return line, from_left


def _columns(ends: np.ndarray) -> np.ndarray:
    """Merge boxes (n, 4) that are above each other: top and bottom of each, left to right."""
    columns: list[list[float]] = []
    for left, top, right, bottom in ends[np.argsort(ends[:, 0])]:
        if columns:
            last = columns[-1]
            shared = min(right, last[1]) - left
            if shared > 0.5 * min(right - left, last[1] - last[0]) or shared == right - left:
                last[1:] = [max(last[1], right), min(last[2], top), max(last[3], bottom)]
                continue
        columns.append([left, right, top, bottom])
    return np.array(columns)[:, 2:]


def _tilt(points: np.ndarray, size: float) -> float:
    """Find the tilt of the lines on which points (n, 2) are written."""
    points = points[:: max(1, len(points) // _SOME)] / size
    if np.ptp(points[:, 0]) < 1.5 * min(np.ptp(points[:, 1]), 1.0):
        return 0.0  # nothing is beside anything else
    return float(_best(_TILTS, [_covered(points @ straightening(t, 0.0)) for t in _TILTS], _LEVEL))


def _covered(points: np.ndarray) -> float:
    """Measure how much height points (n, 2) cover; a gap counts as 0.1 at most."""
    y = np.sort(points[:, 1])
    return float(np.minimum(np.diff(y), 0.1).sum())


def _slant(flat: list[np.ndarray]) -> float:
    """Find the slant at which the pieces are narrowest in total."""
    points = np.concatenate(flat)
    starts = np.cumsum([0, *map(len, flat[:-1])])
    heights = np.maximum.reduceat(points[:, 1], starts) - np.minimum.reduceat(points[:, 1], starts)
    size = float(heights.max()) or 1.0
    sheared = points[:, :1] + points[:, 1:] * np.tan(_SLANTS)  # (p, angles)
    widths = np.maximum.reduceat(sheared, starts) - np.minimum.reduceat(sheared, starts)
    weights = heights / size  # bars and dots have no slant
    return float(_best(_SLANTS, (widths * weights[:, None]).sum(0) / size, _UPRIGHT))


def _best(angles: np.ndarray, costs: np.ndarray | list[float], prior: float) -> float:
    return float(angles[np.argmin(np.asarray(costs) + prior * np.abs(angles))])
