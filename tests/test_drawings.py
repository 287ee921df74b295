"""The stored drawings are read as their digits, and saved files keep every point."""

import json

import numpy as np
import pytest

from digitlab import load_drawing, load_recognizer, save_drawing, stored_drawing


@pytest.mark.parametrize("digit", range(10))
def test_each_stored_drawing_is_read_as_its_digit(digit):
    drawing = stored_drawing(digit)
    points = np.concatenate(drawing)
    assert points.min() >= 0 and points.max() <= 280
    prediction = load_recognizer().predict(drawing)
    assert (prediction.digit, prediction.confidence > 0.9) == (digit, True)
    for small, large in zip(stored_drawing(digit, size=28), drawing, strict=True):
        np.testing.assert_allclose(small, large / 10)


@pytest.mark.parametrize("digit", [10, -1, 1.5, "5", None, True])
def test_other_digits_are_rejected(digit):
    with pytest.raises(ValueError, match="digit from 0 to 9"):
        stored_drawing(digit)


def test_files_keep_every_point(tmp_path):
    path = tmp_path / "new" / "five.json"
    drawing = [stroke + 1 / 3 for stroke in stored_drawing(5)]
    save_drawing(path, drawing)
    for there, here in zip(load_drawing(path), drawing, strict=True):
        np.testing.assert_array_equal(there, here)
    for there, here in zip(load_drawing(path, size=28), drawing, strict=True):
        np.testing.assert_allclose(there, here / 10)
    assert json.loads(path.read_text()) == {
        "format": "digitlab drawing",
        "version": 1,
        "size": 280,
        "strokes": [stroke.tolist() for stroke in drawing],
    }
    save_drawing(path, [], size=np.int64(280))
    assert load_drawing(path) == []
    assert [file.name for file in path.parent.iterdir()] == ["five.json"]


def test_a_bad_drawing_leaves_the_file_as_it_was(tmp_path):
    path = tmp_path / "five.json"
    save_drawing(path, stored_drawing(5))
    before = path.read_bytes()
    with pytest.raises(ValueError, match="stroke 0 holds NaN"):
        save_drawing(path, [[[np.nan, 1]]])
    for size in (0, np.nan, "280", True, 10**400):
        with pytest.raises(ValueError, match="size to be a number of pixels above 0"):
            save_drawing(path, stored_drawing(3), size=size)
    assert path.read_bytes() == before


HEAD = '{"format": "digitlab drawing", "version": 1, '


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "it cannot be read"),
        (b"\xff\xfe", "it cannot be read"),
        (b"[]", "digitlab.save_drawing writes"),
        (b'{"format": "other", "version": 1}', "digitlab.save_drawing writes"),
        (HEAD.replace("1", "2").encode() + b'"size": 280, "strokes": []}', '"version": 1'),
        (HEAD.encode() + b'"strokes": []}', '"size" .* above 0, got None'),
        (HEAD.encode() + b'"size": 0, "strokes": []}', '"size" .* above 0, got 0'),
        (HEAD.encode() + b'"size": NaN, "strokes": []}', '"size" .* above 0, got nan'),
        (HEAD.encode() + b'"size": 280}', '"strokes" .* list of strokes'),
        (HEAD.encode() + b'"size": 280, "strokes": [[1, 2]]}', "stroke 0 to have shape"),
        (HEAD.encode() + b'"size": 280, "strokes": [[["a", 2]]]}', "stroke 0 to be numbers"),
        (HEAD.encode() + b'"size": 280, "strokes": [[[NaN, 2]]]}', "stroke 0 holds NaN"),
        (b"[" * 100_000, "it cannot be read"),
    ],
)
def test_other_files_are_rejected(tmp_path, content, message):
    path = tmp_path / "drawing.json"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message) as error:
        load_drawing(path)
    assert "drawing.json" in str(error.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nothing.json"):
        load_drawing(tmp_path / "nothing.json")


def test_drawings_are_copies(tmp_path):
    """Changing one in place changes neither the stored drawings nor a saved one."""
    before = [stroke.copy() for stroke in stored_drawing(5)]
    for stroke in stored_drawing(5):
        stroke[:] = 0
    for stroke, kept in zip(stored_drawing(5), before, strict=True):
        np.testing.assert_array_equal(stroke, kept)
    save_drawing(tmp_path / "5.json", before)
    first, second = load_drawing(tmp_path / "5.json"), load_drawing(tmp_path / "5.json")
    for stroke in first:
        stroke[:] = 0
    for stroke, kept in zip(second, before, strict=True):
        np.testing.assert_array_equal(stroke, kept)
