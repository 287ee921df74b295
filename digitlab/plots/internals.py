"""Pictures from inside a network: filters, activations, saliency, and digits in the plane.

They take arrays: `digitlab.get_filters`, `digitlab.get_activations`, `digitlab.measure_saliency`
and `digitlab.embed` make them.
"""

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib import patheffects
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from digitlab.explain import SIGNS, colour_saliency, say_place, strongest_ink
from digitlab.images import as_array, as_image, as_labels
from digitlab.plots._style import (
    BLUE,
    FONT,
    LITERAL,
    digit_marker,
    new_axes,
    new_figure,
    new_grid,
    set_suptitle,
    set_title,
    show_image,
    show_tick_labels,
    text_colour,
)


def plot_filters(
    filters: npt.ArrayLike,
    title: str | None = None,
    columns: int = 8,
    figsize: tuple[float, float] | None = None,
) -> Figure:
    """Show what filters look for: purple weights want ink, orange ones want paper.

    All have the same scale, so a pale filter is a weak one. The scale stands beside them::

        digitlab.plot_filters(digitlab.get_filters(model), title=model.name)

    Args:
        filters: (h, w, n): n filters of h x w weights.
        title: Say whose they are.
        columns: Filters in a row.
        figsize: Width and height in inches.

    Returns:
        The Figure; its first n Axes hold a filter each, under its number.

    Raises:
        ValueError: For another shape.
    """
    expected = "filters of shape (h, w, n), n at least 1"
    filters = as_array(filters, expected).astype(float)
    if filters.ndim != 3 or not filters.size:
        raise ValueError(f"expected {expected}, got {filters.shape}")
    count = filters.shape[2]
    columns = min(columns, count)
    rows = -(-count // columns)
    grid = new_grid(rows, columns, 0.9 * columns + 1.4, 1.1 * rows + 0.4, figsize)
    figure = grid[0, 0].figure
    limit = np.abs(filters).max() or 1.0
    for number, ax in enumerate(grid.flat[:count]):
        shown = show_image(ax, filters[..., number], cmap="PuOr", vmin=-limit, vmax=limit)
        ax.set_title(str(number), fontsize="small")
    bar = figure.colorbar(shown, ax=grid, shrink=0.8)
    bar.set_ticks([-limit, 0, limit], labels=["wants paper", "0", "wants ink"])
    bar.ax.minorticks_off()
    set_suptitle(figure, title)
    return figure


def plot_activations(
    activations: Mapping[str, npt.ArrayLike],
    title: str | None = None,
    columns: int = 8,
    figsize: tuple[float, float] | None = None,
) -> Figure:
    """Show what each layer answered to one image: a row for each, its strongest channels first.

    The brighter a place, the stronger the answer there, each channel on its own scale; above it
    stands the channel's number. Layers without places are bars, one for each number::

        digitlab.plot_activations(digitlab.get_activations(model, pad.image), title=model.name)

    Args:
        activations: A name for each layer, and its answer: (h, w, channels), or (n,). So does
            `digitlab.Recognizer.get_activations` give them, without TensorFlow.
        title: Say which image it is, and which network.
        columns: Channels in a row.
        figsize: Width and height in inches.

    Returns:
        The Figure.

    Raises:
        ValueError: When there are none, or one has another number of dimensions.
    """
    if not activations:
        raise ValueError("expected at least one layer's activations, got none")
    answers = {}
    for name, given in activations.items():
        expected = f"activations of shape (h, w, channels) or (n,) for {name!r}"
        answers[name] = as_array(given, expected).astype(float)
        if answers[name].ndim not in (1, 3):
            raise ValueError(f"expected {expected}, got {answers[name].shape}")
    figure = new_figure(0.95 * columns + 1.6, 1.15 * len(answers) + 0.4, figsize)
    rows = figure.subfigures(len(answers), 1, squeeze=False)[:, 0]
    for row, (name, answer) in zip(rows, answers.items(), strict=True):
        shape = " x ".join(map(str, answer.shape))
        if answer.ndim == 1:
            words, ax = row.subplots(1, 2, width_ratios=(1.6, 0.95 * columns))
            ax.bar(range(len(answer)), answer, color=BLUE)
            ax.set_axisbelow(True)
            show_tick_labels(ax)
            if len(answer) <= 20:
                ax.set_xticks(range(len(answer)))
        else:
            words, *axes = row.subplots(1, columns + 1, width_ratios=(1.6, *[0.95] * columns))
            strongest = np.argsort(-answer.max(axis=(0, 1)), kind="stable")[:columns]
            for ax in axes:
                ax.axis("off")
            for channel, ax in zip(strongest, axes, strict=False):
                show_image(ax, answer[..., channel], cmap="viridis")
                ax.set_title(str(channel), fontsize="small", pad=2)
        words.axis("off")
        words.text(
            0,
            0.5,
            f"{name}\n{shape}",
            va="center",
            transform=words.transAxes,
            color=text_colour(words),
            **LITERAL,
        )
    set_suptitle(figure, title)
    return figure


def plot_saliency(
    image: npt.ArrayLike, saliency: npt.ArrayLike, title: str | None = None, ax: Axes | None = None
) -> Axes:
    """Show which ink made the difference: blue counted for the digit, orange against it.

    "+" and "-" stand where it did so most, and words below it say the same::

        saliency = digitlab.measure_saliency(recognizer, pad.image)
        digitlab.plot_saliency(pad.image, saliency, title=str(pad.prediction))

    Args:
        image: (28, 28) in [0, 1], ink 1 on paper 0.
        saliency: (28, 28), as `digitlab.measure_saliency` gives it.
        title: Say which digit it is for.
        ax: The Axes to draw on; new ones when left out.

    Returns:
        The Axes.

    Raises:
        ValueError: For another shape.
    """
    image = as_image(image)
    expected = "a saliency of shape (28, 28)"
    saliency = as_array(saliency, expected).astype(float)
    if saliency.shape != image.shape:
        raise ValueError(f"expected {expected}, got {saliency.shape}")
    # "compressed" keeps room for the words below an image of any size.
    ax = new_axes(3.2, 3.6, layout="compressed") if ax is None else ax
    show_image(ax, colour_saliency(image, saliency))
    words = []
    places = strongest_ink(image, saliency)
    for sign, name, place in zip(
        SIGNS, ("blue, for it", "orange, against it"), places, strict=True
    ):
        words.append(f"{sign} {name}: {f'most {say_place(*place)}' if place else 'nothing'}")
        if place:
            ax.text(
                *place[::-1],
                sign,
                ha="center",
                va="center",
                color="black",
                family=FONT,  # not every font has a minus sign
                fontsize="x-large",
                fontweight="bold",
                path_effects=[patheffects.withStroke(linewidth=2.5, foreground="white")],
            )
    ax.set(xticks=[], yticks=[])
    ax.set_xlabel("\n".join(words), family=[*mpl.rcParams["font.family"], FONT])
    set_title(ax, title)
    return ax


def plot_embedding(
    points: npt.ArrayLike,
    labels: npt.ArrayLike,
    title: str | None = None,
    marked: npt.ArrayLike | None = None,
    names: Sequence[str] = (),
    ax: Axes | None = None,
) -> Axes:
    """Show digits in the plane, each written as its label where it lies.

    Points of more than two numbers are seen from the side from which the labels' middles lie
    furthest apart: along the first two principal components of these ten means::

        points = digitlab.embed(model, digits.x_test[:1000])
        digitlab.plot_embedding(points, digits.y_test[:1000], title=digits.name)

    Args:
        points: (n, d), n at least 3, d at least 2: what `digitlab.embed` gives, or places in the
            plane.
        labels: (n,), 0 to 9.
        title: Say whose digits they are, and which network.
        marked: (k, d): points to mark with a star, such as that of your own drawing.
        names: k words to write beside them.
        ax: The Axes to draw on; new ones when left out.

    Returns:
        The Axes.

    Raises:
        ValueError: For other shapes, or labels out of range.
    """
    expected = "points of shape (n, d), n at least 3 and d at least 2"
    digits = as_array(points, expected).astype(float)
    if digits.ndim != 2 or len(digits) < 3 or digits.shape[1] < 2:
        raise ValueError(f"expected {expected}, got {digits.shape}")
    labels = as_labels(labels, len(digits))
    expected = f"marked points of shape (k, {digits.shape[1]})"
    stars = np.empty((0, digits.shape[1]))
    if marked is not None:
        stars = as_array(marked, expected).astype(float)
    if stars.ndim != 2 or stars.shape[1] != digits.shape[1] or len(names) > len(stars):
        raise ValueError(
            f"expected {expected} and at most k names, got {stars.shape} and {len(names)}"
        )
    if digits.shape[1] > 2:
        means = np.array([digits[labels == digit].mean(axis=0) for digit in np.unique(labels)])
        spread = means if len(means) > 2 else digits  # two means span no plane
        plane = np.linalg.svd(spread - spread.mean(axis=0), full_matrices=False)[2][:2]  # (2, d)
        digits, stars = digits @ plane.T, stars @ plane.T

    ax = new_axes(5.6, 5) if ax is None else ax
    for digit in np.unique(labels):
        x, y = digits[labels == digit].T
        # A digit as its own marker: ten colours alone are hard to tell apart.
        ax.scatter(
            x,
            y,
            s=28,
            marker=digit_marker(digit),
            facecolors=plt.get_cmap("tab10")(int(digit)),
            edgecolors="face",
            linewidths=0.3,
        )
    if len(stars):
        ax.scatter(*stars.T, s=260, marker="*", color="black", edgecolors="white", zorder=3)
    for place, name in zip(stars, names, strict=False):
        ax.annotate(
            name,
            place,
            textcoords="offset points",
            xytext=(9, 7),
            fontweight="bold",
            color="black",
            bbox={"facecolor": "white", "edgecolor": "black", "alpha": 0.85, "pad": 2},
            path_effects=[],
            **LITERAL,
        )
    ax.set(xticks=[], yticks=[])
    set_title(ax, title)
    return ax
