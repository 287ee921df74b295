"""What the pad shows beside and under the drawing, as HTML.

Pure functions: arrays and words in, HTML out.
"""

import base64
import io
import traceback
from collections.abc import Mapping
from html import escape

import numpy as np
from PIL import Image

from digitlab.explain import AGAINST, FOR, SIGNS, colour_saliency, say_place, strongest_ink
from digitlab.images import as_bytes
from digitlab.prediction import Prediction

_CHANNELS, _SIDE = 6, 28  # channels shown of each layer, and their side in pixels
_ROW = _CHANNELS * (_SIDE + 1) + 1  # pixels: a row of channels, with a line around each


def reading_html(prediction: Prediction | None, sentence: str, role: str | None = None) -> str:
    """The sentence, the ten bars with the best one marked, and the image that the network saw.

    Args:
        prediction: What was read; None shows empty bars and an empty image.
        sentence: What to say about it.
        role: The sentence's ARIA role: "status" has screen readers announce its changes.
    """
    # Styles are inline, because a saved notebook has no style sheet.
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
        f'<div style="width: 84px"><img src="{image_url(prediction.image)}" width="84" height="84"'
        ' alt="the image of 28 x 28 pixels that the network sees"'
        ' style="image-rendering: pixelated; outline: 1px solid gray"><br>'
        "what the network sees</div></div></div>"
    )


def saliency_html(prediction: Prediction | None, saliency: np.ndarray | None, fallback: str) -> str:
    """Which ink counted for the digit and which against it: a picture, and the same in words.

    Args:
        prediction: What was read.
        saliency: (28, 28), as `digitlab.measure_saliency` gives it; or None.
        fallback: What to say without a saliency. The picture then shows the ink alone.
    """
    image = np.zeros((28, 28)) if prediction is None else prediction.image
    places: list[tuple[int, int] | None] = [None, None]
    if prediction is None or saliency is None:
        title, lines = "Which ink counts", [f"<div>{escape(fallback)}</div>"]
        saliency = np.zeros((28, 28))
    else:
        title = f"Which ink counted for the {prediction.digit}"
        places = strongest_ink(image, saliency)
        parts = ((FOR, "for it"), (AGAINST, "against it"))
        lines = [
            f'<div><b style="{_mark(colour)}">{sign}</b> {words}: '
            f"{say_place(*place) if place else 'nothing'}</div>"
            for sign, (colour, words), place in zip(SIGNS, parts, places, strict=True)
        ]
    marks = "".join(
        f'<b aria-hidden="true" style="position: absolute; left: {3 * place[1] + 1.5}px;'
        f" top: {3 * place[0] + 1.5}px; transform: translate(-50%, -50%);"
        f' {_mark(colour)}">{sign}</b>'
        for sign, colour, place in zip(SIGNS, (FOR, AGAINST), places, strict=True)
        if place
    )
    # The words beside it say what it shows, so the picture needs no text of its own.
    return (
        '<div style="display: flex; align-items: center; gap: 12px; margin-top: 10px;'
        ' min-height: 92px; font-size: 14px; line-height: 1.3" class="digitlab-saliency">'
        '<div style="position: relative; width: 84px; height: 84px; flex: none">'
        f'<img src="{image_url(colour_saliency(image, saliency) / 255)}" width="84" height="84"'
        ' alt="" style="image-rendering: pixelated; outline: 1px solid gray">'
        f"{marks}</div><div>"
        f'<div style="font-weight: bold">{title}</div>{"".join(lines)}</div></div>'
    )


def activations_html(activations: Mapping[str, np.ndarray], fallback: str) -> str:
    """What each layer found in the drawing: a row of its strongest channels, beside its name.

    The last layer's output is what the bars show, so it is left out here.

    Args:
        activations: A name for each layer, and its output, (h, w, channels) or (n,), as
            `digitlab.Recognizer.get_activations` gives them. A layer of zeros is shown black.
        fallback: What to say without activations.
    """
    words = "Bright where a channel found its pattern."
    rows = []
    for name, output in list(activations.items())[:-1]:
        shape = " x ".join(map(str, output.shape))
        rows.append(
            # Two rows share the line between them.
            '<div style="display: flex; align-items: center; gap: 10px; margin-bottom: -1px">'
            f'<div style="width: {_ROW}px; height: {_SIDE + 2}px; flex: none">'
            f'<img src="{image_url(_row_of_channels(output))}" alt="{_say_channels(output)}"'
            ' style="display: block; image-rendering: pixelated"></div>'
            f'<div style="font-size: 12px; line-height: 1.1">{escape(name)}<br>{shape}</div></div>'
        )
    return (
        '<div style="margin-top: 8px; font-size: 14px; line-height: 1.3"'
        ' class="digitlab-activations"><div style="font-weight: bold">What the layers find</div>'
        f"<div>{words if rows else escape(fallback)}</div>{''.join(rows)}</div>"
    )


def image_url(image: np.ndarray) -> str:
    """Return an image (h, w) or (h, w, 3) in [0, 1] as the URL of a PNG."""
    png = io.BytesIO()
    Image.fromarray(as_bytes(image)).save(png, "png")
    return "data:image/png;base64," + base64.b64encode(png.getvalue()).decode()


def picture_html(image_html: str, reading: str) -> str:
    """The image of a drawing beside what `reading_html` gave."""
    return (
        '<div style="display: flex; flex-wrap: wrap; align-items: flex-start; gap: 8px 20px">'
        f'{image_html}<div style="width: 320px">{reading}</div></div>'
    )


def error_html(error: Exception) -> str:
    """An error in red, with its traceback folded."""
    trace = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    return (
        '<div role="alert"><details style="color: var(--jp-error-color1, #d32f2f)">'
        f"<summary>{escape(f'{type(error).__name__}: {error}')}</summary>"
        f'<pre style="white-space: pre-wrap; margin: 0">{escape(trace)}</pre></details></div>'
    )


def _bar_html(digit: int, probability: float, best: bool) -> str:
    colour = "#1976d2" if best else "gray"  # no var(): JupyterLab removes it from untrusted output
    return (
        '<div style="display: flex; align-items: center; gap: 6px;'
        f' font-weight: {"bold" if best else "normal"}">'
        f'<span style="width: 1em">{digit}</span>'
        '<span style="flex: 1; height: 11px; background: rgba(128, 128, 128, .2);'
        ' forced-color-adjust: none">'  # else a high-contrast theme hides it
        f'<span style="display: block; height: 100%; width: {probability:.1%};'
        f' background: {colour}"></span></span>'
        '<span style="width: 3.5em; text-align: right; white-space: nowrap">'
        f"{100 * probability:.0f} %</span></div>"
    )


def _row_of_channels(output: np.ndarray) -> np.ndarray:
    """A layer's strongest channels side by side, each on its own scale; or its numbers."""
    if output.ndim == 3:
        cells = [_shown(output[..., channel], _SIDE, _SIDE) for channel in _strongest(output)]
    else:
        lines = max(1, round((len(output) / _CHANNELS) ** 0.5))
        values = np.pad(output, (0, -len(output) % lines), constant_values=output.min())
        cells = [_shown(values.reshape(lines, -1), _SIDE, _ROW - 2)]
    # A grey line around each, which is visible on any background.
    framed = [np.pad(cell, ((1, 1), (0, 1)), constant_values=0.5) for cell in cells]
    return np.pad(np.hstack(framed), ((0, 0), (1, 0)), constant_values=0.5)


def _say_channels(output: np.ndarray) -> str:
    """The image of `_row_of_channels` in words."""
    if not output.any():
        return "nothing"
    if output.ndim == 1:
        return f"{len(output)} numbers, the larger the brighter"
    strongest = _strongest(output)
    place = np.unravel_index(output[..., strongest[0]].argmax(), output.shape[:2])
    row, column = ((np.array(place) + 0.5) * 28 / output.shape[:2] - 0.5).astype(int)  # of 28
    return f"{len(strongest)} channels, the strongest is brightest {say_place(row, column)}"


def _strongest(output: np.ndarray) -> np.ndarray:
    """The numbers of the strongest channels, as `digitlab.plot_activations` chooses them."""
    return np.argsort(-output.max(axis=(0, 1)), kind="stable")[:_CHANNELS]


def _shown(values: np.ndarray, height: int, width: int) -> np.ndarray:
    """Values (h, w) as a picture (height, width) in [0, 1], the lowest black, the highest white."""
    rows, columns = (
        np.arange(side) * n // side for side, n in zip((height, width), values.shape, strict=True)
    )
    values = values - values.min()
    # The exponent makes weak answers easier to see.
    return ((values / (values.max() or 1)) ** 0.7)[rows][:, columns]


def _mark(colour: np.ndarray) -> str:
    """The style of a sign on its colour, visible on any background."""
    return (
        f"background: rgb({', '.join(map(str, colour))}); color: black; border-radius: 50%;"
        " box-shadow: 0 0 0 1px white;"
        " display: inline-block; width: 13px; height: 13px; font-size: 13px; line-height: 13px;"
        " text-align: center"
    )
