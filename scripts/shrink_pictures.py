"""Store the notebooks' pictures in 256 colours. `make notebooks` runs this.

This halves their size. Notebooks store pictures as text, and every version of a picture stays in
the repository's history.
"""

import base64
import io
import sys
from pathlib import Path

import nbformat
from PIL import Image


def shrink(path: Path) -> None:
    """Shrink all pictures in a notebook's outputs that do not have a palette yet."""
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if "image/png" in data:
                data["image/png"] = _in_256_colours(data["image/png"])
    nbformat.write(notebook, path)


def _in_256_colours(picture: str) -> str:
    """Convert a PNG in base64 to one with a palette; return it as it is if it has one."""
    image = Image.open(io.BytesIO(base64.b64decode(picture)))
    if image.mode == "P":
        return picture
    file = io.BytesIO()
    # MAXCOVERAGE covers the whole range of colours, including rare ones, as in a colour bar.
    few = image.convert("RGB").quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    few.save(file, "PNG", optimize=True)
    return base64.b64encode(file.getvalue()).decode() + "\n"


if __name__ == "__main__":
    for name in sys.argv[1:]:
        shrink(Path(name))
