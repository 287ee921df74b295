"""How the pad reads a drawing, and explains the reading."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from digitlab.explain import measure_saliency
from digitlab.loading import check_result
from digitlab.prediction import Prediction
from digitlab.recognizer import Recognizer

_DOT = 0.03  # share of the pad's side: ink no larger than this is a dot, however the hand trembled


@dataclass(frozen=True)
class Explanation:
    """Why a drawing was read as it was.

    Attributes:
        saliency: (28, 28), as `digitlab.measure_saliency` gives it; or None.
        why_no_saliency: Why there is no saliency; empty for an empty drawing.
        activations: The layers' outputs, see `digitlab.Recognizer.get_activations`; may be empty.
    """

    saliency: np.ndarray | None
    why_no_saliency: str
    activations: Mapping[str, np.ndarray]


def read_drawing(
    recognizer: Any, strokes: Sequence[np.ndarray], size: int, drawn: bool = True
) -> Prediction:
    """Read strokes (n, 2) of a pad whose side is `size` pixels.

    Ink of a tap's size is read as a dot: scaled up, two or three pixels would look like a 1.

    Args:
        recognizer: Anything with ``predict(drawing)``.
        strokes: The drawing.
        size: See above.
        drawn: False while the pen moves. A `Recognizer` then looks only once: it is often unsure of
            a half-drawn digit, and in a class of forty, looking again would slow the others' pads.

    Raises:
        TypeError: The recognizer did not return a `Prediction`.
        Exception: Whatever the recognizer raises.
    """
    # A subclass with a `predict` of its own may not have `tta`.
    augments = getattr(type(recognizer), "predict", None) is Recognizer.predict
    once = {"tta": False} if augments and not drawn else {}
    prediction = recognizer.predict(as_read(strokes, size), **once)
    return check_result(prediction, Prediction, "predict")


def as_read(strokes: Sequence[np.ndarray], size: int) -> list[np.ndarray]:
    """Return strokes as recognizers get them: copies, which they may write to, or a dot."""
    if strokes:
        points = np.concatenate(strokes)
        if np.ptp(points / 2, axis=0).max() <= _DOT * size / 2:  # halves cannot overflow
            strokes = [points[:1]]
    return [stroke.copy() for stroke in strokes]


def explain_prediction(recognizer: Any, prediction: Prediction) -> Explanation:
    """Find out which ink counted and what the layers found, as far as the recognizer can tell."""
    saliency, why_no_saliency = None, "No digit, so no ink counted for one."
    if prediction.reason == "empty":
        why_no_saliency = ""
    elif prediction.digit is not None:
        why_no_saliency = "This recognizer cannot tell: it has no predict_images."
        if hasattr(recognizer, "predict_images"):
            saliency = measure_saliency(recognizer, prediction.image, prediction.digit)
    activations: Mapping[str, np.ndarray] = {}
    if hasattr(recognizer, "get_activations"):
        # For an empty drawing, too: they tell how much room the layers will take.
        activations = recognizer.get_activations(prediction.image)
    return Explanation(saliency, why_no_saliency, activations)
