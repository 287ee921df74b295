"""Saliency, compared with the known answers of recognizers made up for these tests."""

import numpy as np
import pytest

from digitlab import Recognizer, load_recognizer, measure_saliency, render_strokes, stored_drawing
from digitlab.explain import colour_saliency, say_place, strongest_ink

WEIGHTS = np.random.default_rng(0).normal(size=(28, 28))


class Weighing:
    """A recognizer whose log-odds of a 3 are a weighted sum of the ink; other digits are equal."""

    def predict_images(self, images):
        odds = np.exp(np.einsum("nij,ij->n", images, WEIGHTS))[:, None]  # (n, 1)
        answer = np.repeat(1 / (1 + odds) / 9, 10, axis=1)
        answer[:, 3:4] = odds / (1 + odds)
        return answer.astype(np.float32)


def test_it_is_what_the_ink_about_a_pixel_gives():
    image = render_strokes(stored_drawing(3))
    saliency = measure_saliency(Weighing(), image, digit=3)
    assert saliency.shape == (28, 28) and saliency.dtype == np.float32
    assert saliency.max() > 1 and saliency.min() < -1
    weighed = np.pad(image * WEIGHTS, 2)
    for row, column in np.ndindex(28, 28):
        expected = weighed[row : row + 5, column : column + 5].sum() if image[row, column] else 0
        assert saliency[row, column] == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("digit", range(10))
def test_ink_counts_for_the_digit_that_it_draws(digit):
    recognizer = load_recognizer()
    image = render_strokes(stored_drawing(digit))
    saliency = measure_saliency(recognizer, image)
    assert (saliency[image == 0] == 0).all()
    # The recognizer is almost 100 % sure, and the saliency still tells places apart.
    assert recognizer.predict_images(image[None])[0, digit] > 0.99
    assert saliency.max() > 1 and saliency.sum() > 0
    assert saliency[image > 0].std() > 0.1


def test_what_counts_for_one_digit_counts_against_another():
    recognizer = load_recognizer()
    image = render_strokes(stored_drawing(7))
    for_seven = measure_saliency(recognizer, image, 7)
    for_one = measure_saliency(recognizer, image, 1)
    bar = (slice(4, 9), slice(5, 14))  # the left half of its upper bar
    assert image[bar].any()
    assert for_seven[bar].max() > 1 and for_one[bar].min() < -1


def test_it_costs_one_look_at_each_pixel_of_ink():
    asked = []

    def network(images):
        asked.append(len(images))
        return np.full((len(images), 10), 0.1)

    image = render_strokes(stored_drawing(8))
    assert not measure_saliency(Recognizer(network), image).any()
    assert sum(asked) == 1 + np.count_nonzero(image)
    assert not measure_saliency(Recognizer(network), np.zeros((28, 28))).any()


def test_colours_and_places():
    image, saliency = np.zeros((28, 28)), np.zeros((28, 28))
    image[10:20, 10:20] = 1
    saliency[10, 10], saliency[19, 19] = 0.5, -0.2
    saliency[12, 9] = 9  # there is no ink here
    colours = colour_saliency(image, saliency)
    assert colours.shape == (28, 28, 3) and colours.dtype == np.uint8
    assert not colours[image == 0].any()
    assert strongest_ink(image, saliency) == [(10, 10), (19, 19)]
    assert strongest_ink(image, saliency / 10) == [None, None]
    saliency[10, 10] = 5  # next to this, -0.2 has no colour
    assert strongest_ink(image, saliency) == [(10, 10), None]
    places = {(4, 4): "top left", (4, 14): "top", (14, 23): "right", (23, 4): "bottom left"}
    for place, words in places.items():
        assert say_place(*place) == f"at the {words}"
    assert say_place(14, 14) == "in the middle"
    # Ink with a small effect looks nearly the same as ink without any.
    pale = colour_saliency(image, np.full((28, 28), 0.01)).astype(int)
    assert np.abs(pale - pale[15, 15, 0])[image > 0].max() < 15


def test_bad_input():
    image = np.zeros((28, 28))
    with pytest.raises(ValueError, match=r"shape \(28, 28\).*got \(3,\)"):
        measure_saliency(Weighing(), np.zeros(3))
    with pytest.raises(ValueError, match="integers from 0 to 255"):
        measure_saliency(Weighing(), image.astype(int) - 1)
    with pytest.raises(ValueError, match="digit from 0 to 9, got 10"):
        measure_saliency(Weighing(), image, 10)
    for digit in (True, np.array([7]), "7"):
        with pytest.raises(ValueError, match="digit from 0 to 9"):
            measure_saliency(Weighing(), image, digit)
    np.testing.assert_array_equal(
        measure_saliency(Weighing(), image + 1, 7.0), measure_saliency(Weighing(), image + 1, 7)
    )
    with pytest.raises(TypeError, match="predict_images.*got object"):
        measure_saliency(object(), image)
    with pytest.raises(ValueError, match="0, 1.*from 0 to 2"):
        measure_saliency(load_recognizer(), 2 * np.eye(28))
