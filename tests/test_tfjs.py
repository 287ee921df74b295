"""The export to TensorFlow.js, read by a real TensorFlow.js 4.22 in Node and decoded with numpy."""

import errno
import inspect
import itertools
import json
import os
import random
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers as L

import digitlab
from digitlab.export import quantization, tfjs
from digitlab.export.quantization import QUANTIZATIONS
from digitlab.export.tfjs import export_tfjs
from digitlab.export.tfjs_layers import ACTIVATIONS, LAYERS, PASSES_ON
from digitlab.keras_checks import flat_layers
from support.exports import decode
from support.full_disk import largest_file

ROOT = Path(__file__).parents[1]
PREDICT = ROOT / "tests" / "tfjs" / "predict.mjs"


# Helpers: TensorFlow.js in Node, numpy as a second reader, models with random weights.


@pytest.fixture(scope="module")
def predict(node, tmp_path_factory):
    """predict([(directory, backend, inputs)]) -> for each, the list of its outputs."""

    def run(jobs):
        folder = tmp_path_factory.mktemp("node")
        written = []
        for i, (directory, backend, inputs, count) in enumerate(jobs):
            files = []
            for j, array in enumerate(inputs):
                files.append({"file": str(folder / f"x{i}_{j}"), "shape": array.shape})
                array.astype("<f4").tofile(files[-1]["file"])
            outputs = [str(folder / f"y{i}_{j}") for j in range(count)]
            job = {"directory": str(directory), "backend": backend}
            written.append(job | {"inputs": files, "outputs": outputs})
        (folder / "jobs.json").write_text(json.dumps(written))
        done = subprocess.run(
            [node, PREDICT, folder / "jobs.json"], capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stderr
        results = json.loads(done.stdout)
        assert {result["version"] for result in results} == {"4.22.0"}
        assert [result["backend"] for result in results] == [job["backend"] for job in written]
        return [
            [
                np.fromfile(file, "<f4").reshape(shape)
                for file, shape in zip(job["outputs"], result["shapes"], strict=True)
            ]
            for job, result in zip(written, results, strict=True)
        ]

    return run


def randomize(model, seed=0):
    """Give every weight a value that matters: no zero biases, no moving variance of one."""
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        if weight.name in ("moving_variance", "gamma"):
            value = rng.uniform(0.3, 1.5, weight.shape)
        elif len(weight.shape) > 1:
            fan_in = np.prod(weight.shape[:-1])
            value = rng.normal(0, fan_in**-0.5, weight.shape)
        else:
            value = rng.uniform(-0.5, 0.5, weight.shape)
        weight.assign(value.astype("float32"))
    return model


def small(*layers, shape=(8, 8, 1)):
    return randomize(keras.Sequential([keras.Input(shape), *layers]))


def snapshot(directory):
    """Every path under a folder, with the bytes of files."""
    return {
        str(path.relative_to(directory)): path.read_bytes() if path.is_file() else None
        for path in directory.rglob("*")
    }


# The two networks.


@pytest.fixture(scope="module")
def article(mnist):
    """The article's network, trained a little."""
    keras.utils.set_random_seed(0)
    model = digitlab.article_cnn()
    model.compile("adam", "sparse_categorical_crossentropy")
    x = mnist.x_train[:3200, ..., None].astype("float32") / 255
    model.fit(x, mnist.y_train[:3200], batch_size=32, verbose=0)
    return model


@pytest.fixture(scope="module")
def shipped():
    return keras.models.load_model(ROOT / "models" / "digits.keras", compile=False)


@pytest.fixture(scope="module")
def agreement(article, shipped, mnist, predict, tmp_path_factory):
    """For each network and quantization, the probabilities of Keras and of TensorFlow.js."""
    networks = {"article": article, "shipped": shipped}
    x = mnist.x_test[::10, ..., None].astype("float32") / 255  # (1000, 28, 28, 1)
    folder = tmp_path_factory.mktemp("networks")
    keys = [(name, quantize) for name in networks for quantize in QUANTIZATIONS]
    jobs = []
    for name, quantize in keys:
        directory = folder / f"{name}-{quantize}"
        export_tfjs(networks[name], directory, quantize)
        jobs.append((directory, "wasm", [x], 1))
    expected = {name: network.predict(x, verbose=0) for name, network in networks.items()}
    found = [outputs[0] for outputs in predict(jobs)]
    return {key: (expected[key[0]], y) for key, y in zip(keys, found, strict=True)}


@pytest.mark.once
@pytest.mark.parametrize("name", ["article", "shipped"])
def test_tensorflow_js_agrees_with_keras_on_a_thousand_images(agreement, mnist, name):
    expected, found = agreement[name, None]
    assert (expected.argmax(1) == mnist.y_test[::10]).mean() > 0.9  # it is trained
    assert abs(found - expected).max() <= 1e-5


@pytest.mark.once
def test_the_shipped_files_hold_the_same_network(shipped, mnist, predict):
    """Although a weight takes four bytes in digits.keras, and one in tfjs/."""
    x = mnist.x_test[::10, ..., None].astype("float32") / 255  # (1000, 28, 28, 1)
    ((found,),) = predict([(ROOT / "models" / "tfjs", "wasm", [x], 1)])
    assert abs(found - shipped.predict(x, verbose=0)).max() <= 1e-5
    (weights,) = (ROOT / "models" / "tfjs").glob("*.bin")
    assert weights.stat().st_size <= 150_000


@pytest.mark.once
@pytest.mark.parametrize("quantize", ["float16", "uint8"])
@pytest.mark.parametrize("name", ["article", "shipped"])
def test_quantized_tensorflow_js_reads_the_same_digits(agreement, name, quantize):
    expected, found = agreement[name, quantize]
    assert (found.argmax(1) == expected.argmax(1)).mean() >= 0.999
    assert abs(found - expected).max() > 0  # it is quantized


# Every layer that the exporter accepts, in graphs of all kinds. Each branch is an output.


def image_layers():
    x = keras.Input((12, 12, 4))
    conv = L.Conv2D(8, 3, padding="same", activation="relu")(x)
    gate = L.Dense(8, activation="sigmoid")(L.GlobalAveragePooling2D()(conv))
    outputs = [
        conv,
        L.Conv2D(5, (3, 2), strides=(2, 1), use_bias=False, activation="silu")(x),
        L.Conv2D(5, 3, dilation_rate=2, activation="gelu")(x),
        L.Conv2D(2, 3, strides=(3, 2), padding="same")(x),
        L.Conv2D(2, 1, strides=5, padding="same")(x),
        L.DepthwiseConv2D(3, depth_multiplier=2, strides=2, activation="relu6")(x),
        L.DepthwiseConv2D(3, padding="same", use_bias=False)(x),
        L.SeparableConv2D(6, 3, depth_multiplier=2, padding="same", activation="elu")(x),
        L.SeparableConv2D(6, 3, dilation_rate=2)(x),
        L.Conv2DTranspose(3, 3, strides=2, padding="same", activation="tanh")(x),
        L.Conv2DTranspose(3, 2, strides=3)(x),
        L.MaxPooling2D(3, strides=2, padding="same")(x),
        L.MaxPooling2D()(x),
        L.AveragePooling2D(5, strides=2, padding="same")(x),
        L.GlobalMaxPooling2D()(x),
        L.BatchNormalization()(conv),
        L.BatchNormalization(axis=3, epsilon=0.1)(x),
        L.BatchNormalization(center=False, scale=False)(gate),
        L.LayerNormalization()(x),
        L.LayerNormalization(axis=[1, 2, 3], epsilon=0.1, scale=False)(x),
        L.ZeroPadding2D(((1, 2), (0, 3)))(x),
        L.Cropping2D(((1, 2), (0, 3)))(x),
        L.UpSampling2D((2, 3))(x),
        L.ReLU()(x),
        L.ReLU(max_value=0.5)(x),
        L.LeakyReLU(negative_slope=0.2)(x),
        L.PReLU()(x),
        L.PReLU(shared_axes=[1, 2])(x),
        L.PReLU(shared_axes=[-1, -2])(x),
        L.ELU()(x),
        L.Rescaling(1 / 127.5, offset=-1)(x),
        L.Rescaling(np.float32(0.5))(x),
        L.Rescaling(np.linspace(1, 2, x.shape[-1]))(x),
        L.Flatten()(x),
        L.Conv2D(2, 2)(L.Reshape((6, -1, 8))(x)),
        L.Dense(3)(L.Reshape((-1,))(x)),
        L.Dropout(0.5)(x),
        L.GaussianNoise(1.0)(x),
        L.GaussianDropout(0.5)(x),
        L.Add()([conv, conv, conv]),
        L.Multiply()([conv, L.Reshape((1, 1, 8))(gate)]),
        L.Add()([conv, gate]),
        L.Average()([x, L.ReLU()(x)]),
        L.Maximum()([x, L.Rescaling(-1.0)(x)]),
        L.Add()([L.Multiply()([once := L.ReLU()(x), L.Identity()(once)]), once]),
        L.Multiply()([twice := L.ReLU()(x), twice]),
        L.Minimum()([x, L.Rescaling(-1.0)(x)]),
        L.Concatenate()([x, conv]),
        L.Concatenate(axis=1)([x, L.ZeroPadding2D((1, 0))(x)]),
        L.Concatenate(axis=-3)([x, L.ZeroPadding2D((1, 0))(x)]),
        L.Concatenate(axis=-2)([x, L.ZeroPadding2D((0, 1))(x)]),
    ]
    return keras.Model(x, outputs)


def sequence_layers():
    x = keras.Input((10, 6))
    outputs = [
        L.Conv1D(4, 3, strides=2, padding="same", activation="softsign")(x),
        L.Conv1D(4, 3, dilation_rate=2)(x),
        L.MaxPooling1D(3, strides=2, padding="same")(x),
        L.AveragePooling1D(3)(x),
        L.GlobalAveragePooling1D()(x),
        L.GlobalMaxPooling1D()(x),
        L.BatchNormalization()(x),
        L.LayerNormalization()(x),
        L.Dense(5, activation="softmax")(x),
        L.Softmax()(x),
        L.SpatialDropout1D(0.5)(x),
        L.Permute((2, 1))(x),
        L.RepeatVector(3)(L.GlobalMaxPooling1D()(x)),
        L.LSTM(5, return_sequences=True)(x),
        L.LSTM(5, unit_forget_bias=False, dropout=0.5, go_backwards=True)(x),
        L.GRU(5, reset_after=False)(x),
        L.SimpleRNN(5, use_bias=False)(x),
    ]
    return keras.Model(x, outputs)


def activations():
    x = keras.Input((7,))
    branches = [L.Activation(name)(L.Rescaling(4.0)(x)) for name in ACTIVATIONS]
    return keras.Model(x, [*branches, *[L.Dense(3, activation=a)(x) for a in ACTIVATIONS]])


def graphs():
    """Two inputs, a layer that is called twice, and nested models."""
    left, right = keras.Input((6, 6, 2), name="left_image"), keras.Input((6, 6, 2), name="right")
    shared = L.Conv2D(3, 3, name="shared_conv")
    inner = keras.Sequential([keras.Input((4, 4, 3)), L.BatchNormalization(), L.Flatten()])
    y = keras.Input((48,))
    outer = keras.Model(y, L.Concatenate()([L.Dense(4)(y), keras.Sequential([L.Dense(2)])(y)]))
    towers = [outer(inner(L.Activation("tanh")(shared(side)))) for side in (right, left)]
    one, other = keras.Input((6,)), keras.Input((6,))
    mixed = keras.Model([one, other], L.Dense(5)(L.Multiply()([L.Dense(6)(one), other])))
    outputs = [L.Average()(towers), shared(left), towers[0], mixed(towers)]
    return keras.Model([left, right], outputs)


def sequential():
    return keras.Sequential(
        [
            keras.Input((28, 28, 1), name="picture"),
            L.Conv2D(8, 3, name="first.conv-2d_1"),
            L.BatchNormalization(trainable=False),
            keras.Sequential([L.ReLU(), L.Conv2D(4, 3, activation=keras.activations.mish)]),
            L.GlobalAveragePooling2D(),
            L.Dense(10),
        ],
        name="a_model",
    )


def augmentation():
    """Layers that do nothing at inference, alone and in sequences."""
    needs = {"factor": 0.3, "rate": 0.3, "height_factor": 0.2, "width_factor": 0.2}
    x, volume = keras.Input((8, 8, 3)), keras.Input((3, 4, 5, 2))
    outputs = []
    for kind in sorted(PASSES_ON):
        layer = getattr(L, kind)
        asked = inspect.signature(layer).parameters.items()
        options = {n: needs[n] for n, p in asked if p.default is p.empty and n in needs}
        if kind == "RandomPosterization":
            options["factor"] = 4  # bits
        if "value_range" in dict(asked):
            options["value_range"] = (0, 1)
        outputs.append(layer(**options)(volume if kind == "SpatialDropout3D" else x))
    shared = L.Identity()
    augment = keras.Sequential([L.RandomFlip(), L.RandomRotation(0.1), L.AlphaDropout(0.1)])
    convolution = L.Conv2D(2, 3)(L.Pipeline([L.RandomZoom(0.2), L.RandomTranslation(0.1, 0.1)])(x))
    outputs += [
        L.Conv2D(2, 3)(augment(x)),
        L.Add()([shared(convolution), L.ReLU()(shared(L.RandomContrast(0.2)(convolution)))]),
        L.Identity()(L.ActivityRegularization(0.1)(L.Dense(3)(L.Flatten()(augment(x))))),
        shared(shared(L.Dense(2)(x))),
    ]
    return keras.Model([x, volume], outputs)


def augmented():
    """A sequence that begins and ends with layers that do nothing at inference."""
    return keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.Sequential([L.RandomRotation(0.1), keras.Sequential([L.RandomZoom(0.1)])]),
            L.Rescaling(1 / 255),
            L.Conv2D(4, 3),
            L.SpatialDropout2D(0.2),
            L.Flatten(),
            L.Dense(10, activation="softmax"),
            L.Identity(),
        ]
    )


ZOO = [image_layers, sequence_layers, activations, graphs, sequential, augmentation, augmented]


@pytest.fixture(scope="module")
def zoo():
    return {make.__name__: randomize(make()) for make in ZOO}


def test_the_zoo_holds_every_layer_that_is_let_through(zoo):
    kinds = {type(layer).__name__ for model in zoo.values() for layer in flat_layers(model)}
    assert kinds == {*LAYERS, *PASSES_ON, "Pipeline"}


@pytest.fixture(scope="module")
def zoo_outputs(zoo, predict, tmp_path_factory):
    rng = np.random.default_rng(1)
    folder = tmp_path_factory.mktemp("zoo")
    keys, jobs, expected = [], [], []
    for name, model in zoo.items():
        x = [rng.normal(size=(3, *tensor.shape[1:])).astype("float32") for tensor in model.inputs]
        outputs = model(x if len(x) > 1 else x[0], training=False)
        outputs = [np.asarray(y) for y in (outputs if isinstance(outputs, list) else [outputs])]
        export_tfjs(model, folder / name)
        for backend in ("cpu", "wasm"):
            keys.append((name, backend))
            jobs.append((folder / name, backend, x, len(outputs)))
            expected.append(outputs)
    return dict(zip(keys, zip(expected, predict(jobs), strict=True), strict=True))


@pytest.mark.parametrize("backend", ["cpu", "wasm"])
@pytest.mark.parametrize("name", [make.__name__ for make in ZOO])
def test_every_layer_computes_as_in_keras(zoo, zoo_outputs, name, backend):
    for tensor, expected, found in zip(zoo[name].outputs, *zoo_outputs[name, backend], strict=True):
        layer = tensor._keras_history.operation
        assert found.shape == expected.shape, layer
        assert abs(expected).max() > 0, layer
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5, err_msg=str(layer))


def test_an_input_may_have_any_size(predict, tmp_path):
    model = small(L.Conv2D(2, 3), L.GlobalMaxPooling2D(), shape=(None, None, 1))
    export_tfjs(model, tmp_path)
    x = np.random.default_rng(0).random((2, 5, 9, 1), dtype="float32")
    ((found,),) = predict([(tmp_path, "cpu", [x], 1)])
    np.testing.assert_allclose(found, model(x), atol=1e-6)


# The files.


def large(seed=0):
    """A model of 4.8 MB, which is written in two shards."""
    return randomize(keras.Sequential([keras.Input((1000,)), L.Dense(1200, name="wide")]), seed)


@pytest.mark.parametrize("quantize", QUANTIZATIONS)
def test_the_files_hold_the_weights(quantize, tmp_path):
    model = randomize(digitlab.pen_cnn())
    expected = {
        f"{layer.name}/{weight.name}": weight.numpy()
        for layer in model.layers
        for weight in layer.weights
    }
    assert export_tfjs(model, tmp_path, quantize) == tmp_path / "model.json"
    found = decode(tmp_path)
    assert found.keys() == expected.keys()
    steps = {None: 0, "float16": 2**-11, "uint8": 1 / 255}
    for name, value in found.items():
        if expected[name].ndim == 1:
            assert (value == expected[name]).all(), name
        else:
            step = steps[quantize] * np.ptp(expected[name])
            np.testing.assert_allclose(value, expected[name], rtol=0, atol=0.51 * step)
    size = sum(path.stat().st_size for path in tmp_path.glob("*.bin"))
    bytes_a_weight = {None: (4, 4), "float16": (2, 2.1), "uint8": (1, 1.1)}[quantize]
    assert bytes_a_weight[0] <= size / model.count_params() <= bytes_a_weight[1]


def read_by_tensorflow_js(directory):
    """Weights of an export by name, float32, in the arithmetic of TensorFlow.js' io_utils.js."""
    return {name: value.astype(np.float32) for name, value in decode(directory).items()}


@pytest.mark.parametrize("dtype", ["float16", "uint8"])
@pytest.mark.parametrize("shift", [-3.0, 0.0, 3.0])  # weights below 0, around it, and above
def test_quantization_is_known_without_files(dtype, shift, tmp_path):
    model = randomize(digitlab.pen_cnn())
    for weight in model.weights:
        if weight.name == "kernel":
            weight.assign(weight + shift)
    model.layers[-1].kernel.assign(model.layers[-1].kernel * 0 + 0.3)  # all weights are equal
    export_tfjs(model, tmp_path, dtype)
    weights = {f"{layer.name}/{w.name}": w.numpy() for layer in model.layers for w in layer.weights}
    found, written = quantization.as_exported(weights, dtype), read_by_tensorflow_js(tmp_path)
    assert found.keys() == written.keys() == weights.keys()
    for name, value in found.items():
        assert value.dtype == np.float32
        np.testing.assert_array_equal(value, written[name], err_msg=name)
    assert any((value != weights[name]).any() for name, value in found.items())


def test_quantized_values_stay_as_they_are_and_hold_zero():
    values = np.random.default_rng(0).normal(0, 1, (50, 40)).astype(np.float32)
    quantized = quantization.quantize_weights(values, "uint8")
    assert quantized.values.dtype == np.uint8
    once = quantization.dequantize_weights(quantized)
    np.testing.assert_array_equal(
        quantization.quantize_weights(once, "uint8").values, quantized.values
    )
    assert abs(once - values).max() <= 0.51 * np.ptp(values) / 255
    with_zero = np.append(values.ravel(), np.float32(0))
    zero = quantization.dequantize_weights(quantization.quantize_weights(with_zero, "uint8"))[-1]
    assert abs(zero) < 1e-6


def test_biases_and_statistics_are_never_quantized(tmp_path):
    model = small(L.Conv2D(9, 3), L.BatchNormalization(), L.Conv2D(9, 1), L.BatchNormalization())
    export_tfjs(model, tmp_path, "uint8")
    found = decode(tmp_path)
    for layer in model.layers:
        for weight in layer.weights:
            same = (found[f"{layer.name}/{weight.name}"] == weight.numpy()).all()
            assert same == (weight.name != "kernel"), weight.path


def test_the_same_model_gives_the_same_bytes_and_takes_no_random_numbers(tmp_path):
    model, state = large(), random.getstate()
    for name in ("one", "two"):
        export_tfjs(model, tmp_path / name, "float16")
    assert random.getstate() == state
    assert snapshot(tmp_path / "one") == snapshot(tmp_path / "two")


def test_an_export_says_nothing(tmp_path, capfd):
    export_tfjs(small(L.Flatten(), L.Dense(2)), tmp_path, "uint8")
    assert capfd.readouterr() == ("", "")


def test_an_export_replaces_the_earlier_one_and_nothing_else(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "group1-shard1of9.bin").write_text("mine, too")
    export_tfjs(large(seed=1), tmp_path)
    first = {path.name for path in tmp_path.iterdir()}
    assert len(first) == 5  # model.json, two shards, my two files
    export_tfjs(large(seed=2), tmp_path)
    second = {path.name for path in tmp_path.iterdir()}
    assert first & second == {"model.json", "notes.txt", "group1-shard1of9.bin"}
    assert len(second) == 5
    assert (decode(tmp_path)["wide/kernel"] == large(seed=2).get_weights()[0]).all()


def test_an_export_replaces_one_of_tensorflowjs(tmp_path):
    paths = ["group1-shard1of2.bin", "group1-shard2of2.bin"]
    document = {"format": "layers-model", "weightsManifest": [{"paths": paths, "weights": []}]}
    (tmp_path / "model.json").write_text(json.dumps(document))
    for path in paths:
        (tmp_path / path).touch()
    export_tfjs(large(), tmp_path)
    assert len(list(tmp_path.iterdir())) == 3 and not (tmp_path / paths[0]).exists()


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"weightsManifest": [{"paths": [1]}]}'])
def test_any_model_json_may_be_replaced(text, tmp_path):
    (tmp_path / "model.json").write_text(text)
    export_tfjs(small(L.Flatten()), tmp_path)
    assert (tmp_path / "model.json").read_text() != text


def test_a_model_json_cannot_have_other_files_removed(tmp_path):
    paths = ["../outside.bin", str(tmp_path / "outside.bin"), "thesis.doc", "model.json", ".."]
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "model.json").write_text(json.dumps({"weightsManifest": [{"paths": paths}]}))
    (tmp_path / "outside.bin").touch()
    (folder / "thesis.doc").touch()
    export_tfjs(small(L.Flatten(), L.Dense(2)), folder)
    assert (tmp_path / "outside.bin").exists() and (folder / "thesis.doc").exists()
    assert "modelTopology" in (folder / "model.json").read_text()


# An export that fails.


@pytest.fixture(params=["into an earlier export", "into a new folder"])
def target(request, tmp_path):
    if request.param == "into a new folder":
        return tmp_path / "new" / "folder"
    export_tfjs(large(seed=1), tmp_path / "old")
    (tmp_path / "old" / "notes.txt").write_text("mine")
    return tmp_path / "old"


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "no space"), KeyboardInterrupt()])
@pytest.mark.parametrize("good_moves", [0, 1, 2])
def test_a_failing_move_leaves_all_as_it_was(target, good_moves, error, tmp_path, monkeypatch):
    model, before, moves = large(seed=2), snapshot(tmp_path), []

    def replace(source, destination, real=os.replace):
        if len(moves) == good_moves:
            raise error
        moves.append(destination)
        real(source, destination)

    monkeypatch.setattr(os, "replace", replace)
    with pytest.raises(type(error)):
        export_tfjs(model, target)
    assert len(moves) == good_moves
    assert snapshot(tmp_path) == before


def test_a_stop_after_the_last_move_leaves_the_new_export(target, monkeypatch):
    def replace(source, destination, real=os.replace):
        real(source, destination)
        if Path(destination).name == "model.json":
            raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", replace)
    with pytest.raises(KeyboardInterrupt):
        export_tfjs(large(seed=2), target)
    assert (decode(target)["wide/kernel"] == large(seed=2).get_weights()[0]).all()


@pytest.mark.parametrize("limit", [0, 1_000_000])
def test_a_full_disk_leaves_all_as_it_was(target, limit, tmp_path):
    model, before = large(seed=2), snapshot(tmp_path)
    with largest_file(limit), pytest.raises(OSError, match="File too large"):
        export_tfjs(model, target)
    assert snapshot(tmp_path) == before


def test_a_file_in_the_way_of_the_folder_is_left_alone(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OSError):
        export_tfjs(small(L.Flatten()), tmp_path / "file" / "folder")
    assert snapshot(tmp_path) == {"file": b"mine"}


# Other backends and precisions, model files, and the shell.


def test_neither_tensorflow_nor_tensorflowjs_is_needed(optional, tmp_path):
    model = randomize(digitlab.pen_cnn())
    model.save(tmp_path / "model.keras")
    export_tfjs(model, tmp_path / "here", "uint8")
    code = (
        "import sys\n"
        "for name in ('tensorflow', 'tf_keras', 'tensorflowjs'): sys.modules[name] = None\n"
        "from digitlab.export.tfjs import main\n"
        "main(['model.keras', 'there', '--quantize', 'uint8'])"
    )
    there = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=os.environ | {"KERAS_BACKEND": "jax", "PYTHONPATH": str(optional)},
        capture_output=True,
        text=True,
    )
    assert there.returncode == 0, there.stderr
    assert snapshot(tmp_path / "there") == snapshot(tmp_path / "here")


def test_other_precisions_are_cast_and_say_so(predict, tmp_path):
    x = np.random.default_rng(0).random((2, 8, 8, 1), dtype="float32")
    expected, jobs = {}, []
    for policy in ("mixed_float16", "mixed_bfloat16", "float16", "float64"):
        layers = [L.Conv2D(4, 3, dtype=policy), L.BatchNormalization(dtype=policy)]
        model = small(*layers, L.Flatten(dtype=policy), L.Dense(3, dtype=policy))
        with pytest.warns(UserWarning, match=f"computes in {policy}; TensorFlow.js will compute"):
            export_tfjs(model, tmp_path / policy)
        assert {w["dtype"] for w in manifest(tmp_path / policy)} == {"float32"}
        expected[policy] = keras.ops.convert_to_numpy(keras.ops.cast(model(x), "float32"))
        jobs.append((tmp_path / policy, "cpu", [x], 1))
    for policy, (found,) in zip(expected, predict(jobs), strict=True):
        atol = 0.05 if "float16" in policy else 1e-5
        np.testing.assert_allclose(found, expected[policy], atol=atol, err_msg=policy)


def manifest(directory):
    (group,) = json.loads((directory / "model.json").read_text())["weightsManifest"]
    return group["weights"]


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_files_are_exported_from_a_shell(suffix, tmp_path, capsys):
    model = small(L.Flatten(), L.Dense(2))
    model.save(tmp_path / f"model{suffix}")
    capsys.readouterr()  # Keras warns about .h5
    tfjs.main([str(tmp_path / f"model{suffix}"), str(tmp_path / "out"), "--quantize", "float16"])
    assert capsys.readouterr().out.strip() == str(tmp_path / "out" / "model.json")
    export_tfjs(model, tmp_path / "expected", "float16")
    assert decode(tmp_path / "out").keys() == decode(tmp_path / "expected").keys()
    for name, value in decode(tmp_path / "expected").items():
        np.testing.assert_array_equal(decode(tmp_path / "out")[name], value)


def test_the_shell_hears_what_is_wrong(tmp_path, capsys, monkeypatch):
    small(L.GroupNormalization(1)).save(tmp_path / "model.keras")
    content = bytearray((tmp_path / "model.keras").read_bytes())
    content[content.index(b"model.weights.h5") + 200] ^= 1
    (tmp_path / "damaged.keras").write_bytes(content)
    with zipfile.ZipFile(tmp_path / "letters.keras", "w") as archive:
        archive.writestr("letter.txt", "Dear Keras")
    monkeypatch.chdir(tmp_path)
    for arguments, status, message in [
        (["--help"], 0, "--quantize"),
        (["damaged.keras", "out"], 1, "is damaged"),
        (["letters.keras", "out"], 1, "expected what model.save wrote, got letters.keras"),
        (["nothing.keras", "out"], 1, "expected a .keras or .h5 file, and there is none"),
        (["model.keras", "out"], 1, "is a GroupNormalization"),
        (["model.keras", "out", "--quantize", "int8"], 2, "invalid choice: 'int8'"),
    ]:
        with pytest.raises(SystemExit) as ended:
            tfjs.main(arguments)
        assert ended.value.code == status
        assert message in "".join(capsys.readouterr())
    module = [sys.executable, "-m", "digitlab.export.tfjs", "model.keras", "out"]
    done = subprocess.run(module, capture_output=True, text=True)
    assert done.returncode == 1 and "is a GroupNormalization" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


def test_the_rest_of_a_model_with_preprocessing_is_exported_as_told(predict, tmp_path):
    expected, jobs = [], []
    kinds = L.Normalization, lambda: L.Resizing(4, 4), lambda: L.CenterCrop(4, 4)
    for make, functional in itertools.product(kinds, (False, True)):
        model = small(make(), L.Conv2D(2, 3), L.Flatten(), L.Dense(3))
        if functional:
            model = keras.Model(model.inputs, model.outputs)
        out = tmp_path / str(len(jobs))
        with pytest.raises(ValueError, match="leave it|can do its work") as raised:
            export_tfjs(model, out)
        told = re.search(r"keras\.Model\(model\.get_layer.* model\.outputs\)", str(raised.value))
        rest = eval(told[0], {"keras": keras, "model": model})
        export_tfjs(rest, out)
        x = np.random.default_rng(0).random((2, *rest.input_shape[1:]), dtype="float32")
        expected.append((rest(x), f"{model.layers[-4].name}, {functional=}"))
        jobs.append((out, "cpu", [x], 1))
    for (values, name), (found,) in zip(expected, predict(jobs), strict=True):
        np.testing.assert_allclose(found, values, atol=1e-5, err_msg=name)


# What is rejected.


class Doubling(L.Layer):
    def call(self, x):
        return 2 * x


class Dense(L.Dense):
    """Has the name of a Keras layer."""


class RandomFlip(L.RandomFlip):
    """Has the name of a Keras layer."""


class Pipeline(L.Pipeline):
    """Has the name of a Keras layer."""


class Subclassed(keras.Model):
    def call(self, x):
        return x


def relu(x):
    """Has the name of Keras' relu, but computes something else."""
    return -x


def functional(call, shape=(8, 8, 1)):
    x = keras.Input(shape)
    return keras.Model(x, call(x))


def named_twice():
    inner = keras.Sequential([keras.Input((4,)), L.Dense(4, name="same")])
    return keras.Sequential([keras.Input((4,)), L.Dense(4, name="same"), inner])


def called_out_of_order():
    x = keras.Input((4,))
    shared = L.Dense(4, name="shared")
    again = shared(L.Dense(4)(shared(x)))  # the second call has to wait, the third does not
    return keras.Model(x, [again, shared(x)])


def diverged():
    model = small(L.Flatten(), L.Dense(2))
    model.set_weights([weight * np.nan for weight in model.get_weights()])
    return model


REFUSED = {
    "a layer that is not there": (lambda: small(L.GroupNormalization(1)), "GroupNormalization"),
    "masking": (lambda: small(L.Masking(), shape=(4, 2)), "Masking"),
    "a layer that has an initializer's name": (lambda: small(L.RandomCrop(4, 4)), "RandomCrop"),
    "a custom augmentation": (lambda: small(RandomFlip()), r"test_tfjs\.RandomFlip"),
    "a custom augmentation in a pipeline": (lambda: small(L.Pipeline([RandomFlip()])), "Pipeline"),
    "a pipeline that always changes": (lambda: small(L.Pipeline([L.Solarization()])), "Pipeline"),
    "a custom pipeline": (lambda: small(Pipeline([L.RandomFlip()])), r"test_tfjs\.Pipeline"),
    "augmentation while predicting": (
        lambda: functional(lambda x: L.AlphaDropout(0.1)(x, training=True)),
        "training=True",
    ),
    "Lambda": (lambda: small(L.Lambda(lambda x: x)), "Lambda"),
    "a custom layer": (lambda: small(Doubling()), r"test_tfjs\.Doubling"),
    "a custom layer of a known name": (lambda: small(Dense(2)), r"test_tfjs\.Dense"),
    "a layer in a model in a model": (lambda: small(small(small(Doubling()))), "Doubling"),
    "an operation": (lambda: functional(lambda x: x + x), r"operation Add.*keras\.layers\.Add"),
    "an operation, deep": (lambda: small(functional(lambda x: 2 * x)), "operation Multiply"),
    "an activation that differs": (lambda: small(L.Activation("hard_sigmoid")), "hard_sigmoid"),
    "an activation that is not there": (lambda: small(L.Dense(2, "leaky_relu")), "leaky_relu"),
    "a custom activation of a known name": (lambda: small(L.Dense(2, relu)), "custom"),
    "a layer as activation": (lambda: small(L.Dense(2, L.ReLU())), "activation"),
    "a recurrent activation": (
        lambda: small(L.LSTM(2, recurrent_activation="exponential"), shape=(4, 2)),
        "recurrent_activation 'exponential'",
    ),
    "groups": (lambda: small(L.Conv2D(4, 3, groups=2), shape=(8, 8, 2)), "groups=2"),
    "dilation": (lambda: small(L.DepthwiseConv2D(3, dilation_rate=2)), r"dilation_rate=\(2, 2\)"),
    "strides that leave pixels": (
        lambda: small(L.Conv2D(4, 3, strides=4, padding="same"), shape=(28, 28, 1)),
        "padding='same' with strides that leave pixels",
    ),
    "such strides in one direction": (
        lambda: small(L.SeparableConv2D(4, (3, 2), (2, 3), "same"), shape=(9, 9, 1)),
        "leave pixels",
    ),
    "such strides in any size": (
        lambda: small(L.Conv1D(4, 2, strides=3, padding="same"), shape=(None, 1)),
        "leave pixels",
    ),
    "a tensor twice": (
        lambda: functional(lambda x: L.Add()([y := L.ReLU()(x), L.Multiply()([y, y])])),
        "output of 're_lu.*' twice",
    ),
    "causal padding": (lambda: small(L.Conv1D(2, 3, padding="causal"), shape=(8, 2)), "causal"),
    "channels first": (lambda: small(L.Flatten(data_format="channels_first")), "channels_first"),
    "kept dimensions": (lambda: small(L.GlobalMaxPooling2D(keepdims=True)), "=True; expected none"),
    "bilinear": (lambda: small(L.UpSampling2D(interpolation="bilinear")), "bilinear"),
    "BatchNormalization of rows": (lambda: small(L.BatchNormalization(axis=1)), "axis=1"),
    "a slope": (lambda: small(L.ReLU(negative_slope=0.1)), "negative_slope=0.1"),
    "a threshold": (lambda: small(L.ReLU(threshold=1)), "threshold=1"),
    "ELU's alpha": (lambda: small(L.ELU(2.0)), "alpha=2.0"),
    "PReLU of columns": (lambda: small(L.PReLU(shared_axes=[2])), r"shared_axes=\[2\]"),
    "padding of the output": (
        lambda: small(L.Conv2DTranspose(2, 3, strides=2, output_padding=0)),
        r"output_padding=\(0, 0\)",
    ),
    "a sum of one": (lambda: functional(lambda x: L.Add()([x])), "a list of one tensor"),
    "an output twice": (lambda: functional(lambda x: [y := L.ReLU()(x), y]), "output twice"),
    "an unknown size": (
        lambda: small(L.Reshape((-1, 3)), shape=(None, 6)),
        r"target_shape=\(-1, 3\)",
    ),
    "softmax of rows": (lambda: small(L.Softmax(axis=1)), "axis=1"),
    "Keras 3's GRU": (lambda: small(L.GRU(2), shape=(4, 2)), "reset_after=True.*False"),
    "states": (lambda: small(L.LSTM(2, unroll=True), shape=(4, 2)), "unroll=True"),
    "Flatten of what is flat": (lambda: small(L.Flatten(), shape=(4,)), "2 dimensions"),
    "dropout while predicting": (
        lambda: functional(lambda x: L.Dropout(0.5)(x, training=True)),
        "training=True",
    ),
    "a constant": (lambda: functional(lambda x: L.Add()([x, np.ones((1, 8, 8, 1))])), "constant"),
    "eight bits": (lambda: small(L.Dense(2, dtype="int8_from_float32")), "int8_from_float32"),
    "integers": (lambda: keras.Sequential([keras.Input((4,), dtype="uint8"), L.Dense(2)]), "uint8"),
    "a name with a space": (lambda: small(L.Dense(2, name="my layer")), "my layer"),
    "an input with such a name": (
        lambda: keras.Sequential([keras.Input((4,), name="my input"), L.Dense(2)]),
        "my input",
    ),
    "a function of which there is no source": (
        lambda: small(L.Dense(2, eval("lambda x: x * x"))),
        "activation '<lambda>', which is a custom one",
    ),
    "a name twice": (named_twice, "'same'"),
    "calls out of order": (called_out_of_order, "'shared'"),
    "outputs in a dict": (lambda: functional(lambda x: {"y": L.ReLU()(x)}), "dict"),
    "an unbuilt model": (lambda: keras.Sequential([L.Dense(2)]), "not built"),
    "an empty model": (lambda: keras.Sequential(), "not built"),
    "a subclassed model": (Subclassed, "Subclassed"),
    "weights that are not finite": (diverged, "not finite"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_tensorflow_js_does_not_know_is_rejected(case, tmp_path):
    make, message = REFUSED[case]
    with pytest.raises(ValueError, match=message) as raised:
        export_tfjs(make(), tmp_path / "out")
    assert "expected" in str(raised.value)  # what came, what was expected,
    assert str(raised.value).count(".") >= 2  # and what to do
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("quantize", ["float32", "uint16", "", 8, True])
def test_an_unknown_quantization_is_rejected(quantize, tmp_path):
    with pytest.raises(ValueError, match="None, 'float16', 'uint8'"):
        export_tfjs(small(L.Flatten()), tmp_path / "out", quantize)
    assert not (tmp_path / "out").exists()


def test_weights_too_large_for_float16_are_rejected(tmp_path):
    model = small(L.Dense(2))
    model.set_weights([weight + 1e6 for weight in model.get_weights()])
    with pytest.raises(ValueError, match="65504"):
        export_tfjs(model, tmp_path / "out", "float16")
    assert not (tmp_path / "out").exists()
    export_tfjs(model, tmp_path / "out", "uint8")


@pytest.mark.parametrize("model", [None, "model.keras", type("Sequential", (), {"layers": []})()])
def test_only_keras_3_models_are_exported(model, tmp_path):
    with pytest.raises(TypeError, match="expected a Keras 3 model"):
        export_tfjs(model, tmp_path / "out")
    assert not (tmp_path / "out").exists()
