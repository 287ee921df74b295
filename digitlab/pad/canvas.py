"""The pad's canvas: it shows strokes, and tells a listener what the user does.

Two canvases lie on top of each other. The lower one, ipycanvas', shows the strokes; Python draws on
it. The upper one, the transparent overlay, draws what the pen does at once, in the browser, and
supports pens as well as mouse and finger. If a frontend cannot load the overlay, the lower canvas
handles mouse and finger itself, and its ink waits for the kernel. If the lower canvas does not
work, the overlay shows all strokes.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from ipycanvas import Canvas, hold_canvas
from ipywidgets import Box, Layout

from digitlab.pad.overlay import Overlay, in_order

_SCALE = 2  # canvas pixels per pad pixel, so that ink is sharp on phones, too
# The characters of the Z and Y keys on keyboards of other scripts, because ipycanvas sends only the
# character: Cyrillic, Greek, Hebrew, Arabic and Persian, Georgian, Korean, Japanese, Thai. (The
# overlay knows the key.)
_LETTERS = dict.fromkeys("\u044f\u03b6\u05d6\u0626\u0638\u10d6\u314b\u3064\u30c4\u0e1c", "z")
_LETTERS |= dict.fromkeys("\u043d\u03c5\u05d8\u063a\u10e7\u315b\u3093\u30f3\u0e31", "y")

_BOX_COLOUR = "#64b5f6"

Point = Sequence[float]  # x, y in pad pixels, y down
Box4 = tuple[float, float, float, float]  # left, top, right, bottom in pad pixels


class Listener(Protocol):
    """What the canvas calls when the user draws or presses a key."""

    def handler(self, function: Callable[..., None]) -> Callable[..., None]:
        """Wrap a function that the browser's events will call."""

    def pen_moved(self) -> None:
        """Take note that the stroke under the pen has grown."""

    def stroke_drawn(self, stroke: np.ndarray) -> None:
        """Take a finished stroke, (n, 2) float64, which the canvas shows already."""

    def act(self, action: str) -> None:
        """Carry out the action of a key or of a ``digitlab-action-...`` button, such as "undo"."""

    def overlay_loaded(self) -> None:
        """Take note that `DrawingCanvas.announces` has changed."""


class DrawingCanvas(Box):
    """A canvas to draw on.

    Args:
        size: Its width in pad pixels.
        height: Its height in pad pixels: as much as the width, or two fifths of it.
        pen_width: In pad pixels.
        listener: Is called when the user draws or presses a key.
        teaches: Whether the number keys say which digit was drawn.
    """

    def __init__(self, size: int, height: int, pen_width: float, listener: Listener, teaches: bool):
        self._size, self._height = size, height
        self._boxes: tuple[Box4, ...] = ()  # shown behind the strokes
        self._listener = listener
        self._strokes: tuple[np.ndarray, ...] = ()  # shown, except the one under the pen
        self._pen: list[Point] = []  # the stroke that is being drawn
        self._name: str | None = None  # the overlay's name for it; None if it is the lower canvas'
        self._canvas = Canvas(
            width=_SCALE * size,
            height=_SCALE * height,
            layout=Layout(width="100%", height="auto"),
        )
        self._other_canvas = Canvas(width=1, height=1)  # see _redraw
        self._overlay = Overlay(size=size, height=height, pen_width=pen_width, teaches=teaches)
        self._overlay.add_class("digitlab-overlay")
        self._connect(listener.handler)
        super().__init__(
            [self._canvas, self._overlay],
            layout=Layout(width=f"{size}px", max_width="100%"),
        )
        self.add_class("digitlab-paper")
        if height != size:
            self.add_class("digitlab-wide")
        self._redraw()

    @property
    def pen(self) -> list[np.ndarray]:
        """A list of the stroke under the pen, which is empty while no pen is down."""
        return [np.array(self._pen, np.float64)] if self._pen else []

    @property
    def announces(self) -> bool:
        """Whether `announce` reaches screen readers, that is, the browser loaded the overlay."""
        return self._overlay.alive

    def announce(self, sentence: str) -> None:
        """Have screen readers say a sentence."""
        self._overlay.send({"say": sentence})

    def show(self, strokes: Sequence[np.ndarray]) -> None:
        """Show strokes, each (n, 2) in pad pixels, in place of the previous ones."""
        self._strokes = tuple(strokes)
        self._redraw()
        self._overlay.send_change(self._strokes)

    def mark(self, boxes: Sequence[Box4]) -> None:
        """Show boxes behind the strokes: left, top, right, bottom in pad pixels."""
        if tuple(boxes) != self._boxes:
            self._boxes = tuple(boxes)
            self._redraw()

    def set_pen_width(self, pen_width: float) -> None:
        """Draw all strokes with a pen of another width, in pad pixels."""
        self._overlay.pen_width = pen_width
        self._redraw()

    def lift_pen(self) -> None:
        """End the stroke under the pen, if there is one."""
        stroke = self.pen
        self._pen, self._name = [], None
        if stroke:
            self._strokes += (stroke[0],)
            self._overlay.send_change(self._strokes)
            self._listener.stroke_drawn(stroke[0])

    def close(self) -> None:
        """Close the canvases too."""
        self._other_canvas.layout.close()
        self._other_canvas.close()
        super().close()

    def _redraw(self) -> None:
        if self.comm is None:
            return  # closed
        canvas = self._canvas
        # After a reload of the page, ipycanvas draws on no canvas until it has switched to one, and
        # it switches only when another was drawn on before.
        self._other_canvas.clear()
        with hold_canvas():
            canvas.set_transform(_SCALE, 0, 0, _SCALE, 0, 0)
            canvas.fill_style = "black"
            canvas.fill_rect(0, 0, self._size, self._height)
            if self._boxes:
                around = self._overlay.pen_width / 2  # boxes enclose the pen's path, not its ink
                left, top = np.array(self._boxes).T[:2] - around
                right, bottom = np.array(self._boxes).T[2:] + around
                canvas.line_width, canvas.stroke_style = 1, _BOX_COLOUR
                canvas.stroke_rects(left, top, right - left, bottom - top)
            canvas.fill_style = canvas.stroke_style = "white"
            canvas.line_width = self._overlay.pen_width
            canvas.line_cap = canvas.line_join = "round"
            # Two commands, however many strokes there are. A line of no length shows no ink, so
            # each stroke begins with a dot.
            if strokes := [*self._strokes, *self.pen]:
                x, y = np.array([stroke[0] for stroke in strokes]).T
                canvas.fill_circles(x, y, self._overlay.pen_width / 2)
            if lines := [stroke for stroke in strokes if len(stroke) > 1]:
                canvas.stroke_line_segments(lines)

    def _connect(self, handler: Callable[[Callable], Callable]) -> None:
        self._overlay.on_msg(handler(in_order(handler(self._receive))))
        self._overlay.observe(handler(lambda change: self._listener.overlay_loaded()), "alive")

        def press(place: Point) -> None:
            self._press_pen(_in_pad_pixels(place))

        def move(place: Point) -> None:
            if self._name is None:  # otherwise the overlay has the pen
                self._move_pen([_in_pad_pixels(place)])

        def lift() -> None:
            if self._name is None:
                self.lift_pen()

        # The first finger draws, until the last one is lifted.
        def touch(fingers: list[Point]) -> None:
            if len(fingers) == 1:
                press(fingers[0])

        def leave(fingers: list[Point]) -> None:
            if not fingers:
                lift()

        def ready() -> None:
            self.lift_pen()  # a page that was reloaded does not end its stroke
            self._redraw()

        canvas = self._canvas
        canvas.on_client_ready(handler(ready))
        canvas.on_mouse_down(handler(lambda x, y: press((x, y))))
        canvas.on_mouse_move(handler(lambda x, y: move((x, y))))
        canvas.on_mouse_up(handler(lambda x, y: lift()))
        # A pen that has left the pad sends no "up", so the stroke ends here.
        canvas.on_mouse_out(handler(lambda x, y: lift()))
        canvas.on_touch_start(handler(touch))
        canvas.on_touch_move(handler(lambda fingers: move(fingers[0])))
        canvas.on_touch_end(handler(leave))
        canvas.on_touch_cancel(handler(leave))
        canvas.on_key_down(handler(self._press_key))

    def _receive(self, message: dict) -> None:
        """Handle a message from the overlay, see ``overlay.js``."""
        if "action" in message:
            self._listener.act(message["action"])
            return
        if "canvas" in message:
            self._overlay.send_drawing(self._strokes)
            return
        name, points, end = message["stroke"], message["points"], message["end"]
        try:
            if points and name != self._name:
                self._press_pen(points.pop(0))
                self._name = name
            self._move_pen(points)
            if end and name == self._name:
                self.lift_pen()
        finally:
            if end:
                self._overlay.send({"shown": name})

    def _press_key(self, key: str, shift: bool, control: bool, meta: bool) -> None:
        if key in ("Tab", "Escape"):
            self._canvas.blur()  # it takes all keys; without this, the focus could not leave it
        letter = _LETTERS.get(key.lower(), key.lower())
        action = {"z": "redo" if shift else "undo", "y": "redo"}.get(letter)
        if action and (control or meta):
            self._listener.act(action)
        elif len(key) == 1 and key in "0123456789" and not (control or meta):
            self._listener.act(f"teach-{key}")

    def _press_pen(self, place: Point) -> None:
        self.lift_pen()  # a second finger, or a release that was missed
        self._pen = [place]
        self._canvas.fill_circle(*place, self._overlay.pen_width / 2)

    def _move_pen(self, places: list[Point]) -> None:
        if not self._pen or not places:
            return  # the mouse hovers
        self._canvas.stroke_lines([self._pen[-1], *places])
        self._pen += places
        self._listener.pen_moved()


def _in_pad_pixels(place: Point) -> Point:
    x, y = place
    return x / _SCALE, y / _SCALE
