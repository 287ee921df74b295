"""How long ink takes from the pen to the screen, measured in JupyterLab in a real Chromium.

A mouse visits 240 places, 120 a second, on a pad that reads live. The page notes when each event
reaches it, and checks in each frame whether either canvas has ink at that place.
"""

import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.tables import Table
from support import browser

PAD = ["import digitlab", "pad = digitlab.DrawingPad(pen_width=4)\npad"]
# The kernel is busy in a callback: events wait for that, whichever thread handles them.
BUSY = """import time
def pause(prediction):
    pad.on_predict(pause, remove=True)
    time.sleep({})
pad.on_predict(pause)
pad.predict()"""
ROUNDS = 5

WATCH = """() => {
  const layers = [...document.querySelectorAll('.digitlab-paper canvas')];
  const waiting = new Set(), inked = [];
  window.latencies = []; window.gaps = 0; window.watching = true;
  const isInk = ({ x, y }) => layers.some(layer => {
    const box = layer.getBoundingClientRect(), scale = layer.width / box.width;
    return layer.getContext('2d')
      .getImageData((x - box.left) * scale, (y - box.top) * scale, 1, 1).data[0] > 128;
  });
  const note = ({ clientX, clientY, buttons }) => {
    if (buttons) waiting.add({ x: clientX, y: clientY, at: performance.now() });
  };
  const name = layers.length > 1 ? 'pointermove' : 'mousemove';
  window.addEventListener(name, note, true);
  const look = () => {
    if (!window.watching) return window.removeEventListener(name, note, true);
    for (const place of waiting) if (isInk(place)) {
      window.latencies.push(performance.now() - place.at);
      waiting.delete(place); inked.push(place);
    }
    window.gaps += inked.filter((place, index) => index % 10 === 0 && !isInk(place)).length;
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}"""


def draw(pad: browser.Pad) -> None:
    """Draw one stroke back and forth over the whole pad, 120 places a second."""
    rows, places = 20, 12
    x = np.linspace(20, 260, places)
    line = [
        (x[:: -1 if row % 2 else 1][place], 14 + 13 * row)
        for row in range(rows)
        for place in range(places)
    ]
    points = pad.on_screen(np.array(line))
    mouse = pad.page.mouse
    mouse.move(*points[0])
    mouse.down()
    begun = time.perf_counter()
    for index, point in enumerate(points[1:], start=1):
        time.sleep(max(0, begun + index / 120 - time.perf_counter()))
        mouse.move(*point)
    mouse.up()


def measure(lab: tuple, chrome: Any, overlay: bool, busy: bool) -> tuple[list[float], int]:
    """Return latencies in ms, and how often ink disappeared again."""
    address, home = lab
    file = f"ink-{overlay}-{busy}.ipynb"
    browser.write_notebook(home / file, PAD)
    page = chrome.new_page(viewport={"width": 1280, "height": 900})
    if not overlay:
        page.route("**/anywidget/**", lambda route: route.abort())
    browser.open_notebook(page, "lab", address, file)
    browser.run_all(page)
    pad = browser.Pad(page, overlay=overlay)
    time.sleep(2)
    latencies, gaps = [], 0
    for _ in range(ROUNDS):
        page.evaluate(WATCH)
        if busy:
            page.evaluate(
                """code => { jupyterapp.shell.currentWidget.sessionContext.session.kernel
                    .requestExecute({ code }); }""",
                BUSY.format(3),
            )
            time.sleep(0.5)
        draw(pad)
        time.sleep(3 if busy else 0.7)
        page.evaluate("() => { window.watching = false; }")
        latencies += page.evaluate("() => window.latencies")
        gaps += page.evaluate("() => window.gaps")
        pad.press("Clear")
        pad.says("Draw a digit")
        time.sleep(0.5)
    page.close()
    return latencies, gaps


def table() -> Table:
    """Measure with and without the overlay, with the kernel idle and busy."""
    home = Path(tempfile.mkdtemp())
    rows = []
    path = browser.need_chromium()
    with browser.chromium(path) as chrome, browser.frontend("lab", home) as address:
        for overlay in (True, False):
            for busy in (False, True):
                latencies, gaps = measure((address, home), chrome, overlay, busy)
                median, p95 = np.percentile(latencies, [50, 95])
                name = "overlay" if overlay else "ipycanvas alone"
                name += ", kernel busy for 3 s" if busy else ", kernel reading live"
                times = [f"{value:.1f}" for value in (median, p95, max(latencies))]
                rows.append([name, *times, str(len(latencies)), str(gaps)])
    columns = ["from the event to ink, ms", "median", "p95", "max", "events", "ink gone again"]
    return {"columns": columns, "rows": rows}
