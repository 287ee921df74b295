"""Augmentation of pixels: digits turned and stretched as they are, and images of noise."""

from dataclasses import replace

import keras
import numpy as np
from PIL import Image

from digitlab.images import CENTRE, SIZE
from digitlab.training.rendering import random_matrices
from digitlab.training.settings import Augmentation


def transform_images(
    images: np.ndarray, settings: Augmentation, rng: np.random.Generator
) -> np.ndarray:
    """Turn, stretch, slant and shift most images (n, 28, 28) uint8: float32 in [0, 1]."""
    n = len(images)
    pixels = images.astype(np.float32) / 255
    if n == 0:
        return pixels
    # Half as much as for lines, because these are not scaled and centred afterwards.
    half = replace(
        settings,
        rotation=settings.rotation / 2,
        stretch=settings.stretch / 2,
        shear=settings.shear / 2,
    )
    inverse = np.linalg.inv(
        random_matrices(n, half, rng)
        * np.exp(rng.uniform(-settings.scale, settings.scale, (n, 1, 1)))
    )
    shift = rng.uniform(-1.5, 1.5, (n, 2)) * settings.shift
    # Moved images are blurred a little; some must stay sharp, as people's digits are.
    untouched = rng.random(n) < settings.untouched
    inverse[untouched], shift[untouched] = np.eye(2), 0
    offset = CENTRE - np.einsum("nij,nj->ni", inverse, CENTRE + shift)
    # One row for each image: coefficients of the x, then the y, at which a pixel is sampled.
    rows = np.concatenate([inverse, offset[:, :, None]], 2).reshape(n, 6)
    rows = np.concatenate([rows, np.zeros((n, 2))], 1).astype(np.float32)
    moved = keras.ops.image.affine_transform(
        pixels[..., None], rows, interpolation="bilinear", data_format="channels_last"
    )
    return keras.ops.convert_to_numpy(moved)[..., 0]


def make_noise(n: int, rng: np.random.Generator) -> np.ndarray:
    """Make images (n, 28, 28) float32 in [0, 1] of specks and clouds."""
    images = np.zeros((n, SIZE, SIZE), np.float32)
    for image in images:
        grain = int(rng.choice([1, 2, 3, 5]))
        small = rng.random((SIZE // grain + 1,) * 2, np.float32)
        field = Image.fromarray(small).resize((SIZE, SIZE), Image.Resampling.BICUBIC)
        image[:] = np.clip((np.asarray(field) - rng.uniform(0.2, 0.7)) * rng.uniform(1, 6), 0, 1)
        if rng.random() < 0.5:  # in the middle, as a digit would be
            image[:4] = image[-4:] = image[:, :4] = image[:, -4:] = 0
    return images
