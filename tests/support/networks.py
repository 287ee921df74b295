"""Networks that learners might build, from 28 x 28 to ten or eleven probabilities."""

import keras
import numpy as np
from keras import layers as L

import digitlab


def _functional(shape, outputs, body):
    inputs = keras.Input(shape)
    x = body(inputs)
    return keras.Model(inputs, L.Dense(outputs, activation="softmax")(x))


def _residual(x):
    x = L.Conv2D(6, 3, padding="same", activation="relu")(x)
    y = L.BatchNormalization()(L.Conv2D(6, 3, padding="same")(x))
    return L.GlobalAveragePooling2D()(L.ReLU()(L.Add()([x, y])))


def _branches(x):
    wide = L.Conv2D(4, 5, strides=2, padding="same", activation="relu")(x)
    narrow = L.MaxPooling2D()(L.Conv2D(4, 1, activation="elu")(x))
    return L.Flatten()(L.Concatenate()([wide, narrow]))


def _depthwise(x):
    x = L.DepthwiseConv2D(3, depth_multiplier=4, activation="relu")(x)
    x = L.SeparableConv2D(8, 3, strides=2, padding="same")(x)
    return L.GlobalMaxPooling2D()(L.Activation("silu")(x))


def _leaky(x):
    x = L.LeakyReLU(negative_slope=0.2)(L.Conv2D(8, 5, strides=2)(x))
    return L.Dropout(0.5)(L.Flatten()(L.AveragePooling2D(2)(x)))


def _normalized(x):
    x = L.LayerNormalization()(L.Flatten()(x))
    return L.LayerNormalization()(L.Dense(32, activation="gelu")(x))


def _dense(x):
    return L.Dense(32, activation="tanh")(L.Dense(64, activation="relu")(x))


def _recurrent(x):
    return L.LSTM(16)(x)  # row by row


NETWORKS = {
    "residual": lambda: _functional((28, 28, 1), 10, _residual),
    "branches": lambda: _functional((28, 28, 1), 11, _branches),
    "depthwise": lambda: _functional((28, 28, 1), 10, _depthwise),
    "leaky": lambda: _functional((28, 28, 1), 11, _leaky),
    "layer normalization": lambda: _functional((28, 28), 10, _normalized),
    "dense only": lambda: _functional((784,), 10, _dense),
    "recurrent": lambda: _functional((28, 28), 10, _recurrent),
    "the article's": digitlab.article_cnn,
}


def make(name):
    """Make a network with random weights, even where Keras would begin with ones and zeros."""
    keras.utils.set_random_seed(0)
    network = NETWORKS[name]()
    for weight in network.weights:
        if len(weight.shape) == 1:
            weight.assign(np.random.default_rng(1).uniform(0.3, 1.5, weight.shape))
    return network
