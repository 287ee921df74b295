"""The web page behind nginx: what a visitor costs, and how many two cores can serve.

Bytes, including headers, and requests are those that nginx logs while Chromium visits the page. wrk
then repeats the first visit's requests, over connections that stay open.
"""

import json
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from urllib.request import Request, urlopen

import keras
from keras import layers as L

import digitlab
from benchmarks.tables import Table, load_average
from support import browser
from support.nginx import BROTLI, Nginx, nginx, visit

SECONDS = 10
CONNECTIONS = 64

WRK = """
local asked, at = {}, 0
init = function() -- here wrk.format knows the host
%s
end
request = function()
  at = at %% #asked + 1
  return asked[at]
end
"""

Answers = list[tuple[str, int, str]]


def can_measure() -> bool:
    """Whether this machine has nginx and wrk. Chromium is needed, too."""
    return bool(shutil.which("nginx") and shutil.which("wrk")) and BROTLI.exists()


def versions() -> str:
    """The version of nginx."""
    said = subprocess.run(["nginx", "-v"], check=True, capture_output=True, text=True).stderr
    return said.strip().rpartition(" ")[2].replace("/", " ")


def visits(folder: Path, brotli: bool, network: Path) -> list[Answers]:
    """The answers of nginx at the first visit, at the second, and after a new network."""
    path = browser.need_chromium()
    with nginx(folder, brotli) as server, browser.chromium(path) as chrome:
        window = chrome.new_context().new_page()
        visit(window, server.address)
        first = server.answers()
        window.goto("about:blank")
        visit(window, server.address)
        second = server.answers()
        while not second:  # the browser asks for a new version after it has shown the page
            window.wait_for_timeout(100)
            second = server.answers()
        digitlab.build_site(folder, network, compress=True)
        (weights,) = folder.glob("model/*.bin")
        window.goto("about:blank")
        window.goto(server.address)
        window.wait_for_selector(f'link[href="model/{weights.name}"]', state="attached")
        visit(window, server.address)
        return [first, second, server.answers()]


def load(server: Nginx, answers: Answers) -> float:
    """Requests per second when wrk repeats the requests of these answers."""
    lines = []
    for status, _, uri in answers:
        headers = {"Accept-Encoding": "gzip, deflate, br"}
        if status == "304":
            with urlopen(Request(server.address + uri[1:], headers=headers)) as response:
                headers["If-None-Match"] = response.headers["ETag"].replace('"', '\\"')
        fields = ", ".join(f'["{name}"] = "{value}"' for name, value in headers.items())
        lines.append(f'table.insert(asked, wrk.format("GET", "{uri}", {{{fields}}}))')
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(WRK % "\n".join(lines))
        script.flush()
        command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "-s", script.name]
        done = subprocess.run(
            [*command, server.address], check=True, capture_output=True, text=True
        )
    assert "Non-2xx" not in done.stdout and "Socket errors" not in done.stdout, done.stdout
    match = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
    assert match, done.stdout
    return float(match[1])


def other_network(folder: Path) -> Path:
    """Export another network: one dense layer, 31 kB, where the shipped network has 147 kB."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((28, 28, 1)), L.Flatten(), L.Dense(10, "softmax")])
    digitlab.export_tfjs(model, folder)
    return folder


def content() -> list[Table | str]:
    """Measure visits and load."""
    how = load_average()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, "site")
        network = other_network(Path(name, "model"))
        found = []
        for brotli in (True, False):
            digitlab.build_site(folder, compress=True)
            found.append(visits(folder, brotli, network))
        digitlab.build_site(folder, compress=True)
        first, second, _ = found[0]
        with nginx(folder) as server:
            rates = [load(server, answers) / len(answers) for answers in (first, second)]
    rows = []
    for kind, answers in zip(("Brotli", "gzip"), found, strict=True):
        cells = [f"{_bytes(some) / 1000:,.1f} ({len(some)})" for some in answers]
        rows.append([f"kB (requests), {kind}", *cells])
    rows.append(["visits a second", *(f"{rate:,.0f}" for rate in rates), ""])
    million = (
        f"A million first visits take {_bytes(first) / 1000:,.0f} GB and "
        f"{1e6 / rates[0] / 3600:.1f} hours of this machine; a million second visits "
        f"{_bytes(second) / 1000:.1f} GB and {1e6 / rates[1] / 60:.1f} minutes."
    )
    columns = ["", "first visit", "second visit", "visit after a new network"]
    return [how, {"columns": columns, "rows": rows}, million]


def _bytes(answers: Answers) -> int:
    return sum(size for _, size, _ in answers)


if __name__ == "__main__":
    print(json.dumps(content(), indent=1))
