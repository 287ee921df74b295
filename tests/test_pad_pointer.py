"""The JavaScript that the notebooks' pad and the web page share, on keyboards of all kinds."""

import pytest

from digitlab.pad.overlay import overlay_script
from support import browser

pytestmark = pytest.mark.once

# Keys with Ctrl on many keyboards: the label, the key's place on a US keyboard, and the action.
KEYS = [
    ("z", "KeyZ", "undo"),
    ("y", "KeyY", "redo"),
    ("Z", "KeyZ", "undo"),  # Caps Lock
    ("z", "KeyY", "undo"),  # QWERTZ
    ("y", "KeyZ", "redo"),
    ("z", "KeyW", "undo"),  # AZERTY
    ("w", "KeyZ", None),
    (";", "KeyZ", None),  # Dvorak
    ("z", "Slash", "undo"),
    ("f", "KeyY", None),
    ("y", "KeyT", "redo"),
    ("\u00e0", "KeyZ", None),  # BÉPO
    ("\u044f", "KeyZ", "undo"),  # Russian
    ("\u043d", "KeyY", "redo"),
    ("\u0437", "KeyP", None),
    ("\u03b6", "KeyZ", "undo"),  # Greek
    ("\u03c5", "KeyY", "redo"),
    ("\u05d6", "KeyZ", "undo"),  # Hebrew
    ("\u05d8", "KeyY", "redo"),
    ("\u0626", "KeyZ", "undo"),  # Arabic
    ("\u0e1c", "KeyZ", "undo"),  # Thai
    ("\u0e31", "KeyY", "redo"),
    ("\u3064", "KeyZ", "undo"),  # Japanese
    ("\u314b", "KeyZ", "undo"),  # Korean
    ("Process", "KeyZ", "undo"),  # an input method
    ("Dead", "KeyY", None),
    ("Control", "ControlLeft", None),
]


@pytest.fixture(scope="module")
def chrome(chromium):
    with browser.chromium(chromium) as chrome:
        yield chrome


def test_shortcuts_on_all_keyboards(chrome):
    page = chrome.new_page()
    script = overlay_script().replace("export default", "window.shortcut = shortcut;")
    page.evaluate(
        "script => { document.head.append(Object.assign(document.createElement('script'), "
        "{ type: 'module', textContent: script })); }",
        script,
    )
    page.wait_for_function("() => window.shortcut")
    ask = """([key, code, held]) =>
        shortcut(new KeyboardEvent('keydown', { key, code, ...held })) ?? null"""
    for key, code, action in KEYS:
        for control in ("ctrlKey", "metaKey"):
            held = {control: True}
            assert page.evaluate(ask, [key, code, held]) == action, (key, code)
            shifted = "redo" if action == "undo" else None
            held["shiftKey"] = True
            assert (
                page.evaluate(ask, [key.upper() if len(key) == 1 else key, code, held]) == shifted
            ), (key, code)
            held["altKey"] = True
            assert page.evaluate(ask, [key, code, held]) is None
        assert page.evaluate(ask, [key, code, {}]) is None
    # The browser's number for a key takes precedence over the key's place.
    for key, code, shift, number, action in [
        ("\u0437", "KeyY", False, 90, "undo"),  # Serbian: a QWERTZ keyboard
        ("\u0455", "KeyZ", False, 89, "redo"),
        ("(", "KeyZ", True, 90, "redo"),  # Thai
        ("Dead", "KeyZ", False, 90, "undo"),
        ("\u05d6", "", False, 90, "undo"),
        (";", "KeyZ", False, 186, None),  # Dvorak
        ("w", "KeyZ", False, 87, None),  # AZERTY
        ("Process", "KeyZ", False, 229, "undo"),
    ]:
        held = {"ctrlKey": True, "shiftKey": shift, "keyCode": number}
        assert page.evaluate(ask, [key, code, held]) == action, key
    page.close()


def test_undo_and_redo_on_the_web_page(chrome, site):
    with browser.serve(site) as address:
        page = chrome.new_context().new_page()
        pad = browser.Page(page).open(address)
        for undo, redo in (("z", "y"), ("\u044f", "\u043d"), ("\u05d6", "\u05d8")):
            pad.draw_with_mouse(browser.quick_drawing(7))
            pad.says("I read a 7")
            browser.press_key(page, undo, "KeyZ")
            pad.says("Draw a digit")
            browser.press_key(page, redo, "KeyY")
            pad.says("I read a 7")
            browser.press_key(page, undo, "KeyZ")
            pad.says("Draw a digit")
            browser.press_key(page, undo.upper(), "KeyZ", shift=True)
            pad.says("I read a 7")
            pad.press("Clear")
            pad.says("Draw a digit")
        page.context.close()
