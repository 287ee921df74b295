"""What the pad shows beside and under the drawing: the reading, errors, and callbacks' output."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from ipywidgets import HTML, Layout, Output, VBox

from digitlab.pad.html import activations_html, error_html, reading_html, saliency_html
from digitlab.pad.reading import Explanation
from digitlab.prediction import Prediction


class ReadingView(VBox):
    """A sentence, the bars, what the network saw; and below them an explanation, if wanted."""

    def __init__(self) -> None:
        self.sentence = ""
        self.has_announcer = False  # whether something else tells screen readers
        self._prediction: Prediction | None = None
        self._below = ""
        self._layers: dict[str, np.ndarray] = {}  # zeros, which reserve room for the layers
        self._html = HTML()
        super().__init__([self._html], layout=Layout(flex="1 1 260px", max_width="320px"))

    def show(
        self,
        sentence: str,
        prediction: Prediction | None = None,
        explanation: Explanation | None = None,
        hint: str = "",
    ) -> None:
        """Show a sentence, and below it the prediction that it describes.

        Args:
            sentence: What to say.
            prediction: What was read; None shows empty bars.
            explanation: Why it was read as it was.
            hint: Says when an explanation will come; empty if none is wanted.
        """
        self.sentence, self._prediction, self._below = sentence, prediction, ""
        if hint:
            saliency, why_no_saliency, no_layers, activations = None, hint, hint, self._layers
            if explanation is not None:
                saliency = explanation.saliency
                why_no_saliency = explanation.why_no_saliency or hint
                no_layers = "This recognizer has no layers to look into."
                activations = dict(explanation.activations)
                self._layers = {name: np.zeros_like(old) for name, old in activations.items()}
                if prediction is None or prediction.reason == "empty":
                    activations = self._layers
            self._below = saliency_html(prediction, saliency, why_no_saliency)
            self._below += activations_html(activations, no_layers)
        self.refresh()

    def refresh(self) -> None:
        """Show the same again, and announce it to screen readers if nothing else does."""
        self._html.value = self.html(None if self.has_announcer else "status")

    def html(self, role: str | None = None) -> str:
        """Return what is shown; `role` as for `reading_html`."""
        return reading_html(self._prediction, self.sentence, role) + self._below


class Messages(VBox):
    """Errors, which Jupyter would swallow, and what callbacks print."""

    def __init__(self) -> None:
        self._errors: list[str] = []  # HTML
        self._html, self.printed = HTML(), Output()
        super().__init__([self._html, self.printed])
        self.add_class("digitlab-messages")

    def clear(self) -> None:
        """Show nothing."""
        self._errors.clear()
        self._html.value, self.printed.outputs = "", ()

    @contextmanager
    def catching(self) -> Iterator[None]:
        """Show an exception, and go on."""
        try:
            yield
        except Exception as error:
            self._errors.append(error_html(error))
            self._html.value = "".join(self._errors)
