"""Images and labels mean the same as arrays, lists, tables or tensors."""

import io
import tracemalloc

import numpy as np
import pandas as pd
import pytest

from digitlab import (
    Digits,
    Recognizer,
    load_recognizer,
    measure_saliency,
    normalize_image,
    plot_digits,
    render_strokes,
    stored_drawing,
)
from digitlab.images import as_array, as_batch, as_image, as_images, as_labels
from support.tensors import Tensor

DRAWINGS = [stored_drawing(digit) for digit in range(10)]
IMAGES = (255 * np.stack([render_strokes(drawing) for drawing in DRAWINGS])).astype(np.uint8)
LABELS = np.arange(10)
SHUFFLED = [7, 3, 9, 0, 4, 8, 1, 6, 2, 5]  # an index that differs from the order of the rows


def frame(dtype=np.int64):
    """A table of pixels as in MNIST's CSV files, with the index of shuffled rows."""
    return pd.DataFrame(IMAGES.reshape(10, 784).astype(dtype), index=SHUFFLED)


FORMS = {
    "array": IMAGES,
    "int64": IMAGES.astype(np.int64),
    "float": IMAGES / 255,
    "float16": (IMAGES / 255).astype(np.float16),
    "list": IMAGES.tolist(),
    "list of images": list(IMAGES),
    "tuple": tuple(IMAGES),
    "for Keras": IMAGES[..., None],
    "rows": IMAGES.reshape(10, 784),
    "table": frame(),
    "table of fractions": frame() / 255,
    "table with gaps": pd.concat([frame(), frame()]).iloc[10:],
    "nullable table": frame().astype("Int64"),
    "column of images": pd.Series(list(IMAGES), index=SHUFFLED),
    "column of rows": pd.Series(list(IMAGES.reshape(10, 784)), index=SHUFFLED),
    "tensor": Tensor(IMAGES),
    "list of tensors": [Tensor(image) for image in IMAGES],
}


@pytest.mark.parametrize("form", FORMS)
def test_images_in_any_form_are_the_same(form):
    batch = as_batch(as_images(FORMS[form]))
    assert batch.shape == (10, 28, 28, 1) and batch.dtype == np.float32
    tolerance = 5e-4 if form == "float16" else 1e-7
    np.testing.assert_allclose(batch[..., 0], IMAGES / np.float32(255), rtol=0, atol=tolerance)


def test_no_images_are_read_as_none():
    assert load_recognizer().predict_images([]).shape == (0, 10)


@pytest.mark.parametrize("form", FORMS)
def test_images_in_any_form_are_read_alike(form):
    recognizer = load_recognizer()
    assert recognizer.predict_images(FORMS[form]).argmax(axis=1).tolist() == LABELS.tolist()
    assert not recognizer.rejects(FORMS[form]).any()


@pytest.mark.parametrize(
    "labels",
    [
        LABELS.tolist(),
        tuple(LABELS),
        LABELS.astype(np.uint8),
        LABELS.astype(float),  # as in a table that has a gap somewhere
        LABELS[:, None],
        pd.Series(LABELS, index=SHUFFLED),
        pd.Series(LABELS, index=SHUFFLED, dtype="Int64"),
        pd.Series(LABELS).astype("category"),
        pd.DataFrame({"label": LABELS}, index=SHUFFLED),
        Tensor(LABELS),
    ],
    ids=lambda labels: type(labels).__name__,
)
def test_labels_keep_the_order_of_their_rows(labels):
    assert as_labels(labels, 10).tolist() == LABELS.tolist()
    digits = Digits(frame(), labels, FORMS["float"], labels, "mine")
    assert digits.y_train.tolist() == digits.y_test.tolist() == LABELS.tolist()
    assert digits.y_train.dtype == digits.x_train.dtype == digits.x_test.dtype == np.uint8
    np.testing.assert_array_equal(digits.x_train, IMAGES)
    np.testing.assert_array_equal(digits.x_test, IMAGES)


def test_a_column_of_a_table_does_not_mix_up_labels():
    table = frame().assign(label=LABELS).sample(frac=1, random_state=0)
    digits = Digits(table.drop(columns="label"), table["label"], IMAGES, LABELS, "mine")
    for image, label in zip(digits.x_train, digits.y_train, strict=True):
        np.testing.assert_array_equal(image, IMAGES[label])


def test_drawings_in_any_form_are_the_same():
    drawing = DRAWINGS[4]
    expected = render_strokes(drawing)
    column = pd.Series(drawing, index=range(len(drawing))[::-1])
    tables = [pd.DataFrame(s, columns=["x", "y"], index=range(len(s))[::-1]) for s in drawing]
    forms = [
        tuple(drawing),
        [stroke.tolist() for stroke in drawing],
        column,
        column.to_numpy(),
        tables,
        [Tensor(stroke) for stroke in drawing],
    ]
    recognizer = load_recognizer()
    for form in forms:
        np.testing.assert_array_equal(render_strokes(form), expected)
        assert recognizer.predict(form).digit == 4
    of_one_length = np.stack([drawing[0][:5], drawing[0][5:10]])
    for form in (of_one_length, Tensor(of_one_length)):
        np.testing.assert_array_equal(
            recognizer.predict(form).image, render_strokes(list(of_one_length))
        )


def test_one_image_in_any_form_is_the_same():
    recognizer = load_recognizer()
    row, expected = frame().iloc[3], IMAGES[3] / np.float32(255)
    activations = recognizer.get_activations(expected)
    saliency = measure_saliency(recognizer, expected)
    for image in (IMAGES[3], row, frame().iloc[[3]], IMAGES[3].tolist(), Tensor(IMAGES[3])):
        np.testing.assert_allclose(as_image(image), expected, rtol=0, atol=1e-7)
        for name, answer in recognizer.get_activations(image).items():
            np.testing.assert_array_equal(answer, activations[name])
        np.testing.assert_array_equal(measure_saliency(recognizer, image), saliency)
    for picture in (
        row,
        row.to_numpy(),
        frame().iloc[[3]],
        pd.DataFrame(IMAGES[3]),
        Tensor(IMAGES[3]),
    ):
        np.testing.assert_array_equal(normalize_image(picture), normalize_image(IMAGES[3]))
        assert recognizer.predict(picture).digit == 3


@pytest.mark.parametrize(
    "table",
    [
        frame(),
        frame().assign(label=LABELS).iloc[[0]],
        pd.DataFrame(DRAWINGS[3][0], columns=["x", "y"]),
        pd.DataFrame(DRAWINGS[3][0], columns=["x", "y"]).assign(time=0),
    ],
    ids=["images", "image and label", "stroke", "stroke and time"],
)
def test_a_table_that_is_not_one_image_is_no_picture(table):
    with pytest.raises(ValueError, match="expected a table of 28 x 28 pixels, or one row of 784"):
        load_recognizer().predict(table)


def test_answers_in_any_form_are_the_same():
    answers = np.eye(10)[[3]]
    for form in (answers, answers.tolist(), pd.DataFrame(answers), Tensor(answers)):
        assert Recognizer(lambda images, form=form: form).predict(stored_drawing(8)).digit == 3


def test_a_file_on_disk_is_not_read_at_once(tmp_path):
    np.save(tmp_path / "images.npy", IMAGES)
    images = np.load(tmp_path / "images.npy", mmap_mode="r")
    assert np.shares_memory(as_images(images), images)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        ((IMAGES > 100).astype(int), "got only 0 and 1; pass them as float"),
        (frame().assign(label=LABELS), r"\(n, 784\).*got \(10, 785\); is one column the label"),
        (frame().astype(str), "got DataFrame of dtype"),
        ([[1, 2], [3]], r"expected images of shape \(n, 28, 28\)"),
        (IMAGES[..., None].repeat(3, axis=3), r"got \(10, 28, 28, 3\)"),
        (IMAGES.astype(np.int64) - 1, "expected integers from 0 to 255, got values from -1"),
        (IMAGES.astype(np.int64) * 2, "expected integers from 0 to 255, got values from 0 to 510"),
        (frame().astype(float), "divide by 255"),
        (None, "got NoneType"),
        ("images", "got str"),
    ],
)
def test_invalid_images_are_rejected(images, message):
    with pytest.raises(ValueError, match=message):
        as_batch(as_images(images))


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.eye(10), r"shape \(10,\).*got \(10, 10\); are they one-hot\? Pass numpy.argmax"),
        (LABELS[:9], r"shape \(10,\).*got \(9,\)"),
        (LABELS + 1, "0 to 9, got int64 from 1 to 10"),
        (LABELS - 1, "0 to 9, got int64 from -1 to 8"),
        (LABELS + 0.5, "whole numbers from 0 to 9, got float64"),
        (pd.Series(LABELS.astype(float)).where(LABELS > 3), "whole numbers.*nan"),
        (LABELS.astype(str), "got ndarray of dtype <U21; convert text with .astype"),
        (pd.Series(list("0123456789"), dtype="category"), "convert text with"),
        (LABELS > 4, "whole numbers from 0 to 9, got bool"),
        (3, r"got \(\)"),
    ],
)
def test_invalid_labels_are_rejected(labels, message):
    with pytest.raises(ValueError, match=message):
        as_labels(labels, 10)
    with pytest.raises(ValueError, match="y_train"):
        Digits(IMAGES, labels, IMAGES, LABELS, "mine")


def test_nullable_integers_take_little_memory():
    table = pd.concat([frame()] * 30).astype("Int64")
    tracemalloc.start()
    images = as_images(table)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    np.testing.assert_array_equal(images, np.tile(IMAGES, (30, 1, 1)))
    assert peak < 100_000 * len(images)  # bytes; with an array for each pixel, 250 KB


def test_masked_values_are_not_used():
    masked = np.ma.masked_less(IMAGES, 100)
    read = {
        "images": lambda: as_batch(as_images(masked)),
        "a list of them": lambda: as_images(list(masked)),
        "labels": lambda: as_labels(np.ma.masked_equal(LABELS, 3), 10),
        "a picture": lambda: normalize_image(masked[0]),
        "strokes": lambda: render_strokes([np.ma.masked_less(DRAWINGS[0][0], 100)]),
        "an array of strokes": lambda: render_strokes(np.ma.masked_less(DRAWINGS[0], 100)),
        "titles": lambda: plot_digits(IMAGES, np.ma.masked_equal(LABELS, 3)),
    }
    for name, call in read.items():
        with pytest.raises(ValueError, match=r"expected no masked values, got \d+ of \d+; fill"):
            call()
            pytest.fail(f"{name}: masked values were used")
    unmasked = np.ma.masked_less(IMAGES, -1)
    np.testing.assert_array_equal(as_images(unmasked), IMAGES)


def test_numbers_of_other_libraries_stay_what_they_are():
    assert as_array(pd.Series([1.5, 2.5], index=[1, 0]), "numbers").tolist() == [1.5, 2.5]
    with pytest.raises(ValueError, match="expected numbers"):
        as_array([Tensor(IMAGES[0]), Tensor(IMAGES[0][:3])], "numbers")


def test_a_file_is_not_a_tensor_and_stays_open():
    file = io.BufferedReader(io.BytesIO(b"a picture"))
    with pytest.raises(ValueError, match="expected"):
        normalize_image(file)
    assert file.read() == b"a picture"
