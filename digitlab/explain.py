"""Saliency: which ink counted for a digit, and which against it.

By occlusion (M. D. Zeiler and R. Fergus, "Visualizing and understanding convolutional networks",
2014): rub out a little ink, have the network read the rest, and see how much less sure it is of the
digit. This needs only the network's answers, not TensorFlow.
"""

from typing import Any

import numpy as np

from digitlab.images import as_digit, as_image

PATCH = 5  # pixels: the side of the square that is rubbed out; a stroke is two or three wide
MIN_EVIDENCE = 0.1  # in log-odds, the least worth mentioning: it turns 50 % into 52 %
SIGNS = ("+", "\N{MINUS SIGN}")  # for the digit, against it: colour alone is not enough
# Blue and orange of M. Okabe and K. Ito's palette, which colour-blind people can tell apart.
FOR, AGAINST = np.array([86, 180, 233]), np.array([230, 159, 0])
_NEITHER = np.array([235, 235, 235])  # ink that makes no difference


def measure_saliency(recognizer: Any, image: np.ndarray, digit: int | None = None) -> np.ndarray:
    """Measure for each pixel of ink how much it counted for a digit.

    For each pixel with ink, all ink in the 5 x 5 pixels around it is removed, and the rest is read.
    The pixel's value is the drop in the digit's log-odds, log(p / (1 - p)) with the natural
    logarithm: 0.7 halves the odds, 2.3 leaves a tenth. Log-odds tell more than probabilities, many
    of which are 100 %. A network's eleventh class, non-digits, is ignored.

    Args:
        recognizer: A `Recognizer`, or any object whose ``predict_images`` maps images (n, 28, 28)
            to probabilities (n, 10).
        image: (28, 28), ink light on dark: integers from 0 to 255, or floating point in [0, 1],
            such as a prediction's ``image``.
        digit: 0 to 9. Default: the digit that is read.

    Returns:
        (28, 28) float32: above 0 where ink counted for the digit, below 0 where it counted
        against it, and 0 where there is no ink.

    Raises:
        ValueError: The image has the wrong shape or range, or `digit` is not a digit.
        TypeError: The recognizer has no ``predict_images``.

    Example:
        >>> recognizer = digitlab.load_recognizer()
        >>> image = recognizer.predict(digitlab.stored_drawing(5)).image
        >>> saliency = digitlab.measure_saliency(recognizer, image)
        >>> saliency.shape, bool(saliency[image == 0].any())
        ((28, 28), False)
    """
    image = as_image(image)
    if digit is not None:
        digit = as_digit(digit)
    if not hasattr(recognizer, "predict_images"):
        raise TypeError(
            "expected a recognizer with predict_images, such as digitlab.Recognizer, got "
            f"{type(recognizer).__name__}"
        )
    rows, columns = np.nonzero(image)
    at = np.arange(28)
    near = [np.abs(at - places[:, None]) <= PATCH // 2 for places in (rows, columns)]  # (n, 28)
    without = np.where(near[0][:, :, None] & near[1][:, None, :], 0, image)  # (n, 28, 28)
    answers = recognizer.predict_images(np.concatenate([image[None], without]))
    probabilities = np.asarray(answers, np.float64)  # (n + 1, 10)
    if digit is None:
        digit = int(probabilities[0].argmax())
    odds = _log_odds(probabilities, digit)
    saliency = np.zeros((28, 28), np.float32)
    saliency[rows, columns] = odds[0] - odds[1:]
    return saliency


def colour_saliency(image: np.ndarray, saliency: np.ndarray) -> np.ndarray:
    """Colour the ink: blue where it counted for the digit, orange against it, else white.

    Args:
        image: (28, 28) in [0, 1], ink 1 on paper 0.
        saliency: (28, 28), as `measure_saliency` gives it.

    Returns:
        (28, 28, 3) uint8, on black paper. The strongest ink is coloured fully, unless even that
        hardly counts.
    """
    # If all differences are too small to matter, none should look strong.
    strength = saliency / max(np.abs(saliency).max(), 10 * MIN_EVIDENCE)  # (28, 28) in [-1, 1]
    share = np.abs(strength)[..., None] ** 0.7  # makes weak ones easier to see
    colour = np.where(strength[..., None] > 0, FOR, AGAINST)  # (28, 28, 3)
    ink = image[..., None] * (share * colour + (1 - share) * _NEITHER)
    return ink.round().astype(np.uint8)


def strongest_ink(image: np.ndarray, saliency: np.ndarray) -> list[tuple[int, int] | None]:
    """Find where ink counted most for the digit, and where most against it: row and column of each.

    A faint edge counts less than full ink. None stands for a side without ink, or with so little,
    compared with the other side, that its colour cannot be seen.
    """
    weighed = saliency * image
    least = max(MIN_EVIDENCE, np.abs(weighed).max() / 20)
    places: list[tuple[int, int] | None] = []
    for signed in (weighed, -weighed):
        row, column = np.unravel_index(signed.argmax(), signed.shape)
        places.append((int(row), int(column)) if signed[row, column] >= least else None)
    return places


def say_place(row: int, column: int) -> str:
    """Say where a pixel of an image (28, 28) lies in its digit: "at the top left"."""
    # MNIST's digits fill pixels 4 to 23.
    down = ("top", "", "bottom")[int(np.clip((row - 4) // 7, 0, 2))]
    across = ("left", "", "right")[int(np.clip((column - 4) // 7, 0, 2))]
    place = f"{down} {across}".strip()
    return f"at the {place}" if place else "in the middle"


def _log_odds(probabilities: np.ndarray, digit: int) -> np.ndarray:
    """Log-odds (n,) of a digit, from the probabilities of all ten (n, 10)."""
    # Sum the others, because 1 - p rounds to 0 long before they do. 1e-12 keeps the logs finite.
    others = np.delete(probabilities, digit, axis=1).sum(axis=1)
    return np.log(probabilities[:, digit] + 1e-12) - np.log(others + 1e-12)
