"""The interface of all runtimes, and the simplest ones: functions."""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np


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
