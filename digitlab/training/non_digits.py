"""Doodles: drawings of non-digits, as strokes, from which a network learns what to reject.

Letters, shapes and signs come from short tables, with random changes like those of a hand;
scribbles, lines and dots are random. Anything that could be read as a digit is left out: the
letters B, D, G, I, J, O, S, Z and b, g, i, j, l, o, q, s, y, z, the circle and the upright line.
"""

from collections.abc import Callable

import numpy as np


def _arc(x: float, y: float, width: float, height: float, start: float, end: float) -> list:
    """Points of an arc around (x, y); its angles are in degrees, clockwise from the right."""
    angles = np.radians(np.linspace(start, end, max(3, int(abs(end - start) / 15))))
    return list(zip(x + width * np.cos(angles), y + height * np.sin(angles), strict=True))


def _polygon(corners: int, turn: float, step: int = 1) -> list:
    angles = np.radians(turn) + 2 * np.pi * step * np.arange(corners + 1) / corners
    return list(zip(0.5 + np.cos(angles) / 2, 0.5 + np.sin(angles) / 2, strict=True))


_CIRCLE = _arc(0.5, 0.5, 0.5, 0.5, -90, 270)
_EYES = [[(0.32, 0.32), (0.32, 0.4)], [(0.68, 0.32), (0.68, 0.4)]]

# Strokes in a box from (0, 0) to (1, 1), y down.
LETTERS: dict[str, list[list]] = {
    "A": [[(0, 1), (0.5, 0), (1, 1)], [(0.2, 0.6), (0.8, 0.6)]],
    "C": [_arc(0.6, 0.5, 0.6, 0.5, -55, -305)],
    "E": [[(0.8, 0), (0, 0), (0, 1), (0.8, 1)], [(0, 0.5), (0.7, 0.5)]],
    "F": [[(0, 0), (0, 1)], [(0, 0), (0.8, 0)], [(0, 0.5), (0.6, 0.5)]],
    "H": [[(0, 0), (0, 1)], [(0.8, 0), (0.8, 1)], [(0, 0.5), (0.8, 0.5)]],
    "K": [[(0, 0), (0, 1)], [(0.8, 0), (0, 0.55), (0.9, 1)]],
    "L": [[(0, 0), (0, 1), (0.7, 1)]],
    "M": [[(0, 1), (0.1, 0), (0.5, 0.7), (0.9, 0), (1, 1)]],
    "N": [[(0, 1), (0, 0), (0.8, 1), (0.8, 0)]],
    "P": [[(0, 1), (0, 0)], [(0, 0), *_arc(0.3, 0.27, 0.4, 0.27, -90, 90), (0, 0.54)]],
    "Q": [_CIRCLE, [(0.6, 0.65), (1, 1.05)]],
    "R": [[(0, 1), (0, 0), *_arc(0.3, 0.25, 0.4, 0.25, -90, 90), (0, 0.5), (0.7, 1)]],
    "T": [[(0, 0), (1, 0)], [(0.5, 0), (0.5, 1)]],
    "U": [[(0, 0), *_arc(0.4, 0.6, 0.4, 0.4, 180, 0), (0.8, 0)]],
    "V": [[(0, 0), (0.45, 1), (0.9, 0)]],
    "W": [[(0, 0), (0.25, 1), (0.5, 0.3), (0.75, 1), (1, 0)]],
    "X": [[(0, 0), (0.9, 1)], [(0.9, 0), (0, 1)]],
    "Y": [[(0, 0), (0.45, 0.5)], [(0.9, 0), (0.45, 0.5), (0.45, 1)]],
    "a": [[(0.75, 0.15), *_arc(0.4, 0.55, 0.4, 0.45, -50, -360), (0.8, 0.1), (0.8, 0.9), (1, 1)]],
    "d": [_arc(0.35, 0.7, 0.35, 0.3, 0, 360), [(0.7, 0), (0.7, 1)]],
    "e": [[(0.05, 0.5), (0.8, 0.5), *_arc(0.42, 0.5, 0.42, 0.5, 0, -315)]],
    "f": [[*_arc(0.65, 0.25, 0.3, 0.25, -20, -180), (0.35, 1)], [(0.05, 0.45), (0.75, 0.45)]],
    "h": [[(0, 0), (0, 1)], [(0, 0.65), *_arc(0.3, 0.7, 0.3, 0.25, 180, 360), (0.6, 1)]],
    "k": [[(0, 0), (0, 1)], [(0.55, 0.4), (0, 0.72), (0.6, 1)]],
    "m": [
        [(0, 0.1), (0, 1)],
        [(0, 0.4), *_arc(0.25, 0.4, 0.25, 0.3, 180, 360), (0.5, 1)],
        [(0.5, 0.4), *_arc(0.75, 0.4, 0.25, 0.3, 180, 360), (1, 1)],
    ],
    "n": [[(0, 0), (0, 1)], [(0, 0.45), *_arc(0.35, 0.4, 0.35, 0.35, 180, 360), (0.7, 1)]],
    "p": [[(0, 0), (0, 1.3)], [(0, 0.35), *_arc(0.35, 0.45, 0.35, 0.35, 200, 510)]],
    "r": [[(0, 0), (0, 1)], [(0, 0.5), *_arc(0.35, 0.45, 0.35, 0.35, 190, 310)]],
    "t": [[(0.35, 0), (0.35, 0.85), (0.5, 1), (0.7, 0.9)], [(0, 0.3), (0.7, 0.3)]],
    "u": [[(0, 0), *_arc(0.35, 0.6, 0.35, 0.4, 180, 0), (0.7, 0), (0.7, 1)]],
    "w": [
        [(0, 0), *_arc(0.25, 0.6, 0.25, 0.4, 180, 0), *_arc(0.75, 0.6, 0.25, 0.4, 180, 0), (1, 0)]
    ],
}
SHAPES: dict[str, list[list]] = {
    "triangle": [_polygon(3, -90)],
    "square": [[(0, 0), (1, 0), (1, 1), (0, 1), (0, 0)]],
    "diamond": [_polygon(4, -90)],
    "pentagon": [_polygon(5, -90)],
    "star": [_polygon(5, -90, 2)],
    "cross": [[(0, 0), (1, 1)], [(1, 0), (0, 1)]],
    "plus": [[(0.5, 0), (0.5, 1)], [(0, 0.5), (1, 0.5)]],
    "asterisk": [[(0.5, 0), (0.5, 1)], [(0.05, 0.25), (0.95, 0.75)], [(0.95, 0.25), (0.05, 0.75)]],
    "tick": [[(0, 0.6), (0.35, 1), (1, 0)]],
    "smile": [_CIRCLE, *_EYES, _arc(0.5, 0.55, 0.28, 0.22, 160, 20)],
    "frown": [_CIRCLE, *_EYES, _arc(0.5, 0.8, 0.25, 0.15, 200, 340)],
    "small smile": [*_EYES, _arc(0.5, 0.5, 0.4, 0.35, 170, 10)],
    "arrow": [[(0, 0.5), (1, 0.5)], [(0.65, 0.2), (1, 0.5), (0.65, 0.8)]],
    "arrow up": [[(0.5, 1), (0.5, 0)], [(0.2, 0.35), (0.5, 0), (0.8, 0.35)]],
    "heart": [
        [(0.5, 0.3), *_arc(0.25, 0.25, 0.25, 0.25, 0, -200), (0.5, 1)],
        [(0.5, 0.3), *_arc(0.75, 0.25, 0.25, 0.25, 180, 380), (0.5, 1)],
    ],
    "house": [[(0, 0.45), (0.5, 0), (1, 0.45), (1, 1), (0, 1), (0, 0.45), (1, 0.45)]],
    "hash": [
        [(0.3, 0), (0.3, 1)],
        [(0.7, 0), (0.7, 1)],
        [(0, 0.3), (1, 0.3)],
        [(0, 0.7), (1, 0.7)],
    ],
    "equals": [[(0, 0.3), (1, 0.3)], [(0, 0.7), (1, 0.7)]],
    "minus": [[(0, 0.5), (1, 0.5)]],
    "wave": [[*_arc(0.25, 0.5, 0.25, 0.2, 180, 360), *_arc(0.75, 0.5, 0.25, 0.2, 180, 0)]],
    "infinity": [
        [*_arc(0.25, 0.5, 0.25, 0.2, 45, 315), *_arc(0.75, 0.5, 0.25, 0.2, -135, 135), (0.4, 0.4)]
    ],
    "target": [_CIRCLE, _arc(0.5, 0.5, 0.25, 0.25, 0, 360)],
    "stairs": [[(0, 1), (0, 0.66), (0.33, 0.66), (0.33, 0.33), (0.66, 0.33), (0.66, 0), (1, 0)]],
    "tree": [[(0.5, 1), (0.5, 0.4)], [(0.1, 0.5), (0.5, 0), (0.9, 0.5), (0.1, 0.5)]],
    "stick figure": [
        _arc(0.5, 0.15, 0.15, 0.15, -90, 270),
        [(0.5, 0.3), (0.5, 0.65)],
        [(0.15, 0.4), (0.85, 0.4)],
        [(0.2, 1), (0.5, 0.65), (0.8, 1)],
    ],
    "wheel": [_CIRCLE, [(0.5, 0), (0.5, 1)], [(0, 0.5), (1, 0.5)]],
    "pie": [_CIRCLE, [(0.5, 0.5), (0.5, 0)], [(0.5, 0.5), (0.95, 0.7)]],
    "button": [_CIRCLE, *([(x, y), (x + 0.02, y)] for x in (0.35, 0.63) for y in (0.38, 0.62))],
    "eye": [
        [*_arc(0.5, 0.75, 0.62, 0.5, -145, -35), *_arc(0.5, 0.25, 0.62, 0.5, 35, 145)],
        _arc(0.5, 0.5, 0.14, 0.14, 0, 360),
    ],
    "cat": [_CIRCLE, [(0.1, 0.2), (0.05, -0.3), (0.38, 0)], [(0.62, 0), (0.95, -0.3), (0.9, 0.2)]],
    "cherries": [
        _arc(0.2, 0.8, 0.2, 0.2, 0, 360),
        _arc(0.8, 0.8, 0.2, 0.2, 0, 360),
        [(0.2, 0.6), (0.6, 0), (0.8, 0.6)],
    ],
    "glasses": [
        _arc(0.2, 0.5, 0.2, 0.2, 0, 360),
        _arc(0.8, 0.5, 0.2, 0.2, 0, 360),
        _arc(0.5, 0.5, 0.12, 0.1, 180, 360),
    ],
    "bowl": [[(0, 0), (1, 0), *_arc(0.5, 0, 0.5, 0.6, 0, 180)]],
    "goblet": [
        [(0.1, 0), *_arc(0.5, 0.2, 0.4, 0.35, 180, 0), (0.9, 0)],
        [(0.5, 0.55), (0.5, 1)],
        [(0.25, 1), (0.75, 1)],
    ],
    "ice cream": [[(0.2, 0.4), (0.5, 1), (0.8, 0.4), *_arc(0.5, 0.4, 0.3, 0.35, 0, -180)]],
    "mushroom": [
        [(0, 0.5), *_arc(0.5, 0.5, 0.5, 0.5, 180, 360), (0, 0.5)],
        [(0.38, 0.5), (0.35, 1), (0.65, 1), (0.62, 0.5)],
    ],
    "bell": [
        [(0, 0.8), (0.2, 0.6), *_arc(0.5, 0.4, 0.3, 0.4, 180, 360), (0.8, 0.6), (1, 0.8), (0, 0.8)],
        _arc(0.5, 0.88, 0.1, 0.1, 0, 180),
    ],
    "anchor": [
        [(0.5, 0.1), (0.5, 1)],
        [(0.25, 0.3), (0.75, 0.3)],
        _arc(0.5, 0.6, 0.45, 0.4, 180, 0),
    ],
    "crown": [[(0, 1), (0, 0.2), (0.25, 0.6), (0.5, 0), (0.75, 0.6), (1, 0.2), (1, 1), (0, 1)]],
    "bow tie": [[(0, 0), (0, 1), (1, 0), (1, 1), (0, 0)]],
    "kite": [_polygon(4, -90), [(0.5, 0.35), (0.5, 0.65)], [(0.35, 0.5), (0.65, 0.5)]],
    "window": [
        [(0, 0), (0, 1), (1, 1), (1, 0), (0, 0)],
        [(0.5, 0), (0.5, 1)],
        [(0, 0.5), (1, 0.5)],
    ],
    "tent": [[(0, 1), (0.5, 0), (1, 1), (0, 1)], [(0.4, 1), (0.5, 0.5), (0.6, 1)]],
    "mountains": [[(0, 1), (0.3, 0.2), (0.5, 0.7), (0.7, 0), (1, 1), (0, 1)]],
    "car": [
        [(0, 0.7), (0, 0.4), (0.2, 0.4), (0.3, 0.1), (0.7, 0.1), (0.8, 0.4), (1, 0.4), (1, 0.7)],
        [(0, 0.7), (1, 0.7)],
        _arc(0.25, 0.75, 0.12, 0.12, 0, 360),
        _arc(0.75, 0.75, 0.12, 0.12, 0, 360),
    ],
    "T-shirt": [
        [(0.3, 0.4), (0, 0.5), (0, 0.1), (0.35, 0), (0.65, 0), (1, 0.1), (1, 0.5), (0.7, 0.4)],
        [(0.3, 0.4), (0.3, 1), (0.7, 1), (0.7, 0.4)],
    ],
    "hammer": [[(0.5, 0.25), (0.5, 1)], [(0.2, 0), (0.8, 0), (0.8, 0.25), (0.2, 0.25), (0.2, 0)]],
    "arrow left": [[(1, 0.5), (0, 0.5)], [(0.35, 0.2), (0, 0.5), (0.35, 0.8)]],
    "arrow down": [[(0.5, 0), (0.5, 1)], [(0.2, 0.65), (0.5, 1), (0.8, 0.65)]],
    "arrow both ways": [
        [(0, 0.5), (1, 0.5)],
        [(0.3, 0.2), (0, 0.5), (0.3, 0.8)],
        [(0.7, 0.2), (1, 0.5), (0.7, 0.8)],
    ],
    "less": [[(0.9, 0), (0, 0.5), (0.9, 1)]],
    "not equal": [[(0, 0.3), (1, 0.3)], [(0, 0.7), (1, 0.7)], [(0.8, 0), (0.2, 1)]],
    "plus or minus": [[(0.5, 0), (0.5, 0.7)], [(0, 0.35), (1, 0.35)], [(0, 1), (1, 1)]],
    "root": [[(0, 0.6), (0.15, 0.5), (0.35, 1), (0.6, 0), (1.3, 0)]],
    "braces": [
        [(0.3, 0), (0.15, 0.1), (0.15, 0.4), (0, 0.5), (0.15, 0.6), (0.15, 0.9), (0.3, 1)],
        [(0.7, 0), (0.85, 0.1), (0.85, 0.4), (1, 0.5), (0.85, 0.6), (0.85, 0.9), (0.7, 1)],
    ],
    "back to back": [_arc(0, 0.5, 0.35, 0.5, -70, 70), _arc(1, 0.5, 0.35, 0.5, 250, 110)],
    "yen": [
        [(0, 0), (0.5, 0.5), (1, 0)],
        [(0.5, 0.5), (0.5, 1)],
        [(0.15, 0.6), (0.85, 0.6)],
        [(0.15, 0.8), (0.85, 0.8)],
    ],
    "gamma": [[(0, 0), (0.5, 0.7), (0.4, 1), (0.3, 0.7), (0.8, 0)]],
    "lambda": [[(0, 0), (0.2, 0.05), (0.9, 1)], [(0.45, 0.45), (0, 1)]],
    "xi": [[(0, 0), (1, 0)], [(0.15, 0.5), (0.85, 0.5)], [(0, 1), (1, 1)]],
    "alpha": [[(1, 0), (0.7, 0.6), *_arc(0.35, 0.5, 0.35, 0.5, 40, 320), (0.7, 0.5), (1, 1)]],
    "backwards N": [[(0, 0), (0, 1), (0.8, 0), (0.8, 1)]],
    "yu": [[(0, 0), (0, 1)], [(0, 0.5), (0.35, 0.5)], _arc(0.65, 0.5, 0.3, 0.5, 180, 540)],
    "el": [[(0, 1), (0.15, 0.9), (0.3, 0), (0.9, 0), (0.9, 1)]],
    "person": [[(0.5, 0), (0.45, 0.5), (0, 1)], [(0.47, 0.45), (1, 1)]],
    "wood": [
        [(0.5, 0), (0.5, 1)],
        [(0, 0.3), (1, 0.3)],
        [(0.5, 0.3), (0, 0.85)],
        [(0.5, 0.3), (1, 0.85)],
    ],
    "colon": [[(0.5, 0.1), (0.5, 0.13)], [(0.5, 0.9), (0.5, 0.93)]],
    "dots": [[(0, 0.5), (0.02, 0.5)], [(0.5, 0.5), (0.5, 0.52)], [(1, 0.5), (1.02, 0.5)]],
}


_KNOTS = ((2, 3), (3, 2), (3, 4), (4, 3), (3, 5), (5, 3), (2, 5), (5, 2))  # 1, 2 is an 8


def _scribble(rng: np.random.Generator) -> list[np.ndarray]:
    """One long line that wanders."""
    points = int(rng.integers(25, 70))
    turns = rng.normal(0, rng.uniform(0.6, 1.6), points) + rng.uniform(-0.4, 0.4)
    directions = np.cumsum(turns) + rng.uniform(0, 2 * np.pi)
    steps = np.stack([np.cos(directions), np.sin(directions)], 1)
    return [np.cumsum(steps * rng.uniform(0.5, 1.5, (points, 1)), 0)]


def _loops(rng: np.random.Generator) -> list[np.ndarray]:
    """A spiral, or loops in a row."""
    at = np.linspace(0, 2 * np.pi * rng.uniform(2.5, 6), 120)
    spiral = rng.random() < 0.5
    size = np.linspace(rng.uniform(0, 0.4) if spiral else 1, 1, len(at))
    drift = np.linspace(0, 0 if spiral else rng.uniform(2, 5), len(at))
    wide = rng.uniform(0.7, 1.4)
    points = np.stack([wide * size * np.cos(at) + drift, size * np.sin(at)], 1)
    return [_turned(points, rng.uniform(0, 2 * np.pi))]


def _knot(rng: np.random.Generator) -> list[np.ndarray]:
    """A Lissajous figure."""
    at = np.linspace(0, 2 * np.pi, 150)
    across, down = _KNOTS[rng.integers(len(_KNOTS))]
    return [np.stack([np.sin(across * at + rng.uniform(0.2, 0.6)), np.sin(down * at)], 1)]


def _zigzag(rng: np.random.Generator) -> list[np.ndarray]:
    """Hatching."""
    turns = int(rng.integers(5, 16))
    points = np.stack([np.arange(turns) * rng.uniform(0.15, 0.6), np.arange(turns) % 2], 1)
    return [_turned(points + rng.normal(0, 0.08, points.shape), rng.uniform(0, 2 * np.pi))]


def _corners(rng: np.random.Generator) -> list[np.ndarray]:
    """One line of straight parts between random points."""
    return [rng.uniform(0, 1, (int(rng.integers(7, 14)), 2))]


def _strokes(rng: np.random.Generator) -> list[np.ndarray]:
    """Several short strokes beside and across each other."""
    starts = rng.uniform(0, 1, (int(rng.integers(4, 9)), 2))
    return [np.array([start, start + rng.normal(0, 0.35, 2)]) for start in starts]


def _tally(rng: np.random.Generator) -> list[np.ndarray]:
    """Tally marks: lines beside each other."""
    lines = np.arange(int(rng.integers(3, 7))) * rng.uniform(0.2, 0.6)
    strokes = [np.array([(x, 0), (x, 1)]) + rng.normal(0, 0.05, (2, 2)) for x in lines]
    turn = rng.choice([0, np.pi / 2]) + rng.normal(0, 0.2)
    return [_turned(stroke, turn) for stroke in strokes]


def _curves(rng: np.random.Generator) -> list[np.ndarray]:
    """Separate arcs."""
    strokes = []
    for _ in range(int(rng.integers(3, 6))):
        x, y = rng.uniform(0, 1, 2)
        width, height = rng.uniform(0.1, 0.6, 2)
        start = rng.uniform(0, 360)
        arc = _arc(x, y, width, height, start, start + rng.uniform(60, 300))
        strokes.append(np.array(arc))
    return strokes


def _made_up_sign(rng: np.random.Generator) -> list[np.ndarray]:
    """Rings, arcs, lines and corners, most of them joined: a sign of no language."""
    strokes: list[np.ndarray] = [np.zeros((1, 2))]
    for _ in range(int(rng.integers(3, 7))):
        before = strokes[rng.integers(len(strokes))]
        at = before[rng.integers(len(before))] + rng.normal(0, 0.4, 2) * (rng.random() < 0.4)
        part = rng.integers(3)
        if part == 0:
            stroke = np.array([at, at + rng.normal(0, 0.6, 2)])
        elif part == 1:
            stroke = np.concatenate([[at], at + rng.normal(0, 0.4, (int(rng.integers(2, 5)), 2))])
        else:
            start, size = rng.uniform(0, 360), rng.uniform(0.1, 0.5, 2)
            arc = np.array(_arc(0, 0, size[0], size[1], start, start + rng.choice([180, 270, 360])))
            stroke = arc - arc[0] + at
        strokes.append(stroke)
    return strokes[1:]


def _dot(rng: np.random.Generator) -> list[np.ndarray]:
    """A dot."""
    return [rng.uniform(0, 1, (1, 2))]


SCRIBBLES: dict[str, Callable[[np.random.Generator], list[np.ndarray]]] = {
    "scribble": _scribble,
    "loops": _loops,
    "knot": _knot,
    "zigzag": _zigzag,
    "corners": _corners,
    "strokes": _strokes,
    "tally": _tally,
    "curves": _curves,
    "figure": _made_up_sign,
    "dot": _dot,
}

KINDS: tuple[str, ...] = (*LETTERS, *SHAPES, *SCRIBBLES)


def doodle(kind: str, rng: np.random.Generator) -> list[np.ndarray]:
    """Draw a non-digit, differently every time.

    Args:
        kind: One of `digitlab.training.non_digits.KINDS`: a letter such as "A" or "k", a shape such
            as "triangle" or "smile", or a kind of scribble such as "zigzag".
        rng: The source of randomness.

    Returns:
        A drawing: strokes of shape (n, 2), about one unit wide and high.

    Raises:
        ValueError: `kind` is not one of `KINDS`.

    Example:
        >>> zigzag = digitlab.doodle("zigzag", np.random.default_rng(1))
        >>> print(digitlab.load_recognizer().predict(zigzag))
        I see no digit in this
    """
    if kind in SCRIBBLES:
        return SCRIBBLES[kind](rng)
    strokes = {**LETTERS, **SHAPES}.get(kind)
    if strokes is None:
        raise ValueError(f"expected kind to be one of {KINDS}, got {kind!r}")
    stretch = np.exp(rng.uniform(-0.35, 0.35))
    turn = rng.normal(0, 0.12)
    drawing = []
    for stroke in strokes:
        points = np.array(stroke, dtype=float)
        # Strokes and corners are a little off, as if drawn by hand; curves stay smooth.
        count = len(points) if len(points) < 8 else 3 + len(points) // 8
        away = rng.normal(0, 0.04, (count, 2)) + rng.normal(0, 0.03, 2)
        at = np.linspace(0, count - 1, len(points))
        points += np.stack([np.interp(at, np.arange(count), axis) for axis in away.T], 1)
        drawing.append(_turned(points * [stretch, 1], turn))
    return drawing


def _turned(points: np.ndarray, angle: float) -> np.ndarray:
    """Turn points (n, 2) around the origin by an angle in radians."""
    cosine, sine = np.cos(angle), np.sin(angle)
    return points @ np.array([[cosine, sine], [-sine, cosine]])
