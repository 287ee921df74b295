"""Pictures of where a network errs, and of how far its confidence can be trusted.

They take what was read as arrays, so they work for any network, and for digits of your own.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from digitlab.plots.digits import new_axes, plot_digits


def plot_confusion(
    labels: np.ndarray,
    read: Sequence | np.ndarray,
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Show how often each digit was read as which: the confusion matrix, with its numbers.

    The right ones stand on the diagonal, on grey; the darker a mistake, the more frequent it is::

        digitlab.plot_confusion(digits.y_test, probabilities.argmax(axis=1), title=digits.name)

    Args:
        labels: (n,), 0 to 9: what each digit was.
        read: (n,), 0 to 9: what was read; None where no digit was, which gets a column of its own.
        title: Say whose digits they are.
        ax: The Axes to draw on; new ones when left out.

    Returns:
        The Axes.

    Raises:
        ValueError: When there are none, not as many of both, or others than 0 to 9.
        ImportError: Without scikit-learn, which counts.
    """
    try:  # here, for the other plots work without it
        from sklearn.metrics import confusion_matrix
    except ImportError:
        raise ImportError(
            "plot_confusion needs scikit-learn: pip install scikit-learn, or '.[train]'"
        ) from None
    labels = _checked_digits(labels, "labels")
    refused = np.array([digit is None for digit in read], bool)
    answers = _checked_digits([0 if digit is None else digit for digit in read], "read")
    if len(labels) != len(answers):
        raise ValueError(
            f"expected as many labels as digits read, {len(answers)}, got {len(labels)}"
        )
    columns = [*range(10), "none"] if refused.any() else [*range(10)]
    counts = confusion_matrix(labels, np.where(refused, 10, answers), labels=range(11))
    counts = counts[:10, : len(columns)]

    ax = new_axes(4.8, 4.6) if ax is None else ax
    right = np.eye(10, len(columns), dtype=bool)
    mistakes = np.where(right, 0, counts)
    most = max(mistakes.max(), 1)
    ax.imshow(mistakes, cmap="Blues", vmin=0, vmax=most)
    ax.imshow(np.ma.masked_array(np.full(counts.shape, 0.15), ~right), cmap="Greys", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        if count:
            dark = mistakes[row, column] > 0.72 * most  # where white and black stand out alike
            ax.text(
                column,
                row,
                str(count),
                ha="center",
                va="center",
                color="white" if dark else "black",
                fontsize="small",
            )
    ax.set(
        xticks=range(len(columns)),
        xticklabels=columns,
        yticks=range(10),
        xlabel="read as",
        ylabel="was",
        title=title or "",
    )
    return ax


def plot_mistakes(
    images: np.ndarray,
    labels: np.ndarray,
    probabilities: np.ndarray,
    title: str | None = None,
    most: int = 10,
    columns: int = 5,
    figsize: tuple[float, float] | None = None,
) -> np.ndarray:
    """Show the mistakes of which the network was surest, each with what it was and what was read.

    ::

        digitlab.plot_mistakes(digits.x_test, digits.y_test, probabilities, title=digits.name)

    Args:
        images: (n, h, w), ink light on dark.
        labels: (n,), 0 to 9: what each was.
        probabilities: (n, 10), in [0, 1].
        title: Say whose digits they are.
        most: So many at most, the surest one first.
        columns: Images in a row.
        figsize: Width and height in inches.

    Returns:
        The Axes in an array, as of `digitlab.plot_digits`; without a mistake a single one, with a
        sentence in place of an image.

    Raises:
        ValueError: When the shapes do not fit each other, or `most` is below 1.
    """
    images = np.asarray(images)
    labels, probabilities = _checked(labels, probabilities)
    if len(images) != len(labels):
        raise ValueError(f"expected {len(labels)} images, one for each label, got {len(images)}")
    if most < 1:
        raise ValueError(f"expected at least 1 mistake to show, got {most}")
    read, sure = probabilities.argmax(axis=1), probabilities.max(axis=1)
    wrong = np.flatnonzero(read != labels)
    wrong = wrong[np.argsort(-sure[wrong], kind="stable")][:most]
    if not len(wrong):
        ax = new_axes(*(figsize or (4.5, 1.2)))
        ax.axis("off")
        ax.text(0.5, 0.5, f"No mistake in {len(labels):,} digits", ha="center", va="center")
        ax.figure.suptitle(title or "")
        return np.array([[ax]])
    words = [f"{labels[i]}, read {read[i]}\n({100 * sure[i]:.0f} %)" for i in wrong]
    if figsize is None:
        across = min(columns, len(wrong))
        figsize = (1.5 * across, 1.9 * -(-len(wrong) // across) + 0.4)
    return plot_digits(images[wrong], words, title, columns, figsize)


def plot_calibration(
    labels: np.ndarray,
    probabilities: np.ndarray,
    title: str | None = None,
    bins: int = 10,
    ax: Axes | None = None,
) -> Axes:
    """Show whether a confidence means what it says: sure to 80 %, and right in 80 of 100 cases?

    The readings are sorted into groups by their confidence. A point stands for a group: its mean
    confidence across, the share that was right upwards, and below it how many they are. On the
    dashed line the two are the same; below it the network is too sure of itself. The bars are the
    95 % intervals of E. B. Wilson (1927): long where there are few::

        digitlab.plot_calibration(digits.y_test, probabilities, title=digits.name)

    Args:
        labels: (n,), 0 to 9: what each digit was.
        probabilities: (n, 10), in [0, 1].
        title: Say whose digits they are.
        bins: Groups of equal width from 0 to 1; empty ones are left out.
        ax: The Axes to draw on; new ones when left out.

    Returns:
        The Axes.

    Raises:
        ValueError: When the shapes do not fit each other, or `bins` is below 1.
    """
    labels, probabilities = _checked(labels, probabilities)
    if bins < 1:
        raise ValueError(f"expected at least 1 group, got {bins}")
    sure, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    group = np.minimum((sure * bins).astype(int), bins - 1)
    groups = np.unique(group)
    n = np.array([(group == g).sum() for g in groups])
    confidence = np.array([sure[group == g].mean() for g in groups])
    share = np.array([right[group == g].mean() for g in groups])
    low, high = _wilson(share, n)

    ax = new_axes(4.2, 4) if ax is None else ax
    summary = f"{100 * sure.mean():.1f} % sure, {100 * right.mean():.1f} % right"
    ax.plot((0, 1), (0, 1), "--", color="gray", label="as sure as right")
    ax.errorbar(
        confidence,
        share,
        yerr=np.abs([share - low, high - share]),
        fmt="o",  # a line would lead the eye to groups of one or two
        color="C0",
        capsize=3,
        label=f"all {len(labels):,}: {summary}",
    )
    for x, count in zip(confidence, n, strict=True):
        ax.text(x, -0.07, f"{count:,}", ha="center", va="center", fontsize="x-small")
    ax.set(
        xlim=(0, 1.06),
        ylim=(-0.14, 1.28),  # room for the numbers below all points, and the legend above
        yticks=np.arange(6) / 5,
        xlabel="confidence",
        ylabel="share that was right",
        title=title or "",
    )
    ax.legend(loc="upper left", fontsize="small")
    return ax


def _wilson(share: np.ndarray, n: np.ndarray, z: float = 1.96) -> tuple[np.ndarray, np.ndarray]:
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    reach = z * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    # Rounding must not lead past the share itself, where it is 0 or 1.
    return np.minimum(middle - reach, share), np.maximum(middle + reach, share)


def _checked(labels: Any, probabilities: Any) -> tuple[np.ndarray, np.ndarray]:
    labels = _checked_digits(labels, "labels")
    probabilities = np.asarray(probabilities, float)
    if probabilities.shape != (len(labels), 10):
        raise ValueError(
            f"expected probabilities of shape ({len(labels)}, 10), ten for each label, "
            f"got {probabilities.shape}"
        )
    if not (probabilities.min() >= 0 and probabilities.max() <= 1 + 1e-6):  # False for NaN, too
        raise ValueError(
            f"expected probabilities in [0, 1], got {probabilities.min()} to {probabilities.max()}"
        )
    return labels, probabilities


def _checked_digits(digits: Any, name: str) -> np.ndarray:
    digits = np.asarray(digits)
    if digits.ndim != 1 or not len(digits):
        raise ValueError(f"expected {name} of shape (n,), n at least 1, got {digits.shape}")
    if digits.dtype.kind not in "iu" or digits.min() < 0 or digits.max() > 9:
        raise ValueError(
            f"expected {name} to be whole numbers from 0 to 9, got {digits.dtype}, "
            f"{digits.min()} to {digits.max()}"
        )
    return digits
