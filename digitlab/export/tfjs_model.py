"""The model for TensorFlow.js: a Keras 3 model is checked, and built once more in Keras 2.

TensorFlow.js 4.22, the last, reads what Keras 2 wrote, and cannot read Keras 3's `batch_shape`,
graph format, dtype policies and numbered weights. So the model is built once more, layer by layer,
in tf_keras, which is Keras 2.
"""

import inspect
import json
import re
from collections.abc import Iterator
from typing import Any, NoReturn

import keras
import numpy as np
import tf_keras

from digitlab.export.quantization import Weights
from digitlab.export.tfjs_layers import ACTIVATIONS, ANY, LAYERS, PASSES_ON, RENAMED, TRAINING_ONLY


def translate(model: keras.Model) -> tuple[dict[str, Any], dict[str, Weights]]:
    """Return the Keras 2 topology of a model, and its weights by TensorFlow.js' names."""
    kind, config = _translate_model(model)
    twin = (tf_keras.Sequential if kind == "Sequential" else tf_keras.Model).from_config(config)

    weights = {}
    for layer, copy in zip(flat_layers(model), flat_layers(twin), strict=True):
        values = layer.get_weights()
        shapes = [value.shape for value in values]
        expected = [tuple(weight.shape) for weight in copy.weights]
        if layer.name != copy.name or shapes != expected:
            _reject(layer, f"has weights of shapes {shapes}", f"{expected}, as TensorFlow.js has")
        for weight, value in zip(copy.weights, values, strict=True):
            # lstm/lstm_cell/kernel:0 in tf_keras is lstm/kernel in TensorFlow.js.
            name = f"{layer.name}/{weight.name.rsplit('/', 1)[-1].removesuffix(':0')}"
            if name in weights:
                _reject(layer, "is not the only one of its name", "names that differ")
            weights[name] = value
    return json.loads(twin.to_json(), object_hook=_without_training), weights


def _without_training(config: dict[str, Any]) -> dict[str, Any]:
    # SeparableConv2D of TensorFlow.js refuses the kernel_initializer that tf_keras writes.
    return {key: value for key, value in config.items() if not TRAINING_ONLY.fullmatch(key)}


def flat_layers(model: Any) -> Iterator[Any]:
    """Yield the layers of a model, and of the models in it."""
    for layer in model.layers:
        if hasattr(layer, "layers") and type(layer) is not keras.layers.Pipeline:
            yield from flat_layers(layer)
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
        _reject(layer, "has a name that TensorFlow.js refuses", "letters, digits and -._ alone")
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
        _reject(layer, f"is the operation {kind}", "layers, such as keras.layers.Add() for a sum")
    if getattr(keras.layers, kind, None) is not type(layer):
        what = f"is of the class {type(layer).__module__}.{kind}, which is not one of Keras' own"
        _reject(layer, what, f"one of {', '.join(LAYERS)}")
    if kind not in LAYERS and not _passes_on(layer):
        what = f"is a {kind}, which TensorFlow.js does not know or computes differently"
        _reject(layer, what, f"one of {', '.join(LAYERS)}")
    if layer.dtype_policy.name != "float32":
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
        elif allowed is ANY or allowed and value in allowed:
            config[RENAMED.get(option, option)] = value
        elif allowed or value and not TRAINING_ONLY.fullmatch(option):
            expected = " or ".join(map(repr, allowed or ["none"]))
            _reject(layer, f"has the option {option}={value!r}", expected)
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
    return kind in PASSES_ON and getattr(keras.layers, kind, None) is type(layer)


def _translate_activation(layer: Any, option: str, name: Any) -> str:
    """Return the Keras 2 name of a layer's activation, or refuse it."""
    # Keras writes a function of the user's that is called relu as "relu": ask for the function.
    builtin = isinstance(name, str) and getattr(layer, option) is keras.activations.get(name)
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
        # Of augmentation layers Keras notes training=True, and does not heed it in `predict`.
        heeded = option != "training" or not _passes_on(layer) or not _trains_by_default(layer)
        if value and heeded:
            _reject(layer, f"is called with {option}={value!r}", "a call on its input alone")
    tensors = call["args"]
    if len(tensors) == 1 and isinstance(tensors[0], list | tuple):
        tensors = tensors[0]
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
                        _reject(operations[name], what, "the calls nearest to the inputs first")
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


def check_values(weights: dict[str, Weights], quantize: str | None) -> None:
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


def _reject(layer: Any, what: str, expected: str) -> NoReturn:
    raise ValueError(
        f"The layer {layer.name!r} {what}; expected {expected}. Build the model without it: "
        "TensorFlow.js 4.22 would fail to load it, or compute something else."
    )
