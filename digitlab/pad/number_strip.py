"""The row of buttons under a wide pad: one for each character that is read, under its place."""

from collections.abc import Callable

from ipywidgets import Button, HBox, Layout

from digitlab.numbers.reading import NumberReading

_LEAST = 6  # percent of the pad's width: the smallest width of a button


class NumberStrip(HBox):
    """A button for each character.

    Args:
        size: The pad's width in pixels.
        choose: Called with the number of the character whose button is pressed.
    """

    def __init__(self, size: int, choose: Callable[[int], None]):
        self._size, self._choose = size, choose
        self._made: list[Button] = []  # kept, so that buttons do not flicker while the pen moves
        super().__init__(layout=Layout(width=f"{size}px", max_width="100%", min_height="34px"))
        self.add_class("digitlab-strip")

    def show(self, reading: NumberReading, chosen: int | None) -> None:
        """Show the characters of a reading, one of them as chosen.

        Characters of later rows stand to the right of those of the first.
        """
        while len(self._made) < len(reading.characters):
            self._made.append(self._button(len(self._made)))
        buttons = self._made[: len(reading.characters)]
        end = 0.0  # of the last button, in percent of the pad's width
        for number, (button, character) in enumerate(zip(buttons, reading.characters, strict=True)):
            left, _, right, _ = (100 * side / self._size for side in character.box)
            width = max(right - left, _LEAST)
            start = max((left + right - width) / 2, end)
            button.description = character.text
            button.tooltip = f"{character.text}: {character.confidence:.0%}"
            button.layout.margin = f"2px 0 0 {start - end:.2f}%"
            button.layout.width = f"{width:.2f}%"
            button.button_style = "primary" if number == chosen else ""
            end = start + width
        self.children = buttons

    def _button(self, number: int) -> Button:
        # No padding, only room for the text: a 1 is narrow.
        button = Button(layout=Layout(padding="0", min_width="0", flex="0 0 auto"))
        button.on_click(lambda _: self._choose(number))
        return button

    def close(self) -> None:
        """Close the buttons that are not shown, too."""
        for button in self._made:
            button.layout.close()
            button.close()
        super().close()
