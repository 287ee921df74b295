"""Rendering lines as images, with pens of all widths, turned, stretched, slanted and bent."""

import numpy as np

from digitlab.images import BOX, CENTRE, PEN_WIDTH, SIZE
from digitlab.training.lines import find_skeleton
from digitlab.training.settings import PLAIN, Augmentation


def draw_lines(
    lines: list[np.ndarray], settings: Augmentation, rng: np.random.Generator
) -> np.ndarray:
    """Draw lines, each (p, 2), turned, slanted, bent, and with pens of all widths.

    The geometry is that of `digitlab.render_strokes`: the longer side of the ink is 20 pixels, and
    its centre lies in the middle.

    Returns:
        (n, 28, 28) float32 in [0, 1].
    """
    n = len(lines)
    if n == 0:
        return np.zeros((0, SIZE, SIZE), np.float32)
    counts = np.array([len(line) for line in lines])
    starts = np.cumsum(counts) - counts
    line_of = np.repeat(np.arange(n), counts)  # the number of the line that a point belongs to
    points = np.concatenate(lines).astype(np.float32)  # (p, 2)

    def middle(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        low, high = np.minimum.reduceat(points, starts), np.maximum.reduceat(points, starts)
        return (low + high) / 2, (high - low).max(1)

    centre, size = middle(points)
    # Unit: half of the longer side.
    points = (points - centre[line_of]) * (2 / np.maximum(size, 1e-3))[line_of, None]
    points = np.einsum("pij,pj->pi", random_matrices(n, settings, rng)[line_of], points)
    waves = rng.uniform(0.8, 3.0, (n, 2, 2)) * rng.choice([-1, 1], (n, 2, 2))
    phases = rng.uniform(0, 2 * np.pi, (n, 2))
    amplitude = rng.uniform(0, settings.bend / (BOX / 2), (n, 2))
    points = points + amplitude[line_of] * np.sin(
        np.einsum("pij,pj->pi", waves[line_of], points) + phases[line_of]
    )

    pen = PEN_WIDTH * np.exp(rng.triangular(-1, 0, 1, n) * settings.pen)
    centre, size = middle(points)
    # A single point has no size to scale.
    scale = np.where(size > 1e-2, (BOX - pen) / np.maximum(size, 1e-2), 0.0)
    points = (points - centre[line_of]) * scale[line_of, None]
    mass = np.add.reduceat(points, starts) / counts[:, None]
    points += (CENTRE - mass + rng.uniform(-0.5, 0.5, (n, 2)) * settings.shift)[line_of]

    # Squared distance of each pixel to the nearest point.
    reach = pen / 2 + 0.5
    margin, width = 6, int(2 * reach.max()) + 1
    side = SIZE + 2 * margin
    canvas = np.full((n, side, side), 100, np.float32)
    corner = np.ceil(points - reach[line_of, None]).astype(int)  # (p, 2)
    window = corner[:, :, None] + np.arange(width)  # (p, 2, w)
    square = ((window - points[:, :, None]) ** 2).astype(np.float32)
    window = np.clip(window + margin, 0, side - 1)
    columns, rows = window[:, 0], window[:, 1]
    flat = line_of[:, None, None] * side**2 + rows[:, :, None] * side + columns[:, None, :]
    np.minimum.at(
        canvas.reshape(-1), flat.ravel(), (square[:, 1, :, None] + square[:, 0, None, :]).ravel()
    )
    distance = np.sqrt(canvas[:, margin:-margin, margin:-margin])
    return np.clip(reach[:, None, None] - distance, 0, 1).astype(np.float32)


def random_matrices(n: int, settings: Augmentation, rng: np.random.Generator) -> np.ndarray:
    """Make random rotations, stretches and slants: (n, 2, 2)."""
    angle = np.radians(rng.uniform(-settings.rotation, settings.rotation, n))
    stretch = np.exp(rng.uniform(-1, 1, n) * np.log1p(settings.stretch))
    shear = rng.uniform(-settings.shear, settings.shear, n)
    zero, one = np.zeros(n), np.ones(n)
    turn = np.stack([np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)], 1)
    slant = np.stack([stretch, -shear, zero, one], 1)
    return turn.reshape(n, 2, 2) @ slant.reshape(n, 2, 2)


def draw_and_thin(line: np.ndarray) -> np.ndarray:
    """Draw a line (p, 2) plainly, and thin the image to a line (q, 2).

    Thinned lines tremble, and bend where they meet. If only digits were thinned, a network would
    learn to tell non-digits by their clean lines, and people's clean lines would mislead it.
    """
    (image,) = draw_lines([line], PLAIN, np.random.default_rng(0))
    points = find_skeleton((255 * image).astype(np.uint8))
    return points if len(points) else line
