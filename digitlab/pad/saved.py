"""A picture of the drawing, for saved notebooks that are opened without a kernel.

A saved notebook that is opened without its kernel cannot show a widget. So the cell's output also
has a picture, which is kept up to date. A style sheet shows either the pad or the picture.
"""

import operator
from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

import numpy as np
from IPython import get_ipython
from IPython.core.displaypub import DisplayPublisher
from IPython.display import display
from ipywidgets import HTML
from PIL import Image, ImageDraw

from digitlab.pad.html import image_url, picture_html

_STYLE = (Path(__file__).parents[1] / "web" / "pad" / "pad.css").read_text(encoding="utf-8")
# Comes with the picture: it hides the pad's own output, just before it, if the pad could not be
# shown. That output is JupyterLab's "model not found" (a widget's output has no MIME type there),
# or plain text (nbconvert).
_NO_WIDGET = (
    ".jp-OutputArea-child:not(:has(.digitlab-pad))"
    ':has(> .jp-OutputArea-output:is(:not([data-mime-type]), [data-mime-type="text/plain"]))'
    ":has(+ .jp-OutputArea-child > .jp-OutputArea-output > .digitlab-picture) { display: none }"
)
# Comes with the pad: it shows the pad while the pad has a kernel, and otherwise the picture.
# ipywidgets marks widgets without a kernel, and the overlay marks pads that have had one in this
# page. Pictures inside an Output are not kept up to date, so there a pad without a kernel shows its
# own (pad.css). The rules look for both in a cell's output, and search the whole page only outside
# JupyterLab: with each reading, browsers compute the style again of all that such a rule searches.
_PAD_OR_PICTURE = """
AREA:has(.PAD:is(:not(.jupyter-widgets-disconnected), .digitlab-connected)) .PICTURE,
AREA:has(.PAD:is(:not(.jupyter-widgets-disconnected), .digitlab-connected))
  .jp-OutputArea-child:has(> .jp-OutputArea-output > .PICTURE),
.widget-output .PICTURE,
AREA:has(.PICTURE) .PAD.jupyter-widgets-disconnected:not(.digitlab-connected, .widget-output *) {
  display: none;
}
""".replace("AREA", ":is(.jp-OutputArea, body:not([data-jp-theme-light]))")
_HEIGHT, _FINER = 168, 3  # pixels; drawn three times as large, then shrunk to be smooth
_APART = 5  # strokes drawn afresh in each picture


class SavedDrawing:
    """The picture of a pad's drawing: in the pad, for when it has no kernel, and in the output.

    Attributes:
        pad_class: The CSS class that the pad must have.
        style: A style sheet that the pad must hold.
        image: A widget that the pad must hold, with the drawing alone.

    Args:
        size: The width of the pad in pixels.
        height: Its height in pixels.
    """

    def __init__(self, size: int, height: int):
        name = uuid4().hex[:12]
        self.pad_class, self._class = f"digitlab-pad-{name}", f"digitlab-picture-{name}"
        rules = _PAD_OR_PICTURE.replace("PAD", self.pad_class).replace("PICTURE", self._class)
        self.style = f"<style>{_STYLE}{rules}</style>"
        self.image = HTML()
        self.image.add_class("digitlab-still")
        self._picture = Picture(size, height)
        self._displayed = False
        self._bundle: dict[str, str] = {}

    def update(
        self, strokes: Sequence[np.ndarray], pen_width: float, reading: str, words: str
    ) -> None:
        """Show another drawing.

        Args:
            strokes: See `Picture.draw`.
            pen_width: In pad pixels.
            reading: The reading and its explanation, as HTML.
            words: The same in words, for pages without pictures.
        """
        image = self._picture.draw(strokes, pen_width)
        url, (height, width) = image_url(image), image.shape
        self.image.value = f'<img src="{url}" width="{width}" height="{height}" alt="the drawing">'
        picture = picture_html(self.image.value, reading)
        html = f'<div class="digitlab-picture {self._class}">{picture}</div>'
        self._bundle = {"text/html": f"<style>{_NO_WIDGET}</style>{html}", "text/plain": words}
        if self._displayed and _outputs_can_change():
            display(self._bundle, raw=True, display_id=self._class, update=True)

    def display(self) -> None:
        """Put the picture into the output, where `update` changes it from then on."""
        self._displayed = True
        display(self._bundle, raw=True, display_id=self._class)


def _outputs_can_change() -> bool:
    """Tell whether `display` can change an output. In a terminal, it would print another one."""
    shell = get_ipython()
    return shell is not None and type(shell.display_pub) is not DisplayPublisher


class Picture:
    """A drawing as an image.

    It keeps what it has drawn, so a new stroke costs only that stroke, even if it is the 2,000th.

    Args:
        size: The width of the pad in pixels.
        height: Its height in pixels.
    """

    def __init__(self, size: int, height: int):
        self._scale = _HEIGHT * _FINER / height
        self._blank = Image.new("L", (round(_HEIGHT * size / height) * _FINER, _HEIGHT * _FINER))
        self._pen_width = 0.0
        self._below: list[np.ndarray] = []  # strokes in `_drawn`: all but the last few
        self._drawn = self._blank.copy()

    def draw(self, drawing: Sequence[np.ndarray], pen_width: float) -> np.ndarray:
        """Draw strokes as the pad shows them.

        Args:
            drawing: Strokes, each (n, 2), in pad pixels. A stroke that was there before is the
                same array.
            pen_width: In pad pixels.

        Returns:
            (168, w) float32 in [0, 1], w in proportion to the pad.
        """
        strokes, scale = list(drawing), self._scale
        below = len(self._below)
        same = len(strokes) >= below and all(map(operator.is_, self._below, strokes))
        if not same or pen_width != self._pen_width:
            below, self._drawn, self._pen_width = 0, self._blank.copy(), pen_width
        # The last strokes stay apart, so that each can be undone cheaply.
        if len(strokes) - below > 2 * _APART:
            _add_ink(self._drawn, strokes[below:-_APART], scale, pen_width)
            below = len(strokes) - _APART
        self._below = strokes[:below]
        picture = self._drawn.copy()
        _add_ink(picture, strokes[below:], scale, pen_width)
        return np.asarray(picture.reduce(_FINER), np.float32) / 255


def _add_ink(
    picture: Image.Image, strokes: list[np.ndarray], scale: float, pen_width: float
) -> None:
    """Draw strokes (n, 2), in pad pixels, on a picture that is `scale` times as large."""
    draw, radius = ImageDraw.Draw(picture), pen_width * scale / 2
    for stroke in strokes:
        with np.errstate(over="ignore"):
            points = (stroke * scale).clip(-1e6, 1e6)  # as far as Pillow can draw
        draw.line(points.ravel().tolist(), fill=255, width=round(2 * radius))
        for x, y in points:
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
