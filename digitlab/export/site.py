"""The web page: a folder of files with which the network reads digits in anybody's browser.

The page's own code stands in ``web/site`` and is copied as it is; `ink.js` and `recognizer.js`
there compute what `digitlab.strokes` and `digitlab.recognizer` do. TensorFlow.js comes from npm, in
the versions of ``package-lock.json``, and esbuild cuts out of it the little that the page needs;
the result is kept in the user's cache.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pooch
from tqdm import tqdm

from digitlab._io import with_checksum_json

NODE = 18  # the first that esbuild and the page's syntax run on
INSTALL = f"install Node.js {NODE} or newer with npm (nodejs.org; conda install nodejs)"

_ASSETS = Path(__file__).parents[1] / "web" / "site"
_PAGE = "index.html style.css app.js pad.js ink.js recognizer.js network.js icon.svg sw.js".split()
_BUNDLED = "package.json package-lock.json tensorflow.entry.js conv2d.js".split()
_BUNDLE = "tensorflow.js"
# `process` is Node's: without it TensorFlow.js leaves out what is for Node.
_ESBUILD = "--bundle --minify --format=esm --target=es2020 --define:process=undefined".split()
_OURS = '<meta name="generator" content="digitlab">'
_WEIGHTS = re.compile(r"[\w-][\w.-]*-([0-9a-f]{12})\.bin")


def build_site(
    directory: str | os.PathLike[str], model_dir: str | os.PathLike[str] | None = None
) -> Path:
    """Write a web site on which people draw digits and a network reads them, in their browser.

    All files are local: the site works from any static server, in any folder of it, without a
    network connection after the first visit, and under the Content-Security-Policy
    ``default-src 'self'``. It does not work from the disk (``file://``): browsers load no modules
    from there. ``python -m http.server --directory DIRECTORY`` is enough to try it.

    The first time, TensorFlow.js is fetched with npm (some seconds); later, Node alone is needed.
    Other files in the folder stay, and an interrupted build leaves the site that was there.

    Args:
        directory: Where the site goes; made where it does not exist.
        model_dir: A folder that `digitlab.export_tfjs` wrote; the network that comes with the
            package when left out. Layers in a row, of the kinds in this package's networks.

    Returns:
        The path of index.html.

    Raises:
        FileNotFoundError: Node or npm is missing, and the message says what to install; or there
            is no network in `model_dir`.
        FileExistsError: `directory` holds an index.html of something else.
        ValueError: The network's files are damaged, or hold one that the page cannot compute.
        RuntimeError: npm or esbuild failed; the message has its last lines.
        OSError: The files cannot be written.
    """
    model = shipped_model() if model_dir is None else Path(model_dir)
    target = Path(directory)
    index = target / "index.html"
    if index.exists() and _OURS not in index.read_text(encoding="utf-8", errors="replace"):
        raise FileExistsError(
            f"expected a new folder, or a site that build_site wrote; {index} is another page"
        )
    weights = _weights(model)
    node = _node()

    target.mkdir(parents=True, exist_ok=True)
    # Inside the target: what is moved from there stays on one file system, whatever is mounted.
    with tempfile.TemporaryDirectory(
        prefix=".site-", dir=target, ignore_cleanup_errors=True
    ) as fresh:
        (Path(fresh) / "package.json").write_text('{"type": "module"}')  # so Node takes .js files
        site = Path(fresh) / "site"
        (site / "model").mkdir(parents=True)
        for name in _PAGE:
            shutil.copyfile(_ASSETS / name, site / name)
        shutil.copyfile(_bundle(node), site / _BUNDLE)
        for name in ("model.json", *weights):
            shutil.copyfile(model / name, site / "model" / name)
        _check(node, site, model)
        _fill_in(site, weights)
        _publish(site, target, weights)
    return index


def shipped_model() -> Path:
    """Where the network for TensorFlow.js is that comes with the package: as for LiteRT's."""
    package = Path(__file__).parents[1]
    in_wheel = package / "models" / "tfjs"
    return in_wheel if in_wheel.is_dir() else package.parent / "models" / "tfjs"


def _weights(model: Path) -> list[str]:
    """The names of a network's files of weights."""
    try:
        text = (model / "model.json").read_text(encoding="utf-8")
    except OSError as error:
        raise FileNotFoundError(
            f"expected a folder that digitlab.export_tfjs wrote, with a model.json; {model} has "
            f"none that can be read ({error.strerror})"
        ) from error
    try:
        document = json.loads(text)
        names = [name for group in document["weightsManifest"] for name in group["paths"]]
        if with_checksum_json(document) != text or not all(map(_WEIGHTS.fullmatch, names)):
            raise ValueError("it was changed, or something else wrote it")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(
            f"expected {model / 'model.json'} to be as digitlab.export_tfjs wrote it: {error}. "
            "Export the network again"
        ) from error
    for name in names:
        if not (model / name).is_file():
            raise FileNotFoundError(f"expected the weights {name} beside model.json in {model}")
        digest = hashlib.sha256((model / name).read_bytes()).hexdigest()
        if not digest.startswith(_WEIGHTS.sub(r"\1", name)):
            raise ValueError(
                f"expected {model / name} to be as digitlab.export_tfjs wrote it; it was cut off "
                "or changed. Export the network again"
            )
    return names


def _node() -> str:
    """The path of Node."""
    path = shutil.which("node")
    if path is None:
        raise FileNotFoundError(f"build_site needs Node.js, and there is none: {INSTALL}")
    version = _run([path, "--version"]).strip()
    if int(re.sub(r"\D.*", "", version.removeprefix("v")) or 0) < NODE:
        raise FileNotFoundError(f"build_site got Node.js {version}, too old: {INSTALL}")
    return path


def _bundle(node: str) -> Path:
    """The file with what the page uses of TensorFlow.js: from the cache, or made anew."""
    key = hashlib.sha256(" ".join(_ESBUILD).encode())
    for name in _BUNDLED:
        key.update((_ASSETS / name).read_bytes())
    cached = Path(pooch.os_cache("digitlab")) / f"tensorflow-{key.hexdigest()[:16]}.js"
    if cached.is_file():
        return cached
    npm = shutil.which("npm")
    if npm is None:
        raise FileNotFoundError(f"build_site needs npm, and there is none: {INSTALL}")
    cached.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(
        prefix=".tensorflow-", dir=cached.parent, ignore_cleanup_errors=True
    ) as folder:
        for name in _BUNDLED:
            shutil.copyfile(_ASSETS / name, Path(folder) / name)
        esbuild = "node_modules/esbuild/bin/esbuild"
        steps = {
            # Without the packages' own scripts: esbuild's would only start it faster.
            "Fetching TensorFlow.js with npm": [
                *(npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund")
            ],
            "Cutting out what the page uses": [
                *(node, esbuild, "tensorflow.entry.js", f"--outfile={_BUNDLE}", *_ESBUILD)
            ],
        }
        # Neither step tells how far it is.
        form = "{desc}: {n} of {total} steps done; some ten seconds, the first time only"
        with tqdm(steps.items(), "TensorFlow.js", leave=False, bar_format=form) as bar:
            for doing, command in bar:
                bar.set_description_str(doing)
                _run(command, cwd=folder)
        os.replace(Path(folder) / _BUNDLE, cached)
    return cached


def _run(command: Sequence[str], cwd: str | None = None) -> str:
    """Run a program and return what it prints."""
    done = subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, encoding="utf-8", errors="replace"
    )
    if done.returncode != 0:
        name = Path(command[0]).stem
        said = "\n".join((done.stderr or done.stdout).strip().splitlines()[-8:])
        raise RuntimeError(f"{name} {command[1]} failed ({done.returncode}):\n{said}")
    return done.stdout


def _check(node: str, site: Path, model: Path) -> None:
    """Have the page's own code make the network: what it cannot compute, no page may carry."""
    done = subprocess.run(
        [node, str(_ASSETS / "check.mjs"), str(site)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
    )
    if done.returncode != 0:
        raise ValueError(f"The page cannot read with the network in {model}: {done.stderr.strip()}")


def _fill_in(site: Path, weights: list[str]) -> None:
    """Name the files: in index.html what to fetch at once, in sw.js what to keep."""
    modules = sorted(
        path.name for path in site.glob("*.js") if path.name not in ("app.js", "sw.js")
    )
    data = [f"model/{name}" for name in ("model.json", *weights)]
    preload = [f'<link rel="modulepreload" href="{name}">' for name in modules]
    preload += [f'<link rel="preload" href="{name}" as="fetch" crossorigin>' for name in data]
    _replace(site / "index.html", "<!-- preload -->", "\n    ".join(preload))

    files = sorted(
        path.relative_to(site).as_posix()
        for path in site.rglob("*")
        if path.is_file() and path.name != "sw.js"
    )
    version = hashlib.sha256()
    for name in files:
        content = (site / name).read_bytes()
        version.update(f"{name} {len(content)} ".encode() + content)
    worker = site / "sw.js"
    _replace(worker, 'VERSION = ""', f'VERSION = "{version.hexdigest()[:16]}"')
    _replace(worker, "FILES = []", f"FILES = {json.dumps(['./', *files])}")


def _replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{path.name} lacks {old}"
    path.write_text(text.replace(old, new), encoding="utf-8", newline="\n")


def _publish(site: Path, target: Path, weights: list[str]) -> None:
    """Move the files to their places; those that name others come last."""
    (target / "model").mkdir(exist_ok=True)
    last = ["model/model.json", "index.html", "sw.js"]
    files = [path.relative_to(site).as_posix() for path in site.rglob("*") if path.is_file()]
    for name in sorted(files, key=lambda name: (last.index(name) if name in last else -1, name)):
        os.replace(site / name, target / name)
    for old in (target / "model").glob("group*-shard*.bin"):
        if old.name not in weights:
            with suppress(OSError):
                old.unlink()
