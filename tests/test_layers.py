"""The layers: what `import digitlab` costs, and that imports only go down."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import digitlab

PACKAGE = Path(digitlab.__file__).parent

# From the bottom to the top: a module imports only from layers below its own. The string beside
# each module names exactly the other packages that it imports.
LAYERS: list[dict[str, str]] = [
    # The base of all others.
    {
        "_io": "",
        "_shared": "",
        "images": "numpy",
        "runtimes.tflite_file": "",
        "runtimes.runtime": "numpy",
        "_download": "pooch tqdm",
    },
    {
        "_stderr": "",
        "_keras_defaults": "keras",
        "keras_checks": "keras numpy",
        "runtimes.keras_model": "numpy",
        "strokes": "numpy",
        "pictures.brightness": "PIL numpy",
        "pictures.lines": "numpy scipy",
        "pictures.pen": "numpy",
        "pictures.sheet": "PIL numpy scipy skimage",
        "mnist": "numpy pooch",
        "explain": "numpy",
        "journal": "",
    },
    {
        "runtimes.litert": "ai_edge_litert numpy tensorflow",
        "pictures.boxes": "numpy scipy",
        "pictures.combs": "numpy scipy",
        "pictures.dots": "numpy scipy",
        "pictures.edges": "numpy scipy",
        "pictures.rings": "numpy scipy",
        "pictures.ruling": "numpy scipy",
        "pictures.underlines": "numpy scipy",
    },
    {
        "pictures.ink": "PIL numpy scipy skimage",
    },
    {
        "pictures.digit": "PIL numpy scipy skimage",
        "drawings": "numpy",
        "runtimes.wrapping": "",
        "answers": "numpy",
        "prediction": "numpy",
        "numbers.costs": "",
    },
    {
        "personal": "numpy",
        "examples_file": "numpy",
        "numbers.pieces": "numpy",
        "numbers.search": "numpy",
    },
    # Numbers.
    {
        "numbers.stroke_pieces": "numpy scipy",
        "numbers.ink_pieces": "PIL numpy scipy skimage",
        "numbers.rows": "numpy",
        "numbers.candidates": "numpy",
    },
    {
        "numbers.reading": "numpy",
    },
    {
        "inspection": "keras numpy tqdm",
        "collection": "numpy",
        "recognizer": "PIL numpy tqdm",
    },
    {
        "loading": "PIL numpy",
    },
    # Reading many scans.
    {
        "bulk.sources": "PIL numpy",
        "bulk.tables": "pyarrow",
    },
    {
        "bulk.executors": "",
    },
    {
        "bulk.reading": "tqdm",
    },
    # Plots.
    {
        "plots._style": "matplotlib numpy",
    },
    {
        "plots.digits": "matplotlib numpy",
        "plots.internals": "matplotlib numpy",
    },
    {
        "plots.errors": "matplotlib numpy",
    },
    # Training.
    {
        "training.networks": "keras",
        "training.non_digits": "numpy",
        "training.lines": "PIL numpy skimage tqdm",
        "training.progress": "IPython keras",
        "training.settings": "",
    },
    {
        "training.rendering": "numpy",
        "training.handwriting": "numpy",
        "training.checkpoint": "keras numpy",
    },
    {
        "training.people": "numpy",
        "training.pixels": "PIL keras numpy",
    },
    {
        "training.augmentation": "keras numpy",
    },
    {
        "training.loop": "IPython keras numpy",
    },
    {
        "training.fine_tuning": "keras numpy",
    },
    # Exports.
    {
        "export.programs": "",
        "export.tfjs_files": "",
        "export.quantization": "numpy",
        "export.tfjs_layers": "",
        "export.icons": "PIL",
    },
    {
        "export.bundle": "pooch tqdm",
        "export.tfjs_model": "keras numpy",
        "export.tflite": "keras tensorflow",
    },
    {
        "export.tfjs": "keras",
        "export.site": "",
    },
    # The pad.
    {
        "pad.history": "numpy",
        "pad.throttle": "",
        "pad.overlay": "anywidget numpy traitlets",
        "pad.controls": "ipywidgets traitlets",
        "pad.html": "PIL numpy",
        "pad.number_strip": "ipywidgets",
        "pad.reading": "numpy",
    },
    {
        "pad.canvas": "ipycanvas ipywidgets numpy",
        "pad.view": "ipywidgets numpy",
        "pad.saved": "IPython PIL ipywidgets numpy",
    },
    {
        "pad.controller": "numpy",
    },
    {
        "pad.widget": "IPython ipywidgets numpy traitlets",
    },
    {
        "pad.number_pad": "numpy traitlets",
    },
    # A photo.
    {
        "photo.corrections": "numpy",
    },
    {
        "photo.widget": "PIL anywidget numpy traitlets",
    },
]


def module_name(path: Path) -> str:
    """The name under which a file of the package is imported, without "digitlab."."""
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")


MODULES = {module_name(path): path for path in PACKAGE.rglob("*.py")}


def imports(path: Path) -> set[str]:
    """All that a module imports, anywhere in the file."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports within the package are absolute"
            found.add(str(node.module))
    return found


def test_every_module_has_its_layer():
    named = [module for layer in LAYERS for module in layer]
    assert len(named) == len(set(named))
    assert set(named) == {m for m, path in MODULES.items() if path.name != "__init__.py"}


@pytest.mark.parametrize("module", [module for layer in LAYERS for module in layer])
def test_imports_go_down(module):
    found = imports(MODULES[module])
    others = {name.split(".")[0] for name in found} - sys.stdlib_module_names - {"digitlab"}
    (layer,) = (number for number, layer in enumerate(LAYERS) if module in layer)
    assert others == set(LAYERS[layer][module].split())
    below = {f"digitlab.{name}" for layer in LAYERS[:layer] for name in layer}
    assert {name for name in found if name.split(".")[0] == "digitlab"} <= below


def test_folders_import_nothing():
    for path in PACKAGE.rglob("__init__.py"):
        assert imports(path) - sys.stdlib_module_names - {"importlib.util"} == set(), path


def test_imports_are_at_the_top():
    """An import within a function hides a dependency, and is right only for what few need."""
    late = {
        (module, name)
        for module, path in MODULES.items()
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(function, ast.FunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in [getattr(node, "module", None) or node.names[0].name]
    }
    assert late == {
        ("bulk.tables", "pyarrow"),  # CSV files do not need it
        ("bulk.tables", "pyarrow.parquet"),
    }


def imported_by(code: str) -> set[str]:
    """Modules that a new Python process has imported after `code`."""
    code += "\nimport sys; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return set(run.stdout.split())


HEAVY = {"tensorflow", "keras", "tf_keras", "tensorflowjs", "matplotlib"}
HEAVY |= {"anywidget", "ipycanvas", "ipywidgets", "IPython"}
HEAVY |= {"dask", "distributed", "pyarrow"}
HEAVY |= {"scipy.ndimage"}  # needed for pictures only


def test_import_costs_nothing():
    assert not imported_by("import digitlab; dir(digitlab)") & {*HEAVY, "numpy", "PIL", "pooch"}


def test_reading_needs_no_tensorflow():
    code = "import digitlab; digitlab.load_recognizer().predict(digitlab.stored_drawing(5))\n"
    code += "digitlab.read_to_table"
    assert not imported_by(code) & HEAVY


def test_the_pad_needs_no_tensorflow():
    code = "import digitlab; pad = digitlab.DrawingPad(explain=True)\n"
    code += "pad.draw(digitlab.stored_drawing(5))\n"
    code += "assert 'Layer 7' in repr(pad.children)"
    assert not imported_by(code) & {"tensorflow", "keras", "tf_keras", "scipy.ndimage"}


@pytest.mark.slow
def test_public_names():
    assert set(digitlab.__all__) == {*digitlab._MODULES, "__version__"}
    for name in digitlab.__all__:
        assert name == "__version__" or getattr(digitlab, name).__doc__
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        digitlab.nonsense  # noqa: B018  (looking it up is the test)
