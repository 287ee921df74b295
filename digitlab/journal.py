"""What a learner measured, kept from notebook to notebook.

The file is JSON::

    {"format": "digitlab journal", "version": 1, "figures": [{"notebook": "01",
     "name": "ten mean images", "value": 82.0, "unit": "%", "on": "MNIST, test digits"}, ...]}
"""

import json
import math
import os
from pathlib import Path
from typing import Any

from digitlab._io import atomic_write, locked, read_json

_FORMAT = {"format": "digitlab journal", "version": 1}
_COLUMNS: dict[str, type | tuple[type, ...]] = {
    "notebook": str,
    "name": str,
    "value": (int, float),
    "unit": str,
    "on": str,
}


class Journal:
    """A file of figures, each with what it was measured on; shown as a table.

    Args:
        path: The file. It need not exist yet.

    Attributes:
        figures: A list of dicts with "notebook", "name", "value", "unit" and "on", in the order of
            the notebooks.

    Raises:
        OSError: The file cannot be read.
        ValueError: The file is not a journal. It stays as it is.

    Example:
        >>> journal = digitlab.Journal("journal.json")
        >>> journal.add("01", "ten mean images", 82.03, on="MNIST, test digits")
        >>> journal
        01  ten mean images   82.0 %   MNIST, test digits
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path).absolute()  # the notebook may change its folder
        self.figures = self._read()

    def add(self, notebook: str, name: str, value: float, on: str, unit: str = "%") -> None:
        """Add a figure and write the file. It replaces one of the same notebook and name.

        Args:
            notebook: The notebook's number, such as "01".
            name: What was measured.
            value: The figure, a finite number.
            on: What it was measured on.
            unit: The unit of the figure.

        Raises:
            OSError: The file cannot be read or written.
            TypeError: The value is not a number.
            ValueError: The value is not finite, a text is not a str, or the file is not a journal.
                In each of these cases the file stays as it is.
        """
        try:
            if isinstance(value, str | bool):  # float() would take them
                raise TypeError
            number = float(value)
        except TypeError:
            raise TypeError(f"expected a number, got {value!r}") from None
        except OverflowError:
            number = math.inf
        figure = dict(zip(_COLUMNS, (notebook, name, number, unit, on), strict=True))
        if not _is_figure(figure):
            raise ValueError(f"expected texts and a finite value, got {figure}")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with locked(self.path.parent):
            # Read again: another notebook may have added its own since.
            others = [f for f in self._read() if (f["notebook"], f["name"]) != (notebook, name)]
            figures = sorted([*others, figure], key=lambda figure: figure["notebook"])
            with atomic_write(self.path) as part:
                text = json.dumps(_FORMAT | {"figures": figures}, indent=1, ensure_ascii=False)
                part.write_text(text, encoding="utf-8")
            self.figures = figures

    def __repr__(self) -> str:
        if not self.figures:
            return "No figures yet"
        values = [f" {figure['value']:,.1f}".rjust(7) for figure in self.figures]
        pairs = list(zip(self.figures, values, strict=True))
        width = max(len(figure["name"] + value) for figure, value in pairs)
        return "\n".join(
            f"{figure['notebook']}  {figure['name']}{value:>{width - len(figure['name'])}} "
            f"{figure['unit']:3} {figure['on']}"
            for figure, value in pairs
        )

    def _read(self) -> list[dict[str, Any]]:
        """Read the figures from the file, and check them."""
        try:
            content = read_json(self.path, _FORMAT)
        except FileNotFoundError:
            return []
        except ValueError as error:
            raise ValueError(self._complaint(str(error))) from None
        figures = content.get("figures")
        if not isinstance(figures, list) or not all(map(_is_figure, figures)):
            raise ValueError(
                self._complaint(
                    f"each figure should have {', '.join(_COLUMNS)}: a finite value, and texts"
                )
            )
        return figures

    def _complaint(self, problem: str) -> str:
        return (
            f"expected {self.path} to be a journal, but {problem}. It was left as it is. Repair "
            "it, or move it away and run the notebooks again; each adds its figures."
        )


def _is_figure(figure: Any) -> bool:
    return (
        isinstance(figure, dict)
        and set(figure) == set(_COLUMNS)
        and all(isinstance(figure[column], kind) for column, kind in _COLUMNS.items())
        and not isinstance(figure["value"], bool)
        and math.isfinite(figure["value"])
    )
