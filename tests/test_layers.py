"""The layers: what `import digitlab` costs, and that imports only go down."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import digitlab

PACKAGE = Path(digitlab.__file__).parent

# What each module may import besides the standard library.
MAY_IMPORT = {
    "__init__": set(),
    "files": set(),
    "data": {"numpy", "pooch", "tqdm", "digitlab.files"},
    "ink": {"numpy", "PIL"},
    "drawings": {"numpy", "digitlab.files", "digitlab.strokes"},
    "networks": {"keras"},
    "doodles": {"numpy"},
    "augment": {"keras", "numpy", "PIL", "skimage", "tqdm", "digitlab.doodles", "digitlab.strokes"},
    "training": {"keras", "numpy", "IPython"}
    | {"digitlab.augment", "digitlab.data", "digitlab.files"},
    "silence": set(),
    "recognizer": {"numpy", "PIL", "tqdm", "ai_edge_litert"}
    | {"digitlab.files", "digitlab.strokes", "digitlab.silence"}
    | {"tensorflow"}  # where ai_edge_litert has no wheel
    | {"digitlab"},  # by its lazy name, for Keras models: get_activations
    "plots": {"numpy", "matplotlib"},
    "plots_errors": {"numpy", "matplotlib", "sklearn", "digitlab.plots"},
    "plots_inside": {"numpy", "matplotlib", "digitlab.plots", "digitlab.saliency"},
    "saliency": {"numpy"},
    "inside": {"keras", "numpy", "tqdm"},
    "paper": {"numpy", "anywidget", "ipycanvas", "ipywidgets", "traitlets"},
    "readout": {"numpy", "PIL", "digitlab.recognizer", "digitlab.saliency"},
    "pad": {"numpy", "IPython", "ipywidgets", "traitlets"}
    | {
        f"digitlab.{name}"
        for name in ("drawings", "ink", "paper", "readout", "recognizer", "saliency")
    },
    "tfjs": {"numpy", "keras", "tensorflow", "tf_keras", "tensorflowjs", "digitlab.files"},
    "tflite": {"keras", "tensorflow", "digitlab.files", "digitlab.silence"},
    "site": {"pooch", "tqdm", "digitlab.files"},
}


def test_every_module_has_its_place():
    assert {path.stem for path in PACKAGE.glob("*.py")} == set(MAY_IMPORT)


@pytest.mark.parametrize("module", MAY_IMPORT)
def test_imports_go_down(module):
    tree = ast.parse((PACKAGE / f"{module}.py").read_text(encoding="utf-8"))
    imported = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports within the package are absolute"
            imported.add(node.module)
    tops = {name if name.startswith("digitlab") else name.split(".")[0] for name in imported}
    assert tops - sys.stdlib_module_names <= MAY_IMPORT[module]


def imported_by(code: str) -> set[str]:
    """Top-level modules that a fresh Python has imported after `code`."""
    code += "\nimport sys; print(*{name.split('.')[0] for name in sys.modules})"
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return set(run.stdout.split())


HEAVY = {"tensorflow", "keras", "tf_keras", "tensorflowjs", "matplotlib"}
HEAVY |= {"anywidget", "ipycanvas", "ipywidgets", "IPython"}


def test_import_costs_nothing():
    assert not imported_by("import digitlab; dir(digitlab)") & {*HEAVY, "numpy", "PIL", "pooch"}


def test_reading_needs_no_tensorflow():
    code = "import digitlab; digitlab.load_recognizer().predict(digitlab.stored_drawing(5))"
    assert not imported_by(code) & HEAVY


def test_the_pad_needs_no_tensorflow():
    code = "import digitlab; pad = digitlab.DrawingPad(explain=True)\n"
    code += "pad.draw(digitlab.stored_drawing(5)); assert 'Layer 7' in pad._reading.value"
    assert not imported_by(code) & {"tensorflow", "keras", "tf_keras"}


def test_public_names():
    for name in digitlab.__all__:
        assert name == "__version__" or getattr(digitlab, name).__doc__
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        digitlab.nonsense  # noqa: B018  (looking it up is the test)
