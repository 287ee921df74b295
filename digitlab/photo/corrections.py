"""A person's corrections on a photo: boxes are moved, added or removed, and read again."""

import itertools
from dataclasses import replace
from typing import Any

import numpy as np

from digitlab.loading import check_result
from digitlab.numbers.pieces import Box
from digitlab.numbers.reading import MARKS, Character, NumberReading
from digitlab.prediction import Prediction

_ids = (
    itertools.count()
)  # no two photos share one, so that a late message cannot change another photo
_MIN_SIDE = 4.0  # pixels of the ink image: the smallest side of a box


class PhotoReading:
    """The ink of a photo, and what is read in it.

    Attributes:
        size: The photo's width and height in pixels.
        reading: What was read, with the corrections since.
        ids: A number for each character, which it keeps when others are added or removed.

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
        self.ids = [next(_ids) for _ in reading.characters]

    def read_box(self, box: Box, number: int | None = None) -> None:
        """Read a box, in place of character `number`, or as a new one."""
        others = dict(zip(self.ids, self.reading.characters, strict=True))
        before = None
        if number is None:
            own_id = next(_ids)
        else:
            own_id = self.ids[number]
            before = others.pop(own_id)
        row, others = _make_room(others, box)
        box = self._within(box)
        left, top, right, bottom = (round(place / self._scale) for place in box)
        ink = self._ink[top:bottom, left:right]
        # Ink at the edge would be cut off, and without much paper a broad pen is taken for paper.
        answer = self._recognizer.predict(np.pad(ink, max(4, max(ink.shape) // 2)))
        found = check_result(answer, Prediction, "predict")
        text = "?" if found.digit is None else str(found.digit)
        if before is not None and before.text in MARKS and found.digit is None:
            text = before.text
        seen = found.digit, found.confidence, found.probabilities, found.image
        self._set(others | {own_id: Character(*seen, text, box, row)})

    def remove_box(self, number: int) -> None:
        """Remove character `number`."""
        kept = dict(zip(self.ids, self.reading.characters, strict=True))
        del kept[self.ids[number]]
        self._set(kept)

    def _set(self, characters: dict[int, Character]) -> None:
        def place(item: tuple[int, Character]) -> tuple[int, float]:
            return item[1].row, item[1].box[0] + item[1].box[2]

        ordered = dict(sorted(characters.items(), key=place))
        rows = list(dict.fromkeys(character.row for character in ordered.values()))
        found = [replace(one, row=rows.index(one.row)) for one in ordered.values()]
        sure = [one.confidence for one in found if one.text not in MARKS]
        self.ids = list(ordered)
        self.reading = NumberReading(tuple(found), float(np.prod(sure)) if found else 0.0)

    def _within(self, box: Box) -> Box:
        """Return the box, limited to the photo and no smaller than `_MIN_SIDE`."""
        least = _MIN_SIDE * self._scale
        (left, right), (top, bottom) = (
            (float(np.clip(low, 0, side - least)), float(np.clip(high, low + least, side)))
            for low, high, side in zip(box[:2], box[2:], self.size, strict=True)
        )
        return left, top, max(right, left + least), max(bottom, top + least)


def _make_room(characters: dict[int, Character], box: Box) -> tuple[int, dict[int, Character]]:
    """Return the row of a box, and the others, moved down if it makes a row of its own."""
    middle = (box[1] + box[3]) / 2
    beside = [c for c in characters.values() if c.box[1] <= middle <= c.box[3]]
    if beside:
        nearest = min(beside, key=lambda c: max(c.box[0] - box[2], box[0] - c.box[2]))
        return nearest.row, characters
    row = max((c.row for c in characters.values() if c.box[3] < middle), default=-1) + 1
    return row, {
        own_id: replace(c, row=c.row + 1) if c.row >= row else c for own_id, c in characters.items()
    }
