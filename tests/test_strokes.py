"""The geometry of MNIST: compared with the vectors that specify it, and with MNIST itself."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from digitlab import normalize_image, render_strokes, stored_drawing
from digitlab.images import BOX, CENTRE, centre_of_mass
from digitlab.strokes import turn_strokes
from fixtures.make_ink import reference

VECTORS = json.loads((Path(__file__).parent / "fixtures" / "ink.json").read_text("utf-8"))


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_strokes_are_drawn_as_specified(vector):
    image = render_strokes(vector["strokes"])
    assert image.shape == (28, 28) and image.dtype == np.float32
    np.testing.assert_allclose(image, np.reshape(vector["image"], (28, 28)), atol=0.001)


@pytest.mark.parametrize("height", [3, 200])  # a thick line, and a pad full of ink
def test_of_thousands_of_strokes_none_is_missing(height):
    rng = np.random.default_rng(0)
    places = rng.uniform(0, (200, height), (2000, 1, 2))
    strokes = [*(places + rng.normal(0, 6, (2000, 4, 2))), np.array([[250.0, 90], [290, 99]])]
    np.testing.assert_allclose(render_strokes(strokes), reference(strokes), atol=1e-6)


def test_there_are_vectors_of_all_kinds():
    assert len(VECTORS) >= 200
    kinds = {vector["name"].split(":")[0] for vector in VECTORS}
    assert {"empty", "dot", "line", "collinear", "many", "doodle", "5,000 points"} <= kinds
    drawings = [[np.array(stroke) for stroke in vector["strokes"]] for vector in VECTORS]
    drawings = [[stroke for stroke in drawing if len(stroke)] for drawing in drawings]
    sizes = [np.ptp(np.concatenate(drawing), axis=0).max() for drawing in drawings if drawing]
    assert min(size for size in sizes if size) < 1 and max(sizes) > 10_000
    assert any((np.diff(s, axis=0) == 0).all(1).any() for d in drawings for s in d)  # duplicates


@pytest.mark.parametrize("size", [5e-324, 1e-310, 1e-200, 1e200, 1e308])
def test_sizes_at_the_end_of_the_numbers(size):
    image = render_strokes([[[-size, 0], [size, size]]])
    assert np.isfinite(image).all() and image.max() == 1


@pytest.mark.parametrize("digit", range(10))
def test_place_and_size_do_not_matter(digit):
    drawing = stored_drawing(digit)
    elsewhere = [stroke * 0.3 + (170, 12) for stroke in drawing]
    np.testing.assert_allclose(render_strokes(elsewhere), render_strokes(drawing), atol=1e-5)


def test_other_hands_turn_by_20_degrees():
    upright = [np.array([(0.0, -10.0), (0.0, 10.0)])]
    for (stroke,), degrees in zip(turn_strokes(upright), (-20, 20), strict=True):
        along, down = stroke[1] - stroke[0]
        assert np.degrees(np.arctan2(-along, down)) == pytest.approx(degrees)  # clockwise


@pytest.mark.parametrize("size", [1e-3, 1.5e308])
def test_other_hands_write_drawings_of_any_size(size):
    corners = np.array([(-1.0, -1.0), (1.0, 1.0), (1.0, -1.0)])
    images, expected = (
        [render_strokes(turned) for turned in turn_strokes([unit * corners])]
        for unit in (size, 100)
    )
    np.testing.assert_allclose(images, expected, atol=1e-6)


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
        ("five.png", TypeError, "expected a drawing.*got str; open a picture with PIL"),
        (Path("five.json"), TypeError, "expected a drawing.*a drawing with load_drawing"),
        (5, TypeError, "expected a drawing.*got int"),
        ([[1, 2]], ValueError, r"stroke 0.*\(n, 2\).*got \(2,\)"),
        (np.zeros((28, 28)).tolist(), ValueError, r"got \(28,\);.*picture into an array: numpy"),
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
    assert np.mean(change > 0.03) < 0.05  # these moved by a pixel: their centre is between two


def big_digit(paper, ink):
    """A stored digit drawn by Pillow off the centre of a large sheet of grainy paper."""
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


@pytest.mark.slow
@pytest.mark.once
def test_mnist_is_read_as_well_after_it(mnist):
    from digitlab import load_recognizer

    recognizer = load_recognizer()
    normalized = np.stack([normalize_image(image) for image in mnist.x_test])
    before, after = (
        np.sum(recognizer.predict_images(images).argmax(1) == mnist.y_test)
        for images in (mnist.x_test, normalized)
    )
    assert abs(after - before) <= 10  # of 10,000


def rgba(grey, paper_alpha):
    """Black ink on transparent paper or, with `paper_alpha`, an opaque image."""
    colour = np.zeros((*grey.shape, 4), np.uint8)
    colour[:, :, :3] = grey[:, :, None] if paper_alpha else 0
    colour[:, :, 3] = 255 if paper_alpha else 255 - grey
    return colour


GREY = (np.clip(big_digit(1, 0), 0, 1) * 255).astype(np.uint8)
PICTURES = {
    "grey": GREY,
    "negative": 255 - GREY,
    "grey with an axis": GREY[:, :, None],
    "16 bit": GREY.astype(np.uint16) * 257,
    "float": GREY / 255,
    "yes or no": GREY > 127,
    "RGB": np.repeat(GREY[:, :, None], 3, 2),
    "RGB, blue on yellow": np.stack([GREY, GREY, 255 - GREY], 2),
    "RGBA, opaque": rgba(GREY, True),
    "RGBA, black ink on nothing": rgba(GREY, False),
    "RGBA, whole numbers of 64 bits": rgba(GREY, False).astype(np.int64),
    "RGBA, float to 255": rgba(GREY, False).astype(float),
    "RGBA, float to 1": rgba(GREY, False) / 255,
    "RGBA, white ink on nothing": rgba(GREY, False) | np.uint8([255, 255, 255, 0]),
    "Pillow L": Image.fromarray(GREY),
    "Pillow 1": Image.fromarray(GREY).convert("1", dither=Image.Dither.NONE),
    "Pillow RGB": Image.fromarray(GREY).convert("RGB"),
    "Pillow P": Image.fromarray(GREY).convert("P"),
    "Pillow LA, white ink on nothing": Image.merge(
        "LA", [Image.new("L", GREY.shape[::-1], 255), Image.fromarray(255 - GREY)]
    ),
    "Pillow RGBA": Image.fromarray(rgba(GREY, False)),
    "Pillow 16 bit": Image.fromarray(GREY.astype(np.uint16) * 257),
    "Pillow F": Image.fromarray(GREY.astype(np.float32)),
    "large": np.repeat(np.repeat(GREY, 6, 0), 6, 1),
    "small": np.asarray(Image.fromarray(GREY).reduce(4)),
}


@pytest.mark.parametrize("name", PICTURES)
def test_all_kinds_of_pictures_become_the_same(name):
    image = normalize_image(PICTURES[name])
    assert image.shape == (28, 28) and image.dtype == np.float32
    assert np.abs(image - normalize_image(GREY)).mean() < 0.02


def test_a_photo_is_turned_as_its_camera_says():
    upright = Image.fromarray(GREY)
    lying = upright.transpose(Image.Transpose.ROTATE_90)
    lying.getexif()[0x0112] = 6  # orientation: turn it clockwise to see it upright
    np.testing.assert_allclose(normalize_image(lying), normalize_image(upright), atol=1e-6)


def photo(pen, light, grain):
    """A stored digit on a sheet, lit from one corner."""
    sheet = Image.new("L", (900, 700))
    draw = ImageDraw.Draw(sheet)
    for stroke in stored_drawing(3):
        draw.line([(2 * x + 250, 2 * y + 50) for x, y in stroke], fill=255, width=pen)
    y, x = np.mgrid[:1:700j, :1:900j]
    paper = 230 - light * (x + y**2) / 2
    noise = np.random.default_rng(0).normal(0, grain, paper.shape)
    return np.clip(paper * (1 - 0.75 * np.asarray(sheet) / 255) + noise, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("pen", [6, 12, 40, 60])
@pytest.mark.parametrize(("light", "grain"), [(0, 0), (120, 0), (0, 12), (120, 8)])
def test_photos_of_ink_on_paper(pen, light, grain):
    image = normalize_image(photo(pen, light, grain))
    assert np.abs(image - render_strokes(stored_drawing(3))).mean() < 0.06
    rows, columns = np.nonzero(image > 0.5)
    assert 18 <= max(np.ptp(rows), np.ptp(columns)) + 1 <= 21  # nothing else was taken for ink


def framed(photo):
    photo[[0, -1]] = photo[:, [0, -1]] = 30
    return photo


def on_a_desk(photo):
    around = np.ones(photo.shape, bool)
    around[70:-70, 70:-70] = False
    desk = np.random.default_rng(1).normal(60, 15, photo.shape)
    return np.where(around, desk, photo).astype(np.uint8)


def beside_a_desk(photo):
    rows, columns = np.indices(photo.shape)
    return np.where(rows + columns < 350, 50, photo).astype(np.uint8)


def askew_on_a_desk(photo):
    sheet = Image.fromarray(photo)
    return np.asarray(sheet.rotate(7, Image.Resampling.BILINEAR, fillcolor=45))


@pytest.mark.parametrize("surrounded", [framed, on_a_desk, beside_a_desk, askew_on_a_desk])
def test_what_runs_along_the_edge_is_removed(surrounded):
    image = normalize_image(surrounded(photo(20, 60, 4)))
    angle = 7 if surrounded is askew_on_a_desk else 0
    upright = normalize_image(Image.fromarray(photo(20, 60, 4)).rotate(angle, fillcolor=200))
    assert np.abs(image - upright).mean() < 0.05


@pytest.mark.parametrize("digit", range(10))
def test_a_digit_may_touch_the_edge(digit):
    sheet = Image.new("L", (280, 280))
    for stroke in stored_drawing(digit):
        ImageDraw.Draw(sheet).line([(x, y) for x, y in stroke], fill=255, width=20, joint="curve")
    closely = np.asarray(sheet.crop(sheet.getbbox()))
    for room in (((0, 0), (70, 70)), ((70, 70), (0, 0))):
        image = normalize_image(np.pad(closely, room))
        np.testing.assert_allclose(image, normalize_image(sheet), atol=0.02)


@pytest.mark.parametrize("value", [0, 0.5, 255])
def test_a_picture_of_one_value_is_empty(value):
    assert not normalize_image(np.full((50, 40), value)).any()


@pytest.mark.parametrize(
    ("picture", "message"),
    [
        (np.zeros((28, 28, 3, 1)), r"\(h, w\).*got \(28, 28, 3, 1\)"),
        (np.zeros((5, 28, 28)), r"\(h, w, 3\).*got \(5, 28, 28\)"),
        (np.zeros((0, 9)), r"no side 0, got \(0, 9\)"),
        (np.zeros((9, 2)), "is it a stroke"),
        (np.full((9, 9), np.nan), "finite values"),
        ([[1], [2, 3]], r"\(h, w\).*inhomogeneous"),
        (np.full((9, 9), "x"), "array of numbers.*got ndarray of dtype"),
    ],
)
def test_bad_pictures(picture, message):
    with pytest.raises(ValueError, match=message):
        normalize_image(picture)
