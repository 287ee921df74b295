"""From pieces of writing to what is read in them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from digitlab.answers import digit_probabilities
from digitlab.images import CLASSES
from digitlab.numbers.candidates import Candidate, find_candidates
from digitlab.numbers.pieces import SPECK, Box, Line, Writing
from digitlab.numbers.rows import find_rows
from digitlab.numbers.search import find_best_path
from digitlab.prediction import Prediction, percent

Answer = Callable[[np.ndarray], np.ndarray]  # images (n, 28, 28) to probabilities (n, 10 or 11)

MARKS = (".", ",", "-")  # the characters besides digits that are read
_DOUBTFUL = 0.9  # below this probability of a digit, its pieces may be two joined digits
_WIDE = 1.0  # digit heights: wider characters may be joined digits, however probable
_NARROW = 0.3  # digit heights: narrower characters are not cut
_TURNS = np.radians([-20, 20])  # parts that were cut are read again, turned by these angles


@dataclass(frozen=True, eq=False)
class Character(Prediction):
    """One character of a number: a `Prediction`, with what it stands for and where it is.

    Attributes:
        text: The digit; or ".", ",", "-", or "?" for any other non-digit.
        box: Its left, top, right and bottom in pixels of the drawing or picture.
        row: The number of its row, from 0.
    """

    text: str
    box: Box
    row: int


@dataclass(frozen=True, eq=False)
class NumberReading:
    """What a recognizer read in writing of any number of digits and rows.

    Attributes:
        characters: All that was found, except specks of dirt, row by row, from left to right, each
            a `Prediction` with ``text``, ``box`` and ``row``.
        confidence: The probability of the whole text among all ways to cut the writing and to read
            the parts, 0 to 1; 0.0 if nothing is written.

    Example:
        >>> two = digitlab.stored_drawing(2)
        >>> seven = [stroke + (200, 0) for stroke in digitlab.stored_drawing(7)]
        >>> reading = digitlab.read_number(two + seven)
        >>> reading.text, [digit.digit for digit in reading.digits]
        ('27', [2, 7])
        >>> print(digitlab.read_number([]))
        Nothing is written here
    """

    characters: tuple[Character, ...]
    confidence: float

    @property
    def rows(self) -> tuple[str, ...]:
        """The text of each row, from top to bottom; spaces are not kept."""
        count = 1 + max((character.row for character in self.characters), default=-1)
        texts = [""] * count
        for character in self.characters:
            texts[character.row] += character.text
        return tuple(texts)

    @property
    def text(self) -> str:
        """All rows, with line breaks between them; "" if nothing is written."""
        return "\n".join(self.rows)

    @property
    def digits(self) -> tuple[Character, ...]:
        """The characters that are digits."""
        return tuple(character for character in self.characters if character.digit is not None)

    def __str__(self) -> str:
        """Say it as a sentence: "I read 2047 (98 %)"."""
        if not self.characters:
            return "Nothing is written here"
        return f"I read {' and '.join(self.rows)} ({percent(self.confidence)})"


def read_pieces(writing: Writing, answer: Answer) -> NumberReading:
    """Read writing.

    Args:
        writing: The pieces. Cutting them adds new pieces to it.
        answer: The recognizer's network.
    """
    characters: list[Character] = []
    share = 1.0 if writing.points else 0.0
    rows = find_rows(writing.points, writing.cut_off) if writing.points else []
    for number, (line, row) in enumerate(rows):
        reading = RowReading(writing, answer, line, row)
        reading.read()
        if reading.cut_doubtful():
            reading.read()
        characters += reading.characters(number)
        share *= reading.share
    return NumberReading(tuple(characters), share)


class RowReading:
    """The search in one row, step by step.

    Attributes:
        row: The pieces, from left to right.
        line: The row's line.
        candidates: Groups of pieces, as places in `row`.
        images: (n, 28, 28) float32: what the network sees of each candidate.
        answers: (n, 10) or (n, 11): what it answers; for parts that were cut, the mean of three
            looks at different angles.
        scores: (n, 11): the scores of each digit and the mark.
        chosen: The candidates on the best path.
        share: How likely that path is.
    """

    candidates: list[Candidate]
    images: np.ndarray
    answers: np.ndarray
    scores: np.ndarray
    chosen: list[int]
    share: float

    def __init__(self, writing: Writing, answer: Answer, line: Line, row: list[int]):
        self._writing, self._answer = writing, answer
        self.line, self.row = line, row
        self._seen: dict[tuple[int, ...], tuple[np.ndarray, np.ndarray]] = {}

    def read(self) -> None:
        """Find the candidates, have them read, and find the best path."""
        self.candidates = find_candidates(self._writing, self.row, self.line)
        keys = [tuple(self.row[place] for place in found.pieces) for found in self.candidates]
        self._look_at([key for key in keys if key not in self._seen])
        self.images = np.stack([self._seen[key][0] for key in keys])
        self.answers = np.stack([self._seen[key][1] for key in keys])
        self.scores = np.stack(
            [
                found.scores(answer)
                for found, answer in zip(self.candidates, self.answers, strict=True)
            ]
        )
        path = find_best_path(
            len(self.row),
            [found.pieces for found in self.candidates],
            self.scores.max(1),
            np.logaddexp.reduce(self.scores, axis=1),
        )
        self.chosen, self.share = path.chosen, path.share

    def _look_at(self, groups: list[tuple[int, ...]]) -> None:
        """Draw groups of pieces, and have them read."""
        images = self._images(groups, self.line.tilt)
        answers = np.array(self._answer(images))
        parents = self._writing.parents
        cut = [at for at, group in enumerate(groups) if any(parents[p] != p for p in group)]
        if cut:
            # Cut at a wrong place, parts may look like a digit, but hardly at several angles.
            some = [groups[at] for at in cut]
            turned = [self._answer(self._images(some, self.line.tilt + turn)) for turn in _TURNS]
            answers[cut] = np.mean([answers[cut], *turned], axis=0)
        self._seen.update(zip(groups, zip(images, answers, strict=True), strict=True))

    def _images(self, groups: list[tuple[int, ...]], tilt: float) -> np.ndarray:
        """Draw groups of pieces, turned back by a tilt: (n, 28, 28) float32."""
        return np.stack([self._writing.image(group, tilt) for group in groups])

    def cut_doubtful(self) -> bool:
        """Cut the pieces of characters that may be two digits; return whether any was cut."""
        parts: dict[int, list[int]] = {}
        for index in self.chosen:
            width = np.ptp(self._level(index)[:, 0]) / self.line.height
            sure = self.answers[index][:CLASSES].max() >= _DOUBTFUL
            if width < _NARROW or (sure and width < _WIDE) or self._text(index) in MARKS:
                continue
            for piece in self._pieces(index):
                parts[piece] = self._writing.cut(piece, self.line)
        self.row = [part for piece in self.row for part in parts.get(piece) or [piece]]
        return any(parts.values())

    def characters(self, row: int) -> list[Character]:
        """Return the characters on the best path."""
        made = []
        for index in sorted(self.chosen, key=self._place):
            box = self._writing.box(self._pieces(index))
            text = self._text(index)
            sides = np.ptp(self._level(index), axis=0)
            if text == "?" and sides.max() < SPECK * self.line.height:
                continue  # dirt
            probabilities = digit_probabilities(self.answers[index][None])[0]
            digit = int(text) if text.isdigit() else None
            confidence = 0.0 if digit is None else float(probabilities[digit])
            made.append(
                Character(digit, confidence, probabilities, self.images[index], text, box, row)
            )
        return made

    def _place(self, index: int) -> float:
        """Return the mean position of a candidate's ink along the line."""
        return float(self._level(index)[:, 0].mean())

    def _level(self, index: int) -> np.ndarray:
        """Return the straightened points (n, 2) of a candidate."""
        points = [self._writing.points[piece] for piece in self._pieces(index)]
        return self.line.straighten(np.concatenate(points))

    def _pieces(self, index: int) -> list[int]:
        """Return the pieces of a candidate."""
        return [self.row[place] for place in self.candidates[index].pieces]

    def _text(self, index: int) -> str:
        best = int(self.scores[index].argmax())
        return str(best) if best < CLASSES else self.candidates[index].mark
