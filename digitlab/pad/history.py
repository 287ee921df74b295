"""The pad's history: the current drawing, and those that undo and redo bring back."""

from collections.abc import Iterable

import numpy as np

Drawing = tuple[np.ndarray, ...]  # strokes, each (n, 2), read-only


class History:
    """A drawing that can go back and forth in time.

    Args:
        limit: How many changes can be undone.
    """

    def __init__(self, limit: int):
        self._limit = limit
        self._past: list[Drawing] = []
        self._future: list[Drawing] = []
        self._drawing: Drawing = ()

    @property
    def drawing(self) -> Drawing:
        """The current drawing. A stroke that stays in the next drawing is the same array there."""
        return self._drawing

    def change(self, strokes: Iterable[np.ndarray]) -> None:
        """Replace the drawing; its strokes become read-only. What was undone is forgotten.

        Nothing happens if the drawing is empty and stays so.
        """
        before, self._drawing = self._drawing, tuple(strokes)
        if not (before or self._drawing):
            return
        self._past.append(before)
        del self._past[: -self._limit]
        self._future.clear()
        for stroke in self._drawing:
            stroke.flags.writeable = False

    def undo(self) -> bool:
        """Go back by one change, and tell whether there was one."""
        return self._travel(self._past, self._future)

    def redo(self) -> bool:
        """Make the last undone change again, and tell whether there was one."""
        return self._travel(self._future, self._past)

    def _travel(self, source: list[Drawing], target: list[Drawing]) -> bool:
        if not source:
            return False
        target.append(self._drawing)
        self._drawing = source.pop()
        return True
