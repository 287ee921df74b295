"""Plots of the inside of a network: filters, activations, saliency and embeddings.

The arrays come from `digitlab.get_filters`, `digitlab.Recognizer.get_activations`,
`digitlab.measure_saliency` and `digitlab.embed`.
"""

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib import patheffects
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from digitlab.explain import SIGNS, colour_saliency, say_place, strongest_ink
from digitlab.images import as_array, as_image, as_labels, check_whole
from digitlab.plots._style import (
    BLUE,
    FONT,
    LITERAL,
    check_finite,
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
) -> np.ndarray:
    """Show what filters respond to: purple weights to ink, orange ones to paper.

    All have the same scale, which is shown beside them, so a pale filter is a weak one.

    Args:
        filters: (h, w, n): n filters of h x w weights.
        title: Which network they are from.
        columns: Filters in a row.
        figsize: Width and height in inches.

    Returns:
        The Axes, (rows, columns).

    Raises:
        ValueError: `filters` has the wrong shape or is not finite, or `columns` is not a whole
            number, at least 1.

    Example:
        >>> model = digitlab.pen_cnn()
        >>> axes = digitlab.plot_filters(digitlab.get_filters(model), title="before training")
    """
    expected = "filters of shape (h, w, n), n at least 1"
    filters = as_array(filters, expected).astype(float)
    if filters.ndim != 3 or not filters.size:
        raise ValueError(f"expected {expected}, got {filters.shape}")
    check_finite(filters, "filters")
    count = filters.shape[2]
    check_whole(columns, "columns", 1)
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
    return grid


def plot_activations(
    activations: Mapping[str, npt.ArrayLike],
    title: str | None = None,
    columns: int = 8,
    figsize: tuple[float, float] | None = None,
) -> np.ndarray:
    """Show each layer's activations for one image: a row per layer, the strongest channels first.

    Brighter pixels are stronger activations; each channel has its own scale, and its number above
    it. A layer without pixels is shown as bars, one for each unit.

    Args:
        activations: The name of each layer with its activations, (h, w, channels) or (n,), as
            `digitlab.Recognizer.get_activations` returns them.
        title: Which image it is, and which network.
        columns: Channels in a row.
        figsize: Width and height in inches.

    Returns:
        The Axes, (layers, columns). Bars have the width of all columns; their Axes are
        repeated.

    Raises:
        TypeError: `activations` is not a mapping.
        ValueError: There are no activations, or some have another shape or are not finite; or
            `columns` is not a whole number, at least 1.

    Example:
        >>> recognizer = digitlab.load_recognizer()
        >>> image = digitlab.render_strokes(digitlab.stored_drawing(5))
        >>> activations = recognizer.get_activations(image)
        >>> axes = digitlab.plot_activations(activations, title="the stored 5")
    """
    if not hasattr(activations, "items"):
        raise TypeError(
            "expected the layers' names with their activations, as get_activations returns them, "
            f"got {type(activations).__name__}"
        )
    if not activations:
        raise ValueError("expected at least one layer's activations, got none")
    answers = {}
    for name, given in activations.items():
        expected = f"activations of shape (h, w, channels) or (n,) for {name!r}"
        answers[name] = as_array(given, expected).astype(float)
        if answers[name].ndim not in (1, 3) or not answers[name].size:
            raise ValueError(f"expected {expected}, got {answers[name].shape}")
        check_finite(answers[name], f"activations for {name!r}")
    check_whole(columns, "columns", 1)
    figure = new_figure(0.95 * columns + 1.6, 1.15 * len(answers) + 0.4, figsize)
    places = figure.add_gridspec(len(answers), columns + 1, width_ratios=(1.6, *[0.95] * columns))
    grid = np.empty((len(answers), columns), object)
    for row, (name, answer) in enumerate(answers.items()):
        words = figure.add_subplot(places[row, 0])
        words.axis("off")
        words.text(
            0,
            0.5,
            f"{name}\n{' x '.join(map(str, answer.shape))}",
            va="center",
            transform=words.transAxes,
            color=text_colour(words),
            **LITERAL,
        )
        if answer.ndim == 1:
            grid[row] = ax = figure.add_subplot(places[row, 1:])
            ax.bar(range(len(answer)), answer, color=BLUE)
            ax.set_axisbelow(True)
            show_tick_labels(ax)
            if len(answer) <= 20:
                ax.set_xticks(range(len(answer)))
            continue
        strongest = np.argsort(-answer.max(axis=(0, 1)), kind="stable")[:columns]
        for column in range(columns):
            grid[row, column] = ax = figure.add_subplot(places[row, column + 1])
            ax.axis("off")
            if column < len(strongest):
                show_image(ax, answer[..., strongest[column]], cmap="viridis")
                ax.set_title(str(strongest[column]), fontsize="small", pad=2)
    set_suptitle(figure, title)
    return grid


def plot_saliency(
    image: npt.ArrayLike, saliency: npt.ArrayLike, title: str | None = None, ax: Axes | None = None
) -> Axes:
    """Show which ink made the difference: blue ink counted for the digit, orange ink against it.

    "+" and "-" mark where it counted most, and words below the image say the same.

    Args:
        image: (28, 28), ink light on dark.
        saliency: (28, 28), as `digitlab.measure_saliency` returns it.
        title: Which digit it is for.
        ax: The Axes to draw on. Default: new ones.

    Returns:
        The Axes.

    Raises:
        ValueError: `image` or `saliency` has the wrong shape, `image` is out of range, or
            `saliency` is not finite.

    Example:
        >>> recognizer = digitlab.load_recognizer()
        >>> prediction = recognizer.predict(digitlab.stored_drawing(5))
        >>> saliency = digitlab.measure_saliency(recognizer, prediction.image)
        >>> ax = digitlab.plot_saliency(prediction.image, saliency, title=str(prediction))
    """
    image = as_image(image)
    expected = "a saliency of shape (28, 28)"
    saliency = as_array(saliency, expected).astype(float)
    if saliency.shape != image.shape:
        raise ValueError(f"expected {expected}, got {saliency.shape}")
    check_finite(saliency, "values in the saliency")
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
    """Show digits as points in the plane, each drawn as its label.

    Points of more than two dimensions are projected onto the first two principal components of the
    means of the labels, along which these means are furthest apart.

    Args:
        points: (n, d), n at least 3, d at least 2, as `digitlab.embed` returns them.
        labels: (n,), 0 to 9.
        title: Whose digits they are, and which network.
        marked: (k, d): points to mark with a star, such as that of your own drawing.
        names: Up to k names to write beside them.
        ax: The Axes to draw on. Default: new ones.

    Returns:
        The Axes.

    Raises:
        ValueError: The shapes differ from these, labels are out of range, or points are not finite.

    Example:
        >>> labels = np.repeat(np.arange(10), 20)
        >>> points = np.random.default_rng(1).normal(np.eye(10)[labels], 0.1)
        >>> ax = digitlab.plot_embedding(points, labels, title="ten clouds of points")
    """
    expected = "points of shape (n, d), n at least 3 and d at least 2"
    digits = as_array(points, expected).astype(float)
    if digits.ndim != 2 or len(digits) < 3 or digits.shape[1] < 2:
        raise ValueError(f"expected {expected}, got {digits.shape}")
    check_finite(digits, "points")
    labels = as_labels(labels, len(digits))
    expected = f"marked points of shape (k, {digits.shape[1]})"
    stars = np.empty((0, digits.shape[1]))
    if marked is not None:
        stars = as_array(marked, expected).astype(float)
    named = len(names) if hasattr(names, "__len__") else np.inf
    if stars.ndim != 2 or stars.shape[1] != digits.shape[1] or named > len(stars):
        raise ValueError(
            f"expected {expected} and at most k names, got {stars.shape} and {names!r:.100}"
        )
    check_finite(stars, "marked points")
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
