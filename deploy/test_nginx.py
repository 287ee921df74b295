"""The web page behind nginx, with nginx.conf: headers, compression, and new versions."""

import gzip
import shutil
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

import digitlab
from support import browser
from support.exports import export
from support.nginx import nginx, visit

TYPES = {
    ".html": "text/html",
    ".js": "application/javascript",
    ".css": "text/css",
    ".json": "application/json",
    ".wasm": "application/wasm",
    ".png": "image/png",
    ".bin": "application/octet-stream",
}


@pytest.fixture(scope="module")
def page(site, tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    digitlab.build_site(folder, compress=True)
    return folder


@pytest.fixture(scope="module")
def server(page):
    with nginx(page) as server:
        yield server


@pytest.fixture(scope="module")
def names(page):
    paths = [path for path in page.rglob("*") if path.is_file()]
    return [p.relative_to(page).as_posix() for p in paths if p.suffix not in (".gz", ".br")]


def get(address, **headers):
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    return urlopen(Request(address, headers=headers))


def test_every_file_has_its_type_and_says_how_long_it_stays(server, names):
    for name in names:
        headers = get(server.address + name).headers
        assert headers.get_content_type() == TYPES["." + name.rpartition(".")[2]], name
        immutable = "public, max-age=31536000, immutable"
        assert headers["Cache-Control"] == (immutable if name.endswith(".bin") else "no-cache")


@pytest.mark.parametrize("kind", ["gzip", "br"])
def test_compressed_files_are_sent_as_they_were_built(server, page, names, kind):
    for name in names:
        with get(server.address + name, Accept_Encoding=kind) as answer:
            copy = page / f"{name}{'.gz' if kind == 'gzip' else '.br'}"
            assert answer.headers["Content-Encoding"] == (kind if copy.exists() else None), name
            sent = copy if copy.exists() else page / name
            assert answer.read() == sent.read_bytes(), name
            # Without this, a cache on the way may send it to browsers that cannot read it.
            assert answer.headers["Vary"] == ("Accept-Encoding" if copy.exists() else None), name


def test_without_the_module_all_get_gzip(page):
    with nginx(page, brotli=False) as server:
        with get(server.address, Accept_Encoding="gzip, br") as answer:
            assert gzip.decompress(answer.read()) == (page / "index.html").read_bytes()
        with get(server.address) as answer:
            assert answer.read() == (page / "index.html").read_bytes()


def test_what_a_browser_has_is_not_sent_again(server, names):
    for name in names:
        for kind in ("gzip", "br", "identity"):
            etag = get(server.address + name, Accept_Encoding=kind).headers["ETag"]
            with pytest.raises(HTTPError, match="304"):
                get(server.address + name, Accept_Encoding=kind, If_None_Match=etag)


def test_a_build_in_progress_is_not_shown(server, page):
    (page / ".site-x").mkdir()
    (page / ".site-x" / "index.html").write_text("half")
    with pytest.raises(HTTPError, match="404"):
        get(f"{server.address}.site-x/index.html")


def test_a_new_version_reaches_visitors_and_costs_what_has_changed(page, chromium, tmp_path):
    folder = tmp_path / "page"
    shutil.copytree(page, folder)
    with nginx(folder) as server, browser.chromium(chromium) as chrome:
        window = chrome.new_context().new_page()
        visit(window, server.address)
        first = server.answers()
        window.goto("about:blank")
        visit(window, server.address)
        assert {uri for _, _, uri in server.answers()} <= {"/sw.js"}

        digitlab.build_site(folder, export(tmp_path / "model"), compress=True)
        (weights,) = folder.glob("model/*.bin")
        window.goto("about:blank")
        window.goto(server.address)
        # The page reloads by itself when the whole new version has arrived.
        window.wait_for_selector(f'link[href="model/{weights.name}"]', state="attached")
        window.locator("html[data-state=ready]").wait_for()
        changed = {uri for status, _, uri in server.answers() if status == "200"}
        assert changed == {"/", "/sw.js", "/model/model.json", f"/model/{weights.name}"}
    assert sum(size for _, size, _ in first) < 600_000
