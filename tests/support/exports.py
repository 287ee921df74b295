"""Export networks to TensorFlow.js for a test, and read exports without the package."""

import json
from pathlib import Path

import keras
import numpy as np
from keras import layers as L

import digitlab
from digitlab.recognizer import Recognizer

ROOT = Path(__file__).parents[2]


def decode(directory):
    """Return an export's weights by name, decoded as TensorFlow.js documents the format."""
    (group,) = json.loads((directory / "model.json").read_text())["weightsManifest"]
    data = b"".join((directory / path).read_bytes() for path in group["paths"])
    weights = {}
    for entry in group["weights"]:
        quantization = entry.get("quantization", {})
        dtype = np.dtype(quantization.get("dtype", entry["dtype"])).newbyteorder("<")
        size = int(np.prod(entry["shape"])) * dtype.itemsize
        value = np.frombuffer(data[:size], dtype).astype("float64").reshape(entry["shape"])
        data = data[size:]
        weights[entry["name"]] = value * quantization.get("scale", 1) + quantization.get("min", 0)
    assert not data
    return weights


def assign(model, directory):
    """Give a Keras model the weights of an export."""
    weights = decode(directory)
    for layer in model.layers:
        for weight in layer.weights:
            weight.assign(weights[f"{layer.name}/{weight.name}"])
    return model


def shipped_recognizer(directory):
    """The shipped network in Keras, with the weights of one of its exports: one byte each."""
    model = keras.models.load_model(ROOT / "models" / "digits.keras", compile=False)
    return Recognizer(assign(model, directory).predict_on_batch)  # ten times as fast as a call


def export(folder, *layers, quantize=None, shape=(28, 28, 1), outputs=10):
    """Export a network with random weights to a folder, and return the folder."""
    if not layers:
        layers = [
            L.Conv2D(9, 3, strides=2, padding="same", activation="relu"),
            L.BatchNormalization(),
            L.ReLU(),
            L.Conv2D(5, (3, 2), use_bias=False),
            L.BatchNormalization(),
            L.ReLU(),
            L.MaxPooling2D(3, strides=2, padding="same"),
            L.Dropout(0.5),
            L.Flatten(),
            L.Dense(7, use_bias=False),
            L.BatchNormalization(scale=False),
            L.Activation("relu"),
            L.Dense(outputs),
            L.Softmax(),
        ]
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input(shape), *layers])
    for weight in model.weights:
        if len(weight.shape) == 1:
            weight.assign(np.random.default_rng(1).uniform(0.3, 1.5, weight.shape))
    digitlab.export_tfjs(model, folder, quantize)
    model.save(folder / "model.keras")
    return folder
