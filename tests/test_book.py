"""The course as a site: no warnings, no dead links, nothing from other hosts; also in a browser."""

import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from digitlab import stored_drawing
from support import browser

ROOT = Path(__file__).parents[1]
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}


@pytest.fixture(scope="module")
def book(tmp_path_factory, site):
    """The built site. Where it cannot be built, `site` says what is missing."""
    folder = tmp_path_factory.mktemp("book")
    # In a process of its own, because Sphinx replaces Keras with mocks.
    command = [sys.executable, ROOT / "scripts" / "build_book.py", folder]
    built = subprocess.run(command, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    return folder


class Page(HTMLParser):
    """A page's anchors, its links, and the files that it loads."""

    def __init__(self, path):
        super().__init__()
        self.anchors, self.links, self.loads = {""}, [], []
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.anchors |= {values.get("id"), values.get("name")}
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        elif tag == "link" and "href" in values:
            self.loads.append(values["href"])
        self.loads += [values[name] for name in ("src", "poster", "data") if values.get(name)]


@pytest.fixture(scope="module")
def pages(book):
    found = (path for path in book.rglob("*.html") if "_static" not in path.parts)  # templates
    return {path: Page(path) for path in found}


def test_all_pages_are_there(book, pages):
    names = {path.relative_to(book).as_posix() for path in pages}
    notebooks = {f"notebooks/{path.stem}.html" for path in ROOT.glob("notebooks/*.ipynb")}
    assert len(notebooks) >= 8
    assert names >= notebooks | {"index.html", "api.html", "README.html", "page/index.html"}
    contents = pages[book / "index.html"].links
    assert [name for name in notebooks if name not in contents] == []


def test_a_folder_that_only_its_owner_may_read_stays_so(book):
    assert book.stat().st_mode & 0o777 == 0o700  # pytest made it so


def test_what_notebooks_fold_is_folded(book):
    folded = 0
    for path in ROOT.glob("notebooks/*.ipynb"):
        cells = json.loads(path.read_text("utf-8"))["cells"]
        hidden = sum("source_hidden" in cell["metadata"].get("jupyter", {}) for cell in cells)
        page = (book / f"notebooks/{path.stem}.html").read_text("utf-8")
        assert len(re.findall("tag_hide-(?:input|cell)", page)) == hidden, path.name
        folded += hidden
    assert folded > 20


def test_links_lead_somewhere(pages):
    dead = []
    for path, page in pages.items():
        for link in page.links + page.loads:
            url = urlsplit(link)
            if url.scheme:
                continue
            target = (path.parent / unquote(url.path)).resolve() if url.path else path
            target = target / "index.html" if target.is_dir() else target
            found = target.is_file()
            if found and url.fragment and target in pages:
                found = unquote(url.fragment) in pages[target].anchors
            dead += [] if found else [f"{path.name}: {link}"]
    assert dead == []


def test_nothing_is_loaded_from_elsewhere(book, pages):
    loads = [load for page in pages.values() for load in page.loads]
    assert [load for load in loads if re.match(r"(https?:)?//", load)] == []
    styles = {path: path.read_text("utf-8") for path in book.rglob("*.css")}
    assert [path for path, text in styles.items() if re.search(r"url\(.?(https?:)?//", text)] == []


@pytest.fixture(scope="module")
def chrome(chromium):
    with browser.chromium(chromium) as chrome:
        yield chrome


@pytest.fixture
def visit(chrome, book):
    """visit(name, **context) -> a page; errors and calls to other hosts fail the test."""
    wrong = []
    with browser.serve(book, "/course/") as address:
        windows = []

        def go(name, **context):
            window = chrome.new_context(**context)
            windows.append(window)
            page = window.new_page()
            window.on("request", lambda r: r.url.startswith(address) or wrong.append(r.url))
            page.on("pageerror", lambda error: wrong.append(str(error)))
            page.on("console", lambda m: m.type == "error" and wrong.append(m.text))
            page.goto(address + name)
            page.wait_for_load_state("networkidle")
            return page

        yield go
        for window in windows:
            window.close()
    assert wrong == []


def test_a_visitor_draws_before_installing_anything(visit):
    page = visit("index.html", **PHONE)
    frame = page.frame_locator("iframe")
    pad = browser.Page(page)
    pad.root, pad.canvas = frame.locator("body"), frame.locator("#pad")
    state = frame.locator("html:is([data-state=ready], [data-state=trouble])")
    state.wait_for()
    assert state.get_attribute("data-state") == "ready"
    for digit in (3, 8):
        pad.draw_with_finger([stroke[::4] for stroke in stored_drawing(digit)])
        frame.locator("#sentence").filter(has_text=f" {digit} ").wait_for()
        pad.press("Clear")


def test_the_frame_of_the_pad_is_as_high_as_its_page(visit):
    page = visit("index.html", **PHONE)
    frame = page.frame_locator("iframe")
    fits = """() => { const frame = document.querySelector('iframe');
        return frame.offsetHeight === frame.contentDocument.documentElement.offsetHeight; }"""
    browser.until(page, fits, 30)
    before = page.locator("iframe").bounding_box()["height"]
    frame.locator("summary").click()
    browser.until(page, f"() => document.querySelector('iframe').offsetHeight > {before + 50}", 30)
    browser.until(page, fits, 30)
    page.set_viewport_size({"width": 667, "height": 375})  # held sideways
    browser.until(page, fits, 30)
    assert frame.locator("#pad").bounding_box()["height"] < 375


def test_the_frame_is_as_light_or_dark_as_the_book(visit):
    # Emulated by Playwright, the system's scheme would count for the frame, too.
    page = visit("index.html", color_scheme="null", **PHONE)
    page.evaluate("() => { document.documentElement.dataset.theme = 'dark'; }")
    dark = """() => document.querySelector('iframe').contentWindow
        .matchMedia('(prefers-color-scheme: dark)').matches"""
    browser.until(page, dark, 30)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_book_is_as_light_or_dark_as_the_visitor_s_system(visit, scheme):
    page = visit("index.html", color_scheme=scheme, **PHONE)
    brightness = """() => getComputedStyle(document.body).backgroundColor
        .match(/\\d+/g).slice(0, 3).reduce((sum, part) => sum + Number(part), 0) / 765"""
    for frame in page.frames:
        assert (frame.evaluate(brightness) > 0.5) == (scheme == "light")


def test_pages_fit_a_phone(visit, book, pages):
    page = visit("index.html", color_scheme="dark", **PHONE)
    for path in sorted(pages):
        page.goto(page.url.rpartition("/course/")[0] + f"/course/{path.relative_to(book)}")
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= PHONE["viewport"]["width"], path.name
