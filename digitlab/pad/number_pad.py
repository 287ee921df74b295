"""The number pad: a wide pad on which several digits are read as they are written."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import traitlets

from digitlab.images import CLASSES, SIZE
from digitlab.loading import as_number_recognizer, check_result
from digitlab.numbers.pieces import Box
from digitlab.numbers.reading import Character, NumberReading
from digitlab.pad.controller import Controller
from digitlab.pad.history import History
from digitlab.pad.number_strip import NumberStrip
from digitlab.pad.reading import explain_prediction
from digitlab.pad.widget import DrawingPad
from digitlab.prediction import Prediction

_NOTHING = Prediction(
    None, 0.0, np.full(CLASSES, 1 / CLASSES, np.float32), np.zeros((SIZE, SIZE), np.float32)
)


class NumberController(Controller):
    """Carries out the actions of a number pad."""

    def __init__(self, pad: Any, history: History):
        super().__init__(pad, history)
        self.strip = NumberStrip(pad.size, self.handler(self.choose))
        self.below = [self.strip]
        self._chosen: Box | None = None  # of the character whose button was pressed last

    def choose(self, number: int) -> None:
        """Show what the network saw of a character, and its other readings."""
        reading = self._pad.reading
        if number >= len(reading.characters):
            return  # it was removed when the button was pressed
        self._chosen = reading.characters[number].box
        self._show_reading(reading)
        if self._pad.explain:
            self._explain(reading)
        self._finish()

    def replace(self, strokes: Any) -> None:
        """See `Controller`; no character is chosen afterwards."""
        self._chosen = None
        super().replace(strokes)

    def settle(self) -> None:
        """See `Controller`; what was read before the change is no longer marked."""
        if not self._pad.live:
            self._mark([], None)
        super().settle()

    def _read(self, drawn: bool = True) -> Any:
        strokes = [*self._history.drawing, *self.canvas.pen]
        try:
            with self._throttle.pace():
                # Copies, which a recognizer may write to.
                answer = self._pad.recognizer.read_number([stroke.copy() for stroke in strokes])
            reading = check_result(answer, NumberReading, "read_number")
        except Exception:
            self._show("I could not read this")
            raise
        self._last = reading
        self._show_reading(reading)
        return reading

    def _show_reading(self, reading: NumberReading) -> None:
        characters = reading.characters
        chosen = self._find_chosen(characters)
        shown: Character | None = None if chosen is None else characters[chosen]
        self._show(str(reading) if characters else "Write a number", shown)
        self._mark(characters, chosen)
        prediction = _NOTHING if shown is None else shown
        self._set(reading=reading, prediction=prediction, image=prediction.image)

    def _find_chosen(self, characters: Sequence[Character]) -> int | None:
        """Return the number of the chosen character, which may have moved; else the last one."""
        if self._chosen is not None and characters:
            shares = [_shared(self._chosen, character.box) for character in characters]
            best = int(np.argmax(shares))
            if shares[best] > 0:
                self._chosen = characters[best].box
                return best
        self._chosen = None
        return len(characters) - 1 if characters else None

    def _explain(self, reading: Any) -> None:
        prediction = self._pad.prediction
        explanation = explain_prediction(self._pad.recognizer, prediction)
        sentence = str(reading) if reading.characters else "Write a number"
        self._show(sentence, prediction, explanation)

    def _mark(self, characters: Sequence[Character], chosen: int | None) -> None:
        """Show characters as boxes on the pad and as buttons below it."""
        self.strip.show(characters, chosen)
        self.canvas.mark([character.box for character in characters])


def _shared(one: Box, other: Box) -> float:
    """Return the area that two boxes have in common."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return max(width, 0.0) * max(height, 0.0)


class NumberPad(DrawingPad):
    """A wide pad to write a number on, with the reading below each digit.

    It is a `DrawingPad` that is read as one number: boxes show how it was cut into digits, and the
    button below a digit shows what the network saw of it and how likely the other digits are. Its
    traits and methods are those of `DrawingPad`, except for:

    - ``reading``: what was read last, a `NumberReading`. Read-only. `predict` returns it, and
      callbacks of `on_predict` get it.
    - ``prediction``: that of the digit whose button was pressed last, or else of the last digit.
      Its ``digit`` is None if the pad is empty.

    Args:
        recognizer: A `Recognizer`, a Keras model or a function, as for `DrawingPad`; or an object
            with both ``predict(drawing)`` and ``read_number(drawing) -> NumberReading``.
        size: The width of the pad in pixels; its height is two fifths of that.
        live: As for `DrawingPad`.
        pen_width: On the screen, in pad pixels. Default: 2 % of the size.
        layout: As for `DrawingPad`.

    Raises:
        TypeError, ValueError, traitlets.TraitError: An argument has the wrong type or value.

    Example:
        >>> pad = digitlab.NumberPad()  # `pad` as the last line of a cell shows it
        >>> pad.draw(digitlab.stored_drawing(4))
        >>> pad.draw([stroke + (200, 0) for stroke in digitlab.stored_drawing(2)])
        >>> pad.reading.text
        '42'
    """

    reading = traitlets.Instance(NumberReading, read_only=True)
    _aspect = 0.4
    _pen = 0.02
    _make_controller = NumberController

    def __init__(
        self,
        recognizer: Any = None,
        size: int = 560,
        *,
        live: bool = True,
        pen_width: float | None = None,
        layout: Any = None,
    ):
        super().__init__(recognizer, size, live=live, pen_width=pen_width, layout=layout)

    @traitlets.validate("recognizer")
    def _validate_recognizer(self, proposal: Any) -> Any:
        return as_number_recognizer(proposal.value)
