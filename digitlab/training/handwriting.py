"""Handwriting styles that are rare in MNIST, and gaps in lines.

Each style takes a digit's line (p, 2), see `digitlab.training.lines`, the corners of the box
around it, and a random generator, and returns the line in that style.
"""

from collections.abc import Callable

import numpy as np

from digitlab.training.lines import sample_stroke, snap_to_grid
from digitlab.training.settings import Augmentation


def vary_style(
    line: np.ndarray, digit: int, settings: Augmentation, rng: np.random.Generator
) -> np.ndarray:
    """Change how a digit's line (p, 2) was written: break it, or use a style that is rare."""
    if rng.random() < settings.gaps:
        # People leave more and larger gaps at the left of zeros, under the bar of fives and at
        # the top of eights than elsewhere.
        habit = {0: line[:, 0], 5: line.sum(1), 8: line[:, 1]}.get(digit)
        at = rng.integers(len(line)) if habit is None or rng.random() < 0.4 else habit.argmin()
        radius = rng.uniform(0.8, 2.0 if habit is None else 3.5)
        kept = line[np.hypot(*(line - line[at]).T) > radius]
        line = kept if len(kept) > 8 else line
    if digit not in _STYLES or rng.random() >= settings.styles:
        return line
    return _STYLES[digit](line, line.min(0), line.max(0), rng)


def _add_strokes(line: np.ndarray, strokes: list[tuple]) -> np.ndarray:
    """Add strokes to a digit's line (p, 2)."""
    # Not with draw_and_thin: its pen would fill the sharp angle between a flag and its stem.
    return snap_to_grid(
        np.concatenate([line, *(sample_stroke(np.array(stroke)) for stroke in strokes)])
    )


def _add_slash(
    line: np.ndarray, low: np.ndarray, high: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Give a zero a slash, from the lower left to the upper right or mirrored, or a dot."""
    middle, half = (low + high) / 2, (high - low) / 2
    if rng.random() < 0.1:
        return _add_strokes(line, [(middle, middle + rng.uniform(0, 2, 2))])
    reach = half * rng.uniform(0.35, 2.1, 2)
    reach[0] = max(reach[0], rng.uniform(1, 4))
    if rng.random() < 0.2:
        reach[0] = -reach[0]
    middle = middle + rng.normal(0, 0.7, 2)
    return _add_strokes(line, [(middle + [-reach[0], reach[1]], middle + [reach[0], -reach[1]])])


def _add_flag_and_foot(
    line: np.ndarray, low: np.ndarray, high: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Give a one a flag, a foot, or both."""
    top, foot = line[line[:, 1].argmin()], line[line[:, 1].argmax()]
    stem = foot - top
    height = max(np.hypot(*stem), 4.0)
    strokes: list[tuple] = []
    if rng.random() < 0.85:
        # Relative to the stem's direction: the flag of a slanted one is slanted, too.
        length = rng.triangular(0.15, 0.4, 0.9)
        # A long flag hangs closer to the stem. No flag is nearly flat: that would be a seven.
        lean = np.degrees(np.arctan2(-stem[0], stem[1]))
        angle = np.radians(rng.uniform(18, max(24, min(68 - 20 * length, 70 - lean))))
        bow = angle + rng.normal(0, 0.2)
        middle, end = (
            top + np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]]) @ stem * part
            for a, part in ((bow, length / 2), (angle, length))
        )
        strokes.append((top, middle, end))
    if rng.random() < 0.45:
        left, right = height * rng.uniform(0.08, 0.45, 2)
        tilt = rng.normal(0, 0.08) * height
        strokes.append((foot - [left, tilt], foot + [right, tilt]))
    return _add_strokes(line, strokes)


def _detach_bar(
    line: np.ndarray, low: np.ndarray, high: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Move the bar of a five away from the rest, and shorten it, as if it was drawn last."""
    if low[1] == high[1]:
        return line
    of_bar = line[:, 1] < low[1] + (high[1] - low[1]) * rng.uniform(0.1, 0.25)
    bar, rest = line[of_bar], line[~of_bar]
    middle = bar.mean(0)
    move = rng.uniform([-1.5, -3.0], [3.0, 0.5])
    return np.concatenate([middle + (bar - middle) * rng.uniform(0.5, 1.0) + move, rest])


def _cross_stem(
    line: np.ndarray, low: np.ndarray, high: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Give a seven a bar through its stem, a serif at its beginning, or both."""
    width, height = high - low
    strokes = []
    if rng.random() < 0.85:
        row = low[1] + height * rng.uniform(0.4, 0.65)
        stem = line[np.abs(line[:, 1] - row) < 1.0]
        middle = stem.mean(0) if len(stem) else np.array([low[0] + width / 2, row])
        left, right = np.maximum(width, 6) * rng.uniform(0.15, 0.5, 2)
        tilt = rng.normal(0, 0.08) * width
        strokes.append((middle - [left, -tilt], middle + [right, -tilt]))
    if rng.random() < 0.3 and height > 0:
        upper = line[line[:, 1] < low[1] + height * 0.35]
        start = upper[upper[:, 0].argmin()]
        strokes.append((start, start + [rng.uniform(-1.5, 0.5), height * rng.uniform(0.1, 0.3)]))
    return _add_strokes(line, strokes)


def _hook_stem(
    line: np.ndarray, low: np.ndarray, high: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """End the stem of a nine in a hook to the left."""
    foot, height = line[line[:, 1].argmax()], high[1] - low[1]
    across, up = height * rng.uniform(0.15, 0.5), height * rng.uniform(-0.05, 0.2)
    bottom = foot + [-across / 2, rng.uniform(0, 1.5)]
    return _add_strokes(line, [(foot, bottom), (bottom, foot - [across, up])])


_STYLES: dict[int, Callable] = {
    0: _add_slash,
    1: _add_flag_and_foot,
    5: _detach_bar,
    7: _cross_stem,
    9: _hook_stem,
}
