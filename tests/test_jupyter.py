"""The pad in a real JupyterLab in a real Chromium: drawn on with the mouse and with a finger."""

import json
import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import urlopen

import nbformat
import pytest

from digitlab import stored_drawing

ROOT = Path(__file__).parents[1]

# True once the notebook is open and its kernel idle. The idle indicator alone comes too early.
READY = """async () => {
  const widget = jupyterapp.shell.currentWidget;
  if (!widget?.sessionContext) return false;
  await jupyterapp.restored; await widget.context.ready; await widget.revealed;
  await widget.sessionContext.ready;
  const kernel = widget.sessionContext.session?.kernel;
  if (!kernel || kernel.connectionStatus !== 'connected') return false;
  await kernel.info;
  return kernel.status === 'idle';
}"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """The address of a JupyterLab of its own, away from the user's settings."""
    home = tmp_path_factory.mktemp("lab")
    settings = home / "JUPYTERLAB_SETTINGS_DIR" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    (settings / "notification.jupyterlab-settings").write_text(
        json.dumps({"fetchNews": "false", "checkForUpdates": False})
    )
    folders = "JUPYTER_CONFIG_DIR JUPYTER_DATA_DIR JUPYTER_RUNTIME_DIR JUPYTERLAB_SETTINGS_DIR"
    folders += " JUPYTERLAB_WORKSPACES_DIR IPYTHONDIR"
    environment = os.environ | {name: str(home / name) for name in folders.split()}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = {
        "ServerApp.token": "",
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.port": port,
        "ServerApp.port_retries": 0,
        "ServerApp.root_dir": home,
        "LabApp.expose_app_in_browser": True,
    }
    command = [sys.executable, "-m", "jupyter", "lab", "--no-browser", "--allow-root"]
    command += [f"--{name}={value}" for name, value in options.items()]
    with open(home / "lab.log", "w") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(240):
            try:
                with urlopen(f"{address}/api/status", timeout=5):
                    break
            except OSError:
                assert server.poll() is None, (home / "lab.log").read_text()
                time.sleep(0.25)
        yield address, home
    finally:
        server.terminate()
        server.wait(30)


@pytest.fixture(scope="module")
def browser(chromium):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        quiet = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync"
        quiet += " --disable-background-networking --disable-component-update"
        browser = playwright.chromium.launch(executable_path=chromium, args=quiet.split())
        yield browser
        browser.close()


def run_all(page, lab, name, cells):
    """Open a notebook, made of `cells` or copied from notebooks/, and run all its cells."""
    address, home = lab
    if cells is None:
        notebook = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)
    else:
        code = [nbformat.v4.new_code_cell(cell) for cell in cells]
        # Without a kernel's name JupyterLab would ask for one.
        kernel = {"name": "python3", "display_name": "Python 3"}
        notebook = nbformat.v4.new_notebook(cells=code, metadata={"kernelspec": kernel})
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    nbformat.write(notebook, home / f"{name}.ipynb")
    page.goto(f"{address}/lab/tree/{name}.ipynb?reset")
    page.wait_for_selector(".jp-NotebookPanel .jp-Notebook .jp-Cell", timeout=120_000)
    until(page, READY)
    page.evaluate("() => jupyterapp.commands.execute('notebook:run-all-cells')")
    # Asked of the model: cells outside the window are not in the page.
    all_run = """() => [...jupyterapp.shell.currentWidget.content.model.cells]
        .filter(cell => cell.type === 'code' && cell.sharedModel.source.trim())
        .every(cell => cell.executionCount)"""
    until(page, all_run)
    until(page, READY)


def until(page, condition, seconds=180):
    deadline = time.monotonic() + seconds
    while not page.evaluate(condition):
        assert time.monotonic() < deadline, f"waited {seconds} s for {condition}"
        time.sleep(0.25)


def pad_on(page):
    """The canvas, scrolled into view, and where it is on the screen."""
    canvas = page.locator("canvas.digitlab-pad, .digitlab-pad canvas").first
    canvas.wait_for(timeout=60_000)
    canvas.scroll_into_view_if_needed()
    return canvas, canvas.bounding_box()


def reading(page, digit):
    """Wait for the sentence that says `digit`; return it."""
    status = page.get_by_role("status").filter(has_text=re.compile(rf"I read an? {digit} "))
    status.first.wait_for(timeout=60_000)
    return status.first.inner_text()


def draw_with_mouse(page, box, drawing):
    for stroke in drawing:
        points = stroke + (box["x"], box["y"])
        page.mouse.move(*points[0])
        page.mouse.down()
        for point in points[1:]:
            page.mouse.move(*point)
        page.mouse.up()


def ink(canvas):
    """How many pixels of the canvas are white."""
    return canvas.evaluate(
        """canvas => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)
            .data.filter((value, index) => index % 4 == 0 && value > 200).length"""
    )


PAD = ["import digitlab", "pad = digitlab.DrawingPad()\npad"]


def test_mouse(lab, browser):
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    run_all(page, lab, "mouse", PAD)
    for digit in (2, 5):
        canvas, box = pad_on(page)
        draw_with_mouse(page, box, stored_drawing(digit))
        reading(page, digit)
        assert ink(canvas) > 2000
        page.get_by_role("button", name="Clear").click()
        page.get_by_role("status").filter(has_text="Draw a digit").first.wait_for()
        until(page, "() => true")
        assert ink(canvas) == 0
    page.close()


def test_touch(lab, browser):
    context = browser.new_context(has_touch=True, viewport={"width": 800, "height": 900})
    page = context.new_page()
    run_all(page, lab, "touch", PAD)
    _, box = pad_on(page)
    finger = context.new_cdp_session(page)
    for stroke in stored_drawing(4):
        for kind, (x, y) in zip(
            ["touchStart"] + ["touchMove"] * (len(stroke) - 1),
            stroke + (box["x"], box["y"]),
            strict=True,
        ):
            point = {"x": float(x), "y": float(y)}
            finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [point]})
        finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    reading(page, 4)
    context.close()


def test_a_reload_keeps_the_drawing(lab, browser):
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.on("dialog", lambda dialog: dialog.accept())
    run_all(page, lab, "reload", PAD)
    canvas, box = pad_on(page)
    draw_with_mouse(page, box, stored_drawing(5)[:1])
    page.get_by_role("status").filter(has_text="I read").first.wait_for()
    drawn = ink(canvas)
    page.evaluate("() => jupyterapp.commands.execute('docmanager:save')")
    page.reload()
    page.wait_for_selector(".jp-NotebookPanel .jp-Notebook .jp-Cell", timeout=120_000)
    until(page, READY)
    canvas, box = pad_on(page)
    until(page, "() => document.querySelector('canvas.digitlab-pad, .digitlab-pad canvas')")
    for _ in range(40):
        if ink(canvas):
            break
        time.sleep(0.25)
    assert ink(canvas) == pytest.approx(drawn, rel=0.02)  # the edges differ by a few pixels
    draw_with_mouse(page, box, stored_drawing(5)[1:])
    reading(page, 5)
    assert ink(canvas) > drawn
    page.close()


def test_the_last_notebook_reads_a_drawn_digit(lab, browser):
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    run_all(page, lab, "05_draw_and_predict", None)
    assert page.locator(".jp-OutputArea-output[data-mime-type*='error']").count() == 0
    _, box = pad_on(page)
    page.get_by_role("button", name="Clear").first.click()
    draw_with_mouse(page, box, stored_drawing(3))
    reading(page, 3)
    page.close()
