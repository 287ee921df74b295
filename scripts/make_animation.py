"""Make the README's animation: the pad in JupyterLab, reading while a pen draws.

    PYTHONPATH=tests python scripts/make_animation.py

Everything in it is real: JupyterLab, its kernel, the pad and the shipped network. Only the timing
is not: each picture is taken after the kernel has read what is drawn so far.
"""

import io
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import Page

from digitlab import stored_drawing
from support import browser

ANIMATION = Path(__file__).parents[1] / "notebooks" / "pad.gif"
LARGEST = 1_000_000  # bytes
SCALE = 1.5  # picture pixels per page pixel: sharp enough, and small
STEP = 3  # points of a stroke between two pictures
MOVING, RESTING = 70, 1600  # milliseconds that a picture stays, and a digit's last one
COLOURS = 48  # the pad needs only greys and two blues

# Three digits with different sizes and places. Each is scaled, then moved by (x, y).
DRAWINGS = (
    stored_drawing(8),
    [stroke * 0.45 + (10, 8) for stroke in stored_drawing(3)],
    [stroke * 0.7 + (60, 70) for stroke in stored_drawing(5)],
)

# Shows a pen at the mouse, because screenshots leave the mouse out.
PEN = """() => {
  const pen = document.createElement('div');
  pen.innerHTML = `<svg width="72" height="72" viewBox="0 0 24 24" style="display: block">
    <path d="M0 24 2.4 16.4 17.2 1.6a2.2 2.2 0 0 1 3.2 0l2 2a2.2 2.2 0 0 1 0 3.2L7.6 21.6Z"
      fill="#f2b632" stroke="#333" stroke-width=".7"/>
    <path d="M0 24 1.1 20.4 3.6 22.9Z" fill="#333"/></svg>`;
  pen.style = 'position: fixed; z-index: 9999; pointer-events: none; left: -99px';
  document.body.append(pen);
  window.addEventListener('pointermove', event => {
    pen.style.left = `${event.clientX}px`;
    pen.style.top = `${event.clientY - 72}px`;
  }, true);
}"""


def take_pictures(page: Page) -> tuple[list[Image.Image], list[int]]:
    """Draw on the pad; return the pictures and how long each stays."""
    pad = browser.Pad(page)
    page.evaluate(PEN)
    box = page.locator(".jp-CodeCell").bounding_box()
    reading = page.locator(".digitlab-pad")
    assert box
    clip: Any = box
    pictures: list[Image.Image] = []
    durations: list[int] = []

    def take(duration: int = MOVING) -> None:
        seen = None
        while seen != (seen := reading.inner_html()):  # until it stops changing
            time.sleep(0.25)
        pictures.append(Image.open(io.BytesIO(page.screenshot(clip=clip))).convert("RGB"))
        durations.append(duration)

    for drawing in DRAWINGS:
        for stroke in drawing:
            points = pad.on_screen(stroke)
            page.mouse.move(*points[0])
            page.mouse.down()
            for first in range(1, len(points), STEP):
                for point in points[first : first + STEP]:
                    page.mouse.move(*point)
                take()
            page.mouse.up()
            pad.wait_for_kernel()
        page.mouse.move(box["x"] + 620, box["y"] + box["height"] - 20)
        take(RESTING)
        pad.press("Clear")
        pad.says("Draw a digit")
    return pictures, durations


def save(pictures: list[Image.Image], durations: list[int]) -> None:
    """Write the pictures with one palette, so that only changes take bytes."""
    some = np.hstack([np.asarray(picture) for picture in pictures[:: len(pictures) // 6]])
    palette = Image.fromarray(some).quantize(COLOURS, dither=Image.Dither.NONE)
    frames = [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in pictures]
    content = io.BytesIO()
    frames[0].save(
        content, "GIF", save_all=True, append_images=frames[1:], duration=durations, loop=0
    )
    size = len(content.getvalue())
    if size > LARGEST:
        raise SystemExit(f"expected at most {LARGEST:,} bytes, got {size:,}: raise STEP")
    ANIMATION.write_bytes(content.getvalue())
    seconds = sum(durations) / 1000
    print(f"{ANIMATION.name}: {len(frames)} pictures, {seconds:.0f} s, {size / 1000:.0f} kB")


def main() -> None:
    """Start JupyterLab and Chromium, draw, and write the animation."""
    path = browser.need_chromium()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        cells = ["import digitlab\n\npad = digitlab.DrawingPad()\npad"]
        browser.write_notebook(home / "pad.ipynb", cells)
        with browser.frontend("lab", home) as address, browser.chromium(path) as chromium:
            window = chromium.new_context(
                viewport={"width": 1070, "height": 700}, device_scale_factor=SCALE
            )
            page = window.new_page()
            browser.open_notebook(page, "lab", address, "pad.ipynb")
            browser.run_all(page)
            save(*take_pictures(page))


if __name__ == "__main__":
    main()
