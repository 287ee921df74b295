"""Digits and drawings that several tests use."""

import numpy as np

from digitlab import Digits

# A cross that the shipped network takes for a non-digit, and that its writer means as an 8.
CROSS = [np.array([[90.0, 60], [190, 220]]), np.array([[190.0, 60], [110, 220]])]


def stripes(count, test_count=0):
    """Ten classes that any network can learn: a bright row each, under noise."""
    random = np.random.default_rng(0)
    labels = np.arange(count + test_count, dtype=np.uint8) % 10
    images = random.integers(0, 100, (len(labels), 28, 28), dtype=np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[2 * label + 4] = 255
    x_test, y_test = (images[count:], labels[count:]) if test_count else (None, None)
    return Digits(images[:count], labels[:count], x_test, y_test, "stripes")
