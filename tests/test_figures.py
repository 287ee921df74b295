"""The figures in the texts are those that were measured: of benchmarks/README.md."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BENCHMARKS = (ROOT / "benchmarks" / "README.md").read_text("utf-8")
SUMMARY, _, TABLES = BENCHMARKS.partition("<!-- end of summary -->")


def measured(row, column):
    """A figure of a table: of the article's network, or of ours, the mean where there are seeds."""
    cells = re.search(rf"^\| {re.escape(row)} \|(.*)\|$", TABLES, re.M)[1].split("|")
    return float(cells[{"article": 0, "ours": -1}[column]].split()[0].replace(",", ""))


def text_of(name):
    text = (ROOT / name).read_text("utf-8")
    if name.endswith(".ipynb"):
        text = "\n".join("".join(cell["source"]) for cell in json.loads(text)["cells"])
    return text


MNIST, PEOPLE, ARTICLES = "MNIST test set", "unipen-a, strokes", "unipen-a, the article's way"


@pytest.mark.parametrize(
    ("name", "sentence", "rows"),
    [
        (
            "README.md",
            r"in the article's way \| ([\d.]+) % \| ([\d.]+) %",
            [(MNIST, "article"), (ARTICLES, "article")],
        ),
        (
            "README.md",
            r"\(mean of three trainings\) \| ([\d.]+) % \| \*\*([\d.]+) %",
            [(MNIST, "ours"), (PEOPLE, "ours")],
        ),
        (
            "README.md",
            r"([\d.]+) % of what is no digit [^%]*, and ([\d.]+) % of the people's",
            [("refused: all of these", "ours"), ("unipen-a, refused", "ours")],
        ),
        (
            "notebooks/02_define_and_train.ipynb",
            r"it reads ([\d.]+) %\. The article's network, used as in the article, reads ([\d.]+)",
            [(PEOPLE, "ours"), (ARTICLES, "article")],
        ),
        (
            "notebooks/04_from_strokes_to_pixels.ipynb",
            r"the article's \| ([\d.]+) % \| ([\d.]+) % \|\n.* ([\d.]+) % \| ([\d.]+) % \|\n"
            r".* ([\d.]+) % \| ([\d.]+) % \|",
            [
                (MNIST, "article"),
                (ARTICLES, "article"),
                (MNIST, "article"),
                (PEOPLE, "article"),
                (MNIST, "ours"),
                (PEOPLE, "ours"),
            ],
        ),
        (
            "notebooks/05_draw_and_predict.ipynb",
            r"([\d.]+) % of such drawings are rejected, ([\d.]+) % of signs .*, and ([\d.]+) % of",
            [
                ("refused: letters, shapes and scribbles", "ours"),
                ("refused: signs never trained on", "ours"),
                ("unipen-a, refused", "ours"),
            ],
        ),
    ],
)
def test_texts_say_what_was_measured(name, sentence, rows):
    said = re.search(sentence, text_of(name)).groups()
    for number, (row, column) in zip(said, rows, strict=True):
        digits = len(number.partition(".")[2])
        # What was measured is itself rounded, to two digits.
        assert (
            abs(float(number.replace(",", "")) - measured(row, column)) <= 0.5 * 10**-digits + 0.005
        ), row


def test_the_tables_are_one():
    def table(text, name):
        return re.search(rf"<!-- {name} -->(.*)<!-- end of {name} -->", text, re.S)[1]

    for name in ("summary", "reading"):
        assert table(text_of("models/README.md"), name) == table(BENCHMARKS, name)
    ablation = [line for line in table(BENCHMARKS, "ablation").splitlines() if line[:2] == "| "]
    in_02 = text_of("notebooks/02_define_and_train.ipynb").splitlines()
    assert [line for line in ablation[1:] if line not in in_02] == []


def test_the_summary_is_that_of_the_tables():
    rows = [line.strip("| ").split(" | ") for line in SUMMARY.splitlines() if line[:2] == "| "]
    assert len(rows) > 20
    for name, *_, article, ours in rows[1:]:
        assert float(ours.split()[0].replace(",", "")) == measured(name, "ours")
        if article != "never":
            assert float(article.replace(",", "")) == measured(name, "article")
