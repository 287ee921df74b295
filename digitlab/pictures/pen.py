"""The width of a pen."""

import numpy as np


def pen_width(solid: np.ndarray) -> float:
    """Estimate the width of the lines in a mask (h, w)."""
    # A line has two edges, which are staircases: 4 / pi times as long as they look.
    inner = sum(np.count_nonzero(side[1:] != side[:-1]) for side in (solid, solid.T))
    outer = sum(np.count_nonzero(side[end]) for side in (solid, solid.T) for end in (0, -1))
    edge = inner + outer
    return 2 * np.count_nonzero(solid) / max(edge, 1) * 4 / np.pi
