"""Accuracy on people's digits, and how many non-digits are rejected.

People's digits are those of `digitlab.training.people`. The shipped network has learned from them,
so each digit is read by a network that has not seen its contributor: see `models.train.without`.
"""

import os
from collections.abc import Callable
from functools import cache

import numpy as np
from PIL import Image, ImageDraw

from benchmarks.doodles_unseen import UNSEEN, unseen
from benchmarks.tables import Table
from benchmarks.unconfirmed import UNCONFIRMED
from digitlab import (
    Digits,
    Recognizer,
    load_digits,
    load_people,
    load_recognizer,
    normalize_image,
)
from digitlab.training.non_digits import KINDS, doodle
from digitlab.training.pixels import make_noise
from models.train import without

SEED = 1_000_003  # for the drawings here; no network was trained with it
PAD, PEN = 280, 0.07 * 280  # pixels: the pad and its pen
EACH = 40  # drawings of each kind of non-digit

Without = Callable[[str], Recognizer]  # contributor's name -> network that has not seen it


@cache
def people() -> tuple[list, np.ndarray]:
    """Drawings by people, each at a random size and place on the pad, and their labels."""
    loaded, rng = load_people(), np.random.default_rng(SEED)
    return [placed(drawing, rng, 0.45, 0.85) for drawing in loaded.drawings], loaded.labels


def placed(drawing: list, rng: np.random.Generator, least: float, most: float) -> list:
    """The drawing at a random place, with a longer side of `least` to `most` of the pad's."""
    points = np.concatenate(drawing)
    low, size = points.min(0), np.ptp(points, axis=0)
    scale = PAD * rng.uniform(least, most) / max(size.max(), 1e-9)
    corner = rng.uniform(0, 1, 2) * (PAD - size * scale)
    return [(stroke - low) * scale + corner for stroke in drawing]


def turned(drawing: list, degrees: float) -> list:
    """The drawing turned clockwise about its pad's middle."""
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return [(stroke - PAD / 2) @ turn + PAD / 2 for stroke in drawing]


def screenshot(drawing: list, side: int = PAD, pen: float = PEN) -> np.ndarray:
    """The pad's pixels (side, side) uint8, white ink on black, with a round pen."""
    finer = 2
    picture = Image.new("L", (side * finer, side * finer))
    draw, radius = ImageDraw.Draw(picture), pen * finer / 2
    for stroke in drawing:
        points = stroke * finer * side / PAD
        draw.line(points.ravel().tolist(), fill=255, width=round(2 * radius))
        for x, y in points:
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    return np.asarray(picture.reduce(finer))


def as_the_article(drawing: list) -> np.ndarray:
    """As in the article: a pad of 150 pixels and a pen of 10; the whole pad shrinks to 28 x 28."""
    pad = Image.fromarray(screenshot(drawing, 150, 10))
    return np.asarray(pad.resize((28, 28), Image.Resampling.NEAREST), np.float32) / 255


Way = Callable[[list, np.random.Generator], list | np.ndarray]


def turning(degrees: float) -> Way:
    """The way that turns a drawing by this angle."""
    return lambda drawing, _: turned(drawing, degrees)


# How a person's drawing is changed before it is read: to another drawing, or an image (28, 28).
WAYS: dict[str, Way] = {
    "the article's way": lambda drawing, _: as_the_article(drawing),
    "strokes": lambda drawing, _: drawing,
    **{f"turned by {degrees} degrees": turning(degrees) for degrees in (-30, -15, 15, 30)},
    "15 % of the pad": lambda drawing, rng: placed(drawing, rng, 0.15, 0.15),
    "100 % of the pad": lambda drawing, rng: placed(drawing, rng, 1, 1),
    "screenshot": lambda drawing, _: normalize_image(screenshot(drawing)),
    "screenshot, pen 0.5": lambda drawing, _: normalize_image(screenshot(drawing, pen=PEN / 2)),
    "screenshot, pen 2": lambda drawing, _: normalize_image(screenshot(drawing, pen=PEN * 2)),
    "screenshot, 15 % of the pad": lambda drawing, rng: normalize_image(
        screenshot(placed(drawing, rng, 0.15, 0.15), pen=PEN * 0.15 / 0.65)
    ),
}


@cache
def ready(name: str) -> list:
    """All people's drawings in one of the `WAYS`."""
    rng = np.random.default_rng(SEED + 1)
    return [WAYS[name](drawing, rng) for drawing in people()[0]]


@cache
def mnist() -> Digits:
    """MNIST."""
    return load_digits(sample=False)


@cache
def non_digits() -> dict[str, list]:
    """Drawings, or images (28, 28), of non-digits, by group."""
    x_test = mnist().x_test
    rng = np.random.default_rng(SEED + 2)

    def beside(count: int) -> np.ndarray:
        """Digits of the test set in a row, as a picture."""
        row = [
            np.pad(digit, ((8, 8), (0, 0))) for digit in x_test[rng.integers(10_000, size=count)]
        ]
        row = [np.roll(digit, rng.integers(-5, 6), 0) for digit in row]
        return normalize_image(np.concatenate(row, 1))

    shuffled = [rng.permutation(x_test[i].ravel()).reshape(28, 28) for i in range(5 * EACH)]
    return {
        "letters, shapes and scribbles": [doodle(kind, rng) for kind in KINDS for _ in range(EACH)],
        "signs never trained on": [unseen(kind, rng) for kind in UNSEEN for _ in range(EACH)],
        "two or three digits at once": [
            beside(count) for count in (2, 2, 3) for _ in range(5 * EACH)
        ],
        "noise, and MNIST's pixels shuffled": [*make_noise(5 * EACH, rng), *shuffled],
    }


@cache
def normalized() -> np.ndarray:
    """The images of MNIST's test set through `normalize_image`."""
    return np.stack([normalize_image(image) for image in mnist().x_test])


def calibration_error(probabilities: np.ndarray, labels: np.ndarray, bins: int = 15) -> float:
    """Expected calibration error: mean gap between confidence and accuracy, over equal bins."""
    confidence, right = probabilities.max(1), probabilities.argmax(1) == labels
    bin_of = np.minimum((confidence * bins).astype(int), bins - 1)
    return sum(
        np.mean(bin_of == b) * abs(right[bin_of == b].mean() - confidence[bin_of == b].mean())
        for b in np.unique(bin_of)
    )


def figures(model: Callable, of_people: Without | None) -> dict[str, float]:
    """All figures of one network, in percent.

    Args:
        model: The network.
        of_people: Returns, for a contributor's name, the recognizer that reads that contributor's
            digits: it was trained like the network, but only on the digits of others. If None, the
            network itself reads all.
    """
    recognizer = Recognizer(model)

    def accuracy(images: np.ndarray, labels: np.ndarray, tta: bool = False) -> float:
        return 100 * float(np.mean(recognizer.predict_images(images, tta).argmax(1) == labels))

    digits = mnist()
    result = {
        "MNIST test set": accuracy(digits.x_test, digits.y_test),
        "MNIST test set, `tta=True`": accuracy(digits.x_test, digits.y_test, tta=True),
        "the same through `normalize_image`": accuracy(normalized(), digits.y_test),
    }
    if "DIGITLAB_PEN" in os.environ:
        labels = people()[1]
        for name in WAYS:
            probabilities, rejected = read_people(name, of_people or (lambda _: recognizer))
            right = probabilities.argmax(1) == labels
            result[f"unipen-a, {name}"] = 100 * float(right.mean())
            accepted = right & ~rejected
            if name != "strokes":
                key = f"unipen-a, {name}, correct and not rejected"
                result[key] = 100 * float(accepted.mean())
                continue
            error = calibration_error(probabilities, labels)
            result["unipen-a, calibration error (15 bins)"] = 100 * error
            result["unipen-a, rejected"] = 100 * float(rejected.mean())
            result["unipen-a, correct and not rejected"] = 100 * float(accepted.mean())
            confirmed = np.delete(accepted, list(UNCONFIRMED))
            result["unipen-a, the same, of confirmed labels"] = 100 * float(confirmed.mean())
    groups = {
        name: [read_one(recognizer, item)[1] for item in items]
        for name, items in non_digits().items()
    }
    groups["all of these"] = [rejected for group in groups.values() for rejected in group]
    for name, rejections in groups.items():
        result[f"rejected: {name}"] = 100 * float(np.mean(rejections))
    return result


def read_people(name: str, of_people: Without) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of people's digits (n, 10), and which are rejected (n,)."""
    contributors = load_people().contributors
    answers = [
        read_one(of_people(contributor), item)
        for item, contributor in zip(ready(name), contributors, strict=True)
    ]
    probabilities, rejected = zip(*answers, strict=True)
    return np.stack(probabilities), np.array(rejected)


def read_one(recognizer: Recognizer, item: list | np.ndarray) -> tuple[np.ndarray, bool]:
    """Probabilities (10,) of a drawing or an image (28, 28), and whether it is rejected."""
    if isinstance(item, list):
        prediction = recognizer.predict(item)
        return prediction.probabilities, prediction.digit is None
    return recognizer.predict_images(item[None])[0], bool(recognizer.rejects(item[None])[0])


def table(article: Callable) -> Table:
    """Compare the article's network with the shipped one."""
    ours = figures(load_recognizer().model, without)
    rows = []
    for name, value in figures(article, None).items():
        theirs = f"{value:.2f}"
        if "rejected" in name:  # a network without an eleventh class rejects nothing
            theirs = "\u2013" if name.endswith("not rejected") else "never"
        rows.append([name, theirs, f"{ours[name]:.2f}"])
    return {"columns": ["%", "article_cnn", "digits_cnn"], "rows": rows}
