"""The pad's paper: it shows strokes, and tells what the pen does.

Two canvases lie upon each other. The lower one, ipycanvas', shows the strokes; Python draws on it.
The upper one, transparent, lives in the browser (``web/pad/overlay.js``, by anywidget): it draws
what the pen does at once and reads pens as well as mouse and finger. Where a frontend cannot load
it, the lower one takes mouse and finger itself, and its ink waits for the kernel.
"""

import re
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
from ipycanvas import Canvas, hold_canvas
from ipywidgets import Box, Layout
from traitlets import Bool, Float, Int

_SCALE = 2  # canvas pixels for each pad pixel, so that ink is sharp on phones, too
_PATIENCE = 5.0  # seconds to wait for a message that others have overtaken
# What Z and Y are on keyboards of other scripts, for ipycanvas tells the character alone: Cyrillic,
# Greek, Hebrew, Arabic and Persian, Georgian, Korean, Japanese, Thai.
_LETTERS = dict.fromkeys("\u044f\u03b6\u05d6\u0626\u0638\u10d6\u314b\u3064\u30c4\u0e1c", "z")
_LETTERS |= dict.fromkeys("\u043d\u03c5\u05d8\u063a\u10e7\u315b\u3093\u30f3\u0e31", "y")

Point = Sequence[float]  # x, y in pad pixels, y down


def overlay_script() -> str:
    """The overlay's JavaScript with what it imports inlined: anywidget takes a single module."""
    web = Path(__file__).parents[1] / "web"
    pointer = (web / "pointer.js").read_text(encoding="utf-8")
    overlay = (web / "pad" / "overlay.js").read_text(encoding="utf-8")
    return re.sub(
        r'^import .* from "\.\./pointer\.js";$',
        lambda _: re.sub("^export ", "", pointer, flags=re.MULTILINE),
        overlay,
        count=1,
        flags=re.MULTILINE,
    )


class _Overlay(anywidget.AnyWidget):
    """The browser's part."""

    _esm = overlay_script()
    size = Int().tag(sync=True)
    pen_width = Float().tag(sync=True)
    alive = Bool(False).tag(sync=True)  # set by the browser


class Paper(Box):
    """A square to draw on.

    Args:
        size: Its side in pad pixels.
        pen_width: In pad pixels.
        strokes: Gives what to show: strokes, each (n, 2) in pad pixels.
        guard: Wraps each handler of an event from the browser.
        on_ink: Called when the stroke under the pen has grown.
        on_stroke: Called with each finished stroke, (n, 2) float64.
        on_action: Called with "undo" or "redo" for a key, and with "clear", say, for a press of a
            button of the class ``digitlab-action-clear`` beside the paper, once the browser has
            loaded the overlay.
        on_announces: Called when `announces` has changed.
    """

    def __init__(
        self,
        size: int,
        pen_width: float,
        *,
        strokes: Callable[[], list[np.ndarray]],
        guard: Callable[[Callable], Callable],
        on_ink: Callable[[], None],
        on_stroke: Callable[[np.ndarray], None],
        on_action: Callable[[str], None],
        on_announces: Callable[[], None],
    ):
        self._size = size
        self._strokes = strokes
        self._pen: list[Point] = []  # the stroke that is being drawn
        self._name: str | None = None  # the overlay's name for it; the lower canvas has none
        self._on_ink, self._on_stroke, self._on_action = on_ink, on_stroke, on_action
        self._canvas = Canvas(
            width=_SCALE * size,
            height=_SCALE * size,
            layout=Layout(width="100%", height="auto"),
        )
        self._other_canvas = Canvas(width=1, height=1)  # see redraw
        self._overlay = _Overlay(size=size, pen_width=pen_width)
        self._overlay.add_class("digitlab-overlay")
        self._overlay.observe(guard(lambda change: on_announces()), "alive")
        self._connect(guard)
        super().__init__(
            [self._canvas, self._overlay],
            layout=Layout(width=f"{size}px", max_width="100%"),
        )
        self.add_class("digitlab-paper")
        self.redraw()

    @property
    def pen(self) -> list[np.ndarray]:
        """The stroke under the pen in a list, which is empty while no pen is down."""
        return [np.array(self._pen, np.float64)] if self._pen else []

    @property
    def announces(self) -> bool:
        """Whether `announce` reaches screen readers: the browser has loaded the overlay."""
        return self._overlay.alive

    def announce(self, sentence: str) -> None:
        """Have screen readers say a sentence."""
        self._overlay.send({"say": sentence})

    def redraw(self) -> None:
        """Show the strokes as they are now."""
        if self.comm is None:
            return  # closed
        canvas = self._canvas
        # After a reload of the page, ipycanvas draws on no canvas until it has switched to one, and
        # it switches only when another was drawn on before.
        self._other_canvas.clear()
        with hold_canvas():
            canvas.set_transform(_SCALE, 0, 0, _SCALE, 0, 0)
            canvas.fill_style = "black"
            canvas.fill_rect(0, 0, self._size, self._size)
            canvas.fill_style = canvas.stroke_style = "white"
            canvas.line_width = self._overlay.pen_width
            canvas.line_cap = canvas.line_join = "round"
            # Two commands, however many there are. A line of no length shows no ink: dots do.
            if strokes := [*self._strokes(), *self.pen]:
                x, y = np.array([stroke[0] for stroke in strokes]).T
                canvas.fill_circles(x, y, self._overlay.pen_width / 2)
            if lines := [stroke for stroke in strokes if len(stroke) > 1]:
                canvas.stroke_line_segments(lines)

    def set_pen_width(self, pen_width: float) -> None:
        """Draw all strokes with a pen of another width, in pad pixels."""
        self._overlay.pen_width = pen_width
        self.redraw()

    def lift_pen(self) -> None:
        """End the stroke under the pen, if there is one."""
        stroke = self.pen
        self._pen, self._name = [], None
        if stroke:
            self._on_stroke(stroke[0])

    def close(self) -> None:
        """Close the canvases too."""
        self._other_canvas.layout.close()
        self._other_canvas.close()
        super().close()

    def _connect(self, guard: Callable[[Callable], Callable]) -> None:
        self._overlay.on_msg(guard(_in_order(guard(self._take))))

        def put(place: Point) -> None:
            self._put_pen(_in_pad_pixels(place))

        def move(place: Point) -> None:
            if self._name is None:  # or the overlay has the pen
                self._move_pen([_in_pad_pixels(place)])

        def lift() -> None:
            if self._name is None:
                self.lift_pen()

        # The first finger draws, until the last one is lifted.
        def touch(fingers: list[Point]) -> None:
            if len(fingers) == 1:
                put(fingers[0])

        def leave(fingers: list[Point]) -> None:
            if not fingers:
                lift()

        def ready() -> None:
            self.lift_pen()  # a page that was reloaded says no more of its stroke
            self.redraw()

        canvas = self._canvas
        canvas.on_client_ready(guard(ready))
        canvas.on_mouse_down(guard(lambda x, y: put((x, y))))
        canvas.on_mouse_move(guard(lambda x, y: move((x, y))))
        canvas.on_mouse_up(guard(lambda x, y: lift()))
        # A pen that leaves the pad brings no "up" any more: the stroke ends here.
        canvas.on_mouse_out(guard(lambda x, y: lift()))
        canvas.on_touch_start(guard(touch))
        canvas.on_touch_move(guard(lambda fingers: move(fingers[0])))
        canvas.on_touch_end(guard(leave))
        canvas.on_touch_cancel(guard(leave))
        canvas.on_key_down(guard(self._press_key))

    def _take(self, message: dict) -> None:
        """Do what the overlay tells."""
        if "action" in message:
            self._on_action(message["action"])
            return
        name, points, end = message["stroke"], message["points"], message["end"]
        try:
            if points and name != self._name:
                self._put_pen(points.pop(0))
                self._name = name
            self._move_pen(points)
            if end and name == self._name:
                self.lift_pen()
        finally:
            if end:
                self._overlay.send({"shown": name})

    def _press_key(self, key: str, shift: bool, control: bool, meta: bool) -> None:
        if key in ("Tab", "Escape"):
            self._canvas.blur()  # it keeps all keys to itself: whoever wants to leave, may
        letter = _LETTERS.get(key.lower(), key.lower())
        action = {"z": "redo" if shift else "undo", "y": "redo"}.get(letter)
        if action and (control or meta):
            self._on_action(action)

    def _put_pen(self, place: Point) -> None:
        self.lift_pen()  # a second finger, or a release that was missed
        self._pen = [place]
        self._draw_dot(place)

    def _move_pen(self, places: list[Point]) -> None:
        if not self._pen or not places:
            return  # the mouse hovers
        self._canvas.stroke_lines([self._pen[-1], *places])
        self._pen += places
        self._on_ink()

    def _draw_dot(self, place: Point) -> None:
        self._canvas.fill_circle(*place, self._overlay.pen_width / 2)


def _in_order(handler: Callable[[dict], None]) -> Callable[[Any, dict, list], None]:
    """Hand on the overlay's messages in the order in which each of its views has sent them.

    ipykernel 7.4 gives a comm's messages now to one thread, now to another, and the later may come
    first. One that stays out was lost with the connection: when nothing was handed on for
    `_PATIENCE` seconds, the rest waits no longer.
    """
    expected: Counter[str] = Counter()  # view -> number
    early: defaultdict[str, dict[int, dict]] = defaultdict(dict)
    since: dict[str, float] = {}  # view -> when something was handed on, or began to wait

    def receive(_: Any, message: dict, buffers: list) -> None:
        view, number, now = message["view"], message["number"], time.monotonic()
        if number < expected[view]:
            handler(message)  # so it was not lost
            return
        waiting = early[view]
        if not waiting:
            since[view] = now
        waiting[number] = message
        if now - since[view] > _PATIENCE:
            expected[view] = min(waiting)
        while (following := waiting.pop(expected[view], None)) is not None:
            expected[view] += 1
            handler(following)
            since[view] = time.monotonic()

    return receive


def _in_pad_pixels(place: Point) -> Point:
    x, y = place
    return x / _SCALE, y / _SCALE
