"""Drawings in files, and one stored drawing of each digit.

A drawing's file is JSON, so any language can read and write it::

    {"format": "digitlab drawing", "version": 1, "size": 280, "strokes": [[[x, y], ...], ...]}

x and y are pixels of a square pad whose side is "size", y down.

There is one stored drawing of each digit, for notebooks and tests where nobody draws. Each stroke
is given by a few points, which a Catmull-Rom curve connects (E. Catmull and R. Rom, "A class of
local interpolating splines", 1974).
"""

import json
import math
import os
from collections.abc import Sequence
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np

from digitlab._io import atomic_write, read_json
from digitlab.images import as_digit
from digitlab.strokes import as_strokes

_FORMAT = {"format": "digitlab drawing", "version": 1}

# Points on a pad of 280 x 280 pixels: x, y, with y down. One stroke per line. A recognizer that has
# learned a hand compares with these, too (see personal.py): a change changes what it reads.
_STROKES = {
    0: [
        "150,52 106,70 84,130 92,194 134,226 178,204 196,144 184,84 146,54",
    ],
    1: [
        "150,50 146,110 141,170 137,232",
    ],
    2: [
        "88,96 106,62 146,50 182,74 178,118 140,166 94,218 140,214 200,216",
    ],
    3: [
        "90,72 128,50 170,64 174,102 128,132 178,150 188,194 150,228 90,214",
    ],
    4: [
        "118,54 102,104 86,152 140,152 206,146",
        "172,62 168,140 162,234",
    ],
    5: [
        "108,60 102,96 98,130 138,118 180,142 182,194 142,226 90,212",
        "110,60 150,58 188,52",
    ],
    6: [
        "166,48 124,84 98,146 102,204 142,230 178,204 168,164 128,160 102,190",
    ],
    7: [
        "84,66 136,62 192,58 168,116 144,174 124,234",
    ],
    8: [
        "172,76 138,52 104,76 118,116 166,150 186,194 146,230 102,204 116,156 160,118 174,82",
    ],
    9: [
        "180,92 148,58 106,78 106,126 146,138 178,96 176,150 168,234",
    ],
}
_STEPS = 8  # points of the curve for each point above


def stored_drawing(digit: int, size: int = 280) -> list[np.ndarray]:
    """Return the stored drawing of a digit.

    Args:
        digit: 0 to 9.
        size: The side of the pad in pixels.

    Returns:
        A list of new strokes, each (n, 2) float64: x, y in pad pixels, y down.

    Raises:
        ValueError: The digit is not a whole number from 0 to 9, or `size` is not a number above 0.

    Example:
        >>> [stroke.shape for stroke in digitlab.stored_drawing(4)]
        [(33, 2), (17, 2)]
    """
    digit = as_digit(digit)
    scale = checked_size(size) / 280
    strokes = ([point.split(",") for point in stroke.split()] for stroke in _STROKES[digit])
    return [_curve(np.array(points, float)) * scale for points in strokes]


def save_drawing(path: str | os.PathLike[str], drawing: Sequence, size: int = 280) -> None:
    """Write a drawing to a JSON file, in the format that the module's docstring describes.

    Args:
        path: The file. It is replaced only when the new one is complete. Its folder is created if
            it does not exist.
        drawing: A list of strokes, each of shape (n, 2): x, y in pad pixels, y down.
        size: The side of the pad in pixels.

    Raises:
        TypeError, ValueError: See `digitlab.strokes.as_strokes`; or `size` is not a number above 0.
            Nothing is written.
        OSError: The file cannot be written.

    Example:
        >>> digitlab.save_drawing("five.json", digitlab.stored_drawing(5))
        >>> with open("five.json") as file:
        ...     print(file.read(44))
        {"format": "digitlab drawing", "version": 1,
    """
    strokes = [stroke.tolist() for stroke in as_strokes(drawing)]
    content = json.dumps(_FORMAT | {"size": checked_size(size), "strokes": strokes})
    with atomic_write(path) as part:
        part.write_text(content, encoding="utf-8")


def load_drawing(path: str | os.PathLike[str], size: int = 280) -> list[np.ndarray]:
    """Read a drawing from a file that `save_drawing` wrote.

    Args:
        path: The file.
        size: The side of the pad in pixels. The drawing is scaled to it.

    Returns:
        A list of new strokes, each (n, 2) float64: x, y in pad pixels, y down.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is not such a file, or `size` is not a number above 0.

    Example:
        >>> digitlab.save_drawing("five.json", digitlab.stored_drawing(5))
        >>> digitlab.load_recognizer().predict(digitlab.load_drawing("five.json")).digit
        5
    """
    side = checked_size(size)
    content = _parsed(Path(path))
    try:
        strokes, scale = as_strokes(content["strokes"]), side / content["size"]
        with np.errstate(over="ignore"):  # if the file's size is tiny; as_strokes reports it
            return as_strokes([stroke * scale for stroke in strokes])
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"{path} is not a drawing: {error}") from None


def _parsed(path: Path) -> dict[str, Any]:
    """Read a drawing's file, and check everything but the strokes."""
    try:
        content = read_json(path, _FORMAT)
    except ValueError as error:
        raise ValueError(
            f"expected {path} to be a drawing, as digitlab.save_drawing writes it, but {error}"
        ) from None
    size = content.get("size")
    if isinstance(size, bool) or not isinstance(size, (int, float)) or not 0 < size < math.inf:
        raise ValueError(
            f'expected "size" in {path} to be a number of pixels above 0, got {size!r}'
        )
    if not isinstance(content.get("strokes"), list):
        raise ValueError(f'expected "strokes" in {path} to be a list of strokes')
    return content


def checked_size(size: Any) -> float:
    """Check the side of a pad."""
    try:
        number = float(size) if isinstance(size, Real) and not isinstance(size, bool) else math.nan
    except OverflowError:
        number = math.inf
    if not 0 < number < math.inf:
        raise ValueError(f"expected size to be a number of pixels above 0, got {size!r:.50}")
    return int(number) if number.is_integer() else number


def _curve(points: np.ndarray) -> np.ndarray:
    """Return a Catmull-Rom curve through points (n, 2): (_STEPS * (n - 1) + 1, 2)."""
    # A mirrored point beyond each end gives the curve a direction there.
    first, last = 2 * points[0] - points[1], 2 * points[-1] - points[-2]
    p = np.concatenate([[first], points, [last]])
    before, start, end, after = (q[:, None, :] for q in (p[:-3], p[1:-2], p[2:-1], p[3:]))
    t = (np.arange(_STEPS) / _STEPS)[:, None]  # 0 to 1 from one point to the next
    curve = 0.5 * (
        2 * start
        + (end - before) * t
        + (2 * before - 5 * start + 4 * end - after) * t**2
        + (3 * start - before - 3 * end + after) * t**3
    )  # (n - 1, _STEPS, 2)
    return np.concatenate([curve.reshape(-1, 2), points[-1:]])
