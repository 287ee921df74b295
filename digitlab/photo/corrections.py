"""A person's corrections on a photo: boxes are moved, added or removed, and read again."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from digitlab.numbers.pieces import Box
from digitlab.numbers.reading import Character, NumberReading

_LEAST = 4.0  # pixels of the ink image: the smallest side of a box


class Page:
    """The ink of a photo, and what is read in it.

    Attributes:
        size: The photo's width and height in pixels.
        reading: What was read, with the corrections since.

    Args:
        size: See above.
        ink: What `digitlab.find_ink` found.
        scale: How many pixels of the photo one pixel of the ink stands for.
        recognizer: Has ``predict(picture)``.
        reading: See above.
    """

    def __init__(
        self,
        size: tuple[int, int],
        ink: np.ndarray,
        scale: float,
        recognizer: Any,
        reading: NumberReading,
    ):
        self.size, self.reading = size, reading
        self._ink, self._scale, self._recognizer = ink, scale, recognizer

    def read_box(self, box: Box, number: int | None = None) -> None:
        """Read a box, in place of character `number`, or as a new one."""
        others = list(self.reading.characters)
        if number is None:
            row, others = _make_room(others, box)
        else:
            row = others.pop(number).row
        box = self._within(box)
        left, top, right, bottom = (round(place / self._scale) for place in box)
        ink = np.pad(self._ink[top:bottom, left:right], 4)  # ink at the edge would be cut off
        found = self._recognizer.predict(ink)
        text = "?" if found.digit is None else str(found.digit)
        seen = found.digit, found.confidence, found.probabilities, found.image
        self._set([*others, Character(*seen, text, box, row)])

    def remove_box(self, number: int) -> None:
        """Remove character `number`."""
        self._set([c for place, c in enumerate(self.reading.characters) if place != number])

    def _set(self, characters: Iterable[Character]) -> None:
        ordered = sorted(characters, key=lambda character: (character.row, character.box[0]))
        rows = list(dict.fromkeys(character.row for character in ordered))
        ordered = [replace(found, row=rows.index(found.row)) for found in ordered]
        confidence = float(np.prod([found.confidence for found in ordered])) if ordered else 0.0
        self.reading = NumberReading(tuple(ordered), confidence)

    def _within(self, box: Box) -> Box:
        """Return the box, limited to the photo and no smaller than `_LEAST`."""
        least = _LEAST * self._scale
        (left, right), (top, bottom) = (
            (float(np.clip(low, 0, side - least)), float(np.clip(high, low + least, side)))
            for low, high, side in zip(box[:2], box[2:], self.size, strict=True)
        )
        return left, top, max(right, left + least), max(bottom, top + least)


def _make_room(characters: list[Character], box: Box) -> tuple[int, list[Character]]:
    """Return the row of a new box, and the characters, moved down if it makes a row of its own."""
    middle = (box[1] + box[3]) / 2
    beside = [c for c in characters if c.box[1] <= middle <= c.box[3]]
    if beside:
        nearest = min(beside, key=lambda c: max(c.box[0] - box[2], box[0] - c.box[2]))
        return nearest.row, characters
    row = max((c.row for c in characters if c.box[3] < middle), default=-1) + 1
    return row, [replace(c, row=c.row + 1) if c.row >= row else c for c in characters]
