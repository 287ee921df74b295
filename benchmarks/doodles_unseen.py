"""Signs that are not digits, for measuring only: no network here was trained on them."""

import numpy as np


def _round(
    x: float, y: float, width: float, height: float, start: float = 0, end: float = 360
) -> list[tuple[float, float]]:
    """Points of an arc. Its degrees count clockwise from the right."""
    at = np.radians(np.linspace(start, end, 24))
    return list(zip(x + width * np.cos(at), y + height * np.sin(at), strict=True))


UNSEEN = {  # strokes in a box from (0, 0) to (1, 1), y down
    "moon": [_round(0.5, 0.5, 0.5, 0.5, 60, 300) + _round(0.75, 0.5, 0.45, 0.42, 270, 90)],
    "fish": [_round(0.4, 0.5, 0.4, 0.25, 30, 330) + [(1, 0.75), (1, 0.25), (0.75, 0.6)]],
    "cup": [
        [(0, 0), (0.1, 0.9), (0.6, 0.9), (0.7, 0), (0, 0)],
        _round(0.68, 0.4, 0.3, 0.2, -90, 100),
    ],
    "key": [_round(0.2, 0.5, 0.2, 0.2), [(0.4, 0.5), (1, 0.5), (1, 0.7)], [(0.8, 0.5), (0.8, 0.7)]],
    "boat": [
        [(0, 0.6), (0.2, 1), (0.8, 1), (1, 0.6), (0, 0.6)],
        [(0.5, 0.6), (0.5, 0), (0.9, 0.5)],
    ],
    "sun": [_round(0.5, 0.5, 0.25, 0.25)]
    + [
        [
            (0.5 + 0.33 * np.cos(a), 0.5 + 0.33 * np.sin(a)),
            (0.5 + np.cos(a) / 2, 0.5 + np.sin(a) / 2),
        ]
        for a in np.arange(8) * np.pi / 4
    ],
    "umbrella": [
        _round(0.5, 0.5, 0.5, 0.5, 180, 360) + [(0, 0.5)],
        [(0.5, 0.5), (0.5, 1), (0.35, 1)],
    ],
    "flower": [_round(0.5, 0.5, 0.12, 0.12)]
    + [
        _round(0.5 + 0.3 * np.cos(a), 0.5 + 0.3 * np.sin(a), 0.17, 0.17)
        for a in np.arange(5) * 2 * np.pi / 5
    ],
    "ladder": [[(0.2, 0), (0.2, 1)], [(0.7, 0), (0.7, 1)]]
    + [[(0.2, y), (0.7, y)] for y in (0.2, 0.4, 0.6, 0.8)],
    "envelope": [[(0, 0.2), (1, 0.2), (1, 0.8), (0, 0.8), (0, 0.2), (0.5, 0.55), (1, 0.2)]],
    "clock": [_round(0.5, 0.5, 0.5, 0.5), [(0.5, 0.15), (0.5, 0.5), (0.75, 0.6)]],
    "pi": [[(0, 0.1), (1, 0.1)], [(0.25, 0.1), (0.2, 1)], [(0.7, 0.1), (0.75, 1)]],
    "sigma": [[(0.9, 0.1), (0, 0), (0.5, 0.5), (0, 1), (0.9, 0.95)]],
    "omega": [[(0, 1), (0.3, 1)] + _round(0.5, 0.45, 0.45, 0.45, 120, 420) + [(0.7, 1), (1, 1)]],
    "psi": [_round(0.5, 0.2, 0.45, 0.45, 180, 0), [(0.5, 0), (0.5, 1)]],
    "zhe": [[(0.5, 0), (0.5, 1)], [(0, 0), (0.5, 0.5), (0, 1)], [(1, 0), (0.5, 0.5), (1, 1)]],
    "sha": [[(0, 0), (0, 1), (1, 1), (1, 0)], [(0.5, 0), (0.5, 1)]],
    "euro": [
        _round(0.6, 0.5, 0.45, 0.5, -50, -310),
        [(0, 0.4), (0.7, 0.4)],
        [(0, 0.6), (0.65, 0.6)],
    ],
    "percent": [_round(0.2, 0.2, 0.2, 0.2), [(0.9, 0), (0.1, 1)], _round(0.8, 0.8, 0.2, 0.2)],
    "brackets": [[(0.3, 0), (0, 0), (0, 1), (0.3, 1)], [(0.7, 0), (1, 0), (1, 1), (0.7, 1)]],
    "parentheses": [_round(0.4, 0.5, 0.35, 0.5, 250, 110), _round(0.6, 0.5, 0.35, 0.5, -70, 70)],
    "division": [[(0, 0.5), (1, 0.5)], [(0.5, 0.1), (0.5, 0.13)], [(0.5, 0.87), (0.5, 0.9)]],
    "therefore": [[(0.5, 0), (0.5, 0.03)], [(0, 1), (0.03, 1)], [(1, 1), (0.97, 1)]],
    "grid": [[(0, x), (1, x)] for x in (0.1, 0.5, 0.9)]
    + [[(x, 0), (x, 1)] for x in (0.1, 0.5, 0.9)],
}


def unseen(kind: str, rng: np.random.Generator) -> list[np.ndarray]:
    """Draw one of the signs as a hand would: strokes of shape (n, 2)."""
    angle = rng.normal(0, 0.1)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    stretch = [np.exp(rng.uniform(-0.3, 0.3)), 1]
    return [(np.array(stroke) * stretch + rng.normal(0, 0.04, 2)) @ turn for stroke in UNSEEN[kind]]
