"""What tests need that a machine may lack: each is asked for by a fixture.

On a learner's machine a test that lacks one is skipped, with a line that says how to have it. What
the environment variable DIGITLAB_REQUIRE names ("mnist node browser") must be there: the test fails.
"""

import os
import shutil
import warnings
from pathlib import Path

import pytest

from digitlab.data import Digits, load_digits

TESTS = Path(__file__).parent


def _missing(name: str, how: str) -> None:
    if name in os.environ.get("DIGITLAB_REQUIRE", "").split():
        pytest.fail(f"DIGITLAB_REQUIRE asks for {name}: {how}")
    pytest.skip(how)


@pytest.fixture(scope="session")
def mnist() -> Digits:
    """The whole of MNIST."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        digits = load_digits()
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
def chromium() -> str:
    """The path of a Chromium that Playwright can drive."""
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        _missing("browser", "needs Chromium: apt install chromium")
    return path
