"""The stored drawings are what they claim to be."""

import numpy as np
import pytest

from digitlab import load_recognizer, stored_drawing


@pytest.mark.parametrize("digit", range(10))
def test_each_is_read(digit):
    drawing = stored_drawing(digit)
    points = np.concatenate(drawing)
    assert points.min() >= 0 and points.max() <= 280
    prediction = load_recognizer().predict(drawing)
    assert (prediction.digit, prediction.confidence > 0.9) == (digit, True)


@pytest.mark.parametrize("digit", [10, -1, 1.5, "5", None])
def test_there_are_ten(digit):
    with pytest.raises(ValueError, match="digit from 0 to 9"):
        stored_drawing(digit)
