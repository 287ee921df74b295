"""Plots of digits, drawings, probabilities and training."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from digitlab.drawings import checked_size
from digitlab.images import CLASSES, SIZE, as_array, check_whole, readable
from digitlab.plots._style import (
    BLUE,
    LITERAL,
    ORANGE,
    add_legend,
    new_axes,
    new_grid,
    set_suptitle,
    set_title,
    show_image,
    show_tick_labels,
    text_colour,
)
from digitlab.prediction import Prediction
from digitlab.strokes import as_strokes

_MOST = 1000  # images that `show_grid` shows: each has Axes of its own, which takes 10 ms


def plot_digits(
    images: npt.ArrayLike,
    labels: npt.ArrayLike | Sequence[object] | None = None,
    title: str | None = None,
    columns: int = 10,
    figsize: tuple[float, float] | None = None,
) -> np.ndarray:
    """Show images in a grid, each under its label.

    Args:
        images: (n, h, w), ink light on dark, any numeric type; a single image (h, w); or a table
            (n, 784) with a row for each image of 28 x 28. Each is shown from its smallest value,
            black, to its largest, white.
        labels: n labels, shown with `str`.
        title: Where the digits come from, such as `Digits.name`.
        columns: Images in a row.
        figsize: Width and height in inches.

    Returns:
        The Axes, (rows, columns).

    Raises:
        ValueError: The number of dimensions or labels differs from these, there are more than 1,000
            images, or `columns` is not a whole number, at least 1.

    Example:
        >>> drawings = [digitlab.stored_drawing(digit) for digit in range(10)]
        >>> images = [digitlab.render_strokes(drawing) for drawing in drawings]
        >>> axes = digitlab.plot_digits(images, range(10), title="the stored drawings", columns=5)
        >>> axes.shape
        (2, 5)
    """
    images = as_pictures(images)
    words = None if labels is None else [str(label) for label in as_list(labels)]
    if words is not None and len(words) != len(images):
        raise ValueError(f"expected {len(images)} labels, one for each image, got {len(words)}")
    height = 1.25 if words is not None else 1.0
    return show_grid(images, words, title, columns, figsize, cell=(1.0, height))


def plot_drawing(
    drawing: npt.ArrayLike, title: str | None = None, size: int = 280, ax: Axes | None = None
) -> Axes:
    """Show the strokes of a drawing as they are on the pad, each with a dot where it starts.

    Args:
        drawing: A list of strokes, each of shape (n, 2): x, y in pad pixels, y down.
        title: What was drawn, or by whom.
        size: The side of the pad in pixels.
        ax: The Axes to draw on. Default: new ones.

    Returns:
        The Axes.

    Raises:
        TypeError, ValueError: See `digitlab.strokes.as_strokes`; or `size` is not a number above 0.

    Example:
        >>> ax = digitlab.plot_drawing(digitlab.stored_drawing(5), title="the stored 5")
    """
    strokes, side = as_strokes(drawing), checked_size(size)
    ax = new_axes(2.8, 2.8) if ax is None else ax
    for stroke in strokes:
        x, y = stroke.T
        (line,) = ax.plot(x, y, linestyle="-", marker="", linewidth=4, solid_capstyle="round")
        ax.plot(x[0], y[0], "o", color=line.get_color(), markersize=9)
    ax.set(xlim=(0, side), ylim=(side, 0), aspect="equal", xlabel="x in pixels", ylabel="y")
    show_tick_labels(ax)
    set_title(ax, title)
    return ax


def plot_probabilities(
    probabilities: npt.ArrayLike | Prediction, title: str | None = None, ax: Axes | None = None
) -> Axes:
    """Show the probabilities of the ten digits as bars, the highest one marked.

    Args:
        probabilities: (10,), in [0, 1]; or a prediction, whose probabilities are shown. If that has
            no digit, no bar is marked.
        title: Which digit they are for, or which network gave them.
        ax: The Axes to draw on. Default: new ones.

    Returns:
        The Axes.

    Raises:
        ValueError: `probabilities` has the wrong shape or range.

    Example:
        >>> prediction = digitlab.load_recognizer().predict(digitlab.stored_drawing(5))
        >>> ax = digitlab.plot_probabilities(prediction.probabilities, title=str(prediction))
    """
    marks = True
    if isinstance(probabilities, Prediction):
        marks = probabilities.digit is not None
        probabilities = probabilities.probabilities
    probabilities = as_array(probabilities, "probabilities of shape (10,)").astype(float)
    if probabilities.shape != (CLASSES,):
        raise ValueError(f"expected probabilities of shape (10,), got {probabilities.shape}")
    if not 0 <= probabilities.min() <= probabilities.max() <= 1 + 1e-6:
        raise ValueError(
            "expected probabilities from 0 to 1, got values from "
            f"{probabilities.min():g} to {probabilities.max():g}"
        )
    ax = new_axes(4.5, 2.4) if ax is None else ax
    bars = ax.bar(range(CLASSES), probabilities, color=BLUE)
    if marks:
        best = int(probabilities.argmax())
        bars[best].set_facecolor(ORANGE)
        ax.annotate(
            f"{100 * probabilities[best]:.0f} %",
            (best, probabilities[best]),
            textcoords="offset points",
            xytext=(0, 2),
            ha="center",
            color=text_colour(ax),
            **LITERAL,
        )
    ax.set(xticks=range(CLASSES), yticks=(0, 0.5, 1), xlabel="digit", ylabel="probability")
    ax.set(xlim=(-0.89, CLASSES - 0.11), ylim=(0, 1.15))
    ax.set_axisbelow(True)  # keep a grid behind the bars
    show_tick_labels(ax)
    set_title(ax, title)
    return ax


def plot_history(
    history: Any, title: str | None = None, metric: str = "accuracy", ax: Axes | None = None
) -> Axes:
    """Show how a metric changed from epoch to epoch, for training and validation.

    Use it after training: `digitlab.train` shows its progress by itself.

    Args:
        history: What `digitlab.train` or Keras' ``fit`` returned; or its dictionary, or a table
            of Keras' ``CSVLogger``, with a list for each metric.
        title: Which network and which data.
        metric: One of its metrics, such as "accuracy" or "loss".
        ax: The Axes to draw on. Default: new ones.

    Returns:
        The Axes.

    Raises:
        TypeError: It is not a history.
        ValueError: The history does not have that metric, or not as a list of numbers.

    Example:
        >>> history = {"accuracy": [0.95, 0.98, 0.99], "val_accuracy": [0.96, 0.97, 0.98]}
        >>> ax = digitlab.plot_history(history, title="three epochs")
    """
    values = getattr(history, "history", history)
    if not hasattr(values, "keys"):
        raise TypeError(
            "expected what digitlab.train or fit returned, or its dictionary, got "
            f"{type(values).__name__}"
        )
    if metric not in values:
        others = ", ".join(map(str, values)) or "nothing"
        raise ValueError(f"expected a history with metric={metric!r}, got one with {others}")
    metric = metric.removeprefix("val_")  # both curves are shown
    lines = []
    for name, label, style, colour in (
        (metric, "training", "o--", BLUE),
        (f"val_{metric}", "validation", "o-", ORANGE),
    ):
        if name in values:
            expected = f"numbers for {name!r}, one for each epoch"
            line = as_array(values[name], expected)
            if line.ndim != 1:
                raise ValueError(f"expected {expected}, got shape {line.shape}")
            lines.append((line, label, style, colour))
    ax = new_axes(4.5, 3) if ax is None else ax
    for line, label, style, colour in lines:
        ax.plot(range(1, len(line) + 1), line, style, color=colour, label=label)
    ax.set_xlabel("epoch")
    ax.set_ylabel(metric, **LITERAL)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    show_tick_labels(ax)
    set_title(ax, title)
    add_legend(ax)
    return ax


def show_grid(
    images: np.ndarray,
    words: Sequence[str] | None,
    title: str | None,
    columns: int,
    figsize: tuple[float, float] | None,
    cell: tuple[float, float],
) -> np.ndarray:
    """Show images (n, h, w) as `plot_digits` does, each in a cell of that many inches."""
    check_whole(columns, "columns", 1)
    if len(images) > _MOST:
        raise ValueError(f"expected at most {_MOST:,} images to show, got {len(images):,}")
    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    grid = new_grid(rows, columns, cell[0] * columns, cell[1] * rows + 0.4, figsize)
    for index, (image, ax) in enumerate(zip(images, grid.flat, strict=False)):
        show_image(ax, image, cmap="gray")
        if words is not None:
            set_title(ax, words[index], fontsize="medium")
    set_suptitle(grid[0, 0].figure, title)
    return grid


def as_pictures(images: npt.ArrayLike) -> np.ndarray:
    """Return images of any size as (n, h, w), n at least 1, from what `plot_digits` takes."""
    expected = "images of shape (n, h, w), n at least 1, a single one (h, w), or a table (n, 784)"
    pictures = as_array(images, expected)
    if pictures.ndim == 2 and pictures.shape[1] == SIZE * SIZE:
        pictures = pictures.reshape(-1, SIZE, SIZE)
    elif pictures.ndim == 2:
        pictures = pictures[None]
    if pictures.ndim != 3 or not pictures.size:
        raise ValueError(f"expected {expected}, got {pictures.shape}")
    return pictures


def as_list(column: Any) -> list[Any]:
    """Return the values of a column in their order, whatever index a table has."""
    if hasattr(column, "__array__"):
        column = np.asarray(readable(column))
        column = column[:, 0] if column.ndim == 2 and column.shape[1] == 1 else column
    if np.isscalar(column) or getattr(column, "ndim", 1) == 0:  # one label
        column = [column]
    # A list may hold tensors, which would be shown as "tensor(5)".
    return [
        np.asarray(readable(value))[()] if hasattr(value, "__array__") else value
        for value in column
    ]
