"""What the benchmarks read: people's digits on a pad, MNIST, and non-digits.

People's digits are those of `digitlab.training.people`. All random choices are seeded, so each
benchmark reads the same drawings.
"""

from functools import cache

import numpy as np
from PIL import Image, ImageDraw

from benchmarks.doodles_unseen import UNSEEN, unseen
from digitlab import Digits, load_digits, load_people, normalize_image
from digitlab.training.non_digits import KINDS, doodle
from digitlab.training.pixels import make_noise

SEED = 1_000_003  # for the drawings here; no network was trained with it
PAD, PEN = 280, 0.07 * 280  # pixels: the pad and its pen
EACH = 40  # drawings of each kind of non-digit


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
    draw_ink(picture, [stroke * finer * side / PAD for stroke in drawing], pen * finer)
    return np.asarray(picture.reduce(finer))


def draw_ink(picture: Image.Image, strokes: list, pen: float) -> None:
    """Draw strokes in white with a round pen; both in the picture's pixels."""
    draw, radius = ImageDraw.Draw(picture), pen / 2
    for stroke in strokes:
        draw.line(stroke.ravel().tolist(), 255, max(1, round(pen)))
        for x, y in stroke:
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), 255)


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
