"""The web page as people use it, in Chromium: mouse, finger, pen, keyboard, and offline."""

import itertools
import json
import re
import shutil
from functools import partial
from pathlib import Path
from threading import Event

import keras
import numpy as np
import pytest
from PIL import Image

import digitlab
from digitlab.export import bundle
from digitlab.export import site as site_builder
from digitlab.recognizer import Recognizer
from support import browser
from support.data import CROSS
from support.exports import assign, export, shipped_recognizer
from support.networks import NETWORKS, make

ROOT = Path(__file__).parents[1]
VECTORS = json.loads((ROOT / "tests" / "fixtures" / "ink.json").read_text())
STRICT = {"Content_Security_Policy": "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'"}


@pytest.fixture(scope="module")
def chrome(chromium):
    """A browser whose windows take no service worker, except where a test allows it.

    The worker fetches and hashes the whole site again in each window.
    """
    with browser.chromium(chromium) as chrome:
        chrome.new_context = partial(chrome.new_context, service_workers="block")
        yield chrome


@pytest.fixture(scope="module")
def address(site):
    """The site under a path, as on a host with many sites, and under the strictest policy."""
    with browser.serve(site, "/class/7b/digits/", **STRICT) as address:
        yield address


@pytest.fixture
def visit(chrome, address):
    """visit(**context) -> the page in a new window. The test fails on what it must not do."""
    opened = []

    def go(to=address, state="ready", clean=True, **context):
        options = {"viewport": {"width": 1280, "height": 800}, "has_touch": True} | context
        window = chrome.new_context(**options)
        page = window.new_page()
        wrong = []  # errors, violations of the policy, requests to other hosts
        window.on("request", lambda r: r.url.startswith(to) or wrong.append(r.url))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda m: m.type == "error" and wrong.append(m.text))
        opened.append((window, wrong if clean else []))
        pad = browser.Page(page)
        page.goto(to)
        pad.wait_until(state)
        return pad

    yield go
    for window, wrong in opened:
        assert wrong == []
        window.close()


def ten(pad):
    """The ten percentages beside the bars."""
    return [int(text.removesuffix(" %")) for text in pad.page.locator(".percent").all_inner_texts()]


@pytest.mark.parametrize("device", ["mouse", "finger", "pen"])
def test_all_ten_digits_are_read(visit, device):
    pad = visit()
    pad.page.evaluate(
        """() => { window.kinds = new Set();
            window.addEventListener('pointermove', e => kinds.add(e.pointerType), true); }"""
    )
    draw = getattr(pad, f"draw_with_{device}")
    for digit in range(10):
        draw(browser.quick_drawing(digit))
        pad.says(f"I read an? {digit} ")
        assert int(np.argmax(ten(pad))) == digit
        assert pad.page.locator(".best").inner_text().startswith(str(digit))
        assert pad.ink() > 0.03
        pad.press("Clear")
        pad.says("Draw a digit")
        assert pad.ink() == 0 and ten(pad) == [0] * 10
    kind = "touch" if device == "finger" else device
    assert kind in pad.page.evaluate("() => [...window.kinds]")
    assert pad.page.evaluate("() => scrollY") == 0


def test_the_reading_is_that_of_python(visit, site):
    pad = visit()
    readings = pad.page.evaluate(
        """async drawings => {
          const load = name => import(new URL(name, document.baseURI));
          const { loadNetwork, predict, sentence } = await load('recognizer.js');
          const network = await loadNetwork('model/model.json');
          return drawings.map(drawing => {
            const prediction = predict(network, drawing);
            const [image, probabilities] = [[...prediction.image], [...prediction.probabilities]];
            const once = [...predict(network, drawing, null, false).probabilities];
            return { ...prediction, image, probabilities, once, sentence: sentence(prediction) };
          }); }""",
        [vector["strokes"] for vector in VECTORS],
    )
    recognizer = shipped_recognizer(site / "model")
    for vector, reading in zip(VECTORS, readings, strict=True):
        expected = recognizer.predict(vector["strokes"])
        assert abs(np.array(reading["image"]) - np.ravel(vector["image"])).max() <= 1e-3
        difference = abs(np.array(reading["probabilities"]) - expected.probabilities).max()
        assert difference <= 1e-4, vector["name"]
        assert reading["sentence"] == str(expected), vector["name"]
        once = recognizer.predict(vector["strokes"], tta=False).probabilities
        assert abs(np.array(reading["once"]) - once).max() <= 1e-4, vector["name"]
    assert any(reading["once"] != reading["probabilities"] for reading in readings)


def test_any_network_reads_as_in_keras(site, visit, tmp_path):
    where = shutil.copytree(site, tmp_path / "site")
    networks = {name: make(name) for name in NETWORKS}
    for name, network in networks.items():
        digitlab.export_tfjs(network, where / name)
    images = np.random.default_rng(2).random((10, 28, 28), dtype="float32")
    with browser.serve(where, **STRICT) as address:
        found = visit(address).page.evaluate(
            """async ([names, images]) => {
              const recognizer = await import(new URL('recognizer.js', document.baseURI));
              const answers = {};
              for (const name of names) {
                const network = await recognizer.loadNetwork(`${name}/model.json`);
                const answer = image => [...recognizer.answer(network, new Float32Array(image))];
                answers[name] = images.map(answer);
              }
              return answers; }""",
            [list(networks), images.reshape(10, 784).tolist()],
        )
    for name, network in networks.items():
        expected = network.predict_on_batch(images.reshape(10, *network.input_shape[1:]))
        np.testing.assert_allclose(found[name], expected, rtol=0, atol=1e-5, err_msg=name)


def test_what_is_drawn_is_what_is_read_and_shown(visit):
    pad = visit()
    pad.draw_with_mouse(browser.quick_drawing(4))
    pad.says("I read a 4")
    seen = pad.page.locator("#seen").evaluate(
        """canvas => [...canvas.getContext('2d').getImageData(0, 0, 28, 28).data]
            .filter((_, i) => i % 4 === 0).map(value => value / 255)"""
    )
    expected = digitlab.render_strokes(browser.quick_drawing(4))
    # Chromium rounds the mouse's places to pixels, and merges some within a frame.
    assert np.abs(np.reshape(seen, (28, 28)) - expected).mean() < 0.02
    assert sum(ten(pad)) in range(98, 103)


def test_undo_takes_back_a_stroke_and_a_clear(visit):
    pad = visit()
    pad.draw_with_mouse(browser.quick_drawing(1))
    pad.says("I read a 1")
    pad.draw_with_mouse([np.array([[20.0, 20], [260, 20], [260, 260], [20, 260], [20, 20]])])
    assert not pad.sentence.startswith("I read a 1")
    pad.press("Undo")
    pad.says("I read a 1")
    pad.press("Clear")
    pad.says("Draw a digit")
    pad.page.keyboard.press("Control+z")
    pad.says("I read a 1")
    assert pad.ink() > 0.01
    pad.press("Undo")
    pad.says("Draw a digit")
    pad.press("Undo")  # nothing is left
    pad.says("Draw a digit")


def test_redo_brings_back_what_undo_took(visit):
    pad = visit()
    pad.draw_with_mouse(browser.quick_drawing(1))
    pad.says("I read a 1")
    for redo in ("Redo", "Control+y", "Control+Shift+Z"):
        pad.press("Undo")
        pad.says("Draw a digit")
        pad.press(redo) if redo == "Redo" else pad.page.keyboard.press(redo)
        pad.says("I read a 1")
    pad.press("Redo")  # nothing is left
    pad.says("I read a 1")
    pad.press("Undo")
    pad.says("Draw a digit")
    pad.press("Clear")  # nothing is there to clear
    pad.press("Redo")
    pad.says("I read a 1")


def test_undo_and_redo_in_mid_stroke(visit):
    pad = visit()
    pad.draw_with_mouse(browser.quick_drawing(1))
    pad.draw_and_hold(browser.quick_drawing(1)[0][::-1] + (60, 0))
    pad.page.keyboard.press("Control+z")  # takes back the stroke under the pen
    pad.says("I read a 1")
    pad.page.mouse.up()
    pad.page.keyboard.press("Control+y")
    assert not pad.sentence.startswith("I read a 1")
    pad.press("Undo")
    pad.says("I read a 1")
    pad.draw_and_hold(browser.quick_drawing(1)[0][::-1] + (60, 0))
    drawn = pad.ink()
    pad.page.keyboard.press("Control+y")  # nothing is left: the stroke is new
    pad.page.mouse.up()
    assert pad.ink() == pytest.approx(drawn, abs=0.002)


def test_the_drawing_is_saved_as_a_picture(visit):
    pad = visit()
    pad.draw_with_mouse(browser.quick_drawing(4))
    with pad.page.expect_download() as download:
        pad.press("Save drawing")
    assert download.value.suggested_filename == "digit.png"
    image = np.asarray(Image.open(download.value.path()).convert("RGB"))
    ink = (image[..., 0] > 200).mean()
    assert ink > 0.03 and ink == pytest.approx(pad.ink())
    pad.says("I read a 4")


def test_where_the_browser_shares_files_so_does_the_page(chrome, address):
    """Chromium on Linux cannot share files, so the test stands in for the browser's functions."""
    with chrome.new_context() as window:
        page = window.new_page()
        page.add_init_script(
            """navigator.canShare = ({ files }) => files.every(file => file.type === 'image/png');
            navigator.share = async ({ files: [file] }) => {
              window.shared = [file.name, file.type, (await createImageBitmap(file)).width];
              throw new DOMException('closed', 'AbortError'); };"""
        )
        wrong = []
        page.on("pageerror", lambda error: wrong.append(str(error)))
        pad = browser.Page(page).open(address)
        pad.press("Share drawing")
        browser.until(page, "() => window.shared", 30)
        width = pad.canvas.evaluate("canvas => canvas.width")
        assert page.evaluate("() => window.shared") == ["digit.png", "image/png", width]
        assert wrong == []


def test_browsers_offer_to_install_it(visit):
    page = visit(service_workers="allow").page
    devtools = page.context.new_cdp_session(page)
    manifest = devtools.send("Page.getAppManifest")
    assert manifest["url"].endswith("/manifest.json") and manifest["errors"] == []
    problems = devtools.send("Page.getInstallabilityErrors")["installabilityErrors"]
    # The tests use private windows.
    assert {problem["errorId"] for problem in problems} <= {"in-incognito"}


def test_a_doubtful_digit_gets_more_looks_when_the_pen_is_lifted(visit):
    (six,) = digitlab.stored_drawing(6)
    narrow = (six - 140) * (0.3, 1) + 140
    recognizer = digitlab.load_recognizer()
    assert [recognizer.predict([narrow], tta=tta).digit for tta in (False, True)] == [1, 6]
    pad = visit()
    pad.draw_and_hold(narrow[:-1])
    pad.page.wait_for_timeout(500)  # so that the last point is read without delay
    pad.page.mouse.move(*pad.on_screen(narrow)[-1])
    pad.says("I read a 1")
    pad.page.mouse.up()
    pad.says("I read a 6")


def test_without_live_it_reads_when_asked(visit):
    pad = visit()
    pad.page.get_by_label("Live").uncheck()
    pad.draw_with_mouse(browser.quick_drawing(7))
    pad.says("Press Predict")
    assert ten(pad) == [0] * 10
    pad.press("Predict")
    pad.says("I read a 7")
    pad.press("Clear")
    pad.says("Draw a digit")
    pad.draw_with_mouse(browser.quick_drawing(3))
    pad.says("Press Predict")
    pad.page.get_by_label("Live").check()
    pad.says("I read a 3")


def test_without_a_network_it_does_not_ask_for_predict(chrome, site):
    gone = only("model/model.json", ANSWERS["is missing"])
    with browser.serve(site, answer=gone) as address, chrome.new_context() as window:
        page = browser.Page(window.new_page())
        page.page.goto(address)
        page.wait_until("trouble")
        page.page.get_by_label("Live").uncheck()
        page.draw_with_mouse(browser.quick_drawing(7))
        assert page.sentence == "I cannot read"


def test_non_digits_and_a_trembling_tap(visit):
    pad = visit()
    heart = digitlab.doodle("heart", np.random.default_rng(0))
    pad.draw_with_mouse([40 + 180 * stroke for stroke in heart])
    assert pad.sentence == "I see no digit in this"
    assert pad.page.locator(".best").count() == 0
    pad.press("Clear")
    pad.draw_with_mouse([np.array([[140.0, 140], [142, 146]])])
    trembling = pad.sentence
    pad.press("Clear")
    pad.draw_with_mouse([np.array([[140.0, 140]])])
    assert pad.sentence == trembling  # both are dots
    assert 0.002 < pad.ink() < 0.02  # one as wide as the pen


def test_leaving_the_pad_ends_a_stroke_and_hovering_leaves_no_ink(visit):
    pad = visit()
    left, top = pad.box["x"], pad.box["y"]
    mouse, height = pad.page.mouse, pad.box["height"]
    mouse.move(left + 60, top + height - 60)
    mouse.down()
    for x, y in [(60, -20), (60, 30), (150, 30), (150, -60)]:  # out below, and back in
        mouse.move(left + x, top + height + (y if x == 60 and y > 0 else y), steps=4)
    mouse.up()
    inked = pad.ink()
    mouse.move(left + 20, top + 20)
    mouse.move(left + 200, top + 20)
    assert pad.ink() == inked
    pad.press("Undo")  # takes back only the second stroke
    assert 0 < pad.ink() < inked


# Places of a palm: it slides off the pad, once or twice.
@pytest.mark.parametrize("places", [(250, 270, 330), (250, 270, 295, 260, 296)])
def test_a_hand_that_slid_off_the_pad_before_its_pen_came_leaves_no_ink(visit, places):
    pad = visit()
    devtools = pad.page.context.new_cdp_session(pad.page)
    for kind, x in zip(["Start"] + ["Move"] * len(places), places, strict=False):
        palm = {"x": pad.box["x"] + x / 280 * pad.box["width"], "y": pad.box["y"] + 100}
        devtools.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": [palm]})
    pad.draw_with_pen(browser.quick_drawing(1))
    devtools.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    pad.says("I read a 1")
    pad.press("Undo")
    pad.says("Draw a digit")


def test_a_touch_that_the_system_takes_for_a_palm_leaves_no_ink(visit):
    pad = visit()
    devtools = pad.page.context.new_cdp_session(pad.page)
    for kind, y in (("Start", 100), ("Move", 120), ("Move", 140)):
        palm = {"x": pad.box["x"] + 100, "y": pad.box["y"] + y}
        devtools.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": [palm]})
    pad.says("I read a 1")
    devtools.send("Input.dispatchTouchEvent", {"type": "touchCancel", "touchPoints": []})
    pad.says("Draw a digit")
    assert pad.ink() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_switch_is_visible_in_high_contrast(visit, scheme):
    page = visit(forced_colors="active", color_scheme=scheme).page
    colours = """() => [null, '::before'].map((part) =>
        getComputedStyle(document.querySelector('#live'), part).backgroundColor)"""
    on = page.evaluate(colours)
    page.locator("#live").click()
    off = page.evaluate(colours)
    assert on[0] != on[1] and off[0] != off[1] and on[0] != off[0]


def test_a_finger_draws_and_does_not_scroll(visit):
    pad = visit(viewport={"width": 390, "height": 500}, is_mobile=True)
    pad.draw_with_finger([np.array([[140.0, y] for y in range(250, 40, -10)])])
    assert pad.page.evaluate("() => scrollY") == 0
    pad.says("I read a 1")


def test_everything_can_be_done_with_the_keyboard(visit):
    pad = visit()
    press = pad.page.keyboard.press
    focused = []
    order = "pad undo redo clear predict live share".split()
    order += [*"0123456789", "unlearn", "forget", "export", "SUMMARY"]
    for _ in order:
        press("Tab")
        focused.append(
            pad.page.evaluate(
                """() => { const at = document.activeElement, style = getComputedStyle(at);
                    const name = at.id || at.value || at.tagName;
                    return [name, style.outlineStyle + parseInt(style.outlineWidth)];
                }"""
            )
        )
    assert [name for name, _ in focused] == order
    assert {outline for _, outline in focused} == {"solid3"}
    pad.canvas.focus()
    for _ in range(3):
        pad.page.keyboard.down("Space")  # held down, it puts the pen down once
    pad.page.keyboard.up("Space")
    for key in [*["ArrowDown"] * 14, "Space"]:  # a 1
        press(key)
    pad.says("I read a 1")
    press("Tab")
    press("Enter")  # Undo
    pad.says("Draw a digit")
    assert pad.ink() == 0


def test_a_screen_reader_hears_the_result(visit):
    pad = visit()
    sentence = pad.page.get_by_role("status")
    pad.page.evaluate(
        """() => { const said = window.said = [];
            const sentence = document.getElementById('sentence');
            new MutationObserver(() => said.push(sentence.textContent))
              .observe(sentence, { childList: true, characterData: true, subtree: true }); }"""
    )
    pad.draw_with_mouse(browser.quick_drawing(2))
    assert sentence.inner_text().startswith("I read a 2")
    pad.press("Predict")
    pad.press("Predict")
    said = pad.page.evaluate("() => window.said")
    assert said and all(one != other for one, other in itertools.pairwise(said)), said
    # The page as a screen reader sees it.
    tree = pad.page.locator("body").aria_snapshot()
    for name in ("Undo", "Redo", "Clear", "Predict", "Save drawing", "Learn it as 7", "Unlearn"):
        assert f'button "{name}"' in tree
    assert 'group "That was a …"' in tree
    assert 'switch "Live" [checked]' in tree
    assert 'application "Pad: draw a digit' in tree and 'heading "It reads your digits"' in tree


WIDTHS = [320, 390, 768, 1280]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_and_can_be_read(visit, scheme):
    pad = visit(color_scheme=scheme)
    page = pad.page
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("() => document.documentElement.scrollWidth") == width
        box = pad.box
        assert abs(box["width"] - box["height"]) < 1 and box["width"] >= 224
        for button in page.get_by_role("button").all():
            box = button.bounding_box()
            assert box["height"] >= 44 and box["width"] >= 24, button.inner_text()
    pad.draw_with_mouse(browser.quick_drawing(5))
    page.get_by_text("What happens here?").click()
    texts = page.evaluate(
        """() => {
          const numbers = colour => colour.match(/[\\d.]+/g).map(Number);
          const light = colour => {
            const [r, g, b] = numbers(colour).slice(0, 3).map(value => {
              value /= 255;
              return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
            });
            return 0.2126 * r + 0.7152 * g + 0.0722 * b;
          };
          const ground = element => {
            for (; element; element = element.parentElement) {
              const colour = getComputedStyle(element).backgroundColor;
              if ((numbers(colour)[3] ?? 1) > 0) return colour;
            }
            return 'rgb(255, 255, 255)';
          };
          document.getElementById('trouble').hidden = false;
          document.querySelector('#trouble p').textContent = 'a message';
          const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
          const texts = [];
          while (walker.nextNode()) {
            const element = walker.currentNode.parentElement;
            if (!walker.currentNode.textContent.trim() || element.tagName === 'NOSCRIPT') continue;
            const style = getComputedStyle(element);
            const under = element.id === 'hint' ? document.getElementById('pad') : element;
            const [a, b] = [light(style.color), light(ground(under))].sort((x, y) => y - x);
            const text = walker.currentNode.textContent.trim();
            const [size, contrast] = [parseFloat(style.fontSize), (a + 0.05) / (b + 0.05)];
            texts.push({ text, size, contrast });
          }
          return texts; }"""
    )
    assert {"Undo", "Predict", "a message", "What the network sees"} <= {t["text"] for t in texts}
    assert [t for t in texts if t["size"] < 14] == []
    assert [t for t in texts if t["contrast"] < 4.5] == []


@pytest.mark.parametrize("width", [320, 1280])
def test_nothing_moves(visit, width):
    pad = visit(viewport={"width": width, "height": 900})
    pad.page.evaluate(
        """() => { window.moved = 0;
            new PerformanceObserver(list => {
              for (const entry of list.getEntries()) window.moved += entry.value;
            }).observe({ type: 'layout-shift', buffered: true }); }"""
    )
    parts = [pad.page.locator(name) for name in ("#pad", "#bars", "#seen", "footer")]
    places = [part.bounding_box() for part in parts]
    heart = digitlab.doodle("heart", np.random.default_rng(0))
    for drawing in (
        browser.quick_drawing(1),
        browser.quick_drawing(8),
        [40 + 180 * s for s in heart],
    ):
        pad.press("Clear")
        pad.draw_with_mouse(drawing)
        assert [part.bounding_box() for part in parts] == places, pad.sentence
    assert pad.sentence == "I see no digit in this"  # the longest sentence
    assert pad.page.evaluate("() => window.moved") == 0


def test_the_pad_is_as_sharp_as_the_screen(visit):
    pad = visit(device_scale_factor=3, viewport={"width": 390, "height": 800})
    assert pad.canvas.evaluate("canvas => canvas.width / canvas.clientWidth") == pytest.approx(
        3, rel=0.01
    )


def test_on_a_sharper_screen_the_pad_becomes_sharper(visit):
    pad = visit()
    drawing = browser.quick_drawing(4)
    pad.draw_with_mouse(drawing[:1])
    devtools = pad.page.context.new_cdp_session(pad.page)
    screen = {"width": 1280, "height": 800, "deviceScaleFactor": 2, "mobile": False}
    devtools.send("Emulation.setDeviceMetricsOverride", screen)
    pad.draw_and_hold(drawing[1])
    sharp = "({ width, clientWidth }) => Math.abs(width / clientWidth - 2) < 0.01"
    assert pad.canvas.evaluate(sharp)
    pad.page.mouse.up()
    pad.says("I read a 4")


def test_the_visitors_font_size_counts(chrome, address):
    with chrome.new_context() as window:
        page = browser.Page(window.new_page()).open(address)
        rule = """() => [...document.styleSheets].flatMap(sheet => [...sheet.cssRules])
            .find(rule => rule.selectorText === 'html').style.fontSize"""
        assert page.page.evaluate(rule) == "100%"
        page.draw_with_mouse(browser.quick_drawing(5))
        page.page.evaluate("() => (document.documentElement.style.fontSize = '200%')")
        for width in WIDTHS:
            page.page.set_viewport_size({"width": width, "height": 800})
            track, seen = (page.page.locator(name) for name in ("#bars .track >> nth=0", "#seen"))
            bars, box = page.page.locator("#bars").bounding_box(), seen.bounding_box()
            assert track.bounding_box()["width"] > 24
            assert page.page.evaluate("() => document.documentElement.scrollWidth") == width
            assert bars["x"] + bars["width"] <= box["x"] or bars["y"] + bars["height"] <= box["y"]


def test_a_reload_starts_from_scratch(visit):
    pad = visit(service_workers="allow")
    pad.draw_with_mouse(browser.quick_drawing(6))
    pad.says("I read a 6")
    pad.page.evaluate("async () => { await navigator.serviceWorker.ready; }")
    pad.page.reload()
    pad.wait_until("ready")
    pad.says("Draw a digit")
    assert pad.ink() == 0
    pad.draw_with_mouse(browser.quick_drawing(9))
    pad.says("I read a 9")


def test_it_works_offline_after_the_first_visit(chrome, site, tmp_path):
    folder = tmp_path / "site"
    shutil.copytree(site, folder)
    window = chrome.new_context(service_workers="allow")
    page = browser.Page(window.new_page())
    # With no-store, so that the browser does not keep the files by itself.
    with browser.serve(folder, "/digits/", Cache_Control="no-store") as address:
        page.open(address)
        page.page.evaluate("async () => { await navigator.serviceWorker.ready; }")
    # The server has stopped.
    page.open(address)
    page.draw_with_mouse(browser.quick_drawing(5))
    page.says("I read a 5")
    window.close()


@pytest.mark.parametrize("missing", ["404", "a page"])
def test_what_takes_the_pages_place_is_seen(missing, chrome, site):
    """Also by visitors whose browser has kept the page, and where missing files are a page, too."""
    gone = []

    def host(handler):
        if gone and (handler.path == "/" or missing == "a page"):
            body = b"<!doctype html><title>Something else</title>"
            handler.send_response(200)
            handler.send_header("Content-Type", "text/html")
            handler.send_header("Content-Length", str(len(body)))
            handler.end_headers()
            handler.wfile.write(body)
        elif gone:
            handler.send_error(404)
        return bool(gone)

    with (
        browser.serve(site, answer=host, Cache_Control="no-store") as address,
        chrome.new_context(service_workers="allow") as window,
    ):
        page = browser.Page(window.new_page()).open(address)
        page.page.evaluate("async () => { await navigator.serviceWorker.ready; }")
        gone.append(True)
        page.page.goto(address)
        page.page.wait_for_function("() => document.title === 'Something else'", timeout=30_000)
        registration = "async () => await navigator.serviceWorker.getRegistration() === undefined"
        assert page.page.evaluate(registration)


def test_a_new_version_takes_the_old_ones_place(chrome, site, tmp_path):
    folder = tmp_path / "site"
    shutil.copytree(site, folder)
    window = chrome.new_context(service_workers="allow")
    page = browser.Page(window.new_page())
    with browser.serve(folder) as address:
        page.open(address)
        page.page.evaluate("async () => { await navigator.serviceWorker.ready; }")
        (old,) = page.page.evaluate("() => caches.keys()")
        digitlab.build_site(folder, export(tmp_path / "model", outputs=11))
        loads = []
        page.page.on("load", lambda _: loads.append(1))
        page.open(address)  # still the old one, until the new one has come and reloads
        for _ in range(200):
            page.page.wait_for_timeout(100)
            if len(loads) == 2:
                break
        page.wait_until("ready")
        assert old not in page.page.evaluate("() => caches.keys()")
        names = page.page.evaluate(
            """async () => (await (await caches.open((await caches.keys())[0])).keys())
                .map(request => request.url)"""
        )
    (weights,) = (folder / "model").glob("*.bin")
    assert any(name.endswith(weights.name) for name in names)
    window.close()


def new_version(folder, tmp_path, monkeypatch):
    """Replace a site by one in which every page, script and style says "version 2"."""
    web = shutil.copytree(site_builder.SOURCES.parent, tmp_path / "web")
    for path in web.rglob("*.*"):
        if path.suffix in (".js", ".css"):
            path.write_text(path.read_text("utf-8") + "\n/* version 2 */\n", "utf-8")
        elif path.suffix == ".html":
            path.write_text(path.read_text("utf-8") + "<!-- version 2 -->\n", "utf-8")
    monkeypatch.setattr(site_builder, "SOURCES", web / "site")
    digitlab.build_site(folder)


class Visit:
    """A page, and for each time that it loads, the versions of the site that its files are from."""

    def __init__(self, window, address):
        self.loads = []
        page = window.new_page()
        page.on("response", self.note)
        self.pad = browser.Page(page).open(address)

    def note(self, response):
        if response.request.is_navigation_request():
            self.loads.append(set())
        name = response.url.rpartition("/")[2]
        if re.search(r"^$|\.(js|css)$", name) and not name.startswith(
            ("tensorflow", "typical", "sw.js")
        ):
            self.loads[-1].add(1 + ("version 2" in response.text()))


def test_no_page_mixes_two_versions(chrome, site, tmp_path, monkeypatch):
    """A page with a drawing keeps the old version; the next visit gets the new one."""
    folder = shutil.copytree(site, tmp_path / "site")
    drawn = Event()
    both_kept = "async () => (await caches.keys()).length === 2"
    waits = "async () => (await navigator.serviceWorker.getRegistration()).waiting !== null"
    with (
        browser.serve(folder, answer=only("sw.js", lambda _: drawn.wait() and None)) as address,
        chrome.new_context(service_workers="allow") as window,
    ):
        drawn.set()
        first = Visit(window, address)
        first.pad.page.evaluate("async () => { await navigator.serviceWorker.ready; }")
        first.pad.page.close()
        drawn.clear()
        new_version(folder, tmp_path, monkeypatch)

        old = Visit(window, address)
        old.pad.draw_with_mouse(browser.quick_drawing(4))
        drawn.set()
        browser.until(old.pad.page, both_kept, 60)
        browser.until(old.pad.page, waits, 60)
        beside = Visit(window, address)  # it has no drawing, and would take the new version
        beside.pad.page.wait_for_timeout(1000)  # time to take over by mistake
        assert beside.pad.page.evaluate(waits)
        assert old.loads == beside.loads == [{1}]
        old.pad.says("I read a 4")
        old.pad.page.close()
        beside.pad.page.close()

        new = Visit(window, address)
        for _ in range(600):
            if new.loads[-1] == {2}:
                break
            new.pad.page.wait_for_timeout(100)
        new.pad.wait_until("ready")
        assert new.loads in ([{2}], [{1}, {2}])


def broken(folder, site, how, tmp_path):
    """Copy the site, and damage its network."""
    shutil.copytree(site, folder)
    model, (weights,) = folder / "model" / "model.json", (folder / "model").glob("*.bin")
    if how == "model.json is missing":
        model.unlink()
    elif how == "model.json is cut off":
        model.write_bytes(model.read_bytes()[:1000])
    elif how == "weights are missing":
        weights.unlink()
    elif how == "weights are cut off":
        weights.write_bytes(weights.read_bytes()[:1000])
    elif how == "weights are of another model":
        weights.write_bytes(weights.read_bytes() + b"more")
    elif how == "another shape":
        text = json.loads(model.read_text())
        layers = text["modelTopology"]["config"]["layers"]
        (first, *_) = [layer for layer in layers if layer["class_name"] == "Conv2D"]
        first["config"]["padding"] = "valid"  # the output is smaller and does not fit
        model.write_text(json.dumps(text))
    elif how == "one bit of the weights":
        content = bytearray(weights.read_bytes())
        content[1000] ^= 1
        weights.write_bytes(content)
    return folder


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("model.json is missing", "model/model.json is missing"),
        ("model.json is cut off", "model/model.json is damaged"),
        ("weights are missing", r"model/group1-shard1of1-\w+.bin is missing"),
        ("weights are cut off", r"model/group1-shard1of1-\w+.bin is damaged"),
        ("weights are of another model", r"model/group1-shard1of1-\w+.bin is damaged"),
        ("one bit of the weights", r"model/group1-shard1of1-\w+.bin is damaged"),
        ("another shape", "model/model.json is damaged"),
    ],
)
def test_a_network_in_trouble_is_reported_and_can_be_tried_again(
    visit, site, tmp_path, how, message
):
    folder = broken(tmp_path / "site", site, how, tmp_path)
    with browser.serve(folder, **STRICT) as address:
        pad = visit(address, state="trouble", clean=False)
        text = pad.page.get_by_role("alert").locator("p")
        assert text.is_visible()
        assert re.search(message, text.inner_text())
        assert pad.sentence == "I cannot read"
        pad.draw_with_mouse(browser.quick_drawing(5))  # the pad still works
        assert pad.ink() > 0.03
        pad.press("Predict")
        assert text.is_visible()
        shutil.copytree(site, folder, dirs_exist_ok=True)  # the host has been repaired
        pad.press("Try again")
        pad.wait_until("ready")
        assert pad.canvas.evaluate("canvas => canvas === document.activeElement")
        pad.says("I read a 5")
        assert not text.is_visible()


# The page learns how a visitor writes.


def learned(pad):
    """What the page says about what it has learned."""
    return pad.page.locator("#learned").inner_text()


def draw_again(pad, drawing):
    pad.press("Clear")
    pad.says("Draw a digit")
    pad.draw_with_mouse(drawing)


def test_it_learns_what_a_drawing_was(visit):
    pad = visit()
    assert learned(pad) == "nothing learned yet"
    pad.page.keyboard.press("8")
    assert pad.sentence == "Draw a digit"  # the pad does not have the focus
    pad.press("Learn it as 8")
    assert pad.sentence == "Draw a digit first"
    pad.draw_with_mouse(CROSS)
    assert pad.sentence == "I see no digit in this"
    pad.page.keyboard.press("8")
    pad.says("I read an 8")
    assert int(np.argmax(ten(pad))) == 8
    assert learned(pad) == "1 learned from you"
    draw_again(pad, [stroke * 0.8 + 15 for stroke in CROSS])
    pad.says("I read an 8")

    draw_again(pad, browser.quick_drawing(1))
    pad.says("I read a 1")  # it is unlike the example
    pad.press("Learn it as 7")
    pad.says("I read a 7")
    assert learned(pad) == "2 learned from you"

    pad.page.reload()
    pad.wait_until("ready")
    assert learned(pad) == "2 learned from you"
    pad.draw_with_mouse(CROSS)
    pad.says("I read an 8")
    draw_again(pad, browser.quick_drawing(1))
    pad.says("I read a 7")
    pad.press("Unlearn")
    pad.says("I read a 1")
    assert learned(pad) == "1 learned from you"
    pad.press("Forget me")
    assert learned(pad) == "nothing learned yet"
    draw_again(pad, CROSS)
    assert pad.sentence == "I see no digit in this"
    assert pad.page.evaluate("() => localStorage.length") == 0
    pad.press("Unlearn")  # nothing is left
    assert learned(pad) == "nothing learned yet"


def test_without_live_a_lesson_is_read_all_the_same(visit):
    pad = visit()
    pad.page.get_by_label("Live").uncheck()
    pad.draw_with_mouse(CROSS)
    pad.says("Press Predict")
    pad.page.keyboard.press("8")
    pad.says("I read an 8")
    pad.page.keyboard.press("Control+1")  # belongs to the browser
    assert learned(pad) == "1 learned from you"


def test_python_reads_what_was_exported(visit, site, tmp_path):
    pad = visit()
    seen = []
    for drawing, label in (
        (CROSS, 8),
        (browser.quick_drawing(1), 7),
        (browser.quick_drawing(4), 4),
    ):
        pad.press("Clear")
        pad.draw_with_mouse(drawing)
        pad.press(f"Learn it as {label}")
        seen.append(
            pad.page.locator("#seen").evaluate(
                """canvas => [...canvas.getContext('2d').getImageData(0, 0, 28, 28).data]
                    .filter((_, i) => i % 4 === 0)"""
            )
        )
    with pad.page.expect_download() as download:
        pad.press("Export")
    assert download.value.suggested_filename == "hand.json"
    download.value.save_as(tmp_path / "class" / "ada.json")

    model = keras.models.load_model(ROOT / "models" / "digits.keras", compile=False)
    model = assign(model, site / "model")
    personal = digitlab.load_personal(tmp_path / "class" / "ada.json", Recognizer(model))
    assert personal.labels.tolist() == [8, 7, 4]
    np.testing.assert_array_equal(personal.images.reshape(3, 784), seen)
    assert digitlab.load_drawings(tmp_path / "class").writers.tolist() == ["ada"] * 3

    drawings = [CROSS, *map(browser.quick_drawing, range(10))]
    strokes = [[stroke.tolist() for stroke in drawing] for drawing in drawings]
    readings = pad.page.evaluate(
        """async drawings => {
          const load = name => import(new URL(name, document.baseURI));
          const { loadNetwork, predict } = await load('recognizer.js');
          const network = await loadNetwork('model/model.json');
          const hand = new (await load('hand.js')).Hand(network, Object.keys(localStorage)[0]);
          return drawings.map(drawing => {
            const { digit, probabilities } = predict(network, drawing, hand);
            return { digit, probabilities: [...probabilities] };
          }); }""",
        strokes,
    )
    for drawing, reading in zip(drawings, readings, strict=True):
        expected = personal.predict(drawing)
        assert reading["digit"] == expected.digit
        np.testing.assert_allclose(reading["probabilities"], expected.probabilities, atol=1e-3)


@pytest.mark.parametrize("device", ["mouse", "finger", "pen"])
def test_a_number_key_says_what_was_drawn(visit, device):
    pad = visit()
    getattr(pad, f"draw_with_{device}")(CROSS)
    pad.page.keyboard.press("8")
    pad.says("I read an 8")


def test_two_windows_learn_together(visit):
    pad = visit()
    beside = browser.Page(pad.page.context.new_page()).open(pad.page.url)
    pad.draw_with_mouse(CROSS)
    pad.page.keyboard.press("8")
    beside.page.locator("#learned").filter(has_text="1 learned").wait_for()
    beside.draw_with_mouse(CROSS)
    beside.says("I read an 8")
    beside.press("Forget me")
    pad.page.locator("#learned").filter(has_text="nothing").wait_for()
    pad.page.keyboard.press("8")
    beside.page.locator("#learned").filter(has_text="1 learned").wait_for()
    beside.page.evaluate("() => localStorage.clear()")  # as browsers do for their users
    pad.page.locator("#learned").filter(has_text="nothing").wait_for()
    assert pad.says("I see no digit in this")


def test_where_nothing_can_be_kept_it_learns_until_the_page_closes(visit, chrome, site, tmp_path):
    pad = visit()
    pad.page.evaluate(
        """() => { for (let size = 2 ** 23; size >= 1; size /= 2) try {
            localStorage.filled = (localStorage.filled ?? '') + 'x'.repeat(size); } catch {} }"""
    )
    pad.draw_with_mouse(CROSS)
    pad.page.keyboard.press("8")
    pad.says("I read an 8")
    assert learned(pad) == "1 learned, until this page closes"
    pad.page.evaluate("() => { delete localStorage.filled; }")
    pad.press("Learn it as 8")
    assert learned(pad) == "2 learned from you"
    # The stored examples are damaged, or of another version.
    kept = pad.page.evaluate("() => Object.values(localStorage)[0]")
    for damaged in ("{", kept.replace("8", "88", 1), kept.replace('"version":1', '"version":2')):
        assert damaged != kept
        pad.page.evaluate(
            "text => { for (const key in localStorage) localStorage[key] = text; }", damaged
        )
        pad.page.reload()
        pad.wait_until("ready")
        assert learned(pad) == "nothing learned yet"
    pad.draw_with_mouse(CROSS)
    pad.page.keyboard.press("8")
    assert learned(pad) == "1 learned from you"

    folder = shutil.copytree(site, tmp_path / "site")  # in a frame without storage
    (folder / "frame.html").write_text('<iframe sandbox="allow-scripts" src="./"></iframe>')
    with (
        browser.serve(folder, Access_Control_Allow_Origin="*") as address,
        chrome.new_context(service_workers="allow") as window,
    ):
        page = window.new_page()
        page.goto(address + "frame.html")
        frame = page.frames[-1]
        frame.locator("html[data-state=ready]").wait_for()
        frame.locator("#pad").click()
        frame.get_by_role("button", name="Learn it as 3").click()
        frame.locator("#sentence", has_text="I read a 3").wait_for()
        assert frame.locator("#learned").inner_text() == "1 learned, until this page closes"


def test_what_cannot_be_kept_stays_beside_what_the_other_tab_learns(chrome, site):
    with browser.serve(site) as address, chrome.new_context() as window:
        one, other = (browser.Page(window.new_page()).open(address) for _ in range(2))
        one.page.evaluate(
            "() => { const set = Storage.prototype.setItem; window.fix = () => { "
            "Storage.prototype.setItem = set; }; "
            "Storage.prototype.setItem = () => { throw new Error('full'); }; }"
        )
        one.draw_with_mouse(CROSS)
        one.page.keyboard.press("8")
        assert learned(one) == "1 learned, until this page closes"
        other.draw_with_mouse(browser.quick_drawing(1))
        other.page.keyboard.press("7")
        one.page.locator("#learned", has_text="2 learned, until this page closes").wait_for()
        one.says("I read an 8")
        one.page.evaluate("() => fix()")
        other.press("Unlearn")
        one.page.locator("#learned", has_text="1 learned from you").wait_for()
        one.says("I read an 8")
        other.page.locator("#learned", has_text="1 learned from you").wait_for()


def test_what_was_learned_outlives_the_network(chrome, site, tmp_path):
    folder = shutil.copytree(site, tmp_path / "site")
    with (
        browser.serve(folder, Cache_Control="no-store") as address,
        chrome.new_context() as window,
    ):
        pad = browser.Page(window.new_page()).open(address)
        pad.draw_with_mouse(CROSS)
        pad.page.keyboard.press("8")
        digitlab.build_site(folder, export(tmp_path / "ten"))  # without the eleventh class
        pad.open(address)
        assert learned(pad) == "1 learned from you"
        pad.draw_with_mouse(CROSS)
        pad.says("I read an 8")
        pad.press("Learn it as 3")
        pad.press("Learn it as 3")
        pad.says("I read a 3")

        layers = keras.layers
        flat = [layers.Conv2D(10, 28), layers.Flatten(), layers.Softmax()]
        digitlab.build_site(folder, export(tmp_path / "flat", *flat))  # without a dense layer
        pad.open(address)
        assert pad.page.locator("#teaching").is_hidden()
        pad.draw_with_mouse(CROSS)
        said = pad.sentence
        pad.page.keyboard.press("3")
        assert pad.sentence == said


# When the page does not load, it says within seconds what is wrong.


def answer(handler, content, kind, status=200, length=None, **headers):
    """Answer a request with this and nothing else."""
    handler.send_response(status)
    handler.send_header("Content-Type", kind)
    handler.send_header("Content-Length", str(length or len(content)))
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(content)
    return True


ANSWERS = {
    "is missing": lambda handler: answer(handler, b"", "text/html", 404),
    "is a page": lambda handler: answer(handler, b"<h1>Home</h1>", "text/html"),
    "has another type": lambda handler: answer(
        handler, b"", "text/plain", X_Content_Type_Options="nosniff"
    ),
    "is cut off": lambda handler: answer(
        handler, b"", "text/javascript", length=1000, Connection="close"
    ),
    "has newer syntax": lambda handler: answer(handler, b"const a = ?.;", "text/javascript"),
}


def only(name, how):
    """Answer requests for one file in this way, and leave the others to the server."""
    return lambda handler: handler.path.partition("?")[0].endswith(f"/{name}") and how(handler)


def trouble(page):
    """Wait until the page says that something is wrong; return what it says."""
    said = page.locator("#sentence", has_text=re.compile("^(I cannot read|Not ready yet)$"))
    said.wait_for(timeout=20_000)
    assert page.locator("#trouble p").is_visible()
    return page.locator("#trouble p").inner_text()


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("is missing", r"(The network did not load: )?{} is missing \(the server says 404\)"),
        ("is cut off", r"(The network did not load: )?{} (is damaged|cannot be reached)"),
    ],
)
def test_whichever_file_is_lost_the_page_says_so(chrome, site, how, message):
    lost = [path.relative_to(site).as_posix() for path in site.rglob("*") if path.is_file()]
    spared = {"index.html", "sw.js", "start.js"}  # start.js says what is wrong
    spared |= {bundle.WASM, bundle.CPU, "manifest.json", "icon-192.png", "icon-512.png"}
    for name in sorted(set(lost) - spared):
        with (
            browser.serve(site, answer=only(name, ANSWERS[how]), **STRICT) as address,
            chrome.new_context() as window,
        ):
            page = window.new_page()
            page.goto(address)
            page.locator("html[data-state=trouble]").wait_for(timeout=20_000)
            assert re.match(message.format(re.escape(name)), trouble(page)), name
            assert page.locator("#sentence").inner_text() == "I cannot read"


@pytest.mark.parametrize(
    ("name", "how", "message"),
    [
        ("pad.js", "is a page", "The server sends pad.js as text/html"),
        ("style.css", "is a page", "The server sends style.css as text/html"),
        ("app.js", "has another type", "The server sends app.js as text/plain"),
        ("ink.js", "has newer syntax", "The code of this page does not run here: .*SyntaxError"),
    ],
)
def test_files_that_browsers_block_are_reported(chrome, site, name, how, message):
    with (
        browser.serve(site, answer=only(name, ANSWERS[how]), **STRICT) as address,
        chrome.new_context() as window,
    ):
        page = window.new_page()
        page.goto(address)
        assert re.match(message, trouble(page))


def test_the_page_loads_without_the_script_that_says_what_is_wrong(chrome, site):
    with (
        browser.serve(site, answer=only("start.js", ANSWERS["is missing"])) as address,
        chrome.new_context() as window,
    ):
        browser.Page(window.new_page()).open(address)


@pytest.mark.parametrize("lost", [["start.js", "app.js"], ["start.js", "style.css"]])
def test_without_that_script_the_page_itself_says_something(chrome, site, lost):
    def answer_all(handler):
        return any(only(name, ANSWERS["is missing"])(handler) for name in lost)

    with (
        browser.serve(site, answer=answer_all) as address,
        chrome.new_context() as window,
    ):
        page = window.new_page()
        page.goto(address)
        page.locator("#trouble p").filter(visible=True).wait_for(timeout=20_000)
        assert re.match("The page did not load completely", page.locator("#trouble p").inner_text())


@pytest.mark.parametrize("name", ["app.js", "tensorflow.js", "style.css", "model/model.json"])
def test_a_slow_network_is_reported_and_the_page_still_starts(chrome, site, name):
    arrives = Event()
    with (
        browser.serve(site, answer=only(name, lambda _: arrives.wait() and None)) as address,
        chrome.new_context() as window,
    ):
        page = window.new_page()
        page.goto(address, wait_until="commit")
        try:
            assert re.match(f"Still waiting for {name.split('/')[-1]}", trouble(page))
            page.screenshot(timeout=10_000)  # the browser paints it
        finally:
            arrives.set()
        browser.Page(page).wait_until("ready")
        assert page.locator("#trouble").is_hidden()
        assert page.locator("#sentence").inner_text() == "Draw a digit"
        assert page.locator("body").evaluate("body => getComputedStyle(body).maxWidth") == "864px"


def test_from_the_disk_the_page_says_how_to_serve_it(chrome, site):
    with chrome.new_context() as window:
        page = window.new_page()
        page.goto((site / "index.html").as_uri())
        assert "python -m http.server" in trouble(page)


def test_in_a_sandboxed_frame_the_page_says_so(chrome, site, tmp_path):
    folder = shutil.copytree(site, tmp_path / "site")
    for sandbox in ("allow-scripts", ""):
        (folder / "frame.html").write_text(f'<iframe sandbox="{sandbox}" src="./"></iframe>')
        with (
            browser.serve(folder) as address,
            chrome.new_context(service_workers="allow") as window,
        ):
            page = window.new_page()
            page.goto(address + "frame.html")
            frame = page.frames[-1]
            if sandbox:
                assert re.match(r"The frame around this page \(sandbox\)", trouble(frame))
            else:
                frame.locator("noscript p").wait_for()
                assert frame.locator("#sentence").inner_text() == ""
    with (  # a host that allows any page to load its files
        browser.serve(folder, Access_Control_Allow_Origin="*") as address,
        chrome.new_context(service_workers="allow") as window,
    ):
        (folder / "frame.html").write_text('<iframe sandbox="allow-scripts" src="./"></iframe>')
        page = window.new_page()
        page.goto(address + "frame.html")
        page.frames[-1].locator("html[data-state=ready]").wait_for(timeout=20_000)


def test_without_javascript_or_in_an_old_browser_the_page_says_so(chrome, address):
    with chrome.new_context(java_script_enabled=False) as window:
        page = window.new_page()
        page.goto(address)
        page.locator("noscript p").wait_for()
        assert page.locator("#trouble").is_hidden()
        assert page.locator("#sentence").inner_text() == ""
    with chrome.new_context() as window:
        page = window.new_page()
        page.add_init_script("delete HTMLScriptElement.prototype.noModule")
        page.route(address, without_modules)
        page.goto(address)
        assert trouble(page).startswith("This browser is too old")


def without_modules(route):
    """Turn the page's modules into what a browser without modules makes of them."""
    response = route.fetch()
    route.fulfill(response=response, body=response.text().replace('"module"', '"unknown"'))


# The backends that compute.

ISOLATED = {  # a page that could use several threads
    "Cross_Origin_Opener_Policy": "same-origin",
    "Cross_Origin_Embedder_Policy": "require-corp",
}


def fetched_to_read(chrome, site, script="", answer=None, **headers):
    """Read a digit on the page in a new window; return the names of the files that it fetched."""
    with (
        browser.serve(site, answer=answer, **headers) as address,
        chrome.new_context() as window,
    ):
        page, fetched = window.new_page(), []
        page.on("request", lambda request: fetched.append(request.url.rpartition("/")[2]))
        page.add_init_script(script)
        pad = browser.Page(page).open(address)
        pad.draw_with_mouse(browser.quick_drawing(5))
        pad.says("I read a 5")
        return fetched


@pytest.mark.parametrize("headers", [STRICT, ISOLATED])
def test_it_computes_in_webassembly(chrome, site, headers):
    fetched = fetched_to_read(chrome, site, **headers)
    assert bundle.WASM in fetched and bundle.CPU not in fetched
    assert len(fetched) == len(set(fetched))  # each preloaded file is used, not fetched again


@pytest.mark.parametrize(
    "lack",
    [
        {"script": "delete globalThis.WebAssembly"},
        {"script": "WebAssembly.validate = () => false"},  # no SIMD
        {"Content_Security_Policy": "default-src 'self'"},
        {"answer": only(bundle.WASM, ANSWERS["is missing"])},
        {"answer": only(bundle.WASM, ANSWERS["is cut off"])},
    ],
    ids=["no WebAssembly", "no SIMD", "forbidden", "missing", "cut off"],
)
def test_without_webassembly_it_computes_in_plain_javascript(chrome, site, lack):
    assert bundle.CPU in fetched_to_read(chrome, site, **lack)


# Hosts that redirect.


def redirect(handler, path, status=301):
    _, mark, query = handler.path.partition("?")
    handler.send_response(status)
    handler.send_header("Location", path + mark + query)
    handler.send_header("Content-Length", "0")
    handler.end_headers()
    return True


def to_the_folder(handler):  # as Cloudflare Pages does
    path = handler.path.partition("?")[0]
    return path.endswith("/index.html") and redirect(handler, path[: -len("index.html")], 308)


def to_the_page(handler):
    path = handler.path.partition("?")[0]
    return path.endswith("/") and redirect(handler, path + "index.html", 302)


def to_the_slash(handler):
    return handler.path.endswith("/7b") and redirect(handler, handler.path + "/")


def to_clean_addresses(handler):
    path = handler.path.partition("?")[0]
    if path.endswith("/index"):
        handler.path = path + ".html"  # the server sends this file
    return path.endswith(".html") and handler.path == path and redirect(handler, path[:-5])


def with_a_list_of_the_folder(handler):
    path = handler.path.partition("?")[0]
    return path.endswith("/") and answer(handler, b"<h1>Index of /</h1>", "text/html")


@pytest.mark.parametrize(
    ("host", "visits"),
    [
        (to_the_folder, ["index.html", "", "index.html", "index.html?from=mail", "?from=mail"]),
        (to_the_page, ["", "index.html", "?from=mail"]),
        (to_clean_addresses, ["", "index", "index?from=mail"]),
        (with_a_list_of_the_folder, ["index.html", "index.html?from=mail"]),
        (to_the_slash, ["../7b", "", "index.html", "index.html?from=mail#top"]),
    ],
)
def test_hosts_that_redirect_work_again_and_offline(chrome, site, host, visits):
    with chrome.new_context(service_workers="allow") as window:
        page = browser.Page(window.new_page())
        headers = {"Cache_Control": "no-store", "Vary": "*"}
        with browser.serve(site, "/class/7b/", answer=host, **headers) as address:
            for visit in visits:
                page.open(address + visit)
                page.page.evaluate("async () => { await navigator.serviceWorker.ready; }")
                page.page.reload()
                page.wait_until("ready")
        for visit in visits:
            if visit != "../7b":  # outside the worker's scope
                page.open(address + visit)
        page.draw_with_mouse(browser.quick_drawing(5))
        page.says("I read a 5")


@pytest.mark.parametrize("how", ["is missing", "is a page", "is cut off"])
def test_the_worker_keeps_all_or_nothing(chrome, site, how):
    broken = [True]

    def host(handler):  # fails only the worker: the page does not ask for the icon
        return broken[0] and only("icon-512.png", ANSWERS[how])(handler)

    with (
        browser.serve(site, answer=host, Cache_Control="no-store") as address,
        chrome.new_context(service_workers="allow") as window,
    ):
        page = browser.Page(window.new_page())
        page.open(address)
        gone = "async () => !(await navigator.serviceWorker.getRegistration())"
        browser.until(page.page, gone, 30)
        assert page.page.evaluate("() => caches.keys()") == []
        broken[0] = False
        page.open(address)
        page.page.evaluate("async () => { await navigator.serviceWorker.ready; }")
        assert len(page.page.evaluate("() => caches.keys()")) == 1


def test_a_host_that_does_not_answer_is_reported(chrome, address):
    with chrome.new_context() as window:
        page = window.new_page()
        page.route("**/model.json", lambda route: route.abort())
        page.goto(address)
        said = trouble(page)
        assert said == "The network did not load: model/model.json cannot be reached."


def test_the_policy_would_stop_what_is_not_the_pages_own(visit):
    """So the check in the other tests can fail."""
    pad = visit(clean=False)
    found = pad.page.evaluate(
        """async () => {
          const found = new Set();
          const note = event => found.add(event.effectiveDirective);
          document.addEventListener('securitypolicyviolation', note);
          const script = document.createElement('script');
          script.textContent = 'window.broken = true';
          document.body.append(script);
          document.body.setAttribute('style', 'color: red');
          setTimeout(() => eval('window.broken = true'));
          await new Promise(resolve => setTimeout(resolve, 100));
          return [window.broken ?? null, ...found]; }"""
    )
    assert found == [None, "script-src-elem", "style-src-attr", "script-src"]
