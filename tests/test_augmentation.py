"""Augmentation: what it draws, the effect of each setting, and that a seed repeats it."""

import dataclasses

import numpy as np
import pytest

from digitlab import (
    Augmentation,
    Digits,
    People,
    TrainConfig,
    augment_digits,
    digits_cnn,
    doodle,
    pen_cnn,
    stored_drawing,
    train,
)
from digitlab.images import CENTRE, PEN_WIDTH, centre_of_mass
from digitlab.strokes import render_strokes
from digitlab.training.augmentation import NON_DIGIT, AugmentedDigits
from digitlab.training.handwriting import vary_style
from digitlab.training.lines import sample_drawing, thin
from digitlab.training.non_digits import KINDS, LETTERS, SHAPES
from digitlab.training.pixels import make_noise
from digitlab.training.rendering import draw_and_thin, draw_lines

NOTHING = Augmentation(**{field.name: 0.0 for field in dataclasses.fields(Augmentation)})


@pytest.fixture(scope="module")
def few(mnist):
    return mnist.x_train[:300], mnist.y_train[:300]


def batches(few, augmentation=None, seed=0, non_digits=True, people=None):
    images, labels = few
    settings = augmentation or Augmentation()
    return AugmentedDigits(images, labels, settings, 64, seed, non_digits, people=people)


def test_an_epoch_has_every_digit_once_plus_non_digits(few):
    data = batches(few)
    parts = [data[index] for index in range(len(data))]
    assert len(parts) == 5
    images = np.concatenate([images for images, _ in parts])
    labels = np.concatenate([labels for _, labels in parts])
    assert images.shape[1:] == (28, 28, 1) and images.dtype == np.float32
    assert images.min() >= 0 and images.max() <= 1
    assert images.max((1, 2, 3)).min() > 0.1  # no image is empty
    counts = np.bincount(labels, minlength=11)
    np.testing.assert_array_equal(counts[:10], np.bincount(few[1], minlength=10))
    assert 10 < counts[NON_DIGIT] < 80  # 10 % of 300 is 30


def test_a_network_of_ten_gets_digits_alone(few):
    data = batches(few, non_digits=False)
    assert max(data[index][1].max() for index in range(len(data))) == 9


def test_a_seed_repeats_it_and_an_epoch_does_not(few):
    data, again, other = batches(few), batches(few), batches(few, seed=1)
    first = data[3][0]
    again[0]  # the order in which batches are read does not matter
    np.testing.assert_array_equal(first, again[3][0])
    assert first.shape != other[3][0].shape or (first != other[3][0]).any()
    data.on_epoch_end()
    assert first.shape != data[3][0].shape or (first != data[3][0]).any()


def test_without_any_of_it_the_digits_stay_as_they_are(few):
    data = batches(few, NOTHING)
    images, labels = data[0]
    chosen = data.order[:64]
    np.testing.assert_array_equal(labels, few[1][chosen])
    # Nothing is turned or shifted; sizes differ by up to a tenth.
    change = np.abs(images[..., 0] - few[0][chosen] / 255).mean((1, 2))
    assert np.median(change) < 0.05


def test_augmented_digits_come_in_the_order_of_the_plain_ones(few):
    images, labels = few
    drawn = augment_digits(images, labels)
    assert drawn.shape == (300, 28, 28) and drawn.dtype == np.float32
    change = np.abs(drawn[:, None] - images / 255).mean((2, 3))  # (300, 300)
    own_place = (change.argsort(axis=1) == np.arange(300)[:, None]).argmax(axis=1)
    assert np.median(own_place) < 3  # of 300
    assert (
        0.1 < (change.diagonal() < 1e-6).mean() < 0.2
    )  # half of them are redrawn, and 0.3 of the rest are untouched


def test_augmented_digits_are_those_of_the_training(few):
    """All in one batch, drawn as `train` draws them."""
    images, labels = few
    plain = Augmentation(redrawn=0, untouched=1)
    np.testing.assert_allclose(augment_digits(images, labels, plain), images / 255, atol=1e-6)
    np.testing.assert_array_equal(
        augment_digits(images, labels, seed=1), augment_digits(images, labels, seed=1)
    )
    assert (augment_digits(images, labels, seed=1) != augment_digits(images, labels)).any()
    many = np.tile(images, (10, 1, 1))  # more than are drawn at a time
    np.testing.assert_allclose(
        augment_digits(many, np.tile(labels, 10), plain), many / 255, atol=1e-6
    )
    with pytest.raises(TypeError, match="expected an Augmentation, got int"):
        augment_digits(images, labels, 5)
    for seed in (None, 1.5, -1):
        with pytest.raises(ValueError, match="expected seed to be a whole number, at least 0, got"):
            augment_digits(images, labels, seed=seed)
    bare = dataclasses.replace(NOTHING, redrawn=1)
    styled = dataclasses.replace(bare, styles=1)
    zeros = images[labels == 0]
    for label, changed in ((0, True), (3, False)):  # a three has no other style
        named = [label] * len(zeros)
        change = augment_digits(zeros, named, styled) - augment_digits(zeros, named, bare)
        assert (np.abs(change).max((1, 2)) > 0.5).all() == changed, label


def test_some_digits_are_left_alone(few):
    data = batches(few, Augmentation(redrawn=0, untouched=0.3, non_digits=0))
    same = [
        np.abs(data[index][0][..., 0] - few[0][data.order[64 * index :][:64]] / 255).max((1, 2))
        < 1e-6
        for index in range(len(data))
    ]
    assert 0.2 < np.concatenate(same).mean() < 0.4


@pytest.mark.parametrize("setting", [field.name for field in dataclasses.fields(Augmentation)])
def test_every_setting_does_something(few, setting):
    without = dataclasses.replace(Augmentation(), **{setting: 0.0})
    people = People([stored_drawing(3)], np.array([3]), np.array(["ada"]), np.array([0]))
    images, other = (batches(few, of, people=people)[0][0] for of in (None, without))
    assert images.shape != other.shape or np.abs(images - other).max() > 0.1


def test_a_thinned_digit_drawn_again_is_the_digit(few):
    images, _ = few
    points, starts = thin(images)
    assert points.shape == (starts[-1], 2) and len(starts) == 301
    lines = [points[a:b] for a, b in zip(starts, starts[1:], strict=False)]
    drawn = draw_lines(lines, NOTHING, np.random.default_rng(0))
    away = [np.abs(centre_of_mass(image) - CENTRE).max() for image in drawn]
    assert np.median(away) < 0.3 and max(away) < 1.5
    overlap = np.minimum(drawn, images / 255).sum((1, 2)) / (images / 255).sum((1, 2))
    assert np.median(overlap) > 0.6


def test_lines_are_drawn_as_strokes_are():
    corners = np.array([[0, 0], [0, 20], [15, 20], [0, 0]], float)
    line = sample_drawing([corners])
    (image,) = draw_lines([line], NOTHING, np.random.default_rng(0))
    assert np.abs(image - render_strokes([corners])).mean() < 0.03
    assert image.sum() == pytest.approx(render_strokes([corners]).sum(), rel=0.02)


@pytest.mark.parametrize(
    ("digit", "added"), [(0, True), (1, True), (7, True), (9, True), (3, False)]
)
def test_ways_of_writing(few, digit, added):
    images, labels = few
    points, starts = thin(images[labels == digit])
    settings = dataclasses.replace(NOTHING, styles=1.0)
    rng = np.random.default_rng(0)
    lines = [points[a:b] for a, b in zip(starts, starts[1:], strict=False)]
    if added:
        drawn = draw_lines([vary_style(line, digit, settings, rng) for line in lines], NOTHING, rng)
        changed = np.abs(drawn - draw_lines(lines, NOTHING, rng)).sum((1, 2))  # in inked pixels
        assert np.mean(changed > 10) > 0.75
    else:
        assert all(vary_style(line, digit, settings, rng) is line for line in lines)


def test_what_is_added_lies_on_the_grid_of_thinned_lines(few):
    images, labels = few
    points, starts = thin(images[labels == 7])
    seven = points[: starts[1]]
    settings = dataclasses.replace(NOTHING, styles=1.0)
    barred = vary_style(seven, 7, settings, np.random.default_rng(0))
    assert len(barred) > len(seven)
    letter = sample_drawing(doodle("A", np.random.default_rng(0)))
    for line in (seven, barred, letter, draw_and_thin(letter)):
        places = (line - line[0]) * 3  # the grid is a third of a pixel
        np.testing.assert_allclose(places, places.round(), atol=1e-4)


@pytest.mark.parametrize("kind", [*LETTERS, *SHAPES])
def test_a_traced_doodle_lies_in_the_middle_of_its_ink(kind):
    line = sample_drawing(doodle(kind, np.random.default_rng(0)))
    (image,) = draw_lines([line], NOTHING, np.random.default_rng(0))
    columns, rows = draw_and_thin(line).round().astype(int).T
    assert image[rows, columns].min() > 0.4
    # The line reaches as far as the ink does, less the pen's width.
    ink = np.argwhere(image > 0)[:, ::-1]
    reach = np.ptp(ink, axis=0) - np.ptp(draw_and_thin(line), axis=0)
    assert reach.min() > -1 and reach.max() < 2 * PEN_WIDTH


def test_a_traced_point_stays_a_point():
    np.testing.assert_allclose(np.ptp(draw_and_thin(np.zeros((1, 2))), axis=0), 0, atol=1)


def test_the_bar_of_a_five_comes_off(few):
    images, labels = few
    points, starts = thin(images[labels == 5])
    settings = dataclasses.replace(NOTHING, styles=1.0)
    rng = np.random.default_rng(0)
    for a, b in zip(starts, starts[1:], strict=False):
        line = points[a:b]
        drawn = vary_style(line, 5, settings, rng)
        assert len(drawn) == len(line)
        stays = (drawn[:, None] == line).all(2).any(1)
        assert 0.5 < stays.mean() < 1
        assert line[:, 1].min() - 3 <= drawn[~stays, 1].mean() <= np.median(line[:, 1])


def test_pens_are_as_wide_as_they_should_be():
    line = np.stack([np.zeros(100), np.linspace(0, 20, 100)], 1)
    images = draw_lines(
        [line] * 300, dataclasses.replace(NOTHING, pen=0.6), np.random.default_rng(0)
    )
    widths = images[:, 14].sum(1)  # across the line
    assert PEN_WIDTH * np.exp(-0.6) <= widths.min() < 2.0
    assert 3.5 < widths.max() <= PEN_WIDTH * np.exp(0.6) + 0.1


@pytest.mark.parametrize("kind", KINDS)
def test_doodles_are_drawings_and_differ(kind):
    rng = np.random.default_rng(0)
    one, other = doodle(kind, rng), doodle(kind, rng)
    image = render_strokes(one)
    assert image.any()
    if kind != "dot":
        assert (image != render_strokes(other)).any()


def test_unknown_doodles_are_rejected():
    with pytest.raises(ValueError, match="kind to be one of.*'A'.*got '8'"):
        doodle("8", np.random.default_rng(0))


def test_noise_fills_images():
    images = make_noise(20, np.random.default_rng(0))
    assert images.shape == (20, 28, 28) and images.min() >= 0 and images.max() <= 1
    assert (images.max((1, 2)) > 0).all()


def test_digits_without_a_line_stay_pixels(few):
    images, labels = few[0].copy(), few[1]
    images[::2] = 0
    images[1::20] //= 4  # too pale for thinning to a line
    for seed in range(3):
        for batch, of in batches((images, labels), seed=seed):
            assert np.isfinite(batch).all()
            assert batch.max((1, 2, 3))[of == NON_DIGIT].min() > 0
    everything = Augmentation(redrawn=1, non_digits=1)
    batch, of = batches((np.zeros_like(images), labels), everything)[0]
    assert not batch[of < NON_DIGIT].any() and batch[of == NON_DIGIT].any()


@pytest.mark.parametrize("digit", range(10))
def test_a_flat_line_has_its_ways_of_writing(digit):
    flat = np.stack([np.arange(12.0), np.full(12, 14.0)], 1)
    for seed in range(30):
        line = vary_style(flat, digit, Augmentation(styles=1), np.random.default_rng(seed))
        assert len(line) and np.isfinite(line).all()


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("styles", 1.5),
        ("bend", -1),
        ("redrawn", float("nan")),
        ("shift", float("inf")),
        ("rotation", 181),
        ("pen", 2.5),
    ],
)
def test_bad_settings(setting, value):
    with pytest.raises(ValueError, match=f"expected {setting} from 0 to .*, got {value!r}"):
        Augmentation(**{setting: value})


@pytest.mark.slow
@pytest.mark.parametrize("build", [pen_cnn, digits_cnn])
def test_networks_learn_from_it(few, build):
    images, labels = few
    digits = Digits(images, labels, None, None, "no test digits")
    model = build()
    assert f"{model.count_params():,} parameters" in build.__doc__
    config = TrainConfig(
        epochs=6, batch_size=32, peak_learning_rate=0.01, augmentation=Augmentation()
    )
    history = train(model, digits, config, progress=False).history
    assert len(history["val_loss"]) == 6
    assert history["loss"][-1] < 0.7 * history["loss"][0]
