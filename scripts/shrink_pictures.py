"""Store the pictures of notebooks in 256 colours, which halves them: `make notebooks` runs this.

Notebooks keep their pictures as text, and each change of one stays in the repository's history.
"""

import base64
import io
import sys
from pathlib import Path

import nbformat
from PIL import Image


def shrink(path: Path) -> None:
    """Shrink all pictures in a notebook's outputs that still have all colours."""
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if "image/png" in data:
                data["image/png"] = _in_256_colours(data["image/png"])
    nbformat.write(notebook, path)


def _in_256_colours(picture: str) -> str:
    """A PNG in base64 as one with a palette, or as it is if it has one."""
    image = Image.open(io.BytesIO(base64.b64decode(picture)))
    if image.mode == "P":
        return picture
    file = io.BytesIO()
    # The 256 colours that come close to all there are: rare ones count, as those of a colour bar.
    few = image.convert("RGB").quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    few.save(file, "PNG", optimize=True)
    return base64.b64encode(file.getvalue()).decode() + "\n"


if __name__ == "__main__":
    for name in sys.argv[1:]:
        shrink(Path(name))
