"""Accuracy on people's digits, and how many non-digits are rejected.

``DIGITLAB_PEN`` names an npz file of digits that people wrote with pens, as strokes: ``points``
(P, 2); ``stroke_start`` (S + 1,), where stroke j has the points from ``stroke_start[j]`` up to
``stroke_start[j + 1]``; ``drawing_start`` (D + 1,), the same for the strokes of a drawing; and
``label`` (D,). Ours is UNIPEN train_r01_v07, category 1a, of the contributors aga, apa, apb, gmd,
imp, pri, tos and val: 6,615 digits. Nothing here was trained on it.
"""

import os
import statistics
from collections.abc import Callable
from functools import cache

import numpy as np
from PIL import Image, ImageDraw

from benchmarks.doodles_unseen import UNSEEN, unseen
from benchmarks.tables import Table
from digitlab import Digits, Recognizer, normalize_image, render_strokes
from digitlab.training.non_digits import KINDS, doodle
from digitlab.training.pixels import make_noise

SEED = 1_000_003  # of the drawings here: no network was trained with it
PAD, PEN = 280, 0.07 * 280  # pixels: the pad and its pen
EACH = 40  # drawings of each kind of non-digit


@cache
def people() -> tuple[list, np.ndarray]:
    """Drawings by people, each at a random size and place on the pad, and their labels."""
    with np.load(os.environ["DIGITLAB_PEN"]) as file:
        strokes = np.split(file["points"].astype(float), file["stroke_start"][1:-1])
        starts, labels = file["drawing_start"], file["label"]
    drawings = [strokes[a:b] for a, b in zip(starts, starts[1:], strict=False)]
    rng = np.random.default_rng(SEED)
    return [placed(drawing, rng, 0.45, 0.85) for drawing in drawings], labels


def placed(drawing: list, rng: np.random.Generator, least: float, most: float) -> list:
    """The drawing at a random place, its longer side that share of the pad's, at random."""
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
    """As in the article: a pad of 150 pixels and a pen of 10, resized as a whole to 28 x 28."""
    pad = Image.fromarray(screenshot(drawing, 150, 10))
    return np.asarray(pad.resize((28, 28), Image.Resampling.NEAREST), np.float32) / 255


@cache
def pictures(name: str) -> np.ndarray:
    """All people's drawings as images (D, 28, 28), made in one of these ways."""
    drawings, _ = people()
    rng = np.random.default_rng(SEED + 1)
    ways: dict[str, Callable] = {
        "the article's way": as_the_article,
        "strokes": render_strokes,
        "turned by -15 degrees": lambda drawing: render_strokes(turned(drawing, -15)),
        "turned by 15 degrees": lambda drawing: render_strokes(turned(drawing, 15)),
        "15 % of the pad": lambda drawing: render_strokes(placed(drawing, rng, 0.15, 0.15)),
        "100 % of the pad": lambda drawing: render_strokes(placed(drawing, rng, 1, 1)),
        "screenshot": lambda drawing: normalize_image(screenshot(drawing)),
        "screenshot, pen 0.5": lambda drawing: normalize_image(screenshot(drawing, pen=PEN / 2)),
        "screenshot, pen 2": lambda drawing: normalize_image(screenshot(drawing, pen=PEN * 2)),
        "screenshot, 15 % of the pad": lambda drawing: normalize_image(
            screenshot(placed(drawing, rng, 0.15, 0.15), pen=PEN * 0.15 / 0.65)
        ),
    }
    return np.stack([ways[name](drawing) for drawing in drawings])


@cache
def non_digits(x_test_bytes: bytes) -> dict[str, np.ndarray]:
    """Images (n, 28, 28) of non-digits, by group."""
    x_test = np.frombuffer(x_test_bytes, np.uint8).reshape(-1, 28, 28)
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
        "letters, shapes and scribbles": np.stack(
            [render_strokes(doodle(kind, rng)) for kind in KINDS for _ in range(EACH)]
        ),
        "signs never trained on": np.stack(
            [render_strokes(unseen(kind, rng)) for kind in UNSEEN for _ in range(EACH)]
        ),
        "two or three digits at once": np.stack(
            [beside(count) for count in (2, 2, 3) for _ in range(5 * EACH)]
        ),
        "noise, and MNIST's pixels shuffled": np.concatenate(
            [make_noise(5 * EACH, rng), np.stack(shuffled) / np.float32(255)]
        ),
    }


@cache
def normalized(x_test_bytes: bytes) -> np.ndarray:
    """The test set's images through `normalize_image`."""
    x_test = np.frombuffer(x_test_bytes, np.uint8).reshape(-1, 28, 28)
    return np.stack([normalize_image(image) for image in x_test])


def calibration_error(probabilities: np.ndarray, labels: np.ndarray, bins: int = 15) -> float:
    """Expected calibration error: mean distance of confidence from accuracy, over equal bins."""
    confidence, right = probabilities.max(1), probabilities.argmax(1) == labels
    bin_of = np.minimum((confidence * bins).astype(int), bins - 1)
    return sum(
        np.mean(bin_of == b) * abs(right[bin_of == b].mean() - confidence[bin_of == b].mean())
        for b in np.unique(bin_of)
    )


def figures(model: Callable, digits: Digits) -> dict[str, float]:
    """All figures of one network, in percent."""
    recognizer = Recognizer(model)

    def accuracy(images: np.ndarray, labels: np.ndarray, tta: bool = False) -> float:
        return 100 * float(np.mean(recognizer.predict_images(images, tta).argmax(1) == labels))

    def rejected(images: np.ndarray) -> float:
        return 100 * float(np.mean(recognizer.rejects(images)))

    def correct_and_not_rejected(name: str) -> float:
        images, (_, labels) = pictures(name), people()
        right = recognizer.predict_images(images).argmax(1) == labels
        return 100 * float(np.mean(right & ~recognizer.rejects(images)))

    x_test_bytes = digits.x_test.tobytes()
    result = {
        "MNIST test set": accuracy(digits.x_test, digits.y_test),
        "MNIST test set, `tta=True`": accuracy(digits.x_test, digits.y_test, tta=True),
        "the same through `normalize_image`": accuracy(normalized(x_test_bytes), digits.y_test),
    }
    if "DIGITLAB_PEN" in os.environ:
        _, labels = people()
        for name in (
            "the article's way",
            "strokes",
            "turned by -15 degrees",
            "turned by 15 degrees",
            "15 % of the pad",
            "100 % of the pad",
            "screenshot",
            "screenshot, pen 0.5",
            "screenshot, pen 2",
            "screenshot, 15 % of the pad",
        ):
            result[f"unipen-a, {name}"] = accuracy(pictures(name), labels)
        probabilities = recognizer.predict_images(pictures("strokes"))
        result["unipen-a, calibration error (15 bins)"] = 100 * calibration_error(
            probabilities, labels
        )
        result["unipen-a, rejected"] = rejected(pictures("strokes"))
        result["unipen-a, correct and not rejected"] = correct_and_not_rejected("strokes")
        for name in ("turned by 15 degrees", "screenshot, pen 0.5", "screenshot, pen 2"):
            result[f"unipen-a, {name}, correct and not rejected"] = correct_and_not_rejected(name)
    groups = non_digits(x_test_bytes)
    for name, images in groups.items():
        result[f"rejected: {name}"] = rejected(images)
    result["rejected: all of these"] = rejected(np.concatenate(list(groups.values())))
    return result


def table(article: Callable, ours: list[Callable], digits: Digits) -> Table:
    """Compare the article's network with ours: mean and standard deviation over the seeds."""
    theirs, all_ours = figures(article, digits), [figures(model, digits) for model in ours]
    rows = []
    for name, value in theirs.items():
        values = [result[name] for result in all_ours]
        # A network without an eleventh class rejects nothing.
        theirs_text = "never" if "rejected" in name else f"{value:.2f}"
        spread = f" ({statistics.stdev(values):.2f})" if len(values) > 1 else ""
        each = ", ".join(f"{value:.2f}" for value in values)
        rows.append([name, theirs_text, each, f"{statistics.mean(values):.2f}{spread}"])
    columns = ["%", "article_cnn", "digits_cnn, each seed", "mean (sd)"]
    return {"columns": columns, "rows": rows}
