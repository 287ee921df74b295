"""TensorFlow.js for the web page: fetched with npm, bundled by esbuild, kept in the user's cache.

npm fetches the versions in ``package-lock.json``. esbuild bundles them, without the code that only
training needs, into three files: the layers with the WebAssembly backend, the backend in plain
JavaScript, which few browsers need, and the core that both share. The WebAssembly itself is a
fourth file.
"""

import hashlib
import io
import re
import shutil
import subprocess
import tempfile
import time
import zipfile
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import pooch
from tqdm import tqdm

from digitlab._io import atomic_write, verified_content, with_checksum
from digitlab.export.programs import INSTALL, last_lines, output_of, run_program

_PATIENCE = 7.0  # seconds to wait for npm's registry to answer at all

SOURCES = Path(__file__).parents[1] / "web" / "site"
CPU = "tensorflow-cpu.js"
WASM = "tfjs-backend-wasm-simd.wasm"
_NPM_FILES = "package.json package-lock.json tensorflow.entry.js".split()
_WASM_PACKAGE = "node_modules/@tensorflow/tfjs-backend-wasm"
_ESBUILD = [
    *("tensorflow=tensorflow.entry.js", "tensorflow-cpu=@tensorflow/tfjs-backend-cpu"),
    *"--outdir=bundle --bundle --splitting --chunk-names=tensorflow-core".split(),
    *"--minify --format=esm --target=es2020".split(),
    "--define:process=undefined",  # Node's: TensorFlow.js then leaves out its code for Node
]
_NPM = [
    *("ci", "--no-audit", "--no-fund", "--loglevel=error"),
    "--ignore-scripts",  # esbuild's install script only makes it start faster
    # Whatever the user's settings are: NODE_ENV=production would leave out all that we need.
    *("--include=dev", "--include=optional", "--no-global", "--package-lock", "--no-dry-run"),
    # If the network fails on the way, give up after a minute in all; npm's defaults take many.
    *("--fetch-retries=1", "--fetch-retry-mintimeout=1000", "--fetch-timeout=30000"),
]
# npm's codes for network failures: from the system, from the server, and for certificates.
_NETWORK = re.compile(
    r"ECONN\w+|E?TIMEDOUT|\w*TIMEOUT|ENOTFOUND|EAI_AGAIN|E(?:NET|HOST)\w+|EPIPE|EPROTO|ENOTCACHED|"
    r"E407|E5\d\d|ERR_S\w+|\w*CERT\w*|UNABLE_TO_\w+"
)


def tensorflow_js(node: str) -> dict[str, bytes]:
    """Return the files of TensorFlow.js that the page uses, by name.

    Raises:
        FileNotFoundError: npm is missing; the message says what to install.
        RuntimeError: npm or esbuild failed, or npm's registry cannot be reached.
    """
    key = hashlib.sha256(" ".join(_ESBUILD).encode())
    for name in _NPM_FILES:
        key.update((SOURCES / name).read_bytes())
    cached = Path(pooch.os_cache("digitlab")) / f"tensorflow-{key.hexdigest()[:16]}.bundle"
    with suppress(OSError, ValueError):  # it is missing, unreadable or damaged
        return _unpacked(verified_content(cached.read_bytes()))

    npm = shutil.which("npm")
    if npm is None:
        raise FileNotFoundError(f"build_site needs npm, and there is none: {INSTALL}")
    with _temporary_folder(cached.parent) as folder:
        for name in _NPM_FILES:
            shutil.copyfile(SOURCES / name, Path(folder) / name)
        # Neither step reports its own progress.
        form = "{desc}: {n} of {total} steps done; about ten seconds, the first time only"
        with tqdm(
            total=2, leave=False, bar_format=form, desc="Fetching TensorFlow.js with npm"
        ) as bar:
            _fetch(npm, folder)
            bar.update()
            bar.set_description_str("Bundling what the page uses")
            files = _bundle(node, Path(folder))
            bar.update()
    with suppress(OSError), atomic_write(cached) as part:  # without a cache, npm runs each time
        part.write_bytes(with_checksum(_packed(files)))
    return files


def _bundle(node: str, folder: Path) -> dict[str, bytes]:
    """Have esbuild bundle the packages in a folder."""
    package = folder / _WASM_PACKAGE
    # Code for several threads, which the page does not use: a fifth of the backend.
    for threads in (package / "wasm-out").glob("*-threaded-simd*.js"):
        threads.write_text("export const wasmWorkerContents = '';")
    esbuild = "node_modules/esbuild/bin/esbuild"
    output_of(run_program([node, esbuild, *_ESBUILD], str(folder)))
    files = {path.name: path.read_bytes() for path in sorted((folder / "bundle").iterdir())}
    return files | {WASM: (package / "dist" / WASM).read_bytes()}


def _packed(files: dict[str, bytes]) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in files.items():
            packed.writestr(zipfile.ZipInfo(name), content)  # without a timestamp
    return archive.getvalue()


def _unpacked(archive: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(archive)) as packed:
        return {name: packed.read(name) for name in packed.namelist()}


def _temporary_folder(cache: Path) -> tempfile.TemporaryDirectory[str]:
    """Make a folder to work in: in the cache, because /tmp may not allow programs, or in /tmp."""
    with suppress(OSError):
        cache.mkdir(parents=True, exist_ok=True)
        return tempfile.TemporaryDirectory(
            prefix=".tensorflow-", dir=cache, ignore_cleanup_errors=True
        )
    return tempfile.TemporaryDirectory(prefix="digitlab-", ignore_cleanup_errors=True)


def _fetch(npm: str, folder: str) -> None:
    """Have npm install the packages in a folder."""
    # A cache of its own: the user's may be unwritable, or partly belong to root.
    cache = f"--cache={Path(folder) / 'npm-cache'}"
    begun = time.monotonic()
    registry = output_of(run_program([npm, "config", "get", "registry", cache], folder)).strip()
    start = time.monotonic() - begun  # seconds that this machine takes to start npm
    # Ping the registry first, because `npm ci` does not show whether it is silent or slow.
    ping = [npm, "ping", "--fetch-retries=0", "--loglevel=error", cache]
    try:
        problem = _network_problem(run_program(ping, folder, _PATIENCE + 2 * start))
    except TimeoutError:
        problem = "it does not answer"
    if problem is None:
        done = run_program([npm, *_NPM, cache], folder)
        if done.returncode == 0:
            return
        problem = _network_problem(done) or f"npm ci failed\n{last_lines(done)}"
    raise RuntimeError(
        "npm cannot fetch TensorFlow.js, which build_site needs once. Check the network connection "
        "and npm's settings (npm config get proxy, npm config get registry), and build again. The "
        f"registry is {urlsplit(registry).hostname}: {problem}"
    )


def _network_problem(done: subprocess.CompletedProcess[str]) -> str | None:
    """Return npm's error code if the network failed, or None."""
    code = re.search(r"^npm (?:error|ERR!) code (\w+)$", done.stderr, re.M)
    return code[1] if done.returncode != 0 and code and _NETWORK.fullmatch(code[1]) else None
