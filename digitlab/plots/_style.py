"""What the plots set themselves, so that no style sheet changes what they say.

An image stands upright and has no grid over it, colours and signs that mean something are fixed,
and text is shown exactly as given. Everything else is left to the user's style.
"""

from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb, to_rgba
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.image import AxesImage
from matplotlib.legend import Legend
from matplotlib.patches import Rectangle
from matplotlib.path import Path
from matplotlib.textpath import TextPath
from matplotlib.transforms import Affine2D

# The first two colours of matplotlib's default cycle. A user's own cycle may have only one.
BLUE, ORANGE = "#1f77b4", "#ff7f0e"
# For text that comes from outside, such as a model's name: "$", "%" and "_" are not markup.
LITERAL = {"parse_math": False, "usetex": False}
FONT = "DejaVu Sans"  # comes with matplotlib, and has every sign that the plots use

_READABLE = 3.0  # contrast of text with its background, after WCAG 2: 1 is none, 21 black on white


def check_finite(values: np.ndarray, name: str) -> None:
    """Raise ValueError if some values are infinite or not a number, which would not be drawn."""
    if not np.isfinite(values).all():
        raise ValueError(f"expected finite {name}, got NaN or infinity")


def new_axes(width: float, height: float, layout: str = "constrained") -> Axes:
    """Make Axes in a figure of their own, whose sides are in inches for text of default size."""
    return plt.subplots(figsize=_figsize(width, height), layout=layout)[1]


def new_grid(
    rows: int, columns: int, width: float, height: float, figsize: tuple[float, float] | None
) -> np.ndarray:
    """Make a figure of Axes without frames: figsize as given, or width x height as for `new_axes`.

    Returns:
        The Axes, (rows, columns).
    """
    figure, grid = plt.subplots(
        rows,
        columns,
        figsize=figsize or _figsize(width, height),
        squeeze=False,
        layout="constrained",
    )
    for ax in grid.flat:
        ax.axis("off")
    return grid


def new_figure(width: float, height: float, figsize: tuple[float, float] | None) -> Figure:
    """Make an empty figure: figsize as given, or width x height as for `new_axes`."""
    return plt.figure(figsize=figsize or _figsize(width, height), layout="constrained")


def _figsize(width: float, height: float) -> tuple[float, float]:
    # Larger text needs a larger figure, so that it does not overlap.
    sizes = [
        FontProperties(size=mpl.rcParams[name]).get_size_in_points()
        for name in ("font.size", "axes.labelsize", "xtick.labelsize", "ytick.labelsize")
    ]
    scale = max(1.0, *(size / mpl.rcParamsDefault["font.size"] for size in sizes))
    return scale * width, scale * height


def show_image(ax: Axes, image: np.ndarray, **colours: Any) -> AxesImage:
    """Show an image upright, with square pixels and no grid; `colours` goes to `Axes.imshow`."""
    shown = ax.imshow(image, origin="upper", aspect="equal", interpolation="antialiased", **colours)
    ax.grid(False, which="both")
    if not ax.axison and _luminance(_background(ax)) < 0.05:
        # On a dark page, black paper has no visible edge, so a digit's place on it cannot be seen.
        height, width = image.shape[:2]
        ax.add_patch(
            Rectangle((-0.5, -0.5), width, height, fill=False, ec="gray", lw=0.8, clip_on=False)
        )
    return shown


def show_tick_labels(ax: Axes) -> None:
    """Show the labels of both axes, even if the user's settings hide them on both sides."""
    for axis, sides in (("x", ("bottom", "top")), ("y", ("left", "right"))):
        if not any(mpl.rcParams[f"{axis}tick.label{side}"] for side in sides):
            ax.tick_params(axis, **{f"label{sides[0]}": True})


def set_title(ax: Axes, title: str | None, **properties: Any) -> None:
    """Set the title of Axes, if there is one, exactly as given."""
    if title is not None:
        ax.set_title(title, **properties, **LITERAL)


def set_suptitle(figure: Any, title: str | None) -> None:
    """Set the title of a figure, if there is one, exactly as given."""
    if title:
        figure.suptitle(title, **LITERAL)


def add_legend(ax: Axes, **properties: Any) -> Legend:
    """Add a legend with readable text."""
    legend = ax.legend(**properties)
    behind = legend.get_frame().get_facecolor() if legend.get_frame_on() else _background(ax)
    for text in legend.get_texts():
        text.set(color=_readable(text.get_color(), behind), **LITERAL)
    return legend


def text_colour(ax: Axes) -> Any:
    """Return the user's colour for text, or black or white where it is unreadable on the Axes."""
    return _readable(mpl.rcParams["text.color"], _background(ax))


def digit_marker(digit: int) -> Path:
    """Return a digit as a marker for `Axes.scatter`. Unlike ``"$5$"``, no setting changes it."""
    path = TextPath((0, 0), str(digit), prop=FontProperties(family=FONT), usetex=False)
    box = path.get_extents()
    return path.transformed(Affine2D().translate(-(box.x0 + box.x1) / 2, -(box.y0 + box.y1) / 2))


def _background(ax: Axes) -> tuple[float, float, float]:
    behind = np.ones(3)  # behind a transparent figure
    faces = [ax.figure.canvas.figure.get_facecolor()]
    if ax.axison:
        faces.append(ax.get_facecolor())
    for face in faces:
        *colour, alpha = to_rgba(face)
        behind = alpha * np.array(colour) + (1 - alpha) * behind
    red, green, blue = behind.tolist()
    return red, green, blue


def _readable(colour: Any, background: Any) -> Any:
    def contrast(other: Any) -> float:
        dark, light = sorted((_luminance(other), _luminance(background)))
        return (light + 0.05) / (dark + 0.05)

    return colour if contrast(colour) >= _READABLE else max(("black", "white"), key=contrast)


def _luminance(colour: Any) -> float:
    """Relative luminance of a colour, 0 to 1, after WCAG 2."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))
