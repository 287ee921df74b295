"""The pad without a browser: its handlers are called as the browser's events call them."""

import asyncio
import base64
import io
import json
import pickle
import re
import subprocess
import sys
import time
from collections import Counter

import ipywidgets
import numpy as np
import pytest
import traitlets
from ipycanvas import Canvas
from IPython.core.interactiveshell import InteractiveShell
from IPython.display import display
from IPython.utils.capture import capture_output
from ipywidgets import HTML, Button, Checkbox, FloatSlider, Layout, VBox
from ipywidgets.widgets.widget import _instances
from PIL import Image
from traitlets.config import Config

from digitlab import (
    DrawingPad,
    Prediction,
    Recognizer,
    load_personal,
    load_recognizer,
    measure_saliency,
    render_strokes,
    stored_drawing,
)
from digitlab.explain import colour_saliency, say_place
from digitlab.pad import throttle
from digitlab.pad.overlay import Overlay


@pytest.fixture
def pad():
    return DrawingPad()


@pytest.fixture
def no_pause(monkeypatch):
    """Read each time that the pen moves."""
    monkeypatch.setattr(throttle, "INTERVAL", 0.0)
    monkeypatch.setattr(throttle, "SHARE", 1)


def part(pad, kind, condition=lambda widget: True):
    """The first of the pad's widgets of this kind that fulfils the condition."""
    todo = [pad]
    while todo:
        widget = todo.pop()
        if isinstance(widget, kind) and condition(widget):
            return widget
        todo += reversed(getattr(widget, "children", ()))
    raise AssertionError(f"no such {kind.__name__}")


def happen(pad, event, *arguments):
    """Send a browser's event to ipycanvas' canvas, which has two pixels for each of the pad's."""
    content = {"event": event}
    if event.startswith("touch"):
        content["touches"] = [{"x": 2 * x, "y": 2 * y} for x, y in arguments]
    elif event == "key_down":
        content |= dict(zip(("key", "shift_key", "ctrl_key", "meta_key"), arguments, strict=True))
    else:
        content["x"], content["y"] = (2 * value for value in arguments)
    canvas = part(pad, Canvas)
    canvas._handle_frontend_event(canvas, content, [])


TOLD = Counter()  # how many messages each view of each pad has sent


def overlay_sends(pad, view="v", **message):
    overlay_brings(pad, view=view, number=TOLD[pad, view], **message)
    TOLD[pad, view] += 1


def overlay_brings(pad, **message):
    part(pad, Overlay)._handle_custom_msg(message, [])


def sent(pad):
    """A list that collects all messages to the overlay from now on."""
    messages = []
    part(pad, Overlay).send = messages.append
    return messages


def shown(pad):
    """The HTML beside the drawing."""
    return part(pad, HTML, lambda html: "digitlab-sentence" in html.value).value


def messages(pad):
    """The HTML under the drawing."""
    return part(part(pad, VBox, lambda box: "digitlab-messages" in box._dom_classes), HTML).value


def control(pad, kind, name):
    """The pad's control of this kind and name."""
    return part(pad, kind, lambda widget: widget.description == name)


def press(pad, name):
    control(pad, Button, name).click()


def test_a_new_pad_is_empty(pad):
    assert pad.strokes == [] and pad.prediction.digit is None
    assert "Draw a digit" in shown(pad)
    assert repr(pad) == "<DrawingPad, strokes: 0. Draw a digit>"


def test_drawing_is_read(pad):
    pad.draw(stored_drawing(4))
    assert pad.prediction.digit == 4
    assert [stroke.shape for stroke in pad.strokes] == [s.shape for s in stored_drawing(4)]
    np.testing.assert_array_equal(pad.image, pad.prediction.image)
    assert "I read a 4" in shown(pad)
    assert shown(pad).count("data:image/png") == 1
    assert shown(pad).count("font-weight: bold") == 1  # one of ten bars


def test_a_mouse_does_the_same(pad):
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
        happen(pad, "touch_start", tuple(stroke[-1]), (1, 1))
        happen(pad, "touch_end", tuple(stroke[-1]))  # one finger remains
        happen(pad, "touch_end")
    for drawn, expected in zip(pad.strokes, stored_drawing(5), strict=True):
        np.testing.assert_array_equal(drawn, expected)
    assert pad.prediction.digit == 5


def test_the_overlay_does_the_same(pad):
    told = sent(pad)
    for index, stroke in enumerate(stored_drawing(5)):
        name, points = f"v-{index}", stroke.tolist()
        overlay_sends(pad, stroke=name, points=points[:1], end=False)
        overlay_sends(pad, stroke=name, points=points[1:20], end=False)
        overlay_sends(pad, stroke=name, points=points[20:], end=False)
        overlay_sends(pad, stroke=name, points=[], end=True)
    for drawn, expected in zip(pad.strokes, stored_drawing(5), strict=True):
        np.testing.assert_array_equal(drawn, expected)
    assert pad.prediction.digit == 5
    said = [message["say"] for message in told if "say" in message]
    assert len(said) == 2 and "I read a 5" in said[1]  # once per stroke, not while the pen moves
    assert [message for message in told if "shown" in message] == [
        {"shown": "v-0"},
        {"shown": "v-1"},
    ]
    overlay_sends(pad, action="undo")
    assert len(pad.strokes) == 1
    overlay_sends(pad, action="redo")
    assert len(pad.strokes) == 2
    overlay_sends(pad, action="clear")
    assert pad.strokes == [] and pad.prediction.reason == "empty"
    pad.live = False
    pad.draw(stored_drawing(5))
    assert pad.prediction.reason == "empty"
    overlay_sends(pad, action="predict")
    assert pad.prediction.digit == 5


@pytest.mark.parametrize("seed", range(5))
def test_what_overtakes_waits_for_its_turn(pad, seed):
    # ipykernel 7.4 handles the messages of one comm in two threads.
    drawing = [stroke.round().tolist() for stroke in (*stored_drawing(5), *stored_drawing(4))]
    messages = [
        {"stroke": f"v-{index}", "points": points, "end": end}
        for index, stroke in enumerate(drawing)
        for points, end in ((stroke[:1], False), (stroke[1:9], False), (stroke[9:], True))
    ]
    messages.insert(6, {"action": "clear"})
    for number in np.random.default_rng(seed).permutation(len(messages)).tolist():
        overlay_brings(pad, view="v", number=number, **messages[number])
    assert [stroke.tolist() for stroke in pad.strokes] == drawing[2:]
    assert pad.prediction.digit == 4
    for _ in drawing[2:]:
        pad.undo()
    assert pad.strokes == []
    pad.undo()
    assert [stroke.tolist() for stroke in pad.strokes] == drawing[:2]


def test_strokes_of_two_views_stay_apart(pad):
    overlay_sends(pad, "a", stroke="a-0", points=[[1, 1], [2, 2]], end=False)
    overlay_sends(pad, "b", stroke="b-0", points=[[9, 9]], end=False)
    overlay_sends(pad, "a", stroke="a-0", points=[], end=True)  # b's stroke has already ended it
    happen(pad, "mouse_move", 50, 50)  # this comes from another pen, too
    happen(pad, "mouse_out", 50, 50)
    overlay_sends(pad, "b", stroke="b-0", points=[[8, 8]], end=True)
    assert [stroke.tolist() for stroke in pad.strokes] == [[[1, 1], [2, 2]], [[9, 9], [8, 8]]]


def test_a_tap_that_trembled_is_read_as_a_dot(pad):
    pad.draw([np.array([[100, 100], [103, 101], [102, 104]])])
    np.testing.assert_array_equal(pad.image, render_strokes([[[100, 100]]]))
    assert len(pad.strokes[0]) == 3  # the stroke is kept as it was drawn
    pad.clear()
    small = [np.array([[100, 100], [100, 120]])]  # 7 % of the pad
    pad.draw(small)
    np.testing.assert_array_equal(pad.image, render_strokes(small))


def test_a_click_is_a_dot_and_leaving_ends_the_stroke(pad):
    happen(pad, "mouse_down", 10, 20)
    happen(pad, "mouse_up", 10, 20)
    happen(pad, "mouse_down", 30, 30)
    happen(pad, "mouse_move", 40, 50)
    happen(pad, "mouse_out", 300, 50)
    happen(pad, "mouse_move", 60, 60)
    assert [stroke.tolist() for stroke in pad.strokes] == [[[10, 20]], [[30, 30], [40, 50]]]


def test_undo_redo_and_clear(pad):
    pad.draw(stored_drawing(5))
    press(pad, "Undo")
    assert len(pad.strokes) == 1
    press(pad, "Redo")
    assert len(pad.strokes) == 2 and pad.prediction.digit == 5
    press(pad, "Redo")  # nothing to redo
    press(pad, "Clear")
    assert pad.strokes == [] and pad.prediction.digit is None
    press(pad, "Undo")
    assert len(pad.strokes) == 2 and pad.prediction.digit == 5
    pad.undo()
    pad.draw([[[1, 1]]])
    pad.redo()  # does nothing: something was drawn since
    assert len(pad.strokes) == 2 and len(pad.strokes[1]) == 1
    for _ in range(5):
        pad.undo()
    assert pad.strokes == []


def test_the_history_is_long_but_not_endless(pad):
    pad.live = False
    for _ in range(300):
        pad.draw([[[1, 1]]])
    for _ in range(300):
        pad.undo()
    assert len(pad.strokes) == 100


def test_clearing_an_empty_pad_changes_nothing(pad):
    pad.draw(stored_drawing(1))
    pad.undo()
    pad.clear()
    pad.redo()
    assert pad.prediction.digit == 1
    pad.clear()
    pad.clear()
    pad.undo()
    assert pad.prediction.digit == 1


def test_keys_of_the_plain_canvas(pad):
    pad.draw(stored_drawing(5))
    happen(pad, "key_down", "z", False, False, False)
    assert len(pad.strokes) == 2
    happen(pad, "key_down", "z", False, True, False)
    assert len(pad.strokes) == 1
    happen(pad, "key_down", "Z", True, False, True)
    assert len(pad.strokes) == 2


CROSS = [np.array([[90.0, 60], [190, 220]]), np.array([[190.0, 60], [110, 220]])]  # a non-digit


def test_it_learns_a_hand_and_keeps_it(tmp_path):
    file = tmp_path / "mine.json"
    pad = DrawingPad(personal=file)
    learned = part(pad, HTML, lambda html: "learned" in html.value)
    overlay_sends(pad, action="teach-8")
    assert "Draw a digit first" in repr(pad) and not file.exists()
    pad.draw(CROSS)
    assert pad.prediction.reason == "not a digit"
    press(pad, "8")
    assert pad.prediction.digit == 8 and "I read an 8" in shown(pad)
    assert learned.value == "1 learned from you"
    # In another session, use the keys of both canvases.
    again = DrawingPad(personal=str(file))
    again.draw(CROSS)
    assert again.prediction.digit == 8
    overlay_sends(again, action="teach-4")
    assert again.recognizer.labels.tolist() == [8, 4]
    happen(again, "key_down", "6", False, False, False)
    happen(again, "key_down", "7", False, True, False)  # Ctrl+7 is the browser's
    assert again.recognizer.labels.tolist() == [8, 4, 6]
    press(again, "Unlearn")
    assert DrawingPad(personal=file).recognizer.labels.tolist() == [8, 4]
    press(again, "Forget me")
    press(again, "Unlearn")
    assert again.prediction.reason == "not a digit" and "nothing learned" in repr(again.children)
    assert messages(again) == ""
    assert not len(DrawingPad(personal=file).recognizer.labels)


def test_pads_share_a_file(tmp_path):
    file = tmp_path / "mine.json"
    one, other = DrawingPad(personal=file), DrawingPad(personal=file)
    for pad in (one, other):
        pad.draw(CROSS)
    press(one, "3")
    press(one, "4")
    press(other, "7")
    assert DrawingPad(personal=file).recognizer.labels.tolist() == [3, 4, 7]
    assert part(other, HTML, lambda html: "learned" in html.value).value == "3 learned from you"
    press(one, "Unlearn")  # the last one, whichever pad was taught it
    assert one.recognizer.labels.tolist() == [3, 4]
    press(one, "Forget me")
    press(other, "8")
    assert DrawingPad(personal=file).recognizer.labels.tolist() == [8]
    file.write_text("something else")
    press(one, "1")  # loses neither what the pad knows nor the file
    assert "expected" in messages(one) and not len(one.recognizer.labels)
    assert file.read_text() == "something else"
    file.unlink()
    press(other, "9")
    assert DrawingPad(personal=file).recognizer.labels.tolist() == [8, 9]


def test_a_recognizer_and_a_file_lose_nothing_of_each_other(tmp_path):
    file = tmp_path / "mine.json"
    load_recognizer().adapt([CROSS] * 2, [3, 4]).save(file)
    empty = load_recognizer().adapt()
    pads = [DrawingPad(empty, personal=file) for _ in range(2)]
    for pad in pads:
        assert pad.recognizer is empty
        pad.draw(CROSS)
        press(pad, "8")
    assert load_personal(file).labels.tolist() == [3, 4, 8, 8]
    other = load_recognizer().adapt([CROSS], [9])
    with pytest.raises(ValueError, match=r"or with those in .*mine.json, got one with others"):
        DrawingPad(other, personal=file)
    assert other.labels.tolist() == [9]
    pad = DrawingPad(other, personal=tmp_path / "others.json")
    pad.draw(CROSS)
    press(pad, "1")
    assert load_personal(tmp_path / "others.json").labels.tolist() == [9, 1]


def test_a_file_stays_where_it_is_when_the_folder_changes(tmp_path, monkeypatch):
    (tmp_path / "other").mkdir()
    load_recognizer().adapt([CROSS], [9]).save(tmp_path / "other" / "mine.json")
    monkeypatch.chdir(tmp_path)
    pad = DrawingPad(personal="mine.json")
    pad.draw(CROSS)
    press(pad, "3")
    monkeypatch.chdir("other")
    press(pad, "4")
    assert load_personal(tmp_path / "mine.json").labels.tolist() == [3, 4]
    assert load_personal("mine.json").labels.tolist() == [9]


@pytest.mark.parametrize("keeps", [True, False])
def test_another_recognizer_learns_what_the_pad_was_taught(tmp_path, keeps):
    pad = DrawingPad(personal=tmp_path / "mine.json" if keeps else True)
    pad.draw(CROSS)
    press(pad, "8")
    for another in (load_recognizer(), load_recognizer().adapt()):
        pad.recognizer = another
        assert pad.recognizer.labels.tolist() == [8] and pad.prediction.digit == 8
    if not keeps:  # otherwise it must have the examples in the file
        pad.recognizer = load_recognizer().adapt([CROSS], [4])
        assert pad.recognizer.labels.tolist() == [4]


def test_another_recognizer_is_kept_in_the_same_file(tmp_path, monkeypatch):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "a")
    pad = DrawingPad(personal="mine.json")
    pad.recognizer.add(CROSS, 3)
    monkeypatch.chdir(tmp_path / "b")
    pad.recognizer = load_recognizer()
    pad.recognizer.add(CROSS, 4)
    assert load_personal(tmp_path / "a" / "mine.json").labels.tolist() == [3, 4]
    assert not (tmp_path / "b" / "mine.json").exists()


def test_pads_in_two_processes_take_turns_with_a_file(tmp_path):
    """Each teaches while the other does; no lesson is lost."""
    code = """import sys, digitlab, ipywidgets
_, file, label = sys.argv
pad = digitlab.DrawingPad(personal=file)
pad.draw(digitlab.stored_drawing(1))
def buttons(widget):
    inner = sum(map(buttons, getattr(widget, "children", ())), [])
    return inner + [widget] * isinstance(widget, ipywidgets.Button)
(button,) = (button for button in buttons(pad) if button.description == label)
for _ in range(20):
    button.click()
"""
    file = tmp_path / "mine.json"
    both = [subprocess.Popen([sys.executable, "-c", code, file, label]) for label in "34"]
    assert [process.wait(120) for process in both] == [0, 0]
    assert Counter(load_personal(file).labels.tolist()) == {3: 20, 4: 20}


def test_what_its_recognizer_is_taught_directly_is_kept(tmp_path):
    file = tmp_path / "mine.json"
    pad, other = (DrawingPad(personal=file) for _ in range(2))
    other.draw(CROSS)
    pad.recognizer.add(CROSS, 8)
    assert load_personal(file).labels.tolist() == [8]
    press(other, "3")
    pad.predict()
    assert pad.recognizer.labels.tolist() == [8, 3]


@pytest.mark.parametrize("setting", [{"pen_width": -1}, {"live": None}, {"explain": "yes"}])
def test_a_pad_that_was_not_made_keeps_nothing(setting, tmp_path):
    personal = load_recognizer().adapt()
    with pytest.raises((ValueError, traitlets.TraitError), match="expected"):
        DrawingPad(personal, personal=tmp_path / "ada.json", **setting)
    pad = DrawingPad(personal, personal=tmp_path / "bob.json")
    assert pad.recognizer is personal


def test_one_recognizer_is_not_kept_in_two_files(tmp_path):
    personal = load_recognizer().adapt()
    pad = DrawingPad(personal, personal=tmp_path / "ada.json")
    with pytest.raises(
        ValueError, match=r"expected .*ada.json, where this recognizer is kept, got .*bob.json"
    ):
        DrawingPad(personal, personal=tmp_path / "bob.json")
    other = DrawingPad(personal.adapt(), personal=tmp_path / "bob.json")
    other.recognizer.add(CROSS, 8)
    assert not len(pad.recognizer.labels) and not (tmp_path / "ada.json").exists()


def test_a_pad_knows_what_another_has_learned(tmp_path):
    one, other = (DrawingPad(personal=tmp_path / "mine.json") for _ in range(2))
    for pad in (one, other):
        pad.draw(CROSS)
    press(one, "8")
    assert other.predict().digit == 8
    assert part(other, HTML, lambda html: "learned" in html.value).value == "1 learned from you"
    (tmp_path / "mine.json").write_text("something else")
    assert other.predict().digit == 8 and not messages(other)


def test_none_stands_for_the_network_of_the_package(pad):
    pad.recognizer = Reader()
    pad.recognizer = None
    pad.draw(stored_drawing(5))
    assert pad.prediction.digit == 5


def test_a_pad_that_cannot_keep_what_it_learned_says_so(tmp_path):
    (tmp_path / "file").touch()
    pad = DrawingPad(personal=tmp_path / "file" / "mine.json")
    pad.draw(CROSS)
    press(pad, "8")
    assert "mine.json" in messages(pad) or "file" in messages(pad)
    assert pad.prediction.digit == 8


def test_what_could_not_be_saved_is_kept_beside_what_another_pad_saves(tmp_path, monkeypatch):
    def full(path, *examples):
        raise OSError(28, "No space left on device")

    file = tmp_path / "mine.json"
    pad, other = DrawingPad(personal=file), DrawingPad(personal=file)
    for each in (pad, other):
        each.draw(CROSS)
    press(pad, "5")
    with monkeypatch.context() as patch:
        patch.setattr("digitlab.examples_file.write_examples", full)
        for name in ("4", "3", "2", "Unlearn"):
            press(pad, name)
            assert "No space left" in messages(pad)
    assert pad.recognizer.labels.tolist() == [5, 4, 3]
    press(other, "6")
    pad.predict()
    assert pad.recognizer.labels.tolist() == load_personal(file).labels.tolist() == [5, 6, 4, 3]
    pad.recognizer = load_recognizer()
    press(pad, "1")
    press(other, "0")
    pad.predict()
    assert load_personal(file).labels.tolist() == [5, 6, 4, 3, 1, 0]
    assert pad.recognizer.labels.tolist() == [5, 6, 4, 3, 1, 0]


def test_only_a_personal_pad_takes_number_keys(pad):
    pad.draw(CROSS)
    happen(pad, "key_down", "8", False, False, False)
    overlay_sends(pad, action="teach-8")
    assert pad.prediction.digit is None and not messages(pad)
    assert not part(pad, Overlay).teaches and part(DrawingPad(personal=True), Overlay).teaches
    with pytest.raises(TypeError, match=r"expected a digitlab.Recognizer"):
        DrawingPad(Reader(), personal=True)


class Reader:
    """Not a Recognizer, but the pad takes it."""

    def predict(self, drawing):
        return Prediction(3, 1.0, np.eye(10)[3], render_strokes(drawing))


def test_traits_can_be_observed(pad):
    seen = Counter()
    pad.observe(lambda change: seen.update([change.name]), ["strokes", "image", "prediction"])
    pad.draw(stored_drawing(3))
    assert seen == {"strokes": 1, "image": 1, "prediction": 1}
    happen(pad, "mouse_down", 1, 1)
    happen(pad, "mouse_move", 9, 9)
    assert seen["strokes"] == 1
    happen(pad, "mouse_up", 9, 9)
    assert seen["strokes"] == 2 and seen["prediction"] >= 2
    for name in ("strokes", "image", "prediction"):
        with pytest.raises(traitlets.TraitError, match="read-only"):
            setattr(pad, name, getattr(pad, name))


class Asynchronous:
    async def __call__(self, prediction):
        pass


def test_callbacks_get_each_prediction(pad):
    seen: list[Prediction] = []
    pad.on_predict(seen.append)
    pad.draw(stored_drawing(5))
    pad.clear()
    pad.undo()
    assert pad.predict() is seen[-1]
    assert [prediction.digit for prediction in seen] == [5, None, 5, 5]
    pad.on_predict(seen.append, remove=True)
    pad.clear()
    assert len(seen) == 4
    with pytest.raises(TypeError, match="expected a function"):
        pad.on_predict(5)
    for asynchronous in (asyncio.sleep, Asynchronous()):
        with pytest.raises(TypeError, match="got an asynchronous one"):
            pad.on_predict(asynchronous)
    with pytest.raises(ValueError, match="expected a function that the pad calls, got <built-in"):
        pad.on_predict(print, remove=True)


class Counting:
    """A recognizer that counts its readings, each of which takes a while."""

    def __init__(self, seconds=0.0):
        self.seconds, self.sizes = seconds, []
        self.slowest = 0.0  # seconds; on a busy machine a sleep takes longer

    def predict(self, strokes):
        begun = time.monotonic()
        time.sleep(self.seconds)
        self.slowest = max(self.slowest, time.monotonic() - begun)
        self.sizes.append(sum(map(len, strokes)))
        return Prediction(None, 0.0, np.full(10, 0.1), np.zeros((28, 28), np.float32))


@pytest.mark.parametrize(("seconds", "most"), [(0.0, 22), (0.1, 5)])
def test_live_reading_keeps_its_pace_and_never_ends_stale(seconds, most):
    recognizer = Counting(seconds)
    pad = DrawingPad(recognizer)

    async def draw_for_a_second():
        recognizer.sizes.clear()
        happen(pad, "mouse_down", 0, 0)
        begun, points = time.monotonic(), 1
        while time.monotonic() - begun < 1:
            happen(pad, "mouse_move", points, points)
            points += 1
            await asyncio.sleep(0.005)
        await asyncio.sleep(5 * recognizer.slowest + 0.1)  # the pen rests
        assert recognizer.sizes[-1] == points
        assert 2 <= len(recognizer.sizes) <= most
        happen(pad, "mouse_up", 0, 0)
        assert recognizer.sizes[-1] == points
        readings = len(recognizer.sizes)
        await asyncio.sleep(0.2)
        assert len(recognizer.sizes) == readings

    asyncio.run(draw_for_a_second())


@pytest.mark.usefixtures("no_pause")
def test_the_network_looks_again_when_the_pen_is_lifted():
    looks = []
    reader = Recognizer(lambda images: looks.append(len(images)) or np.full((1, 10), 0.1))
    pad = DrawingPad(reader)
    looks.clear()
    happen(pad, "mouse_down", 50, 50)
    happen(pad, "mouse_move", 200, 200)
    assert looks == [1]
    happen(pad, "mouse_up", 200, 200)
    assert looks == [1] * 4
    pad.predict()
    assert looks == [1] * 7


@pytest.mark.usefixtures("no_pause")
def test_a_recognizer_of_ones_own_is_asked_the_same_while_the_pen_moves():
    class Own(Recognizer):
        def predict(self, drawing):  # type: ignore[override]
            return super().predict(drawing)

    pad = DrawingPad(Own(lambda images: np.full((1, 10), 0.1)))
    happen(pad, "mouse_down", 50, 50)
    happen(pad, "mouse_move", 200, 200)
    assert pad.prediction.image.any() and "could not" not in shown(pad)


def test_not_live_reads_on_the_button():
    recognizer = Counting()
    pad = DrawingPad(recognizer, live=False)
    recognizer.sizes.clear()
    pad.draw(stored_drawing(5))
    happen(pad, "mouse_down", 1, 1)
    happen(pad, "mouse_move", 2, 2)
    happen(pad, "mouse_up", 2, 2)
    assert recognizer.sizes == [] and "Press Predict" in shown(pad)
    press(pad, "Predict")
    assert len(recognizer.sizes) == 1 and "Press Predict" not in shown(pad)
    pad.clear()
    assert "Draw a digit" in shown(pad)
    pad.undo()
    control(pad, Checkbox, "live").value = True
    assert pad.live and "Press Predict" not in shown(pad)


def test_the_pen_width_is_the_screens_alone(pad):
    pad.draw(stored_drawing(8))
    image = pad.image
    control(pad, FloatSlider, "pen").value = 7
    assert pad.pen_width == 7 and part(pad, Overlay).pen_width == 7
    for width in (1, 100):
        pad.pen_width = width
        assert control(pad, FloatSlider, "pen").value == width == pad.pen_width
    for width in (0, -1, np.nan, np.inf):
        with pytest.raises(ValueError, match="pen_width to be above 0"):
            pad.pen_width = width
    pad.predict()
    np.testing.assert_array_equal(pad.image, image)


def seven(image):
    assert image.shape == (28, 28) and image.dtype == np.float32 and 0.9 < image.max() <= 1
    return np.eye(10)[7]


def test_recognizers_of_all_kinds(pad):
    class Model:
        """Like a Keras model: callable, with a `predict`, and both take images."""

        def __call__(self, images):
            return np.tile(np.eye(10)[6], (len(images), 1))

        def predict(self, images):
            raise AssertionError

    for reader, digit in ((seven, 7), (Model(), 6), (Recognizer(Model()), 6), (None, 4)):
        pad = DrawingPad(reader)
        pad.draw(stored_drawing(4))
        assert pad.prediction.digit == digit
    pad.recognizer = seven
    assert pad.prediction.digit == 7
    with pytest.raises(TypeError, match=r"function from an image \(28, 28\).*got int"):
        DrawingPad(5)
    with pytest.raises(ValueError, match="softmax"):
        DrawingPad(lambda image: np.arange(10.0)).draw(stored_drawing(4))
    with pytest.raises(ValueError, match=r"\(1, 10\).*, got \(1, 3\)"):
        DrawingPad(lambda image: [1, 0, 0]).draw(stored_drawing(4))

    class Classifier:
        def predict(self, samples):
            return np.zeros(1)

    with pytest.raises(TypeError, match="to return a Prediction, got ndarray"):
        DrawingPad(Classifier())


def test_the_pad_says_that_it_sees_no_digit(pad):
    class Doubting(Counting):
        def predict(self, strokes):
            image = np.full((28, 28), bool(strokes), np.float32)
            return Prediction(None, 0.0, np.full(10, 0.1, np.float32), image)

    pad.recognizer = Doubting()
    assert "Draw a digit" in shown(pad)
    pad.draw([[[1, 1], [2, 2]]])
    assert "I see no digit in this" in shown(pad)
    assert "font-weight: bold" not in shown(pad)


@pytest.mark.parametrize("live", [True, False])
def test_errors_are_seen_and_the_pad_goes_on(pad, live):
    def observer(change):
        raise RuntimeError("no <i>ink</i>")

    def callback(prediction):
        raise ValueError("no robot")

    seen = []
    pad.live = live
    pad.observe(observer, "strokes")
    pad.on_predict(callback)
    pad.on_predict(seen.append)
    for _ in range(3):  # the error is shown once, not piled up
        overlay_sends(pad, stroke="v-0", points=[[140, 50], [140, 140], [135, 230]], end=True)
        press(pad, "Predict") if not live else None
        assert messages(pad).count("RuntimeError: no &lt;i&gt;ink&lt;/i&gt;</summary>") == live
        assert messages(pad).count("ValueError: no robot</summary>") == 1
    assert "Traceback" in messages(pad) and "<details" in messages(pad)
    assert pad.prediction.digit == 1 == seen[0].digit
    # The error stays while the next stroke is drawn and read.
    overlay_sends(pad, stroke="v-1", points=[[1, 1], [2, 2]], end=False)
    assert "no robot" in messages(pad)
    pad.unobserve_all("strokes")
    pad.on_predict(callback, remove=True)
    pad.clear()
    assert messages(pad) == ""
    pad.draw(stored_drawing(7))
    assert pad.predict().digit == 7


def test_errors_are_logged_where_no_page_shows_them(pad, caplog):
    def callback(prediction):
        raise ValueError(f"no robot for {prediction.digit}")

    def observer(change):
        raise RuntimeError("no ink")

    pad.on_predict(callback)
    pad.observe(observer, "strokes")
    pad.draw(stored_drawing(7))
    assert [record.exc_info[0] for record in caplog.records] == [RuntimeError, ValueError]
    assert "in callback" in caplog.text and "ValueError: no robot for 7" in caplog.text
    part(pad, Overlay).alive = True  # a browser shows the pad now
    caplog.clear()
    pad.predict()
    assert "no robot for 7" in messages(pad) and not caplog.records


def test_callbacks_may_change_the_pad_and_themselves(pad):
    seen = []

    def once(prediction):
        pad.on_predict(once, remove=True)

    def collect(prediction):
        if prediction.digit is not None:
            seen.append(prediction.digit)
            pad.clear()

    for callback in (once, collect, lambda prediction: seen.append(prediction.digit)):
        pad.on_predict(callback)
    pad.draw(stored_drawing(4))
    assert seen == [4, None]  # the last one gets only the new reading
    assert pad.strokes == [] and pad.prediction.digit is None
    pad.observe(lambda change: pad.clear() if change.new.any() else None, "image")
    pad.draw(stored_drawing(4))
    assert pad.strokes == [] and pad.prediction.digit is None and not pad.image.any()


@pytest.mark.parametrize("explain", [True, False])
def test_an_observer_that_changes_the_drawing_leaves_nothing_stale(pad, explain):
    seen = []

    def change(_):
        if pad.prediction.digit == 5:
            pad.clear()
            pad.draw(stored_drawing(3))

    pad.explain = explain
    pad.on_predict(lambda prediction: seen.append(prediction.digit))
    pad.observe(change, "prediction")
    pad.draw(stored_drawing(5))
    assert seen[-1] == 3 == pad.prediction.digit and "I read a 3" in shown(pad)
    assert 5 not in seen
    pad.unobserve(change, "prediction")
    pad.clear()
    pad.draw(stored_drawing(5))
    assert seen[-1] == 5


def test_a_callback_that_another_removes_is_not_called(pad):
    pad.on_predict(lambda prediction: pad.on_predict(pytest.fail, remove=True))
    pad.on_predict(pytest.fail)
    pad.draw(stored_drawing(1))
    assert "pytest.fail" not in messages(pad) and "Failed" not in messages(pad)


def test_the_same_again_is_said_again(pad):
    told = sent(pad)
    press(pad, "Predict")
    press(pad, "Predict")
    pad.live = False
    pad.draw([[[1, 1]]])
    assert [message["say"] for message in told[-3:]] == [
        "Draw a digit",
        "Draw a digit",
        "Press Predict to have it read",
    ]


def test_a_reload_ends_the_stroke(pad):
    overlay_sends(pad, stroke="v-0", points=[[1, 1], [2, 2]], end=False)
    happen(pad, "client_ready", 0, 0)
    assert len(pad.strokes) == 1
    happen(pad, "mouse_move", 9, 9)
    assert len(pad.strokes[0]) == 2


def test_the_drawing_is_sent_where_no_canvas_shows_it(pad):
    told, drawing = sent(pad), []

    def browser_shows():
        """Follow the messages as the overlay does; return how many strokes were sent."""
        count = 0
        for message in [message for message in told if "drawing" in message]:
            drawing[message["keep"] :] = message["drawing"]
            count += len(message["drawing"])
        told.clear()
        assert len(drawing) == len(pad.strokes)
        for shown, stroke in zip(drawing, pad.strokes, strict=True):
            np.testing.assert_allclose(shown, stroke, atol=0.006)
        json.dumps(drawing)
        return count

    pad.draw(stored_drawing(4))
    overlay_sends(pad, stroke="v-0", points=[[1, 1], [2, 2]], end=True)
    assert not any("drawing" in message for message in told)  # nobody has asked for it
    overlay_sends(pad, canvas=False)
    assert browser_shows() == 3
    for stroke in ("v-1", "v-2"):
        overlay_sends(pad, stroke=stroke, points=[[1, 1], [2, 2]], end=True)
        assert [list(message)[0] for message in told if "say" not in message] == [
            "drawing",
            "shown",
        ]
        assert browser_shows() == 1
    changes = [
        (pad.undo, 0),
        (pad.undo, 0),
        (pad.redo, 1),
        (pad.clear, 0),
        (pad.undo, 4),
        (lambda: pad.draw(stored_drawing(5)), 2),
        (pad.undo, 0),
    ]
    for change, count in changes:
        change()
        assert browser_shows() == count
    pad.on_predict(lambda prediction: pad.strokes[8:] and pad.clear())
    pad.draw(stored_drawing(5) * 2)
    assert browser_shows() == 4 and pad.strokes == []
    overlay_sends(pad, view="w", canvas=False)  # another view, or the page was reloaded
    assert browser_shows() == 0
    pad.draw(stored_drawing(4))
    overlay_sends(pad, view="x", canvas=False)
    assert browser_shows() == 4


@pytest.mark.slow
def test_changes_of_a_large_drawing_are_small(pad):
    told = sent(pad)
    overlay_sends(pad, canvas=False)
    strokes = list(np.random.default_rng(0).uniform(0, 280, (2000, 4, 2)))
    pad.draw(strokes[:1900])
    for stroke in strokes[1900:]:
        pad.draw([stroke])
    messages = [message for message in told if "drawing" in message]
    assert [message["version"] for message in messages] == list(range(1, 103))
    assert [len(message["drawing"]) for message in messages] == [0, 1900] + [1] * 100


def test_closing_closes_all_parts(pad):
    before = set(_instances)
    other = DrawingPad()
    other.draw(stored_drawing(3))
    other.close()
    assert set(_instances) == before
    assert len(other.strokes) == 1
    other.draw(stored_drawing(3))  # a closed pad is an ordinary Python object
    assert other.prediction is not None
    pad.draw(stored_drawing(3))  # drawing goes on on another pad
    assert pad.prediction.digit == 3


def test_closing_leaves_a_layout_that_is_not_its_own():
    shared = Layout(width="220px")
    button = Button(layout=shared)
    before = set(_instances)
    DrawingPad(layout=shared).close()
    pad = DrawingPad(layout={"width": "9px"})
    pad.layout = shared
    pad.close()
    assert set(_instances) == before and button.layout.comm is not None


def test_a_recognizer_that_fails_is_seen():
    class Failing(Counting):
        fails = False

        def predict(self, strokes):
            if self.fails:
                raise RuntimeError("no <i>network</i>")
            return super().predict(strokes)

    pad = DrawingPad(Failing())
    told = sent(pad)
    pad.recognizer.fails = True
    overlay_sends(pad, stroke="v-0", points=[[1, 1], [2, 2]], end=True)
    assert "RuntimeError: no &lt;i&gt;network" in messages(pad)
    assert "I could not read this" in shown(pad)
    assert len(pad.strokes) == 1
    assert told == [{"say": "I could not read this"}, {"shown": "v-0"}]
    with pytest.raises(RuntimeError):
        pad.draw(stored_drawing(5))
    assert len(pad.strokes) == 3
    pad.recognizer.fails = False
    pad.predict()
    assert messages(pad) == ""


def test_files(pad, tmp_path):
    pad.draw(stored_drawing(5))
    pad.save(tmp_path / "five.json")
    assert json.loads((tmp_path / "five.json").read_text())["size"] == 280
    larger = DrawingPad(size=560)
    larger.draw(stored_drawing(1))
    larger.load(tmp_path / "five.json")
    assert larger.prediction.digit == 5
    for there, here in zip(larger.strokes, pad.strokes, strict=True):
        np.testing.assert_allclose(there, 2 * here)
    larger.undo()
    assert larger.prediction.digit == 1
    (tmp_path / "other.json").write_text("{}")
    with pytest.raises(ValueError, match="digitlab drawing"):
        larger.load(tmp_path / "other.json")
    assert len(larger.strokes) == 1


@pytest.fixture
def terminal(monkeypatch):
    """IPython in this process, as in a terminal."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])  # IPython replaces it
    InteractiveShell.instance(config=Config(HistoryManager={"enabled": False}))
    yield
    InteractiveShell.clear_instance()


@pytest.mark.usefixtures("terminal")
def test_a_saved_notebook_has_a_picture():
    shown = []
    for explain in (False, True):
        pad = DrawingPad(explain=explain)
        with capture_output() as captured:
            display(pad)
            pad.draw(stored_drawing(5))
        shown.append(captured.outputs)
    for explain, (widget, picture, *updates) in enumerate(shown):
        assert "application/vnd.jupyter.widget-view+json" in widget.data
        assert "Draw a digit" in picture.data["text/html"]
        assert len(updates) == 1 and "I read a 5" in updates[0].data["text/html"]
        assert updates[0].data["text/html"].count("data:image/png") == 2 + 8 * explain
        assert updates[0].data["text/html"].count("Which ink counted for the 5") == explain
        assert updates[0].data["text/plain"] == repr(pad)


@pytest.mark.usefixtures("terminal")
def test_in_a_terminal_only_displaying_the_pad_prints_it(pad, capsys):
    display(pad)
    assert "<DrawingPad, strokes: 0. Draw a digit>" in capsys.readouterr().out
    pad.draw(stored_drawing(5))
    pad.predict()
    assert capsys.readouterr().out == ""


def test_bad_input_draws_nothing(pad):
    with pytest.raises(ValueError, match="stroke 1"):
        pad.draw([[[1, 1]], [[1, 2, 3]]])
    with pytest.raises(TypeError, match="expected a drawing"):
        pad.draw(5)
    assert pad.strokes == []


@pytest.mark.parametrize("size", [0, -280, 2.5, None, "280", True])
def test_size_is_checked(size):
    with pytest.raises(ValueError, match="size to be a whole number"):
        DrawingPad(size=size)


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_a_drawing_that_leaves_the_pad_by_far_is_read():
    pad = DrawingPad()
    pad.draw([[[1e308, 1], [-1e308, 2]]])
    assert pad.prediction.digit is None


def test_a_size_may_come_from_numpy_and_the_file_must_be_one():
    assert type(DrawingPad(size=np.int64(100)).size) is int
    with pytest.raises(TypeError, match="personal to be True, False or a file, got None"):
        DrawingPad(personal=None)
    with pytest.raises(ValueError, match="personal to be True, False or a file, got an empty name"):
        DrawingPad(personal="")


def test_two_pads_do_not_share(pad):
    other = DrawingPad(size=100, layout={"border": "1px solid"})
    other.draw([[[1, 1], [50, 99]]])
    assert pad.strokes == [] and len(other.strokes) == 1 and other.size == 100


def explained(pad):
    """The text about the ink that counted, without tags, and its image as an array."""
    html = shown(pad).partition('class="digitlab-saliency"')[2]
    html = html.partition("What the layers find")[0]
    png = base64.b64decode(re.search(r"base64,([^\"]+)", html)[1])
    return re.sub("<[^>]*>", " ", html), np.asarray(Image.open(io.BytesIO(png)))


def test_it_shows_which_ink_counted():
    pad = DrawingPad(explain=True)
    words, image = explained(pad)
    assert "after each stroke" in words and not image.any()
    pad.draw(stored_drawing(2))
    words, image = explained(pad)
    assert "Which ink counted for the 2" in words and "for it: at the bottom" in words
    expected = measure_saliency(pad.recognizer, pad.image, 2)
    np.testing.assert_array_equal(image, colour_saliency(pad.image, expected))
    blue = image[..., 2] > image[..., 0]  # bluer than grey
    np.testing.assert_array_equal(blue & (pad.image > 0.5), (expected > 0.1) & (pad.image > 0.5))
    pad.undo()
    assert "after each stroke" in explained(pad)[0]


def test_it_explains_strokes_that_are_done_and_only_when_asked(pad, no_pause):
    assert "digitlab-saliency" not in shown(pad)
    pad.explain = True
    x, y = stored_drawing(7)[0].T
    happen(pad, "mouse_down", x[0], y[0])
    for place in zip(x[1:-1], y[1:-1], strict=True):
        happen(pad, "mouse_move", *place)
    happen(pad, "mouse_move", x[-1], y[-1])
    assert pad.prediction.digit is not None
    words, image = explained(pad)
    assert "after each stroke" in words and (np.ptp(image, axis=2) == 0).all()  # uncoloured
    happen(pad, "mouse_up", x[-1], y[-1])
    assert "Which ink counted for the 7" in explained(pad)[0]
    said = shown(pad)
    part(pad, Overlay).alive = True  # a browser shows the pad now
    assert shown(pad) == said.replace(' role="status"', "") != said
    pad.live = False
    assert "after Predict" in explained(pad)[0]
    press(pad, "Predict")
    assert "Which ink counted for the 7" in explained(pad)[0]
    pad.explain = False
    assert "digitlab-saliency" not in shown(pad)


def test_it_explains_no_more_than_can_be_known(pad):
    pad.explain = True
    pad.draw([np.array([[60.0, 60], [220, 220]]), np.array([[220.0, 60], [60, 220]])])
    assert "No digit, so no ink counted for one" in explained(pad)[0]

    class Strokes:
        def predict(self, strokes):
            return Prediction(3, 1.0, np.eye(10)[3], render_strokes(strokes))

    pad.recognizer = Strokes()
    assert "has no predict_images" in explained(pad)[0]

    class Broken(Strokes):
        def predict_images(self, images):
            raise RuntimeError("broken inside")

    pad.recognizer = Broken()
    assert pad.prediction.digit == 3 and "I read a 3" in shown(pad)
    assert "RuntimeError: broken inside" in messages(pad)
    # A function of one image can be explained, too.
    pad.recognizer = lambda image: np.eye(10)[8] * 0.9 + 0.01
    assert "Which ink counted for the 8" in explained(pad)[0]
    assert explained(pad)[0].count("nothing") == 2  # the function ignores its image


def layers(pad):
    """The text about the layers, without tags, and their pictures with alternative texts."""
    html = shown(pad).partition("What the layers find")[2]
    pictures = [
        (np.asarray(Image.open(io.BytesIO(base64.b64decode(png)))) / 255, words)
        for png, words in re.findall(r'base64,([^"]+)" alt="([^"]*)"', html)
    ]
    return re.sub("<[^>]*>", " ", html), pictures


def test_it_shows_what_the_layers_find():
    pad = DrawingPad(explain=True)
    said, empty = layers(pad)
    assert "Layer 7" in said and len(empty) == 7
    pad.draw(stored_drawing(2))
    assert layers(pad)[0] == said  # the same words, so nothing jumps
    *answers, _ = pad.recognizer.get_activations(pad.image).values()
    for (picture, words), (black, nothing), answer in zip(
        layers(pad)[1], empty, answers, strict=True
    ):
        assert picture.shape == black.shape == (30, 175)
        assert nothing == "nothing" and black.max() < 0.51 and picture.max() == 1
        # The strongest channel is shown first, and its brightest pixel is the strongest answer.
        strongest = answer[..., answer.max(axis=(0, 1)).argmax()]
        row, column = np.argwhere(picture[1:-1, 1:29] == 1).mean(axis=0).astype(int)
        side = len(strongest)
        assert strongest[row * side // 28, column * side // 28] == strongest.max()
        assert words == f"6 channels, the strongest is brightest {say_place(row, column)}"
        assert f"{side} x {side} x {answer.shape[2]}" in said
    pad.undo()
    assert [words for _, words in layers(pad)[1]] == ["nothing"] * 7
    pad.redo()
    # A non-digit goes through the layers, too.
    pad.draw([[[10, 10], [270, 270]], [[10, 270], [270, 10]]])
    assert pad.prediction.reason == "not a digit" and "nothing" not in layers(pad)[1][0][1]


def test_it_shows_the_layers_of_strokes_that_are_done(pad, no_pause):
    pad.draw(stored_drawing(7))
    pad.explain = True
    assert layers(pad)[1][0][0].max() == 1
    happen(pad, "mouse_down", 60, 150)
    happen(pad, "mouse_move", 200, 150)
    assert layers(pad)[1][0][0].max() < 0.51
    happen(pad, "mouse_up", 200, 150)
    assert layers(pad)[1][0][0].max() == 1
    pad.live = False
    assert layers(pad)[1][0][0].max() < 0.51
    press(pad, "Predict")
    assert layers(pad)[1][0][0].max() == 1


def test_without_layers_it_says_so(pad):
    pad.explain = True

    class Strokes:
        def predict(self, strokes):
            return Prediction(3, 1.0, np.eye(10)[3], render_strokes(strokes))

    for reader in (lambda image: np.eye(10)[8], Strokes()):
        pad.recognizer = reader
        pad.draw(stored_drawing(8))
        said, pictures = layers(pad)
        assert "no layers to look into" in said and pictures == []
        assert messages(pad) == ""

    class Broken(Strokes):
        def get_activations(self, image):
            raise RuntimeError("broken inside")

    pad.recognizer = Broken()
    assert "I read a 3" in shown(pad)
    assert "RuntimeError: broken inside" in messages(pad)


def test_layers_without_places_are_a_row_of_numbers(pad):
    class Dense:
        def predict(self, strokes):
            return Prediction(3, 1.0, np.eye(10)[3], render_strokes(strokes))

        def get_activations(self, image):
            return {
                "Dense 1": np.arange(100.0),
                "Few": np.ones((7, 7, 2)),
                "Dense 2": np.eye(10)[3],
            }

    pad.recognizer, pad.explain = Dense(), True
    pad.draw(stored_drawing(3))
    (numbers, words), (few, _) = layers(pad)[1]
    assert words == "100 numbers, the larger the brighter"
    assert numbers.shape == (30, 175) and few.shape == (30, 59)
    shown = numbers[1:-1, 1:-1]  # 4 rows of 25 numbers
    np.testing.assert_array_equal(np.argsort(shown[::7, 3::7].ravel()), np.arange(100))


def test_what_the_pad_hands_out_does_not_change_it(pad):
    drawn = [np.array([[100.0, 60], [100, 140], [95, 230]])]
    pad.draw(drawn)
    drawn[0][:] = 0  # `draw` has copied it
    seen = []
    pad.observe(lambda change: seen.append(change.new), "strokes")
    pad.draw([[[200.0, 60], [200, 230]]])
    before = [stroke.tolist() for stroke in pad.strokes]
    assert before == [[[100, 60], [100, 140], [95, 230]], [[200, 60], [200, 230]]]
    for strokes in (pad.strokes, seen[0]):
        for array in (*strokes, pad.image, pad.prediction.image, pad.prediction.probabilities):
            with pytest.raises(ValueError, match="read-only"):
                array -= array.min()
        strokes[0] = strokes[0] / 280
        strokes.append(np.zeros((5, 2)))
        del strokes[0]
    assert [stroke.tolist() for stroke in pad.strokes] == before
    pad.clear()
    pad.undo()
    assert [stroke.tolist() for stroke in pad.strokes] == before
    pad.undo()
    assert [stroke.tolist() for stroke in pad.strokes] == before[:1]


def test_a_recognizer_may_change_what_it_gets(pad):
    class InPlace:
        def predict(self, strokes):
            for stroke in strokes:
                stroke -= stroke.min(axis=0)
                stroke /= 280
            strokes.clear()
            return Prediction(3, 1.0, np.eye(10)[3], np.zeros((28, 28)))

    pad.recognizer = InPlace()
    pad.draw(stored_drawing(5))
    happen(pad, "mouse_down", 20, 30)
    happen(pad, "mouse_move", 20, 40)
    pad.predict()
    happen(pad, "mouse_up", 20, 40)
    for stroke, expected in zip(
        pad.strokes, [*stored_drawing(5), [[20, 30], [20, 40]]], strict=True
    ):
        np.testing.assert_array_equal(stroke, expected)


def test_its_function_can_go_to_another_process():
    pad = DrawingPad(seven)
    again = pickle.loads(pickle.dumps(pad.recognizer))
    assert again.predict(stored_drawing(4)).digit == 7


def test_its_settings_can_be_linked(pad):
    slider, box = FloatSlider(min=1, max=50), Checkbox()
    ipywidgets.link((pad, "pen_width"), (slider, "value"))
    ipywidgets.link((pad, "live"), (box, "value"))
    slider.value, box.value = 30, False
    assert pad.pen_width == 30 and not pad.live
    pad.pen_width, pad.live = 12, True
    assert slider.value == 12 and box.value
    for source, name in ((slider, "pen_width"), (box, "live")):
        ipywidgets.jslink((source, "value"), (pad, name))
    pad.set_state({"pen_width": 33.0, "live": False})  # as the link does in the browser
    assert control(pad, FloatSlider, "pen").value == 33 == slider.value and not box.value


@pytest.mark.parametrize(
    ("undo", "redo"), ["zy", "\u044f\u043d", "\u03b6\u03c5", "\u05d6\u05d8", "\u0626\u063a"]
)
def test_keys_of_other_scripts_on_the_plain_canvas(pad, undo, redo):
    pad.draw(stored_drawing(5))
    happen(pad, "key_down", undo, False, True, False)
    assert len(pad.strokes) == 1
    happen(pad, "key_down", redo, False, True, False)
    assert len(pad.strokes) == 2
    happen(pad, "key_down", undo, False, True, False)
    happen(pad, "key_down", undo.upper(), True, True, False)
    assert len(pad.strokes) == 2
    for letter in ";w\u044b\u0436":
        happen(pad, "key_down", letter, False, True, False)
        assert len(pad.strokes) == 2
