"""The pieces of a drawing: its strokes, cut where one runs on from character to character."""

from collections.abc import Sequence

import numpy as np
import scipy

from digitlab.numbers.costs import Costs
from digitlab.numbers.pieces import Box, Line, straightening, typical_size
from digitlab.pictures.underlines import find_underlines
from digitlab.strokes import render_checked

# In heights of a digit. All were chosen on composed numbers, see benchmarks/numbers.py.
_BACK = 0.35  # how far the part after a cut may reach back over the part before
_MIN_HEIGHT = 0.3  # how tall both parts must be, and a stroke that retraces another
_CUTS = 4  # maximum cuts in one stroke
_DETAIL, _STEP = 0.015, 0.06  # minimum and maximum distance between points
_RETRACED = 0.05  # maximum distance from a stroke of one that retraces it
_MAX_COMPARED = 100  # strokes: to find those that retrace others among more would take seconds
# How many of a hundred examples of each digit, 0 to 9, have one, two, three, or more strokes:
# rounded means of four contributors to UNIPEN, who differ a lot.
_HABITS = [
    [70, 90, 98, 98, 20, 25, 98, 55, 82, 92],
    [29, 10, 1, 1, 80, 75, 1, 44, 17, 7],
    [1, 8, 0.5, 0.5, 1, 1, 0.5, 2, 1, 0.5],
    [0.2, 0.5, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2],
]


class StrokePieces:
    """See `digitlab.numbers.pieces.Writing`.

    Args:
        strokes: Each (n, 2) float64, as `digitlab.strokes.as_strokes` gives them; may be empty.
    """

    habits = np.log(np.array(_HABITS) / 100)
    costs = Costs()
    pen = 0.0  # strokes have no width
    cut_off: frozenset[int] = frozenset()

    def __init__(self, strokes: Sequence[np.ndarray]):
        self.points: list[np.ndarray] = []
        self.parents: list[int] = []
        if not strokes:
            return
        ends = np.array([(stroke.min(0), stroke.max(0)) for stroke in strokes])
        low, high = ends[:, 0].min(0), ends[:, 1].max(0)
        # Coordinates from -1 to 1, whatever the pad; halves cannot overflow.
        self._middle, self._half = low / 2 + high / 2, (high / 2 - low / 2).max() or 1.0
        scaled = _without_underlines([(stroke - self._middle) / self._half for stroke in strokes])
        size = typical_size(np.array([np.ptp(stroke, axis=0) for stroke in scaled]))
        points = [_resampled(stroke, _DETAIL * size, _STEP * size) for stroke in scaled]
        self.points = _without_retraced(points, size)
        self.parents = list(range(len(self.points)))

    def box(self, pieces: Sequence[int]) -> Box:
        """See `Writing`."""
        points = np.concatenate([self.points[piece] for piece in pieces])
        points = points * self._half + self._middle
        (left, top), (right, bottom) = points.min(0).tolist(), points.max(0).tolist()
        return left, top, right, bottom

    def image(self, pieces: Sequence[int], tilt: float) -> np.ndarray:
        """See `Writing`."""
        turn = straightening(tilt, 0.0)
        return render_checked([self.points[piece] @ turn for piece in pieces])

    def cut(self, piece: int, line: Line) -> list[int]:
        """See `Writing`. Cuts are where what follows is to the right of what came before."""
        points = self.points[piece]
        level = line.straighten(points) / line.height
        if level[-1, 0] < level[0, 0]:  # written from right to left
            points, level = points[::-1], level[::-1]
        cuts = _cuts(level)
        if not cuts:
            return []
        made = []
        for first, last in zip([0, *cuts], [*cuts, len(points) - 1], strict=True):
            part = points[first : last + 1]
            made.append(len(self.points))
            self.points.append(part)
            self.parents.append(self.parents[piece])
        return made


def _without_retraced(strokes: list[np.ndarray], size: float) -> list[np.ndarray]:
    """Leave out strokes that lie on another one, of which they would seem to be a second part.

    Args:
        strokes: Each (n, 2).
        size: The size of a digit.
    """
    if len(strokes) > _MAX_COMPARED:
        return strokes
    near = _RETRACED * size
    low = np.array([stroke.min(0) for stroke in strokes])
    high = np.array([stroke.max(0) for stroke in strokes])
    tall = (high - low).max(1) >= _MIN_HEIGHT * size  # points and commas may lie on a digit
    trees = [scipy.spatial.KDTree(stroke) for stroke in strokes]

    def lies_on(number: int, other: int) -> bool:
        some = strokes[number][:: 1 + len(strokes[number]) // 8]  # usually, these are far enough
        return all(
            np.isfinite(trees[other].query(points, distance_upper_bound=near)[0]).all()
            for points in (some, strokes[number])
        )

    kept = np.ones(len(strokes), bool)
    # Of two that lie on each other, the earlier stays.
    for number in np.flatnonzero(tall)[::-1].tolist():
        around = kept & (low <= low[number] + near).all(1) & (high >= high[number] - near).all(1)
        around[number] = False
        kept[number] = not any(lies_on(number, other) for other in np.flatnonzero(around).tolist())
    return [stroke for stroke, keep in zip(strokes, kept, strict=True) if keep]


def _without_underlines(strokes: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
    """Drop lines below several digits; one below a single digit may be a part of it."""
    if len(strokes) < 3:
        return strokes
    ends = np.array([np.ravel([stroke.min(0), stroke.max(0)]) for stroke in strokes])
    under = find_underlines(ends[:, [1, 3, 0, 2]], digits=2)
    return [stroke for stroke, line in zip(strokes, under, strict=True) if not line]


def _resampled(stroke: np.ndarray, detail: float, step: float) -> np.ndarray:
    """Drop points of a stroke (n, 2) closer than `detail` to others; add points `step` apart."""
    lengths = np.hypot(*np.diff(stroke, axis=0).T)
    along = np.concatenate([[0.0], np.cumsum(lengths)])  # (n,)
    total = along[-1]
    if total <= detail:
        return stroke[[0, -1]] if total > 0 else stroke[:1]
    kept = np.flatnonzero(np.diff((along / detail).astype(np.int64), prepend=-1))
    between = np.linspace(0, total, int(total / step) + 2)
    at = np.unique(np.concatenate([along[kept], between]))
    return np.stack([np.interp(at, along, axis) for axis in stroke.T], axis=1)


def _cuts(level: np.ndarray) -> list[int]:
    """Find the points of a stroke (n, 2), straightened and in heights, where it can be cut."""
    x, y = level.T
    reach = np.maximum.accumulate(x) - np.minimum.accumulate(x[::-1])[::-1]  # (n,)
    before = np.maximum.accumulate(y) - np.minimum.accumulate(y)
    after = (np.maximum.accumulate(y[::-1]) - np.minimum.accumulate(y[::-1]))[::-1]
    possible = (reach < _BACK) & (before > _MIN_HEIGHT) & (after > _MIN_HEIGHT)
    cuts: list[int] = []
    # The best of each run of possible places.
    edges = np.flatnonzero(np.diff(possible, prepend=False, append=False))
    for first, end in zip(edges[::2], edges[1::2], strict=True):
        run = reach[first:end]
        best = np.flatnonzero(run <= run.min() + 0.02)
        cuts.append(int(first + best[len(best) // 2]))
    return sorted(sorted(cuts, key=lambda at: reach[at])[:_CUTS])
