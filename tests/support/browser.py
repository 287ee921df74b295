"""Open JupyterLab, Notebook, Voila and the web page in a real Chromium, and draw there."""

import io
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler
from urllib.request import urlopen

import nbformat
import numpy as np
from PIL import Image

import digitlab
from digitlab.pad.saved import Picture
from support.server import serving

# Seconds after which we take something to hang, even on a slow and busy machine.
PATIENCE = 240
# Seconds after which nbclient, which Voila uses too, looks for the kernel's reply again. While an
# Output widget captures, nbclient sends on the socket on which it waits for that reply. It may then
# miss the reply, and without a timeout it would wait for ever.
REPLY_TIMEOUT = 40

INSTALL_CHROMIUM = "apt install chromium-headless-shell"

# The modules to start, the options in which they differ, and the path that opens a notebook.
FRONTENDS = {
    "lab": ("jupyter lab", {"LabApp.expose_app_in_browser": True}, "lab/tree/{}?reset"),
    "notebook": ("notebook", {"JupyterNotebookApp.expose_app_in_browser": True}, "notebooks/{}"),
    "voila": ("voila", {}, "voila/render/{}"),
}

# True once the notebook is open and its kernel idle. The idle indicator alone comes too early.
READY = """async () => {
  const widget = window.jupyterapp?.shell.currentWidget;
  if (!widget?.sessionContext) return false;
  await jupyterapp.restored; await widget.context.ready; await widget.revealed;
  await widget.sessionContext.ready;
  const kernel = widget.sessionContext.session?.kernel;
  if (!kernel || kernel.connectionStatus !== 'connected') return false;
  await kernel.info;
  return kernel.status === 'idle';
}"""


@contextmanager
def frontend(name, home, disabled=()):
    """Start a frontend that ignores the user's settings; yield its address.

    Args:
        name: One of `FRONTENDS`.
        home: A folder for its settings and notebooks.
        disabled: Names of JupyterLab extensions that it does not load.
    """
    settings = home / "JUPYTERLAB_SETTINGS_DIR" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True, exist_ok=True)
    (settings / "notification.jupyterlab-settings").write_text(
        json.dumps({"fetchNews": "false", "checkForUpdates": False})
    )
    lab_settings = home / "JUPYTER_CONFIG_DIR" / "labconfig"
    lab_settings.mkdir(parents=True, exist_ok=True)
    (lab_settings / "page_config.json").write_text(
        json.dumps({"disabledExtensions": dict.fromkeys(disabled, True)})
    )
    folders = "JUPYTER_CONFIG_DIR JUPYTER_DATA_DIR JUPYTER_RUNTIME_DIR JUPYTERLAB_SETTINGS_DIR"
    folders += " JUPYTERLAB_WORKSPACES_DIR IPYTHONDIR"
    environment = os.environ | {name: str(home / name) for name in folders.split()}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    module, options, _ = FRONTENDS[name]
    if name == "voila":
        options = {"Voila.ip": "127.0.0.1", "Voila.port": port, "Voila.root_dir": home}
        options["VoilaExecutor.timeout"] = REPLY_TIMEOUT
    else:
        options = options | {
            "ServerApp.token": "",
            "ServerApp.ip": "127.0.0.1",
            "ServerApp.port": port,
            "ServerApp.port_retries": 0,
            "ServerApp.root_dir": home,
            "ServerApp.allow_root": True,
        }
    command = [sys.executable, "-m", *module.split(), "--no-browser"]
    command += [f"--{option}={value}" for option, value in options.items()]
    with open(home / f"{name}.log", "w") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    address = f"http://127.0.0.1:{port}"
    try:
        while True:
            try:
                with urlopen(address, timeout=PATIENCE):
                    break
            except OSError:
                assert server.poll() is None, (home / f"{name}.log").read_text()
                time.sleep(0.25)
        yield address
    finally:
        server.terminate()
        try:
            server.wait(30)
        except subprocess.TimeoutExpired:
            # Jupyter has stopped, but a leftover thread of AnyIO keeps Python running.
            server.kill()
            server.wait()


def find_chromium() -> str | None:
    """The path of a Chromium that Playwright can drive, if there is one."""
    # The shell is the same browser without windows and profiles, and takes half the processor time.
    names = "chromium-headless-shell", "chromium", "google-chrome"
    return next((path for name in names if (path := shutil.which(name))), None)


def need_chromium() -> str:
    """The same path.

    Raises:
        FileNotFoundError: There is no Chromium.
    """
    if (path := find_chromium()) is None:
        raise FileNotFoundError(f"expected Chromium, and there is none: {INSTALL_CHROMIUM}")
    return path


@contextmanager
def chromium(path):
    """Start a Chromium without traffic of its own; yield Playwright's browser."""
    from playwright.sync_api import sync_playwright

    quiet = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync"
    quiet += " --disable-background-networking --disable-component-update"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=quiet.split(), timeout=1000 * PATIENCE
        )
        browser.new_context = _patient(browser.new_context)
        browser.new_page = _patient(browser.new_page)
        yield browser
        browser.close()


def _patient(make):
    """Give each new window or page a longer timeout."""

    def make_patient(**options):
        made = make(**options)
        made.set_default_timeout(1000 * PATIENCE)
        return made

    return make_patient


def quick_drawing(digit):
    """A stored drawing with every fourth point, as a quick hand draws it: a point takes a frame."""
    return [
        np.concatenate([stroke[:-1:4], stroke[-1:]]) for stroke in digitlab.stored_drawing(digit)
    ]


def write_notebook(path, cells):
    """Write a notebook without outputs, from a list of code cells or from another notebook."""
    if isinstance(cells, list):
        # Without a kernel's name, JupyterLab would ask for one.
        kernel = {"name": "python3", "display_name": "Python 3"}
        code = [nbformat.v4.new_code_cell(cell) for cell in cells]
        notebook = nbformat.v4.new_notebook(cells=code, metadata={"kernelspec": kernel})
    else:
        notebook = nbformat.read(cells, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    nbformat.write(notebook, path)


def open_notebook(page, name, address, file):
    """Open a notebook's page; in "lab" and "notebook", wait for its kernel."""
    page.goto(f"{address}/{FRONTENDS[name][2].format(file)}")
    if name != "voila":
        page.wait_for_selector(".jp-NotebookPanel .jp-Notebook .jp-Cell")
        until(page, READY)


def open_beside(page, file):
    """Open a notebook in a JupyterLab page that is open, and wait for its kernel."""
    page.evaluate("path => jupyterapp.commands.execute('docmanager:open', { path }) && 0", file)
    until(page, READY)


def close_notebook(page):
    """Close the open notebook in JupyterLab's page without saving, and stop its kernel."""
    page.evaluate(
        """async () => { const widget = jupyterapp.shell.currentWidget;
          await widget.sessionContext.shutdown();
          widget.dispose(); }"""
    )
    page.locator(".jp-NotebookPanel").wait_for(state="detached")


def run_all(page):
    """Run all cells, and wait until they have run."""
    page.evaluate("() => jupyterapp.commands.execute('notebook:run-all-cells')")
    # Ask the notebook's model, because cells outside the window are not in the page.
    all_run = """() => [...jupyterapp.shell.currentWidget.content.model.cells]
        .filter(cell => cell.type === 'code' && cell.sharedModel.source.trim())
        .every(cell => cell.executionCount)"""
    until(page, all_run)
    until(page, READY)


def until(page, condition, seconds=PATIENCE):
    """Wait for a condition in the page. Playwright's own waiting cannot do this for promises."""
    deadline = time.monotonic() + seconds
    while not page.evaluate(condition):
        assert time.monotonic() < deadline, f"waited {seconds} s for {condition}"
        time.sleep(0.1)


class Pad:
    """The pad on a page, as a person uses it.

    Args:
        page: Playwright's page.
        number: The pad's index on the page.
        overlay: Whether anywidget, and with it the overlay, can be loaded.
        canvas: Whether ipycanvas can be loaded. Otherwise `canvas` is the overlay's.
    """

    def __init__(self, page, number=0, overlay=True, canvas=True):
        self.page = page
        self.root = page.locator(".digitlab-pad").nth(number)
        self.overlay = self.root.locator(".digitlab-overlay > canvas")
        self.canvas = self.root.locator(".digitlab-paper > canvas") if canvas else self.overlay
        self.canvas.wait_for()
        if overlay:
            self.overlay.wait_for()

    @property
    def box(self):
        """Scroll the pad into view; return its place on the screen."""
        self.canvas.scroll_into_view_if_needed()
        return self.canvas.bounding_box()

    def on_screen(self, stroke, size=280):
        """A stroke's points in pixels of the window, as plain pairs."""
        box = self.box
        points = stroke * (box["width"] / size) + (box["x"], box["y"])
        return [(float(x), float(y)) for x, y in points]

    def draw_and_hold(self, stroke):
        """Draw with the mouse, and keep its button down."""
        points = self.on_screen(stroke)
        self.page.mouse.move(*points[0])
        self.page.mouse.down()
        for point in points[1:]:
            self.page.mouse.move(*point)

    def draw_with_mouse(self, drawing):
        for stroke in drawing:
            self.draw_and_hold(stroke)
            self.page.mouse.up()

    def draw_with_finger(self, drawing):
        devtools = self.page.context.new_cdp_session(self.page)
        for stroke in drawing:
            kinds = ["touchStart"] + ["touchMove"] * (len(stroke) - 1)
            for kind, (x, y) in zip(kinds, self.on_screen(stroke), strict=True):
                touch = {"type": kind, "touchPoints": [{"x": x, "y": y}]}
                devtools.send("Input.dispatchTouchEvent", touch)
            devtools.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

    def draw_with_pen(self, drawing):
        devtools = self.page.context.new_cdp_session(self.page)
        for stroke in drawing:
            points = self.on_screen(stroke)
            kinds = ["mousePressed"] + ["mouseMoved"] * (len(points) - 2) + ["mouseReleased"]
            for kind, (x, y) in zip(kinds, points, strict=True):
                pen = {"type": kind, "x": x, "y": y, "pointerType": "pen", "force": 0.5}
                pen |= {"button": "left", "buttons": 1, "clickCount": 1}
                devtools.send("Input.dispatchMouseEvent", pen)

    def press(self, name):
        self.root.get_by_role("button", name=name, exact=True).click()

    def says(self, text):
        """Wait until the sentence beside the pad begins with this text."""
        sentence = self.root.locator(".digitlab-sentence")
        sentence.filter(has_text=re.compile("^" + text)).wait_for()
        return sentence.inner_text()

    def wait_for_kernel(self):
        """Wait until the kernel has shown all strokes, and the overlay has taken its ink away."""
        deadline = time.monotonic() + PATIENCE
        while self.ink(self.overlay):
            assert time.monotonic() < deadline, f"not all is shown; {self.root.inner_text()}"
            time.sleep(0.1)

    def shows(self, drawing, size=280):
        """Whether the screen shows this drawing in white ink on black, and nothing else."""
        screen = Image.open(io.BytesIO(self.canvas.screenshot())).convert("L")
        expected = Picture(size, size).draw(drawing, 0.07 * size)
        pixels = np.asarray(screen.resize(expected.shape), np.float32) / 255
        return np.abs(pixels - expected)[3:-3, 3:-3].mean() < 0.01  # leaving out the pad's edge

    def ink(self, canvas=None):
        """The share of white pixels on a canvas, by default the kernel's."""
        return (canvas or self.canvas).evaluate(
            """canvas => { const { width, height } = canvas;
              const pixels = canvas.getContext('2d').getImageData(0, 0, width, height).data;
              let white = 0;
              for (let i = 0; i < pixels.length; i += 4) white += pixels[i] > 200;
              return white / width / height; }"""
        )


def press_key(page, key, code, shift=False):
    """Press Ctrl and a key of any keyboard: `key` is its label, `code` its place on a US one."""
    devtools = page.context.new_cdp_session(page)
    held = {"modifiers": 2 + 8 * shift, "key": key, "code": code}
    for kind in ("rawKeyDown", "keyUp"):
        devtools.send("Input.dispatchKeyEvent", {"type": kind, **held})


def ink_of_image(image):
    """The share of white pixels in an image."""
    return image.evaluate(
        """async image => { await image.decode();
          const { naturalWidth: width, naturalHeight: height } = image;
          const context = new OffscreenCanvas(width, height).getContext('2d');
          context.drawImage(image, 0, 0);
          const pixels = context.getImageData(0, 0, width, height).data;
          let white = 0;
          for (let i = 0; i < pixels.length; i += 4) white += pixels[i] > 200;
          return white / width / height; }"""
    )


@contextmanager
def serve(directory, path="/", answer=None, **headers):
    """Serve a folder under a path, on a server of its own; yield the address.

    Args:
        directory: The folder.
        path: With a slash at both ends.
        answer: Called with the handler of each GET request first. It answers and returns True, or
            leaves the answer to the server.
        headers: Headers of each answer, with "_" for "-": Cache_Control="no-store".
    """

    class Handler(SimpleHTTPRequestHandler):
        protocol_version = "HTTP/1.1"  # many files over one connection, as on real servers
        extensions_map = {**SimpleHTTPRequestHandler.extensions_map, ".js": "text/javascript"}

        def translate_path(self, url):
            below = url.removeprefix(path) if url.startswith(path) else "not here"
            return super().translate_path("/" + below)

        def do_GET(self):
            if answer is None or not answer(self):
                super().do_GET()

        def end_headers(self):
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            super().end_headers()

        def log_message(self, *_):
            pass

    with serving(partial(Handler, directory=str(directory))) as address:
        yield address + path


class Page(Pad):
    """The pad on the web page that `digitlab.build_site` writes."""

    def __init__(self, page):
        self.page = page
        self.root = page.locator("body")
        self.canvas = page.locator("#pad")

    def open(self, address):
        """Go there, and wait until the network can read."""
        self.page.goto(address)
        self.wait_until("ready")
        return self

    def wait_until(self, state):
        """Wait for "ready", or "trouble"."""
        self.page.locator(f"html[data-state={state}]").wait_for()

    @property
    def sentence(self):
        """The sentence that the page shows."""
        return self.page.locator("#sentence").inner_text()

    def says(self, text):
        """Wait until the sentence begins with this text."""
        sentence = self.page.locator("#sentence")
        sentence.filter(has_text=re.compile("^" + text)).wait_for()
        return sentence.inner_text()
