"""The pad's buttons, the "live" switch, the pen width slider, and the teaching buttons."""

from collections.abc import Callable

import traitlets
from ipywidgets import HTML, Box, Button, Checkbox, FloatSlider, HBox, Layout, VBox

_BUTTONS = {
    "Undo": "Take back the last stroke (Ctrl+Z)",
    "Redo": "Draw it again (Ctrl+Y)",
    "Clear": "Empty the pad",
    "Predict": "Read the drawing now",
}


def make_controls(pad: Box, size: int, act: Callable[[str], None]) -> VBox:
    """Make the controls of a pad.

    Args:
        pad: Its traits ``live`` and ``pen_width`` are linked to the controls.
        size: The side of the pad in pixels.
        act: Called with "undo", "redo", "clear" or "predict" when a button is pressed. If the
            browser has loaded the overlay, the overlay takes the press first and sends it in order
            with the strokes; `act` is called only without an overlay.
    """
    row = {"max_width": "100%", "align_items": "center"}
    controls = VBox(
        [
            HBox(
                [_button(name, tooltip, act) for name, tooltip in _BUTTONS.items()],
                layout=Layout(grid_gap="6px", **row),
            ),
            HBox([_live(pad), _pen(pad, size)], layout=Layout(grid_gap="16px", **row)),
        ],
        layout=Layout(grid_gap="4px", margin="6px 0 0"),
    )
    controls.add_class("digitlab-controls")
    return controls


class TeachingButtons(VBox):
    """Ten buttons that say what the drawing was, and two that take back what was learned.

    Args:
        act: Called with "teach-0" to "teach-9", "unlearn" or "forget". See `make_controls`.
    """

    def __init__(self, act: Callable[[str], None]):
        row = Layout(max_width="100%", align_items="center", grid_gap="2px")
        digits = [
            _button(str(digit), f"Learn it as {digit} (key {digit})", act, f"teach-{digit}")
            for digit in range(10)
        ]
        for button in digits:
            button.layout.width, button.layout.padding = "28px", "0"
        self._learned = HTML(layout=Layout(flex="1"))
        super().__init__(
            [
                HTML("That was a ..."),
                HBox(digits, layout=row),
                HBox(
                    [
                        self._learned,
                        _button("Unlearn", "Forget what it learned last", act),
                        _button("Forget me", "Forget all that it has learned", act, "forget"),
                    ],
                    layout=row,
                ),
            ],
            layout=Layout(grid_gap="4px", margin="10px 0 0", max_width="300px"),
        )
        self.add_class("digitlab-teaching")

    def show(self, examples: int) -> None:
        """Show how many examples it has learned from."""
        self._learned.value = f"{examples} learned from you" if examples else "nothing learned yet"


def _button(
    name: str, tooltip: str, act: Callable[[str], None], action: str | None = None
) -> Button:
    action = action or name.lower()
    # Never disabled: somebody who presses it with the keyboard would lose the focus.
    button = Button(description=name, tooltip=tooltip, layout=Layout(width="auto", margin="0"))
    button.add_class(f"digitlab-action-{action}")  # for the overlay
    button.on_click(lambda _: act(action))
    return button


def _live(pad: Box) -> Checkbox:
    live = Checkbox(
        description="live",
        tooltip="Read while you draw",
        indent=False,
        layout=Layout(width="auto", margin="0"),
    )
    traitlets.link((pad, "live"), (live, "value"))
    return live


def _pen(pad: Box, size: int) -> FloatSlider:
    pen = FloatSlider(
        description="pen",
        tooltip="Width of the pen on the screen",
        min=0.02 * size,
        max=0.15 * size,
        readout=False,
        style={"description_width": "auto"},
        layout=Layout(width="auto", min_width="0", flex="1", margin="0"),
    )

    def widen(_: object = None) -> None:
        pen.min, pen.max = min(pen.min, pad.pen_width), max(pen.max, pad.pen_width)

    widen()
    pad.observe(widen, "pen_width")
    traitlets.link((pad, "pen_width"), (pen, "value"))
    return pen
