"""The export to TensorFlow.js: a Keras 3 model becomes model.json and weights for a web page.

TensorFlow.js 4.22, the last, reads what Keras 2 wrote and stumbles over Keras 3: `batch_shape`, the
new graph format, dtype policies, weights that are called by number. So the model is built once
more, layer by layer, in tf_keras, which is Keras 2; the package tensorflowjs writes that twin.

TensorFlow.js also takes an option that it does not have for one that is not there, and computes
something else without a word. So only what it is known to compute as Keras does is let through:
the table below, made from the sources of @tensorflow/tfjs-layers 4.22, and tests/test_tfjs.py runs
every layer of it.
"""

import hashlib
import importlib
import inspect
import json
import os
import re
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple, NoReturn

import keras
import numpy as np
import tensorflow  # noqa: F401  (before tensorflowjs: see _write_artifacts)
import tf_keras
from numpy.typing import NDArray

from digitlab._io import with_checksum_json

QUANTIZATIONS = (None, "float16", "uint8")
INSTALL = "pip install --no-deps tensorflowjs==4.22.0"

Weights = NDArray[np.float32]

_MODEL = "model.json"
_ANY = object()
_SAME_OR_VALID = ("same", "valid")
_LAST = ("channels_last",)

# Keras' names of the activations that TensorFlow.js computes alike, and their names there.
# Not hard_sigmoid: Keras 3's is relu6(x + 3) / 6, TensorFlow.js' is Keras 2's, 0.2 x + 0.5.
_ACTIVATIONS = {
    "elu": "elu",
    "gelu": "gelu",
    "linear": "linear",
    "log_softmax": "log_softmax",
    "mish": "mish",
    "relu": "relu",
    "relu6": "relu6",
    "selu": "selu",
    "sigmoid": "sigmoid",
    "silu": "swish",
    "softmax": "softmax",
    "softplus": "softplus",
    "softsign": "softsign",
    "tanh": "tanh",
}


class _Known(NamedTuple):
    """What TensorFlow.js computes of one layer as Keras does."""

    options: dict[str, Any]  # the values each option may have; every other option must be unset
    ranks: range = range(2, 6)  # how many dimensions the input may have, the batch's included


def _known(names: str = "", ranks: range = range(2, 6), **only: Any) -> _Known:
    return _Known({name: _ANY for name in names.split()} | only, ranks)


_POOL = _known("pool_size strides", padding=_SAME_OR_VALID, data_format=_LAST)
_GLOBAL_POOL = _known(data_format=_LAST)
_RECURRENT = "units activation recurrent_activation use_bias dropout recurrent_dropout"
_LAYERS = {
    "Activation": _known("activation"),
    "Add": _known(),
    "Average": _known(),
    "AveragePooling1D": _POOL,
    "AveragePooling2D": _POOL,
    "BatchNormalization": _known(
        "epsilon center scale momentum",
        ranks=range(2, 5),
        axis=(-1,),  # any but the last gives wrong numbers
    ),
    "Concatenate": _known("axis"),
    "Conv1D": _known(
        "filters kernel_size strides dilation_rate activation use_bias",
        padding=_SAME_OR_VALID,  # "causal" raises
        data_format=_LAST,
        groups=(1,),  # not read
    ),
    "Conv2D": _known(
        "filters kernel_size strides dilation_rate activation use_bias",
        padding=_SAME_OR_VALID,
        data_format=_LAST,
        groups=(1,),  # not read
    ),
    "Conv2DTranspose": _known(
        "filters kernel_size strides activation use_bias",
        padding=_SAME_OR_VALID,
        data_format=_LAST,
        dilation_rate=((1, 1),),  # not read
    ),
    "Cropping2D": _known("cropping", data_format=_LAST),
    "Dense": _known("units activation use_bias"),
    "DepthwiseConv2D": _known(
        "kernel_size strides depth_multiplier activation use_bias",
        padding=_SAME_OR_VALID,
        data_format=_LAST,
        dilation_rate=((1, 1),),  # not read
    ),
    "Dropout": _known("rate"),
    "ELU": _known(alpha=(1.0,)),  # any other raises
    "Flatten": _known(data_format=_LAST, ranks=range(3, 6)),  # a flat input raises
    "GRU": _known(
        f"{_RECURRENT} return_sequences go_backwards",
        reset_after=(False,),  # True, Keras' default, raises
    ),
    "GaussianDropout": _known("rate"),
    "GaussianNoise": _known("stddev"),
    "GlobalAveragePooling1D": _GLOBAL_POOL,
    "GlobalAveragePooling2D": _GLOBAL_POOL,
    "GlobalMaxPooling1D": _GLOBAL_POOL,
    "GlobalMaxPooling2D": _GLOBAL_POOL,
    "LSTM": _known(f"{_RECURRENT} unit_forget_bias return_sequences go_backwards"),
    "LayerNormalization": _known("axis epsilon center scale", ranks=range(2, 5)),
    "LeakyReLU": _known("negative_slope"),
    "MaxPooling1D": _POOL,
    "MaxPooling2D": _POOL,
    "Maximum": _known(),
    "Minimum": _known(),
    "Multiply": _known(),
    "PReLU": _known("shared_axes"),
    "Permute": _known("dims"),
    "ReLU": _known("max_value"),
    "RepeatVector": _known("n"),
    "Rescaling": _known("scale offset"),
    "Reshape": _known("target_shape"),
    "SeparableConv2D": _known(
        "filters kernel_size strides dilation_rate depth_multiplier activation use_bias",
        padding=_SAME_OR_VALID,
        data_format=_LAST,
    ),
    "SimpleRNN": _known(
        "units activation use_bias dropout recurrent_dropout return_sequences go_backwards"
    ),
    "Softmax": _known(axis=(-1,)),  # any but the last raises
    "SpatialDropout1D": _known("rate"),
    "UpSampling2D": _known(
        "size",
        data_format=_LAST,
        interpolation=("nearest",),  # "bilinear" takes other sampling points
    ),
    "ZeroPadding2D": _known("padding", data_format=_LAST),
}

# Layers that change something while training alone.
_PASSES_ON = {
    *("ActivityRegularization", "AlphaDropout", "Identity", "SpatialDropout2D", "SpatialDropout3D"),
    *("AugMix", "CutMix", "MixUp", "RandAugment", "RandomBrightness", "RandomColorDegeneration"),
    *("RandomColorJitter", "RandomContrast", "RandomElasticTransform", "RandomErasing"),
    *("RandomFlip", "RandomGaussianBlur", "RandomGrayscale", "RandomHue", "RandomInvert"),
    *("RandomPerspective", "RandomPosterization", "RandomRotation", "RandomSaturation"),
    *("RandomSharpness", "RandomShear", "RandomTranslation", "RandomZoom"),
}

# Options that matter while training alone: not exported.
_TRAINING = re.compile(
    r".*_(initializer|regularizer|constraint)|seed|noise_shape|renorm_momentum|synchronized"
)
_RENAMED = {"negative_slope": "alpha"}  # from Keras 3 to Keras 2


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
    topology, weights = _twin(model)
    _check_values(weights, quantize)

    groups = [[{"name": name, "data": value} for name, value in weights.items()]]
    quantized = {quantize: _large_kernels(weights)} if quantize else None

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


# The model: checked, and built once more in tf_keras.


def _twin(model: keras.Model) -> tuple[dict[str, Any], dict[str, Weights]]:
    """Return the Keras 2 topology of a model, and its weights by TensorFlow.js' names."""
    kind, config = _translate_model(model)
    twin = (tf_keras.Sequential if kind == "Sequential" else tf_keras.Model).from_config(config)

    weights = {}
    for layer, copy in zip(_leaves(model), _leaves(twin), strict=True):
        values = layer.get_weights()
        shapes = [value.shape for value in values]
        expected = [tuple(weight.shape) for weight in copy.weights]
        if layer.name != copy.name or shapes != expected:
            _refuse(layer, f"has weights of shapes {shapes}", f"{expected}, as TensorFlow.js has")
        for weight, value in zip(copy.weights, values, strict=True):
            # lstm/lstm_cell/kernel:0 in tf_keras is lstm/kernel in TensorFlow.js.
            name = f"{layer.name}/{weight.name.rsplit('/', 1)[-1].removesuffix(':0')}"
            if name in weights:
                _refuse(layer, "is not the only one of its name", "names that differ")
            weights[name] = value
    return json.loads(twin.to_json(), object_hook=_without_training), weights


def _without_training(config: dict[str, Any]) -> dict[str, Any]:
    # SeparableConv2D of TensorFlow.js refuses the kernel_initializer that tf_keras writes.
    return {key: value for key, value in config.items() if not _TRAINING.fullmatch(key)}


def _leaves(model: Any) -> Iterator[Any]:
    """Yield the layers of a model, and of the models in it."""
    for layer in model.layers:
        if hasattr(layer, "layers") and type(layer) is not keras.layers.Pipeline:
            yield from _leaves(layer)
        elif type(layer).__name__ != "InputLayer":  # tf_keras lists it in a Sequential, Keras not
            yield layer


def _translate_model(model: Any) -> tuple[str, dict[str, Any]]:
    """Return class name and Keras 2 config of a Keras 3 model."""
    if not isinstance(model, keras.Model):
        raise TypeError(
            f"model is of type {type(model).__module__}.{type(model).__name__}; "
            "expected a Keras 3 model, keras.Sequential or keras.Model."
        )
    kind = type(model).__name__
    if kind not in ("Sequential", "Functional") or not type(model).__module__.startswith("keras."):
        raise ValueError(
            f"The model {model.name!r} is a {kind}, a class of its own; expected a "
            "keras.Sequential or a functional model. Where it has inputs and outputs, export "
            "keras.Model(model.inputs, model.outputs)."
        )
    try:
        inputs = model.inputs
    except AttributeError:  # so Keras says that there are none yet
        inputs = None
    if not inputs:
        raise ValueError(
            f"The model {model.name!r} is not built; expected one whose input shape is known. "
            "Begin it with keras.Input(shape), or call it on a batch of images first."
        )
    for tensor in inputs:
        if tensor.dtype != "float32":
            raise ValueError(
                f"The model {model.name!r} takes {tensor.dtype}; expected float32. Leave the dtype "
                "of its keras.Input away."
            )
    if kind == "Sequential":
        layers = [_translate_layer(layer) for layer in model.layers]
        name = model.get_config()["layers"][0]["config"]["name"]
        first = {"batch_input_shape": list(inputs[0].shape), "dtype": "float32", "name": name}
        layers.insert(0, {"class_name": "InputLayer", "config": first})
        return kind, {"name": model.name, "layers": layers}

    operations = {layer.name: layer for layer in model.operations}
    translated = {name: _translate_layer(layer) for name, layer in operations.items()}
    config = model.get_config()  # the graph; after the layers, for a custom layer's may raise
    layers = []
    for entry in config["layers"]:
        name = entry["name"]
        calls = [_translate_call(call, operations[name]) for call in entry["inbound_nodes"]]
        for call in calls:
            for source in call:
                # In Keras 2 and TensorFlow.js a model is born with a call, of its own inputs.
                source[1] += isinstance(operations[source[0]], keras.Model)
        layers.append(translated[name] | {"name": name, "inbound_nodes": calls})
    _check_order(layers, operations)
    ends = {end: _translate_ends(config[end], model) for end in ("input_layers", "output_layers")}
    for end in ends["output_layers"]:
        # Here Keras 3 counts that call too, though of functional models alone.
        end[1] += isinstance(operations[end[0]], keras.Sequential)
    return kind, {"name": model.name, "layers": layers} | ends


def _translate_layer(layer: Any) -> dict[str, Any]:
    """Return class name and Keras 2 config of a Keras 3 layer, or refuse it."""
    kind = type(layer).__name__
    if not re.fullmatch(r"[A-Za-z0-9][-\w.]*", layer.name, re.ASCII):
        _refuse(layer, "has a name that TensorFlow.js refuses", "letters, digits and -._ alone")
    if isinstance(layer, keras.Model):
        kind, config = _translate_model(layer)
        return {"class_name": kind, "config": config}
    if isinstance(layer, keras.layers.InputLayer):
        config = {
            "batch_input_shape": list(layer.batch_shape),
            "dtype": "float32",  # of tf_keras' own, which the user's settings may change
            "name": layer.name,
        }
        return {"class_name": kind, "config": config}
    if not isinstance(layer, keras.layers.Layer):
        _refuse(layer, f"is the operation {kind}", "layers, such as keras.layers.Add() for a sum")
    if getattr(keras.layers, kind, None) is not type(layer):
        what = f"is of the class {type(layer).__module__}.{kind}, which is not one of Keras' own"
        _refuse(layer, what, f"one of {', '.join(_LAYERS)}")
    if kind not in _LAYERS and not _passes_on(layer):
        what = f"is a {kind}, which TensorFlow.js does not know or computes differently"
        _refuse(layer, what, f"one of {', '.join(_LAYERS)}")
    if layer.dtype_policy.name != "float32":
        _refuse(layer, f"computes in {layer.dtype_policy.name}", "float32")

    config = {"name": layer.name, "trainable": layer.trainable, "dtype": "float32"}
    if _passes_on(layer):
        return {"class_name": "Dropout", "config": config | {"rate": 0.0}}

    known = _LAYERS[kind]
    shape = (layer.get_build_config() or {}).get("input_shape") or [()]
    rank = len(shape) if isinstance(shape[0], int | None) else None  # None: several inputs
    if rank and rank not in known.ranks:
        dimensions = f"{known.ranks[0]} to {known.ranks[-1]}"
        _refuse(layer, f"has an input of {rank} dimensions", dimensions)

    for option, value in layer.get_config().items():
        if option in ("name", "trainable", "dtype"):
            continue
        if option.endswith("activation"):
            value = _translate_activation(layer, option, value)
        if option == "axis" and rank and value == rank - 1:
            value = -1
        allowed = known.options.get(option)
        if option.endswith("_initializer"):
            # The weights come from a file; and tf_keras would draw from Python's random numbers.
            config[option] = "zeros"
        elif allowed is _ANY or allowed and value in allowed:
            config[_RENAMED.get(option, option)] = value
        elif allowed or value and not _TRAINING.fullmatch(option):
            expected = " or ".join(map(repr, allowed or ["none"]))
            _refuse(layer, f"has the option {option}={value!r}", expected)
    return {"class_name": kind, "config": config}


def _trains_by_default(layer: Any) -> bool:
    """Whether a layer that is called without `training` does as in training."""
    parameter = inspect.signature(layer.call).parameters.get("training")
    return parameter is not None and parameter.default is True


def _passes_on(layer: Any) -> bool:
    """Whether a layer is one of Keras' own that does nothing when a network reads."""
    if type(layer) is keras.layers.Pipeline:
        return all(map(_passes_on, layer.layers))
    kind = type(layer).__name__
    return kind in _PASSES_ON and getattr(keras.layers, kind, None) is type(layer)


def _translate_activation(layer: Any, option: str, name: Any) -> str:
    """Return the Keras 2 name of a layer's activation, or refuse it."""
    # Keras writes a function of the user's that is called relu as "relu": ask for the function.
    builtin = isinstance(name, str) and getattr(layer, option) is keras.activations.get(name)
    if not builtin or name not in _ACTIVATIONS:
        why = (
            "TensorFlow.js does not know or computes differently" if builtin else "is a custom one"
        )
        expected = f"one of {', '.join(_ACTIVATIONS)}, or a layer such as keras.layers.LeakyReLU()"
        _refuse(layer, f"has the {option} {name!r}, which {why}", expected)
    return _ACTIVATIONS[name]


def _translate_call(call: dict[str, Any], layer: Any) -> list[list[Any]]:
    """Return one call of a layer as Keras 2 writes it: [layer, its call, its output, {}], ..."""
    for option, value in call["kwargs"].items():
        # Of augmentation layers Keras notes training=True, and does not heed it in `predict`.
        heeded = option != "training" or not _passes_on(layer) or not _trains_by_default(layer)
        if value and heeded:
            _refuse(layer, f"is called with {option}={value!r}", "a call on its input alone")
    tensors = call["args"]
    if len(tensors) == 1 and isinstance(tensors[0], list | tuple):
        tensors = tensors[0]
    elif len(tensors) != 1:
        _refuse(layer, f"is called with {len(tensors)} arguments", "a call on its input alone")
    histories = [
        tensor["config"]["keras_history"]
        for tensor in tensors
        if isinstance(tensor, dict) and tensor.get("class_name") == "__keras_tensor__"
    ]
    if len(histories) != len(tensors):
        _refuse(layer, "is called on a constant", "a call on tensors alone")
    return [[*history, {}] for history in histories]


def _check_order(layers: list[dict[str, Any]], operations: dict[str, Any]) -> None:
    """Refuse a graph that TensorFlow.js would put together differently.

    It goes through the layers again and again, makes each call as soon as what goes in is there,
    and numbers a layer's calls in the order in which it made them.
    """
    waiting = {layer["name"]: list(layer["inbound_nodes"]) for layer in layers}
    born = (keras.Model, keras.layers.InputLayer)
    made = {name: int(isinstance(operations[name], born)) for name in waiting}
    while any(waiting.values()):
        before = sum(made.values())
        for name, calls in waiting.items():
            for call in list(calls):
                if all(made[source] > number for source, number, *_ in call):
                    if call is not calls[0]:
                        what = "is called several times, in another order than the graph's"
                        _refuse(operations[name], what, "the calls nearest to the inputs first")
                    calls.pop(0)
                    made[name] += 1
        if sum(made.values()) == before:
            raise ValueError("The model's graph has calls that wait for each other.")


def _translate_ends(ends: Any, model: Any) -> list[list[Any]]:
    """Return a model's input or output layers as Keras 2 lists them: always in a list."""
    if isinstance(ends, list | tuple) and ends and isinstance(ends[0], str):
        ends = [ends]
    if not isinstance(ends, list | tuple) or not all(isinstance(end[0], str) for end in ends):
        raise ValueError(
            f"The model {model.name!r} has inputs or outputs in a {type(ends).__name__}; expected "
            "a tensor or a flat list of tensors. Export keras.Model(model.inputs, model.outputs)."
        )
    return [list(end) for end in ends]


def _large_kernels(weights: dict[str, Weights]) -> list[str]:
    """Return the names of the weights to quantize.

    Not vectors: a byte is too coarse for a variance. Nor the smallest kernels, a fiftieth of the
    weights at most: the first convolution's errors go through the whole network. With it, one
    trained pen_cnn in uint8 read 4 of MNIST's 10,000 test images differently, without it 2.
    """
    kernels = {name: value.size for name, value in weights.items() if value.ndim > 1}
    spare = sum(kernels.values()) / 50
    large = []
    for name in sorted(kernels, key=kernels.__getitem__):
        spare -= kernels[name]
        if spare < 0:
            large.append(name)
    return large


def _check_values(weights: dict[str, Weights], quantize: str | None) -> None:
    """Refuse values that cannot be stored."""
    for name, value in weights.items():
        if not np.isfinite(value).all():
            raise ValueError(
                f"The weights {name!r} hold values that are not finite; expected numbers. The "
                "training has diverged: train again, with a smaller learning rate."
            )
        limit = np.finfo("float16").max
        if quantize == "float16" and value.ndim > 1 and abs(value).max(initial=0) > limit:
            raise ValueError(
                f"The weights {name!r} reach {abs(value).max():g}; expected {limit:g} at most, the "
                'largest float16. Export with quantize=None or "uint8".'
            )


def _refuse(layer: Any, what: str, expected: str) -> NoReturn:
    raise ValueError(
        f"The layer {layer.name!r} {what}; expected {expected}. Build the model without it: "
        "TensorFlow.js 4.22 would fail to load it, or compute something else."
    )


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
