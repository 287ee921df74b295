"""Make digitlab/assets/sample_digits.npz: scikit-learn's digits, in MNIST's geometry.

scikit-learn has 1,797 digits of 8 x 8 pixels. They were bitmaps of 32 x 32, and a pixel's value is
the number of black dots in a block of 4 x 4. Only the places of the dots within a block are
unknown, so:

1. `bitmap` finds a bitmap of 32 x 32 with exactly these counts and smooth outlines;
2. `thin` makes its strokes thinner, because they look like a felt pen's, not like MNIST's;
3. `digitlab.normalize_image` crops it, scales the longer side to 20 pixels, and centres its mass.

Run this from the repository's root. After `make check`, scikit-learn is in .venv/optional:

    export PYTHONPATH=.venv/optional
    .venv/bin/python scripts/make_sample.py  # writes the file
    .venv/bin/python scripts/make_sample.py --picture sheet.png  # and a picture of it beside MNIST
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from scipy import ndimage
from sklearn.datasets import load_digits as load_sklearn_digits

from digitlab import load_digits, normalize_image

SAMPLE = Path(__file__).parents[1] / "digitlab" / "assets" / "sample_digits.npz"

BLOCK = 4  # dots: the side of the block whose dots a pixel counts
ROUNDS = 4  # of smoothing the outline; nothing changes after the second round
ENLARGE = 4  # times, so that strokes can be thinned by less than a dot

# The share of a stroke's width that is kept. With 0.75, a stroke is 2.9 pixels wide and the mean
# pixel is 0.126; in MNIST, they are 2.6 and 0.131. Thinner strokes begin to break.
STROKE = 0.75

TEST_PART = 5  # every fifth digit of each class goes to the test part
SEED = 0


def bitmap(counts: np.ndarray) -> np.ndarray:
    """Find a bitmap with smooth outlines that has these counts of dots in its blocks.

    Args:
        counts: (8, 8), integers 0 to 16.

    Returns:
        (40, 40) float32, 0 or 1: the digit within 32 x 32, and a block of paper on each side.
    """
    counts = np.pad(np.asarray(counts, int), 1)  # (10, 10)
    side = len(counts)
    soft = Image.fromarray((counts / BLOCK**2).astype(np.float32))
    likely = np.asarray(soft.resize((BLOCK * side,) * 2, Image.Resampling.BICUBIC))  # (40, 40)
    for _ in range(ROUNDS):
        # In each block, the `count` likeliest dots become black: those with black neighbours.
        blocks = likely.reshape(side, BLOCK, side, BLOCK).swapaxes(1, 2).reshape(side, side, -1)
        rank = (-blocks).argsort(-1, kind="stable").argsort(-1, kind="stable")  # (10, 10, 16)
        black = (rank < counts[:, :, None]).reshape(side, side, BLOCK, BLOCK)
        dots = black.swapaxes(1, 2).reshape(likely.shape).astype(np.float32)  # (40, 40)
        likely = ndimage.gaussian_filter(dots, 1.0)
    return dots


def thin(dots: np.ndarray) -> np.ndarray:
    """Smooth a bitmap and make its strokes thinner in proportion, so that none breaks.

    Args:
        dots: (40, 40) float32, 0 or 1.

    Returns:
        (160, 160) float32, 0 or 1.
    """
    soft = Image.fromarray(ndimage.gaussian_filter(dots, 1.0))
    ink = np.asarray(soft.resize((ENLARGE * len(dots),) * 2, Image.Resampling.BICUBIC)) > 0.5
    depth = ndimage.distance_transform_edt(ink)  # distance from the stroke's edge
    half_width = ndimage.maximum_filter(depth, size=2 * int(depth.max()) + 1)
    return (depth > (1 - STROKE) * half_width).astype(np.float32)


def split(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return a stratified split with a fixed seed: indices for training (n,) and test (m,)."""
    # Unlike default_rng's, RandomState's numbers never change between releases.
    order = np.random.RandomState(SEED).permutation(len(labels))
    test = np.zeros(len(labels), bool)
    for digit in range(10):
        of_digit = order[labels[order] == digit]
        test[of_digit[::TEST_PART]] = True
    return order[~test[order]], order[test[order]]


def enlarge(counts: np.ndarray) -> np.ndarray:
    """Turn one of scikit-learn's digits, (8, 8), 0 to 16, into an image (28, 28) uint8."""
    return np.rint(255 * normalize_image(thin(bitmap(counts)))).astype(np.uint8)


def make() -> dict[str, np.ndarray]:
    """Make the sample: x_train, y_train, x_test, y_test as in `digitlab.Digits`."""
    source = load_sklearn_digits()
    x = np.stack([enlarge(counts) for counts in source.images])  # (1797, 28, 28)
    y = source.target.astype(np.uint8)  # (1797,)
    train, test = split(y)
    return {"x_train": x[train], "y_train": y[train], "x_test": x[test], "y_test": y[test]}


def sheet(images: np.ndarray) -> np.ndarray:
    """Lay out 100 images (100, 28, 28) as one of (280, 280)."""
    return images.reshape(10, 10, 28, 28).swapaxes(1, 2).reshape(280, 280)


def main() -> None:
    """Write the sample and, when asked, the picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--picture", type=Path, help="also write a picture of 100 of them beside 100 of MNIST's"
    )
    picture = parser.parse_args().picture
    sample: dict[str, Any] = make()
    SAMPLE.parent.mkdir(exist_ok=True)
    np.savez_compressed(SAMPLE, **sample)
    print(f"{SAMPLE.name}: {SAMPLE.stat().st_size / 1000:.0f} kB")
    if picture:
        mnist = load_digits(sample=False).x_train
        grey = np.full((280, 12), 128, np.uint8)
        both = np.hstack([sheet(sample["x_train"][:100]), grey, sheet(mnist[:100])])
        Image.fromarray(both).resize((2 * both.shape[1], 2 * both.shape[0]), 0).save(picture)


if __name__ == "__main__":
    main()
