"""The drawing pad: draw a digit in a notebook cell, and see at once what a recognizer reads.

The strokes are kept here, in Python; the canvas in the browser only shows them. So the pad works
without a browser as well: `DrawingPad.draw` does what a hand does.
"""

import base64
import io
import threading
import traceback
from collections.abc import Callable, Sequence
from html import escape
from typing import Any

import numpy as np
from ipycanvas import Canvas, hold_canvas
from ipywidgets import HTML, Box, Button, HBox, Layout, VBox
from PIL import Image

from digitlab.ink import as_strokes
from digitlab.recognizer import Prediction, Recognizer, load_recognizer

_PEN = 0.07  # of the pad's side: the width of the pen on the screen, which the network never sees


class DrawingPad(Box):
    """A pad to draw one digit on, with the mouse or a finger, and what is read in it beside it.

    Args:
        recognizer: Anything with ``predict(strokes) -> Prediction``; the network that comes with
            the package when left out.
        size: The side of the pad in pixels.
    """

    def __init__(self, recognizer: Recognizer | None = None, size: int = 280):
        if not (isinstance(size, int) and size > 0):
            raise ValueError(f"expected size to be a whole number of pixels above 0, got {size!r}")
        self.recognizer = load_recognizer() if recognizer is None else recognizer
        self.size = size
        self._strokes: list[np.ndarray] = []
        self._pen: list[tuple[float, float]] | None = None  # the stroke that is being drawn
        self._callbacks: list[Callable[[Prediction], None]] = []
        # Depending on ipykernel's version, handlers run in the main thread or in another.
        self._lock = threading.RLock()

        self._canvas = Canvas(
            width=size, height=size, layout=Layout(width=f"{size}px", height=f"{size}px")
        )
        self._canvas.add_class("digitlab-pad")
        self._other_canvas = Canvas(width=1, height=1)  # see _redraw
        self._clear_button = Button(description="Clear", layout=Layout(width="auto"))
        self._undo_button = Button(description="Undo", layout=Layout(width="auto"))
        self._result = HTML(layout=Layout(width="260px"))
        self._error = HTML()
        self._connect()
        super().__init__(
            [
                VBox([self._canvas, HBox([self._undo_button, self._clear_button])]),
                VBox([self._result, self._error]),
            ],
            layout=Layout(display="flex", flex_flow="row wrap", grid_gap="16px"),
        )
        self._redraw()
        self._predict()

    @property
    def strokes(self) -> list[np.ndarray]:
        """The drawing: a list of strokes, each (n, 2) float64, x, y in canvas pixels, y down."""
        return list(self._strokes)

    @property
    def prediction(self) -> Prediction:
        """What was read last; its ``digit`` is None while the pad is empty."""
        return self._prediction

    @property
    def image(self) -> np.ndarray:
        """What the network saw last: (28, 28) float32 in [0, 1], ink 1 on paper 0."""
        return self._prediction.image

    def draw(self, drawing: Sequence) -> None:
        """Draw strokes on top of what is there, and have them read, as a hand does.

        Args:
            drawing: A list of strokes, each of shape (n, 2): x, y in canvas pixels, y down.

        Raises:
            TypeError, ValueError: See `digitlab.ink.as_strokes`; nothing is drawn then.
        """
        for stroke in as_strokes(drawing):
            self._pen_down(*stroke[0])
            for x, y in stroke[1:]:
                self._pen_move(x, y)
            self._pen_up()

    def clear(self) -> None:
        """Empty the pad."""
        with self._lock:
            self._strokes, self._pen = [], None
            self._redraw()
            self._predict()

    def undo(self) -> None:
        """Take back the last stroke, if there is one."""
        with self._lock:
            self._strokes, self._pen = self._strokes[:-1], None
            self._redraw()
            self._predict()

    def on_predict(self, callback: Callable[[Prediction], None]) -> None:
        """Have ``callback(prediction)`` called whenever the drawing was read anew.

        What it raises is shown under the pad, which goes on.
        """
        if not callable(callback):
            raise TypeError(f"expected a function of a Prediction, got {type(callback).__name__}")
        self._callbacks.append(callback)

    def _connect(self) -> None:
        canvas, shown = self._canvas, self._errors_shown
        canvas.on_client_ready(shown(self._redraw))
        canvas.on_mouse_down(shown(self._pen_down))
        canvas.on_mouse_move(shown(self._pen_move))
        canvas.on_mouse_up(shown(lambda x, y: self._pen_up()))
        # A pen that leaves the pad brings no "up" any more: the stroke ends here.
        canvas.on_mouse_out(shown(lambda x, y: self._pen_up()))
        # The first finger draws. A touch's end brings the fingers that remain, often none.
        canvas.on_touch_start(shown(lambda fingers: self._pen_down(*fingers[0])))
        canvas.on_touch_move(shown(lambda fingers: self._pen_move(*fingers[0])))
        canvas.on_touch_end(shown(lambda fingers: self._pen_up()))
        canvas.on_touch_cancel(shown(lambda fingers: self._pen_up()))
        self._clear_button.on_click(shown(lambda button: self.clear()))
        self._undo_button.on_click(shown(lambda button: self.undo()))

    def _errors_shown(self, handler: Callable) -> Callable:
        """Show what a handler raises: Jupyter would swallow it."""

        def run(*arguments: Any) -> None:
            try:
                handler(*arguments)
            except Exception as error:
                self._show_error(error)

        return run

    def _pen_down(self, x: float, y: float) -> None:
        with self._lock:
            self._pen_up()  # a second finger, or a release that was missed
            self._pen = [(x, y)]
            self._canvas.fill_circle(x, y, self.size * _PEN / 2)

    def _pen_move(self, x: float, y: float) -> None:
        with self._lock:
            if self._pen is None:
                return  # the mouse hovers
            self._canvas.stroke_line(*self._pen[-1], x, y)
            self._pen.append((x, y))

    def _pen_up(self) -> None:
        with self._lock:
            if self._pen is None:
                return
            self._strokes = [*self._strokes, np.array(self._pen, np.float64)]
            self._pen = None
            self._predict()

    def _redraw(self) -> None:
        canvas = self._canvas
        # After a reload of the page, ipycanvas draws on no canvas until it has switched to one, and
        # it switches only when another was drawn on before.
        self._other_canvas.clear()
        with hold_canvas():
            canvas.fill_style = "black"
            canvas.fill_rect(0, 0, self.size, self.size)
            canvas.fill_style = canvas.stroke_style = "white"
            canvas.line_width = self.size * _PEN
            canvas.line_cap = canvas.line_join = "round"
            for stroke in self._strokes:
                canvas.fill_circle(*stroke[0], self.size * _PEN / 2)
                if len(stroke) > 1:
                    canvas.stroke_lines(stroke)

    def _predict(self) -> None:
        self._prediction = self.recognizer.predict(self._strokes)
        self._result.value = _result_html(self._prediction)
        self._error.value = ""
        for callback in self._callbacks:
            self._errors_shown(callback)(self._prediction)

    def _show_error(self, error: Exception) -> None:
        trace = "".join(traceback.format_exception(type(error), error, error.__traceback__))
        self._error.value = (
            '<details style="color: var(--jp-error-color1, #d32f2f)">'
            f"<summary>{escape(f'{type(error).__name__}: {error}')}</summary>"
            f'<pre style="white-space: pre-wrap">{escape(trace)}</pre></details>'
        )


def _result_html(prediction: Prediction) -> str:
    """The sentence, the ten bars, and the image that the network saw."""
    bars = "".join(
        _bar_html(digit, probability, digit == prediction.digit)
        for digit, probability in enumerate(
            prediction.probabilities if prediction.digit is not None else np.zeros(10)
        )
    )
    return (
        # On a dark page the pad would have no edge. Not a border: that would shift its pixels.
        "<style>.digitlab-pad { outline: 1px solid gray; outline-offset: -1px }</style>"
        '<div style="line-height: 1.3; font-size: 14px">'
        f'<div role="status" style="font-size: 20px; margin: 0 0 8px">{prediction}</div>{bars}'
        '<div style="display: flex; align-items: center; gap: 8px; margin-top: 8px">'
        f'<img src="{_data_url(prediction.image)}" width="84" height="84"'
        ' alt="the image of 28 x 28 pixels that the network sees"'
        ' style="image-rendering: pixelated; border: 1px solid gray">'
        "<span>what the network sees</span></div></div>"
    )


def _bar_html(digit: int, probability: float, best: bool) -> str:
    colour = "var(--jp-brand-color1, #1976d2)" if best else "gray"
    return (
        '<div style="display: flex; align-items: center; gap: 6px;'
        f' font-weight: {"bold" if best else "normal"}">'
        f'<span style="width: 1em">{digit}</span>'
        '<span style="flex: 1; height: 11px; background: rgba(128, 128, 128, .2)">'
        f'<span style="display: block; height: 100%; width: {probability:.1%};'
        f' background: {colour}"></span></span>'
        '<span style="width: 3.5em; text-align: right; white-space: nowrap">'
        f"{100 * probability:.0f} %</span></div>"
    )


def _data_url(image: np.ndarray) -> str:
    """An image (28, 28) in [0, 1] as the address of a PNG."""
    png = io.BytesIO()
    Image.fromarray((image * 255).round().astype(np.uint8)).save(png, "png")
    return "data:image/png;base64," + base64.b64encode(png.getvalue()).decode()
