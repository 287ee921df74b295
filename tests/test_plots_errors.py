"""The plots of mistakes and of confidence, checked by what they hold."""

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.colors import to_rgb

from digitlab import plot_calibration, plot_confusion, plot_mistakes

pytestmark = pytest.mark.usefixtures("closed_figures")


def certain(read, sure):
    """Probabilities (n, 10) for readings, each with its confidence."""
    sure = np.asarray(sure, float)
    rest = np.repeat((1 - sure)[:, None] / 9, 10, axis=1)
    rest[np.arange(len(read)), read] = sure
    return rest


def numbers(axes):
    """The numbers shown in a confusion matrix: {(row, column): number}."""
    return {
        (int(t.get_position()[1]), int(t.get_position()[0])): int(t.get_text()) for t in axes.texts
    }


def luminance(colour):
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    return np.dot(linear, (0.2126, 0.7152, 0.0722))


def test_the_confusion_has_a_number_for_each_pair():
    rng = np.random.default_rng(0)
    labels, read = rng.integers(0, 10, 500), rng.integers(0, 10, 500)
    counted = {}
    for pair in zip(labels.tolist(), read.tolist(), strict=True):
        counted[pair] = counted.get(pair, 0) + 1
    _, ax = plt.subplots()
    assert plot_confusion(labels, read, title="made up", ax=ax) is ax
    assert numbers(ax) == counted
    assert ax.get_title() == "made up" and ax.get_xlabel() == "read as" and ax.get_ylabel() == "was"


def test_every_number_stands_out_from_its_square():
    labels = np.repeat(np.arange(10), 20)
    read = np.where(np.arange(200) % 20 < labels, (labels + 1) % 10, labels)
    ax = plot_confusion(labels, read)
    mistakes, right = ax.images
    for text in ax.texts:
        column, row = map(int, text.get_position())
        image = right if row == column else mistakes
        square = image.to_rgba(image.get_array())[row, column, :3]
        light, dark = sorted((luminance(text.get_color()), luminance(square)))[::-1]
        assert (light + 0.05) / (dark + 0.05) > 4.5, (row, column)


def test_plots_side_by_side_can_share_their_shades():
    few, many = np.full(40, 3), np.full(80, 3)
    shades = []
    for labels, mistakes in ((few, 10), (many, 40)):
        ax = plot_confusion(labels, np.where(np.arange(len(labels)) < mistakes, 5, 3), darkest=40)
        image = ax.images[0]
        shades.append(luminance(image.to_rgba(image.get_array())[3, 5, :3]))
    assert shades[0] > 2 * shades[1]  # on its own scale, each would be darkest
    for darkest in (0, "3", float("nan")):
        with pytest.raises(ValueError, match="darkest to be a whole number, at least 1, got"):
            plot_confusion(few, few, darkest=darkest)


def test_rejected_digits_have_a_column():
    ax = plot_confusion([3, 3, 4], [3, None, None])
    assert numbers(ax) == {(3, 3): 1, (3, 10): 1, (4, 10): 1}
    assert [label.get_text() for label in ax.get_xticklabels()][-1] == "none"
    assert len(plot_confusion([3], [3]).get_xticks()) == 10


def test_the_surest_mistakes_come_first():
    labels = np.array([5, 5, 5, 5])
    images = np.random.default_rng(0).random((4, 28, 28))
    probabilities = certain([3, 5, 6, 8], [0.6, 0.9, 0.995, 0.8])
    grid = plot_mistakes(images, labels, probabilities, title="made up", most=2)
    assert [ax.get_title() for ax in grid.flat] == ["5, read 6\n(100 %)", "5, read 8\n(80 %)"]
    np.testing.assert_array_equal(grid[0, 0].images[0].get_array(), images[2])
    np.testing.assert_array_equal(grid[0, 1].images[0].get_array(), images[3])
    assert grid[0, 0].figure.get_suptitle() == "made up"
    grid = plot_mistakes(images, labels, probabilities, columns=2, figsize=(3, 4))
    assert grid.shape == (2, 2) and tuple(grid[0, 0].figure.get_size_inches()) == (3, 4)


def test_no_mistake_is_said():
    (ax,) = plot_mistakes(np.zeros((2, 28, 28)), [1, 2], certain([1, 2], [0.9, 0.9]), "good").flat
    assert ax.texts[0].get_text() == "No mistake in 2 digits"
    assert ax.figure.get_suptitle() == "good"


def test_calibration_is_the_share_that_was_right():
    # Of the two readings near 0.55, one is right; of the four near 0.85, three are.
    labels = np.array([1, 1, 2, 2, 2, 2])
    read, sure = [1, 0, 2, 2, 2, 0], [0.5, 0.6, 0.82, 0.84, 0.86, 0.88]
    ax = plot_calibration(labels, certain(read, sure), title="made up", bins=5)
    diagonal, points = (line.get_xydata() for line in ax.lines[:2])
    np.testing.assert_array_equal(diagonal, [[0, 0], [1, 1]])
    np.testing.assert_allclose(points, [[0.5, 1], [0.6, 0], [0.85, 0.75]])
    assert [text.get_text() for text in ax.texts] == ["1", "1", "4"]
    assert ax.get_legend().texts[1].get_text() == "all 6: 75.0 % sure, 66.7 % right"
    # Wilson's interval for 3 of 4, by his formula, as in R's `binom.confint`.
    low, high = ax.containers[0].lines[2][0].get_segments()[2][:, 1]
    assert (low, high) == pytest.approx((0.3006, 0.9544), abs=1e-4)


def test_a_confidence_of_one_has_its_place():
    ax = plot_calibration([7], certain([7], [1.0]))
    np.testing.assert_array_equal(ax.lines[1].get_xydata(), [[1, 1]])


def test_bad_input():
    one = certain([1], [0.9])
    with pytest.raises(ValueError, match=r"labels of shape \(1,\).*got.*\(1, 2\)"):
        plot_confusion([[1, 2]], [1])
    with pytest.raises(ValueError, match=r"read of shape \(n,\).*got.*\(1, 2\)"):
        plot_confusion([1], [[1, 2]])
    with pytest.raises(ValueError, match=r"labels of shape \(n,\).*got.*\(0,\)"):
        plot_calibration([], np.zeros((0, 10)))
    with pytest.raises(ValueError, match="read of shape .*whole numbers from 0 to 9.*10 to 10"):
        plot_confusion([1], [10])
    with pytest.raises(ValueError, match=r"labels of shape \(2,\).*got.*\(1,\)"):
        plot_confusion([1], [1, 2])
    with pytest.raises(ValueError, match="labels .*whole numbers.*float64 from 1.5"):
        plot_calibration([1.5], one)
    with pytest.raises(ValueError, match=r"shape \(2, 10\).*got \(1, 10\)"):
        plot_calibration([1, 2], one)
    with pytest.raises(ValueError, match="bins to be a whole number, at least 1, got 0"):
        plot_calibration([1], one, bins=0)
    with pytest.raises(ValueError, match=r"in \[0, 1\], got .* to 9"):
        plot_mistakes(np.zeros((1, 28, 28)), [1], 10 * one)
    with pytest.raises(ValueError, match="expected 1 images"):
        plot_mistakes(np.zeros((2, 28, 28)), [1], one)
    with pytest.raises(ValueError, match="most to be a whole number, at least 1, got 0"):
        plot_mistakes(np.zeros((1, 28, 28)), [1], one, most=0)
