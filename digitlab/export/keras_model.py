"""What both exporters expect of a model: a Keras 3 model that is built, with finite weights."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np


def check_type(model: Any) -> None:
    """Raise TypeError if this is not a Keras 3 model."""
    if not isinstance(model, keras.Model):
        raise TypeError(
            f"model is of type {type(model).__module__}.{type(model).__name__}; expected a "
            "Keras 3 model, keras.Sequential or keras.Model."
        )


def model_inputs(model: keras.Model) -> list[keras.KerasTensor]:
    """Return the symbolic inputs of a model, or raise ValueError if it is not built."""
    inputs = getattr(model, "inputs", None)  # Keras raises AttributeError if it is not built
    if not inputs:
        raise ValueError(
            f"The model {model.name!r} is not built, or is subclassed; expected a "
            "Sequential or functional model whose input shape is known. Begin a Sequential model "
            "with keras.Input(shape), or call it on a batch of images first."
        )
    return inputs


def check_finite(weights: Mapping[str, np.ndarray]) -> None:
    """Raise ValueError if some of a model's weights, by name, are infinite or not a number."""
    for name, value in weights.items():
        if not np.isfinite(value).all():
            raise ValueError(
                f"The weights {name!r} hold values that are not finite; expected numbers. The "
                "training has diverged: train again, with a smaller learning rate."
            )
