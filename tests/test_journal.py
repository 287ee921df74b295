"""The journal of a learner's figures: each notebook adds its own, and no file is lost."""

import json
import math
from concurrent.futures import ThreadPoolExecutor

import pytest

import digitlab


@pytest.fixture
def path(tmp_path):
    return tmp_path / "my_models" / "journal.json"


def add_two(path):
    journal = digitlab.Journal(path)
    journal.add("02", "one layer", 92.0, on="MNIST, validation digits")
    journal.add("01", "ten mean images", 82.03, on="MNIST, test digits")
    return journal


def test_another_notebook_sees_the_figures_in_order(path):
    journal = add_two(path)
    again = digitlab.Journal(path)
    assert [figure["value"] for figure in again.figures] == [82.03, 92.0]
    assert (
        repr(again)
        == repr(journal)
        == (
            "01  ten mean images   82.0 %   MNIST, test digits\n"
            "02  one layer         92.0 %   MNIST, validation digits"
        )
    )
    assert repr(digitlab.Journal(path.parent / "other.json")) == "No figures yet"


def test_a_second_run_replaces_the_figure_and_no_other(path):
    add_two(path)
    digitlab.Journal(path).add("02", "one layer", 91.2, on="the sample, validation digits")
    digitlab.Journal(path).add("02", "a convolution", 97.9, on="MNIST, validation digits")
    values = [figure["value"] for figure in digitlab.Journal(path).figures]
    assert values == [82.03, 91.2, 97.9]


def test_notebooks_that_are_open_at_once_keep_each_others_figures(path):
    first, second = digitlab.Journal(path), digitlab.Journal(path)
    first.add("01", "ten mean images", 82.0, on="test digits")
    second.add("02", "one layer", 92.0, on="validation digits")
    assert len(second.figures) == len(digitlab.Journal(path).figures) == 2


def test_the_file_stays_where_it_is_when_the_folder_changes(tmp_path, monkeypatch):
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path)
    journal = digitlab.Journal("journal.json")
    monkeypatch.chdir("other")
    journal.add("01", "ten mean images", 82.0, on="test digits")
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["journal.json"]
    assert not list((tmp_path / "other").iterdir())


def test_large_figures_stand_apart_from_their_names(path):
    journal = digitlab.Journal(path)
    journal.add("05", "parameters of model 5", 142_843, on="x", unit="")
    assert "model 5 142,843.0 " in repr(journal)
    path.write_text(path.read_text("utf-8").replace("142843.0", "142843"), "utf-8")
    assert digitlab.Journal(path).figures[0]["value"] == 142_843


def test_the_file_is_plain_json(path):
    add_two(path)
    content = json.loads(path.read_text("utf-8"))
    assert content["format"] == "digitlab journal" and content["version"] == 1
    assert content["figures"][0] == {
        "notebook": "01",
        "name": "ten mean images",
        "value": 82.03,
        "unit": "%",
        "on": "MNIST, test digits",
    }


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[:-20],
        lambda text: "",
        lambda text: "[" * 100_000,
        lambda text: '{"strokes": []}',
        lambda text: text.replace('"version": 1', '"version": 2'),
        lambda text: text.replace("82.03", '"82"'),
        lambda text: text.replace("82.03", "NaN"),
        lambda text: text.replace('"unit"', '"units"'),
    ],
)
def test_a_damaged_file_is_kept_and_complained_about(path, damage):
    journal = add_two(path)
    before = damage(path.read_text("utf-8"))
    path.write_text(before, "utf-8")
    with pytest.raises(ValueError, match=r"journal\.json to be a journal.*is\. Repair it"):
        digitlab.Journal(path)
    with pytest.raises(ValueError, match="left as it is"):
        journal.add("03", "your network", 99.1, on="test digits")
    assert path.read_text("utf-8") == before
    assert list(path.parent.iterdir()) == [path]


def test_an_editor_may_have_marked_it_as_unicode(path):
    add_two(path)
    path.write_text(path.read_text("utf-8"), "utf-8-sig")
    assert len(digitlab.Journal(path).figures) == 2


@pytest.mark.parametrize(
    ("value", "on"), [(math.nan, "digits"), (math.inf, "digits"), (10**400, "digits"), (1.0, None)]
)
def test_what_could_not_be_read_again_is_not_written(path, value, on):
    journal = add_two(path)
    before = path.read_bytes()
    with pytest.raises(
        ValueError, match="expected texts and a finite value, got {'notebook': '02'"
    ):
        journal.add("02", "one layer", value, on=on)
    assert path.read_bytes() == before


@pytest.mark.parametrize("value", ["5", True, None])
def test_texts_and_truths_are_no_figures(path, value):
    with pytest.raises(TypeError, match=f"expected a number, got {value!r}"):
        digitlab.Journal(path).add("01", "it", value, on="digits")
    assert not path.exists()


def test_notebooks_that_add_at_the_same_time_lose_nothing(path):
    def add(notebook):
        for number in range(20):
            digitlab.Journal(path).add(notebook, f"figure {number}", number, on="digits")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add, ["01", "02", "03", "04"]))
    assert len(digitlab.Journal(path).figures) == 80
