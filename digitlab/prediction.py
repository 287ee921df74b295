"""A network's answer about one image, as an object: a digit, or the reason why there is none."""

from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from digitlab.images import CLASSES, as_array

# Below this probability, `predict` and `predict_images` look again. Thresholds from 0.8 to 1 gave
# the same accuracy, and only 1 to 3 of 100 digits are below 0.9.
LOOK_AGAIN_BELOW = 0.9

# Where the eleventh class has a probability above this, a drawing is rejected as a non-digit.
REJECT_ABOVE = 0.5


@dataclass(frozen=True, eq=False)  # comparing arrays gives an array
class Prediction:
    """What a recognizer read.

    Attributes:
        digit: The digit, 0 to 9, or None if there is no digit (see `reason`).
        confidence: The probability of that digit, 0 to 1; 0.0 if there is no digit.
        probabilities: (10,) float32, sums to 1: the probability of each digit, given that there
            is one; all equal without ink.
        image: (28, 28) float32 in [0, 1]: what the network saw, ink 1 on paper 0.

    Both arrays are read-only; ``image.copy()`` can be changed.

    Example:
        >>> recognizer = digitlab.load_recognizer()
        >>> prediction = recognizer.predict(digitlab.stored_drawing(5))
        >>> prediction.digit, prediction.reason, prediction.probabilities.shape
        (5, None, (10,))
        >>> recognizer.predict([]).reason
        'empty'
    """

    digit: int | None
    confidence: float
    probabilities: np.ndarray = field(repr=False)
    image: np.ndarray = field(repr=False)

    def __post_init__(self) -> None:
        for name in ("probabilities", "image"):
            array = np.array(getattr(self, name))  # a copy: the caller may change the original
            array.flags.writeable = False
            object.__setattr__(self, name, array)

    def __reduce__(self) -> tuple[Any, ...]:  # via __init__: pickle makes arrays writable
        return type(self), tuple(getattr(self, each.name) for each in fields(self))

    @property
    def reason(self) -> str | None:
        """Why there is no digit: "empty" without ink, else "not a digit"; None if there is one."""
        if self.digit is not None:
            return None
        return "not a digit" if self.image.any() else "empty"

    def __str__(self) -> str:
        """Say it as a sentence: "I read a 5 (99 %)"."""
        if self.digit is None:
            return "Draw a digit" if self.reason == "empty" else "I see no digit in this"
        article = "an" if self.digit == 8 else "a"
        return f"I read {article} {self.digit} ({percent(self.confidence)})"


def percent(share: float) -> str:
    """Say a share, 0 to 1, in percent: "99 %"."""
    return f"{100 * share:.0f} %"


def are_probabilities(answers: np.ndarray) -> bool:
    """Tell whether each row of answers (n, 10) or (n, 11) is probabilities that sum to 1."""
    return bool(answers.min() >= 0 and np.abs(answers.sum(axis=1) - 1).max() < 0.01)


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
    if not are_probabilities(answers):
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
