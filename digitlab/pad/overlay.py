"""The pad's overlay: its part in the browser (``web/pad/overlay.js``), and the messages from it."""

import re
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
from traitlets import Bool, Float, Int

_PATIENCE = 5.0  # seconds to wait for a message that others have overtaken


def overlay_script() -> str:
    """Return the overlay's JavaScript, with ``web/pointer.js`` inlined.

    anywidget loads a single module, which cannot import from files beside it.
    """
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


class Overlay(anywidget.AnyWidget):
    """A transparent canvas that draws at once, and tells the kernel what a hand does."""

    _esm = overlay_script()
    size = Int().tag(sync=True)
    pen_width = Float().tag(sync=True)
    alive = Bool(False).tag(sync=True)  # set by the browser


def in_order(
    handler: Callable[[dict], None], clock: Callable[[], float] = time.monotonic
) -> Callable[[Any, dict, list], None]:
    """Make a handler of comm messages that passes them on in the order in which they were sent.

    ipykernel 7.4 may handle a comm's messages in two threads, so that a later one comes first. A
    message that stays out was lost with the connection: when nothing has been passed on for
    `_PATIENCE` seconds, the others wait no longer.

    Args:
        handler: Gets messages, each with "view" and its "number", counted in each view from 0.
        clock: Gives seconds.
    """
    expected: Counter[str] = Counter()  # view -> number
    early: defaultdict[str, dict[int, dict]] = defaultdict(dict)
    since: dict[str, float] = {}  # view -> when something was passed on, or began to wait

    def receive(_: Any, message: dict, buffers: list) -> None:
        view, number, now = message["view"], message["number"], clock()
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
            since[view] = clock()

    return receive
