"""Fixtures for what a machine may lack, the order of the tests, and how notebooks are compared.

On a learner's machine, a test that lacks something is skipped, with a line that says how to get it.
The test fails instead if the environment variable DIGITLAB_REQUIRE names it ("mnist node browser").
"""

import atexit
import os
import re
import shutil
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

import pytest

from digitlab.export.bundle import INSTALL
from digitlab.export.site import build_site
from digitlab.mnist import Digits, load_digits

TESTS = Path(__file__).parent / "tests"

# These hold in the notebooks' kernels, too. Parallel workers have one core each, and the threads of
# NumPy and TensorFlow, which take all cores, would wait for each other.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")


def _missing(name: str, how: str) -> NoReturn:
    if name in os.environ.get("DIGITLAB_REQUIRE", "").split():
        pytest.fail(f"DIGITLAB_REQUIRE asks for {name}: {how}")
    pytest.skip(how)


@cache
def _digits() -> Digits:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return load_digits()


@pytest.fixture(scope="session")
def mnist() -> Digits:
    """The whole of MNIST."""
    digits = _digits()
    if digits.name != "MNIST":
        _missing("mnist", "needs MNIST: set DIGITLAB_DATA to a folder with mnist.npz, or go online")
    return digits


@pytest.fixture(scope="session")
def node() -> str:
    """The path of Node, with the packages of tests/tfjs installed."""
    path = shutil.which("node")
    if path is None or not (TESTS / "tfjs" / "node_modules").is_dir():
        _missing("node", "needs Node 18 or newer and its packages: npm ci --prefix tests/tfjs")
    return path


@pytest.fixture(scope="session")
def optional() -> Path:
    """The folder with the packages of tests/optional: JAX, scikit-learn."""
    folder = Path(sys.prefix) / "optional"
    if not folder.is_dir():
        _missing("optional", f"needs {folder}: make check, or make test-oldest")
    return folder


@cache
def _built_site() -> Path | tuple[str, str]:
    """A folder with the web page; or the name of what is missing, and how to get it."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        return "node", f"the web page is built with Node and npm: {INSTALL}"
    folder = Path(tempfile.mkdtemp(prefix="digitlab-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    try:
        build_site(folder / "site")
    except RuntimeError as error:
        if not str(error).startswith("npm"):
            raise
        return "index", f"the web page needs TensorFlow.js from npm, once: {error}"
    return folder / "site"


@pytest.fixture(scope="session")
def site() -> Path:
    """A folder with the web page that `digitlab.build_site` writes."""
    built = _built_site()
    if isinstance(built, tuple):
        _missing(*built)
    return built


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a Chromium that Playwright can drive."""
    from support import browser  # here, because it imports widgets, and most tests need none

    if (path := browser.find_chromium()) is None:
        _missing("browser", f"needs Chromium: {browser.INSTALL_CHROMIUM}")
    return path


@pytest.fixture
def closed_figures() -> Iterator[None]:
    """Draw without a window, change no setting, and leave no figure open."""
    import matplotlib  # here, because most tests do not need it

    matplotlib.use("agg")
    from matplotlib import pyplot as plt

    settings = dict(matplotlib.rcParams)
    yield
    assert dict(matplotlib.rcParams) == settings
    plt.close("all")


# Files that run for more than a few seconds, or need TensorFlow, a browser, a kernel or another
# environment. `make check` does not even import them; the marker "slow" is for single tests.
SLOW = (
    "test_augmentation.py",
    "test_backends.py",
    "test_bad_input.py",
    "test_benchmarks.py",
    "test_book.py",
    "test_bulk.py",
    "test_copies.py",
    "test_examples.py",
    "test_inspection.py",
    "test_keras_settings.py",
    "test_pad_in_browser.py",
    "test_pad_memory.py",
    "test_pad_pointer.py",
    "test_people.py",
    "test_personal.py",
    "test_setup.py",
    "test_site.py",
    "test_site_in_browser.py",
    "test_stderr.py",
    "test_tfjs.py",
    "test_tflite.py",
    "test_training.py",
)
# Notebooks that read files which earlier ones in this list write.
CHAIN = ("03_", "04_", "05_", "06_", "07_", "09_")
# The groups that take longest. They start first, so that no worker waits for one at the end.
# The other notebooks follow them.
FRONTENDS = "all frontends"
FIRST = (
    "test_pad_in_browser.py",
    "test_setup.py",
    "notebooks",
    FRONTENDS,
    "test_site_in_browser.py",
    "test_bad_input.py",
    "test_class.py",
    "test_io.py",
    "test_training.py",
    "test_backends.py",
)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Do not import slow files needlessly: importing TensorFlow alone takes seconds."""
    only_fast = config.getoption("markexpr") == "not slow"
    return True if only_fast and collection_path.name in SLOW else None


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark slow tests and group all of them for parallel runs; prepare the notebooks' cells.

    A file's tests share their fixtures. The notebook of the web page is skipped where the page
    cannot be built. Without MNIST, cells that depend on it are run but not compared.
    """
    for item in items:
        notebook = item.path.suffix == ".ipynb"
        if notebook or item.path.name in SLOW:
            item.add_marker("slow")
        item.add_marker(pytest.mark.xdist_group(_group(item)))
    items.sort(key=lambda item: _place(next(item.iter_markers("xdist_group")).args[0]))

    for item in items:
        if hasattr(item, "compare_outputs"):  # a cell of nbval's
            item.output_timeout = PATIENCE
            item.compare_outputs = _without_bars(item.compare_outputs)
    cells = [item for item in items if "mnist" in _tags(item)]
    if cells and _digits().name != "MNIST":
        for cell in cells:
            cell.options["check"] = False

    pages = [item for item in items if item.path.name.startswith("07_")]
    if pages and isinstance(built := _built_site(), tuple):
        name, how = built
        if name not in os.environ.get("DIGITLAB_REQUIRE", "").split():
            for cell in pages:
                cell.add_marker(pytest.mark.skip(reason=how))


def _group(item: pytest.Item) -> str:
    """The group of a test: it shares files or fixtures, so it runs in one process, in order."""
    name = item.path.name
    if item.path.suffix == ".ipynb" and name.startswith(CHAIN):
        return "notebooks"
    # Split the longest file by far: tests in all frontends, and tests in JupyterLab alone.
    if "frontend" in getattr(item, "fixturenames", ()):
        return FRONTENDS
    return name


def _place(group: str) -> int:
    return FIRST.index(group) if group in FIRST else len(FIRST)


def _tags(item: pytest.Item) -> list[str]:
    return getattr(item, "cell", {}).get("metadata", {}).get("tags", [])


PATIENCE = 600  # seconds; a cell's outputs usually come at once, but not on a busy machine
BAR = re.compile(r"[^\r\n]*?\d+%\|[^\r\n]*|\x1b\[A")  # one state of a tqdm bar


def _without_bars(compare: Callable[..., bool]) -> Callable[..., bool]:
    """Compare a cell's outputs without progress bars, which only appear on a slow machine."""

    def compare_without_bars(outputs: list[Any], *arguments: Any) -> bool:
        return compare([output for output in outputs if not _is_bar(output)], *arguments)

    return compare_without_bars


def _is_bar(output: dict[str, Any]) -> bool:
    return output.get("name") == "stderr" and not BAR.sub("", output["text"]).strip()
