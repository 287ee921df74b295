"""Numbers composed from drawings of single digits, as people write them side by side.

A number takes its digits from one writer or, where writers wrote too few, from one contributor, who
used the same tablet for all writers. These choices are random, in units of h, the writer's median
height:

- each digit keeps its own size, within 0.7 to 1.4 h, times a factor (standard deviation 8 %), and
  stands on the line within 5 % of h;
- the ink of neighbours is 0.08 to 0.6 h apart, mostly 0.2 h, measured along the line, so that the
  boxes of slanted digits overlap;
- if neighbours touch, each digit instead begins up to 0.08 h before or up to 0.03 h after the first
  place where it would touch the previous one, and one pair in eight is written without lifting the
  pen, if the end of one digit is near the beginning of the next;
- the whole number is slanted (7 degrees), and the line rises or falls (3 degrees);
- in one number of five, the last stroke of each digit that has several strokes is drawn at the very
  end, as people do with the bars of sevens.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np

Drawing = list[np.ndarray]

HEIGHT = 100.0  # the median digit's height in a number, in pixels
_LEVELS = 24  # heights at which the distance between neighbours is measured


def compose(
    drawings: Sequence[Drawing],
    rng: np.random.Generator,
    touching: bool = False,
    marks: Mapping[int, str] = MappingProxyType({}),
) -> Drawing:
    """Write drawings of digits side by side, as one drawing.

    Args:
        drawings: Drawings of one digit each, all in the same unit, y down.
        rng: Makes the choices.
        touching: Whether neighbours touch or overlap.
        marks: A mark before some of the digits, by their indices: ".", "," or "-".

    Returns:
        A list of new strokes, each (n, 2), in pixels, with no coordinate below 0. The median
        digit is `HEIGHT` pixels high.
    """
    heights = [np.ptp(np.concatenate(drawing)[:, 1]) for drawing in drawings]
    unit = max(float(np.median(heights)), 1e-9)
    number: Drawing = []
    late: Drawing = []
    put_off = rng.random() < 0.2
    for index, drawing in enumerate(drawings):
        if index in marks:
            mark = _mark(marks[index], rng)
            if number:
                right = max(stroke[:, 0].max() for stroke in (*number, *late))
                mark = [stroke + (right + _gap(rng) / 2, 0) for stroke in mark]
            number += mark
        digit = _placed(drawing, rng, unit)
        if index in marks:
            digit = [stroke + (number[-1][:, 0].max() + _gap(rng), 0) for stroke in digit]
        elif index:
            near = rng.uniform(-0.08, 0.03) if touching else _gap(rng)
            shift = _distance([*number, *late], digit) - near
            digit = [stroke - (shift, 0) for stroke in digit]
            if touching and rng.random() < 1 / 8 and not late:
                joint = np.linalg.norm(digit[0][0] - number[-1][-1])
                if joint < 0.5:
                    number[-1] = np.concatenate([number[-1], digit.pop(0)])
        if put_off and len(digit) > 1:
            late.append(digit.pop())
        number += digit
    number += late
    slant, tilt = np.tan(rng.normal(0, np.radians(7))), rng.normal(0, np.radians(3))
    turn = np.array([[np.cos(tilt), np.sin(tilt)], [-np.sin(tilt), np.cos(tilt)]])
    change = np.array([[1, 0], [-slant, 1]]) @ turn * HEIGHT  # multiplies row vectors (x, y)
    number = [stroke @ change for stroke in number]
    low = np.concatenate(number).min(0)
    return [stroke - low + 0.2 * HEIGHT for stroke in number]


def _placed(drawing: Drawing, rng: np.random.Generator, unit: float) -> Drawing:
    """A digit in units of the median height, at x from 0, on the line y = 0."""
    points = np.concatenate(drawing)
    corner = points[:, 0].min(), points[:, 1].max()
    height = max(float(np.ptp(points[:, 1])), 1e-9)
    scale = np.clip(height / unit, 0.7, 1.4) / height * np.exp(rng.normal(0, 0.08))
    drop = rng.normal(0, 0.05)
    return [(stroke - corner) * scale + (0, drop) for stroke in drawing]


def _mark(kind: str, rng: np.random.Generator) -> Drawing:
    """A point, a comma or a minus, at x from 0."""
    if kind == ".":
        size = rng.uniform(0, 0.08)
        return [np.array([[0, 0], [size, 0], [size, -size], [0, -size / 2]]) - (0, 0.02)]
    if kind == ",":
        wide, tall = rng.uniform(0.03, 0.12), rng.uniform(0.15, 0.3)
        return [np.array([[wide, 0], [wide, tall / 3], [0, tall]]) - (0, rng.uniform(0.02, 0.15))]
    wide, rise = rng.uniform(0.25, 0.5), rng.normal(0, 0.03)
    y = -rng.uniform(0.4, 0.6)
    return [np.array([[0, y], [wide / 2, y + rise / 2], [wide, y + rise]])]


def _gap(rng: np.random.Generator) -> float:
    return float(np.clip(0.2 * np.exp(rng.normal(0, 0.5)), 0.08, 0.6))


def _distance(left: Drawing, right: Drawing) -> float:
    """How far `right` can be moved to the left until it touches `left`."""
    levels = np.linspace(-1.3, 0.3, _LEVELS)
    edges = _edge(left, levels, -1), _edge(right, levels, 1)
    # Ink also touches ink on the levels just above and below it.
    far, near = (np.stack([np.roll(edge, step) for step in (-1, 0, 1)]) for edge in edges)
    return float(np.min(near.min(0) - far.max(0)))


def _edge(drawing: Drawing, levels: np.ndarray, side: int) -> np.ndarray:
    """The first (side 1) or last (side -1) x of the ink at each level; far away if it has none."""
    edge = np.full(len(levels), 1e3)
    for stroke in drawing:
        starts, ends = stroke[: max(len(stroke) - 1, 1)], stroke[min(len(stroke) - 1, 1) :]
        at = np.linspace(0, 1, 12)[:, None, None]
        dense = (starts + at * (ends - starts)).reshape(-1, 2)
        which = np.abs(dense[:, 1:] - levels).argmin(1)
        np.minimum.at(edge, which, side * dense[:, 0])
    return side * edge
