"""The drawing pad: draw a digit in a notebook cell, and see at once what a recognizer reads.

The strokes are kept here, in Python; the browser only shows them. So the pad works without a
browser as well: `DrawingPad.draw` does what a hand does.
"""

import asyncio
import math
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import traitlets
from IPython.display import display
from ipywidgets import HTML, Box, Button, Checkbox, FloatSlider, HBox, Layout, Output, VBox, Widget

from digitlab.drawings import load_drawing, save_drawing
from digitlab.explain import measure_saliency
from digitlab.pad.canvas import Paper
from digitlab.pad.history import History
from digitlab.pad.html import (
    Picture,
    activations_html,
    error_html,
    picture_html,
    reading_html,
    saliency_html,
)
from digitlab.recognizer import Prediction, as_recognizer
from digitlab.strokes import as_strokes

_STYLE = (Path(__file__).parents[1] / "web" / "pad" / "pad.css").read_text(encoding="utf-8")
# In a saved notebook: hides the pad's own output, just before the picture, where it could not be
# shown. That is JupyterLab's "model not found" (a widget's output has no MIME type there), or words
# instead (nbconvert).
_NO_WIDGET = (
    ".jp-OutputArea-child:not(:has(.digitlab-pad))"
    ':has(> .jp-OutputArea-output:is(:not([data-mime-type]), [data-mime-type="text/plain"]))'
    ":has(+ .jp-OutputArea-child > .jp-OutputArea-output > .digitlab-picture) { display: none }"
)
# Within the pad: shows the pad while it has a kernel, else the picture. ipywidgets marks widgets
# without a kernel, and the overlay pads that have had one in this page. Pictures inside an Output
# are not kept up to date, so there a pad without a kernel shows its own (pad.css).
_PAD_OR_PICTURE = """
:root:has(.PAD:is(:not(.jupyter-widgets-disconnected), .digitlab-connected)) .PICTURE,
:root:has(.PAD:is(:not(.jupyter-widgets-disconnected), .digitlab-connected))
  .jp-OutputArea-child:has(> .jp-OutputArea-output > .PICTURE),
.widget-output .PICTURE,
:root:has(.PICTURE) .PAD.jupyter-widgets-disconnected:not(.digitlab-connected, .widget-output *) {
  display: none;
}
"""
_PEN = 0.07  # of the pad's side: the width of the pen on the screen, which the network never sees
_DOT = 0.03  # of the pad's side: ink no larger is a dot, however the hand trembled
_INTERVAL = 0.05  # seconds at least from one reading to the next while the pen moves
_SHARE = 4  # a slow recognizer takes one part in four of that time, so that ink flows
_HISTORY = 200  # steps that can be taken back
# Depending on ipykernel's version, handlers run in the main thread or in another. One lock for all
# pads: a callback of one may draw on another.
_LOCK = threading.RLock()


class _Strokes(traitlets.List):
    """The drawing as a list that is the caller's own."""

    def get(self, obj: Any, cls: Any = None) -> list[np.ndarray]:
        return list(obj._history.drawing)


class DrawingPad(Box):
    """A pad to draw one digit on, with mouse, finger or pen, and what is read in it beside it.

    These are traits: ``pad.observe(function, "strokes")`` has a function called on each change.

    - ``strokes``: the drawing, a list of strokes, each (n, 2) float64: x, y in pad pixels, y down.
      A new list each time, of read-only arrays: `draw`, `undo` and `clear` change the drawing.
    - ``prediction``: what was read last, a `Prediction`; its ``digit`` is None while the pad is
      empty, and where the recognizer sees no digit. Ink of a tap's size, up to 3 % of the pad, is
      read as a dot. Read-only. It changes up to 20 times a second while the pen moves.
    - ``image``: what the network saw then: (28, 28) float32 in [0, 1], ink 1 on paper 0. Read-only.
    - ``live``: whether the drawing is read while and after the pen moves; when False, when asked.
    - ``pen_width``: on the screen, in pad pixels. What the network sees does not depend on it.
    - ``recognizer``: what reads.
    - ``explain``: whether to show under the bars, after each stroke, which ink counted for the
      digit and which against it, see `digitlab.measure_saliency`, and what the network's layers
      found on the way to it, see `digitlab.Recognizer.get_activations`. The first asks the
      recognizer some hundred times, all at once, which one with ``predict(strokes)`` alone cannot
      answer; the second needs a network for LiteRT, or one of Keras.

    Args:
        recognizer: A `Recognizer`, or anything with ``predict(strokes) -> Prediction``; a Keras
            model; or a function from an image, (28, 28) float32 in [0, 1], to ten probabilities.
            When left out, the network that comes with the package.
        size: The side of the pad in pixels. On a narrower page it is shown smaller.
        live: See above.
        pen_width: See above; 7 % of the size when left out.
        explain: See above.
        layout: An `ipywidgets.Layout`, or a dictionary, for the whole.

    Raises:
        TypeError, ValueError: When an argument is none of these.
    """

    strokes = _Strokes(read_only=True)
    prediction = traitlets.Instance(Prediction, read_only=True)
    image = traitlets.Instance(np.ndarray, read_only=True)
    live = traitlets.Bool(True).tag(sync=True)  # for ipywidgets.jslink
    pen_width = traitlets.Float().tag(sync=True)
    recognizer = traitlets.Any()
    explain = traitlets.Bool(False)

    _timer: asyncio.TimerHandle | None = None  # of the next reading while the pen moves

    def __init__(
        self,
        recognizer: Any = None,
        size: int = 280,
        *,
        live: bool = True,
        pen_width: float | None = None,
        explain: bool = False,
        layout: Layout | dict | None = None,
    ):
        if not (type(size) is int and size > 0):
            raise ValueError(f"expected size to be a whole number of pixels above 0, got {size!r}")
        pen_width = size * _PEN if pen_width is None else pen_width
        self.size = size
        self._callbacks: list[Callable[[Prediction], None]] = []
        self._history = History(_HISTORY)
        self._next_reading = 0.0  # not before, on time.monotonic's clock
        self._activations: dict[str, np.ndarray] = {}  # of the last reading that was explained
        self._notes: list[str] = []  # HTML: what went wrong since the last change
        self._acting = False  # within a change and what follows from it
        self._by_hand = False  # a handler of the browser's events runs, and not a cell
        self._displayed = False
        self._picture = Picture(size)
        name = uuid4().hex[:12]
        self._pad_class, self._picture_class = f"digitlab-pad-{name}", f"digitlab-picture-{name}"

        super().__init__(
            layout={} if layout is None else layout,
            live=live,
            pen_width=pen_width,
            recognizer=recognizer,
            explain=explain,
        )
        self._paper = Paper(
            size,
            pen_width,
            strokes=lambda: self.strokes,
            guard=self._guard,
            on_ink=self._read_soon,
            on_stroke=self._add,
            on_action=self._act,
            on_announces=self._show_reading,
        )
        self._reading, self._messages, self._printed = HTML(), HTML(), Output()
        self._still = HTML()  # the drawing, for pages without a kernel
        self._still.add_class("digitlab-still")
        self.children = [
            HTML(self._style(), layout=Layout(display="none")),
            VBox([self._paper, self._controls(), self._still], layout=Layout(max_width="100%")),
            VBox([self._reading], layout=Layout(flex="1 1 260px", max_width="320px")),
            VBox([self._messages, self._printed]),
        ]
        self.children[-1].add_class("digitlab-messages")
        self.add_class("digitlab-pad")
        self.add_class(self._pad_class)
        self.observe(lambda _: self._paper.set_pen_width(self.pen_width), "pen_width")
        self.observe(
            self._shown_errors(lambda _: self._settle()), ["live", "recognizer", "explain"]
        )
        self.predict()

    def draw(self, drawing: Sequence) -> None:
        """Draw strokes on top of what is there, and have the whole read.

        Each stroke is a step of its own for `undo`, as when a hand draws it.

        Args:
            drawing: A list of strokes, each of shape (n, 2): x, y in pad pixels, y down.

        Raises:
            TypeError, ValueError: See `digitlab.strokes.as_strokes`; nothing is drawn then.
        """
        strokes = as_strokes(drawing)
        with self._action():
            for stroke in strokes:
                self._change([*self.strokes, stroke])
            self._paper.redraw()
            self._settle()

    def clear(self) -> None:
        """Empty the pad. `undo` brings the drawing back."""
        self._replace([])

    def undo(self) -> None:
        """Take back the last change, if there is one: a stroke, or a `clear`."""
        self._travel(self._history.undo)

    def redo(self) -> None:
        """Do again what was undone last, if nothing was drawn since."""
        self._travel(self._history.redo)

    def predict(self) -> Prediction:
        """Read the drawing now, as the button Predict does, and return what was read.

        Raises:
            Exception: Whatever the recognizer raises.
        """
        with self._action():
            try:
                prediction = self._read()
                self._shown_errors(self._explain)(prediction)
            finally:
                self._finish()
            callbacks = list(self._callbacks)
            # What they print for a cell stands under the cell, and for a hand under the pad.
            with self._printed if callbacks and self._by_hand else nullcontext():
                for callback in callbacks:
                    self._shown_errors(callback)(prediction)
            return prediction

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the drawing to a file; see `digitlab.save_drawing`."""
        save_drawing(path, self.strokes, self.size)

    def load(self, path: str | os.PathLike[str]) -> None:
        """Show the drawing of a file in place of this one, and have it read.

        Raises:
            OSError, ValueError: See `digitlab.load_drawing`; the pad stays as it was then.
        """
        self._replace(load_drawing(path, self.size))

    def on_predict(self, callback: Callable[[Prediction], None], remove: bool = False) -> None:
        """Have ``callback(prediction)`` called after each reading but those while the pen moves.

        So after each stroke, undo, redo and clear, unless ``live`` is off, and after `predict`. For
        the readings while the pen moves, observe the trait ``prediction``. What a callback or an
        observer raises is shown under the pad, which goes on; so is what a callback prints when a
        hand has drawn.

        Args:
            callback: The function.
            remove: Call it no longer.
        """
        if not callable(callback):
            raise TypeError(f"expected a function of a Prediction, got {type(callback).__name__}")
        if remove:
            self._callbacks.remove(callback)
        else:
            self._callbacks.append(callback)

    def close(self) -> None:
        """Close the pad with all its parts, which pages show no longer; the drawing stays."""
        self._cancel_timer()
        for part in (*self.children, self.layout):
            _close(part)
        super().close()

    def __repr__(self) -> str:
        """Say what is drawn, and what was read."""
        return f"<DrawingPad, strokes: {len(self.strokes)}. {self._sentence}>"

    @traitlets.validate("recognizer")
    def _validate_recognizer(self, proposal: Any) -> Any:
        return as_recognizer(proposal.value)

    @traitlets.validate("pen_width")
    def _validate_pen_width(self, proposal: Any) -> float:
        if not 0 < proposal.value < math.inf:
            raise ValueError(f"expected pen_width to be above 0 pixels, got {proposal.value}")
        return proposal.value

    def _controls(self) -> VBox:
        buttons = []
        for name, tooltip in (
            ("Undo", "Take back the last stroke (Ctrl+Z)"),
            ("Redo", "Draw it again (Ctrl+Y)"),
            ("Clear", "Empty the pad"),
            ("Predict", "Read the drawing now"),
        ):
            action = name.lower()
            # Never disabled: who presses one by keyboard would lose their place.
            button = Button(
                description=name, tooltip=tooltip, layout=Layout(width="auto", margin="0")
            )
            button.add_class(f"digitlab-action-{action}")  # see Paper
            button.on_click(self._guard(lambda _, action=action: self._act(action)))
            buttons.append(button)
        live = Checkbox(
            description="live",
            tooltip="Read while you draw",
            indent=False,
            layout=Layout(width="auto", margin="0"),
        )
        pen = FloatSlider(
            description="pen",
            tooltip="Width of the pen on the screen",
            min=0.02 * self.size,
            max=0.15 * self.size,
            readout=False,
            style={"description_width": "auto"},
            layout=Layout(width="auto", min_width="0", flex="1", margin="0"),
        )

        def widen(_: Any = None) -> None:
            pen.min, pen.max = min(pen.min, self.pen_width), max(pen.max, self.pen_width)

        widen()
        self.observe(widen, "pen_width")
        traitlets.link((self, "live"), (live, "value"))
        traitlets.link((self, "pen_width"), (pen, "value"))
        row = {"max_width": "100%", "align_items": "center"}
        rows = [
            HBox(buttons, layout=Layout(grid_gap="6px", **row)),
            HBox([live, pen], layout=Layout(grid_gap="16px", **row)),
        ]
        controls = VBox(rows, layout=Layout(grid_gap="4px", margin="6px 0 0"))
        controls.add_class("digitlab-controls")
        return controls

    def _act(self, action: str) -> None:
        """Do what a button or a key asks for."""
        actions = {
            "undo": self.undo,
            "redo": self.redo,
            "clear": self.clear,
            "predict": self.predict,
        }
        actions[action]()

    def _guard(self, handler: Callable) -> Callable:
        """Wrap a handler of the browser's events."""
        handler = self._shown_errors(handler)

        def run(*arguments: Any) -> None:
            with _LOCK:
                before, self._by_hand = self._by_hand, True
                try:
                    handler(*arguments)
                finally:
                    self._by_hand = before

        return run

    def _shown_errors(self, function: Callable) -> Callable:
        """Show what a function raises: Jupyter would swallow it, or others not be called."""

        def run(*arguments: Any) -> None:
            with _LOCK:
                try:
                    function(*arguments)
                except Exception as error:
                    self._notes.append(error_html(error))
                    self._messages.value = "".join(self._notes)

        return run

    @contextmanager
    def _action(self) -> Iterator[None]:
        """A change, or a wish to read, with all that follows. What the last one left goes away."""
        with _LOCK:
            outermost, self._acting = not self._acting, True
            if outermost:
                self._notes.clear()
                self._messages.value, self._printed.outputs = "", ()
            try:
                yield
            finally:
                if outermost:
                    self._acting = False

    def _change(self, strokes: list[np.ndarray]) -> None:
        """Take a new drawing for the state; the old one can be had back."""
        self._history.change(strokes)
        self._set(strokes=strokes)

    def _set(self, **traits: Any) -> None:
        """Set traits, all before any observer hears of one."""

        def notify() -> None:
            with self.hold_trait_notifications():
                for name, value in traits.items():
                    self.set_trait(name, value)

        self._shown_errors(notify)()

    def _add(self, stroke: np.ndarray) -> None:
        """Take in a stroke that a hand has drawn, and that the paper shows already."""
        with self._action():
            self._change([*self.strokes, stroke])
            self._settle()

    def _replace(self, strokes: list[np.ndarray]) -> None:
        with self._action():
            self._paper.lift_pen()
            self._change(strokes)
            self._paper.redraw()
            self._settle()

    def _travel(self, step: Callable[[], bool]) -> None:
        """Go one step through the history."""
        with self._action():
            self._paper.lift_pen()
            if step():
                self._set(strokes=self.strokes)
                self._paper.redraw()
                self._settle()

    def _settle(self) -> None:
        """The drawing has changed: read it, unless that waits for the button."""
        if self.live or not self.strokes:
            self.predict()
        else:
            self._say("Press Predict to have it read")
            self._finish()

    def _read_soon(self) -> None:
        """The pen has moved: read now, or when the last reading is long enough ago."""
        if not self.live or self._timer is not None:
            return
        wait = self._next_reading - time.monotonic()
        if wait <= 0:
            self._read_live()
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return  # no browser, so nobody watches; the end of the stroke reads
        self._timer = loop.call_later(wait, self._guard(self._read_live))

    def _read_live(self) -> None:
        with suppress(Exception):  # said beside the pad; shown when the stroke's end meets it, too
            self._read()

    def _read(self) -> Prediction:
        """Read what is drawn, the stroke under the pen included, and show it."""
        self._cancel_timer()
        begun = time.monotonic()
        try:
            prediction = self.recognizer.predict([stroke.copy() for stroke in self._legible()])
            if not isinstance(prediction, Prediction):
                raise TypeError(
                    "expected the recognizer's predict(strokes) to return a Prediction, "
                    f"got {type(prediction).__name__}"
                )
        except Exception:
            self._say("I could not read this")
            raise
        finally:
            now = time.monotonic()
            self._next_reading = max(begun + _INTERVAL, now + (_SHARE - 1) * (now - begun))
        self._say(str(prediction), prediction)
        self._set(image=prediction.image, prediction=prediction)
        return prediction

    def _explain(self, prediction: Prediction) -> None:
        """Show why it was read so, if that is wanted; what was read is shown already."""
        if not self.explain:
            return
        saliency, instead = None, "No digit, so no ink counted for one."
        if prediction.reason == "empty":
            instead = ""
        elif prediction.digit is not None:
            instead = "What reads here has no predict_images to find it out with."
            if hasattr(self.recognizer, "predict_images"):
                saliency = measure_saliency(self.recognizer, prediction.image, prediction.digit)
        self._activations = {}
        if hasattr(self.recognizer, "get_activations"):
            # Of an empty drawing, too: it tells how much room the layers will take.
            self._activations = self.recognizer.get_activations(prediction.image)
        self._say(str(prediction), prediction, saliency, instead, done=True)

    def _legible(self) -> list[np.ndarray]:
        """The drawing as it is read, the stroke under the pen included."""
        drawing = [*self.strokes, *self._paper.pen]
        if drawing:
            points = np.concatenate(drawing)
            # Scaled up, a tap of two or three pixels would be read as a 1.
            if np.ptp(points, axis=0).max() <= _DOT * self.size:
                return [points[:1]]
        return drawing

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _say(
        self,
        sentence: str,
        prediction: Prediction | None = None,
        saliency: np.ndarray | None = None,
        instead: str = "",
        done: bool = False,
    ) -> None:
        """Show a sentence beside the pad, and under it the reading that it speaks of."""
        self._sentence, self._shown, self._under = sentence, prediction, ""
        if self.explain:
            later = f"You see it after {'each stroke' if self.live else 'Predict'}."
            self._under = saliency_html(prediction, saliency, instead or later)
            activations = self._activations
            if not done or prediction is None or prediction.reason == "empty":
                activations = {name: np.zeros_like(old) for name, old in activations.items()}
            none = "What reads here has no layers to look into." if done else later
            self._under += activations_html(activations, none)
        self._show_reading()

    def _show_reading(self) -> None:
        # The paper announces it better: only what is final, and also the same again.
        role = None if self._paper.announces else "status"
        self._reading.value = self._reading_html(role)

    def _reading_html(self, role: str | None = None) -> str:
        return reading_html(self._shown, self._sentence, role) + self._under

    def _finish(self) -> None:
        """What is said now stays until the next change."""
        self._paper.announce(self._sentence)
        self._still.value = self._picture.image_html(self.strokes, self.pen_width)
        self._show_picture()

    def _style(self) -> str:
        """The style sheet of this pad."""
        rules = _PAD_OR_PICTURE.replace("PAD", self._pad_class)
        return f"<style>{_STYLE}{rules.replace('PICTURE', self._picture_class)}</style>"

    def _ipython_display_(self) -> None:
        if self.comm is None:
            display({"text/plain": repr(self)}, raw=True)  # it was closed
            return
        # A saved notebook that is opened without its kernel cannot show a widget. So a picture
        # stands beside it in the output, kept up to date.
        words = {"text/plain": "A drawing pad"}
        display(self._repr_mimebundle_() | words, raw=True)
        self._show_picture(update=False)

    def _show_picture(self, update: bool = True) -> None:
        if update and not self._displayed:
            return
        self._displayed = True
        picture = picture_html(self._still.value, self._reading_html())
        html = f'<div class="digitlab-picture {self._picture_class}">{picture}</div>'
        display(
            {"text/html": f"<style>{_NO_WIDGET}</style>{html}", "text/plain": repr(self)},
            raw=True,
            display_id=self._picture_class,
            update=update,
        )


def _close(widget: Widget) -> None:
    """Close a widget with its parts: each is a comm of its own, which Jupyter keeps."""
    names = ("layout", "style")
    for part in (
        *getattr(widget, "children", ()),
        *(getattr(widget, name, None) for name in names),
    ):
        if isinstance(part, Widget):
            _close(part)
    widget.close()
