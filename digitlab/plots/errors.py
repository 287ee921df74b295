"""Plots of a network's errors, and of how far its confidence can be trusted.

They take labels and readings, so they work for any network, and for digits of your own.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.font_manager import FontProperties

from digitlab.images import CLASSES, as_array, as_labels, check_whole
from digitlab.plots._style import (
    BLUE,
    add_legend,
    new_axes,
    new_grid,
    set_suptitle,
    set_title,
    show_image,
    show_tick_labels,
    text_colour,
)
from digitlab.plots.digits import as_list, as_pictures, show_grid


def plot_confusion(
    labels: npt.ArrayLike,
    read: npt.ArrayLike | Sequence[object],
    title: str | None = None,
    ax: Axes | None = None,
    darkest: int | None = None,
) -> Axes:
    """Show the confusion matrix: how often each digit was read as which digit.

    The grey diagonal counts digits that were read correctly. Darker cells are more frequent
    mistakes.

    Args:
        labels: (n,), 0 to 9: what each digit was.
        read: (n,), 0 to 9: what it was read as; None (or NaN) if it was rejected as a non-digit,
            which has a column of its own.
        title: Whose digits they are.
        ax: The Axes to draw on. Default: new ones.
        darkest: How many mistakes get the darkest shade, to compare several plots. Default:
            the largest number in this one.

    Returns:
        The Axes.

    Raises:
        ValueError: The shapes or values differ from these, or `darkest` is no whole number
            above 0.

    Example:
        >>> ax = digitlab.plot_confusion([3, 5, 5, 5], [3, 5, 8, None], title="four digits")
    """
    if darkest is not None:
        check_whole(darkest, "darkest", 1)
    answers, rejected = _as_readings(read)
    labels = as_labels(labels, len(answers))
    columns = [*range(10), "none"] if rejected.any() else [*range(10)]
    counts = np.zeros((10, len(columns)), int)
    np.add.at(counts, (labels, np.where(rejected, 10, answers)), 1)

    ax = new_axes(4.8, 4.6) if ax is None else ax
    right = np.eye(10, len(columns), dtype=bool)
    mistakes = np.where(right, 0, counts)
    most = max(mistakes.max(), 1) if darkest is None else darkest
    show_image(ax, mistakes, cmap="Blues", vmin=0, vmax=most)
    diagonal: np.ndarray = np.ma.masked_array(np.full(counts.shape, 0.15), ~right)
    show_image(ax, diagonal, cmap="Greys", vmin=0, vmax=1)
    fontsize = _fontsize_in_cells(ax, len(columns), len(str(counts.max())))
    for (row, column), count in np.ndenumerate(counts):
        if count:
            dark = mistakes[row, column] > 0.72 * most  # where black and white have equal contrast
            ax.text(
                column,
                row,
                str(count),
                ha="center",
                va="center",
                color="white" if dark else "black",
                fontsize=fontsize,
                path_effects=[],
            )
    ax.set(
        xticks=range(len(columns)),
        xticklabels=columns,
        yticks=range(10),
        xlabel="read as",
        ylabel="was",
    )
    ax.minorticks_off()
    show_tick_labels(ax)
    set_title(ax, title)
    return ax


def plot_mistakes(
    images: npt.ArrayLike,
    labels: npt.ArrayLike,
    probabilities: npt.ArrayLike,
    title: str | None = None,
    most: int = 10,
    columns: int = 5,
    figsize: tuple[float, float] | None = None,
) -> np.ndarray:
    """Show the most confident mistakes, each with its label and what it was read as.

    Args:
        images: (n, h, w), ink light on dark, or a table, as for `digitlab.plot_digits`.
        labels: (n,), 0 to 9: what each digit was.
        probabilities: (n, 10), in [0, 1].
        title: Whose digits they are.
        most: The largest number of mistakes to show.
        columns: Images in a row.
        figsize: Width and height in inches.

    Returns:
        The Axes, (rows, columns). If there are no mistakes, a single one that says so.

    Raises:
        ValueError: The shapes or values differ from these, or `most` or `columns` is not a whole
            number, at least 1.

    Example:
        >>> drawings = [digitlab.stored_drawing(digit) for digit in range(10)]
        >>> images = [digitlab.render_strokes(drawing) for drawing in drawings]
        >>> guesses = np.eye(10)[[0, 7, 2, 3, 4, 5, 6, 1, 8, 9]]  # mixes up 1 and 7
        >>> axes = digitlab.plot_mistakes(images, range(10), guesses, title="the stored drawings")
    """
    images = as_pictures(images)
    labels, probabilities = _as_labels_and_probabilities(labels, probabilities)
    if len(images) != len(labels):
        raise ValueError(f"expected {len(labels)} images, one for each label, got {len(images)}")
    check_whole(most, "most", 1)
    read, sure = probabilities.argmax(axis=1), probabilities.max(axis=1)
    wrong = np.flatnonzero(read != labels)
    wrong = wrong[np.argsort(-sure[wrong], kind="stable")][:most]
    if not len(wrong):
        grid = new_grid(1, 1, 4.5, 1.2, figsize)
        ax = grid[0, 0]
        sentence = f"No mistake in {len(labels):,} digits"
        ax.text(0.5, 0.5, sentence, ha="center", va="center", color=text_colour(ax))
        set_suptitle(ax.figure, title)
        return grid
    words = [f"{labels[i]}, read {read[i]}\n({100 * sure[i]:.0f} %)" for i in wrong]
    return show_grid(images[wrong], words, title, columns, figsize, cell=(1.5, 1.9))


def plot_calibration(
    labels: npt.ArrayLike,
    probabilities: npt.ArrayLike,
    title: str | None = None,
    bins: int = 10,
    ax: Axes | None = None,
) -> Axes:
    """Show whether confidence can be trusted: are 80 of 100 readings at 80 % confidence right?

    Readings are grouped by confidence. Each point is a group: its mean confidence, and the share
    of it that was right; its size is written below. On the dashed line, both are equal; below it,
    the network is overconfident. Bars are the 95 % intervals of E. B. Wilson (1927), which are
    long for small groups.

    Args:
        labels: (n,), 0 to 9: what each digit was.
        probabilities: (n, 10), in [0, 1].
        title: Whose digits they are.
        bins: Number of groups of equal width from 0 to 1; empty ones are left out.
        ax: The Axes to draw on. Default: new ones.

    Returns:
        The Axes.

    Raises:
        ValueError: The shapes or values differ from these, or `bins` is not a whole number, at
            least 1.

    Example:
        >>> rng = np.random.default_rng(1)
        >>> probabilities = rng.dirichlet(np.full(10, 0.1), 1000)
        >>> labels = [rng.choice(10, p=p) for p in probabilities]  # as often right as promised
        >>> ax = digitlab.plot_calibration(labels, probabilities, title="made-up readings")
    """
    labels, probabilities = _as_labels_and_probabilities(labels, probabilities)
    check_whole(bins, "bins", 1)
    sure, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    group = np.minimum((sure * bins).astype(int), bins - 1)
    groups = np.unique(group)
    n = np.array([(group == g).sum() for g in groups])
    confidence = np.array([sure[group == g].mean() for g in groups])
    share = np.array([right[group == g].mean() for g in groups])
    low, high = _wilson(share, n)

    ax = new_axes(4.2, 4) if ax is None else ax
    summary = f"{100 * sure.mean():.1f} % sure, {100 * right.mean():.1f} % right"
    ax.plot((0, 1), (0, 1), "--", color="gray", label="perfectly calibrated")
    ax.errorbar(
        confidence,
        share,
        yerr=np.abs([share - low, high - share]),
        fmt="o",  # a line would draw the eye to groups of one or two
        color=BLUE,
        capsize=3,
        label=f"all {len(labels):,}: {summary}",
    )
    for x, count in zip(confidence, n, strict=True):
        ax.text(
            x,
            -0.07,
            f"{count:,}",
            ha="center",
            va="center",
            fontsize="x-small",
            color=text_colour(ax),
        )
    ax.set(
        xlim=(0, 1.06),
        ylim=(-0.14, 1.28),  # room for the numbers below all points, and the legend above
        yticks=np.arange(6) / 5,
        xlabel="confidence",
        ylabel="share that was right",
    )
    show_tick_labels(ax)
    set_title(ax, title)
    add_legend(ax, loc="upper left", fontsize="small")
    return ax


def _fontsize_in_cells(ax: Axes, columns: int, characters: int) -> float:
    """Return the font size of numbers in points: small, or less where a cell is too narrow."""
    box = ax.get_window_extent()
    cell = min(box.width, box.height) / columns / ax.figure.dpi * 72  # points
    widest = 0.64 * characters  # of a number, in font sizes; 0.64 is a digit of DejaVu Sans
    return min(FontProperties(size="small").get_size_in_points(), 0.95 * cell / widest)


def _wilson(share: np.ndarray, n: np.ndarray, z: float = 1.96) -> tuple[np.ndarray, np.ndarray]:
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    reach = z * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    # Rounding errors must not move a bound past the share itself, at 0 or 1.
    return np.minimum(middle - reach, share), np.maximum(middle + reach, share)


def _as_labels_and_probabilities(labels: Any, probabilities: Any) -> tuple[np.ndarray, np.ndarray]:
    labels = as_labels(labels)
    expected = f"probabilities of shape ({len(labels)}, 10), ten for each label"
    probabilities = as_array(probabilities, expected).astype(float)
    if probabilities.shape != (len(labels), CLASSES):
        raise ValueError(f"expected {expected}, got {probabilities.shape}")
    if not (probabilities.min() >= 0 and probabilities.max() <= 1 + 1e-6):  # False for NaN, too
        raise ValueError(
            f"expected probabilities in [0, 1], got {probabilities.min()} to {probabilities.max()}"
        )
    return labels, probabilities


def _as_readings(read: Any) -> tuple[np.ndarray, np.ndarray]:
    """Split what was read: digits (n,), 0 for those rejected, and which were rejected, (n,)."""
    values = as_list(read)
    # Tables mark missing values with NaN or pandas.NA, which do not even equal themselves.
    rejected = [value is None or str(value) in ("nan", "<NA>") for value in values]
    digits = [0 if none else value for value, none in zip(values, rejected, strict=True)]
    return as_labels(digits, name="read"), np.array(rejected, bool)
