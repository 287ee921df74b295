"""The digits of many people, for example of a class, from the files that their pads wrote.

A folder holds the files of all people, in either form::

    ada.json                  what DrawingPad(personal="ada.json") or the web page learned from Ada
    ben/7.json, ben/7b.json   what pad.save wrote, in a folder for each person: the digit first

The web page calls each file hand.json: name it after the writer, or keep it in the writer's folder.
"""

import os
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from digitlab._io import files_below
from digitlab.drawings import load_drawing
from digitlab.examples_file import is_examples_file, read_examples
from digitlab.images import SIZE, as_bytes
from digitlab.strokes import render_strokes


@dataclass(frozen=True, eq=False)  # comparing arrays gives an array
class WrittenDigits:
    """Digits by several people.

    Attributes:
        images: (n, 28, 28) uint8: 0 is paper, 255 full ink.
        labels: (n,) int64, 0 to 9.
        writers: (n,) str: who wrote each digit.

    Example:
        >>> hand = digitlab.load_recognizer().adapt([digitlab.stored_drawing(4)], [4])
        >>> hand.save("class/ada.json")
        >>> digitlab.load_drawings("class").of("ada").labels
        array([4])
    """

    images: np.ndarray
    labels: np.ndarray
    writers: np.ndarray

    def of(self, writer: str) -> "WrittenDigits":
        """Return one person's digits.

        Raises:
            ValueError: Nobody has this name.
        """
        theirs = self.writers == _normalised(str(writer))
        if not theirs.any():
            raise ValueError(
                f"expected one of {sorted(set(self.writers.tolist()))}, got {writer!r}"
            )
        return WrittenDigits(self.images[theirs], self.labels[theirs], self.writers[theirs])


def load_drawings(folder: str | os.PathLike[str]) -> WrittenDigits:
    """Collect the files of many people into one data set.

    Args:
        folder: Holds what pads wrote: files of ``DrawingPad(personal=...)``, or exported from the
            web page, which are named after the writer; and drawings of `digitlab.save_drawing`,
            whose names begin with the digit. Files in a subfolder, at any depth,
            belong to the writer after whom it is named. Files other than ``.json`` are skipped, and
            so are hidden ones, such as the copies in ``.ipynb_checkpoints``.

    Returns:
        The digits, sorted by file.

    Raises:
        OSError: There is no such folder, or a file cannot be read.
        ValueError: Files are neither of these, drawings are empty, or their names do not begin
            with one digit; or there are no drawings at all. The message names all these files.

    Example:
        >>> for name, digit in (("ada", 4), ("ben", 7)):
        ...     digitlab.save_drawing(f"class/{name}/{digit}.json", digitlab.stored_drawing(digit))
        >>> ours = digitlab.load_drawings("class")
        >>> ours.labels, ours.writers, ours.of("ben").labels
        (array([4, 7]), array(['ada', 'ben'], dtype='<U3'), array([7]))
        >>> read = digitlab.load_recognizer().predict_images(ours.images).argmax(axis=1)
        >>> from matplotlib import pyplot as plt
        >>> axes = plt.subplots(1, 2, figsize=(9, 4.5), layout="constrained")[1]
        >>> for name, ax in zip(("ada", "ben"), axes):  # a confusion matrix by writer
        ...     one = ours.writers == name
        ...     ax = digitlab.plot_confusion(ours.labels[one], read[one], title=name, ax=ax)
    """
    folder = Path(folder)
    images: list[np.ndarray] = []
    labels: list[int] = []
    writers: list[str] = []
    faults: list[str] = []
    if not folder.is_dir():
        raise NotADirectoryError(f"expected a folder of drawings, found none at {folder}")
    for path in sorted(files_below(folder)):
        if path.suffix.lower() != ".json":
            continue
        first, *below = path.relative_to(folder).parts
        try:
            if is_examples_file(path):
                more, digits, _ = read_examples(path)
                writer = first if below else path.stem
            else:
                more, digits = _read_drawing(path), np.array([_digit(path)])
                writer = first if below else folder.resolve().name
        except ValueError as error:
            faults.append(str(error))
            continue
        images.extend(more)
        labels.extend(digits.tolist())
        writers.extend([_normalised(writer)] * len(more))
    if faults:
        raise ValueError("\n".join(faults))
    if not images:
        raise ValueError(f"expected drawings in {folder}, as files named .json, found none")
    return WrittenDigits(np.stack(images), np.array(labels), np.array(writers))


def _normalised(writer: str) -> str:
    """Normalise accents: macOS names files with letter and accent apart."""
    return unicodedata.normalize("NFC", writer)


def _read_drawing(path: Path) -> np.ndarray:
    """Read a drawing as images (1, 28, 28)."""
    image = as_bytes(render_strokes(load_drawing(path)))
    if not image.any():
        raise ValueError(f"expected a drawing of a digit in {path}, it is empty")
    return image.reshape(1, SIZE, SIZE)


def _digit(path: Path) -> int:
    if not re.match("[0-9](?![0-9])", path.name):
        raise ValueError(
            f"expected the name of {path} to begin with the one digit that was drawn, as in 7.json"
        )
    return int(path.name[0])
