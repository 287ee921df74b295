"""The plots, checked by what they hold."""

import numpy as np
import pytest
from matplotlib import pyplot as plt

import digitlab
from digitlab import (
    plot_activations,
    plot_digits,
    plot_drawing,
    plot_filters,
    plot_history,
    plot_probabilities,
    stored_drawing,
)

pytestmark = pytest.mark.usefixtures("closed_figures")


def test_digits_stand_in_a_grid():
    images = np.random.default_rng(0).random((12, 28, 28))
    grid = plot_digits(images, labels=range(12), title="noise")
    assert grid.shape == (2, 10)
    shown = [axes for axes in grid.flat if axes.images]
    assert [axes.get_title() for axes in shown] == [str(label) for label in range(12)]
    np.testing.assert_array_equal(shown[11].images[0].get_array(), images[11])
    assert grid.flat[0].figure.get_suptitle() == "noise"
    assert plot_digits(images[0]).shape == (1, 1)
    figure = plot_digits(images, figsize=(3, 2))[0, 0].figure
    assert tuple(figure.get_size_inches()) == (3, 2)
    for label in (np.uint8(7), 7, "7"):
        (one,) = plot_digits(np.zeros((28, 28)), label).flat
        assert one.get_title() == "7"


def test_a_drawing_keeps_its_points():
    axes = plot_drawing(stored_drawing(5))
    lines = [line.get_xydata() for line in axes.lines if len(line.get_xdata()) > 1]
    for line, stroke in zip(lines, stored_drawing(5), strict=True):
        np.testing.assert_array_equal(line, stroke)
    assert axes.yaxis_inverted()


def test_probabilities_are_ten_bars_with_the_best_marked():
    _, axes = plt.subplots()
    assert plot_probabilities(np.eye(10)[7] * 0.9 + 0.01, ax=axes) is axes
    bars = axes.patches
    assert [round(bar.get_height(), 2) for bar in bars] == [0.01] * 7 + [0.91] + [0.01] * 2
    assert len({bar.get_facecolor() for bar in bars}) == 2
    assert bars[7].get_facecolor() != bars[0].get_facecolor()
    assert axes.texts[0].get_text() == "91 %"
    prediction = digitlab.load_recognizer().predict(digitlab.stored_drawing(7))
    heights = [bar.get_height() for bar in plot_probabilities(prediction).patches]
    assert heights == prediction.probabilities.tolist()


@pytest.mark.parametrize("drawing", [[], [[[10, 10], [270, 270]], [[10, 270], [270, 10]]]])
def test_no_probability_is_marked_where_there_is_no_digit(drawing):
    prediction = digitlab.load_recognizer().predict(drawing)
    assert prediction.digit is None
    axes = plot_probabilities(prediction)
    assert len({bar.get_facecolor() for bar in axes.patches}) == 1 and not axes.texts


def test_the_history_has_a_line_each():
    axes = plot_history({"loss": [2, 1], "val_loss": [3, 2]}, metric="loss")
    assert [line.get_ydata().tolist() for line in axes.lines] == [[2, 1], [3, 2]]
    assert [text.get_text() for text in axes.get_legend().texts] == ["training", "validation"]


@pytest.mark.parametrize("epochs", [1, 2, 30])
def test_epochs_are_whole_numbers(epochs):
    axes = plot_history({"accuracy": [0.9] * epochs})
    assert all(tick == round(tick) for tick in axes.get_xticks())


def test_a_whole_data_set_is_not_drawn():
    with pytest.raises(ValueError, match="at most 1,000 images to show, got 60,000"):
        plot_digits(np.zeros((60_000, 28, 28), np.uint8))


@pytest.mark.parametrize("columns", [0, -1, 2.5, True])
def test_invalid_columns_are_rejected(columns):
    with pytest.raises(
        ValueError, match=f"columns to be a whole number, at least 1, got {columns}"
    ):
        plot_digits(np.zeros((5, 28, 28)), columns=columns)
    with pytest.raises(ValueError, match="columns to be a whole number"):
        plot_activations({"Dense 1": np.zeros(10)}, columns=columns)
    with pytest.raises(ValueError, match="columns to be a whole number"):
        plot_filters(np.zeros((5, 5, 4)), columns=columns)


def test_bad_input():
    with pytest.raises(ValueError, match=r"\(n, h, w\).*got \(3,\)"):
        plot_digits(np.zeros(3))
    with pytest.raises(ValueError, match="expected 2 labels.*got 3"):
        plot_digits(np.zeros((2, 28, 28)), labels=[1, 2, 3])
    with pytest.raises(ValueError, match=r"\(10,\), got \(9,\)"):
        plot_probabilities(np.zeros(9))
    with pytest.raises(ValueError, match="from 0 to 1, got values from -1 to 2"):
        plot_probabilities(np.linspace(-1, 2, 10))
    with pytest.raises(TypeError, match="or its dictionary, got NoneType"):
        plot_history(None)
    with pytest.raises(ValueError, match="metric='accuracy', got one with loss"):
        plot_history({"loss": [1]})
    for values in (0.5, [[0.5]]):
        with pytest.raises(ValueError, match=r"'accuracy', one for each epoch, got shape \("):
            plot_history({"accuracy": values})
    for size in ("x", 0, np.nan):
        with pytest.raises(ValueError, match="size to be a number of pixels above 0, got"):
            plot_drawing(stored_drawing(5), size=size)
