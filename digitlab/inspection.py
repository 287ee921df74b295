"""Look into a Keras network: the filters of its first layer, and the features for its last.

Both are arrays, for `digitlab.plot_filters` and `digitlab.plot_embedding`.
"""

import keras
import numpy as np
from tqdm import tqdm

from digitlab.images import as_batch, as_images
from digitlab.keras_checks import check_type, flat_layers, model_inputs
from digitlab.runtimes.keras_model import as_float32, as_input, features_of


def get_filters(model: keras.Model) -> np.ndarray:
    """Get the filters of a network's first convolution.

    Args:
        model: A Keras network for images with one channel.

    Returns:
        (h, w, n) float32: n filters of h x w weights, above 0 where the filter looks for ink, below
        0 where it looks for paper.

    Raises:
        TypeError: It is not a Keras model.
        ValueError: The model is subclassed or not built, has no convolution, or its first
            one looks at several channels.

    Example:
        >>> digitlab.get_filters(digitlab.pen_cnn()).shape
        (5, 5, 16)
    """
    check_type(model)
    model_inputs(model)  # an error if there are none
    layers = flat_layers(model)
    convolution = next((it for it in layers if isinstance(it, keras.layers.Conv2D)), None)
    if convolution is None:
        raise ValueError(f"expected a network with a Conv2D layer, {model.name} has none")
    weights = as_float32(convolution.kernel)  # (h, w, channels, n)
    if weights.shape[2] != 1:
        raise ValueError(
            f"expected a first convolution that looks at 1 channel, got {weights.shape[2]}"
        )
    return weights[:, :, 0]


def embed(model: keras.Model, images: np.ndarray) -> np.ndarray:
    """Compute, for each image, the input of a network's last dense layer: its features.

    Images that look alike to the network lie close together: see `digitlab.plot_embedding`.

    Args:
        model: A Keras network for images (n, 28, 28, 1).
        images: (n, 28, 28), ink light on dark: integers from 0 to 255, or floating point in [0, 1].

    Returns:
        (n, features) float32.

    Raises:
        TypeError: `model` is not a Keras model.
        ValueError: The images have the wrong shape or type, or there are none; or the network is
            subclassed or not built, or has no dense layer.

    Example:
        >>> drawings = [digitlab.stored_drawing(digit) for digit in range(10)]
        >>> images = [digitlab.render_strokes(drawing) for drawing in drawings]
        >>> digitlab.embed(digitlab.pen_cnn(), np.stack(images)).shape
        (10, 1600)
    """
    check_type(model)
    model_inputs(model)  # an error if there are none
    images = as_images(images)
    if not len(images):
        raise ValueError("expected images of shape (n, 28, 28), n at least 1, got none")
    parts = [  # in batches, because the first layers' outputs are large
        features_of(model, as_input(model, as_batch(images[i : i + 256])))
        for i in tqdm(range(0, len(images), 256), "Reading", delay=2, leave=False)
    ]
    return np.concatenate(parts)
