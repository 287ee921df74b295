"""The networks: the article's, a small one that learns faster and reads better, the shipped one.

All take images (n, 28, 28, 1) in [0, 1], ink 1 on paper 0, and give probabilities (n, 10); the
shipped one (n, 11), the last that of no digit.
"""

from typing import Any

import keras
from keras import layers

from digitlab._keras_defaults import keras_defaults


@keras_defaults()
def article_cnn() -> keras.Model:
    """Build the network of Benson Ruan's "Handwritten digit recognition with TensorFlow.js".

    Its convolutions have no activation, as in the article: two linear maps with nothing but
    pooling between them, so nearly all that is not linear happens in the dense layer.

    Returns:
        3,274,634 parameters, of which the dense layer has 3,212,288.
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
    """Build our network: three convolutions, each normalised before its activation.

    The first convolution takes every second place only, which saves most of the computing; no
    large dense layer follows, which saves most of the parameters.

    Returns:
        39,898 parameters.
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
    """Build the network that is shipped: five convolutions, and an answer for what is no digit.

    The first two work at full size, with few filters; most of the parameters stand where the
    image is small, and cost little time.

    Returns:
        142,843 parameters; gives (n, 11).
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
        # The normalisation adds an offset of its own, so the convolution needs none.
        layers.Conv2D(filters, size, use_bias=False, **options),
        # Running means over about five batches: Keras' 0.99 remembers the first steps for
        # hundreds, more than an epoch has.
        layers.BatchNormalization(momentum=0.8),
        layers.ReLU(),
    ]
