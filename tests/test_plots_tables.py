"""The plots show the same whether they get arrays, lists, tables or tensors."""

from functools import cache

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from matplotlib.text import Text

import digitlab
from support.tensors import Tensor

pytestmark = pytest.mark.usefixtures("closed_figures")

RNG = np.random.default_rng(0)
SHUFFLED = RNG.permutation(20)  # an index that differs from the order of the rows
GAPPY = np.sort(RNG.choice(1000, 20, replace=False))  # as after a train/test split
IMAGES = RNG.integers(0, 256, (20, 28, 28), np.uint8)
LABELS = np.arange(20) % 10
READ = np.where(np.arange(20) % 3, LABELS, 7)
PROBABILITIES = 0.8 * np.eye(10)[READ] + 0.02
POINTS = RNG.normal(size=(20, 4))


def table(index):
    """Make a Series of numbers or a DataFrame of rows; tables have at most two dimensions."""

    def make(array):
        array = np.asarray(array)
        rows = pd.RangeIndex(len(array)) if len(array) != 20 else index
        return (
            pd.Series(array, rows)
            if array.ndim == 1
            else pd.DataFrame(array.reshape(len(array), -1), rows)
        )

    return make


FORMS = {
    "shuffled": table(SHUFFLED),
    "gappy": table(GAPPY),
    "list": lambda array: np.asarray(array).tolist(),
    "list of arrays": list,
    "tuple": lambda array: tuple(np.asarray(array).tolist()),
    "tensor": Tensor,
    "list of tensors": lambda array: [Tensor(row) for row in array],
}

PLOTS = {
    "digits": lambda form: digitlab.plot_digits(form(IMAGES), form(LABELS)),
    "words": lambda form: digitlab.plot_digits(form(IMAGES), [f"a {i}" for i in LABELS]),
    "drawing": lambda form: digitlab.plot_drawing([form(POINTS[:, :2]), form(POINTS[:5, 2:])]),
    "probabilities": lambda form: digitlab.plot_probabilities(form(PROBABILITIES[0])),
    "history": lambda form: digitlab.plot_history(
        {"loss": form(POINTS[:, 0]), "val_loss": form(POINTS[:, 1])}, metric="loss"
    ),
    "confusion": lambda form: digitlab.plot_confusion(form(LABELS), form(READ)),
    "mistakes": lambda form: digitlab.plot_mistakes(
        form(IMAGES), form(LABELS), form(PROBABILITIES)
    ),
    "calibration": lambda form: digitlab.plot_calibration(form(LABELS), form(PROBABILITIES)),
    "activations": lambda form: digitlab.plot_activations({"a": form(POINTS[:, 0])}),
    "saliency": lambda form: digitlab.plot_saliency(
        form(IMAGES[0]), form(POINTS[:14].reshape(28, 2) @ POINTS[:14].reshape(2, 28))
    ),
    "embedding": lambda form: digitlab.plot_embedding(
        form(POINTS), form(LABELS), marked=form(POINTS[:2]), names=["a", "b"]
    ),
}


def content(figure):
    """The numbers and texts that a figure shows."""
    numbers = []
    for ax in figure.axes:
        numbers += [np.asarray(image.get_array()) for image in ax.images]
        numbers += [line.get_xydata() for line in ax.lines]
        numbers += [bar.get_height() for bar in ax.patches]
        numbers += [group.get_offsets() for group in ax.collections if len(group.get_offsets())]
    return numbers, [text.get_text() for text in figure.findobj(Text)]


@cache
def drawn_from_arrays(plot):
    PLOTS[plot](np.asarray)
    return content(plt.gcf())


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("plot", PLOTS)
def test_a_plot_shows_rows_in_their_order(plot, form):
    expected = drawn_from_arrays(plot)
    PLOTS[plot](FORMS[form])
    numbers, text = content(plt.gcf())
    assert text == expected[1]
    for got, wanted in zip(numbers, expected[0], strict=True):
        np.testing.assert_array_equal(got, wanted)


def test_what_a_table_misses_was_rejected():
    read = [3, None, 4]
    wanted = content(digitlab.plot_confusion([3, 3, 4], read).figure)[1]
    for missing in (
        pd.Series(read, [2, 0, 1]),  # here None becomes NaN
        pd.Series(read, [2, 0, 1], dtype="Int64"),  # and here pandas.NA
        pd.array(read, dtype="Int64"),
        pd.Series(read, [2, 0, 1], dtype=object),
        np.array([3, np.nan, 4]),
        (3, np.float32("nan"), np.int8(4)),
    ):
        assert content(digitlab.plot_confusion([3, 3, 4], missing).figure)[1] == wanted


def test_a_history_may_be_a_table():
    frame = pd.DataFrame({"loss": [2.0, 1.0], "val_loss": [3.0, 2.0]}, index=[7, 3])
    ax = digitlab.plot_history(frame, metric="loss")
    assert [line.get_ydata().tolist() for line in ax.lines] == [[2, 1], [3, 2]]
    with pytest.raises(ValueError, match="metric='accuracy', got one with loss, val_loss"):
        digitlab.plot_history(frame)


def test_a_drawing_may_be_a_column(tmp_path):
    drawing = digitlab.stored_drawing(4)
    column = pd.Series(drawing, index=[5, 0])
    frames = [
        pd.DataFrame(stroke, columns=["x", "y"]).sample(frac=1).sort_index() for stroke in drawing
    ]
    for form in (column, frames, tuple(drawing), [Tensor(stroke) for stroke in drawing]):
        digitlab.save_drawing(tmp_path / "4.json", form)
        for there, here in zip(digitlab.load_drawing(tmp_path / "4.json"), drawing, strict=True):
            np.testing.assert_array_equal(there, here)
        lines = digitlab.plot_drawing(form).lines[::2]
        for line, stroke in zip(lines, drawing, strict=True):
            np.testing.assert_array_equal(line.get_xydata(), stroke)
