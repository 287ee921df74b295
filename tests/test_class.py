"""The class copy works and gives no answer away, and the teacher's page is right."""

import base64
import html
import re
import zlib
from functools import cache

import nbformat
import pytest
from nbclient import NotebookClient

from scripts import make_class

NOTEBOOKS = make_class.NOTEBOOKS
NAMES = sorted(path.name for path in NOTEBOOKS.glob("*.ipynb"))
TEACHER = (NOTEBOOKS / make_class.FOR_TEACHERS).read_text("utf-8")


@cache
def read(name):
    return nbformat.read(NOTEBOOKS / name, 4)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The class copy, with the same files beside it as beside the notebooks."""
    root = tmp_path_factory.mktemp("handed out")
    for name in ("models", "benchmarks", "README.md"):
        (root / name).symlink_to(NOTEBOOKS.parent / name)
    make_class.write_class(root / "class")
    return root / "class"


@pytest.fixture(params=NAMES)
def pair(request, folder):
    """A notebook and its class copy."""
    return read(request.param), nbformat.read(folder / request.param, 4)


def lines(texts):
    """The stripped lines of texts, except those with only a bracket or so."""
    return {line.strip() for text in texts for line in text.splitlines() if len(line.strip()) > 3}


def sources(cells, tag=None):
    return [c.source for c in cells if tag is None or tag in c.metadata.get("tags", [])]


def printed(cells):
    return [
        o.get("text", o.get("data", {}).get("text/plain", "")) for c in cells for o in c.outputs
    ]


def test_the_copy_has_no_solution(pair):
    original, copy = pair
    others = [c for c in original.cells if "solution" not in c.metadata.get("tags", [])]
    elsewhere = "\n".join(sources(others))  # such as calls of a check
    solutions = lines(sources(original.cells, "solution"))
    own = [line for line in solutions if line not in elsewhere]
    assert len(own) >= 3
    text = "\n".join(sources(copy.cells))
    assert [line for line in own if line in text] == []
    ids = [cell.id for cell in original.cells]
    after = set(ids[ids.index("solutions") :])
    assert after.isdisjoint(cell.id for cell in copy.cells)
    assert "olutions are at the end" not in text


def test_the_copy_has_no_output_and_no_answer(pair):
    original, copy = pair
    code = [cell for cell in copy.cells if cell.cell_type == "code"]
    assert [cell for cell in code if cell.outputs or cell.execution_count] == []
    solved = [c for c in original.cells if "solution" in c.metadata.get("tags", [])]
    answers = lines(printed(solved)) - {"Correct"}
    text = "\n".join(re.sub(r'""".*?"""', "", source, flags=re.S) for source in sources(copy.cells))
    assert [answer for answer in answers if answer in text and "<Figure" not in answer] == []


def test_the_copy_shows_no_check(pair):
    original, copy = pair
    shown = "\n".join(sources(copy.cells))
    packed = "\n\n".join(
        zlib.decompress(base64.b64decode(data)).decode()
        for data in re.findall(r'b64decode\("""(.*?)"""', shown, flags=re.S)
    )
    checks = re.findall(r"^def (check_\w+)", "\n".join(sources(original.cells)), flags=re.M)
    assert checks and sorted(checks) == sorted(re.findall(r"^def (check_\w+)", packed, flags=re.M))
    own = lines([packed]) - lines([s for s in sources(original.cells) if "def check_" not in s])
    assert [line for line in own if len(line) > 20 and line in shown] == []


def test_the_copy_asks_and_does_not_answer(pair):
    original, copy = pair
    (asked,), (left,) = (
        [cell.source for cell in notebook.cells if cell.id == "questionnaire"] for notebook in pair
    )
    questions = re.findall(r"^\*\*(\d+)\.\*\* (.+)", asked, flags=re.M)
    answers = re.findall(r"<summary>Answer</summary>\n\n(.+?)\n\n</details>", asked, flags=re.S)
    assert [int(number) for number, question in questions] == list(range(1, 11))
    assert len(answers) == 10
    assert [question for number, question in questions if question not in left] == []
    assert [answer for answer in answers if answer in left] == []
    assert "unfold" not in left and "in a sentence or two" in left
    ids = [cell.id for cell in original.cells]
    assert ids.index("questionnaire") == ids.index("solutions") - 1


def test_links_of_the_copy_lead_somewhere(folder):
    for path in folder.iterdir():
        text = path.read_text("utf-8") if path.suffix == ".md" else ""
        if path.suffix == ".ipynb":
            cells = nbformat.read(path, 4).cells
            text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
        targets = re.findall(r"\]\(([^)\s]+)\)", text)
        files = [target.partition("#")[0] for target in targets if "://" not in target]
        assert [name for name in files if not (folder / name).exists()] == [], path.name
    assert not (folder / make_class.FOR_TEACHERS).exists()


def test_work_is_not_overwritten(folder):
    with pytest.raises(SystemExit, match="may hold somebody's work"):
        make_class.write_class(folder)


@pytest.mark.slow
@pytest.mark.parametrize("number", ["01", "05"])
def test_the_copy_runs_and_its_checks_work(folder, number):
    """As handed out, each check says "Not yet"; with the original's solutions, "Correct"."""
    (name,) = [name for name in NAMES if name.startswith(number)]
    copy = nbformat.read(folder / name, 4)
    solutions = sources(read(name).cells, "solution")
    copy.cells += [nbformat.v4.new_code_cell(source) for source in solutions]
    resources = {"metadata": {"path": str(folder)}}
    NotebookClient(copy, timeout=600, kernel_name="python3", resources=resources).execute()
    said = lines(
        printed([cell for cell in copy.cells if cell.cell_type == "code"][: -len(solutions)])
    )
    assert len([line for line in said if line.startswith("Not yet")]) == 3
    last = printed(copy.cells[-len(solutions) :])
    assert len([text for text in last if text.startswith("Correct")]) == 3


def test_the_slides_show_every_picture(tmp_path):
    make_class.write_slides(tmp_path / "slides.html")
    page = html.unescape((tmp_path / "slides.html").read_text("utf-8"))
    for name in NAMES:
        notebook = read(name)
        assert notebook.cells[0].source.splitlines()[0].removeprefix("# ") in page
        end = [cell.id for cell in notebook.cells].index("exercises")
        for cell in notebook.cells[:end]:
            for output in cell.get("outputs", []):
                picture = output.get("data", {}).get("image/png", "").replace("\n", "")
                assert picture in page, (name, cell.id)
    assert len(make_class.exit_ticket()) == 5
    assert "http" not in page  # needs no network


@pytest.mark.slow
def test_the_worksheet_prints_on_one_page(folder, chromium):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        page.goto((folder / "worksheet.html").as_uri())
        pdf = page.pdf(prefer_css_page_size=True)
        browser.close()
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) == 1
    (box,) = re.findall(rb"/MediaBox\s*\[([^\]]*)\]", pdf)
    assert [round(float(x) / 72 * 25.4) for x in box.split()] == [0, 0, 210, 297]


# The teacher's plans: | from | minutes | what | where |


def plan(title):
    part = TEACHER.partition(f"## {title}\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (\d+):(\d\d) \| (\d+) \| (.*?) \| ?(.*?) ?\|$", part, flags=re.M)
    return [
        (60 * int(h) + int(m), int(minutes), what, where) for h, m, minutes, what, where in rows
    ]


def minutes_of(name, places):
    """Minutes that the named sections take: 200 words a minute, 10 s a line of code, 20 s a figure.

    A whole notebook takes the most that it says, and an exercise what its heading says.
    """
    cells = read(name).cells
    text = "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    if not places:
        return int(re.search(r"\*\*Time:\*\* \d+ to (\d+) minutes", text)[1])
    total, place = 0, None
    for cell in cells:
        if cell.cell_type == "markdown":
            heading = re.match(r"## (?:(\d) ·)?(.*)", cell.source)
            if heading:
                place = f"§{heading[1]}" if heading[1] else heading[2].strip().lower()
            words = len(re.sub(r"\]\([^)]*\)", "]", cell.source).split())
            total += words / 200 if place in places else 0
        elif place in places and "source_hidden" not in cell.metadata.get("jupyter", {}):
            total += len([line for line in cell.source.splitlines() if line.strip()]) / 6
            kinds = [" ".join(output.get("data", {})) for output in cell.outputs]
            total += sum("image/png" in kind or "widget" in kind for kind in kinds) / 3
    for number in re.findall(r"exercise (\d)", ", ".join(places)):
        total += int(re.search(rf"### Exercise {number} .*\((\d+) minutes\)", text)[1])
    headings = {f"§{n}" for n in re.findall(r"^## (\d) ·", text, flags=re.M)} | {"see it first"}
    assert all(place in headings or place.startswith("exercise") for place in places), places
    return total


@pytest.mark.parametrize(
    ("title", "least", "most"), [("A plan for 90 minutes", 90, 90), ("A plan for a day", 420, 480)]
)
def test_the_plans_fit_with_slack(title, least, most):
    rows = plan(title)
    for (start, minutes, *_), (following, *_) in zip(rows, rows[1:], strict=False):
        assert start + minutes == following
    for _, minutes, what, where in rows:
        if where:
            number, *places = where.split(", ")
            (name,) = [name for name in NAMES if name.startswith(number)]
            assert minutes_of(name, places) <= minutes, (what, where)
    whole = rows[-1][0] + rows[-1][1] - rows[0][0]
    slack = sum(minutes for _, minutes, what, _ in rows if what.startswith("Slack"))
    breaks = sum(minutes for _, minutes, what, _ in rows if what.startswith(("Break", "Lunch")))
    assert least <= whole <= most
    assert slack >= 0.15 * (whole - breaks)


def test_every_guess_and_every_question_has_its_answer():
    guesses = TEACHER.partition("## Answers to the guesses\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (\d\d), (§\d) \| .+ \| .+ \|$", guesses, flags=re.M)
    exercises = re.findall(r"^\| (\d\d) · (\d) \| (\d+) \| .+ \| .+ \|$", TEACHER, flags=re.M)
    thoughts = TEACHER.partition("## Answers to the questions to think about\n")[2]
    asked, tasks = [], []
    for name in NAMES:
        cells = read(name).cells
        prose = [cell.source for cell in cells if cell.cell_type == "markdown"]
        place = None
        for text in prose[: [text.startswith("## Exercises") for text in prose].index(True)]:
            heading = re.match(r"## (?:(\d) ·)?", text)
            place = f"§{heading[1]}" if heading else place
            if re.search(r"\bguess[:* ](?!the pair|was close)", text, flags=re.I):
                asked.append((name[:2], place))
        tasks += [
            (name[:2], *found)
            for found in re.findall(r"### Exercise (\d).*\((\d+) minutes\)", "\n".join(prose))
        ]
        part = re.search(r"\*\*Questions to think about\*\*\n\n(.*?)\n\n", "\n".join(prose), re.S)
        answered = thoughts.partition(f"### {name[:2]}\n")[2].partition("\n### ")[0]
        assert len(re.findall(r"^- \*", answered, flags=re.M)) == part[1].count("- "), name
    assert set(asked) - set(rows) == set()
    assert sorted(tasks) == sorted(exercises)


def test_the_answers_are_on_the_teachers_page_alone():
    answers = re.findall(r"^\| \d\d(?: · \d|, §\d) \| .+ \| (.+) \|$", TEACHER, flags=re.M)
    assert len(answers) > 40
    for path in (*NOTEBOOKS.glob("*.md"), NOTEBOOKS.parent / "README.md"):
        text = path.read_text("utf-8")
        assert path.name == make_class.FOR_TEACHERS or not [a for a in answers if a in text]


# The jargon list: | term | meaning | [01 §2](01_....ipynb) |


def place_of_first_use(term):
    """The first notebook and section whose text uses a term, apart from overview and headings."""
    pattern = re.compile(rf"(?<![\w-]){re.escape(term)}(?:s|es)?(?![\w-]|\.\w)", flags=re.I)
    for name in NAMES:
        place = None
        for cell in read(name).cells:
            if cell.cell_type != "markdown" or cell.id in ("title", "overview"):
                continue
            heading = re.match(r"## (?:(\d) ·)?(.*)", cell.source)
            if heading:
                place = f"§{heading[1]}" if heading[1] else heading[2].strip()
            text = re.sub(r"\]\([^)]*\)|^#.*|<[^>]*>|[*_`]", " ", cell.source, flags=re.M)
            if pattern.search(" ".join(text.split())):
                return name, place
    return None


def test_the_jargon_list_leads_to_the_first_use():
    text = (NOTEBOOKS / "jargon.md").read_text("utf-8")
    rows = re.findall(
        r"^\| ([^|]+) \| [^|]+ \| \[(\d\d),? ([^\]]+)\]\((.+)\) \|$", text, flags=re.M
    )
    assert len(rows) == text.count("\n| ") - 1 >= 60  # all rows but the head
    terms = [row[0] for row in rows]
    assert terms == sorted(terms, key=str.lower)
    for term, number, place, target in rows:
        assert target.startswith(f"{number}_")
        assert place_of_first_use(term) == (target, place), term
