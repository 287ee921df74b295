"""Pictures from inside a network: filters, activations, saliency, and digits in the plane.

They take arrays: `digitlab.get_filters`, `digitlab.get_activations`, `digitlab.measure_saliency`
and `digitlab.embed` make them.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib import patheffects
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from digitlab.explain import SIGNS, colour_saliency, say_place, strongest_ink
from digitlab.plots.digits import new_axes


def plot_filters(
    filters: np.ndarray,
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
    filters = np.asarray(filters, float)
    if filters.ndim != 3 or not filters.size:
        raise ValueError(f"expected filters of shape (h, w, n), n at least 1, got {filters.shape}")
    count = filters.shape[2]
    columns = min(columns, count)
    rows = -(-count // columns)
    figure, grid = plt.subplots(
        rows,
        columns,
        figsize=figsize or (0.9 * columns + 1.4, 1.1 * rows + 0.4),
        squeeze=False,
        layout="constrained",
    )
    limit = np.abs(filters).max() or 1.0
    for ax in grid.flat:
        ax.axis("off")
    for number, ax in enumerate(grid.flat[:count]):
        shown = ax.imshow(filters[..., number], cmap="PuOr", vmin=-limit, vmax=limit)
        ax.set_title(str(number), fontsize="small")
    bar = figure.colorbar(shown, ax=grid, shrink=0.8)
    bar.set_ticks([-limit, 0, limit], labels=["wants paper", "0", "wants ink"])
    figure.suptitle(title or "")
    return figure


def plot_activations(
    activations: Mapping[str, np.ndarray],
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
    for name, answer in activations.items():
        if np.ndim(answer) not in (1, 3):
            raise ValueError(
                f"expected activations of shape (h, w, channels) or (n,), got {np.shape(answer)} "
                f"for {name!r}"
            )
    figure = plt.figure(
        figsize=figsize or (0.95 * columns + 1.6, 1.15 * len(activations) + 0.4),
        layout="constrained",
    )
    rows = figure.subfigures(len(activations), 1, squeeze=False)[:, 0]
    for row, (name, answer) in zip(rows, activations.items(), strict=True):
        answer = np.asarray(answer, float)
        shape = " x ".join(map(str, answer.shape))
        if answer.ndim == 1:
            words, ax = row.subplots(1, 2, width_ratios=(1.6, 0.95 * columns))
            ax.bar(range(len(answer)), answer, color="C0")
            if len(answer) <= 20:
                ax.set_xticks(range(len(answer)))
        else:
            words, *axes = row.subplots(1, columns + 1, width_ratios=(1.6, *[0.95] * columns))
            strongest = np.argsort(-answer.max(axis=(0, 1)), kind="stable")[:columns]
            for ax in axes:
                ax.axis("off")
            for channel, ax in zip(strongest, axes, strict=False):
                ax.imshow(answer[..., channel], cmap="viridis")
                ax.set_title(str(channel), fontsize="small", pad=2)
        words.axis("off")
        words.text(0, 0.5, f"{name}\n{shape}", va="center", transform=words.transAxes)
    figure.suptitle(title or "")
    return figure


def plot_saliency(
    image: np.ndarray, saliency: np.ndarray, title: str | None = None, ax: Axes | None = None
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
    image, saliency = np.asarray(image, float), np.asarray(saliency, float)
    for name, array in (("an image", image), ("a saliency", saliency)):
        if array.shape != (28, 28):
            raise ValueError(f"expected {name} of shape (28, 28), got {array.shape}")
    ax = new_axes(3.2, 3.6) if ax is None else ax
    ax.imshow(colour_saliency(image, saliency))
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
                fontsize="x-large",
                fontweight="bold",
                path_effects=[patheffects.withStroke(linewidth=2.5, foreground="white")],
            )
    ax.set(xticks=[], yticks=[], title=title or "", xlabel="\n".join(words))
    return ax


def plot_embedding(
    points: np.ndarray,
    labels: np.ndarray,
    title: str | None = None,
    marked: np.ndarray | None = None,
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
    points, labels = np.asarray(points, float), np.asarray(labels)
    if points.ndim != 2 or len(points) < 3 or points.shape[1] < 2:
        raise ValueError(
            f"expected points of shape (n, d), n at least 3 and d 2, got {points.shape}"
        )
    if labels.shape != (len(points),) or labels.min() < 0 or labels.max() > 9:
        raise ValueError(f"expected {len(points)} labels from 0 to 9, got {labels.shape}")
    marked = np.empty((0, points.shape[1])) if marked is None else np.asarray(marked, float)
    if marked.ndim != 2 or marked.shape[1] != points.shape[1] or len(names) > len(marked):
        raise ValueError(
            f"expected marked points of shape (k, {points.shape[1]}) and at most k names, "
            f"got {marked.shape} and {len(names)}"
        )
    if points.shape[1] > 2:
        means = np.array([points[labels == digit].mean(axis=0) for digit in np.unique(labels)])
        spread = means if len(means) > 2 else points  # two means span no plane
        axes = np.linalg.svd(spread - spread.mean(axis=0), full_matrices=False)[2][:2]  # (2, d)
        points, marked = points @ axes.T, marked @ axes.T

    ax = new_axes(5.6, 5) if ax is None else ax
    for digit in np.unique(labels):
        x, y = points[labels == digit].T
        # Its own sign for each digit: colours alone would not tell ten apart.
        ax.scatter(
            x, y, s=28, marker=f"${digit}$", color=plt.get_cmap("tab10")(int(digit)), linewidths=0.3
        )
    if len(marked):
        ax.scatter(*marked.T, s=260, marker="*", color="black", edgecolors="white", zorder=3)
    for place, name in zip(marked, names, strict=False):
        ax.annotate(
            name,
            place,
            textcoords="offset points",
            xytext=(9, 7),
            fontweight="bold",
            color="black",
            bbox={"facecolor": "white", "edgecolor": "black", "alpha": 0.85, "pad": 2},
        )
    ax.set(xticks=[], yticks=[], title=title or "")
    return ax
