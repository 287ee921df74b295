"""The pad's parts, one by one: history, pace, order of messages, picture, reading and HTML."""

import re
from itertools import permutations

import numpy as np
import pytest

from digitlab import Prediction, render_strokes, stored_drawing
from digitlab.pad import throttle
from digitlab.pad.history import History
from digitlab.pad.overlay import in_order, overlay_script
from digitlab.pad.reading import explain_prediction, read_drawing
from digitlab.pad.saved import Picture
from digitlab.pad.throttle import Throttle
from digitlab.pad.view import Messages, ReadingView


def strokes(count):
    return [np.full((3, 2), float(number)) for number in range(count)]


def test_history_goes_back_and_forth():
    history = History(limit=10)
    a, b, c = strokes(3)
    assert history.drawing == () and not history.undo() and not history.redo()
    history.change([a])
    history.change([a, b])
    history.change([])
    assert history.undo() and history.drawing == (a, b)
    assert history.undo() and history.drawing == (a,)
    assert history.redo() and history.drawing[1] is b
    history.change([a, b, c])
    assert not history.redo()  # something else was drawn
    assert [history.undo() for _ in range(4)] == [True, True, True, False]
    assert history.drawing == ()
    assert [history.redo() for _ in range(4)] == [True, True, True, False]
    assert history.drawing[2] is c


def test_history_has_a_limit():
    history = History(limit=3)
    all_strokes = strokes(5)
    for count in range(1, 6):
        history.change(all_strokes[:count])
    assert [history.undo() for _ in range(4)] == [True, True, True, False]
    assert len(history.drawing) == 2


def test_history_cannot_be_written_to():
    history = History(limit=3)
    history.change(strokes(2))
    for stroke in history.drawing:
        with pytest.raises(ValueError, match="read-only"):
            stroke += 1


class Clock:
    """A clock and an event loop that the test advances."""

    def __init__(self):
        self.now, self.waiting = 100.0, {}

    def __call__(self):
        return self.now

    def call_later(self, seconds, function):
        name = object()
        self.waiting[name] = self.now + seconds, function
        return Handle(self.waiting, name)

    def advance(self, seconds):
        end = self.now + seconds
        while due := [item for item in self.waiting.items() if item[1][0] <= end]:
            name, (self.now, function) = min(due, key=lambda item: item[1][0])
            del self.waiting[name]
            function()
        self.now = end


class Handle:
    def __init__(self, waiting, name):
        self.waiting, self.name = waiting, name

    def cancel(self):
        self.waiting.pop(self.name, None)


def throttled(seconds, call_later=None):
    """A clock, a throttle, and when it has run a function that takes this many seconds."""
    clock, runs = Clock(), []

    def run():
        with pace.pace():
            runs.append(clock.now - 100)
            clock.now += seconds

    pace = Throttle(run, clock, call_later or clock.call_later)
    return clock, pace, runs


def test_a_fast_reading_keeps_the_interval():
    clock, pace, runs = throttled(0)
    for _ in range(99):
        pace.request()
        clock.advance(0.01)
    assert runs == pytest.approx(np.arange(len(runs)) * throttle.INTERVAL)
    assert len(runs) == 20


def test_a_slow_reading_takes_its_share():
    clock, pace, runs = throttled(0.1)
    while clock.now < 110:
        pace.request()
        clock.advance(0.01)
    np.testing.assert_allclose(np.diff(runs), 0.1 / throttle.SHARE, atol=0.011)


def test_the_last_request_is_answered_once():
    clock, pace, runs = throttled(0)
    for _ in range(5):
        pace.request()
    clock.advance(1)
    assert runs == pytest.approx([0, throttle.INTERVAL])
    clock.advance(1)
    assert len(runs) == 2 and not clock.waiting


def test_a_run_for_another_reason_serves_the_request():
    clock, pace, runs = throttled(0)
    pace.request()
    pace.request()
    assert clock.waiting
    with pace.pace():
        pass
    assert not clock.waiting
    pace.request()
    pace.request()
    pace.cancel()
    clock.advance(1)
    assert len(runs) == 1


def test_a_run_that_fails_counts():
    clock, pace, runs = throttled(0)
    with pytest.raises(ZeroDivisionError), pace.pace():
        clock.now += 1
        raise ZeroDivisionError
    pace.request()
    assert runs == []
    clock.advance(3)
    assert runs == pytest.approx([4])


def test_without_a_loop_a_request_that_is_not_due_is_dropped():
    clock, pace, runs = throttled(0, call_later=lambda seconds, function: None)
    pace.request()
    pace.request()
    clock.advance(1)
    assert len(runs) == 1
    pace.request()
    assert len(runs) == 2


class Ordered:
    """The messages that `in_order` passes on, and a clock."""

    def __init__(self):
        self.now, self.got = 1000.0, []
        self.receive = in_order(lambda message: self.got.append(message["number"]), self.clock)

    def clock(self):
        return self.now

    def send(self, number, view="v"):
        self.receive(None, {"view": view, "number": number}, [])
        return self.got


def test_messages_come_in_order():
    for order in permutations(range(5)):
        messages = Ordered()
        for number in order:
            messages.send(number)
        assert messages.got == [0, 1, 2, 3, 4]


def test_a_lost_message_is_not_waited_for_long():
    messages = Ordered()
    assert messages.send(1) == []
    messages.now += 4
    assert messages.send(2) == []
    assert messages.send(0, view="w") == [0]  # another view's messages have an order of their own
    messages.now += 2
    assert messages.send(3) == [0, 1, 2, 3]
    assert messages.send(0) == [0, 1, 2, 3, 0]  # it was only late
    assert messages.send(4) == [0, 1, 2, 3, 0, 4]


def test_slow_messages_are_not_taken_for_lost():
    messages = Ordered()
    for number in (3, 0, 4, 1, 2):
        messages.send(number)
        messages.now += 4
    assert messages.got == [0, 1, 2, 3, 4]


def test_the_overlay_is_one_module():
    script = overlay_script()
    assert "class PointerInput" in script and "import " not in script
    assert re.findall("^export .*", script, re.MULTILINE) == ["export default { render };"]


def test_the_picture_of_a_drawing_does_not_depend_on_the_way_to_it():
    rng = np.random.default_rng(0)
    strokes = [rng.uniform(0, 280, (2, 2)) for _ in range(100)]
    picture = Picture(280, 280)
    lengths = [*range(1, 100, 3), *range(100, 0, -7), 90]  # grows, shrinks by undo, is loaded
    drawings = [(strokes[:length], 5.0) for length in lengths]
    drawings += [
        (strokes[:90], 9.0),
        (strokes[10:], 9.0),
        (strokes[50:], 9.0),
        ([], 9.0),
        (strokes[50:], 9.0),
    ]
    seen = set()
    for drawing in drawings:
        image = picture.draw(*drawing)
        np.testing.assert_array_equal(image, Picture(280, 280).draw(*drawing))
        seen.add(image.tobytes())
    assert len(seen) > 40


class Keeping:
    """A recognizer that keeps the strokes that it got."""

    def predict(self, strokes):
        self.strokes = strokes
        return Prediction(3, 1.0, np.eye(10)[3], render_strokes(strokes))


def test_reading_takes_small_ink_for_a_dot():
    recognizer = Keeping()
    tap = np.array([[100.0, 100], [103, 101], [102, 104]])
    read_drawing(recognizer, [tap], size=280)
    np.testing.assert_array_equal(recognizer.strokes, [tap[:1]])
    read_drawing(recognizer, [tap], size=100)  # 4 % of that pad
    np.testing.assert_array_equal(recognizer.strokes, [tap])
    assert recognizer.strokes[0] is not tap
    assert not read_drawing(recognizer, [], size=280).image.any()


def test_explaining_says_what_it_cannot_know():
    recognizer = Keeping()
    prediction = read_drawing(recognizer, stored_drawing(3), size=280)
    explanation = explain_prediction(recognizer, prediction)
    assert explanation.saliency is None and explanation.activations == {}
    assert "no predict_images" in explanation.why_no_saliency


def test_the_view_keeps_room_for_an_explanation():
    view = ReadingView()
    view.show("Draw a digit")
    assert "digitlab-saliency" not in view.html()
    view.show("Draw a digit", hint="Wait.")
    assert view.html().count("Wait.") == 2
    prediction = read_drawing(Keeping(), stored_drawing(3), size=280)
    recognizer = Keeping()
    recognizer.get_activations = lambda image: {"One": np.ones((7, 7, 2)), "Last": np.eye(10)[3]}
    view.show("3", prediction, explain_prediction(recognizer, prediction), "Wait.")
    assert "One" in view.html() and 'alt="nothing"' not in view.html()
    view.show("3", prediction, hint="Wait.")
    assert "One" in view.html() and 'alt="nothing"' in view.html()


def test_messages_show_all_errors_until_they_are_cleared():
    messages = Messages()
    html = messages.children[0]
    for error in (ValueError("<one>"), TypeError("two")):
        with messages.catching():
            raise error
    assert "ValueError: &lt;one&gt;" in html.value and "TypeError: two" in html.value
    messages.clear()
    assert html.value == ""
    with messages.catching():
        raise KeyError("three")
    assert "one" not in html.value and "three" in html.value
