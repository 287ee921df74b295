"""What the pad shows beside and under the drawing, as HTML: a pure function for each part."""

import base64
import io
import traceback
from html import escape

import numpy as np
from PIL import Image, ImageDraw

from digitlab.recognizer import Prediction


def reading_html(prediction: Prediction | None, sentence: str, role: str | None = None) -> str:
    """The sentence, the ten bars with the best one marked, and the image that the network saw.

    Args:
        prediction: What was read; None shows empty bars and an empty image.
        sentence: What to say of it.
        role: The sentence's ARIA role: "status" has screen readers announce its changes.
    """
    # Styles stand in the parts themselves: a saved notebook has no style sheet.
    role = f' role="{role}"' if role else ""
    if prediction is None or not prediction.image.any():
        prediction = Prediction(None, 0.0, np.zeros(10), np.zeros((28, 28)))
    bars = "".join(
        _bar_html(digit, probability, digit == prediction.digit)
        for digit, probability in enumerate(prediction.probabilities)
    )
    return (
        '<div style="font-size: 14px; line-height: 1.3">'
        f'<div{role} class="digitlab-sentence" style="font-size: 20px; margin: 0 0 6px">'
        f"{escape(sentence)}</div>"
        '<div style="display: flex; align-items: flex-end; gap: 12px">'
        f'<div style="flex: 1">{bars}</div>'
        f'<div style="width: 84px"><img src="{_data_url(prediction.image)}" width="84" height="84"'
        ' alt="the image of 28 x 28 pixels that the network sees"'
        ' style="image-rendering: pixelated; outline: 1px solid gray"><br>'
        "what the network sees</div></div></div>"
    )


def picture_html(strokes: list[np.ndarray], size: int, pen_width: float, reading: str) -> str:
    """A drawing beside its reading, for where no pad can be shown.

    Args:
        strokes: Each (n, 2), in pad pixels.
        size: The side of the pad in pixels.
        pen_width: In pad pixels.
        reading: What `reading_html` gave.
    """
    return (
        '<div style="display: flex; flex-wrap: wrap; align-items: flex-start; gap: 8px 20px">'
        f'<img src="{_data_url(_drawn(strokes, size, pen_width))}" width="168" height="168"'
        f' alt="the drawing"><div style="width: 320px">{reading}</div></div>'
    )


def error_html(error: Exception) -> str:
    """An error in red, its traceback folded."""
    trace = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    return (
        '<div role="alert"><details style="color: var(--jp-error-color1, #d32f2f)">'
        f"<summary>{escape(f'{type(error).__name__}: {error}')}</summary>"
        f'<pre style="white-space: pre-wrap; margin: 0">{escape(trace)}</pre></details></div>'
    )


def _bar_html(digit: int, probability: float, best: bool) -> str:
    colour = "#1976d2" if best else "gray"  # no var(): JupyterLab takes it out of untrusted pages
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


def _drawn(strokes: list[np.ndarray], size: int, pen_width: float) -> np.ndarray:
    """The drawing as the pad shows it: (168, 168) in [0, 1]."""
    side, finer = 168, 3  # drawn three times as large, then made smaller: smooth edges
    scale = side * finer / size
    picture = Image.new("L", (side * finer, side * finer))
    draw, radius = ImageDraw.Draw(picture), pen_width * scale / 2
    for stroke in strokes:
        points = stroke * scale
        draw.line(points.ravel().tolist(), fill=255, width=round(2 * radius))
        for x, y in points:
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    return np.asarray(picture.reduce(finer), np.float32) / 255


def _data_url(image: np.ndarray) -> str:
    """An image (h, w) in [0, 1] as the address of a PNG."""
    png = io.BytesIO()
    Image.fromarray((image * 255).round().astype(np.uint8)).save(png, "png")
    return "data:image/png;base64," + base64.b64encode(png.getvalue()).decode()
