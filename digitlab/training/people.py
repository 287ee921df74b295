"""Digits that people wrote with pens, as strokes, for training and for evaluation.

The environment variable ``DIGITLAB_PEN`` names an npz file with the arrays

- ``points`` (P, 2): x and y in the units of the writer's tablet, y down;
- ``stroke_start`` (S + 1,): stroke j is ``points[stroke_start[j]:stroke_start[j + 1]]``;
- ``drawing_start`` (D + 1,): the same for the strokes of a drawing;
- ``label`` (D,), 0 to 9; ``source`` (D,), the contributor; ``writer`` (D,), a number.

Our file has 6,615 digits from UNIPEN train_r01_v07, category 1a, by the contributors aga, apa,
apb, gmd, imp, pri, tos and val (I. Guyon and others, "UNIPEN project of on-line data exchange and
recognizer benchmarks", 1994; CC BY 4.0).
"""

import os
import zipfile
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from digitlab.images import as_labels
from digitlab.strokes import as_strokes
from digitlab.training.lines import sample_drawing
from digitlab.training.rendering import draw_and_thin

VARIABLE = "DIGITLAB_PEN"
_SOURCE = (
    "UNIPEN's are at https://doi.org/10.5281/zenodo.1195803; digitlab/training/people.py says how "
    "the file is laid out"
)


@dataclass(frozen=True, eq=False, repr=False)  # comparing arrays gives an array
class People:
    """Digits by many people.

    Attributes:
        drawings: n drawings, each a list of strokes (m, 2) float64, in any unit, y down.
        labels: (n,) int64, 0 to 9.
        contributors: (n,) str: who collected each digit; each contributor used one kind of tablet.
        writers: (n,) int64: the number of the person who wrote each digit.

    Raises:
        TypeError, ValueError: See `digitlab.strokes.as_strokes`; or a drawing has no strokes, the
            labels, contributors or writers differ in number from the drawings, or a label is not a
            digit.

    Example:
        >>> names, numbers = np.array(["ada", "ben"]), np.array([0, 1])
        >>> drawings = [digitlab.stored_drawing(4), digitlab.stored_drawing(7)]
        >>> people = digitlab.People(drawings, np.array([4, 7]), names, numbers)
        >>> people[people.contributors == "ben"].labels
        array([7])
    """

    drawings: list[list[np.ndarray]]
    labels: np.ndarray
    contributors: np.ndarray
    writers: np.ndarray

    def __post_init__(self) -> None:
        drawings = [as_strokes(drawing) for drawing in self.drawings]
        if not all(drawings):
            raise ValueError(
                f"expected strokes in each drawing, found none in {drawings.index([])}"
            )
        labels = as_labels(self.labels, len(drawings))
        contributors, writers = np.array(self.contributors), np.array(self.writers)
        if not contributors.shape == writers.shape == labels.shape:
            raise ValueError(
                f"expected a contributor and a writer for each of {len(labels)} drawings, got "
                f"{contributors.shape} and {writers.shape}"
            )
        checked = drawings, labels, contributors, writers
        for field, values in zip(fields(self), checked, strict=True):
            object.__setattr__(self, field.name, values)

    def __repr__(self) -> str:
        return f"<People: {len(self):,} digits by {len(np.unique(self.writers)):,} writers>"

    def __len__(self) -> int:
        """How many digits there are."""
        return len(self.drawings)

    def __getitem__(self, chosen: np.ndarray | list[int]) -> "People":
        """Return the digits chosen by a mask (n,), by their numbers, or by one number."""
        numbers = np.atleast_1d(np.arange(len(self))[chosen])
        return People(
            [self.drawings[number] for number in numbers],
            self.labels[numbers],
            self.contributors[numbers],
            self.writers[numbers],
        )


def load_people(path: str | os.PathLike[str] | None = None) -> People:
    """Load digits that people wrote with pens.

    Args:
        path: An npz file, laid out as the docstring of `digitlab.training.people` says. Default:
            the one that ``DIGITLAB_PEN`` names.

    Raises:
        FileNotFoundError: There is no such file, or no file is named. The message says where to
            get the data.
        ValueError: The file does not have this form.

    Example:
        >>> (stroke,) = digitlab.stored_drawing(3)
        >>> starts = dict(stroke_start=[0, len(stroke)], drawing_start=[0, 1])
        >>> np.savez("pen.npz", points=stroke, label=[3], source=["ada"], writer=[0], **starts)
        >>> digitlab.load_people("pen.npz").labels
        array([3])
    """
    path = path or os.environ.get(VARIABLE)
    if not path:
        raise FileNotFoundError(
            f"expected a file of people's digits, and {VARIABLE} is not set. {_SOURCE}"
        )
    if not Path(path).is_file():
        raise FileNotFoundError(f"expected a file of people's digits, found no {path}. {_SOURCE}")
    try:
        if not zipfile.is_zipfile(path):  # NumPy would advise to load a pickle
            raise ValueError("it is not an npz file")
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        points = arrays["points"].astype(float)
        starts = arrays["drawing_start"]
        strokes = np.split(points, arrays["stroke_start"][1:-1])
        drawings = [strokes[a:b] for a, b in zip(starts[:-1], starts[1:], strict=True)]
        names, writers = arrays["source"].astype(str), arrays["writer"].astype(np.int64)
        return People(drawings, arrays["label"], names, writers)
    # Missing arrays and those of other shapes raise errors of many kinds.
    except (KeyError, TypeError, IndexError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"expected people's digits in {path}: {error}") from error


def redraw(drawing: list[np.ndarray], rng: np.random.Generator) -> np.ndarray:
    """Write a person's digit as the same hand might have written it another time.

    Each stroke is moved and stretched a little, trembles, sometimes loses a little at either end,
    and is sometimes joined to the next. Slant, turn and pen come later, see `draw_lines`.

    Returns:
        A line (p, 2), see `digitlab.training.lines`.
    """
    size = max(np.ptp(np.concatenate(drawing), axis=0).max(), 1e-9)
    strokes: list[np.ndarray] = []
    for stroke in drawing:
        middle = stroke.mean(0)
        moved = middle + (stroke - middle) * np.exp(rng.normal(0, 0.05, 2))
        moved = _trimmed(moved + rng.normal(0, 0.02, 2) * size, rng)
        moved = moved + _tremble(len(moved), rng) * 0.02 * size
        if strokes and rng.random() < 0.05:
            strokes[-1] = np.concatenate([strokes[-1], moved])
        else:
            strokes.append(moved)
    line = sample_drawing(strokes)
    # Thinned lines are jagged. Half of people's are thinned, too, so that this gives nothing away.
    return draw_and_thin(line) if rng.random() < 0.5 else line


def _trimmed(stroke: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Leave out up to a tenth of a long stroke's points at either end."""
    if len(stroke) < 10:
        return stroke
    first, last = (rng.uniform(0, 0.1, 2) * (rng.random(2) < 0.3) * len(stroke)).astype(int)
    return stroke[first : len(stroke) - last]


def _tremble(points: int, rng: np.random.Generator) -> np.ndarray:
    """Smooth random moves (n, 2) of n points, interpolated between a few knots along the stroke."""
    knots = rng.normal(0, 1, (5, 2))
    along = np.linspace(0, 4, points)
    return np.stack([np.interp(along, range(5), axis) for axis in knots.T], 1)
