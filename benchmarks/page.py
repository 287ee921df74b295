"""The web page and the article's: bytes, time until it can read, time from pen to bars.

The article's page is built here as the article has it: its network in float32, the whole of
TensorFlow.js, jQuery and Chart.js in script tags, a pad of 150 pixels that is shrunk by nearest
neighbour, and a Predict button. All files are local here; in the article they come from four hosts.
"""

import asyncio
import contextlib
import gzip
import json
import os
import random
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

import digitlab
from benchmarks import data
from benchmarks.tables import Table
from support import browser

HERE = Path(__file__).parent

NAVIGATIONS = 10
READINGS = 100
REST = (0.02, 0.04)  # s; longer than a frame of the screen, which takes 0.017
PEOPLE = 500
LINK = {  # 10 Mbit/s and 40 ms, by Chromium's own throttling
    "offline": False,
    "latency": 40,
    "downloadThroughput": 10e6 / 8,
    "uploadThroughput": 10e6 / 8,
}
NPM = ("@tensorflow/tfjs@4.22.0", "jquery@3.7.1", "chart.js@2.9.4")
SCRIPTS = {
    "tf.min.js": "@tensorflow/tfjs/dist/tf.min.js",
    "jquery.min.js": "jquery/dist/jquery.min.js",
    "Chart.min.js": "chart.js/dist/Chart.min.js",
}

ARTICLE = """<!doctype html><html><head><meta charset="utf-8"><title>The article's page</title>
<script src="jquery.min.js"></script>
<script src="tf.min.js"></script>
<script src="Chart.min.js"></script>
</head><body>
<canvas id="pad" width="150" height="150"></canvas>
<button id="predict">Predict</button><button id="clear">Clear</button>
<p id="sentence"></p><div style="width: 400px"><canvas id="chart" width="400" height="200"></canvas></div>
<script>
let model, drawing = false;
const canvas = document.getElementById("pad"), context = canvas.getContext("2d");
context.fillRect(0, 0, 150, 150);
context.strokeStyle = "white"; context.lineWidth = 10; context.lineCap = context.lineJoin = "round";
canvas.addEventListener("mousedown", e => { drawing = true; context.beginPath(); context.moveTo(e.offsetX, e.offsetY); });
canvas.addEventListener("mousemove", e => { if (drawing) { context.lineTo(e.offsetX, e.offsetY); context.stroke(); } });
canvas.addEventListener("mouseup", () => { drawing = false; });
$(document).ready(async () => {
  model = await tf.loadLayersModel("model/model.json");
  performance.mark("ready");
  document.documentElement.dataset.state = "ready";
});
$("#predict").click(async () => {
  const tensor = tf.browser.fromPixels(canvas).resizeNearestNeighbor([28, 28]).mean(2)
    .expandDims(2).expandDims().toFloat().div(255.0);
  const data = Array.from(await model.predict(tensor).data());
  const best = data.indexOf(Math.max(...data));
  $("#sentence").text(`${best} with ${Math.round(100 * data[best])} %`);
  new Chart("chart", { type: "bar", options: { animation: false },
    data: { labels: [...data.keys()], datasets: [{ data }] } });
  window.bars?.();
});
</script></body></html>
"""  # noqa: E501

# The time from an event until the frame with the bars has been painted.
WATCH = """([event, target]) => {
  window.times = [];
  document.querySelector(target).addEventListener(event, ({ timeStamp }) => {
    window.bars = () => requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => window.times.push(performance.now() - timeStamp);
      port2.postMessage(null);
    });
    if (event === 'pointerup') {
      // The page reads as soon as the stroke ends, before this frame.
      new MutationObserver((_, observer) => { observer.disconnect(); window.bars(); })
        .observe(document.getElementById('sentence'), { childList: true });
    }
  }, true);
}"""


def article(folder: Path) -> Path:
    """Write the article's page."""
    network = digitlab.article_cnn()
    digitlab.export_tfjs(network, folder / "model")
    with tempfile.TemporaryDirectory() as npm:
        # Without this file, npm installs into a parent folder.
        (Path(npm) / "package.json").write_text('{"private": true}')
        command = [
            shutil.which("npm") or "npm",
            "install",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
        ]
        subprocess.run([*command, *NPM], cwd=npm, check=True, capture_output=True)
        for name, source in SCRIPTS.items():
            shutil.copyfile(Path(npm) / "node_modules" / source, folder / name)
    (folder / "index.html").write_text(ARTICLE, encoding="utf-8")
    return folder


def compressed(folder: Path) -> dict[str, bytes]:
    """The files of a page by name, gzipped, as most hosts send them."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): gzip.compress(path.read_bytes()) for path in files}


def sending(contents: dict[str, bytes]) -> Callable[[Any], bool]:
    """An `answer` for `browser.serve` that sends these contents."""

    def answer(handler: Any) -> bool:
        name = handler.path.removeprefix("/") or "index.html"
        if name not in contents:
            return False
        handler.send_response(200)
        handler.send_header("Content-Type", handler.guess_type(name))
        handler.send_header("Content-Encoding", "gzip")
        handler.send_header("Content-Length", str(len(contents[name])))
        handler.end_headers()
        handler.wfile.write(contents[name])
        return True

    return answer


def lines_of_code(site: Path) -> int:
    """Count the lines of the page's own JavaScript, without blank lines and comments."""
    scripts = [path for path in site.glob("*.js") if not path.name.startswith("tensorflow")]
    lines = [line.strip() for path in scripts for line in path.read_text("utf-8").splitlines()]
    return sum(1 for line in lines if line and not line.startswith(("//", "/*", "*")))


def navigation(chrome: Any, address: str, link: dict | None) -> tuple[float, set[str]]:
    """In a new window, seconds from navigation to a page that can predict, and what it fetched."""
    window = chrome.new_context(service_workers="block")
    page = window.new_page()
    fetched = set()
    page.on("request", lambda request: fetched.add(request.url.removeprefix(address)))
    devtools = window.new_cdp_session(page)
    devtools.send("Network.enable")
    devtools.send("Network.setCacheDisabled", {"cacheDisabled": True})
    if link:
        devtools.send("Network.emulateNetworkConditions", link)
    page.goto(address, timeout=120_000)
    page.locator("html[data-state=ready]").wait_for(timeout=120_000)
    seconds = page.evaluate("() => performance.getEntriesByName('ready')[0].startTime") / 1000
    window.close()
    return seconds, fetched


def stroke_to_bars(chrome: Any, address: str, ours: bool) -> float:
    """Median ms from the end of a stroke, or a click on Predict, to the bars on the screen.

    Before that, the pen rests for a random time. Otherwise Playwright would always lift it at the
    same moment of a frame of the screen, just after its beginning.
    """
    rest = random.Random(0)
    page = browser.Page(chrome.new_page(viewport={"width": 1280, "height": 800}))
    page.open(address)
    time.sleep(1)
    page.page.evaluate(WATCH, ["pointerup", "#pad"] if ours else ["click", "#predict"])
    for count in range(READINGS):
        for stroke in digitlab.stored_drawing(count % 10):
            page.draw_and_hold(stroke[::6])
            time.sleep(rest.uniform(*REST))
            page.page.mouse.up()
        if not ours:
            page.page.locator("#predict").hover()
            time.sleep(rest.uniform(*REST))
            page.page.mouse.down()
            page.page.mouse.up()
        expected = count + 1
        if ours:  # a digit with two strokes is read twice
            expected = sum(len(digitlab.stored_drawing(i % 10)) for i in range(expected))
        browser.until(page.page, f"() => window.times.length >= {expected}", 30)
        page.page.evaluate("() => document.getElementById('clear').click()")
    times = page.page.evaluate("() => window.times")
    page.page.close()
    return statistics.median(times)


async def read_by_the_page(chromium: str, address: str, drawings: list) -> list[int | None]:
    """The digits that the page reads in drawings, drawn with a real pen's events."""
    from playwright.async_api import async_playwright

    digits = []
    async with async_playwright() as playwright:
        chrome = await playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        page = await chrome.new_page(viewport={"width": 1280, "height": 800})
        await page.goto(address)
        await page.locator("html[data-state=ready]").wait_for()
        box = await page.locator("#pad").bounding_box()
        assert box is not None, "the pad is not on the screen"
        devtools = await page.context.new_cdp_session(page)
        for drawing in drawings:
            events = []
            for stroke in drawing:
                places = stroke * (box["width"] / data.PAD) + (box["x"], box["y"])
                kinds = ["mousePressed"] + ["mouseMoved"] * (len(places) - 1) + ["mouseReleased"]
                for kind, (x, y) in zip(kinds, [*places, places[-1]], strict=True):
                    pen = {"type": kind, "x": float(x), "y": float(y), "pointerType": "pen"}
                    events.append(pen | {"button": "left", "buttons": 1, "clickCount": 1})
            # Send all at once, in order, so that the browser merges some, as with a fast hand.
            await asyncio.gather(
                *[devtools.send("Input.dispatchMouseEvent", event) for event in events]
            )
            sentence = await page.locator("#sentence").inner_text()
            words = sentence.split()
            digits.append(int(words[3]) if sentence.startswith("I read") else None)
            await page.evaluate("() => document.getElementById('clear').click()")
        await chrome.close()
    return digits


def people(chromium: str, address: str) -> str:
    """Say how many of people's digits the page classifies the same as Python."""
    drawings, labels = data.people()
    some = np.random.default_rng(0).permutation(len(drawings))[:PEOPLE]
    recognizer = digitlab.load_recognizer()
    expected = [recognizer.predict(drawings[i]).digit for i in some]
    found = asyncio.run(read_by_the_page(chromium, address, [drawings[i] for i in some]))
    same = np.mean([a == b for a, b in zip(expected, found, strict=True)])
    right = np.mean([a == b for a, b in zip(found, labels[some], strict=True)])
    return f"{100 * same:.1f} % ({100 * right:.1f} % correct)"


def mnist(site: Path) -> str:
    """Say how many of MNIST's test digits the page's code, in Node, classifies as Keras does."""
    digits = digitlab.load_digits(sample=False)
    images = digits.x_test.astype("<f4") / np.float32(255)  # (10000, 28, 28)
    model = keras.models.load_model(HERE.parent / "models" / "digits.keras", compile=False)
    expected = model.predict(images[..., None], batch_size=1000, verbose=0).argmax(1)
    (site.parent / "package.json").write_text('{"type": "module"}')  # so Node takes .js files
    images.tofile(site.parent / "images.bin")
    script = HERE.parent / "tests" / "site" / "read.mjs"
    command = ["node", str(script), str(site), str(site.parent / "images.bin")]
    run = subprocess.run(command, check=True, capture_output=True, text=True)
    found = np.array(json.loads(run.stdout)).argmax(1)
    return f"{100 * (found == expected).mean():.2f} %"


def content() -> list[Table | str]:
    """Compare the page that `build_site` writes with the article's."""
    chromium = browser.need_chromium()
    home = Path(tempfile.mkdtemp())
    for name in ("article", "ours"):
        (home / name).mkdir()
    folders = {"article": article(home / "article"), "ours": home / "ours" / "site"}
    digitlab.build_site(folders["ours"])
    zipped = {name: compressed(folder) for name, folder in folders.items()}
    seconds: dict = {(name, slow): [] for name in folders for slow in (True, False)}
    sizes, sent, weights, bars = {}, {}, {}, {}
    with contextlib.ExitStack() as servers:
        addresses = {  # gzipped over the slow link, as a host would send the files
            (name, slow): servers.enter_context(
                browser.serve(folders[name], answer=sending(zipped[name]) if slow else None)
            )
            for name, slow in seconds
        }
        with browser.chromium(chromium) as chrome:
            version = chrome.version
            for _ in range(NAVIGATIONS):
                for name, slow in seconds:  # in turn
                    address = addresses[name, slow]
                    took, fetched = navigation(chrome, address, LINK if slow else None)
                    seconds[name, slow].append(took)
                    files = {file or "index.html" for file in fetched}.intersection(zipped[name])
                    sizes[name] = sum((folders[name] / file).stat().st_size for file in files)
                    sent[name] = sum(len(zipped[name][file]) for file in files)
            for name, folder in folders.items():
                weights[name] = sum(path.stat().st_size for path in folder.rglob("*.bin"))
                bars[name] = stroke_to_bars(chrome, addresses[name, False], name == "ours")
        with_pen = os.environ.get("DIGITLAB_PEN")
        same_people = people(chromium, addresses["ours", False]) if with_pen else None
    rows = [
        _row("bytes of the weights", weights, "{:,}"),
        _row("bytes of all files for the first prediction", sizes, "{:,}"),
        _row("the same as a host sends them, gzipped", sent, "{:,}"),
    ]
    for slow, where in ((True, "10 Mbit/s with 40 ms of delay, gzipped"), (False, "loopback")):
        medians = {name: statistics.median(seconds[name, slow]) for name in folders}
        rows.append(_row(f"s from navigation until it can read, {where}", medians, "{:.2f}"))
    rows.append(
        _row(
            "ms from the end of a stroke (the article's: from the press of Predict) to the bars",
            bars,
            "{:.1f}",
        )
    )
    code = str(lines_of_code(folders["ours"]))
    rows.append(["lines of its own JavaScript, without blank lines and comments", "", code])
    same_mnist = mnist(folders["ours"])
    rows.append(["MNIST's test digits classified as by Keras in float32", "", same_mnist])
    if same_people:
        name = f"{PEOPLE} digits of unipen-a, drawn with a pen, classified as by Python"
        rows.append([name, "", same_people])
    shutil.rmtree(home)
    how = (
        f"Chromium {version}, headless. Median of {NAVIGATIONS} navigations, each in a new window "
        f"without a cache, in turn, and of {READINGS} digits."
    )
    return [how, {"columns": ["", "the article's page", "`build_site`"], "rows": rows}]


def _row(name: str, values: dict, form: str) -> list[str]:
    return [name, form.format(values["article"]), form.format(values["ours"])]
