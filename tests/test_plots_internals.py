"""The plots from inside a network, checked by what they hold."""

import numpy as np
import pytest
from matplotlib import pyplot as plt

from digitlab import plot_activations, plot_embedding, plot_filters, plot_saliency

pytestmark = pytest.mark.usefixtures("closed_figures")


def shown(grid):
    """The arrays of the images, by the title above each."""
    return {ax.get_title(): ax.images[0].get_array() for ax in grid.flat if ax.images}


def test_each_filter_stands_under_its_number_on_one_scale():
    filters = np.random.default_rng(0).normal(size=(5, 5, 10))
    grid = plot_filters(filters, title="made up", columns=4)
    assert grid.shape == (3, 4)
    images = shown(grid)
    figure = grid[0, 0].figure
    assert list(images) == [str(number) for number in range(10)]
    for number in range(10):
        np.testing.assert_array_equal(images[str(number)], filters[..., number])
    scales = {ax.images[0].get_clim() for ax in figure.axes if ax.images}
    assert scales == {(-np.abs(filters).max(), np.abs(filters).max())}
    words = [label.get_text() for label in figure.axes[-1].get_yticklabels()]
    assert words == ["wants paper", "0", "wants ink"]
    # Weights that want ink are purple: more blue than green.
    red, green, blue, _ = figure.axes[0].images[0].to_rgba(np.abs(filters).max())
    assert blue > red > green
    assert figure.get_suptitle() == "made up"


def test_activations_show_the_strongest_channels_of_each_layer():
    answer = np.zeros((7, 7, 12))
    answer[2, 3] = np.arange(12) % 12
    dense = np.linspace(0, 1, 11)
    grid = plot_activations({"ReLU 1": answer, "Dense 1": dense}, title="made up", columns=3)
    assert grid.shape == (2, 3) and len({*grid[0]}) == 3 and len({*grid[1]}) == 1
    images = shown(grid)
    figure = grid[0, 0].figure
    assert list(images) == ["11", "10", "9"]
    np.testing.assert_array_equal(images["10"], answer[..., 10])
    words = [text.get_text() for ax in figure.axes for text in ax.texts]
    assert words == ["ReLU 1\n7 x 7 x 12", "Dense 1\n11"]
    (bars,) = (ax for ax in figure.axes if ax.patches)
    assert [bar.get_height() for bar in bars.patches] == dense.tolist()
    assert len(bars.get_xticks()) == 11
    assert figure.get_suptitle() == "made up"


def test_fewer_channels_than_columns():
    grid = plot_activations({"a": np.ones((4, 4, 2))}, columns=5, figsize=(3, 2))
    assert list(shown(grid)) == ["0", "1"] and grid.shape == (1, 5)
    assert tuple(grid[0, 0].figure.get_size_inches()) == (3, 2)


def test_saliency_is_said_by_colour_sign_and_words():
    image, saliency = np.zeros((28, 28)), np.zeros((28, 28))
    image[5:23, 12:15] = 1
    saliency[6, 13], saliency[21, 13] = 3.0, -1.5
    _, ax = plt.subplots()
    assert plot_saliency(image, saliency, title="a 1", ax=ax) is ax
    pixels = ax.images[0].get_array().astype(int)
    assert pixels[6, 13, 2] > pixels[6, 13, 0] + 100  # blue
    assert pixels[21, 13, 0] > pixels[21, 13, 2] + 50  # orange
    assert len(set(pixels[10, 13])) == 1  # neither colour
    assert not pixels[0, 0].any()
    assert [(text.get_text(), text.get_position()) for text in ax.texts] == [
        ("+", (13, 6)),
        ("\N{MINUS SIGN}", (13, 21)),
    ]
    assert ax.get_xlabel().splitlines() == [
        "+ blue, for it: most at the top",
        "\N{MINUS SIGN} orange, against it: most at the bottom",
    ]
    assert ax.get_title() == "a 1"


def test_no_saliency_is_said_too():
    ax = plot_saliency(np.ones((28, 28)), np.full((28, 28), 0.01))
    assert not ax.texts and ax.get_xlabel().count("nothing") == 2


def test_an_embedding_in_the_plane_is_shown_as_it_is():
    points = np.random.default_rng(0).normal(size=(30, 2))
    labels = np.arange(30) % 10
    _, ax = plt.subplots()
    assert plot_embedding(points, labels, "made up", points[:1] + 5, ["yours"], ax=ax) is ax
    *digits, star = ax.collections
    for digit, group in enumerate(digits):
        np.testing.assert_array_equal(group.get_offsets(), points[labels == digit])
    # Each digit has a marker of its own, not only a colour.
    assert len({group.get_paths()[0].vertices.tobytes() for group in digits}) == 10
    np.testing.assert_array_equal(star.get_offsets(), points[:1] + 5)
    assert ax.texts[0].get_text() == "yours" and ax.get_title() == "made up"


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_is_not_drawn(bad):
    points = [[0.0, 1.0], [2.0, 3.0], [3.0, 4.0]]
    weights = np.zeros((5, 5, 2))
    weights[1, 1, 1] = bad
    for plot, name in (
        (lambda: plot_embedding([*points, [2.0, bad]], [1, 2, 3, 4]), "points"),
        (lambda: plot_embedding(points, [1, 2, 3], marked=[[bad, 1]]), "marked points"),
        (lambda: plot_filters(weights), "filters"),
        (lambda: plot_activations({"a": weights}), "activations for 'a'"),
        (lambda: plot_activations({"b": [1, bad]}), "activations for 'b'"),
        (lambda: plot_saliency(np.zeros((28, 28)), np.full((28, 28), bad)), "values in the sal"),
    ):
        with pytest.raises(ValueError, match=f"expected finite {name}.*, got NaN or infinity"):
            plot()


def test_an_embedding_is_seen_from_where_the_digits_are_apart():
    rng = np.random.default_rng(0)
    labels = np.arange(100) % 4
    points = rng.normal(size=(100, 20))
    points[:, 3] += np.where(np.arange(100) // 4 % 2, 300, -300)  # the same in each digit
    points[:, 7] *= 0.01
    points[:, 11] *= 0.01
    points[:, 7] += 100 * (labels % 2)
    points[:, 11] += 50 * (labels // 2)
    ax = plot_embedding(points, labels, marked=points[:2])
    *digits, stars = (group.get_offsets() for group in ax.collections)
    for digit, group in enumerate(digits):
        # Distances in the plane are those of the two directions that matter.
        assert np.ptp(group, axis=0).max() < 10
        far = np.hypot(*(group.mean(axis=0) - digits[0].mean(axis=0)))
        assert far == pytest.approx(np.hypot(100 * (digit % 2), 50 * (digit // 2)), abs=3)
    np.testing.assert_allclose(stars, [digits[0][0], digits[1][0]])
    plot_embedding(points, np.zeros(100, int))  # a single digit has a plane, too


def test_bad_input():
    with pytest.raises(ValueError, match=r"\(h, w, n\).*got \(5, 5\)"):
        plot_filters(np.zeros((5, 5)))
    with pytest.raises(ValueError, match="at least one layer"):
        plot_activations({})
    with pytest.raises(TypeError, match="layers' names with their activations.*got list"):
        plot_activations([np.zeros(10)])
    with pytest.raises(ValueError, match=r"for 'a', got \(2, 2\)"):
        plot_activations({"a": np.zeros((2, 2))})
    with pytest.raises(ValueError, match=r"for 'a', got \(0, 5, 3\)"):
        plot_activations({"a": np.zeros((0, 5, 3))})
    with pytest.raises(ValueError, match=r"a saliency of shape \(28, 28\), got \(3,\)"):
        plot_saliency(np.zeros((28, 28)), np.zeros(3))
    with pytest.raises(ValueError, match=r"an image of shape"):
        plot_saliency(np.zeros((1, 28, 28)), np.zeros((28, 28)))
    with pytest.raises(ValueError, match=r"points of shape \(n, d\).*got \(2, 5\)"):
        plot_embedding(np.zeros((2, 5)), [1, 2])
    with pytest.raises(
        ValueError, match=r"labels of shape \(3,\), whole numbers from 0 to 9, got .* 1 to 10"
    ):
        plot_embedding(np.zeros((3, 5)), [1, 2, 10])
    with pytest.raises(ValueError, match=r"shape \(k, 5\).*got \(1, 4\)"):
        plot_embedding(np.zeros((3, 5)), [1, 2, 3], marked=np.zeros((1, 4)))
    for names in (["a", "b"], None):
        with pytest.raises(ValueError, match=r"at most k names, got \(1, 5\) and (\['a'|None)"):
            plot_embedding(np.zeros((3, 5)), [1, 2, 3], marked=np.zeros((1, 5)), names=names)
