"""The export to TensorFlow.js: a Keras 3 model becomes model.json and weights for a web page.

`digitlab.export.tfjs_model` translates the model to Keras 2; here the package tensorflowjs writes
it to a temporary folder, from which the files are moved into place.
"""

import hashlib
import importlib
import json
import os
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from types import ModuleType

import keras
import tensorflow  # before tensorflowjs: see _write_artifacts

from digitlab._io import with_checksum_json
from digitlab.export.quantization import QUANTIZATIONS, large_kernels
from digitlab.export.tfjs_model import check_values, translate

INSTALL = "pip install --no-deps tensorflowjs==4.22.0"

_MODEL = "model.json"


def export_tfjs(
    model: keras.Model, directory: str | os.PathLike[str], quantize: str | None = None
) -> Path:
    """Write a Keras 3 model for `tf.loadLayersModel` of TensorFlow.js 4.22.

    The weights' file names carry a hash of their content, and model.json is put in place last: a
    page never reads the old model with the new weights. An export that fails leaves everything as
    it was. One that succeeds removes the weights of the model.json that it replaced; other files
    in the folder stay. The same model gives the same bytes every time.

    What matters while training alone (compilation, initializers, regularizers, constraints) is not
    exported; augmentation layers such as RandomRotation become a Dropout, which passes on what it
    gets.

    Args:
        model: A `keras.Sequential` or a functional `keras.Model` in float32, built, compiled or
            not, of any inputs and outputs.
        directory: Where model.json and the weights go; made where it does not exist.
        quantize: How kernels are stored: None as they are (4 bytes a weight), "float16" (2) or
            "uint8" (1). TensorFlow.js computes in float32 in each case. Biases, statistics and the
            smallest kernels, a few hundredths of the weights, stay as they are.

    Returns:
        The path of model.json.

    Raises:
        TypeError: `model` is no Keras 3 model.
        ValueError: `quantize` is none of the three; the model is not built, has a layer, an
            option or a name that TensorFlow.js does not know, or weights that are not finite.
            Nothing is written then.
        ImportError: tensorflowjs is missing; the message names the command that adds it.
        OSError: The files cannot be written.
    """
    if quantize not in QUANTIZATIONS:
        choices = ", ".join(map(repr, QUANTIZATIONS))
        raise ValueError(f"quantize is {quantize!r}; expected one of {choices}.")
    write_artifacts = _write_artifacts()
    topology, weights = translate(model)
    check_values(weights, quantize)

    groups = [[{"name": name, "data": value} for name, value in weights.items()]]
    quantized = {quantize: large_kernels(weights)} if quantize else None

    target = Path(directory)
    new_folders = [path for path in (target, *target.parents) if not path.exists()]
    try:
        target.mkdir(parents=True, exist_ok=True)
        # Inside the target: what is moved from there stays on one file system, whatever is mounted.
        with tempfile.TemporaryDirectory(
            prefix=".export-", dir=target, ignore_cleanup_errors=True
        ) as fresh:
            try:
                write_artifacts(topology, groups, fresh, quantization_dtype_map=quantized)
            except tensorflow.errors.OpError as error:  # tensorflowjs writes through TensorFlow
                raise OSError(f"The export to {target} failed: {error.message}") from error
            _publish(Path(fresh), target)
    except BaseException:
        for folder in new_folders:
            with suppress(OSError):
                folder.rmdir()
        raise
    return target / _MODEL


# The files.


def _publish(fresh: Path, target: Path) -> None:
    """Move an export from `fresh` to `target`, so that model.json there is always whole."""
    document = json.loads((fresh / _MODEL).read_text("utf-8"))
    names = []
    for group in document["weightsManifest"]:
        for i, path in enumerate(group["paths"]):
            shard = fresh / path
            digest = hashlib.sha256(shard.read_bytes()).hexdigest()[:12]
            names.append(f"{shard.stem}-{digest}{shard.suffix}")
            shard.rename(fresh / names[-1])
            group["paths"][i] = names[-1]
    (fresh / _MODEL).write_text(with_checksum_json(document), "utf-8")

    old = _shards(target / _MODEL)
    added = [target / name for name in names if not (target / name).exists()]
    try:
        for name in [*names, _MODEL]:
            os.replace(fresh / name, target / name)
    except BaseException:
        if (fresh / _MODEL).exists():  # else it stands: Ctrl-C came after the last move
            for path in added:
                with suppress(OSError):
                    path.unlink(missing_ok=True)
        raise
    for name in old - set(names):
        with suppress(OSError):
            (target / name).unlink(missing_ok=True)


def _shards(model_json: Path) -> set[str]:
    """Return the names of the weight files that a model.json lists and that lie beside it."""
    try:
        document = json.loads(model_json.read_text("utf-8"))
        paths = [path for group in document["weightsManifest"] for path in group["paths"]]
        # It may come from anywhere: never a file in another folder, or one that holds no weights.
        return {path for path in paths if Path(path).name == path and path.endswith(".bin")}
    except (OSError, ValueError, KeyError, TypeError):
        return set()


# The package tensorflowjs.


@cache
def _write_artifacts() -> Callable[..., None]:
    """Return the function of tensorflowjs that writes a topology and weights, quantized or not.

    Not its save_keras_model: that goes through a file in the folder for temporary files, which it
    leaves there when it fails.

    tensorflowjs imports everything that it can convert: Decision Forests, TensorFlow Hub and JAX.
    They take 6 s, break with every second release of protobuf or setuptools, have no wheels for
    Windows or Python 3.13, and writing layers needs none of them. So empty modules stand in for
    them during this import alone; TensorFlow and Keras, which would take a stand-in for the real
    JAX, are imported before, at the top of this file. Afterwards both the stand-ins and the
    tensorflowjs that knows nothing else are forgotten: whoever imports it next gets all of it.
    """
    had = set(sys.modules)
    try:
        with _stand_ins(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # its own: the deprecations that it has not followed
            module = importlib.import_module("tensorflowjs.converters.keras_h5_conversion")
    except Exception as error:  # an old release beside a new NumPy fails in other ways, too
        raise ImportError(
            f"export_tfjs needs the Python package tensorflowjs 4.22.0, and importing it failed "
            f"({error}). Install it without what it pulls in: {INSTALL}"
        ) from error
    finally:
        for name in set(sys.modules) - had:
            if name.partition(".")[0] == "tensorflowjs":
                del sys.modules[name]
    return module.write_artifacts


@contextmanager
def _stand_ins() -> Iterator[None]:
    """Let empty modules stand in for what tensorflowjs imports and the export does not use."""
    unused = ["tensorflow_decision_forests", "tensorflow_hub"]
    unused += ["jax", "jax.experimental", "jax.experimental.jax2tf"]
    empty = {name: ModuleType(name) for name in unused if name.split(".")[0] not in sys.modules}
    sys.modules.update(empty)
    try:
        yield
    finally:
        for name, module in empty.items():
            if sys.modules.get(name) is module:
                del sys.modules[name]
