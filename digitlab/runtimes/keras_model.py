"""Keras models as runtimes: their answers, and what each layer computes on the way.

A layer's own `input` and `output` may belong to another model, from which it was taken. So a
Sequential model is computed layer by layer, and a functional one by its own graph.
"""

import hashlib
import inspect
import sys
from collections import Counter
from typing import Any

import numpy as np

from digitlab.images import INPUTS, SIZE


class KerasModel:
    """A Sequential or functional Keras model, of any precision and backend.

    Raises:
        ValueError: The model takes something other than images.
    """

    def __init__(self, model: Any):
        _input_shape(model)
        self._model = model

    def __call__(self, batch: np.ndarray) -> Any:
        """See `Runtime`."""
        # Without `training=False`, augmentation layers would change the images.
        answer = self._model(as_input(self._model, batch), training=False)
        return as_float32(answer) if _keras().ops.is_tensor(answer) else answer

    def activations(self, batch: np.ndarray) -> dict[str, np.ndarray]:
        """Return each layer's output, under the layer's kind and number: "ReLU 1".

        A layer is left out if the next one only normalises or activates its output, or if it only
        passes on its input.
        """
        keras = _keras()
        layers = keras.layers
        finishes = (
            *(layers.BatchNormalization, layers.Activation, layers.Softmax),
            *(layers.ReLU, layers.LeakyReLU, layers.PReLU, layers.ELU),
        )
        passes = (layers.InputLayer, layers.Dropout, layers.Flatten)
        model, batch = self._model, as_input(self._model, batch)
        following = _following(model)
        last = next(layer for layer in reversed(following) if not following[layer])
        shown = [
            layer
            for layer in model.layers
            if layer is not last
            and not isinstance(layer, passes)
            and not all(isinstance(after, finishes) for after in following[layer])
        ]
        kept, count = {}, Counter[str]()
        for layer in [*shown, last]:
            kind = type(layer).__name__
            count[kind] += 1
            kept[f"{kind} {count[kind]}"] = layer
        if isinstance(model, keras.Sequential):
            outputs, output = {}, batch
            for layer in model.layers:
                output = outputs[layer] = _output_of(layer, output)
            found = [outputs[layer] for layer in kept.values()]
        else:
            ends = [_call_of(model, layer).outputs[0] for layer in kept.values()]
            found = keras.Model(model.inputs[0], {str(i): end for i, end in enumerate(ends)})(
                batch, training=False
            ).values()
        named = zip(kept, found, strict=True)
        return {name: as_float32(output)[0] for name, output in named if output.ndim in (2, 4)}

    def with_features(self, batch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """See `Runtime`."""
        return self(batch), features_of(self._model, as_input(self._model, batch))

    def checksum(self) -> str:
        """See `Runtime`."""
        weights = (as_float32(weight).tobytes() for weight in self._model.weights)
        return hashlib.sha256(b"".join(weights)).hexdigest()


def _keras() -> Any:
    """Return the module `keras`. It is imported already, because there is a Keras model."""
    return sys.modules["keras"]


def as_input(model: Any, batch: np.ndarray) -> np.ndarray:
    """Return images (n, 28, 28, 1) in the shape in which a Keras model takes them.

    Raises:
        ValueError: It takes something other than images.
    """
    return batch.reshape(len(batch), *_input_shape(model))


def _input_shape(model: Any) -> tuple[int, ...]:
    """Return the shape in which a Keras model takes an image, one of `INPUTS`."""
    inputs = getattr(model, "inputs", None)  # unknown until a model is built
    if not inputs:
        return INPUTS[0]
    taken = [tuple(each.shape) for each in inputs]
    for shape in INPUTS:
        if [len(each) for each in taken] == [1 + len(shape)] and all(
            side in (None, known) for side, known in zip(taken[0][1:], shape, strict=True)
        ):
            return shape
    raise ValueError(
        f"expected a model that takes images (n, {SIZE}, {SIZE}, 1), got one for "
        f"{', '.join(map(str, taken))}"
    )


def features_of(model: Any, batch: Any) -> np.ndarray:
    """Compute what a Keras model's last dense layer gets, (n, features) float32.

    The layer may be in a nested model.

    Args:
        model: The model.
        batch: What it takes, see `as_input`.

    Raises:
        ValueError: There is none.
    """
    dense = _keras().layers.Dense

    def is_or_has_one(layer: Any) -> bool:
        return isinstance(layer, dense) or any(map(is_or_has_one, getattr(layer, "layers", ())))

    found = [layer for layer in model.layers if is_or_has_one(layer)]
    if not found:
        raise ValueError(f"expected a network with a Dense layer, {model.name} has none")
    tensor = _input_to(found[-1], model, batch)
    if not isinstance(found[-1], dense):
        return features_of(found[-1], tensor)
    return as_float32(tensor).reshape(len(batch), -1)


def _input_to(layer: Any, model: Any, batch: Any) -> Any:
    """Compute what one of a model's own layers gets, as at inference."""
    keras = _keras()
    if not isinstance(model, keras.Sequential):
        tensor = _call_of(model, layer).input_tensors[0]
        return keras.Model(model.inputs[0], tensor)(batch, training=False)
    tensor = batch
    for before in model.layers[: model.layers.index(layer)]:
        tensor = _output_of(before, tensor)
    return tensor


def _following(model: Any) -> dict[Any, list[Any]]:
    """Return, for each layer or operation of a model, those that take its output."""
    if isinstance(model, _keras().Sequential):
        layers = model.layers
        return {layer: layers[i : i + 1] for i, layer in enumerate(layers, start=1)}
    calls = [call for calls in model._nodes_by_depth.values() for call in calls]
    following: dict[Any, list[Any]] = {operation: [] for operation in model.operations}
    for call in calls:
        for tensor in call.input_tensors:
            following[tensor._keras_history.operation].append(call.operation)
    return following


def _call_of(model: Any, layer: Any) -> Any:
    """Return the node of a functional model's graph in which it calls a layer."""
    nodes = (node for nodes in model._nodes_by_depth.values() for node in nodes)
    return next(node for node in nodes if node.operation is layer)


def _output_of(layer: Any, tensor: Any) -> Any:
    """Compute a Keras layer's output, as at inference."""
    takes = inspect.signature(layer.call).parameters
    return layer(tensor, **({"training": False} if "training" in takes else {}))


def as_float32(tensor: Any) -> np.ndarray:
    """Convert a Keras tensor, which may have a lower precision, to an array."""
    ops = _keras().ops
    return ops.convert_to_numpy(ops.cast(tensor, "float32"))
