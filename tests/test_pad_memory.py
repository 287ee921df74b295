"""An hour of drawing on a pad, in a kernel of its own."""

import json
import queue

import pytest
from jupyter_client.manager import KernelManager

SETUP = """import asyncio, ctypes, gc, itertools, platform, sys
import digitlab, numpy as np, psutil
from digitlab.pad import throttle
from digitlab.pad.overlay import Overlay
sys.setswitchinterval(0.05)  # so that sending does not wait for the thread that sends
# The clock goes faster here: each message is read as if it came 50 ms after the last.
throttle.INTERVAL, throttle.SHARE = 0, 1

def overlays(widget):
    children = getattr(widget, "children", ())
    return [widget] if isinstance(widget, Overlay) else sum(map(overlays, children), [])

pad = digitlab.DrawingPad()
(overlay,) = overlays(pad)
pad.on_predict(lambda prediction: print(prediction))
numbers = itertools.count()

def tell(**message):
    message |= dict(view="view", number=next(numbers))
    overlay._handle_custom_msg(message, [])

async def draw(digits):
    for count in range(digits):
        for index, stroke in enumerate(digitlab.stored_drawing(count % 10)):
            name = f"view-{count}-{index}"
            for points in np.array_split(stroke, 15):
                tell(stroke=name, points=points.tolist(), end=False)
            tell(stroke=name, points=[], end=True)
            await asyncio.sleep(0)  # the kernel does what it does between messages
        pad.clear()

def undo_all():
    steps, before = -1, None
    while before is None or list(map(id, before)) != list(map(id, pad.strokes)):
        steps, before = steps + 1, pad.strokes
        pad.undo()
    return steps

def megabytes():
    gc.collect()
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).malloc_trim(0)  # give back what is free
    return psutil.Process().memory_info().rss / 1e6

pad"""


@pytest.fixture
def kernel():
    """Run code in a new kernel without a frontend, and return the value of an expression."""
    manager = KernelManager()
    manager.start_kernel()
    client = manager.blocking_client()
    client.start_channels(iopub=False, stdin=False, hb=False)

    def run(code, expression):
        asked = client.execute(code, user_expressions={"it": expression})
        while True:
            try:
                answer = client.get_shell_msg(timeout=10)
            except queue.Empty:
                assert manager.is_alive()
                continue
            if answer["parent_header"].get("msg_id") == asked:
                content = answer["content"]
                assert content["status"] == "ok", content
                return json.loads(content["user_expressions"]["it"]["data"]["text/plain"])

    yield run
    client.stop_channels()
    manager.shutdown_kernel(now=True)


@pytest.mark.once
def test_an_hour_of_drawing_takes_no_memory(kernel):
    # A digit every 2.5 s, and a message every 50 ms while the pen is down: 1,440 digits with 1,728
    # strokes and 26,000 readings. Before that, a few minutes of drawing fill the history.
    before = kernel(SETUP, "1") and kernel("await draw(120)", "megabytes()")
    after = kernel("await draw(1440)", "megabytes()")
    assert after - before < 10
    assert kernel("", "undo_all()") == 200
