"""Pictures of digits, drawings, probabilities and training, with matplotlib.

Each function takes the Axes to draw on, or makes its own, and returns them.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

_MARKED = "C1"  # the bar of the digit that was read
_PLAIN = "C0"


def plot_digits(
    images: np.ndarray,
    labels: Sequence | np.ndarray | None = None,
    title: str | None = None,
    columns: int = 10,
    figsize: tuple[float, float] | None = None,
) -> np.ndarray:
    """Show images in a grid, each under its label; the Axes come back in an array.

    ::

        digitlab.plot_digits(digits.x_train[:20], digits.y_train[:20], title=digits.name)

    Args:
        images: (n, h, w), ink light on dark, any numeric type; or a single one, (h, w).
        labels: n labels, shown with `str`.
        title: Say where the digits come from: `Digits.name`, for one.
        columns: Images in a row.
        figsize: Width and height in inches.

    Raises:
        ValueError: When the images have another number of dimensions, or the labels another length.
    """
    images = np.asarray(images)
    if images.ndim == 2:
        images = images[None]
    if images.ndim != 3 or not len(images):
        raise ValueError(f"expected images of shape (n, h, w), n at least 1, got {images.shape}")
    if labels is not None and len(labels) != len(images):
        raise ValueError(f"expected {len(images)} labels, one for each image, got {len(labels)}")
    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    figure, grid = plt.subplots(
        rows,
        columns,
        figsize=figsize or (columns, rows * (1.25 if labels is not None else 1.0) + 0.4),
        squeeze=False,
        layout="constrained",
    )
    for axes in grid.flat:
        axes.axis("off")
    for index, (image, axes) in enumerate(zip(images, grid.flat, strict=False)):
        axes.imshow(image, cmap="gray")
        if labels is not None:
            axes.set_title(str(labels[index]), fontsize="medium")
    if title:
        figure.suptitle(title)
    return grid


def plot_drawing(drawing: Sequence[np.ndarray], size: int = 280, ax: Axes | None = None) -> Axes:
    """Show the strokes of a drawing as the pad has them, each with a dot where it starts.

    ::

        digitlab.plot_drawing(pad.strokes)

    Args:
        drawing: A list of strokes, each of shape (n, 2): x, y in canvas pixels, y down.
        size: The side of the pad in pixels.
        ax: The Axes to draw on; new ones when left out.

    Returns:
        The Axes.
    """
    ax = ax or new_axes(2.8, 2.8)
    for stroke in drawing:
        x, y = np.asarray(stroke, float).T
        (line,) = ax.plot(x, y, linewidth=4, solid_capstyle="round")
        ax.plot(x[0], y[0], "o", color=line.get_color(), markersize=9)
    ax.set(xlim=(0, size), ylim=(size, 0), aspect="equal", xlabel="x in pixels", ylabel="y")
    return ax


def plot_probabilities(
    probabilities: np.ndarray, title: str | None = None, ax: Axes | None = None
) -> Axes:
    """Show the probabilities of the ten digits as bars, the highest one marked.

    ::

        digitlab.plot_probabilities(pad.prediction.probabilities, title=str(pad.prediction))

    Args:
        probabilities: (10,), in [0, 1].
        title: Say whose they are.
        ax: The Axes to draw on; new ones when left out.

    Returns:
        The Axes.

    Raises:
        ValueError: For another shape.
    """
    probabilities = np.asarray(probabilities, float)
    if probabilities.shape != (10,):
        raise ValueError(f"expected probabilities of shape (10,), got {probabilities.shape}")
    ax = ax or new_axes(4.5, 2.4)
    best = probabilities.argmax()
    bars = ax.bar(range(10), probabilities, color=_PLAIN)
    bars[best].set_color(_MARKED)
    ax.annotate(
        f"{probabilities[best]:.0%}".replace("%", " %"),
        (best, probabilities[best]),
        textcoords="offset points",
        xytext=(0, 2),
        ha="center",
    )
    ax.set(xticks=range(10), ylim=(0, 1.15), yticks=(0, 0.5, 1), xlabel="digit", title=title or "")
    ax.set_ylabel("probability")
    return ax


def plot_history(
    history: Any, title: str | None = None, metric: str = "accuracy", ax: Axes | None = None
) -> Axes:
    """Show how a metric went from epoch to epoch, for training and validation.

    ::

        digitlab.plot_history(history, title=f"{model.name}, {digits.name}", metric="loss")

    To watch them while the network trains, nothing is needed: `digitlab.train` shows them.

    Args:
        history: What `digitlab.train` or Keras' ``fit`` returned, or its dictionary of lists.
        title: Say which network and which data.
        metric: A name in it, such as "accuracy" or "loss".
        ax: The Axes to draw on; new ones when left out.

    Returns:
        The Axes.

    Raises:
        ValueError: When the history does not hold that metric.
    """
    values = getattr(history, "history", history)
    if metric not in values:
        raise ValueError(f"expected one of {sorted(values)} as the metric, got {metric!r}")
    ax = ax or new_axes(4.5, 3)
    for name, label, style in ((metric, "training", "o--"), (f"val_{metric}", "validation", "o-")):
        if name in values:
            ax.plot(range(1, len(values[name]) + 1), values[name], style, label=label)
    ax.set(xlabel="epoch", ylabel=metric, title=title or "")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.legend()
    return ax


def new_axes(width: float, height: float) -> Axes:
    """Axes in a figure of their own, its sides in inches."""
    return plt.subplots(figsize=(width, height), layout="constrained")[1]
