"""LiteRT, which runs the shipped network.

It starts in a fraction of a second, whereas TensorFlow takes several seconds.
"""

import hashlib
import os
import threading
import warnings
from pathlib import Path
from typing import Any
from weakref import WeakSet

import numpy as np

from digitlab._io import verified_content
from digitlab._stderr import silent_stderr
from digitlab.images import CLASSES, INPUTS
from digitlab.runtimes.tflite_file import add_features_output

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

# A forked process gets the locks as they are, perhaps held by a thread that it lacks, and
# interpreters whose threads it lacks: those cannot even be destroyed.
_networks: "WeakSet[LiteRT]" = WeakSet()
_abandoned: list[Any] = []


def _restart_in_forked_process() -> None:
    for network in _networks:
        _abandoned.append(network._many)
        network._lock, network._many, network._batch_size = threading.RLock(), None, 0


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_restart_in_forked_process)


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
        self._arguments = content, name, threads  # to make another one
        self._threads = threads
        # An interpreter has one set of buffers, so threads take turns.
        self._lock = threading.RLock()
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
            self._shape, answer = (tuple(each["shape"][1:].tolist()) for each in (inputs, outputs))
            self._allocate(self._one, 1)
            # Some faults in a well-formed file show only when LiteRT runs it.
            self(np.zeros((1, *self._shape), np.float32))
        except (ValueError, RuntimeError) as error:
            raise ValueError(
                f"expected {name} to be a network that digitlab.export_tflite wrote, but "
                f"{error}. Export it again; or wrap a function that reads it: Recognizer(function)"
            ) from error
        if self._shape not in INPUTS or answer not in ((CLASSES,), (CLASSES + 1,)):
            raise ValueError(
                f"expected {name} to map an image, {INPUTS[0]}, {INPUTS[1]} or {INPUTS[2]}, to "
                f"{CLASSES} or {CLASSES + 1} probabilities, got a network from {self._shape} to "
                f"{answer}"
            )
        _networks.add(self)

    @classmethod
    def from_file(cls, path: Path) -> "LiteRT":
        """Load a ``.tflite`` file."""
        return cls(path.read_bytes(), path.name)

    def with_threads(self, threads: int) -> "LiteRT":
        """Return the same network with this many threads for a batch."""
        content, name, _ = self._arguments
        return type(self)(content, name, threads)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self._arguments  # another process makes interpreters of its own

    def __call__(self, batch: np.ndarray) -> np.ndarray:
        """See `Runtime`."""
        with self._lock:
            interpreter = self._one
            if len(batch) != 1:
                interpreter = self._many = self._many or self._interpreter(self._threads)
                if len(batch) != self._batch_size:
                    self._batch_size = 0  # unknown, if this is interrupted
                    self._allocate(interpreter, len(batch))
                    self._batch_size = len(batch)
            interpreter.set_tensor(self._input, self._as_input(batch))
            interpreter.invoke()
            return interpreter.get_tensor(self._output)

    def activations(self, batch: np.ndarray) -> dict[str, np.ndarray]:
        """Return each layer's output as "Layer 1" and so on: LiteRT keeps no names of layers."""
        with self._lock:
            if self._observable is None:
                # XNNPACK, the default delegate, may fuse layers, and does not promise that the
                # tensors between them can be read.
                observable = Interpreter(
                    model_content=self._content,
                    experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
                    experimental_preserve_all_tensors=True,
                )
                observable.allocate_tensors()
                self._observable = observable
            self._observable.set_tensor(self._input, self._as_input(batch))
            self._observable.invoke()
            outputs = self._layer_outputs()
        kept = [batch[0]]
        for output in outputs:
            flat = output.ndim != kept[-1].ndim and output.size == kept[-1].size
            if not (flat and np.array_equal(output.ravel(), kept[-1].ravel())):
                kept.append(output)
        del kept[0]
        if len(kept) > 1 and kept[-2].shape == kept[-1].shape:
            del kept[-2]  # the last layer's output before its softmax
        return {f"Layer {number}": output for number, output in enumerate(kept, 1)}

    def with_features(self, batch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """See `Runtime`. This takes no longer than the answers alone."""
        with self._lock:
            if self._featured is None:
                content = add_features_output(self._content)
                featured = Interpreter(model_content=content, num_threads=1)
                self._allocate(featured, 1)
                self._featured = featured
            answers, features = [], []
            for image in batch:  # one at a time, as examples and drawings come
                self._featured.set_tensor(self._input, self._as_input(image[None]))
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

    def _layer_outputs(self) -> list[np.ndarray]:
        """Return the tensors that depend on the image: their first size is -1, any number of them.

        In a function of its own: in a `with` block, Python 3.12 and newer may leave a comprehension
        that is interrupted without leaving the block, and the lock would stay held.
        """
        return [
            self._observable.get_tensor(tensor["index"])[0]
            for tensor in self._observable.get_tensor_details()
            if tensor["index"] != self._input
            and tensor["dtype"] == np.float32
            and len(tensor["shape_signature"]) in (2, 4)
            and tensor["shape_signature"][0] == -1
        ]

    def _as_input(self, batch: np.ndarray) -> np.ndarray:
        return batch.reshape(len(batch), *self._shape)

    def _interpreter(self, threads: int) -> Any:
        return Interpreter(model_content=self._content, num_threads=threads)

    def _allocate(self, interpreter: Any, count: int) -> None:
        interpreter.resize_tensor_input(self._input, (count, *self._shape))
        with silent_stderr():  # "INFO: Created TensorFlow Lite XNNPACK delegate"
            interpreter.allocate_tensors()
