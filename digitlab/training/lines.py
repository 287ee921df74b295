"""The lines that a pen drew, as points: for thinned digits and for drawings.

A *line* is an array (p, 2) of x and y in pixels, with points close together along all strokes of a
digit or drawing. The points lie on a grid of a third of a pixel, on which digits are thinned.
"""

import numpy as np
from PIL import Image
from skimage.morphology import skeletonize
from tqdm import tqdm

from digitlab.images import BOX, SIZE

_GRID = 3  # grid points per pixel: digits are enlarged this many times before they are thinned
_SPACING = 0.35  # pixels between the points of a line


def thin(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Thin digits (n, 28, 28) uint8 to the line that the pen followed.

    Returns:
        Points (p, 2) float32, x and y in pixels, close together on the lines of all digits, and
        where each digit's points start: (n + 1,) int. A digit with only faint ink has no points.
    """
    points, starts = [], [0]
    for image in tqdm(images, "Finding the pen's lines", delay=2, leave=False):
        points.append(find_skeleton(image))
        starts.append(starts[-1] + len(points[-1]))
    return np.concatenate(points), np.array(starts)


def find_skeleton(image: np.ndarray) -> np.ndarray:
    """Find the middle of the ink of an image (28, 28) uint8: a line (p, 2) float32."""
    large = Image.fromarray(image).resize((SIZE * _GRID,) * 2, Image.Resampling.BICUBIC)
    rows, columns = np.nonzero(skeletonize(np.asarray(large) > 110))
    return ((np.stack([columns, rows], 1) + 0.5) / _GRID - 0.5).astype(np.float32)


def sample_drawing(drawing: list[np.ndarray]) -> np.ndarray:
    """Place points along a drawing's strokes, scaled to 20 pixels: a line (p, 2)."""
    size = np.ptp(np.concatenate(drawing), axis=0).max()
    scale = BOX / size if size > 0 else 1.0
    return snap_to_grid(np.concatenate([sample_stroke(stroke * scale) for stroke in drawing]))


def sample_stroke(stroke: np.ndarray) -> np.ndarray:
    """Place points close together along a stroke (n, 2), in pixels: (p, 2)."""
    lengths = np.hypot(*np.diff(stroke, axis=0).T)
    at = np.concatenate([[0.0], np.cumsum(lengths)])
    along = np.linspace(0, at[-1], int(at[-1] / _SPACING) + 1)
    return np.stack([np.interp(along, at, axis) for axis in stroke.T], 1)


def snap_to_grid(points: np.ndarray) -> np.ndarray:
    """Move points (p, 2) to the grid of thinned digits, and drop those that coincide."""
    return np.unique(np.round(points * _GRID), axis=0) / _GRID
