"""Runtimes: what computes a network's answers, behind one small interface.

LiteRT runs the shipped network. It starts in a fraction of a second, whereas TensorFlow takes
several seconds. Keras models and functions are wrapped, so that the recognizer need not know which
of them it has.
"""

import hashlib
import inspect
import os
import sys
import threading
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from digitlab._io import verified_content
from digitlab._stderr import silent_stderr
from digitlab._tflite import add_features_output
from digitlab.images import CLASSES, SIZE

try:
    from ai_edge_litert.interpreter import Interpreter, OpResolverType
except ImportError:  # no wheel for this platform: TensorFlow includes the same interpreter
    try:
        from tensorflow.lite.python.interpreter import Interpreter, OpResolverType
    except ImportError:
        raise ImportError(
            "digitlab needs LiteRT to run a network: pip install ai-edge-litert; on a Mac with an "
            "Intel processor, pip install 'tensorflow<2.17' with Python 3.10 to 3.12"
        ) from None
    warnings.warn(
        "ai-edge-litert is not installed, so TensorFlow's own LiteRT runs the networks. The "
        "answers are the same, but it takes longer to start.",
        stacklevel=2,
    )

# Threads for a batch. A batch takes a millisecond, so more threads would wait for each other. A
# single image gets one thread: two are no faster, and use twice the processor time.
_THREADS = min(4, os.cpu_count() or 1)


class Runtime(Protocol):
    """What the recognizer asks of a network."""

    def __call__(self, batch: np.ndarray) -> Any:
        """Return probabilities (n, 10) or (n, 11) for images (n, 28, 28, 1) float32 in [0, 1]."""

    def activations(self, batch: np.ndarray) -> dict[str, np.ndarray]:
        """Return each layer's output for one image (1, 28, 28, 1), by the layer's name."""

    def with_features(self, batch: np.ndarray) -> tuple[Any, np.ndarray]:
        """Return the answers, and the inputs of the last dense layer: (n, features) float32.

        Raises:
            ValueError: No dense layer is known.
        """

    def checksum(self) -> str:
        """Return a checksum that tells this network from others. Empty for a function."""


def as_runtime(model: Callable) -> Runtime:
    """Wrap a Keras model or another callable; a `Runtime` is returned unchanged.

    Raises:
        TypeError: It cannot be called.
    """
    if not callable(model):
        raise TypeError(
            "expected a Keras model or a callable from images (n, 28, 28, 1) to "
            f"probabilities (n, 10) or (n, 11), got {type(model).__name__}"
        )
    if isinstance(model, Function | KerasModel | LiteRT):
        return model
    # Only Keras' own classes: a user's class may compute anything between its layers.
    of_keras = type(model).__module__.startswith("keras.") and hasattr(model, "layers")
    return KerasModel(model) if of_keras else Function(model)


class Function:
    """Any callable from images (n, 28, 28, 1) to probabilities. Its layers are unknown."""

    def __init__(self, function: Callable[[np.ndarray], Any]):
        self._function = function

    def __call__(self, batch: np.ndarray) -> Any:
        """See `Runtime`."""
        return self._function(batch)

    def activations(self, batch: np.ndarray) -> dict[str, np.ndarray]:
        """Return nothing: there are no layers to look into."""
        return {}

    def with_features(self, batch: np.ndarray) -> tuple[Any, np.ndarray]:
        """See `Runtime`."""
        raise ValueError(
            "expected a network with layers, from load_recognizer() or a Keras model, "
            f"got {type(self._function).__name__}, which has none to learn with"
        )

    def checksum(self) -> str:
        """See `Runtime`."""
        return ""


class ImageFunction(Function):
    """A function of a single image (28, 28), called for each image of a batch."""

    def __call__(self, batch: np.ndarray) -> Any:
        """See `Runtime`."""
        return np.array([self._function(image) for image in batch[..., 0]])


class KerasModel:
    """A Sequential or functional Keras model, of any precision and backend."""

    def __init__(self, model: Any):
        self._model = model

    def _as_input(self, batch: np.ndarray) -> np.ndarray:
        """Make rows of images if the model expects those, (n, 784)."""
        shape = getattr(self._model, "input_shape", None)  # unknown until a model is built
        flat = isinstance(shape, tuple) and shape[1:] == (SIZE * SIZE,)
        return batch.reshape(len(batch), -1) if flat else batch

    def __call__(self, batch: np.ndarray) -> Any:
        """See `Runtime`."""
        # Without `training=False`, augmentation layers would change the images.
        answer = self._model(self._as_input(batch), training=False)
        return as_float32(answer) if sys.modules["keras"].ops.is_tensor(answer) else answer

    def activations(self, batch: np.ndarray) -> dict[str, np.ndarray]:
        """Return each layer's output, under the layer's kind and number: "ReLU 1".

        A layer is left out if the next one only normalises or activates its output, or if it only
        passes on its input.
        """
        keras = sys.modules["keras"]  # already imported, because the model is a Keras model
        layers = keras.layers
        finishes = (
            *(layers.BatchNormalization, layers.Activation, layers.Softmax),
            *(layers.ReLU, layers.LeakyReLU, layers.PReLU, layers.ELU),
        )
        passes = (layers.InputLayer, layers.Dropout, layers.Flatten)
        model, batch = self._model, self._as_input(batch)
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
            answers, answer = {}, _input_of(model, batch)
            for layer in model.layers:
                answer = answers[layer] = _answer_of(layer, answer)
            found = [answers[layer] for layer in kept.values()]
        else:
            ends = [_call_of(model, layer).outputs[0] for layer in kept.values()]
            found = keras.Model(model.inputs[0], {str(i): end for i, end in enumerate(ends)})(
                batch, training=False
            ).values()
        named = zip(kept, found, strict=True)
        return {name: as_float32(answer)[0] for name, answer in named if answer.ndim in (2, 4)}

    def with_features(self, batch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """See `Runtime`."""
        return self(batch), features_of(self._model, self._as_input(batch))

    def checksum(self) -> str:
        """See `Runtime`."""
        weights = (as_float32(weight).tobytes() for weight in self._model.weights)
        return hashlib.sha256(b"".join(weights)).hexdigest()


def features_of(model: Any, batch: Any) -> np.ndarray:
    """Compute what a Keras model's last dense layer gets, (n, features) float32.

    The layer may be in a nested model.

    Raises:
        ValueError: There is none.
    """
    dense = sys.modules["keras"].layers.Dense

    def is_or_has_one(layer: Any) -> bool:
        return isinstance(layer, dense) or any(map(is_or_has_one, getattr(layer, "layers", ())))

    found = [layer for layer in model.layers if is_or_has_one(layer)]
    if not found:
        raise ValueError(f"expected a network with a Dense layer, {model.name} has none")
    tensor = _input_to(found[-1], model, batch)
    if not isinstance(found[-1], dense):
        return features_of(found[-1], tensor)
    return as_float32(tensor).reshape(len(batch), -1)


# A layer's own `input` and `output` may belong to another model, from which it was taken. So a
# Sequential model is computed layer by layer, and a functional one by its own graph.


def _input_to(layer: Any, model: Any, batch: Any) -> Any:
    """Compute what one of a model's own layers gets, as at inference."""
    keras = sys.modules["keras"]
    if not isinstance(model, keras.Sequential):
        tensor = _call_of(model, layer).input_tensors[0]
        return keras.Model(model.inputs[0], tensor)(batch, training=False)
    tensor = _input_of(model, batch)
    for before in model.layers[: model.layers.index(layer)]:
        tensor = _answer_of(before, tensor)
    return tensor


def _following(model: Any) -> dict[Any, list[Any]]:
    """Return, for each layer or operation of a model, those that take its output."""
    if isinstance(model, sys.modules["keras"].Sequential):
        layers = model.layers
        return {layer: layers[i : i + 1] for i, layer in enumerate(layers, start=1)}
    calls = [call for calls in model._nodes_by_depth.values() for call in calls]
    following: dict[Any, list[Any]] = {operation: [] for operation in model.operations}
    for call in calls:
        for tensor in call.input_tensors:
            following[tensor._keras_history.operation].append(call.operation)
    return following


def _input_of(model: Any, batch: Any) -> Any:
    """Return a batch (n, 28, 28, 1) as a Sequential model's first layer takes it."""
    return batch[..., 0] if len(batch.shape) > len(model.input_shape) else batch


def _call_of(model: Any, layer: Any) -> Any:
    """Return the node of a functional model's graph in which it calls a layer."""
    nodes = (node for nodes in model._nodes_by_depth.values() for node in nodes)
    return next(node for node in nodes if node.operation is layer)


def _answer_of(layer: Any, tensor: Any) -> Any:
    """Compute a Keras layer's output, as at inference."""
    takes = inspect.signature(layer.call).parameters
    return layer(tensor, **({"training": False} if "training" in takes else {}))


def as_float32(tensor: Any) -> np.ndarray:
    """Convert a Keras tensor, which may have a lower precision, to an array."""
    ops = sys.modules["keras"].ops
    return ops.convert_to_numpy(ops.cast(tensor, "float32"))


class LiteRT:
    """A network in a ``.tflite`` file, run by LiteRT. It can be pickled, and used from any thread.

    Args:
        content: The file's bytes, as `digitlab.export_tflite` writes them.
        name: The file's name, for errors.
        threads: How many threads compute a batch.

    Raises:
        ValueError: The file was cut off, changed or written by something else, or its network does
            not map 28 x 28 pixels to 10 or 11 probabilities.
    """

    def __init__(self, content: bytes, name: str, threads: int = _THREADS):
        self._file = content, name, threads
        # An interpreter has one set of buffers, so threads take turns.
        self._lock = threading.Lock()
        self._many: Any = None  # an interpreter for batches, made when the first one comes
        self._batch_size = 0  # how many images its buffers are made for
        self._observable: Any = None  # an interpreter that keeps its layers' outputs, made later
        self._featured: Any = None  # an interpreter with the features as an output, made later
        try:
            # Kept to make the other interpreters from: by then the file may have changed.
            self._content = verified_content(content)
            self._one = self._interpreter(threads=1)
            (inputs,), (outputs,) = self._one.get_input_details(), self._one.get_output_details()
            self._input, self._output = inputs["index"], outputs["index"]
            shapes = tuple(inputs["shape"][1:]), tuple(outputs["shape"][1:])
            if shapes[0] != (SIZE, SIZE, 1) or shapes[1] not in ((CLASSES,), (CLASSES + 1,)):
                raise ValueError(
                    f"it maps {shapes[0]} to {shapes[1]}, and not (28, 28, 1) to (10,) or (11,)"
                )
            self._allocate(self._one, 1)
            # Some faults in a well-formed file show only when LiteRT runs it.
            self(np.zeros((1, SIZE, SIZE, 1), np.float32))
        except (ValueError, RuntimeError) as error:
            raise ValueError(
                f"expected {name} to be a network that digitlab.export_tflite wrote, but "
                f"{error}. Export it again; or wrap a function that reads it: Recognizer(function)"
            ) from error

    @classmethod
    def from_file(cls, path: Path) -> "LiteRT":
        """Load a ``.tflite`` file."""
        return cls(path.read_bytes(), path.name)

    def with_threads(self, threads: int) -> "LiteRT":
        """Return the same network with this many threads for a batch."""
        content, name, _ = self._file
        return type(self)(content, name, threads)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self._file  # another process makes interpreters of its own

    def __call__(self, batch: np.ndarray) -> np.ndarray:
        """See `Runtime`."""
        with self._lock:
            interpreter = self._one
            if len(batch) != 1:
                interpreter = self._many = self._many or self._interpreter(self._file[2])
                if len(batch) != self._batch_size:
                    self._allocate(interpreter, len(batch))
                    self._batch_size = len(batch)
            interpreter.set_tensor(self._input, batch)
            interpreter.invoke()
            return interpreter.get_tensor(self._output)

    def activations(self, batch: np.ndarray) -> dict[str, np.ndarray]:
        """Return each layer's output as "Layer 1" and so on: LiteRT keeps no names of layers."""
        with self._lock:
            if self._observable is None:
                # XNNPACK, the default delegate, may fuse layers, and does not promise that the
                # tensors between them can be read.
                self._observable = Interpreter(
                    model_content=self._content,
                    experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
                    experimental_preserve_all_tensors=True,
                )
                self._observable.allocate_tensors()
            self._observable.set_tensor(self._input, batch)
            self._observable.invoke()
            # In tensors that depend on the images, the first dimension is -1: any number of images.
            answers = [
                self._observable.get_tensor(tensor["index"])[0]
                for tensor in self._observable.get_tensor_details()
                if tensor["index"] != self._input
                and tensor["dtype"] == np.float32
                and len(tensor["shape_signature"]) in (2, 4)
                and tensor["shape_signature"][0] == -1
            ]
        kept = [batch[0]]
        for answer in answers:
            flat = answer.ndim != kept[-1].ndim and answer.size == kept[-1].size
            if not (flat and np.array_equal(answer.ravel(), kept[-1].ravel())):
                kept.append(answer)
        del kept[0]
        if len(kept) > 1 and kept[-2].shape == kept[-1].shape:
            del kept[-2]  # the last layer's answer before its softmax
        return {f"Layer {number}": answer for number, answer in enumerate(kept, 1)}

    def with_features(self, batch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """See `Runtime`. This takes no longer than the answers alone."""
        with self._lock:
            if self._featured is None:
                content = add_features_output(self._content)
                self._featured = Interpreter(model_content=content, num_threads=1)
                self._allocate(self._featured, 1)
            answers, features = [], []
            for image in batch:  # one at a time, as examples and drawings come
                self._featured.set_tensor(self._input, image[None])
                self._featured.invoke()
                answer, feature = (
                    self._featured.get_tensor(output["index"])
                    for output in self._featured.get_output_details()
                )
                answers.append(answer[0])
                features.append(feature.ravel())
        return np.array(answers), np.array(features)

    def checksum(self) -> str:
        """See `Runtime`."""
        return hashlib.sha256(self._content).hexdigest()

    def _interpreter(self, threads: int) -> Any:
        return Interpreter(model_content=self._content, num_threads=threads)

    def _allocate(self, interpreter: Any, images: int) -> None:
        interpreter.resize_tensor_input(self._input, (images, SIZE, SIZE, 1))
        with silent_stderr():  # "INFO: Created TensorFlow Lite XNNPACK delegate"
            interpreter.allocate_tensors()
