"""Build the course as a site; `make book` runs this.

The pages are those in `book/`, the notebooks with their committed outputs, and the project's
Markdown files. They keep their relative paths, so the links between them work. The first page shows
the web page of `digitlab.build_site`. Nothing is downloaded, except that page's TensorFlow.js the
first time.
"""

import argparse
import json
import re
import shutil
import sys
import tempfile
from pathlib import Path

from sphinx.cmd.build import build_main

from digitlab import build_site

ROOT = Path(__file__).parents[1]
PAGES = "*.md notebooks/*.ipynb notebooks/*.md models/*.md benchmarks/*.md deploy/*.md".split()
PICTURES = ("notebooks/*.png", "notebooks/*.gif", "notebooks/*.svg")


def lay_out(folder: Path) -> None:
    """Copy all pages to one folder, because Sphinx needs a single root."""
    shutil.copytree(ROOT / "book", folder)
    for path in (path for pattern in (*PAGES, *PICTURES) for path in ROOT.glob(pattern)):
        copy = folder / path.relative_to(ROOT)
        copy.parent.mkdir(exist_ok=True)
        copy.write_bytes(path.read_bytes())
        if path.suffix == ".ipynb":
            _adapt(copy)


def _adapt(path: Path) -> None:
    """Collapse what the notebook collapses; link the site's web page instead of the kernel's."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        tags = cell["metadata"].setdefault("tags", [])
        if "source_hidden" in cell["metadata"].get("jupyter", {}):
            tags.append("hide-cell" if "solution" in tags else "hide-input")  # MyST-NB's tags
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if "text/html" in data:
                html = "".join(data["text/html"])  # a string or a list of lines
                data["text/html"] = re.sub(r"http://127\.0\.0\.1:\d+/", "../page/index.html", html)
    path.write_text(json.dumps(notebook), encoding="utf-8")


def build(folder: Path) -> bool:
    """Build the site in a folder; return whether it has neither an error nor a dead link."""
    with tempfile.TemporaryDirectory() as temporary:
        pages, html = Path(temporary, "pages"), Path(temporary, "html")
        lay_out(pages)
        options = ["--fail-on-warning", "--keep-going", "--quiet"]
        if build_main([str(pages), str(html), *options]) != 0:
            return False
        build_site(html / "page")
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copymode(folder, html)  # copytree sets the mode of the folder, too
        shutil.copytree(html, folder, dirs_exist_ok=True)
    return True


def main() -> int:
    """Build the site, and say how to look at it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="where the site goes")
    folder = parser.parse_args().folder
    if not build(folder):
        return 1
    print(f"Look at it: {sys.executable} -m http.server --directory {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
