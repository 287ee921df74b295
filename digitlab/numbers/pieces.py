"""The interface of writing, whether strokes or a picture: pieces that can be drawn and cut."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np

from digitlab.numbers.costs import Costs

SPECK = 0.2  # in digit heights: points, and dirt on the paper, are smaller in both directions

Box = tuple[float, float, float, float]  # left, top, right, bottom


class Line(NamedTuple):
    """A line of writing: angles in radians, heights in the unit of the pieces' points.

    `straighten` turns it: x then runs along the line, y down across it, and slanted stems stand
    upright.
    """

    tilt: float  # of the line; above 0 it falls to the right, because y is down
    slant: float  # of the stems from the vertical; above 0 they lean to the right
    height: float  # of its digits
    top: float  # y of their upper ends, when straightened
    bottom: float  # and of their lower ends

    def straighten(self, points: np.ndarray) -> np.ndarray:
        """Straighten points (n, 2)."""
        return points @ straightening(self.tilt, self.slant)


def straightening(tilt: float, slant: float) -> np.ndarray:
    """Return the matrix (2, 2) that straightens row vectors (x, y)."""
    cos, sin = np.cos(tilt), np.sin(tilt)
    turn = np.array([[cos, -sin], [sin, cos]])
    return turn @ np.array([[1.0, 0.0], [np.tan(slant), 1.0]])


def typical_size(sides: np.ndarray) -> float:
    """Return the size of a digit: the `weighted_median` of the longer sides of pieces (n, 2)."""
    return max(weighted_median(sides.max(1)), 1e-9)


def weighted_median(lengths: np.ndarray) -> float:
    """Return the median of lengths (n,), each weighted by the length itself."""
    ordered = np.sort(lengths)
    total = np.cumsum(ordered)
    return float(ordered[np.searchsorted(total, total[-1] / 2)])


class Writing(Protocol):
    """Pieces of writing.

    Attributes:
        points: For each piece, places of its ink (n, 2) float64: x, y in any unit, y down.
        parents: For each piece, the number of the original that it was cut from, or its own number.
        habits: (k, 10): the logarithm of how often a digit is made of 1, 2, ..., k or more pieces.
        costs: What unusual shapes cost.
        pen: How much the pen's width adds to the width and height of a piece, in the unit of the
            points.
        cut_off: The pieces that go on above or below the picture.
    """

    points: list[np.ndarray]
    parents: list[int]
    habits: np.ndarray
    costs: Costs
    pen: float
    cut_off: frozenset[int]

    def box(self, pieces: Sequence[int]) -> Box:
        """Return the box around some pieces, in pixels of the drawing or picture."""

    def image(self, pieces: Sequence[int], tilt: float) -> np.ndarray:
        """Draw some pieces in MNIST's geometry (28, 28), turned back by a line's tilt."""

    def cut(self, piece: int, line: Line) -> list[int]:
        """Cut a piece where two characters may be joined.

        Returns:
            The new pieces from left to right, which are added to the writing; an empty list if
            the piece does not look joined.
        """
