"""Compare `digitlab.export_tfjs` with the package tensorflowjs, which writes Keras 2 models.

    python second_exporter.py folder

Builds the article's network and ours once more in tf_keras (Keras 2), has tensorflowjs write these
twins, and compares topology and weights. It also has tensorflowjs write our network as it is, in
Keras 3, to folder/direct, and renames step by step what TensorFlow.js cannot read, in folder/shape
and folder/names. This is what notebook 04 describes. It runs where tensorflowjs is installed, in an
environment of its own: see the extra "tensorflowjs" in pyproject.toml.
"""

import inspect
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflowjs
import tf_keras  # type: ignore[import-not-found]

import digitlab

# What tf_keras writes in addition: entries for Keras alone, for training alone, or with the value
# that TensorFlow.js uses by default.
IGNORED = {"module", "registered_name", "build_config"}
DEFAULTS = {
    "groups": 1,
    "sparse": False,
    "ragged": False,
    "noise_shape": None,
    "seed": None,
    "max_value": None,
    "negative_slope": 0.0,
    "threshold": 0.0,
}
FOR_TRAINING = ("_initializer", "_regularizer", "_constraint")


def twin(model: keras.Sequential) -> Any:
    """Rebuild a model's layers and weights in tf_keras."""
    name = model.get_config()["layers"][0]["config"]["name"]
    layers = [tf_keras.Input(model.input_shape[1:], name=name)]
    for layer in model.layers:
        kind = getattr(tf_keras.layers, type(layer).__name__)
        options = {*inspect.signature(kind).parameters, "name"} - {"dtype", "kwargs"}
        config = {name: value for name, value in layer.get_config().items() if name in options}
        config = {n: v for n, v in config.items() if not n.endswith(FOR_TRAINING)}
        layers.append(kind(**config))
    copy = tf_keras.Sequential(layers, name=model.name)
    copy.set_weights(model.get_weights())
    return copy


def compare_layers(ours: dict, theirs: dict) -> None:
    assert ours["class_name"] == theirs["class_name"]
    config = {n: v for n, v in theirs["config"].items() if not n.endswith(FOR_TRAINING)}
    if ours["class_name"] == "BatchNormalization":
        (axis,) = config["axis"]
        config["axis"] = -1 if axis == 3 else axis  # axis 3 is the last of four
    for name in config.keys() - ours["config"].keys():
        assert config.pop(name) == DEFAULTS[name], (name, theirs)
    assert ours["config"] == config, (ours["config"], config)
    assert not theirs.keys() - {"class_name", "config"} - IGNORED


def read(folder: Path) -> tuple[dict, dict[str, np.ndarray]]:
    """Return the topology and the weights of an export."""
    document = json.loads((folder / "model.json").read_text("utf-8"))
    topology = document["modelTopology"]
    topology = topology.get("model_config", topology)
    weights = {}
    for group in document["weightsManifest"]:
        content = b"".join((folder / path).read_bytes() for path in group["paths"])
        for entry in group["weights"]:
            assert entry["dtype"] == "float32" and "quantization" not in entry
            size = 4 * int(np.prod(entry["shape"]))
            weights[entry["name"]] = np.frombuffer(content[:size], "<f4").reshape(entry["shape"])
            content = content[size:]
        assert not content
    return topology, weights


def write_keras_3(folder: Path) -> None:
    """Export from Keras 3 as the article does, and rename what TensorFlow.js cannot read."""
    keras.utils.clear_session()  # so that layers are named as in a new process
    model = digitlab.pen_cnn()
    tensorflowjs.converters.save_keras_model(model, str(folder / "direct"))
    document = json.loads((folder / "direct" / "model.json").read_text("utf-8"))

    shutil.copytree(folder / "direct", folder / "shape")
    config = document["modelTopology"]["model_config"]["config"]["layers"][0]["config"]
    config["batch_input_shape"] = config.pop("batch_shape")
    (folder / "shape" / "model.json").write_text(json.dumps(document))

    shutil.copytree(folder / "direct", folder / "names")
    for entry in document["weightsManifest"][0]["weights"]:
        entry["name"] = entry["name"].removeprefix(f"{model.name}/")
    (folder / "names" / "model.json").write_text(json.dumps(document))


def main() -> None:
    folder = Path(sys.argv[1])
    keras.utils.set_random_seed(0)
    for make in (digitlab.article_cnn, digitlab.pen_cnn, digitlab.digits_cnn):
        model = make()
        digitlab.export_tfjs(model, folder / model.name / "ours")
        tensorflowjs.converters.save_keras_model(twin(model), str(folder / model.name / "theirs"))
        ours, our_weights = read(folder / model.name / "ours")
        theirs, their_weights = read(folder / model.name / "theirs")
        assert ours["class_name"] == theirs["class_name"] == "Sequential"
        assert ours["config"]["name"] == theirs["config"]["name"]
        for pair in zip(ours["config"]["layers"], theirs["config"]["layers"], strict=True):
            compare_layers(*pair)
        assert our_weights.keys() == their_weights.keys() and our_weights
        for name, values in our_weights.items():
            np.testing.assert_array_equal(values, their_weights[name], err_msg=name)
        print("equal", model.name)
    write_keras_3(folder)


if __name__ == "__main__":
    main()
