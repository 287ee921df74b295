"""The user's Keras settings and backend do not affect the package, which leaves them alone."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec

import keras
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

import digitlab
from digitlab import Augmentation, Digits, Recognizer, TrainConfig
from digitlab.training.augmentation import AugmentedDigits
from support import data

SETTINGS = {
    "channels first": {"image_data_format": "channels_first"},
    "half precision": {"floatx": "float16"},
    "bfloat16": {"floatx": "bfloat16"},
    "double precision": {"floatx": "float64"},
    "mixed precision": {"dtype_policy": "mixed_float16"},
    "mixed bfloat16": {"dtype_policy": "mixed_bfloat16"},
    "all": {
        "image_data_format": "channels_first",
        "floatx": "float64",
        "dtype_policy": "mixed_float16",
    },
}


def settings():
    config = keras.config
    return config.floatx(), config.image_data_format(), config.dtype_policy().name


@pytest.fixture(params=SETTINGS)
def users(request, monkeypatch):
    """The user's settings, which must still be the same afterwards."""
    before = settings()
    chosen = SETTINGS[request.param]
    if "floatx" in chosen:
        # With this setting in its file, a new process would compute in this type.
        keras.config.set_dtype_policy(chosen["floatx"])
    for name, value in chosen.items():
        getattr(keras.config, f"set_{name}")(value)
    during = settings()
    yield during
    assert settings() == during
    keras.config.set_floatx(before[0])
    keras.config.set_image_data_format(before[1])
    keras.config.set_dtype_policy(before[2])


@pytest.fixture(scope="module")
def stripes():
    return data.stripes(300)


def small():
    """A network that is quick to train and to export, with the kinds of layers of `pen_cnn`."""
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1), dtype="float32"),
            keras.layers.Conv2D(4, 5, 2, data_format="channels_last", dtype="float32"),
            keras.layers.BatchNormalization(dtype="float32"),
            keras.layers.ReLU(dtype="float32"),
            keras.layers.Flatten(data_format="channels_last", dtype="float32"),
            keras.layers.Dropout(0.2, dtype="float32"),
            keras.layers.Dense(10, activation="softmax", dtype="float32"),
        ]
    )
    values = np.random.default_rng(0)
    model.set_weights([values.uniform(0.01, 0.1, weight.shape) for weight in model.get_weights()])
    return model


@pytest.fixture(scope="module")
def expected(stripes):
    """All outcomes with Keras' default settings."""
    return outcomes(stripes)


def outcomes(stripes):
    images = stripes.x_train[:40]
    keras.utils.set_random_seed(0)
    networks = [build() for build in (digitlab.article_cnn, digitlab.pen_cnn, digitlab.digits_cnn)]
    answers = [np.asarray(network(images[..., None] / np.float32(255))) for network in networks]
    parts = AugmentedDigits(images, stripes.y_train[:40], Augmentation(), 40, 0, True)[0]
    model = networks[1]
    model.set_weights(
        [np.full(weight.shape, 0.01 * i) for i, weight in enumerate(model.get_weights(), 1)]
    )
    trained, histories = small(), []
    for augmentation in (None, Augmentation()):
        config = TrainConfig(epochs=2, batch_size=50, augmentation=augmentation)
        histories.append(digitlab.train(trained, stripes, config, progress=False).history)
    return {
        "networks": [
            [
                (type(layer).__name__, layer.output.shape, layer.dtype_policy.name)
                for layer in n.layers
            ]
            for n in networks
        ],
        "parameters": [network.count_params() for network in networks],
        "answers": answers,
        "augmented": parts,
        "histories": histories,
        "trained": trained.get_weights(),
        "embedded": digitlab.embed(model, images),
        "filters": digitlab.get_filters(model),
        "read": Recognizer(model).predict_images(images),
        "activations": Recognizer(model).get_activations(images[0]),
    }


def same(found, expected, path=""):
    """Compare nested arrays, numbers and text: their types, shapes and values."""
    assert type(found) is type(expected), path
    if isinstance(expected, dict):
        assert list(found) == list(expected), path
        found, expected = list(found.values()), list(expected.values())
    if isinstance(expected, np.ndarray):
        assert found.dtype == expected.dtype and found.shape == expected.shape, path
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5, err_msg=path)
    elif isinstance(expected, list | tuple):
        assert len(found) == len(expected), path
        for i, pair in enumerate(zip(found, expected, strict=True)):
            same(*pair, f"{path}.{i}")
    elif isinstance(expected, float):
        assert found == pytest.approx(expected, rel=1e-4), path
    else:
        assert found == expected, path


@pytest.mark.once  # both locks have the same Keras
def test_settings_change_nothing(stripes, expected, users):
    assert expected["parameters"] == [3_274_634, 39_898, 142_843]
    for name, value in outcomes(stripes).items():
        same(value, expected[name], name)


def test_exports_hold_the_network(users, tmp_path):
    model = small()
    x = np.random.default_rng(0).random((5, 28, 28, 1), dtype="float32")
    digitlab.export_tflite(model, tmp_path / "model.tflite")
    interpreter = Interpreter(str(tmp_path / "model.tflite"))
    (image,), (answer,) = interpreter.get_input_details(), interpreter.get_output_details()
    interpreter.resize_tensor_input(image["index"], x.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(image["index"], x)
    interpreter.invoke()
    found = interpreter.get_tensor(answer["index"])
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, np.asarray(model(x)), atol=1e-5)

    path = digitlab.export_tfjs(model, tmp_path / "tfjs")
    text = path.read_text()
    assert json.loads(text)["weightsManifest"][0]["weights"][0]["dtype"] == "float32"
    assert not any(name in text for name in ("float16", "bfloat16", "float64", "channels_first"))
    digitlab.export_tfjs(digitlab.pen_cnn(), tmp_path / "pen")


def test_settings_are_back_after_an_error(users):
    with pytest.raises(ValueError, match="expected labels|expected y_train"):
        digitlab.train(digitlab.pen_cnn(), Digits(np.zeros((2, 28, 28)), [1, 11], None, None, ""))
    model = keras.Sequential([keras.Input((3,), dtype="float32"), keras.layers.Dense(10)])
    digits = Digits(np.zeros((20, 28, 28), np.uint8), np.arange(20) % 10, None, None, "")
    with pytest.raises(ValueError):
        digitlab.train(model, digits, progress=False)


@pytest.mark.parametrize("dtype", ["mixed_float16", "mixed_bfloat16", "float16", "float64"])
def test_networks_of_other_precision_are_read_and_exported(dtype, tmp_path):
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            keras.layers.Conv2D(4, 5, 2, dtype=dtype, activation="relu"),
            keras.layers.Flatten(dtype=dtype),
            keras.layers.Dense(10, activation="softmax", dtype=dtype),
        ]
    )
    images = np.random.default_rng(0).random((3, 28, 28), dtype="float32")
    answer = keras.ops.cast(model(images[..., None]), "float32")
    read = Recognizer(model).predict_images(images)
    assert read.dtype == np.float32
    np.testing.assert_allclose(read, np.array(answer), atol=1e-2)
    for array in (
        digitlab.embed(model, images),
        digitlab.get_filters(model),
        *Recognizer(model).get_activations(images[0]).values(),
    ):
        assert array.dtype == np.float32
    with pytest.warns(UserWarning, match=f"computes in {dtype}; TensorFlow.js will"):
        digitlab.export_tfjs(model, tmp_path / "tfjs")
    computes = dtype.removeprefix("mixed_")
    with pytest.raises(ValueError, match=f"computes in {computes}; expected float32"):
        digitlab.export_tflite(model, tmp_path / "model.tflite")
    assert not (tmp_path / "model.tflite").exists()


def test_a_settings_file_changes_nothing(tmp_path):
    """Keras and tf_keras read this file when they are imported."""
    (tmp_path / "keras.json").write_text(
        json.dumps({"image_data_format": "channels_first", "floatx": "float16"})
    )
    code = """
import sys, keras, digitlab
assert keras.config.floatx() == "float16"
builders = digitlab.article_cnn, digitlab.pen_cnn, digitlab.digits_cnn
models = [build() for build in builders]
print([model.count_params() for model in models])
path = digitlab.export_tfjs(models[1], sys.argv[1] + "/tfjs")
text = path.read_text()
print("channels_first" in text, "float16" in text, '"float32"' in text)
digitlab.export_tflite(models[1], sys.argv[1] + "/model.tflite")
digitlab.load_recognizer(sys.argv[1] + "/model.tflite")
assert keras.config.floatx() == "float16"
assert keras.config.image_data_format() == "channels_first"
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        env=os.environ | {"KERAS_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "[3274634, 39898, 142843]\nFalse False True\n"


@pytest.mark.skipif(find_spec("torch") is not None, reason="PyTorch is installed")
def test_a_backend_that_is_not_installed_is_named():
    run = subprocess.run(
        [sys.executable, "-c", "import digitlab; digitlab.pen_cnn"],
        capture_output=True,
        text=True,
        env=os.environ | {"KERAS_BACKEND": "torch"},
    )
    assert "digitlab.pen_cnn needs torch, because Keras is set to this backend" in run.stderr
    assert "pip install" not in run.stderr
