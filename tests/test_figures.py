"""The figures in the texts are the measured ones, which are in benchmarks/results.json."""

import json
import re
from pathlib import Path

import pytest

from benchmarks import tables

ROOT = Path(__file__).parents[1]
RESULTS = tables.read_results()


def text_of(name):
    text = (ROOT / name).read_text("utf-8")
    if name.endswith(".ipynb"):
        text = "\n".join("".join(cell["source"]) for cell in json.loads(text)["cells"])
    return text


@pytest.mark.parametrize("page", tables.PAGES)
def test_the_tables_are_written_from_the_results(page):
    """`make tables` would change nothing."""
    made = tables.tables(RESULTS)
    here = {name: made[name] for name in tables.PAGES[page]}
    text = text_of(page)
    assert tables.filled_in(text, here) == text
    assert set(re.findall("<!-- end of (.*) -->", text)) == set(here)


def test_each_table_stands_in_one_place():
    placed = [name for names in tables.PAGES.values() for name in names]
    assert sorted(placed) == sorted(tables.tables(RESULTS))


def test_a_changed_figure_would_be_noticed():
    changed = json.loads(json.dumps(RESULTS))
    changed["reading"]["content"][0]["rows"][0][-1] = "99.58 (0.06)"
    made = tables.tables(changed)
    for page, name in (("models/README.md", "summary"), ("README.md", "headline")):
        assert tables.filled_in(text_of(page), {name: made[name]}) != text_of(page)


def test_results_are_written_as_they_were_read(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "RESULTS", tmp_path / "results.json")
    tables.write_results(RESULTS)
    assert tables.RESULTS.read_text("utf-8") == text_of("benchmarks/results.json")
    assert tables.read_results() == RESULTS


MNIST, PEOPLE, ARTICLES = "MNIST test set", "unipen-a, strokes", "unipen-a, the article's way"
KINDS = "rejected: letters, shapes and scribbles", "rejected: signs never trained on"
REJECTED = "unipen-a, rejected"


@pytest.mark.parametrize(
    ("name", "sentence", "rows"),
    [
        (
            "README.md",
            r"([\d.]+) % of (?:the )?non-digits[^%]* ([\d.]+) % of (?:the )?people's",
            [("rejected: all of these", "ours"), (REJECTED, "ours")],
        ),
        (
            "notebooks/03_define_and_train.ipynb",
            r"([\d.]+) %[^%]*article's network, used as in the article,[^%]*?([\d.]+) %",
            [(PEOPLE, "ours"), (ARTICLES, "article")],
        ),
        (
            "notebooks/05_from_strokes_to_pixels.ipynb",
            r"the article's \| ([\d.]+) % \| ([\d.]+) % \|\n.* ([\d.]+) % \| ([\d.]+) % \|\n"
            r".* ([\d.]+) % \| ([\d.]+) % \|",
            [
                *((MNIST, "article"), (ARTICLES, "article"), (MNIST, "article")),
                *((PEOPLE, "article"), (MNIST, "ours"), (PEOPLE, "ours")),
            ],
        ),
        (
            "notebooks/06_draw_and_predict.ipynb",
            r"([\d.]+) % of such drawings[^%]* ([\d.]+) % of signs[^%]* ([\d.]+) % of",
            [(KINDS[0], "ours"), (KINDS[1], "ours"), (REJECTED, "ours")],
        ),
        (
            "notebooks/08_where_it_errs.ipynb",
            r"pens, ours reads ([\d.]+) %, and the article's network ([\d.]+) %",
            [(PEOPLE, "ours"), (PEOPLE, "article")],
        ),
    ],
)
def test_texts_say_what_was_measured(name, sentence, rows):
    found = re.search(sentence, text_of(name))
    assert found, f"{name} says nothing like {sentence}"
    for number, (row, network) in zip(found.groups(), rows, strict=True):
        digits = len(number.partition(".")[2])
        # The results are themselves rounded, to two decimal places.
        error = abs(float(number) - tables.figure(RESULTS, row, network))
        assert error <= 0.5 * 10**-digits + 0.005, row


def test_notebook_10_says_how_well_numbers_are_read():
    sentence = (
        r"([\d.]+) %\*\* of .*\*\*([\d.]+) %\*\* if .*\*\*([\d.]+) %\*\* of .* gets ([\d.]+) %"
    )
    said = re.search(sentence, text_of("notebooks/10_read_numbers.ipynb")).groups()
    rows = ("written with a pen", "the same, each touching or overlapping the next")
    shown = {row[0]: row for row in RESULTS["numbers"]["content"][0]["rows"]}
    pen, touching, pictures = (shown[name] for name in (*rows, "pictures of paper"))
    assert said == (pen[-1], touching[-1], pictures[-1], pen[1])


def test_notebook_03_has_a_part_of_the_ablation():
    def rows(text):
        lines = re.findall(r"^\| (?:all of it|without|nothing).*", text, flags=re.M)
        return [tuple(cell.strip() for cell in line.split("|")[1:5]) for line in lines]

    shown = rows(text_of("notebooks/03_define_and_train.ipynb"))
    assert len(shown) == 3
    assert set(shown) <= set(rows(tables.tables(RESULTS)["ablation"]))


def test_notebook_08_says_what_digits_of_more_writers_buy():
    rows = re.findall(
        r"^\| (.+) \| (\d+, \d+) \|$", text_of("notebooks/08_where_it_errs.ipynb"), re.M
    )
    (table,) = RESULTS["writers"]["content"]
    assert not isinstance(table, str)
    measured = {(writers, epochs): misread for writers, epochs, misread, _ in table["rows"]}
    said = {
        ("0", "3"): "MNIST, augmented",
        ("32", "3"): "and 32 writers",
        ("229", "3"): "and 229 writers",
        ("0", "6"): "MNIST, augmented, for twice as long",
    }
    assert {name: misread for name, misread in rows} == {
        said[case]: misread for case, misread in measured.items()
    }
