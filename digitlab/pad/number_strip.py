"""The buttons under a wide pad: one for each character that is read, under its place."""

from collections.abc import Callable, Sequence
from itertools import groupby

from ipywidgets import Button, HBox, Layout, VBox

from digitlab.numbers.reading import Character
from digitlab.prediction import percent

_MIN_WIDTH = 6  # percent of the pad's width: the smallest width of a button


class NumberStrip(VBox):
    """A button for each character, in rows like the writing.

    Args:
        size: The pad's width in pixels.
        choose: Called with the number of the character whose button is pressed.
    """

    def __init__(self, size: int, choose: Callable[[int], None]):
        self._size, self._choose = size, choose
        # Kept, so that buttons do not flicker while the pen moves.
        self._made: list[Button] = []
        self._rows: list[HBox] = []
        super().__init__(layout=Layout(width=f"{size}px", max_width="100%", min_height="34px"))
        self.add_class("digitlab-strip")

    def show(self, characters: Sequence[Character], chosen: int | None) -> None:
        """Show characters, row by row from left to right, one of them as chosen."""
        while len(self._made) < len(characters):
            self._made.append(self._button(len(self._made)))
        shown = 0
        rows = [list(row) for _, row in groupby(characters, key=lambda character: character.row)]
        while len(self._rows) < len(rows):
            self._rows.append(HBox())
        for box, row in zip(self._rows, rows, strict=False):
            box.children = buttons = self._made[shown : shown + len(row)]
            for button, character in zip(buttons, row, strict=True):
                button.description = character.text
                sure = f": {percent(character.confidence)}" if character.digit is not None else ""
                button.tooltip = character.text + sure
                button.button_style = "primary" if shown == chosen else ""
                shown += 1
            self._place(buttons, row)
        self.children = self._rows[: len(rows)]

    def _place(self, buttons: Sequence[Button], row: Sequence[Character]) -> None:
        """Place the buttons of a row under their characters, and side by side."""
        sides = [[100 * side / self._size for side in character.box[::2]] for character in row]
        least = min(_MIN_WIDTH, 100 / len(row))
        widths = [max(right - left, least) for left, right in sides]
        scale = min(100 / sum(widths), 1.0)
        end, room = 0.0, 100 - scale * sum(widths)  # both in percent of the pad's width
        for button, (left, right), wanted in zip(buttons, sides, widths, strict=True):
            width = scale * wanted
            start = min(max((left + right - width) / 2, end), end + room)
            button.layout.margin = f"2px 0 0 {start - end:.2f}%"
            button.layout.width = f"{width:.2f}%"
            room -= start - end
            end = start + width

    def _button(self, number: int) -> Button:
        # No padding, only room for the text: a 1 is narrow.
        button = Button(layout=Layout(padding="0", min_width="0", flex="0 0 auto"))
        button.on_click(lambda _: self._choose(number))
        return button

    def close(self) -> None:
        """Close the buttons and rows that are not shown, too."""
        for part in self._made:
            part.style.close()
        for part in (*self._made, *self._rows):
            part.layout.close()
            part.close()
        super().close()
