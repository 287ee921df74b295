"""A network's answers: its output for images, (n, 10) or (n, 11), and what follows from it."""

from typing import Any

import numpy as np

from digitlab.images import CLASSES, as_array

# Below this probability, `predict` and `predict_images` look again. Thresholds from 0.8 to 1 gave
# the same accuracy, and only 1 to 3 of 100 digits are below 0.9.
LOOK_AGAIN_BELOW = 0.9

# Where the eleventh class has a probability above this, a drawing is rejected as a non-digit.
REJECT_ABOVE = 0.5


def checked_answers(answers: Any, count: int) -> np.ndarray:
    """Return a network's answers to `count` images as an array (n, 10) or (n, 11).

    Raises:
        ValueError: They have another shape, or are not probabilities.
    """
    answers = as_array(answers, "the network to answer with probabilities")
    if answers.shape not in ((count, CLASSES), (count, CLASSES + 1)):
        raise ValueError(
            f"expected the network to answer with shape ({count}, {CLASSES}) or "
            f"({count}, {CLASSES + 1}), got {answers.shape}"
        )
    # NaN is neither at least 0 nor close to 1.
    if not (answers.min() >= 0 and np.abs(answers.sum(axis=1) - 1).max() < 0.01):
        raise ValueError(
            "expected the network to answer with probabilities that sum to 1, got "
            f"{np.array2string(answers[0], precision=3)}; does it end in a softmax?"
        )
    return answers


def digit_probabilities(answers: np.ndarray) -> np.ndarray:
    """Return probabilities (n, 10) float32, given a digit, from answers (n, 10) or (n, 11)."""
    # Slightly above 0, so that they sum to 1 even if the network is certain of a non-digit.
    digits = answers[:, :CLASSES].astype(np.float64) + 1e-12
    return (digits / digits.sum(axis=1, keepdims=True)).astype(np.float32)


def is_non_digit(answers: np.ndarray) -> np.ndarray:
    """Tell which answers (n, 10) or (n, 11) are those of non-digits: (n,) bool."""
    return answers[:, CLASSES:].sum(axis=1) > REJECT_ABOVE


def combine_looks(answers: np.ndarray) -> np.ndarray:
    """Combine a network's answers to the same drawings, turned by different angles.

    A turned digit looks like itself at one angle and like nothing in particular at the others. So
    each digit gets the largest probability that any look gives it, and the non-digit the mean,
    before all are scaled to sum to 1. A drawing that each look takes for another digit is therefore
    less likely to be rejected.

    Args:
        answers: (looks, n, 10) or (looks, n, 11), probabilities.

    Returns:
        (n, 10) or (n, 11) float64, each row sums to 1.
    """
    digits, non_digit = answers[..., :CLASSES], answers[..., CLASSES:]
    largest = digits.max(axis=0).astype(np.float64)
    combined = np.concatenate([largest, non_digit.mean(axis=0)], axis=1)
    return combined / combined.sum(axis=1, keepdims=True)
