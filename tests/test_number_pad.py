"""The number pad: writing is read as a number, and each digit has a button under it."""

import re

import numpy as np
import pytest

from digitlab import NumberPad, NumberReading, Recognizer, stored_drawing


def written(*digits):
    """Stored drawings side by side, 90 pad pixels apart."""
    return [
        stroke * 0.5 + (20 + 90 * place, 40)
        for place, digit in enumerate(digits)
        for stroke in stored_drawing(digit)
    ]


@pytest.fixture
def pad():
    pad = NumberPad()
    yield pad
    pad.close()


def rows(pad):
    """The buttons of each row."""
    return [row.children for row in pad._controller.strip.children]


def buttons(pad):
    return sum(rows(pad), ())


def labels(pad):
    return "".join(button.description for button in buttons(pad))


def places(pad, row=0):
    """The middle of each button of a row, in pad pixels."""
    end, middles = 0.0, []
    for button in rows(pad)[row]:
        start = end + float(button.layout.margin.split()[-1].rstrip("%"))
        end = start + float(button.layout.width.rstrip("%"))
        middles.append((start + end) / 2 * pad.size / 100)
    return middles


def test_each_digit_is_shown_under_its_place(pad):
    pad.draw(written(4, 0, 7))
    assert pad.reading.text == labels(pad) == "407"
    for button in buttons(pad):
        assert re.fullmatch(rf"{button.description}: \d+ %", button.tooltip)
    middles = [(digit.box[0] + digit.box[2]) / 2 for digit in pad.reading.digits]
    np.testing.assert_allclose(places(pad), middles, atol=0.1)
    assert "I read 407" in repr(pad)


def test_narrow_digits_keep_their_order(pad):
    pad.draw([stroke * (0.2, 1) + (8 * place, 0) for place in range(3) for stroke in written(1)])
    assert places(pad) == sorted(places(pad))
    assert len(buttons(pad)) == len(pad.reading.characters)


def test_each_row_has_its_buttons(pad):
    upper = [stroke * 0.6 for stroke in written(4, 2, 7, 3, 5, 8)]
    pad.draw([*upper, *(stroke + (0, 110) for stroke in upper[:-1])])
    assert len(pad.reading.rows) == len(rows(pad)) == 2
    for row in (0, 1):
        digits = [digit for digit in pad.reading.digits if digit.row == row]
        assert [button.description for button in rows(pad)[row]] == [it.text for it in digits]
        middles = [(digit.box[0] + digit.box[2]) / 2 for digit in digits]
        np.testing.assert_allclose(places(pad, row), middles, atol=0.1)
    buttons(pad)[len(rows(pad)[0])].click()
    assert rows(pad)[1][0].button_style == "primary" and rows(pad)[0][0].button_style == ""
    pad.clear()
    assert rows(pad) == []


@pytest.mark.parametrize("shift", [0, 160])
def test_buttons_stay_within_the_pad(pad, shift):
    many = [stroke * (0.1, 0.4) + (20 * at + shift, 0) for at in range(20) for stroke in written(1)]
    pad.draw(many)
    assert len(buttons(pad)) == 20
    ends = np.cumsum(
        [
            [float(b.layout.margin.split()[-1][:-1]), float(b.layout.width[:-1])]
            for b in buttons(pad)
        ]
    )
    assert ends.min() >= 0 and ends.max() <= 100.2 and (np.diff(ends) >= 0).all()


def test_a_button_shows_what_the_network_saw(pad):
    pad.draw(written(4, 0, 7))
    assert pad.prediction.digit == 7
    buttons(pad)[0].click()
    assert pad.prediction.digit == 4
    assert pad.image is pad.prediction.image
    assert [button.button_style for button in buttons(pad)] == ["primary", "", ""]
    pad.draw(written(5, 5, 5, 2)[-1:])  # the chosen digit stays chosen
    assert pad.prediction.digit == 4 and len(buttons(pad)) == 4


def test_undo_and_clear(pad):
    pad.draw(written(2, 3))
    pad.undo()
    assert pad.reading.text == labels(pad) == "2"
    pad.redo()
    assert pad.reading.text == "23"
    pad.clear()
    assert pad.reading.text == labels(pad) == ""
    assert "Write a number" in repr(pad)
    assert pad.prediction.reason == "empty" and not pad.image.any()


def test_a_new_pad_has_read_nothing(pad):
    assert pad.reading.text == "" and pad.prediction.reason == "empty"
    assert pad.image.shape == (28, 28) and not pad.image.any()


def test_a_pad_that_is_not_live_shows_no_old_reading(pad):
    pad.draw(written(4, 2))
    pad.live = False
    pad.draw(written(1, 1, 7)[-1:])
    assert "Press Predict" in repr(pad) and not buttons(pad)
    pad.predict()
    assert labels(pad) == pad.reading.text and len(buttons(pad)) == 3
    pad.undo()
    assert "Press Predict" in repr(pad) and not buttons(pad)


def test_callbacks_get_the_reading(pad):
    got = []
    pad.on_predict(got.append)
    pad.draw(written(6))
    assert [type(reading) for reading in got] == [NumberReading]
    assert pad.predict() is got[-1] is pad.reading


def test_the_pad_is_wide_and_so_is_its_picture(pad):
    pad.draw(written(1))
    assert (pad.size, pad.height) == (560, 224)
    assert 'width="420" height="168"' in pad._controller.saved.image.value


def test_a_function_reads_too():
    pad = NumberPad(lambda image: np.eye(10)[3])
    pad.draw(written(1))
    assert pad.reading.text == "3"
    assert isinstance(pad.recognizer, Recognizer)
    pad.close()


def test_what_cannot_read_numbers_is_rejected():
    class OneDigit:
        def predict(self, drawing):
            """Read one digit."""

    with pytest.raises(TypeError, match="expected a recognizer with read_number"):
        NumberPad(OneDigit())


def test_an_answer_that_is_not_a_reading_is_rejected():
    class Text:
        def predict(self, drawing):
            """Read one digit."""

        def read_number(self, drawing):
            return "42"

    with pytest.raises(TypeError, match=r"read_number.* to return a NumberReading, got str"):
        NumberPad(Text())


def test_the_chosen_digit_stays_when_another_is_written_before_it(pad):
    pad.draw([stroke + (90, 0) for stroke in written(4, 0, 7)])
    buttons(pad)[0].click()
    assert pad.prediction.digit == 4
    pad.draw(written(5))
    assert pad.reading.text == "5407" and pad.prediction.digit == 4
    assert [button.button_style for button in buttons(pad)].index("primary") == 1
    while pad.strokes:
        pad.undo()
    pad.draw(written(1, 2))
    assert pad.prediction.digit == 2


def test_it_explains_the_chosen_digit():
    pad = NumberPad()
    pad.explain = True
    pad.draw(written(4, 2))
    shown = pad._controller.view.children[0].value
    buttons(pad)[0].click()
    assert pad.reading.text == "42" and pad.prediction.digit == 4
    assert "Layer 7" in shown and pad._controller.view.children[0].value != shown
    pad.clear()
    pad.close()


def test_the_smallest_pad_has_a_height():
    assert NumberPad(size=1).height == 1


def test_the_pen_is_as_wide_for_a_size_from_numpy():
    assert NumberPad(size=np.int64(560)).pen_width == NumberPad().pen_width == 0.02 * 560
