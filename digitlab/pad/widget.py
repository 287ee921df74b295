"""The drawing pad: draw a digit in a notebook cell, and see at once what a recognizer reads.

The strokes are kept here, in Python; the browser only shows them. So the pad works without a
browser as well: `DrawingPad.draw` does what a hand does.
"""

import math
import os
from collections.abc import Callable, Sequence
from inspect import iscoroutinefunction
from pathlib import Path
from typing import Any

import numpy as np
import traitlets
from IPython.display import display
from ipywidgets import HTML, Box, Layout, VBox, Widget

from digitlab.drawings import load_drawing, save_drawing
from digitlab.loading import as_recognizer
from digitlab.pad.controller import Controller
from digitlab.pad.controls import make_controls
from digitlab.pad.history import History
from digitlab.prediction import Prediction
from digitlab.recognizer import PersonalRecognizer, Recognizer
from digitlab.strokes import as_strokes

_HISTORY = 200  # changes that can be undone


class _Strokes(traitlets.List):
    """The drawing as a list that is the caller's own."""

    def get(self, obj: Any, cls: Any = None) -> list[np.ndarray]:
        return list(obj._history.drawing)


class _PenWidth(traitlets.Float):
    """Checked at once: validators of traits run only when all traits have their values."""

    def validate(self, obj: Any, value: Any) -> float:
        width: float = super().validate(obj, value)
        if not 0 < width < math.inf:
            raise ValueError(f"expected pen_width to be above 0 pixels, got {width}")
        return width


class DrawingPad(Box):
    """A pad to draw one digit on, with mouse, finger or pen, with its reading beside it.

    These are traits: ``pad.observe(function, "strokes")`` calls the function on each change.

    - ``strokes``: the drawing, a list of strokes, each (n, 2) float64: x, y in pad pixels, y down.
      A new list each time, of read-only arrays: `draw`, `undo` and `clear` change the drawing.
    - ``prediction``: what was read last, a `Prediction`; its ``digit`` is None if the pad is empty
      or the recognizer sees no digit. Ink of a tap's size, up to 3 % of the pad, is read as a dot.
      Read-only. It changes up to 20 times a second while the pen moves.
    - ``image``: what the network saw then: (28, 28) float32 in [0, 1], ink 1 on paper 0. Read-only.
    - ``live``: whether the pad reads while you draw, or only when asked.
    - ``pen_width``: on the screen, in pad pixels. What the network sees does not depend on it.
    - ``recognizer``: what reads the drawing.
    - ``explain``: whether to show under the bars, after each stroke, which ink counted for the
      digit and which against it, see `digitlab.measure_saliency`, and what the network's layers
      found on the way to it, see `digitlab.Recognizer.get_activations`. The first asks for about
      a hundred readings at once, which a recognizer with only ``predict(drawing)`` cannot give; the
      second needs a LiteRT or Keras network.

    Args:
        recognizer: A `Recognizer`, or anything with ``predict(drawing) -> Prediction``; a Keras
            model; or a function from an image, (28, 28) float32 in [0, 1], to ten probabilities.
            Default: the network that comes with the package.
        size: The side of the pad in pixels. On a narrower page it is shown smaller.
        live: See above.
        pen_width: See above. Default: 7 % of the size.
        explain: See above.
        personal: Whether the pad learns your handwriting: ten buttons below the reading, and the
            number keys while the pad has the focus, say what a drawing was. With a file name, such
            as "mine.json", the pad keeps what it learns there, from one session to the next, and
            nowhere else; what was taught to another network is taught to this one. Several
            pads can share the file. With True, it learns for this session only. ``recognizer`` is
            then a `PersonalRecognizer`, kept in the file by `PersonalRecognizer.keep_in`, so what
            you teach it directly is kept, too. If you pass one, it must not have other examples
            than the file. A recognizer that you set later learns what the pad was taught, unless it
            has examples of its own.
        layout: An `ipywidgets.Layout`, or a dictionary, for the whole.

    Raises:
        TypeError, ValueError, traitlets.TraitError: An argument has the wrong type or value.
        OSError: The file of examples cannot be read or written.

    Example:
        >>> pad = digitlab.DrawingPad()  # `pad` as the last line of a cell shows it
        >>> pad.draw(digitlab.stored_drawing(5))
        >>> pad.prediction.digit
        5
        >>> pad.clear()
        >>> print(pad.prediction)
        Draw a digit
    """

    strokes = _Strokes(read_only=True)
    prediction = traitlets.Instance(Prediction, read_only=True)
    image = traitlets.Instance(np.ndarray, read_only=True)
    live = traitlets.Bool(True).tag(sync=True)  # for ipywidgets.jslink
    pen_width = _PenWidth(1.0).tag(sync=True)
    recognizer: Any = traitlets.Instance(object)  # not Any, which takes None unvalidated
    explain = traitlets.Bool(False)
    _aspect = 1.0  # height by width
    _pen = 0.07  # by width: the pen's width on the screen, which the network never sees
    _make_controller = Controller
    _own_layout: Layout | None = None  # what `close` closes
    _taught: PersonalRecognizer | None = None  # the last recognizer, if the pad learns

    def __init__(
        self,
        recognizer: Any = None,
        size: int = 280,
        *,
        live: bool = True,
        pen_width: float | None = None,
        explain: bool = False,
        personal: bool | str | os.PathLike[str] = False,
        layout: Layout | dict | None = None,
    ):
        if not (isinstance(size, int | np.integer) and not isinstance(size, bool) and size > 0):
            raise ValueError(f"expected size to be a whole number of pixels above 0, got {size!r}")
        if not isinstance(personal, bool | str | os.PathLike):
            raise TypeError(f"expected personal to be True, False or a file, got {personal!r}")
        if personal == "":
            raise ValueError("expected personal to be True, False or a file, got an empty name")
        size = int(size)
        pen_width = size * self._pen if pen_width is None else pen_width
        self.size, self.height = size, max(1, round(size * self._aspect))
        # The notebook may change its folder.
        self.personal = personal if isinstance(personal, bool) else Path(personal).absolute()
        self._history = History(_HISTORY)
        if layout is None or isinstance(layout, dict):
            layout = self._own_layout = Layout(**(layout or {}))
        super().__init__(
            layout=layout,
            live=live,
            pen_width=pen_width,
            recognizer=recognizer,
            explain=explain,
        )
        self._controller = parts = self._make_controller(self, self._history)
        controls = make_controls(self, size, parts.handler(parts.act))
        whole_width = Layout(max_width="100%")
        beside: Widget = parts.view
        if parts.teaching:
            beside = VBox([parts.view, parts.teaching], layout=Layout(flex="1 1 260px"))
            beside.layout.max_width, parts.view.layout.flex = "320px", "none"
        self.children = [
            HTML(parts.saved.style, layout=Layout(display="none")),
            VBox([parts.canvas, *parts.below, controls, parts.saved.image], layout=whole_width),
            beside,
            parts.messages,
        ]
        self.add_class("digitlab-pad")
        self.add_class(parts.saved.pad_class)
        self.observe(lambda _: parts.call(parts.canvas.set_pen_width, self.pen_width), "pen_width")
        self.observe(lambda _: parts.call(parts.settle), ["live", "recognizer", "explain"])
        self.predict()

    def draw(self, drawing: Sequence) -> None:
        """Draw strokes on top of the drawing, and read the result.

        Each stroke is a step of its own for `undo`, as when a hand draws it.

        Args:
            drawing: A list of strokes, each of shape (n, 2): x, y in pad pixels, y down.

        Raises:
            TypeError, ValueError: See `digitlab.strokes.as_strokes`; nothing is drawn then.
        """
        strokes = as_strokes(drawing)
        as_strokes([*self.strokes, *strokes])  # together, there may be too many points
        self._controller.draw(strokes)

    def clear(self) -> None:
        """Empty the pad. `undo` brings the drawing back."""
        self._controller.clear()

    def undo(self) -> None:
        """Take back the last change, if there is one: a stroke, or a `clear`."""
        self._controller.undo()

    def redo(self) -> None:
        """Redo what was undone last, if nothing was drawn since."""
        self._controller.redo()

    def predict(self) -> Prediction:
        """Read the drawing now, as the Predict button does, and return what was read.

        Raises:
            Exception: Whatever the recognizer raises.
        """
        return self._controller.predict()

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the drawing to a file; see `digitlab.save_drawing`."""
        save_drawing(path, self.strokes, self.size)

    def load(self, path: str | os.PathLike[str]) -> None:
        """Replace the drawing with the one in a file, and read it.

        Raises:
            OSError, ValueError: See `digitlab.load_drawing`; the pad does not change then.
        """
        self._controller.replace(load_drawing(path, self.size))

    def on_predict(self, callback: Callable[[Prediction], None], remove: bool = False) -> None:
        """Call ``callback(prediction)`` after each reading, except those while the pen moves.

        With ``live``, it is called after each change; otherwise after `predict`. For the readings
        while the pen moves, observe the trait ``prediction``. What a callback or an observer
        raises is shown under the pad, which goes on working; where no page shows the pad, it is
        logged, too. What a callback prints after a hand has drawn is shown under the pad.

        A callback or an observer may change the drawing; once that is read, the callbacks that are
        still to come get only the new reading. None of them may wait for another thread that uses a
        pad, because pads take turns.

        Args:
            callback: The function.
            remove: Stop calling it.

        Raises:
            TypeError: It is not a function, or an asynchronous one, for which the pad cannot wait.
            ValueError: `remove` is set, but the pad does not call it.
        """
        if not callable(callback):
            raise TypeError(f"expected a function of a Prediction, got {type(callback).__name__}")
        if iscoroutinefunction(callback) or iscoroutinefunction(type(callback).__call__):
            raise TypeError("expected a function of a Prediction, got an asynchronous one")
        callbacks = self._controller.callbacks
        if not remove:
            callbacks.append(callback)
        elif callback in callbacks:
            callbacks.remove(callback)
        else:
            raise ValueError(f"expected a function that the pad calls, got {callback!r}")

    def close(self) -> None:
        """Close the pad with all its parts; pages no longer show them, but the drawing stays.

        A `Layout` that you passed stays open, because other widgets may use it.
        """
        if hasattr(self, "_controller"):  # otherwise __init__ failed, and it is garbage-collected
            self._controller.close()
        for part in self.children:
            _close(part)
        if self._own_layout:
            self._own_layout.close()
        super().close()

    def __repr__(self) -> str:
        """Say what is drawn, and what was read."""
        name, sentence = type(self).__name__, self._controller.view.sentence
        return f"<{name}, strokes: {len(self.strokes)}. {sentence}>"

    @traitlets.validate("recognizer")
    def _validate_recognizer(self, proposal: Any) -> Any:
        reader = as_recognizer(proposal.value)
        if not self.personal:
            return reader
        if not isinstance(reader, Recognizer):
            raise TypeError(
                f"expected a digitlab.Recognizer for a pad that learns, got {type(reader).__name__}"
            )
        personal = reader if isinstance(reader, PersonalRecognizer) else reader.adapt()
        if self._taught:
            self._taught.catch_up()
        if not isinstance(self.personal, bool):
            personal.keep_in(self.personal)
        if self._taught and not len(personal.labels):
            personal.replace_examples(self._taught.images, self._taught.labels)
        self._taught = personal
        return personal

    def _ipython_display_(self) -> None:
        if self.comm is None:
            display({"text/plain": repr(self)}, raw=True)  # it was closed
            return
        display(self._repr_mimebundle_() | {"text/plain": "A drawing pad"}, raw=True)
        self._controller.saved.display()


def _close(widget: Widget) -> None:
    """Close a widget with its parts: each has a comm of its own, which Jupyter keeps open."""
    names = ("layout", "style")
    for part in (
        *getattr(widget, "children", ()),
        *(getattr(widget, name, None) for name in names),
    ):
        if isinstance(part, Widget):
            _close(part)
    widget.close()
