"""Write the tables in the READMEs from results.json: `make tables`.

`make bench` measures, keeps the results in results.json, and calls this. Each table has one place,
between `<!-- name -->` and `<!-- end of name -->`. Do not edit it there.
"""

import json
import os
from pathlib import Path
from typing import Any, TypedDict

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results.json"

GOALS = {  # row -> its goal
    "MNIST test set": "at least 99.55 %",
    "MNIST test set, `tta=True`": "at least 99.65 %",
    "unipen-a, the article's way": "",
    "unipen-a, strokes": "",
    "unipen-a, correct and not rejected": "at least 99.1 %",
    "unipen-a, turned by -15 degrees, correct and not rejected": "at most 0.4 points lost",
    "unipen-a, turned by 15 degrees, correct and not rejected": "at most 0.4 points lost",
    "unipen-a, turned by -30 degrees, correct and not rejected": "at most 2 points lost",
    "unipen-a, turned by 30 degrees, correct and not rejected": "at most 2 points lost",
    "unipen-a, screenshot, pen 0.5": "at most 1 point lost",
    "unipen-a, screenshot, pen 2": "at most 1 point lost",
    "unipen-a, 15 % of the pad": "at most 1 point lost",
    "unipen-a, 100 % of the pad": "at most 1 point lost",
    "unipen-a, screenshot, 15 % of the pad": "at most 1 point lost",
    "unipen-a, calibration error (15 bins)": "at most 0.5 %",
    "unipen-a, rejected": "at most 0.3 %",
    "rejected: signs never trained on": "at least 90 %",
    "rejected: all of these": "at least 95 %",
    "parameters, all counted": "at most 150,000",
    "strokes to 28 x 28 (100 points), ms": "at most 1 ms",
    "strokes to probabilities, ms": "at most 1.5 ms",
    "images a second": "at least 20,000",
    "first prediction in a new process, s": "at most 1 s",
    "memory of that process, MB": "at most 150 MB",
}


class Table(TypedDict):
    """Cells as they are shown. Results are rounded once, when they are measured."""

    columns: list[str]
    rows: list[list[str]]


class Part(TypedDict):
    """The results of one part of the benchmark, and its machine, versions and seeds."""

    conditions: str
    content: list[Table | str]  # tables, and paragraphs between them


Results = dict[str, Part]


def load_average() -> str:
    """Say how busy the machine is, for a part that is about to measure times."""
    return f"Load average before the measurement: {os.getloadavg()[0]:.1f}."


def read_results() -> Results:
    """Read results.json."""
    return json.loads(RESULTS.read_text(encoding="utf-8"))


def write_results(results: Results) -> None:
    """Write results.json, with one row of a table per line."""
    rows: list[str] = []

    def shortened(value: Any) -> Any:
        if isinstance(value, list) and all(isinstance(cell, str) for cell in value):
            rows.append(json.dumps(value, ensure_ascii=False))
            return f"<row {len(rows) - 1}>"
        if isinstance(value, list):
            return [shortened(item) for item in value]
        if isinstance(value, dict):
            return {key: shortened(item) for key, item in value.items()}
        return value

    text = json.dumps(shortened(results), ensure_ascii=False, indent=1)
    for number, row in enumerate(rows):
        text = text.replace(f'"<row {number}>"', row)
    RESULTS.write_text(text + "\n", encoding="utf-8")


def find_row(results: Results, name: str) -> list[str]:
    """Return the cells of a row, after its name.

    Raises:
        KeyError: No table has it. People's digits are only measured with DIGITLAB_PEN.
    """
    for part in ("reading", "networks"):
        for block in results[part]["content"]:
            for row in [] if isinstance(block, str) else block["rows"]:
                if row[0] == name:
                    return row[1:]
    raise KeyError(name)


def figure(results: Results, row: str, network: str) -> float:
    """Return the figure in a row for the network "article" or "ours"."""
    cell = find_row(results, row)[{"article": 0, "ours": -1}[network]]
    return float(cell.split()[0].replace(",", ""))


def as_lines(block: Table | str) -> list[str]:
    """Return the lines of a table, or a paragraph, in Markdown."""
    if isinstance(block, str):
        return [block]
    rule = "|" + "---|" * len(block["columns"])
    first, *others = [f"| {' | '.join(row)} |" for row in [block["columns"], *block["rows"]]]
    return [first, rule, *others]


def summary(results: Results) -> Table:
    """Return all figures that have a goal, for the article's network and ours."""
    rows = []
    for name, goal in GOALS.items():
        try:
            article, *_, ours = find_row(results, name)
        except KeyError:
            continue
        rows.append([name, goal, article, ours])
    return {"columns": ["", "goal", "article_cnn", "digits_cnn"], "rows": rows}


def headline(results: Results) -> Table:
    """Return the four figures that matter to most readers."""
    rows = []
    for name, network, on_people in (
        ("the article's network, used as in the article", "article", "unipen-a, the article's way"),
        ("the network that comes with digitlab", "ours", "unipen-a, strokes"),
    ):
        mnist = figure(results, "MNIST test set", network)
        people = f"{figure(results, on_people, network):.1f} %"
        parameters = find_row(results, "parameters, all counted")[network == "ours"]
        if network == "ours":
            people = f"**{people}**"
        rows.append([name, f"{mnist:.2f} %", people, parameters])
    return {"columns": ["", "MNIST test set", "people's digits", "parameters"], "rows": rows}


def tables(results: Results) -> dict[str, str]:
    """Return the text of each table, by the name in its markers."""
    blocks: dict[str, list[Table | str]] = {
        name: [f"Measured with {part['conditions']}.", *part["content"]]
        for name, part in results.items()
    }
    blocks |= {"summary": [summary(results)], "headline": [headline(results)]}
    return {
        name: "\n\n".join("\n".join(as_lines(block)) for block in content)
        for name, content in blocks.items()
    }


# The tables of each page.
PAGES = {
    "README.md": ["headline"],
    "models/README.md": ["summary"],
    "benchmarks/README.md": [
        *("reading", "writers", "numbers", "pictures", "ablation", "networks", "hand", "saliency"),
        *("ink", "page", "faults", "classroom"),
    ],
    "deploy/README.md": ["hub", "visitors"],
    "SCALING.md": ["scale"],
}


def filled_in(text: str, tables: dict[str, str]) -> str:
    """Return a page with these tables between their markers."""
    for name, table in tables.items():
        head, begin, rest = text.partition(f"<!-- {name} -->\n")
        _, end, tail = rest.partition(f"<!-- end of {name} -->")
        if not begin or not end:
            raise ValueError(f"expected the markers of the table {name!r}, and they are not there")
        text = f"{head}{begin}\n{table}\n\n{end}{tail}"
    return text


def write_tables() -> None:
    """Write all tables from results.json."""
    made = tables(read_results())
    for page, names in PAGES.items():
        path = ROOT / page
        text = filled_in(path.read_text(encoding="utf-8"), {name: made[name] for name in names})
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write_tables()
