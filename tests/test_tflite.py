"""The export to LiteRT, run by LiteRT and compared with Keras."""

import os
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter
from keras import layers as L

import digitlab
from digitlab.export.tflite import export_tflite

MODELS = Path(__file__).parents[1] / "models"


def run(path, x):
    """LiteRT's answers for any number of inputs."""
    interpreter = Interpreter(str(path))
    (image,) = interpreter.get_input_details()
    (answer,) = interpreter.get_output_details()
    assert image["dtype"] == answer["dtype"] == np.float32
    interpreter.resize_tensor_input(image["index"], x.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(image["index"], x)
    interpreter.invoke()
    return interpreter.get_tensor(answer["index"])


def with_statistics(model):
    """Give every weight a value that matters, including moving statistics."""
    rng = np.random.default_rng(0)
    for weight in model.weights:
        if weight.name in ("moving_variance", "gamma"):
            weight.assign(rng.uniform(0.5, 1.5, weight.shape))
        elif weight.name != "kernel":
            weight.assign(rng.uniform(-0.5, 0.5, weight.shape))
    return model


@pytest.fixture(scope="module", params=[digitlab.article_cnn, digitlab.pen_cnn])
def exported(request, tmp_path_factory):
    keras.utils.set_random_seed(0)
    model = with_statistics(request.param())
    path = tmp_path_factory.mktemp("tflite") / "model.tflite"
    export_tflite(model, path)
    return model, path


@pytest.mark.parametrize("count", [1, 2, 33])
def test_litert_agrees_with_keras_for_any_number_of_images(exported, count):
    model, path = exported
    x = np.random.default_rng(1).random((count, 28, 28, 1), dtype="float32")
    expected = np.asarray(model(x, training=False))
    assert expected.std(0).max() > 1e-3 or count == 1  # the answers depend on the images
    assert abs(run(path, x) - expected).max() <= 1e-5


def test_litert_agrees_with_keras_on_a_thousand_digits(mnist, tmp_path):
    model = keras.models.load_model(MODELS / "digits.keras", compile=False)
    export_tflite(model, tmp_path / "model.tflite")
    x = mnist.x_test[::10, ..., None].astype("float32") / 255
    expected = model.predict(x, verbose=0)
    assert (expected.argmax(1) == mnist.y_test[::10]).mean() > 0.9
    assert abs(run(tmp_path / "model.tflite", x) - expected).max() <= 1e-5


def test_litert_in_whole_numbers_gives_the_digits_of_keras(mnist, tmp_path):
    model = keras.models.load_model(MODELS / "digits.keras", compile=False)
    path = tmp_path / "model.tflite"
    export_tflite(model, path, quantize="int8")
    x = mnist.x_test[::10, ..., None].astype("float32") / 255
    answers, expected = run(path, x), model.predict(x, verbose=0)
    assert (answers.argmax(1) == expected.argmax(1)).mean() >= 0.998
    assert abs(answers - expected).max() <= 0.05
    assert abs(answers - expected).mean() <= 1e-3
    # The answer for an image does not depend on the other images in its batch.
    np.testing.assert_array_equal(run(path, x[:1]), answers[:1])
    # In the shipped network, another processor may have rounded the normalisations differently.
    assert abs(run(MODELS / "digits.tflite", x) - answers).max() <= 0.01
    # The normalisations and the smallest kernels are not quantised.
    assert model.count_params() < path.stat().st_size < 1.2 * model.count_params() + 10_000


def test_the_file_holds_the_weights_and_little_else(exported):
    model, path = exported
    assert (
        model.count_params() * 0.95 < path.stat().st_size / 4 < model.count_params() * 1.02 + 2000
    )


def test_the_same_model_gives_the_same_bytes(exported, tmp_path):
    model, path = exported
    export_tflite(model, str(tmp_path / "new" / "folder" / "again.tflite"))
    assert (tmp_path / "new" / "folder" / "again.tflite").read_bytes() == path.read_bytes()
    small = [tmp_path / name for name in ("small.tflite", "again.tflite")]
    for each in small:
        export_tflite(model, each, quantize="int8")
    assert small[0].read_bytes() == small[1].read_bytes()


def test_activations_are_those_of_keras(tmp_path):
    """Without the flattened image in front of them."""
    image = np.random.default_rng(0).random((28, 28), np.float32)
    first = [
        [L.Flatten(), L.Dense(30, activation="relu")],
        [L.Flatten(), L.Dense(28 * 28, activation="relu")],
        [L.Conv2D(1, 3, padding="same", activation="relu"), L.Flatten()],
    ]
    for layers in first:
        model = keras.Sequential([keras.Input((28, 28, 1)), *layers])
        model.add(L.Dense(10, activation="softmax"))
        export_tflite(model, tmp_path / "model.tflite")
        found = digitlab.load_recognizer(tmp_path / "model.tflite").get_activations(image)
        expected = digitlab.Recognizer(model).get_activations(image)
        for one, other in zip(found.values(), expected.values(), strict=True):
            np.testing.assert_allclose(one, other, atol=1e-5)


@pytest.mark.parametrize("shape", [(28, 28), (784,)])
def test_a_network_may_take_images_without_channels_or_as_rows(shape, tmp_path):
    layers = [L.Flatten(), L.Dense(30, activation="relu"), L.Dense(10, activation="softmax")]
    model = with_statistics(keras.Sequential([keras.Input(shape), *layers]))
    export_tflite(model, tmp_path / "model.tflite")
    images = np.random.default_rng(0).random((40, 28, 28), np.float32)
    found = digitlab.load_recognizer(tmp_path / "model.tflite")
    expected = model(images.reshape(40, *shape), training=False)
    np.testing.assert_allclose(found.predict_images(images), expected, atol=1e-5)
    by_keras = digitlab.Recognizer(model).get_activations(images[0])
    for one, other in zip(
        found.get_activations(images[0]).values(), by_keras.values(), strict=True
    ):
        np.testing.assert_allclose(one, other, atol=1e-5)
    five = digitlab.stored_drawing(5)
    assert found.adapt([five], [8]).predict(five).digit == 8


@pytest.mark.parametrize(("takes", "gives"), [((32, 32, 1), 10), ((28, 28, 3), 11), ((784,), 3)])
def test_a_network_for_something_else_is_not_loaded(takes, gives, tmp_path):
    model = keras.Sequential([keras.Input(takes), L.Flatten(), L.Dense(gives)])
    export_tflite(model, tmp_path / "model.tflite")
    with pytest.raises(ValueError) as raised:
        digitlab.load_recognizer(tmp_path / "model.tflite")
    assert str(raised.value) == (
        "expected model.tflite to map an image, (28, 28, 1), (28, 28) or (784,), to 10 or 11 "
        f"probabilities, got a network from {takes} to ({gives},)"
    )


def test_an_export_says_nothing_and_leaves_one_file(tmp_path, capfd, caplog):
    export_tflite(digitlab.pen_cnn(), tmp_path / "model.tflite")
    os.write(2, b"heard")
    assert capfd.readouterr() == ("", "heard")
    assert not caplog.records
    assert [path.name for path in tmp_path.iterdir()] == ["model.tflite"]


def test_an_export_that_fails_leaves_the_old_file(tmp_path):
    resource = pytest.importorskip("resource")
    (tmp_path / "model.tflite").write_bytes(b"old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))  # as on a full disk
    try:
        with pytest.raises(OSError, match="File too large"):
            export_tflite(digitlab.pen_cnn(), tmp_path / "model.tflite")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"old"]


class Determinant(L.Layer):
    def call(self, x):
        return tf.linalg.det(x)


def two_outputs():
    x = keras.Input((4,))
    return keras.Model(x, [L.Dense(2)(x), L.Dense(2)(x)])


class FailsInAGraph(L.Layer):
    """A custom layer that fails while it is traced, with a long message."""

    def compute_output_shape(self, shape):
        return shape

    def call(self, x):
        raise RuntimeError("no such luck. " * 300)


def sequence(*layers, shape=(4, 3), **options):
    return keras.Sequential([keras.Input(shape, **options), *layers])


def stateful():
    return keras.Sequential([keras.Input(batch_shape=(1, 4, 3)), L.LSTM(2, stateful=True)])


def quantized():
    model = sequence(L.Dense(2), shape=(4,))
    model.quantize("int8")
    return model


def diverged():
    model = sequence(L.Dense(2), shape=(4,))
    model.set_weights([weight * np.nan for weight in model.get_weights()])
    return model


REFUSED = {
    "LSTM": (lambda: sequence(L.LSTM(2)), r"recurrent .* unroll=True"),
    "a GRU that goes both ways": (lambda: sequence(L.Bidirectional(L.GRU(2))), "unroll=True"),
    "ConvLSTM": (lambda: sequence(L.ConvLSTM2D(2, 3), shape=(3, 8, 8, 1)), "unroll=True"),
    "states": (stateful, "expected operations"),
    "a custom layer": (lambda: sequence(FailsInAGraph()), "no such luck.*custom layer"),
    "a decomposition": (lambda: sequence(L.Lambda(lambda x: keras.ops.svd(x)[1])), "Svd"),
    "text": (
        lambda: sequence(L.StringLookup(vocabulary=["a"]), shape=(4,), dtype="string"),
        "LookupTable",
    ),
    "integers": (
        lambda: keras.Sequential([keras.Input((4,), dtype="uint8"), L.Dense(2)]),
        "takes uint8; expected float32",
    ),
    "half precision": (lambda: sequence(L.Dense(2, dtype="mixed_float16")), "float16.*float32"),
    "a long name": (
        lambda: keras.Sequential([keras.Input((4, 4)), Determinant()], name="long" * 200),
        "MatrixDeterminant",
    ),
    "a quantized model": (quantized, r'int8_from_float32.*quantize="int8"'),
    "weights that are not finite": (diverged, "not finite"),
    "an unbuilt model": (lambda: keras.Sequential([L.Dense(2)]), "not built"),
    "two outputs": (two_outputs, "one output"),
    "any size": (lambda: keras.Sequential([keras.Input((None, 4)), L.Dense(2)]), "fixed"),
    "an operation that LiteRT lacks": (
        lambda: keras.Sequential([keras.Input((4, 4)), Determinant()]),
        "MatrixDeterminant",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_litert_does_not_know_is_rejected(case, tmp_path):
    make, message = REFUSED[case]
    with pytest.raises(ValueError, match=message) as raised:
        export_tflite(make(), tmp_path / "folder" / "model.tflite")
    text = str(raised.value)
    assert len(text) < 500 and "\n" not in text and "expected" in text
    assert text.count(". ") >= 1  # what to do
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("layer", [L.LSTM, L.GRU, L.SimpleRNN])
def test_recurrent_layers_are_exported_as_the_error_says(layer, tmp_path):
    model = with_statistics(sequence(layer(2, unroll=True)))
    export_tflite(model, tmp_path / "model.tflite")
    x = np.random.default_rng(0).random((3, 4, 3), dtype="float32")
    np.testing.assert_allclose(run(tmp_path / "model.tflite", x), np.asarray(model(x)), atol=1e-5)


def test_only_keras_3_models_are_exported(tmp_path):
    with pytest.raises(TypeError, match="expected a Keras 3 model"):
        export_tflite("model.keras", tmp_path / "model.tflite")
    with pytest.raises(ValueError, match='quantize is .uint8.; expected None or "int8"'):
        export_tflite(digitlab.pen_cnn(), tmp_path / "model.tflite", quantize="uint8")
    assert not list(tmp_path.iterdir())
