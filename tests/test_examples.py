"""The API reference has every public name, each with an example whose output is as shown."""

import doctest
import re
from pathlib import Path

import numpy as np
import pytest

import digitlab

PAGE = (Path(__file__).parents[1] / "book" / "api.md").read_text("utf-8")
NAMES = [name for name in digitlab.__all__ if name != "__version__"]


def docstring(name):
    return getattr(digitlab, name).__doc__


@pytest.mark.parametrize("name", ["the page", *NAMES])
def test_examples_run(name, tmp_path, monkeypatch, closed_figures, request):
    text = PAGE if name == "the page" else docstring(name)
    for fixture, calls in (("mnist", r"load_digits\(\)|fine_tune\("), ("site", r"build_site\(")):
        if re.search(rf">>> (\w+ = )?digitlab\.({calls})", text):
            request.getfixturevalue(fixture)
    monkeypatch.chdir(tmp_path)
    names = {"digitlab": digitlab, "np": np}
    test = doctest.DocTestParser().get_doctest(text, names, name, None, 0)
    report = []
    doctest.DocTestRunner(verbose=False).run(test, out=report.append)
    assert not report, "".join(report)


def test_the_page_has_all_names():
    listed = re.findall(r"^\.\. auto\w+:: digitlab\.(\w+)(?:\(.*\))?$", PAGE, re.M)
    assert sorted(listed) == sorted(NAMES)


def test_all_names_have_examples():
    """In their docstrings. The exports belong together and have theirs on the page."""
    bare = [name for name in NAMES if ">>> " not in docstring(name)]
    assert [name for name in bare if f">>> digitlab.{name}(" not in PAGE] == []
