"""The digits of a class, loaded from the files that its pads wrote."""

import numpy as np
import pytest

import digitlab
from digitlab import load_drawings, render_strokes, save_drawing, stored_drawing


def as_kept(drawing):
    return (255 * render_strokes(drawing)).round().astype(np.uint8)


def test_files_of_both_kinds_come_together(tmp_path):
    hand = digitlab.load_recognizer().adapt([stored_drawing(3), stored_drawing(9)], [3, 8])
    hand.save(tmp_path / "ada.json")
    hand.save(tmp_path / "ben" / "mine.json")
    save_drawing(tmp_path / "ben" / "7b.json", stored_drawing(7, size=100), size=100)
    (tmp_path / "ben" / "notes.txt").write_text("not a drawing")
    (tmp_path / "ben" / "._7b.json").write_bytes(b"\0\5\26")  # written by macOS
    hand.save(tmp_path / ".ipynb_checkpoints" / "ada.json")
    ours = load_drawings(tmp_path)
    assert ours.labels.tolist() == [3, 8, 7, 3, 8]
    assert ours.writers.tolist() == ["ada", "ada", "ben", "ben", "ben"]
    for image, digit in zip(ours.images, (3, 9, 7, 3, 9), strict=True):
        np.testing.assert_array_equal(image, as_kept(stored_drawing(digit)))
    assert ours.of("ada").labels.tolist() == [3, 8] and len(ours.of("ada").images) == 2


def test_the_first_folder_is_the_writers(tmp_path):
    """However the files came there: in folders of theirs, by links, or from a Mac or Windows."""
    names = "ada/monday/7.json", "ben/monday/4 (1).JSON", "jose\u0301/1.json", "../pool/x99/9.json"
    for name in names:
        save_drawing(tmp_path / "class" / name, stored_drawing(int(name.split("/")[-1][0])))
    hand = digitlab.load_recognizer().adapt([stored_drawing(3)], [3])
    hand.save(tmp_path / "pool" / "x99" / "mine.json")
    (tmp_path / "class" / "cleo").symlink_to(tmp_path / "pool" / "x99")
    hand.save(tmp_path / "class" / "jos\u00e9.json")
    path = tmp_path / "class" / "ada" / "monday" / "7.json"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())  # as some editors save it
    ours = load_drawings(tmp_path / "class")
    assert set(ours.writers.tolist()) == {"ada", "ben", "cleo", "jos\u00e9"}
    assert ours.of("jose\u0301").labels.tolist() == [1, 3]
    assert ours.of("cleo").labels.tolist() == [9, 3]
    with pytest.raises(ValueError, match="expected one of .*'ada', .* got 'Ada'"):
        ours.of("Ada")
    with pytest.raises(ValueError, match="expected one of .*'ada', .* got 3"):
        ours.of(3)


def test_a_folder_that_is_missing(tmp_path):
    with pytest.raises(NotADirectoryError, match="expected a folder of drawings, found none at"):
        load_drawings(tmp_path / "class")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("ada/seven.json", None, "begin with the one digit"),
        ("ada/42.json", None, "begin with the one digit"),
        ("ada/2026-11-28 7.json", None, "begin with the one digit"),
        ("ada/7.json", "{", "to be a drawing, as .* but it cannot be read"),
        ("ada.json", '{"format": "digitlab hand", "version": 1}', "the examples of a hand"),
        (
            "ada/7.json",
            '{"format": "digitlab drawing", "version": 1, "size": 9, "strokes": []}',
            "empty",
        ),
        ("ada/7.txt", "nothing else", "found none"),
    ],
)
def test_a_bad_file_is_named(tmp_path, name, content, message):
    path = tmp_path / name
    save_drawing(path, stored_drawing(7))
    if content is not None:
        path.write_text(content)
    with pytest.raises(ValueError, match=message) as error:
        load_drawings(tmp_path)
    assert "\n" not in str(error.value)
    assert str(path if path.suffix == ".json" else tmp_path) in str(error.value)


def test_all_bad_files_are_named(tmp_path):
    for name in ("ada/seven.json", "ben/7.json", "cleo/10.json"):
        save_drawing(tmp_path / name, stored_drawing(7))
    with pytest.raises(ValueError) as error:
        load_drawings(tmp_path)
    one, other = str(error.value).splitlines()
    assert "seven.json" in one and "10.json" in other
