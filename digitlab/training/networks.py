"""The networks: the article's, a smaller and more accurate one, and the shipped one.

All take images (n, 28, 28, 1) in [0, 1], ink 1 on paper 0, and give probabilities (n, 10); the
shipped one gives (n, 11), the last for non-digits.
"""

from typing import Any

import keras
from keras import layers

from digitlab._keras_defaults import keras_defaults


@keras_defaults()
def article_cnn() -> keras.Model:
    """Build the network of Benson Ruan's "Handwritten digit recognition with TensorFlow.js".

    As in the article, its convolutions have no activation. With only pooling between two linear
    maps, nearly all of the nonlinearity is in the dense layer.

    Returns:
        A model with 3,274,634 parameters, of which the dense layer has 3,212,288.

    Example:
        >>> digitlab.article_cnn().count_params()
        3274634
    """
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(32, 5, padding="same"),  # (28, 28, 32)
            layers.MaxPooling2D(2),  # (14, 14, 32)
            layers.Conv2D(64, 5, padding="same"),  # (14, 14, 64)
            layers.MaxPooling2D(2),  # (7, 7, 64)
            layers.Flatten(),  # (3136,)
            layers.Dense(1024, activation="relu"),
            layers.Dropout(0.2),
            layers.Dense(10, activation="softmax"),
        ],
        name="article_cnn",
    )


@keras_defaults()
def pen_cnn() -> keras.Model:
    """Build our small network: three convolutions, each normalised before its activation.

    A stride of 2 in the first convolution saves most of the computation, and leaving out a large
    dense layer saves most of the parameters.

    Returns:
        A model with 39,898 parameters.

    Example:
        >>> digitlab.pen_cnn().count_params()
        39898
    """
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            *_convolution(16, 5, strides=2, padding="same"),  # (14, 14, 16)
            *_convolution(32, 3, padding="same"),  # (14, 14, 32)
            layers.MaxPooling2D(2),  # (7, 7, 32)
            *_convolution(64, 3),  # (5, 5, 64)
            layers.Flatten(),  # (1600,)
            layers.Dense(10, activation="softmax"),
        ],
        name="pen_cnn",
    )


@keras_defaults()
def digits_cnn() -> keras.Model:
    """Build the shipped network: five convolutions, and an eleventh output for non-digits.

    The first two work at full size, with few filters. Most parameters are in the later ones, where
    the image is small and they cost little time.

    Returns:
        A model with 142,843 parameters, which gives (n, 11).

    Example:
        >>> digitlab.digits_cnn().count_params()
        142843
    """
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            *_convolution(16, 3, padding="same"),  # (28, 28, 16)
            *_convolution(32, 3, padding="same"),  # (28, 28, 32)
            layers.MaxPooling2D(2),  # (14, 14, 32)
            *_convolution(64, 3, padding="same"),  # (14, 14, 64)
            layers.MaxPooling2D(2),  # (7, 7, 64)
            *_convolution(64, 3, padding="same"),  # (7, 7, 64)
            *_convolution(96, 3),  # (5, 5, 96)
            layers.Flatten(),  # (2400,)
            layers.Dense(11, activation="softmax"),
        ],
        name="digits_cnn",
    )


def _convolution(filters: int, size: int, **options: Any) -> list[keras.Layer]:
    return [
        # The normalisation adds an offset, so the convolution needs no bias.
        layers.Conv2D(filters, size, use_bias=False, **options),
        # Averages over about five batches. Keras' default, 0.99, remembers the first steps for
        # hundreds of steps, which may be more than an epoch has.
        layers.BatchNormalization(momentum=0.8),
        layers.ReLU(),
    ]
