"""The pad's overlay: its part in the browser (``web/pad/overlay.js``), and its messages."""

import operator
import re
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from itertools import takewhile
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
from traitlets import Bool, Float, Int

_PATIENCE = 5.0  # seconds to wait for a message that others have overtaken


def overlay_script() -> str:
    """Return the overlay's JavaScript, with ``web/pointer.js`` inlined.

    anywidget loads a single module, which cannot import from files beside it.
    """
    web = Path(__file__).parents[1] / "web"
    pointer = (web / "pointer.js").read_text(encoding="utf-8")
    overlay = (web / "pad" / "overlay.js").read_text(encoding="utf-8")
    inlined = re.sub("^export ", "", pointer, flags=re.MULTILINE)
    imports = r'^import .* from "\.\./pointer\.js";$'
    script, count = re.subn(imports, lambda _: inlined, overlay, flags=re.MULTILINE)
    assert count == 1, f"expected overlay.js to import pointer.js once, on one line; got {count}"
    return script


class Overlay(anywidget.AnyWidget):
    """A transparent canvas that draws at once, and tells the kernel what a hand does.

    If no canvas shows below it, it is black, asks for the drawing, and shows all of it.
    """

    _esm = overlay_script()
    size = Int().tag(sync=True)  # its width in pad pixels
    height = Int().tag(sync=True)
    pen_width = Float().tag(sync=True)
    teaches = Bool(False).tag(sync=True)  # whether the number keys say which digit was drawn
    alive = Bool(False).tag(sync=True)  # set by the browser

    _version = 0  # of the drawing that was sent; 0 until one is asked for
    _drawing: Sequence[np.ndarray] = ()  # that drawing

    def send_drawing(self, strokes: Sequence[np.ndarray]) -> None:
        """Send the whole drawing, each stroke (n, 2), and its changes from now on."""
        self._send_strokes(strokes, keep=0)

    def send_change(self, strokes: Sequence[np.ndarray]) -> None:
        """Send what has changed in the drawing, if the overlay has asked for it.

        Args:
            strokes: The drawing. A stroke that was there before is the same array.
        """
        if self._version:
            same = map(operator.is_, self._drawing, strokes)
            self._send_strokes(strokes, keep=sum(takewhile(bool, same)))

    def _send_strokes(self, strokes: Sequence[np.ndarray], keep: int) -> None:
        self._version += 1
        self._drawing = strokes
        added = [stroke.round(2).tolist() for stroke in strokes[keep:]]
        self.send({"drawing": added, "keep": keep, "version": self._version})


def in_order(
    handler: Callable[[dict], None], clock: Callable[[], float] = time.monotonic
) -> Callable[[Any, dict, list], None]:
    """Make a handler of comm messages that passes them on in the order in which they were sent.

    ipykernel 7.4 may handle a comm's messages in two threads, so that a later one comes first. A
    message that does not come was lost with the connection: when nothing has been passed on for
    `_PATIENCE` seconds, the others stop waiting for it.

    Args:
        handler: Gets messages, each with "view" and its "number", counted in each view from 0.
        clock: Returns the time in seconds.
    """
    expected: Counter[str] = Counter()  # view -> number
    early: defaultdict[str, dict[int, dict]] = defaultdict(dict)
    since: dict[str, float] = {}  # view -> when something was passed on, or began to wait

    def receive(_: Any, message: dict, buffers: list) -> None:
        view, number, now = message["view"], message["number"], clock()
        if number < expected[view]:
            handler(message)  # it came late, so it was not lost
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
            since[view] = clock()

    return receive
