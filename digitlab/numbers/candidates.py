"""Candidates: groups of pieces that may be one character, and what their shape says about it.

A candidate's score is the logarithm of how likely it is to be a certain character: what the
recognizer says, minus costs for a shape or a place that characters rarely have. The unit of all
lengths is the height of a digit.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from digitlab.images import CLASSES
from digitlab.numbers.pieces import Line, Writing

_MAX_PIECES = 4  # maximum pieces of one character; parts cut from the same piece count once
_AHEAD = 5  # maximum pieces to the right to combine a piece with; its parts count once here, too
_PARTS = 12  # the same, if each part counts
_CROWD, _AHEAD_IN_CROWD = 100, 2  # in a row of more than 100, only 2, to save time
_GROUPS = 64  # maximum groups that begin with the same piece; those of fewer pieces come first
_BRIDGE = 0.45  # the widest gap within a character
_WIDE, _TALL = 1.5, 1.7  # maximum width and height of a character of several pieces
_LEVEL, _LEVELS = 0.1, 40  # levels at which pieces are compared: how far apart, how many
_UNLIKE_MARKS = [0, 2, 3, 4, 5, 6, 8]  # digits that commas and minuses do not look like
_REACH = 0.2  # how far neighbours may reach into each other, in widths of the wider one
_BROAD = 0.9  # digits are rarely wider
_NARROW = 0.3  # narrower pieces count as this wide when neighbours reach into each other
_PLACES = 64  # gaps are measured between at most this many points of each piece


@dataclass(frozen=True, eq=False)
class Candidate:
    """Pieces that may be one character.

    Attributes:
        pieces: Their places in the row, in increasing order.
        mark: What it may be other than a digit, by its shape: ".", ",", "-" or "?".
        weight: How much the probability of a digit counts.
        doubt: How much the eleventh class counts.
        mark_score: The logarithm of how likely the mark is, before the recognizer's answer.
        digit_scores: The same for each digit (10,).
    """

    pieces: tuple[int, ...]
    mark: str
    weight: float
    doubt: float
    mark_score: float
    digit_scores: np.ndarray

    def scores(self, answer: np.ndarray) -> np.ndarray:
        """Score the ten digits and the mark (11,), with the recognizer's answer (10,) or (11,)."""
        with np.errstate(divide="ignore"):
            logs = np.log(answer.astype(np.float64) + 1e-12)
        digits = self.digit_scores + self.weight * logs[:CLASSES]
        if len(answer) > CLASSES:  # several digits at once are not always rejected
            digits += self.doubt * np.log(max(1 - float(answer[CLASSES]), 1e-12))
        mark = self.mark_score
        if self.mark == "?":
            mark += logs[CLASSES] if len(answer) > CLASSES else -30.0
        elif self.mark in ",-":  # a comma may look like a 1, 7 or 9, but not like a small 6
            mark += np.log(max(1 - answer[_UNLIKE_MARKS].sum(), 1e-12))
        return np.append(digits, mark)


def find_candidates(writing: Writing, row: Sequence[int], line: Line) -> list[Candidate]:
    """List the candidates of a row.

    Args:
        writing: The pieces.
        row: The pieces of the row, from left to right.
        line: The row's line.
    """
    level = [line.straighten(writing.points[piece]) / line.height for piece in row]
    ends = np.array([(*points.min(0), *points.max(0)) for points in level])  # (n, 4)
    parents = [writing.parents[piece] for piece in row]
    shape = _Shapes(ends, parents, writing, _tangles(level, ends), line)
    windows = _windows(parents)
    gaps = _gaps(level, windows)
    return [
        shape.candidate(pieces, bridge)
        for window in windows
        for pieces, bridge in _groups(window, gaps, ends, parents)
    ]


def _windows(parents: Sequence[int]) -> list[range]:
    """For each piece, find the pieces from which a character that begins with it may be made."""
    most = _PARTS if len(parents) <= _CROWD else _AHEAD_IN_CROWD
    windows = []
    for first in range(len(parents)):
        last = min(first + most, len(parents) - 1)
        while len(set(parents[first : last + 1])) > _AHEAD + 1:
            last -= 1
        windows.append(range(first, last + 1))
    return windows


def _gaps(level: Sequence[np.ndarray], windows: Sequence[range]) -> dict[tuple[int, int], float]:
    """Measure the distances between the ink of each piece and of the others in its window."""
    some = [points[:: max(1, -(-len(points) // _PLACES))] for points in level]
    return {
        (window[0], other): float(
            np.sqrt(((some[window[0]][:, None] - some[other]) ** 2).sum(2).min())
        )
        for window in windows
        for other in window[1:]
    }


def _tangles(level: Sequence[np.ndarray], ends: np.ndarray) -> dict[tuple[int, int], float]:
    """Measure how far pieces reach into each other at the same level, whichever is on the left.

    In widths of the wider one: 0 if one is left of the other all the way from top to bottom, even
    if their boxes overlap; 0.5 for a zero and the slash through its middle.
    """
    widths = np.maximum(ends[:, 2] - ends[:, 0], _NARROW)
    first_level = ends[:, 1].min()
    left = np.full((len(level), _LEVELS), np.inf)
    right = -left
    for piece, points in enumerate(level):
        at = np.minimum((points[:, 1] - first_level) / _LEVEL, _LEVELS - 1).astype(int)
        np.minimum.at(left[piece], at, points[:, 0])
        np.maximum.at(right[piece], at, points[:, 0])
    found = {}
    for ahead in range(1, _AHEAD + 3):
        # Without a level in common, this is -inf.
        one = (right[:-ahead] - left[ahead:]).max(1)
        other = (right[ahead:] - left[:-ahead]).max(1)
        wider = np.maximum(widths[:-ahead], widths[ahead:])
        for first, reach in enumerate(np.minimum(one, other) / wider):
            if reach > 0:
                found[first, first + ahead] = float(reach)
    return found


def _groups(
    window: range, gaps: dict, ends: np.ndarray, parents: Sequence[int]
) -> Iterator[tuple[tuple[int, ...], float]]:
    """Yield the groups that begin with the first piece of a window, each with its widest gap.

    A group has no gap in the parts that were cut from one piece.
    """
    found: dict[tuple[int, ...], float] = {(window[0],): 0.0}
    waiting = list(found)
    while waiting:
        group = waiting.pop(0)
        for joined in window:
            parts = [piece for piece in group if parents[piece] == parents[joined]]
            if joined in group or (parts and not parts[0] - 1 <= joined <= parts[-1] + 1):
                continue
            gap = min(gaps[min(piece, joined), max(piece, joined)] for piece in group)
            larger = tuple(sorted((*group, joined)))
            bridge = max(found[group], gap)
            if gap > _BRIDGE or bridge >= found.get(larger, np.inf):
                continue
            if len(found) == _GROUPS and larger not in found:
                continue
            box = ends[list(larger)]
            width = box[:, 2].max() - box[:, 0].min()
            height = box[:, 3].max() - box[:, 1].min()
            made_of = len({parents[piece] for piece in larger})
            if width <= _WIDE and height <= _TALL and made_of <= _MAX_PIECES:
                found[larger] = bridge
                waiting.append(larger)
    yield from found.items()


class _Shapes:
    """Scores groups of a row's pieces by their shapes.

    Args:
        ends: Left, top, right and bottom (n, 4) of the straightened pieces, in digit heights.
        parents: For each, the piece that it was cut from.
        writing: What the pieces are from.
        tangles: See `_tangles`.
        line: The row's line.
    """

    def __init__(
        self,
        ends: np.ndarray,
        parents: Sequence[int],
        writing: Writing,
        tangles: dict[tuple[int, int], float],
        line: Line,
    ):
        self._ends, self._parents, self._costs = ends, parents, writing.costs
        self._tangles: list[list[tuple[int, float]]] = [[] for _ in ends]
        for (one, other), reach in tangles.items():
            self._tangles[one].append((other, reach))
            self._tangles[other].append((one, reach))
        self._habits = writing.costs.habits * writing.habits
        self._pen = writing.pen / line.height
        self._top, self._bottom = line.top / line.height, line.bottom / line.height
        self._is_comma = [  # whether this piece alone would be a comma
            parents.count(parent) == 1 and self._mark(*piece)[0] == ","
            for piece, parent in zip(ends, parents, strict=True)
        ]

    def candidate(self, pieces: tuple[int, ...], bridge: float) -> Candidate:
        """Make a candidate from pieces between which the widest gap is `bridge`."""
        costs, inside = self._costs, list(pieces)
        box = self._ends[inside]
        (left, top), (right, bottom) = box[:, :2].min(0), box[:, 2:].max(0)
        width, height = right - left, bottom - top
        size = np.log(max(height, 0.02))
        digit = -0.5 * (size / costs.height) ** 2
        tangle = max(
            (reach for p in pieces for other, reach in self._tangles[p] if other not in pieces),
            default=0.0,
        )
        rise = self._bottom - bottom  # above the line
        digit -= 0.5 * (rise / (costs.raised if rise > 0 else costs.sunk)) ** 2
        both = -costs.gap * bridge - costs.cut * self._cut_ends(inside)
        both -= costs.tangle * max(tangle - _REACH, 0.0)
        covered = self._covered(inside, (left, top, right, bottom))
        digit -= costs.covered * covered + costs.wide * max(width - _BROAD, 0.0)
        digit -= costs.comma * (len(inside) > 1 and any(self._is_comma[p] for p in inside))
        made_of = len({self._parents[piece] for piece in inside})
        habits = self._habits[min(made_of, len(self._habits)) - 1]  # (10,)
        mark, score = self._mark(left, top, right, bottom)
        if mark == "?":
            score -= costs.unknown_more * (made_of - 1)
        score -= (costs.covered if mark == "?" else costs.covered_mark) * covered
        # Two digits at once may look like a third one, though less clearly.
        weight = costs.joined if made_of < len(inside) else 1.0
        return Candidate(pieces, mark, weight, costs.doubt, both + score, both + digit + habits)

    def _mark(self, left: float, top: float, right: float, bottom: float) -> tuple[str, float]:
        """Tell what a shape may be other than a digit, and what that costs."""
        width, height, middle = right - left, bottom - top, (top + bottom) / 2
        # From 0 at the upper end of the digits to 1 at their lower end.
        place = (middle - self._top) / max(self._bottom - self._top, 1e-9)
        costs = self._costs
        if place > 0.65 and width <= 0.3 and height <= 0.42 and bottom > self._bottom - 0.2:
            if height - self._pen <= max(0.12, 1.4 * (width - self._pen)) and height <= 0.3:
                return ".", -costs.mark
            return ",", -costs.mark
        if 0.2 < place < 0.8 and height <= 0.3 and 0.15 <= width <= 1.2 and width > 2 * height:
            return "-", -costs.mark
        return "?", -costs.unknown

    def _covered(self, inside: list[int], box: tuple[float, float, float, float]) -> float:
        """Measure how much these pieces and others are in each other's way: 0 to 1.

        That is the share of their widths that they have in common. It counts less the taller both
        are, because digits may overlap, but a digit and a bar hardly ever do.
        """
        left, top, right, bottom = box
        others = np.delete(self._ends, inside, axis=0)
        if not len(others):
            return 0.0
        shared = np.minimum(others[:, 2], right) - np.maximum(others[:, 0], left)
        least = np.maximum(np.minimum(others[:, 2] - others[:, 0], right - left), 0.1)
        lower = np.minimum(others[:, 3] - others[:, 1], bottom - top)
        weight = np.clip(1 - lower, 0, 1)
        return float((np.clip(shared / least - 0.2, 0, 0.8) / 0.8 * weight).max())

    def _cut_ends(self, inside: list[int]) -> int:
        """Count the cuts between these pieces and others."""
        count = 0
        for piece in inside:
            for beside in (piece - 1, piece + 1):
                if 0 <= beside < len(self._parents) and beside not in inside:
                    count += bool(self._parents[beside] == self._parents[piece])
        return count
