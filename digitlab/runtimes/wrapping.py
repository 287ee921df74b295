"""Wrap whatever computes a network's answers in its runtime."""

from collections.abc import Callable

from digitlab.runtimes.keras_model import KerasModel
from digitlab.runtimes.litert import LiteRT
from digitlab.runtimes.runtime import Function, Runtime


def as_runtime(model: Callable) -> Runtime:
    """Wrap a Keras model or another callable; a `Runtime` is returned unchanged.

    Raises:
        TypeError: It cannot be called.
        ValueError: It is a Keras model that takes something other than images.
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
