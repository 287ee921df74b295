"""Accuracy on people's digits, and how many non-digits are rejected.

`benchmarks.data` says what is read. The shipped network has learned from people's digits, so each
of them is read by a network that has not seen its contributor: see `models.train.without`.
"""

import os
from collections.abc import Callable
from functools import cache

import numpy as np
from PIL import Image

from benchmarks.data import PEN, SEED, mnist, non_digits, people, placed, screenshot, turned
from benchmarks.tables import Table
from benchmarks.unconfirmed import UNCONFIRMED
from digitlab import Recognizer, load_people, load_recognizer, normalize_image
from models.train import without

Without = Callable[[str], Recognizer]  # contributor's name -> network that has not seen it


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
