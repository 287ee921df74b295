"""Strokes: what a pen drew, rendered to 28 x 28 as MNIST's digits were.

MNIST's makers scaled each digit so that its longer side filled 20 pixels, kept its aspect ratio,
smoothed its edges, and placed it in a field of 28 x 28 with its centre of mass in the middle
(LeCun, Cortes, Burges: "The MNIST database of handwritten digits"). A network that learned from
such digits reads other people's digits only when they are brought to the same geometry.

A *stroke* is a float array ``(n, 2)`` of x, y in pad pixels, y down: one movement of the pen
from touching down to lifting. A *drawing* is a list of strokes. No class is needed for either.
"""

import math
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from digitlab.images import BOX, CENTRE, PEN_WIDTH, SIZE, as_array, centre_of_mass, readable

# The renderer looks only at the pixels near each short piece of the line.
_REACH = PEN_WIDTH / 2 + 0.5  # pixels from the line to where its ink ends
_PIECE = 2.0  # pixels: the longest piece
_MARGIN = 14  # pixels around the image, for ink that is moved out of it when it is centred
_SMALLEST = 1e-300  # pad pixels: half the longer side of a drawing that is not a dot
_CHUNK = 512  # pieces at a time, so that their arrays stay in the processor's cache
_TURNS = (-20, 20)  # degrees, clockwise
_MAX_POINTS = 100_000  # maximum: half an hour of drawing, rendered in seconds at worst


def as_strokes(drawing: npt.ArrayLike) -> list[np.ndarray]:
    """Check a drawing, and return it as a list of new float64 arrays.

    Args:
        drawing: A sequence of strokes, each array-like of shape (n, 2): x, y in pad pixels, y
            down; or a table's column of strokes. Strokes without points are left out.

    Raises:
        TypeError, ValueError: It is not a drawing, a coordinate is not a finite number, or there
            are more than 100,000 points. The message names the stroke.
    """
    expected = "expected a drawing: a list of strokes, each an array of shape (n, 2)"
    listed: Any = drawing
    if not isinstance(drawing, Sequence) and hasattr(drawing, "__array__"):
        listed = np.asarray(readable(drawing))  # a column of strokes in a table, or a tensor
    if isinstance(listed, str | bytes) or not (
        isinstance(listed, Sequence) or isinstance(listed, np.ndarray) and listed.ndim
    ):
        path = isinstance(drawing, str | os.PathLike)
        hint = "; open a picture with PIL.Image.open, a drawing with load_drawing" if path else ""
        raise TypeError(f"{expected}; got {type(drawing).__name__}{hint}")
    strokes: list[np.ndarray] = []
    for index, stroke in enumerate(listed):
        numbers = as_array(stroke, f"stroke {index} to be numbers of shape (n, 2)")
        with np.errstate(over="ignore"):  # values that do not fit into 64 bits become infinity
            points = numbers.astype(np.float64)
        if points.size == 0:
            continue
        if points.ndim != 2 or points.shape[1] != 2:
            raise ValueError(
                f"expected stroke {index} to have shape (n, 2), x and y in pad pixels, "
                f"got {points.shape}; a single stroke goes into a list: [stroke], the rows of a "
                "picture into an array: numpy.array(rows)"
            )
        if not np.isfinite(points).all():
            raise ValueError(f"expected finite coordinates, stroke {index} holds NaN or infinity")
        strokes.append(points)
    if (count := sum(map(len, strokes))) > _MAX_POINTS:
        raise ValueError(f"expected a drawing of at most {_MAX_POINTS:,} points, got {count:,}")
    return strokes


def render_strokes(drawing: npt.ArrayLike) -> np.ndarray:
    """Draw strokes in MNIST's geometry, whatever pad, place, size and pen they came from.

    The exact steps, for reimplementing them in another language:

    1. *Fit.* Points are scaled by ``17.4 / s``, where ``s`` is the longer side of the box around
       all of them: with a pen of 2.6 pixels the ink is 20 pixels long. The middle of that box
       comes to (14, 14). A drawing of a single place is not scaled.
    2. *Draw.* Pixel (x, y), both 0 to 27, holds ``clip(1.8 - d, 0, 1)``, where ``d`` is its
       distance to the nearest place of any stroke, which runs straight from point to point: 1
       within the pen's radius minus half a pixel, 0 beyond the radius plus half a pixel.
    3. *Centre.* The centre of mass of these pixels is ``sum(v * (x, y)) / sum(v)``. All points are
       moved by (14, 14) minus that, and drawn again as in 2. Ink that leaves the image is lost.

    ``tests/fixtures/ink.json`` holds drawings of all kinds with the expected images.

    Args:
        drawing: A list of strokes, each of shape (n, 2): x, y in pad pixels, y down.

    Returns:
        (28, 28) float32 in [0, 1], ink 1 on paper 0; all 0 for a drawing without points.

    Raises:
        TypeError, ValueError: See `as_strokes`.

    Example:
        >>> image = digitlab.render_strokes(digitlab.stored_drawing(5))
        >>> image.shape, image.min(), image.max()
        ((28, 28), np.float32(0.0), np.float32(1.0))
    """
    return render_checked(as_strokes(drawing))


def render_checked(strokes: list[np.ndarray]) -> np.ndarray:
    """Render strokes as `as_strokes` returns them, with any number of points."""
    if not strokes:
        return np.zeros((SIZE, SIZE), np.float32)
    starts = np.concatenate([stroke[: max(len(stroke) - 1, 1)] for stroke in strokes])  # (s, 2)
    ends = np.concatenate([stroke[min(len(stroke) - 1, 1) :] for stroke in strokes])  # (s, 2)

    low = np.minimum(starts.min(0), ends.min(0))
    high = np.maximum(starts.max(0), ends.max(0))
    half = high / 2 - low / 2  # of the box; halves cannot overflow
    # Below the smallest normal number, two places cannot be told apart.
    scale = (BOX - PEN_WIDTH) / half.max() if half.max() > _SMALLEST else 0.0
    # Measured from the corner, not from the middle: far out, where neighbouring floats are
    # thousands apart, the middle of the box may not be one of them.
    starts, ends = ((points / 2 - low / 2 - half / 2) * scale + CENTRE for points in (starts, ends))
    starts, ends = _pieces(starts, ends)

    # Drawn twice, because the centre of mass is known only when there is ink. Moving the points
    # rather than the pixels keeps the edges sharp.
    to_centre = CENTRE - centre_of_mass(_coverage(starts, ends))
    return _coverage(starts + to_centre, ends + to_centre).astype(np.float32)


def turn_strokes(strokes: list[np.ndarray]) -> list[list[np.ndarray]]:
    """Turn a drawing by 20 degrees either way, as other hands might have written it.

    Returns:
        Two drawings, half as large, so that no coordinate overflows. Their size does not matter.
    """
    return [[stroke @ _half_and_turned(degrees) for stroke in strokes] for degrees in _TURNS]


def _half_and_turned(degrees: float) -> np.ndarray:
    """Return the matrix (2, 2) that halves points (n, 2) and turns them clockwise."""
    cos, sin = math.cos(math.radians(degrees)) / 2, math.sin(math.radians(degrees)) / 2
    return np.array([[cos, sin], [-sin, cos]])


def _pieces(starts: np.ndarray, ends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cut segments (s, 2) to (s, 2) into pieces (p, 2) to (p, 2) no longer than `_PIECE`."""
    along = ends - starts
    counts = np.maximum(np.ceil(np.hypot(*along.T) / _PIECE), 1).astype(int)  # (s,)
    step = np.repeat(along / counts[:, None], counts, axis=0)  # (p, 2)
    first = np.repeat(np.cumsum(counts) - counts, counts)  # (p,)
    at = np.arange(len(first)) - first  # which piece of its segment
    starts = np.repeat(starts, counts, axis=0) + step * at[:, None]
    return starts, starts + step


def _coverage(starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Ink (28, 28) that a round pen leaves along pieces (p, 2) to (p, 2), in pixels."""
    side = SIZE + 2 * _MARGIN
    canvas = np.full((side, side), _REACH**2)  # squared distance to the ink
    image = slice(_MARGIN, -_MARGIN)
    window = np.arange(int(_PIECE + 2 * _REACH) + 1)  # all pixels that one piece can reach
    chunks = -(-len(starts) // _CHUNK)
    for first in range(chunks):
        # Each chunk comes from all over the drawing, so the first ones cover most of it.
        a, b = starts[first::chunks], ends[first::chunks]
        low = np.ceil(np.minimum(a, b) - _REACH).astype(int)  # (p, 2)
        if first > 0:
            # Skip pieces that reach no pixel of the image that can take more ink.
            pale = np.zeros(canvas.shape, int)
            pale[image, image] = np.sqrt(canvas[image, image]) > _REACH - 1
            above = np.pad(pale.cumsum(0).cumsum(1), (1, 0))  # pale pixels above and left of each
            (x0, y0), high = (low + _MARGIN).T, np.floor(np.maximum(a, b) + _REACH).astype(int)
            x1, y1 = (high + _MARGIN + 1).T
            reached = above[y1, x1] - above[y0, x1] - above[y1, x0] + above[y0, x0]
            a, b, low = a[reached > 0], b[reached > 0], low[reached > 0]
        along = b - a  # (p, 2)
        squared_length = (along**2).sum(1)
        # A piece of length 0 is a point: its products are 0, whatever the divisor.
        squared_length[squared_length == 0] = 1.0
        pixels = low[:, :, None] + window  # (p, 2, w)
        dx, dy = (pixels - a[:, :, None]).swapaxes(0, 1)  # (p, w) each
        dx, dy = dx[:, None, :], dy[:, :, None]
        ux, uy = along.T[:, :, None, None]  # (p, 1, 1) each
        # Where on its piece, from 0 to 1, the point nearest to each pixel lies.
        at = np.clip((dx * ux + dy * uy) / squared_length[:, None, None], 0.0, 1.0)  # (p, w, w)
        squared_distance = (dx - at * ux) ** 2 + (dy - at * uy) ** 2  # (p, w, w)
        columns, rows = (pixels + _MARGIN).swapaxes(0, 1)
        places = rows[:, :, None] * side + columns[:, None, :]
        # On flat arrays, which is several times as fast.
        np.minimum.at(canvas.reshape(-1), places.ravel(), squared_distance.ravel())
    distance = np.sqrt(canvas[image, image])  # (28, 28)
    return np.clip(_REACH - distance, 0.0, 1.0)
