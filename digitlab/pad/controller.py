"""The controller: input changes the drawing, which is read and shown.

State flows one way. The user (canvas, buttons) or a program (the pad's methods) requests an action.
It changes the history, the drawing is read, and the pad's traits, its views and the callbacks get
the result.
"""

import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from typing import Any

import numpy as np

from digitlab.pad.canvas import DrawingCanvas
from digitlab.pad.controls import TeachingButtons
from digitlab.pad.history import History
from digitlab.pad.reading import Explanation, as_read, explain_prediction, read_drawing
from digitlab.pad.saved import SavedDrawing
from digitlab.pad.throttle import Throttle
from digitlab.pad.view import Messages, ReadingView
from digitlab.prediction import Prediction

# Handlers run in the main thread or in another, depending on ipykernel's version. One lock serves
# all pads of a process. ipycanvas sends the commands of all canvases through one manager, so pads
# must take turns to draw. And a callback of one pad may draw on another: with a lock for each pad,
# two pads that do so could deadlock.
_LOCK = threading.RLock()
_LOGGER = logging.getLogger(__name__)


class Controller:
    """Carries out the actions of a pad, as the `Listener` of its canvas.

    Args:
        pad: The `DrawingPad`, whose traits it reads and sets.
        history: The pad's drawing and its history.
    """

    def __init__(self, pad: Any, history: History):
        self._pad, self._history = pad, history
        self.below: list[Any] = []  # widgets between the canvas and the controls
        self._acting = False  # whether an action is under way
        self._by_hand = False  # whether a browser event, not a cell, is being handled
        self._throttle = Throttle(self.handler(self._read_live))
        self.callbacks: list[Callable[[Prediction], None]] = []
        self._last: Any = None  # what was read last
        self.view, self.messages = ReadingView(), Messages()
        self.saved = SavedDrawing(pad.size, pad.height)
        self.canvas = DrawingCanvas(pad.size, pad.height, pad.pen_width, self, bool(pad.personal))
        self.teaching = TeachingButtons(self.handler(self.act)) if pad.personal else None

    # What hands do: see `Listener`.

    def handler(self, function: Callable[..., None]) -> Callable[..., None]:
        """Wrap a function that the browser's events will call."""

        def run(*arguments: Any) -> None:
            with _LOCK:
                before, self._by_hand = self._by_hand, True
                try:
                    self.call(function, *arguments)
                finally:
                    self._by_hand = before

        return run

    def pen_moved(self) -> None:
        """Read what has been drawn so far, if the pad is live."""
        if self._pad.live:
            self._throttle.request()

    def stroke_drawn(self, stroke: np.ndarray) -> None:
        """Add a stroke, which the canvas shows already."""
        with self._action():
            self._change((*self._history.drawing, stroke))
            self.settle()

    def act(self, action: str) -> None:
        """Carry out what a button or a key asks for."""
        actions: dict[str, Callable[[], object]] = {
            "undo": self.undo,
            "redo": self.redo,
            "clear": self.clear,
            "predict": self.predict,
            "unlearn": self.unlearn,
            "forget": self.forget,
        }
        if not action.startswith("teach-"):
            actions[action]()
        elif self.teaching:  # else it was a number key on a pad that does not learn
            self.teach(int(action.removeprefix("teach-")))

    def overlay_loaded(self) -> None:
        """Leave announcements to the overlay: it says only final readings, even repeated ones."""
        self.view.has_announcer = self.canvas.announces
        self.view.refresh()

    # What programs do.

    def call(self, function: Callable[..., Any], *arguments: Any) -> None:
        """Call a function and show its exceptions, which Jupyter would swallow.

        Where no page has loaded the pad, they are logged, too, which by default writes to stderr.
        """
        with _LOCK, self.messages.catching():
            try:
                function(*arguments)
            except Exception:
                if not self.canvas.announces:
                    _LOGGER.exception("An error on a pad that no page shows")
                raise

    def draw(self, strokes: Iterable[np.ndarray]) -> None:
        """Add strokes, each as a change of its own."""
        with self._action():
            for stroke in strokes:
                self._change((*self._history.drawing, stroke))
            self.canvas.show(self._history.drawing)
            self.settle()

    def replace(self, strokes: Iterable[np.ndarray]) -> None:
        """Change the whole drawing."""
        with self._action():
            self.canvas.lift_pen()
            self._change(strokes)
            self.canvas.show(self._history.drawing)
            self.settle()

    def clear(self) -> None:
        """Empty the drawing."""
        self.replace([])

    def undo(self) -> None:
        """Take back the last change, if there is one."""
        self._travel(self._history.undo)

    def redo(self) -> None:
        """Make the last undone change again, if there is one."""
        self._travel(self._history.redo)

    def settle(self) -> None:
        """Read the drawing after a change, unless the pad waits for the Predict button."""
        if self._pad.live or not self._history.drawing:
            self.predict()
        else:
            self._show("Press Predict to have it read")
            self._finish()

    def predict(self) -> Prediction:
        """Read the drawing, explain the reading if wanted, and call the callbacks."""
        with self._action():
            if self._pad.personal:
                with suppress(OSError, ValueError):  # the pad says so when it is taught
                    self._pad.recognizer.catch_up()
            try:
                prediction = self._read()
                # Unless an observer has changed the drawing: then a newer reading is explained.
                if self._pad.explain and self._last is prediction:
                    self.call(self._explain, prediction)
            finally:
                self._finish()
            self._call_back(prediction)
            return self._last

    def teach(self, label: int) -> None:
        """Learn the drawing as a digit."""
        self.canvas.lift_pen()
        drawing = as_read(self._history.drawing, self._pad.size)
        if drawing:
            self._learn(lambda: self._pad.recognizer.add(drawing, label))
        else:
            self._show("Draw a digit first")
            self._finish()

    def unlearn(self) -> None:
        """Forget what was learned last, if anything was."""

        def remove() -> None:
            with suppress(IndexError):  # there is nothing, or another pad has forgotten it
                self._pad.recognizer.remove()

        self._learn(remove)

    def forget(self) -> None:
        """Forget all that was learned."""
        self._learn(self._pad.recognizer.clear)

    def close(self) -> None:
        """Cancel a reading that is still due."""
        self._throttle.cancel()

    # The way from an action to what is shown.

    @contextmanager
    def _action(self) -> Iterator[None]:
        """Enclose an action and all that follows from it; clear the last one's messages."""
        with _LOCK:
            outermost, self._acting = not self._acting, True
            if outermost:
                self.messages.clear()
            try:
                yield
            finally:
                if outermost:
                    self._acting = False

    def _travel(self, step: Callable[[], bool]) -> None:
        """Go one step through the history: `History.undo` or `History.redo`."""
        with self._action():
            self.canvas.lift_pen()
            if step():
                self._set(strokes=self._history.drawing)
                self.canvas.show(self._history.drawing)
                self.settle()

    def _change(self, strokes: Iterable[np.ndarray]) -> None:
        self._history.change(strokes)
        self._set(strokes=self._history.drawing)

    def _set(self, **traits: Any) -> None:
        """Set the pad's traits, all before any observer is called."""

        def notify() -> None:
            with self._pad.hold_trait_notifications():
                for name, value in traits.items():
                    self._pad.set_trait(name, value)

        self.call(notify)

    def _learn(self, change: Callable[[], None]) -> None:
        """Change what was learned, and have the drawing read again."""
        with self._action():
            try:
                change()
            finally:  # what could not be saved is still learned
                self.predict()

    def _read_live(self) -> None:
        # The view says that this failed. The error is shown if reading fails again when the stroke
        # ends.
        with suppress(Exception):
            self._read(drawn=False)

    def _read(self, drawn: bool = True) -> Prediction:
        """Read what is drawn, including the stroke under the pen, and show the result.

        Args:
            drawn: False while the pen moves, see `read_drawing`.
        """
        strokes = [*self._history.drawing, *self.canvas.pen]
        try:
            with self._throttle.pace():
                prediction = read_drawing(self._pad.recognizer, strokes, self._pad.size, drawn)
        except Exception:
            self._show("I could not read this")
            raise
        self._last = prediction
        self._show(str(prediction), prediction)
        self._set(image=prediction.image, prediction=prediction)
        return prediction

    def _call_back(self, prediction: Prediction) -> None:
        callbacks = list(self.callbacks)
        # Callbacks print below the cell if a cell runs, and below the pad if a hand draws.
        with self.messages.printed if callbacks and self._by_hand else nullcontext():
            for callback in callbacks:
                # Another callback or an observer may have changed the drawing, or removed this one.
                if self._last is prediction and callback in self.callbacks:
                    self.call(callback, prediction)

    def _explain(self, prediction: Prediction) -> None:
        explanation = explain_prediction(self._pad.recognizer, prediction)
        self._show(str(prediction), prediction, explanation)

    def _show(
        self,
        sentence: str,
        prediction: Prediction | None = None,
        explanation: Explanation | None = None,
    ) -> None:
        when = "each stroke" if self._pad.live else "Predict"
        hint = f"Shown after {when}." if self._pad.explain else ""
        self.view.show(sentence, prediction, explanation, hint)

    def _finish(self) -> None:
        """Announce and save what is shown, which stays until the next action."""
        if self.teaching:
            self.teaching.show(len(self._pad.recognizer.labels))
        self.canvas.announce(self.view.sentence)
        self.saved.update(
            self._history.drawing, self._pad.pen_width, self.view.html(), repr(self._pad)
        )
