"""What a recognizer read: a digit, or the reason why there is none."""

from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np


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
