"""What tests need that a machine may lack: each is asked for by a fixture.

On a learner's machine a test that lacks one is skipped, with a line that says how to have it.
What the environment variable DIGITLAB_REQUIRE names ("mnist node browser") must be there, or the
test fails.
"""

import atexit
import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from digitlab.export.site import INSTALL, build_site
from digitlab.mnist import Digits, load_digits

TESTS = Path(__file__).parent / "tests"


def _missing(name: str, how: str) -> None:
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


@cache
def _built_site() -> Path | tuple[str, str]:
    """A folder with the web page; or what is missing to build it, and how to have it."""
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
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        _missing("browser", "needs Chromium: apt install chromium")
    return path


@pytest.fixture
def closed_figures() -> Iterator[None]:
    """Draw without a window, change no setting, and leave no figure open."""
    import matplotlib  # here, for most tests need none of it

    matplotlib.use("agg")
    from matplotlib import pyplot as plt

    settings = dict(matplotlib.rcParams)
    yield
    assert dict(matplotlib.rcParams) == settings
    plt.close("all")


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Group the tests for parallel runs; without MNIST, do not compare what depends on it.

    A file's tests share their fixtures, and the later notebooks read what the earlier ones write.
    The notebook of the web page is skipped where the page cannot be built.
    """
    for item in items:
        group = "notebooks" if item.path.suffix == ".ipynb" else item.path.name
        item.add_marker(pytest.mark.xdist_group(group))
    cells = [item for item in items if "mnist" in _tags(item)]
    if cells and _digits().name != "MNIST":
        for cell in cells:
            cell.options["check"] = False

    pages = [item for item in items if item.path.name.startswith("06_")]
    if pages and isinstance(built := _built_site(), tuple):
        name, how = built
        if name not in os.environ.get("DIGITLAB_REQUIRE", "").split():
            for cell in pages:
                cell.add_marker(pytest.mark.skip(reason=how))


def _tags(item: pytest.Item) -> list[str]:
    return getattr(item, "cell", {}).get("metadata", {}).get("tags", [])
