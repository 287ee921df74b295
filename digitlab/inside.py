"""Inside a network: what its first layer looks for, what each layer answers, what it boils down to.

All of it comes as arrays, for `digitlab.plot_filters`, `digitlab.plot_activations` and
`digitlab.plot_embedding`, or for your own curiosity.
"""

from collections import Counter

import keras
import numpy as np
from tqdm import tqdm

# What finishes the answer of the layer before it, or only passes it on.
_FINISHES = (keras.layers.BatchNormalization, keras.layers.ReLU, keras.layers.Activation)
_PASSES = (keras.layers.Dropout, keras.layers.Flatten)


def get_filters(model: keras.Model) -> np.ndarray:
    """Take the filters out of a network's first convolution.

    ::

        digitlab.plot_filters(digitlab.get_filters(model), title=model.name)

    Args:
        model: A Keras network from images with one channel.

    Returns:
        (h, w, n) float32: n filters of h x w weights, above 0 where ink speaks for what the filter
        looks for, below 0 where paper does.

    Raises:
        ValueError: When the model has no convolution, or its first looks at several channels.
    """
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2D):
            weights = np.asarray(layer.kernel, np.float32)  # (h, w, channels, n)
            if weights.shape[2] == 1:
                return weights[:, :, 0]
            raise ValueError(
                f"expected a first convolution that looks at 1 channel, got {weights.shape[2]}"
            )
    raise ValueError(f"expected a network with a Conv2D layer, {model.name} has none")


def get_activations(model: keras.Model, image: np.ndarray) -> dict[str, np.ndarray]:
    """Have a network read an image, and keep what its layers answered on the way.

    ::

        digitlab.plot_activations(digitlab.get_activations(model, pad.image))

    Args:
        model: A Keras network from images (n, 28, 28, 1), its layers one after the other.
        image: (28, 28) in [0, 1], ink 1 on paper 0.

    Returns:
        A name and number for each layer, such as "ReLU 1", and what it answered: float32, (h, w,
        channels), or (n,) for a dense layer. Left out is what the next layer only normalises or
        bends, and what only passes on.

    Raises:
        ValueError: For an image of another shape.
    """
    image = np.asarray(image, np.float32)
    if image.shape != tuple(model.input_shape[1:3]):
        raise ValueError(f"expected an image of shape {model.input_shape[1:3]}, got {image.shape}")
    kept, count = {}, Counter[str]()
    for layer, following in zip(model.layers, [*model.layers[1:], None], strict=True):
        if not isinstance(layer, (keras.layers.InputLayer, *_PASSES)) and not isinstance(
            following, _FINISHES
        ):
            kind = type(layer).__name__
            count[kind] += 1
            kept[f"{kind} {count[kind]}"] = layer.output
    answers = keras.Model(model.inputs[0], list(kept.values()))(
        image[None, ..., None], training=False
    )
    return {name: np.asarray(answer)[0] for name, answer in zip(kept, answers, strict=True)}


def embed(model: keras.Model, images: np.ndarray) -> np.ndarray:
    """Give for each image the numbers from which a network's last layer reads the digit.

    What looks alike to the network lies close together there::

        points = digitlab.embed(model, digits.x_test[:2000])
        digitlab.plot_embedding(points, digits.y_test[:2000], title=digits.name)

    Args:
        model: A Keras network from images (n, 28, 28, 1).
        images: (n, 28, 28), ink light on dark: uint8 in 0 to 255, or floating point in [0, 1].

    Returns:
        (n, features) float32.

    Raises:
        ValueError: For images of another shape or type, or none.
    """
    images = np.asarray(images)
    height, width = model.input_shape[1:3]
    if images.ndim != 3 or images.shape[1:] != (height, width) or not len(images):
        raise ValueError(
            f"expected images of shape (n, {height}, {width}), n at least 1, got {images.shape}"
        )
    if images.dtype != np.uint8 and images.dtype.kind != "f":
        raise ValueError(
            f"expected images of uint8 (0 to 255) or float (0 to 1), got {images.dtype}"
        )
    scale = 255 if images.dtype == np.uint8 else 1
    before_the_last = keras.Model(model.inputs[0], model.layers[-1].input)
    parts = [  # in batches: the first layers' answers are much larger than what is kept
        np.asarray(before_the_last(images[i : i + 256, ..., None] / np.float32(scale)))
        for i in tqdm(range(0, len(images), 256), "Reading", delay=2, leave=False)
    ]
    return np.concatenate(parts)
