"""People's digits: the file that they come from, and how they are redrawn for training."""

import numpy as np
import pytest

from digitlab import Augmentation, Digits, TrainConfig, load_recognizer, pen_cnn, train
from digitlab.drawings import stored_drawing
from digitlab.images import as_batch
from digitlab.strokes import render_strokes
from digitlab.training.augmentation import NON_DIGIT, AugmentedDigits
from digitlab.training.people import People, load_people, redraw
from digitlab.training.rendering import draw_lines
from digitlab.training.settings import PLAIN


def people(labels=range(10)):
    labels = np.array(labels)
    names = np.where(labels < 5, "ada", "ben")
    return People([stored_drawing(digit) for digit in labels], labels, names, labels % 3)


def write(path, these, **changes):
    strokes = [stroke for drawing in these.drawings for stroke in drawing]
    ends = np.cumsum([len(drawing) for drawing in these.drawings])
    arrays = {
        "points": np.concatenate(strokes).astype(np.float32),
        "stroke_start": np.cumsum([0, *map(len, strokes)]),
        "drawing_start": np.concatenate([[0], ends]),
        "label": these.labels.astype(np.uint8),
        "source": these.contributors,
        "writer": these.writers,
    }
    np.savez(path, **{name: array for name, array in (arrays | changes).items() if len(array)})


def test_people_come_from_the_file_that_is_named(tmp_path, monkeypatch):
    write(tmp_path / "pen.npz", people())
    monkeypatch.setenv("DIGITLAB_PEN", str(tmp_path / "pen.npz"))
    loaded = load_people()
    assert len(loaded) == 10
    for drawing, digit in zip(loaded.drawings, loaded.labels, strict=True):
        for stroke, expected in zip(drawing, stored_drawing(digit), strict=True):
            np.testing.assert_allclose(stroke, expected, rtol=1e-6)
    bens = loaded[loaded.contributors == "ben"]
    assert bens.labels.tolist() == [5, 6, 7, 8, 9] and bens.writers.tolist() == [2, 0, 1, 2, 0]
    assert len(bens.drawings) == 5 and bens[[4, 0]].labels.tolist() == [9, 5]


def test_without_a_file_it_says_where_there_is_one(tmp_path, monkeypatch):
    monkeypatch.delenv("DIGITLAB_PEN", raising=False)
    with pytest.raises(FileNotFoundError, match=r"DIGITLAB_PEN is not set.*10\.5281/zenodo"):
        load_people()
    with pytest.raises(FileNotFoundError, match=r"found no .*absent.npz.*10\.5281/zenodo"):
        load_people(tmp_path / "absent.npz")


@pytest.mark.parametrize(
    "changes",
    [
        {"label": np.zeros(0)},  # this array is missing
        {"label": np.zeros(3, np.uint8)},
        {"label": np.full(10, 11, np.uint8)},
        {"drawing_start": np.array([0, 0, 3])},
        {"points": np.full((100, 2), np.nan)},
    ],
)
def test_another_file_is_an_error_that_names_it(tmp_path, changes):
    write(tmp_path / "pen.npz", people(), **changes)
    with pytest.raises(ValueError, match=r"pen\.npz"):
        load_people(tmp_path / "pen.npz")
    (tmp_path / "text.npz").write_text("no arrays")
    with pytest.raises(ValueError, match=r"text\.npz"):
        load_people(tmp_path / "text.npz")


def test_a_redrawn_digit_is_another_drawing_of_the_same_digit():
    recognizer = load_recognizer()
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(10), 10)
    lines = [redraw(stored_drawing(digit), rng) for digit in labels]
    images = draw_lines(lines, PLAIN, rng)
    read = recognizer.predict_images(images).argmax(axis=1)
    assert (read == labels).mean() >= 0.97
    originals = np.stack([render_strokes(stored_drawing(digit)) for digit in labels])
    moved = np.abs(images - originals).sum(axis=(1, 2)) / originals.sum(axis=(1, 2))
    assert 0.1 < np.median(moved) < 0.8
    same = np.abs(images[:-1] - images[1:]).sum(axis=(1, 2)) == 0
    assert not same.any()


def test_a_dot_and_a_drawing_without_size_can_be_redrawn():
    rng = np.random.default_rng(0)
    for _ in range(20):
        assert redraw([np.array([[3.0, 4.0]])], rng).shape[1] == 2


def batches(share=0.33, seed=0, of=None):
    images = np.stack([render_strokes(stored_drawing(1))] * 400)
    settings = Augmentation(people=share)
    images = (255 * images).astype(np.uint8)
    return AugmentedDigits(
        images, np.full(400, 1), settings, 200, seed, non_digits=True, people=of or people([7, 7])
    )


def test_people_take_the_place_of_a_share_of_the_digits():
    data = batches()
    images, labels = data[0]
    counts = np.bincount(labels, minlength=11)
    assert counts[1] + counts[7] == 200 and len(images) == counts.sum()
    assert 45 < counts[7] < 90  # 66 of 200 are expected
    assert 5 < counts[NON_DIGIT] < 45  # a tenth
    read = load_recognizer().predict_images(images[..., 0]).argmax(axis=1)
    for digit in (1, 7):
        assert (read[labels == digit] == digit).mean() > 0.9
    assert not (batches(share=0)[0][1] == 7).any()


def test_a_seed_repeats_peoples_digits():
    one, again, other = batches(), batches(), batches(seed=1)
    np.testing.assert_array_equal(one[1][0], again[1][0])
    assert one[1][0].shape != other[1][0].shape or (one[1][0] != other[1][0]).any()


def test_a_network_learns_people():
    images = np.zeros((64, 28, 28), np.uint8)  # nothing to learn from
    digits = Digits(images, np.zeros(64, int), None, None, "paper")
    config = TrainConfig(
        epochs=15, batch_size=64, validation_share=0, augmentation=Augmentation(people=1)
    )
    model = pen_cnn()
    train(model, digits, config, progress=False, people=people())
    drawn = np.stack([render_strokes(stored_drawing(digit)) for digit in range(10)])
    read = model.predict(as_batch(drawn), verbose=0).argmax(axis=1)
    assert (read == np.arange(10)).sum() >= 8


def test_people_need_an_augmentation():
    digits = Digits(np.zeros((2, 28, 28)), [0, 1], None, None, "two")
    with pytest.raises(ValueError, match="an augmentation"):
        train(pen_cnn(), digits, TrainConfig(), progress=False, people=people())


def test_people_that_do_not_belong_together():
    ours = people()
    with pytest.raises(ValueError, match=r"writer for each of 10 drawings, got \(9,\) and \(10,\)"):
        People(ours.drawings, ours.labels, ours.contributors[:9], ours.writers)
    with pytest.raises(ValueError, match="whole numbers from 0 to 9"):
        People(ours.drawings, ours.labels + 5, ours.contributors, ours.writers)
    for drawing, error, message in (
        ([], ValueError, "expected strokes in each drawing, found none in 3"),
        ([[[np.nan, 1]]], ValueError, "finite coordinates, stroke 0"),
        ("3.json", TypeError, "expected a drawing"),
    ):
        drawings = [*ours.drawings[:3], drawing, *ours.drawings[4:]]
        with pytest.raises(error, match=message):
            People(drawings, ours.labels, ours.contributors, ours.writers)
    digits = Digits(np.zeros((50, 28, 28)), np.arange(50) % 10, None, None, "")
    config = TrainConfig(augmentation=Augmentation())
    with pytest.raises(TypeError, match=r"people as load_people\(\) gives them, got list"):
        train(pen_cnn(), digits, config, progress=False, people=ours.drawings)
    with pytest.raises(ValueError, match="got no digits"):
        train(pen_cnn(), digits, config, progress=False, people=ours[np.arange(0)])


def test_people_are_taken_one_by_one_and_shown_in_a_line():
    known = people()
    names: list = ["ada"] * 10
    ours = People(known.drawings, known.labels, names, [3] * 10)
    assert [one.labels.tolist() for one in ours] == [[digit] for digit in range(10)]
    assert repr(ours) == "<People: 10 digits by 1 writers>"


def test_invalid_files_are_rejected(tmp_path):
    np.save(tmp_path / "pen.npy", np.zeros(3))
    (tmp_path / "pen.txt").write_text("ada")
    for name in ("pen.npy", "pen.txt"):
        with pytest.raises(ValueError, match="people's digits in .*: it is not an npz file"):
            load_people(tmp_path / name)
    for changes in ({"drawing_start": np.array(1)}, {"source": np.array("ada")}):
        np.savez(
            tmp_path / "pen.npz",
            **(
                dict(
                    points=np.zeros((2, 2)),
                    stroke_start=[0, 2],
                    drawing_start=[0, 1],
                    label=[3],
                    source=["ada"],
                    writer=[0],
                )
                | changes
            ),
        )
        with pytest.raises(ValueError, match="people's digits in"):
            load_people(tmp_path / "pen.npz")
