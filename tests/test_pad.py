"""The pad without a browser: its handlers are called as ipycanvas calls them."""

import numpy as np
import pytest

from digitlab import DrawingPad, Prediction, stored_drawing


@pytest.fixture
def pad():
    return DrawingPad()


def happen(pad, event, *arguments):
    """Let an event of the browser reach the canvas."""
    kind = "touch" if event.startswith("touch") else "mouse"
    content = {"event": event}
    if kind == "touch":
        content["touches"] = [{"x": x, "y": y} for x, y in arguments]
    else:
        content["x"], content["y"] = arguments
    pad._canvas._handle_frontend_event(pad._canvas, content, [])


def test_a_new_pad_is_empty(pad):
    assert pad.strokes == [] and pad.prediction.digit is None
    assert "Draw a digit" in pad._result.value


def test_drawing_is_read(pad):
    pad.draw(stored_drawing(4))
    assert pad.prediction.digit == 4
    assert [stroke.shape for stroke in pad.strokes] == [s.shape for s in stored_drawing(4)]
    np.testing.assert_array_equal(pad.image, pad.prediction.image)
    assert "I read a 4" in pad._result.value
    assert pad._result.value.count("data:image/png") == 1


def test_a_hand_does_the_same(pad):
    for stroke in stored_drawing(4):
        happen(pad, "mouse_move", 3, 3)  # hovering leaves no ink
        happen(pad, "mouse_down", *stroke[0])
        for x, y in stroke[1:]:
            happen(pad, "mouse_move", x, y)
        happen(pad, "mouse_up", *stroke[-1])
    for drawn, expected in zip(pad.strokes, stored_drawing(4), strict=True):
        np.testing.assert_array_equal(drawn, expected)
    assert pad.prediction.digit == 4


def test_a_finger_does_the_same(pad):
    for stroke in stored_drawing(5):
        happen(pad, "touch_start", tuple(stroke[0]))
        for point in stroke[1:]:
            happen(pad, "touch_move", tuple(point), (1, 1))  # a second finger draws nothing
        happen(pad, "touch_end")  # no finger remains
    for drawn, expected in zip(pad.strokes, stored_drawing(5), strict=True):
        np.testing.assert_array_equal(drawn, expected)
    assert pad.prediction.digit == 5


def test_a_click_is_a_dot_and_leaving_ends_the_stroke(pad):
    happen(pad, "mouse_down", 10, 20)
    happen(pad, "mouse_up", 10, 20)
    happen(pad, "mouse_down", 30, 30)
    happen(pad, "mouse_move", 40, 50)
    happen(pad, "mouse_out", 300, 50)
    happen(pad, "mouse_move", 60, 60)
    assert [stroke.tolist() for stroke in pad.strokes] == [[[10, 20]], [[30, 30], [40, 50]]]


def test_undo_and_clear(pad):
    pad.draw(stored_drawing(5))
    pad._undo_button.click()
    assert len(pad.strokes) == 1
    pad._clear_button.click()
    assert pad.strokes == [] and pad.prediction.digit is None
    pad.undo()
    assert pad.strokes == []


def test_callbacks_get_each_prediction(pad):
    seen: list[Prediction] = []
    pad.on_predict(seen.append)
    pad.draw(stored_drawing(5))  # two strokes
    pad.clear()
    assert [prediction.digit for prediction in seen][1:] == [5, None]
    with pytest.raises(TypeError, match="expected a function"):
        pad.on_predict(5)


def test_errors_are_seen_and_the_pad_goes_on(pad):
    pad.on_predict(lambda prediction: 1 / 0)
    pad.draw(stored_drawing(3))
    assert "ZeroDivisionError" in pad._error.value
    assert pad.prediction.digit == 3
    pad.clear()
    pad.draw(stored_drawing(7))
    assert pad.prediction.digit == 7


def test_a_recognizer_that_fails_is_seen():
    class Failing:
        fails = False

        def predict(self, strokes):
            if self.fails:
                raise RuntimeError("no <i>network</i>")
            return Prediction(None, 0.0, np.full(10, 0.1), np.zeros((28, 28), np.float32))

    pad = DrawingPad(Failing())
    pad.recognizer.fails = True
    happen(pad, "mouse_down", 1, 1)
    happen(pad, "mouse_up", 1, 1)
    assert "RuntimeError: no &lt;i&gt;network" in pad._error.value
    assert len(pad.strokes) == 1


def test_bad_input_draws_nothing(pad):
    with pytest.raises(ValueError, match="stroke 1"):
        pad.draw([[[1, 2]], [[1, 2, 3]]])
    assert pad.strokes == []
    with pytest.raises(ValueError, match="whole number of pixels above 0, got -1"):
        DrawingPad(size=-1)
