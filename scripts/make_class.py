"""Write `class/`, a copy of the notebooks without answers, and `slides.html`: `make class`.

The copy has no outputs, nothing from *Solutions* on, and no answers to the questionnaires. The
checks of the exercises work as before, but they are packed, because their code reveals the answers.
Hashes of the answers would not do: most answers depend on a learner's own network, so each check
computes them. Packed is not encrypted. It hides an answer from a glance, not from somebody who
looks for it.

The slides are for the teacher: the questions and the pictures of all notebooks. Neither the copy
nor the slides need a network.
"""

import ast
import base64
import re
import zlib
from collections.abc import Iterator
from pathlib import Path

import nbformat
from nbconvert.filters import markdown2html
from nbformat import NotebookNode

ROOT = Path(__file__).parents[1]
NOTEBOOKS = ROOT / "notebooks"
FOR_TEACHERS = "teacher.md"

PACKED = '''\
# The checks of the exercises, packed so that nobody reads an answer by accident.
import base64
import zlib

exec(zlib.decompress(base64.b64decode("""
{}""")))'''
COLLAPSED = {"jupyter": {"source_hidden": True}}
ANSWERS = re.compile(r"\n*<details>.*?</details>", flags=re.S)
# Mentions of the solutions, which the copy does not have.
SOLUTIONS = re.compile(
    r",? and so are the solutions at the end|\s*The solutions (are at the end|come last)[^.]*\."
    r"|\s*The solution then [^.]*\."
)

PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
{style}
</style>
{body}
</html>
"""
SLIDES = """\
html { scroll-snap-type: y mandatory; font: 4.2vmin/1.4 system-ui, sans-serif; }
body { margin: 0; color: #222; background: white; }
section { box-sizing: border-box; height: 100vh; padding: 5vmin 9vmin; scroll-snap-align: start;
  display: flex; flex-direction: column; justify-content: center; break-after: page; }
section.picture h2 { font-size: 1em; font-weight: normal; color: #666; margin: 0 0 1em; }
h1 { font-size: 2.2em; line-height: 1.2; margin: 0 0 .5em; }
h2 { font-size: 1.7em; line-height: 1.2; margin: 0 0 .7em; }
p { max-width: 34em; margin: 0 0 .8em; }
li { margin: 0 0 .6em; }
img { flex: 0 1 auto; min-height: 0; object-fit: contain; height: 74vh; max-width: 100%; }
p img { height: 50vh; }
@page { size: 297mm 167mm; margin: 0; }"""
SHEET = """\
@page { size: A4; margin: 14mm 16mm; }
body { font: 10.5pt/1.35 system-ui, sans-serif; max-width: 178mm; margin: auto; }
h1 { font-size: 16pt; margin: 0 0 2mm; }
h2 { font-size: 11.5pt; margin: 3.5mm 0 1mm; }
p, ol, ul { margin: 0 0 1.5mm; }
table { border-collapse: collapse; width: 100%; margin: 1mm 0; }
th, td { border: .3mm solid #777; padding: 1mm 2mm; height: 5.5mm; text-align: left; }
table:first-of-type { width: auto; }  /* pixels */
table:first-of-type :is(th, td) { width: 5mm; height: 5mm; text-align: center; }
table:first-of-type th { font-weight: normal; }
table:last-of-type { table-layout: fixed; }
table:last-of-type thead th { height: 30mm; vertical-align: top; }  /* to draw in */
table:last-of-type tbody tr:last-child > * { height: 11mm; vertical-align: top; }"""


def write_class(folder: Path) -> None:
    """Write the copy to a folder that does not exist yet."""
    if folder.exists():
        raise SystemExit(f"{folder} exists, and may hold somebody's work. Move or remove it first.")
    pages = [path for path in NOTEBOOKS.glob("*.md") if path.name != FOR_TEACHERS]
    pictures = [path for kind in ("*.png", "*.gif", "*.svg") for path in NOTEBOOKS.glob(kind)]
    notebooks = sorted(NOTEBOOKS.glob("*.ipynb"))
    names = {path.name for path in (*pages, *pictures, *notebooks)}
    folder.mkdir(parents=True)
    for path in pictures:
        (folder / path.name).write_bytes(path.read_bytes())
    for path in pages:
        text = _without_dead_links(SOLUTIONS.sub("", path.read_text("utf-8")), names)
        (folder / path.name).write_text(text, "utf-8")
    for path in notebooks:
        notebook = strip(nbformat.read(path, as_version=4))
        for cell in notebook.cells:
            if cell.cell_type == "markdown":
                cell.source = _without_dead_links(cell.source, names)
        nbformat.write(notebook, folder / path.name)
    sheet = _html((NOTEBOOKS / "worksheet.md").read_text("utf-8"))
    page = PAGE.format(title="Worksheet", style=SHEET, body=sheet)
    (folder / "worksheet.html").write_text(page, "utf-8")


def strip(notebook: NotebookNode) -> NotebookNode:
    """Remove a notebook's outputs and answers, and pack its checks."""
    kept = []
    for cell in notebook.cells:
        if cell.id == "solutions":
            break
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
            kept += [cell] if "solution" not in cell.metadata.get("tags", []) else []
        else:
            cell.source = SOLUTIONS.sub("", cell.source)
            if cell.id == "questionnaire":
                cell.source = ANSWERS.sub("", cell.source).replace(
                    "before you unfold its answer", "in a sentence or two"
                )
            kept.append(cell)
    notebook.cells = [part for cell in kept for part in _pack_checks(cell)]
    return notebook


def _pack_checks(cell: NotebookNode) -> Iterator[NotebookNode]:
    """Pack a cell's functions named check_..., and move them to a collapsed cell before it."""
    checks = [
        node
        for node in (ast.parse(cell.source).body if cell.cell_type == "code" else ())
        if isinstance(node, ast.FunctionDef) and node.name.startswith("check_")
    ]
    lines = cell.source.splitlines()
    sources = []
    for node in reversed(checks):
        sources.append("\n".join(lines[node.lineno - 1 : node.end_lineno]))
        del lines[node.lineno - 1 : node.end_lineno]
    rest = "\n".join(lines).strip()
    if checks:
        packed = base64.encodebytes(zlib.compress("\n\n".join(sources[::-1]).encode(), 9))
        code = PACKED.format(packed.decode().strip())
        name = f"{cell.id}-packed" if rest else cell.id
        yield nbformat.v4.new_code_cell(code, id=name, metadata=COLLAPSED)
        cell.source = re.sub(r"\n{4,}", "\n\n\n", rest)
    if rest or not checks:
        yield cell


def _without_dead_links(text: str, names: set[str]) -> str:
    """Replace links to files that the copy lacks with their text."""

    def check(link: re.Match[str]) -> str:
        target = link[2].partition("#")[0]
        there = target in names or (target.startswith("../") and (NOTEBOOKS / target).exists())
        return link[0] if there or not target or "://" in target else link[1]

    return re.sub(r"(?<!!)\[([^\]]*)\]\(([^)\s]+)\)", check, text)


def write_slides(path: Path) -> None:
    """Write the slides: a page that shows one slide at a time, and prints one per sheet."""
    notebooks = [nbformat.read(path, as_version=4) for path in sorted(NOTEBOOKS.glob("*.ipynb"))]
    body = "\n".join(slide for notebook in notebooks for slide in _slides(notebook))
    titles = [notebook.cells[0].source.splitlines()[0][2:] for notebook in notebooks]
    contents = "\n".join(f"- [{title}](#{title[:2]})" for title in titles)
    body = f"<section>{_html(contents)}</section>\n{body}"
    questions = "\n".join(exit_ticket())
    body += f"\n<section>{_html('## Before you go' + chr(10) * 2 + questions)}</section>"
    path.write_text(PAGE.format(title="digitlab: slides", style=SLIDES, body=body), "utf-8")


def exit_ticket() -> list[str]:
    """The questions of the exit ticket, without their answers."""
    text = (NOTEBOOKS / FOR_TEACHERS).read_text("utf-8")
    part = text.partition("## Exit ticket\n")[2].partition("\n## ")[0]
    return re.findall(r"^(\d\. .*?\?)(?= \*)", part, flags=re.M)


def _slides(notebook: NotebookNode) -> Iterator[str]:
    """Yield one slide for each heading with its questions, and one for each picture."""
    title, *cells = notebook.cells
    number = title.source[2:4]
    yield f'<section id="{number}">{_html(_embed_pictures(title.source))}</section>'
    heading, asked = "", ""
    for cell in cells:
        if cell.id == "exercises":
            break
        new = re.match(r"##+ (.+)", cell.source) if cell.cell_type == "markdown" else None
        pictures = [
            output.data["image/png"].replace("\n", "")
            for output in cell.get("outputs", [])
            if "image/png" in output.get("data", {})
        ]
        if asked and (new or pictures):
            if "\n" in asked.strip():  # more than a heading
                yield f"<section>{_html(asked)}</section>"
            asked = ""
        if new:
            heading = new[1]
        if cell.cell_type == "markdown" and heading:
            questions = _questions(cell.source)
            if questions or new:
                asked = asked or f"## {heading}"
                asked += f"\n\n{questions}"
        for picture in pictures:
            shown = _html(f"## {heading}")
            image = f'<img alt="" src="data:image/png;base64,{picture}">'
            yield f'<section class="picture">{shown}{image}</section>'
    if asked:
        yield f"<section>{_html(asked)}</section>"


def _questions(text: str) -> str:
    """The questions and guesses of a text, without links."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", re.sub(r"^[#|].*", "", text, flags=re.M))
    found = []
    for paragraph in text.split("\n\n"):
        sentences = re.split(r"(?<=[.?!]) |(?<=[.?!]\*\*) ", " ".join(paragraph.split()))
        asked = [
            x
            for x in sentences
            if x.endswith(("?", "?*", "?**")) or x.lstrip("*").startswith("Guess")
        ]
        if asked and not paragraph.startswith(("(", "- ")):
            found.append(" ".join(asked))
    return "\n\n".join(found)


def _html(text: str) -> str:
    """A Markdown text as HTML, without anchors."""
    return re.sub(r' id="[^"]*"|<a class="anchor-link".*?</a>', "", markdown2html(text))


def _embed_pictures(text: str) -> str:
    def embed(picture: re.Match[str]) -> str:
        data = base64.b64encode((NOTEBOOKS / picture[1]).read_bytes()).decode()
        return f"(data:image/png;base64,{data})"

    return re.sub(r"(?<=\])\(([^)]+\.png)\)", embed, text)


if __name__ == "__main__":
    write_slides(ROOT / "slides.html")
    write_class(ROOT / "class")
    print("class: to hand out. class/worksheet.html: to print. slides.html: for you.")
