"""The notebooks as files: run without errors, small, made to the template, with valid links."""

import base64
import io
import json
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import numpy as np
import pytest
from PIL import Image

from scripts.shrink_pictures import shrink

FOLDER = Path(__file__).parents[1] / "notebooks"
NAMES = sorted(path.name for path in FOLDER.glob("*.ipynb"))


@pytest.fixture(params=NAMES)
def path(request):
    return FOLDER / request.param


@pytest.fixture
def notebook(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    return notebook


def code(notebook, tag=None):
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return [cell for cell in cells if tag is None or tag in cell.metadata.get("tags", [])]


def prose(notebook):
    return "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def test_they_are_numbered_in_reading_order():
    assert [name[:3] for name in NAMES] == [f"{number:02}_" for number in range(1, len(NAMES) + 1)]


def test_run_clean_from_top_to_bottom(notebook):
    counts = [cell.execution_count for cell in code(notebook)]
    assert counts == list(range(1, len(counts) + 1))
    outputs = [output for cell in code(notebook) for output in cell.outputs]
    assert [output for output in outputs if output.output_type == "error"] == []
    assert [output for output in outputs if output.get("name") == "stderr"] == []
    assert any("image/png" in output.get("data", {}) for output in outputs)
    assert "widgets" not in notebook.metadata


def test_light_and_of_no_machine(path):
    content = path.read_text("utf-8")
    assert len(content) < 300_000
    assert not re.search(r"/home/|/[r]oot/|/Users/|/tmp/|C:\\\\", content)


def test_pictures_get_lighter_and_look_the_same(tmp_path):
    """The picture is a plot with a colour map, lines and text; other outputs do not change."""
    from matplotlib.figure import Figure

    figure = Figure()
    left, right = figure.subplots(1, 2)
    left.imshow(np.random.default_rng(0).normal(size=(28, 28)), cmap="viridis")
    right.plot([1, 3, 2], label="a line")
    right.legend()
    file = io.BytesIO()
    figure.savefig(file, format="png")
    before = base64.b64encode(file.getvalue()).decode() + "\n"
    data = {"image/png": before, "text/plain": "<Figure>"}
    cell = nbformat.v4.new_code_cell("plot()", execution_count=1)
    cell.outputs = [
        nbformat.v4.new_output("display_data", data),
        nbformat.v4.new_output("stream", text="said"),
    ]
    path = tmp_path / "plots.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), path)

    shrink(path)
    once = path.read_bytes()
    shrink(path)
    assert path.read_bytes() == once
    shown, said = nbformat.read(path, as_version=4).cells[0].outputs
    assert said.text == "said" and shown.data["text/plain"] == "<Figure>"
    after = shown.data["image/png"]
    assert len(after) < 0.6 * len(before)
    old, new = (
        np.asarray(Image.open(io.BytesIO(base64.b64decode(text))).convert("RGB"), float)
        for text in (before, after)
    )
    assert np.abs(new - old).max() < 10 and np.abs(new - old).mean() < 1
    assert (new[0, 0] == 255).all()  # paper stays white


def test_shown_on_mnist(notebook):
    outputs = json.dumps([cell.outputs for cell in code(notebook)])
    assert "not MNIST" not in outputs


def test_each_journal_has_the_figures_so_far():
    """As if all notebooks had been run in order, starting without a journal."""
    before: list[str] = []
    for name in NAMES:
        notebook = nbformat.read(FOLDER / name, as_version=4)
        (cell,) = [cell for cell in notebook.cells if cell.id == "journal-cell"]
        shown = cell.outputs[-1].data["text/plain"].splitlines()
        lines = [" ".join(line.split()) for line in shown]
        own = lines[len(before) :]
        assert lines == before + own, name
        assert own and {line[:2] for line in own} == {name[:2]}, name
        before = lines


def test_made_to_the_template(path, notebook):
    first, promise = notebook.cells[0], prose(notebook)
    assert re.match(rf"# {path.name[:2]} · \w+", first.source)  # numbered like the files
    for part in ("**What you will do:**", "**What you will learn:**", "**What you need:**"):
        assert part in promise
    headings = re.findall(r"^## (.+)$", promise, flags=re.M)
    order = ["See it first", "Exercises", "What you did", "Solutions"]
    assert [heading for heading in headings if heading in order] == order
    assert 4 <= len([heading for heading in headings if heading[0].isdigit()]) <= 7
    assert 2 <= len(re.findall(r"^### Exercise \d", promise, flags=re.M)) <= 4
    assert "<details>" in promise

    cells = code(notebook)
    lines = [len([line for line in cell.source.splitlines() if line.strip()]) for cell in cells]
    assert max(lines) <= 15 and sorted(lines)[len(lines) // 2] <= 5
    assert 15 <= len(cells) <= 35
    assert any(line.startswith("assert ") for cell in cells for line in cell.source.splitlines())
    solutions = code(notebook, "solution")
    assert len(solutions) >= 2
    for cell in solutions:
        assert cell.metadata.jupyter.source_hidden and cell.execution_count
    assert len(code(notebook, "nbval-check-output")) >= 3


def test_the_times_are_those_of_a_learner(path, notebook):
    """200 words a minute, 10 s for a line of code, 20 s for a figure; exercises are extra."""
    end = [cell.id for cell in notebook.cells].index("exercises")
    words, lines, figures = 0, 0, 0
    for cell in notebook.cells[:end]:
        if cell.id.startswith("exercise"):
            continue
        if cell.cell_type == "markdown":
            words += len(re.sub(r"\]\([^)]*\)", "]", cell.source).split())
        elif "source_hidden" not in cell.metadata.get("jupyter", {}):
            lines += len([line for line in cell.source.splitlines() if line.strip()])
            kinds = [" ".join(output.get("data", {})) for output in cell.outputs]
            figures += sum("image/png" in kind or "widget" in kind for kind in kinds)
    least, most, exercises = map(
        int,
        re.search(
            r"\*\*Time:\*\* (\d+) to (\d+) minutes, and (\d+) for the exercises", prose(notebook)
        ).groups(),
    )
    assert least <= words / 200 + lines / 6 + figures / 3 <= most <= least + 10
    headings = re.findall(r"^### Exercise \d.*\((\d+) minutes\)", prose(notebook), flags=re.M)
    assert sum(map(int, headings)) == exercises
    lines = (FOLDER / "README.md").read_text("utf-8").splitlines()
    (row,) = [line for line in lines if f"{path.name})" in line]
    assert row.endswith(f"| {least} to {most} |")


def test_links_lead_somewhere(path, notebook):
    targets = re.findall(r"\]\(([^)]+)\)", prose(notebook))
    files = [target for target in targets if not target.startswith(("http", "attachment:", "#"))]
    assert [target for target in files if not (FOLDER / target).exists()] == []
    index = NAMES.index(path.name)
    for neighbour in NAMES[max(index - 1, 0) : index] + NAMES[index + 1 : index + 2]:
        assert neighbour in files


def test_the_list_names_all():
    text = (FOLDER / "README.md").read_text("utf-8")
    assert [name for name in NAMES if name not in text] == []


@pytest.mark.slow
def test_a_progress_bar_is_no_difference(tmp_path):
    """Of a cell's outputs, only progress bars are ignored: they appear only on slow machines."""
    bar = "for _ in tqdm(range(3), 'Reading', leave={}): time.sleep(0.2)"
    noises = {
        bar.format(False): True,
        bar.format(True): True,
        bar.format(False) + "\nprint('careful', file=sys.stderr)": False,
        bar.format(False) + "\nprint('more')": False,
    }
    cells = []
    for count, noise in enumerate(noises, start=1):
        source = f"import sys, time\nfrom tqdm import tqdm\n{noise}\nprint('Checkpoint')"
        cells.append(nbformat.v4.new_code_cell(source, execution_count=count))
        cells[-1].metadata.tags = ["nbval-check-output"]
        cells[-1].outputs = [nbformat.v4.new_output("stream", text="Checkpoint\n")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "slow.ipynb")
    command = [sys.executable, "-m", "pytest", "--nbval-lax", "--nbval-current-env", "-v"]
    command += ["-p", "no:cacheprovider", "-p", "conftest", "-c", "pyproject.toml"]
    command.append(str(tmp_path / "slow.ipynb"))
    run = subprocess.run(command, cwd=FOLDER.parent, capture_output=True, text=True)
    outcomes = re.findall(r"::Cell \d (PASSED|FAILED)", run.stdout)
    assert outcomes == ["PASSED" if same else "FAILED" for same in noises.values()], run.stdout
