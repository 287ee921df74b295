"""Training progress in a notebook: a bar, the time left, and the accuracy curves."""

import base64
import time
from html import escape
from typing import Any

import keras
from IPython.display import HTML, DisplayHandle


class NotebookProgress(keras.callbacks.Callback):
    """Shows the progress in a cell's output.

    It is plain HTML in one output that is updated, so it stays in the saved notebook, where a
    widget would leave "model not found".

    Args:
        epochs: The number of epochs.
        first: The epoch that the training begins or resumes with, counted from 0.
    """

    _EVERY = 0.25  # seconds between updates

    def __init__(self, epochs: int, first: int) -> None:
        super().__init__()
        self.epochs, self.first, self.epoch = epochs, first, first
        self.curve: list[tuple[float, float]] = []  # (epochs done, accuracy so far)
        self.validation: list[tuple[float, float]] = []
        self.output = DisplayHandle()

    def on_train_begin(self, logs: Any = None) -> None:
        """Show an empty bar."""
        self.begun = self.shown = time.monotonic()
        self.output.display(self._html("starting"))

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Note the epoch."""
        self.epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Update the bar and the curve, a few times a second."""
        now = time.monotonic()
        if now - self.shown < self._EVERY:
            return
        self.shown = now
        done = self.epoch + (batch + 1) / self.params["steps"]
        self.curve.append((done, logs["accuracy"]))
        left = (now - self.begun) * (self.epochs - done) / (done - self.first)
        self._update(f"epoch {self.epoch + 1} of {self.epochs}, {left:.0f} s left", logs)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Update the bar and both curves."""
        self.curve.append((epoch + 1, logs["accuracy"]))
        if "val_accuracy" in logs:
            self.validation.append((epoch + 1, logs["val_accuracy"]))
        seconds = time.monotonic() - self.begun
        self._update(f"{epoch + 1} of {self.epochs} epochs in {seconds:.0f} s", logs)

    def _update(self, state: str, logs: Any) -> None:
        accuracy = f"accuracy {100 * logs['accuracy']:.1f} %"
        if "val_accuracy" in logs:
            accuracy += f", validation {100 * logs['val_accuracy']:.1f} %"
        self.output.update(self._html(f"{state}: {accuracy}"))

    def _html(self, text: str) -> HTML:
        done = self.curve[-1][0] if self.curve else 0.0
        return HTML(
            f'<div><progress value="{done:.3f}" max="{self.epochs}" style="width:20em">'
            f"</progress> {escape(text)}</div>{self._curves()}"
        )

    def _curves(self) -> str:
        """Draw the accuracy from 80 to 100 % over the epochs, as an <img>."""
        if not self.curve:
            return ""
        width, height = 320, 80

        def coordinates(points: list[tuple[float, float]]) -> list[tuple[str, str]]:
            return [
                (f"{done / self.epochs * width:.1f}", f"{min(5 * (1 - share), 1) * height:.1f}")
                for done, share in points
            ]

        line = " ".join(f"{x},{y}" for x, y in coordinates(self.curve))
        dots = "".join(
            f'<circle cx="{x}" cy="{y}" r="4"/>' for x, y in coordinates(self.validation)
        )
        svg = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-40 -8 {width + 140} {height + 16}"'
            ' font-family="sans-serif" font-size="11" fill="#888">'
            f'<path d="M0,0V{height}H{width}" fill="none" stroke="#888" opacity=".5"/>'
            f'<text x="-36" y="4">100 %</text><text x="-30" y="{height}">80 %</text>'
            f'<polyline points="{line}" fill="none" stroke="#888" stroke-width="2"/>{dots}'
            f'<text x="{width + 12}" y="10">● validation</text>'
            f'<text x="{width + 12}" y="26">— training</text></svg>'
        )
        # Not as inline SVG, which JupyterLab removes from notebooks that are not trusted.
        data = base64.b64encode(svg.encode()).decode()
        return (
            f'<img alt="accuracy while training" width="{width + 140}"'
            f' src="data:image/svg+xml;base64,{data}">'
        )
