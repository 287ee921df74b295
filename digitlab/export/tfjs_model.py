"""The model for TensorFlow.js: a Keras 3 model is checked, and described as Keras 2 would.

TensorFlow.js 4.22, the last release, reads what Keras 2 wrote. It cannot read Keras 3's
`batch_shape`, graph format, dtype policies and numbered weights. So the layers' options and calls
are translated here into the topology that `tf.loadLayersModel` reads.
"""

import inspect
import json
import re
import warnings
from collections import Counter
from typing import Any, NoReturn

import keras
import numpy as np

from digitlab.export.quantization import Weights
from digitlab.export.tfjs_layers import (
    ACTIVATIONS,
    ANY,
    FLOATS,
    LAYERS,
    PASSES_ON,
    RENAMED,
    TRAINING_ONLY,
    WEIGHT_NAMES,
)
from digitlab.keras_checks import check_finite, check_type, flat_layers, model_inputs


def translate(model: keras.Model) -> tuple[dict[str, Any], dict[str, Weights]]:
    """Return the Keras 2 topology of a model, and its weights by TensorFlow.js' names."""
    kind, config = _translate_model(model)
    weights: dict[str, Weights] = {}
    for layer in flat_layers(model):
        for weight in () if _passes_on(layer) else layer.weights:
            own_name = WEIGHT_NAMES.get((type(layer).__name__, weight.name), weight.name)
            name = f"{layer.name}/{own_name}"
            if name in weights:
                _reject(layer, "has the same name as another", "unique names")
            weights[name] = keras.ops.convert_to_numpy(keras.ops.cast(weight, "float32"))
    _warn_of_precision(model)
    # Through JSON, as a page gets it, which also turns NumPy's numbers into plain ones.
    topology = {
        "class_name": kind,
        "config": config,
        "keras_version": "2.15.0",
        "backend": "tensorflow",
    }
    return json.loads(json.dumps(topology, default=lambda number: number.item())), weights


def _warn_of_precision(model: keras.Model) -> None:
    policies = {layer.dtype_policy.name for layer in flat_layers(model)} - {"float32"}
    if policies:
        warnings.warn(
            f"The model {model.name!r} computes in {', '.join(sorted(policies))}; TensorFlow.js "
            "will compute in float32, so its answers may differ a little.",
            stacklevel=4,  # the caller of export_tfjs
        )


def _translate_model(model: Any) -> tuple[str, dict[str, Any]]:
    """Return the class name and the Keras 2 config of a Keras 3 model."""
    check_type(model)
    kind = type(model).__name__
    if kind not in ("Sequential", "Functional") or not type(model).__module__.startswith("keras."):
        raise ValueError(
            f"The model {model.name!r} is a {kind}, a subclassed model; expected a "
            "keras.Sequential or a functional model. Where it has inputs and outputs, export "
            "keras.Model(model.inputs, model.outputs)."
        )
    inputs = model_inputs(model)
    for tensor in inputs:
        if tensor.dtype not in FLOATS:
            raise ValueError(
                f"The model {model.name!r} takes {tensor.dtype}; expected float32. Build it "
                "without a dtype for its keras.Input."
            )
    if kind == "Sequential":
        first = inputs[0]._keras_history.operation  # the InputLayer, which `layers` leaves out
        layers = [_translate_layer(layer) for layer in (first, *model.layers)]
        return kind, {"name": model.name, "layers": layers}

    operations = {layer.name: layer for layer in model.operations}
    translated = {name: _translate_layer(layer) for name, layer in operations.items()}
    config = model.get_config()  # the graph; read last, because custom layers may raise here
    layers = []
    for entry in config["layers"]:
        name = entry["name"]
        calls = [_translate_call(call, operations[name]) for call in entry["inbound_nodes"]]
        for call in calls:
            for source in call:
                # In Keras 2 and TensorFlow.js, a model's first call is the one on its own inputs.
                source[1] += isinstance(operations[source[0]], keras.Model)
        layers.append(translated[name] | {"name": name, "inbound_nodes": calls})
    _check_order(layers, operations)
    ends = {end: _translate_ends(config[end], model) for end in ("input_layers", "output_layers")}
    for end in ends["output_layers"]:
        # Here Keras 3 counts that call, too, but only for functional models.
        end[1] += isinstance(operations[end[0]], keras.Sequential)
    _check_repeats(layers, operations, ends["output_layers"])
    return kind, {"name": model.name, "layers": layers} | ends


def _translate_layer(layer: Any) -> dict[str, Any]:
    """Return the class name and the Keras 2 config of a Keras 3 layer, or reject it."""
    kind = type(layer).__name__
    if not re.fullmatch(r"[A-Za-z0-9][-\w.]*", layer.name, re.ASCII):
        _reject(layer, "has a name that TensorFlow.js rejects", "only letters, digits and -._")
    if isinstance(layer, keras.Model):
        kind, config = _translate_model(layer)
        return {"class_name": kind, "config": config}
    if isinstance(layer, keras.layers.InputLayer):
        config = {
            "batch_input_shape": list(layer.batch_shape),
            "dtype": "float32",
            "name": layer.name,
        }
        return {"class_name": kind, "config": config}
    if not isinstance(layer, keras.layers.Layer):
        _reject(layer, f"is the operation {kind}", "layers, such as keras.layers.Add() for a sum")
    if getattr(keras.layers, kind, None) is not type(layer):
        what = f"is of the class {type(layer).__module__}.{kind}, which is not one of Keras' own"
        _reject(layer, what, f"one of {', '.join(LAYERS)}")
    if kind not in LAYERS and not _passes_on(layer):
        what = f"is a {kind}, which TensorFlow.js does not know or computes differently"
        if ".preprocessing." in type(layer).__module__:
            rest = f"keras.Model(model.get_layer({layer.name!r}).output, model.outputs)"
            _reject(
                layer, what, f"a model without it; the page can do its work, and {rest} the rest"
            )
        _reject(layer, what, f"one of {', '.join(LAYERS)}")
    if layer.compute_dtype not in FLOATS or layer.quantization_mode is not None:
        _reject(layer, f"computes in {layer.dtype_policy.name}", "float32")

    config = {"name": layer.name, "trainable": layer.trainable, "dtype": "float32"}
    if _passes_on(layer):
        return {"class_name": "Dropout", "config": config | {"rate": 0.0}}

    known = LAYERS[kind]
    shape = (layer.get_build_config() or {}).get("input_shape") or [()]
    rank = len(shape) if isinstance(shape[0], int | None) else None  # None: several inputs
    if rank and rank not in known.ranks:
        dimensions = f"{known.ranks[0]} to {known.ranks[-1]}"
        _reject(layer, f"has an input of {rank} dimensions", dimensions)

    # First, because a config with a function of the user's own may not be readable.
    functions = [name for name in ("activation", "recurrent_activation") if hasattr(layer, name)]
    activations = {name: _translate_activation(layer, name) for name in functions}
    for option, value in (layer.get_config() | activations).items():
        if option in ("name", "trainable", "dtype"):
            continue
        value = _translate_value(layer, option, value, rank)
        if value == "same" and _leaves_pixels(layer, shape):
            what = f"has the option {option}={value!r} with strides that leave pixels at the edge"
            _reject(layer, f"{what}, for which TensorFlow.js computes wrong numbers", "'valid'")
        allowed = known.options.get(option)
        if allowed is ANY or allowed and value in allowed:
            config[RENAMED.get(option, option)] = value
        elif allowed or value and not TRAINING_ONLY.fullmatch(option):
            expected = " or ".join(map(repr, allowed or ())) or "none"
            _reject(layer, f"has the option {option}={value!r}", expected)
    if getattr(layer, "output_padding", None) is not None:  # Keras leaves it out of the config
        _reject(layer, f"has the option output_padding={layer.output_padding!r}", "none")
    return {"class_name": kind, "config": config}


def _translate_value(layer: Any, option: str, value: Any, rank: int | None) -> Any:
    """Write an option as TensorFlow.js understands it.

    Args:
        layer: The layer.
        option: The option's name.
        value: Its value in Keras.
        rank: How many dimensions the layer's input has; None for several inputs.
    """
    if option == "axis" and rank and value == rank - 1:
        return -1
    if option == "axis" and type(layer) is keras.layers.Concatenate:
        return value % len(layer.input[0].shape)  # TensorFlow.js takes any other -n as -1
    if option == "shared_axes" and rank and value:
        # Keras takes `axis - 1` as an index of the sizes without the batch.
        axes = sorted({(axis - 1) % (rank - 1) + 1 for axis in value})
        if axes != list(range(1, len(axes) + 1)):  # wrong numbers from WebAssembly
            _reject(layer, f"has the option {option}={value!r}", "the first axes, such as [1, 2]")
        return axes
    if option == "target_shape" and -1 in value:
        # TensorFlow.js works out a missing size only if it knows how many images come.
        sizes = layer.output.shape[1:]
        if None in sizes:
            _reject(layer, f"has the option {option}={value!r}", "every size")
        return sizes
    if option in ("scale", "offset") and type(layer) is keras.layers.Rescaling:
        return np.asarray(getattr(layer, option)).tolist()  # a number or a list of them
    return value


def _leaves_pixels(layer: Any, shape: Any) -> bool:
    """Whether a convolution with padding "same" needs none, because it does not reach the edge.

    TensorFlow.js pads in WebAssembly all the same.

    Args:
        layer: Any layer.
        shape: Its input's, with the batch.
    """
    if not hasattr(layer, "kernel_size") or type(layer) is keras.layers.Conv2DTranspose:
        return False
    axes = [*zip(shape[1:-1], layer.kernel_size, layer.strides, strict=True)]
    one = all(kernel == 1 for _, kernel, _ in axes)  # its strides are taken right
    return not one and any(
        stride > kernel if size is None else (size - 1) // stride * stride + kernel < size
        for size, kernel, stride in axes
    )


def _trains_by_default(layer: Any) -> bool:
    """Whether a layer that is called without `training` acts as in training."""
    parameter = inspect.signature(layer.call).parameters.get("training")
    return parameter is not None and parameter.default is True


def _passes_on(layer: Any) -> bool:
    """Whether a layer is one of Keras' own that does nothing at inference."""
    if type(layer) is keras.layers.Pipeline:
        return all(map(_passes_on, layer.layers))
    kind = type(layer).__name__
    return kind in PASSES_ON and getattr(keras.layers, kind, None) is type(layer)


def _translate_activation(layer: Any, option: str) -> str:
    """Return the Keras 2 name of a layer's activation, or raise."""
    function = getattr(layer, option)
    name = getattr(function, "__name__", type(function).__name__)
    # The user's own function may have the name of one of Keras': compare the functions.
    builtin = function is getattr(keras.activations, name, None)
    if not builtin or name not in ACTIVATIONS:
        why = (
            "TensorFlow.js does not know or computes differently" if builtin else "is a custom one"
        )
        expected = f"one of {', '.join(ACTIVATIONS)}, or a layer such as keras.layers.LeakyReLU()"
        _reject(layer, f"has the {option} {name!r}, which {why}", expected)
    return ACTIVATIONS[name]


def _translate_call(call: dict[str, Any], layer: Any) -> list[list[Any]]:
    """Return one call of a layer as Keras 2 writes it: [layer, its call, its output, {}], ..."""
    for option, value in call["kwargs"].items():
        # For augmentation layers Keras records training=True, which `predict` overrides.
        counts = option != "training" or not _passes_on(layer) or not _trains_by_default(layer)
        given = any(value) if isinstance(value, list | tuple) else value  # a mask for each input
        if given and counts:
            _reject(layer, f"is called with {option}={value!r}", "a call on its input alone")
    tensors = call["args"]
    if len(tensors) == 1 and isinstance(tensors[0], list | tuple):
        tensors = tensors[0]
        if len(tensors) == 1 and not isinstance(layer, keras.Model):
            _reject(layer, "is called on a list of one tensor", "two or more")
    elif len(tensors) != 1:
        _reject(layer, f"is called with {len(tensors)} arguments", "a call on its input alone")
    histories = [
        tensor["config"]["keras_history"]
        for tensor in tensors
        if isinstance(tensor, dict) and tensor.get("class_name") == "__keras_tensor__"
    ]
    if len(histories) != len(tensors):
        _reject(layer, "is called on a constant", "a call on tensors alone")
    return [[*history, {}] for history in histories]


def _check_order(layers: list[dict[str, Any]], operations: dict[str, Any]) -> None:
    """Raise for a graph that TensorFlow.js would build differently.

    TensorFlow.js goes through the layers again and again, makes each call as soon as its inputs are
    there, and numbers a layer's calls in that order.
    """
    waiting = {layer["name"]: list(layer["inbound_nodes"]) for layer in layers}
    begun = (keras.Model, keras.layers.InputLayer)  # these have their first call already
    made = {name: int(isinstance(operations[name], begun)) for name in waiting}
    while any(waiting.values()):
        before = sum(made.values())
        for name, calls in waiting.items():
            for call in list(calls):
                if all(made[source] > number for source, number, *_ in call):
                    if call is not calls[0]:
                        what = "is called several times, in another order than the graph's"
                        _reject(operations[name], what, "the calls nearest to the inputs first")
                    calls.pop(0)
                    made[name] += 1
        if sum(made.values()) == before:
            raise ValueError("The model's graph has calls that wait for each other.")


def _check_repeats(
    layers: list[dict[str, Any]], operations: dict[str, Any], outputs: list[list[Any]]
) -> None:
    """Raise for a call on a tensor twice that others need, too: TensorFlow.js drops it too soon.

    It keeps the model's inputs and outputs.
    """
    calls = [
        (layer["name"], [tuple(source[:3]) for source in call])
        for layer in layers
        for call in layer["inbound_nodes"]
    ]
    kept = {tuple(output) for output in outputs}
    users = Counter(tensor for _, tensors in calls for tensor in {*tensors})
    for name, tensors in calls:
        for tensor, times in Counter(tensors).items():
            source = operations[tensor[0]]
            is_kept = tensor in kept or isinstance(source, keras.layers.InputLayer)
            if times > 1 and users[tensor] > 1 and not is_kept:
                what = f"is called on the output of {source.name!r} twice, which others need, too"
                _reject(operations[name], what, "keras.layers.Identity() of it for one of them")


def _translate_ends(ends: Any, model: Any) -> list[list[Any]]:
    """Return a model's input or output layers as Keras 2 lists them: always in a list."""
    if isinstance(ends, list | tuple) and ends and isinstance(ends[0], str):
        ends = [ends]
    if not isinstance(ends, list | tuple) or not all(isinstance(end[0], str) for end in ends):
        raise ValueError(
            f"The model {model.name!r} has inputs or outputs in a {type(ends).__name__}; expected "
            "a tensor or a flat list of tensors. Export keras.Model(model.inputs, model.outputs)."
        )
    if len(set(map(tuple, ends))) < len(ends):
        raise ValueError(
            f"The model {model.name!r} gives an output twice, which TensorFlow.js cannot; expected "
            "each once."
        )
    return [list(end) for end in ends]


def check_values(weights: dict[str, Weights], quantize: str | None) -> None:
    """Raise for values that cannot be stored."""
    check_finite(weights)
    for name, value in weights.items():
        limit = np.finfo("float16").max
        if quantize == "float16" and value.ndim > 1 and abs(value).max(initial=0) > limit:
            raise ValueError(
                f"The weights {name!r} reach {abs(value).max():g}; expected {limit:g} at most, the "
                'largest float16. Export with quantize=None or "uint8".'
            )


def _reject(layer: Any, what: str, expected: str) -> NoReturn:
    raise ValueError(
        f"The layer {layer.name!r} {what}; expected {expected}. Change it or leave it "
        "out: TensorFlow.js 4.22 would fail to load it, or compute something else."
    )
