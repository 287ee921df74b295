"""The geometry of MNIST: compared with a brute-force distance field, and with MNIST itself."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from digitlab import normalize_image, render_strokes, stored_drawing
from digitlab.ink import BOX, CENTRE, PEN_WIDTH, centre_of_mass


def brute_force(drawing):
    """The specification, pixel by pixel and segment by segment."""
    strokes = [np.asarray(stroke, float) for stroke in drawing]
    points = np.concatenate(strokes)
    low, high = points.min(0), points.max(0)
    side = (high - low).max()
    scale = (BOX - PEN_WIDTH) / side if side else 0

    def coverage(offset):
        image = np.zeros((28, 28))
        for stroke in strokes:
            placed = (stroke - (low + high) / 2) * scale + CENTRE + offset
            ends = placed[1:] if len(placed) > 1 else placed
            for a, b in zip(placed, ends, strict=False):
                for y in range(28):
                    for x in range(28):
                        p, along = np.array([x, y]), b - a
                        length = along @ along
                        at = np.clip((p - a) @ along / length, 0, 1) if length else 0
                        distance = np.hypot(*(p - a - at * along))
                        ink = np.clip(PEN_WIDTH / 2 + 0.5 - distance, 0, 1)
                        image[y, x] = max(image[y, x], ink)
        return image

    return coverage(CENTRE - centre_of_mass(coverage(0)))


DRAWINGS = {
    "one point": [[[3, 4]]],
    "the same point twice": [[[3, 4], [3, 4]]],
    "a line": [[[0, 0], [100, 3]]],
    "an angle and a dot": [[[0, 0], [0, 100], [100, 100]], [[50, 50]]],
    "uneven": [[[0, 0], [0, 200]], [[0, 0], [9, 2], [1, 7], [8, 1], [3, 8]]],
    "five": stored_drawing(5),
}


@pytest.mark.parametrize("name", DRAWINGS)
def test_strokes_are_drawn_as_specified(name):
    image = render_strokes(DRAWINGS[name])
    assert image.shape == (28, 28) and image.dtype == np.float32
    np.testing.assert_allclose(image, brute_force(DRAWINGS[name]), atol=1e-5)


@pytest.mark.parametrize("digit", range(10))
def test_place_and_size_do_not_matter(digit):
    drawing = stored_drawing(digit)
    elsewhere = [stroke * 0.3 + (170, 12) for stroke in drawing]
    np.testing.assert_allclose(render_strokes(elsewhere), render_strokes(drawing), atol=1e-5)


@pytest.mark.parametrize("digit", range(10))
def test_the_ink_is_placed_as_in_mnist(digit):
    image = render_strokes(stored_drawing(digit))
    rows, columns = np.nonzero(image > 0.5)
    assert max(np.ptp(rows), np.ptp(columns)) + 1 in (BOX - 1, BOX, BOX + 1)
    np.testing.assert_allclose(centre_of_mass(image), CENTRE, atol=0.05)


def test_a_drawing_without_points_is_empty():
    for empty in ([], [[]], [np.empty((0, 2))]):
        assert not render_strokes(empty).any()


@pytest.mark.parametrize(
    ("drawing", "error", "message"),
    [
        ("five", TypeError, "expected a drawing.*got str"),
        (5, TypeError, "expected a drawing.*got int"),
        ([[1, 2]], ValueError, r"stroke 0.*\(n, 2\).*got \(2,\)"),
        ([[[1, 2]], [[1, 2, 3]]], ValueError, r"stroke 1.*\(n, 2\).*got \(1, 3\)"),
        ([[[1, 2], [3]]], ValueError, "stroke 0 to be numbers"),
        ([[["a", "b"]]], ValueError, "stroke 0 to be numbers"),
        ([[[1, np.nan]]], ValueError, "finite coordinates, stroke 0"),
    ],
)
def test_bad_drawings(drawing, error, message):
    with pytest.raises(error, match=message):
        render_strokes(drawing)


def test_mnist_stays_as_it_is(mnist):
    images = mnist.x_test[:500]
    normalized = np.stack([normalize_image(image) for image in images])
    change = np.abs(normalized - images / 255).mean((1, 2))
    assert np.median(change) < 0.001
    assert np.mean(change > 0.03) < 0.05  # moved by a pixel: the centre lay between two


def big_digit(paper, ink):
    """A stored digit drawn by Pillow on a large sheet, off its centre, on paper of a grain."""
    sheet = Image.new("L", (500, 400))
    pen = ImageDraw.Draw(sheet)
    for stroke in stored_drawing(3):
        pen.line([(x + 200, y - 40) for x, y in stroke], fill=255, width=24, joint="curve")
    picture = np.asarray(sheet) / 255
    grain = np.random.default_rng(0).normal(0, 0.01, picture.shape)
    return paper + (ink - paper) * (picture + grain)


@pytest.mark.parametrize(("paper", "ink"), [(0, 1), (1, 0), (200, 40), (-3, 5)])
def test_pictures_of_either_polarity_become_the_same(paper, ink):
    image = normalize_image(big_digit(paper, ink))
    assert image.shape == (28, 28) and image.dtype == np.float32
    assert image.min() == 0 and image.max() == 1
    assert np.abs(image - render_strokes(stored_drawing(3))).mean() < 0.04


def test_pillow_images_are_pictures():
    grey = (np.clip(big_digit(1, 0), 0, 1) * 255).astype(np.uint8)
    image = normalize_image(Image.fromarray(grey).convert("RGB"))
    np.testing.assert_array_equal(image, normalize_image(grey))


@pytest.mark.parametrize("value", [0, 0.5, 255])
def test_a_picture_of_one_value_is_empty(value):
    assert not normalize_image(np.full((50, 40), value)).any()


@pytest.mark.parametrize(
    ("picture", "message"),
    [
        (np.zeros((28, 28, 3, 1)), r"\(height, width\).*got \(28, 28, 3, 1\)"),
        (np.zeros((0, 9)), r"neither of them 0, got \(0, 9\)"),
        (np.zeros((9, 2)), "is it a stroke"),
        (np.full((9, 9), np.nan), "finite values"),
        (np.full((9, 9), "x"), "numbers, got dtype"),
    ],
)
def test_bad_pictures(picture, message):
    with pytest.raises(ValueError, match=message):
        normalize_image(picture)
