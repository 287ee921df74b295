"""Keras 3 models: what they must be to be trained, looked into or exported, and their layers."""

from collections.abc import Iterator, Mapping
from typing import Any

import keras
import numpy as np


def check_type(model: Any) -> None:
    """Raise TypeError if this is not a Keras 3 model."""
    if not isinstance(model, keras.Model):
        kind = f"{type(model).__module__}.{type(model).__name__}"
        raise TypeError(
            "expected a Keras 3 model, keras.Sequential or keras.Model, "
            f"got {kind}; for a Recognizer, pass its model"
        )


def model_inputs(model: keras.Model) -> list[keras.KerasTensor]:
    """Return the symbolic inputs of a model, or raise ValueError if it is not built."""
    inputs = getattr(model, "inputs", None)  # Keras raises AttributeError if it is not built
    if not inputs:
        raise ValueError(
            f"expected a Sequential or functional model that is built, got {model.name!r}, which "
            "is subclassed or not built. Begin a Sequential model with keras.Input((28, 28, 1)), "
            "or call it on a batch of images; rewrite a subclassed one as "
            "keras.Model(inputs, outputs)"
        )
    return inputs


def flat_layers(model: Any) -> Iterator[Any]:
    """Yield the layers of a model, and of the models nested in it."""
    for layer in model.layers:
        if hasattr(layer, "layers") and type(layer) is not keras.layers.Pipeline:
            yield from flat_layers(layer)
        elif not isinstance(layer, keras.layers.InputLayer):
            yield layer


def check_finite(weights: Mapping[str, np.ndarray]) -> None:
    """Raise ValueError if some of a model's weights, by name, are infinite or not a number."""
    for name, value in weights.items():
        if not np.isfinite(value).all():
            raise ValueError(
                f"The weights {name!r} hold values that are not finite; expected numbers. The "
                "training has diverged: train again, with a smaller learning rate."
            )
