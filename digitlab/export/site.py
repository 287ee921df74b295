"""The web page: a folder of files that lets any browser recognise digits.

The page's own code is in ``web/site`` and is copied as it is; its `ink.js`, `recognizer.js` and
`hand.js` compute the same as `digitlab.strokes`, `digitlab.recognizer` and `digitlab.personal`.
TensorFlow.js comes from `digitlab.export.bundle`, and the icons from `digitlab.export.icons`.
"""

import base64
import hashlib
import json
import os
import tempfile
from contextlib import suppress
from pathlib import Path

from digitlab._io import locked, shipped_path
from digitlab.export.bundle import CPU, SOURCES, WASM, tensorflow_js
from digitlab.export.icons import SIDES, icon_png
from digitlab.export.programs import find_node, output_of, run_program
from digitlab.export.tfjs_files import MODEL, SHARDS, verified_weights
from digitlab.personal import typical_drawings

_PAGE_FILES = (
    "index.html style.css manifest.json start.js app.js pad.js ../pointer.js ink.js recognizer.js "
    "hand.js sw.js"
).split()
_COPIES = (".gz", ".br")
_OURS = '<meta name="generator" content="digitlab">'
_EXPECTED = "expected a new folder, or a site that build_site wrote"


def build_site(
    directory: str | os.PathLike[str],
    model_dir: str | os.PathLike[str] | None = None,
    *,
    compress: bool = False,
) -> Path:
    """Write a web page on which people draw digits and a network reads them, in their browser.

    All files are local: the page works from any static server, in any folder of it, without a
    network connection after the first visit, and under the Content-Security-Policy
    ``default-src 'self'; script-src 'self' 'wasm-unsafe-eval'``. It does not work from the disk
    (``file://``), where browsers load no modules. Try it with
    ``python -m http.server --directory DIRECTORY``. The page also learns its visitor's hand, if the
    network has a dense layer that is not in a nested model.

    The first build fetches TensorFlow.js with npm (some seconds) and keeps it in the user's cache,
    if that can be written; later builds need only Node. Other files in the folder stay, and an
    interrupted build leaves the earlier site.

    Args:
        directory: Where the site goes. It is made if it does not exist.
        model_dir: A folder that `digitlab.export_tfjs` wrote, with any network that takes
            (28, 28, 1), (28, 28) or (784,), in [0, 1] with ink 1 on paper 0, and gives 10
            probabilities, or 11 including that of a non-digit. By default, the network that comes
            with the package.
        compress: Also write compressed copies, ``name.gz`` and ``name.br`` (Brotli), of the files
            that compression makes smaller. A web server that supports them, such as nginx with
            ``gzip_static``, then sends a third of the bytes and compresses nothing itself; other
            servers ignore them.

    Returns:
        The path of index.html.

    Raises:
        FileNotFoundError: Node or npm is missing, and the message says what to install; or there
            is no network in `model_dir`.
        FileExistsError: `directory` is a file, or holds an index.html that `build_site` did not
            write, or, without one, files that the site would replace.
        TypeError: `directory` or `model_dir` is not a path.
        ValueError: The network's files are damaged, or the network has other inputs or outputs.
            Nothing is written.
        RuntimeError: npm or esbuild failed, or npm's registry cannot be reached.
        OSError: The files cannot be written.
    """
    for name, folder in (("directory", directory), ("model_dir", model_dir or "")):
        if not isinstance(folder, str | os.PathLike):
            raise TypeError(
                f"expected the path of a folder as {name}, got {type(folder).__name__}; a network "
                "goes into a folder with digitlab.export_tfjs"
            )
    model = shipped_path("tfjs") if model_dir is None else Path(model_dir)
    if model.name == MODEL:  # the path that export_tfjs returns
        model = model.parent
    target = Path(directory)
    index = target / "index.html"
    if target.exists() and not target.is_dir():
        raise FileExistsError(f"{_EXPECTED}; {target} is a file")
    if index.exists() and _OURS not in index.read_text(encoding="utf-8", errors="replace"):
        raise FileExistsError(f"{_EXPECTED}; {index} is another page")
    weights, node = verified_weights(model), find_node()
    files = _compose(model, weights, node)
    if compress:
        files |= _compressed(files, node)
    target.mkdir(parents=True, exist_ok=True)
    _publish(files, target, model)
    return index


def _compose(model: Path, weights: tuple[str, ...], node: str) -> dict[str, bytes]:
    """Return all files of the site, by name, after its own code has run the network."""
    files = {Path(name).name: (SOURCES / name).read_bytes() for name in _PAGE_FILES}
    files |= {f"icon-{side}.png": icon_png(side) for side in SIDES}
    files["typical.js"] = _typical()
    files |= tensorflow_js(node)
    files |= {f"model/{name}": (model / name).read_bytes() for name in (MODEL, *weights)}
    _check(node, files, model)
    _fill_in(files)
    return files


def _typical() -> bytes:
    """Return a script with the typical drawings that `hand.js` needs."""
    drawings = [[s.astype(int).tolist() for s in drawing] for drawing in typical_drawings()]
    return f"export const TYPICAL = {json.dumps(drawings, separators=(',', ':'))};\n".encode()


def _check(node: str, files: dict[str, bytes], model: Path) -> None:
    """Reject a network that the page cannot run, by having the page's own code run it."""
    with tempfile.TemporaryDirectory(prefix="digitlab-", ignore_cleanup_errors=True) as folder:
        (Path(folder) / "package.json").write_text('{"type": "module"}')  # so Node takes .js files
        site = Path(folder) / "site"
        _write(files, site)
        done = run_program([node, str(SOURCES / "check.mjs"), str(site)])
    if done.returncode != 0:
        raise ValueError(f"The page cannot run the network in {model}: {done.stderr.strip()}")


def _write(files: dict[str, bytes], folder: Path) -> None:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def _fill_in(files: dict[str, bytes]) -> None:
    """Write the file names into index.html, which preloads them, and sw.js, which keeps them."""
    later = ("start.js", "app.js", "sw.js", CPU)
    modules = sorted(name for name in files if name.endswith(".js") and name not in later)
    data = [WASM, *(name for name in files if name.startswith("model/"))]
    preload = [f'<link rel="modulepreload" href="{name}">' for name in modules]
    preload += [
        f'<link rel="preload" href="{name}" as="fetch" crossorigin'
        f' data-integrity="{_integrity(files[name])}">'
        for name in data
    ]
    _replace(files, "index.html", "<!-- preload -->", "\n    ".join(preload))

    version = hashlib.sha256(files["sw.js"])
    kept = sorted(name for name in files if name != "sw.js")
    for name in kept:
        version.update(f"{name} {len(files[name])} ".encode() + files[name])
    integrity = {name: _integrity(files[name]) for name in kept if name != "index.html"}
    _replace(files, "sw.js", 'VERSION = ""', f'VERSION = "{version.hexdigest()[:16]}"')
    _replace(files, "sw.js", "FILES = []", f"FILES = {json.dumps(['./', *kept])}")
    _replace(files, "sw.js", "INTEGRITY = {}", f"INTEGRITY = {json.dumps(integrity)}")


def _integrity(content: bytes) -> str:
    """Return a file's hash in the form that browsers expect."""
    return f"sha256-{base64.b64encode(hashlib.sha256(content).digest()).decode()}"


def _replace(files: dict[str, bytes], name: str, old: str, new: str) -> None:
    assert files[name].count(old.encode()) == 1, f"{name} lacks {old}"
    files[name] = files[name].replace(old.encode(), new.encode())


def _compressed(files: dict[str, bytes], node: str) -> dict[str, bytes]:
    """Return compressed copies, by name, of the files that get smaller."""
    with tempfile.TemporaryDirectory(prefix="digitlab-", ignore_cleanup_errors=True) as folder:
        _write(files, Path(folder))
        command = [node, str(SOURCES / "compress.mjs"), folder, *files]
        output_of(run_program(command))
        paths = {f"{name}{kind}": Path(folder, name + kind) for name in files for kind in _COPIES}
        return {name: path.read_bytes() for name, path in paths.items() if path.exists()}


def _publish(files: dict[str, bytes], target: Path, model: Path) -> None:
    """Write the files, then move them: the weights first, and last those that name other files.

    Each file is followed by its compressed copies. Copies that only an earlier build made are
    removed, because a web server would send them. A file that has not changed keeps its time, by
    which servers tell browsers that their copy is current.
    """
    weights = [name for name in files if name.endswith(".bin")]
    last = [f"model/{MODEL}", "index.html", "sw.js"]
    copies = {name for name in files if name.endswith(_COPIES)}
    others = sorted(files.keys() - {*weights, *last, *copies})
    # Inside the target, so that files are moved within one file system.
    with tempfile.TemporaryDirectory(
        prefix=".site-", dir=target, ignore_cleanup_errors=True
    ) as folder:
        fresh = Path(folder)
        _write(files, fresh)
        with locked(target):
            built = (target / "index.html").exists()
            if not built and (foreign := _foreign(files, target, model)):
                raise FileExistsError(
                    f"{_EXPECTED}; {target} has other files: {', '.join(foreign)}"
                )
            (target / "model").mkdir(exist_ok=True)
            for name in [*weights, *others, *last]:
                for part in (name, *(name + kind for kind in _COPIES)):
                    if part not in files:
                        (target / part).unlink(missing_ok=True)
                    elif not _holds(target / part, files[part]):
                        os.replace(fresh / part, target / part)
            for old in (target / "model").glob(SHARDS):
                if built and f"model/{old.name}" not in files:
                    with suppress(OSError):
                        old.unlink()


def _foreign(files: dict[str, bytes], target: Path, model: Path) -> list[str]:
    """Return the names of files in a folder without a site that a site would replace.

    A network exported into the folder does not count, nor do files left by an interrupted build.
    """
    exported_there = (target / "model").is_dir() and (target / "model").samefile(model)
    return [
        name
        for name in sorted(files)
        if (target / name).exists()
        and not (exported_there and name.startswith("model/"))
        and not _holds(target / name, files[name])
    ]


def _holds(path: Path, content: bytes) -> bool:
    """Whether a file has this content already."""
    try:
        return path.read_bytes() == content
    except OSError:
        return False
