"""What the plots show does not depend on the user's style sheet or settings."""

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import patheffects
from matplotlib import pyplot as plt
from matplotlib.colors import to_rgb
from matplotlib.text import Text

import digitlab

pytestmark = [
    pytest.mark.usefixtures("closed_figures"),
    pytest.mark.filterwarnings("ignore:.*[Ff]ont", "ignore:.*Glyph"),
]

RNG = np.random.default_rng(0)
LABELS = np.arange(60) % 10
PROBABILITIES = 0.09 * np.eye(10)[np.where(np.arange(60) % 7, LABELS, 3)] + 0.091
IMAGE = np.zeros((28, 28))
IMAGE[5:23, 12:15] = 1
SALIENCY = np.zeros((28, 28))
SALIENCY[6, 13], SALIENCY[21, 13] = 3, -2

PLOTS = {
    "digits": lambda title: digitlab.plot_digits(RNG.random((3, 28, 28)), [1, 2, 3], title),
    "drawing": lambda title: digitlab.plot_drawing(digitlab.stored_drawing(5), title=title),
    "probabilities": lambda title: digitlab.plot_probabilities(np.eye(10)[7], title),
    "history": lambda title: digitlab.plot_history({"loss": [1], "val_loss": [2]}, title, "loss"),
    "confusion": lambda title: digitlab.plot_confusion(LABELS, PROBABILITIES.argmax(1), title),
    "mistakes": lambda title: digitlab.plot_mistakes(
        RNG.random((60, 28, 28)), LABELS, PROBABILITIES, title, most=2
    ),
    "no mistake": lambda title: digitlab.plot_mistakes(
        np.zeros((1, 28, 28)), [1], np.eye(10)[[1]], title
    ),
    "calibration": lambda title: digitlab.plot_calibration(LABELS, PROBABILITIES, title),
    "filters": lambda title: digitlab.plot_filters(RNG.normal(size=(5, 5, 3)), title),
    "activations": lambda title: digitlab.plot_activations(
        {"a_1 $": RNG.random((7, 7, 4)), "b": np.arange(5)}, title, columns=2
    ),
    "saliency": lambda title: digitlab.plot_saliency(IMAGE, SALIENCY, title),
    "embedding": lambda title: digitlab.plot_embedding(
        RNG.normal(size=(30, 2)), LABELS[:30], title, [[0, 0]], ["$ours_1 & 100 %"]
    ),
}

GRID = {
    "axes.grid": True,
    "axes.grid.which": "both",
    "axes.axisbelow": False,
    "xtick.minor.visible": True,
    "ytick.minor.visible": True,
}
SETTINGS = {
    "default": {},
    "images": {
        "image.origin": "lower",
        "image.interpolation": "bilinear",
        "image.aspect": "auto",
        "image.cmap": "gray_r",
    },
    "grid": GRID,
    "one colour": {"axes.prop_cycle": mpl.cycler(color=["#1f77b4"])},
    "no colour": {"axes.prop_cycle": mpl.cycler(linestyle=[":"], marker=["x"])},
    "lines": {
        "lines.linestyle": "None",
        "lines.marker": "x",
        "scatter.marker": "x",
        "scatter.edgecolors": "k",
    },
    "bare axes": {
        **{f"axes.spines.{side}": False for side in ("left", "right", "top", "bottom")},
        "xtick.labelbottom": False,
        "ytick.labelleft": False,
    },
    "margins": {"axes.xmargin": -0.2, "axes.ymargin": -0.2},
    "text": {"text.parse_math": False, "axes.unicode_minus": False, "font.family": "cmr10"},
    "large text": {"font.size": 24},
    "white text": {"text.color": "w", "figure.facecolor": "k", "axes.labelcolor": "w"},
    "layout": {"figure.autolayout": True},
    "constrained": {"figure.constrained_layout.use": True},
    "sketch": {"path.effects": [patheffects.withStroke(linewidth=4, foreground="w")]},
}
SETTINGS |= {
    style: style
    for style in (
        "classic",
        "dark_background",
        "ggplot",
        "grayscale",
        "seaborn-v0_8-darkgrid",
        "Solarize_Light2",
        "fivethirtyeight",
    )
}
SETTINGS["dark grid"] = ["dark_background", GRID]


def luminance(colour):
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    return np.dot(linear, (0.2126, 0.7152, 0.0722))


def contrast(one, other):
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def face(ax):
    """The colour behind the text in Axes. No style here has semi-transparent Axes."""
    return ax.get_facecolor() if ax.axison else ax.figure.canvas.figure.get_facecolor()


def has_grid(ax):
    ticks = [
        tick
        for axis in (ax.xaxis, ax.yaxis)
        for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks())
    ]
    return ax.axison and any(tick.gridline.get_visible() for tick in ticks)


def check_any(figure, title):
    """Check what must hold for every plot."""
    assert title in [text.get_text() for text in figure.findobj(Text)]
    for text in figure.findobj(Text):  # no text is parsed as markup, which might be invalid
        if any(sign in text.get_text() for sign in "$%_&"):
            assert not text.get_parse_math() and not text.get_usetex(), text.get_text()
    for ax in figure.axes:
        for image in ax.images:
            assert image.origin == "upper" and image.get_interpolation() == "antialiased"
            assert ax.get_aspect() == 1 and not has_grid(ax) and ax.yaxis_inverted()
        if not ax.images:
            for text in [*ax.texts, *(ax.get_legend().texts if ax.get_legend() else ())]:
                box = text.get_bbox_patch()
                behind = box.get_facecolor() if box else face(ax)
                assert contrast(text.get_color(), behind) >= 3, text.get_text()


def check_digits(figure):
    assert all(ax.images[0].get_cmap().name == "gray" for ax in figure.axes)
    if luminance(figure.get_facecolor()) < 0.01:  # on black, images need an edge
        assert all(ax.patches for ax in figure.axes)


def check_drawing(figure):
    (ax,) = figure.axes
    lines = [line for line in ax.lines if len(line.get_xdata()) > 1]
    assert [line.get_linestyle() for line in lines] == ["-", "-"]
    assert all(line.get_marker() in ("", "None") for line in lines)
    assert ax.yaxis_inverted()


def check_probabilities(figure):
    (ax,) = figure.axes
    colours = [bar.get_facecolor() for bar in ax.patches]
    assert colours[7] != colours[0] and len(set(colours)) == 2
    assert np.abs(np.subtract(colours[7], colours[0])).max() > 0.5
    assert ax.get_axisbelow() is True
    left, right = ax.get_xlim()
    assert all(left <= bar.get_x() and bar.get_x() + 0.8 <= right for bar in ax.patches)


def check_history(figure):
    """With a single epoch, line styles cannot be seen, so the colours must differ."""
    training, validation = figure.axes[0].lines
    colours = [to_rgb(line.get_color()) for line in (training, validation)]
    assert np.abs(np.subtract(*colours)).max() > 0.5
    assert [line.get_marker() for line in (training, validation)] == ["o", "o"]


def check_confusion(figure):
    figure.draw_without_rendering()  # sets the size of cells and text
    (ax,) = figure.axes
    mistakes, right = ax.images
    for text in ax.texts:
        column, row = map(int, text.get_position())
        image = right if row == column else mistakes
        cell = image.to_rgba(image.get_array())[row, column, :3]
        assert contrast(text.get_color(), cell) > 4.5, (row, column)
        assert not text.get_path_effects(), "a white outline would hide white numbers"
        cell_width = np.ptp(ax.transData.transform([[0, 0], [1, 0]])[:, 0])
        assert text.get_window_extent().width <= cell_width
    for labels in (ax.get_xticklabels(), ax.get_yticklabels()):
        assert [label.get_text() for label in labels if label.get_visible()] == [*"0123456789"]


def check_calibration(figure):
    points = figure.axes[0].lines[1]
    assert points.get_linestyle() == "None" and points.get_marker() == "o"


def check_filters(figure):
    assert {image.get_cmap().name for ax in figure.axes for image in ax.images} == {"PuOr"}


def check_activations(figure):
    assert {image.get_cmap().name for ax in figure.axes for image in ax.images} == {"viridis"}
    assert "a_1 $\n7 x 7 x 4" in [text.get_text() for ax in figure.axes for text in ax.texts]


def check_saliency(figure):
    figure.draw_without_rendering()  # sets the place of the words
    (ax,) = figure.axes
    assert [text.get_fontfamily() for text in ax.texts] == [["DejaVu Sans"]] * 2
    assert ax.xaxis.label.get_fontfamily()[-1] == "DejaVu Sans", "has a minus sign"
    box = ax.xaxis.label.get_window_extent()
    assert box.y0 >= 0 and figure.bbox.x0 <= box.x0 and box.x1 <= figure.bbox.x1


def check_embedding(figure):
    *digits, star = figure.axes[0].collections
    assert len(digits) == 10
    colours = {tuple(group.get_facecolor()[0]) for group in digits}
    assert len(colours) == 10
    assert all((group.get_facecolor() == group.get_edgecolor()).all() for group in digits)
    # A "$5$" that shows its dollar signs, as one setting has it, is three times as wide.
    for group in digits:
        width, height = np.ptp(group.get_paths()[0].vertices, axis=0)
        assert width < 0.8 * height
    assert contrast(star.get_facecolor()[0], star.get_edgecolor()[0]) > 10


@pytest.mark.parametrize("style", SETTINGS)
@pytest.mark.parametrize("plot", PLOTS)
def test_a_style_changes_no_meaning(plot, style):
    title = "100 % of $\\nothing$_1 & #2"
    with plt.style.context(SETTINGS[style]):
        PLOTS[plot](title)
        figure = plt.gcf()
        check_any(figure, title)
        globals().get(f"check_{plot}", lambda figure: None)(figure)
