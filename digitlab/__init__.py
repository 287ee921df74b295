"""Learn handwritten digit recognition, and use it: MNIST, a CNN, TensorFlow.js, a drawing pad."""

import ast
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

__version__ = "0.1.0"

# Names are imported only when they are first used, because TensorFlow takes seconds. The stub,
# which type checkers and editors read, says where each public name lives.
_MODULES = {
    alias.name: str(statement.module)
    for statement in ast.parse(Path(__file__).with_suffix(".pyi").read_text("utf-8")).body
    if isinstance(statement, ast.ImportFrom)
    for alias in statement.names
}
# These modules need Keras, which comes with the extra "train".
_KERAS = {
    "digitlab.export.tfjs",
    "digitlab.export.tflite",
    "digitlab.inspection",
    "digitlab.training.augmentation",
    "digitlab.training.fine_tuning",
    "digitlab.training.loop",
    "digitlab.training.networks",
}


def __getattr__(name: str) -> Any:
    if name == "__all__":  # what can be imported here
        bare = find_spec("keras") is None
        return [
            "__version__",
            *(name for name, module in _MODULES.items() if not (bare and module in _KERAS)),
        ]
    if name not in _MODULES:
        raise AttributeError(f"module 'digitlab' has no attribute {name!r}")
    try:
        value = getattr(import_module(_MODULES[name]), name)
    except ModuleNotFoundError as error:
        package = "digitlab[train]" if _MODULES[name] in _KERAS else "digitlab"
        message = f"digitlab.{name} needs {error.name}: pip install '{package}'"
        if error.name in ("torch", "jax"):  # Keras imports its backend
            message = (
                f"digitlab.{name} needs {error.name}, because Keras is set to this backend, by "
                "KERAS_BACKEND or in ~/.keras/keras.json; install it, or set the backend to "
                "tensorflow"
            )
        # `hasattr` needs an AttributeError; `from digitlab import train` would drop its message.
        importing = sys._getframe(1).f_globals.get("__name__") == "importlib._bootstrap"
        raise (ImportError if importing else AttributeError)(message) from error
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __getattr__("__all__")
