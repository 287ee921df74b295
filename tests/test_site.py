"""The web page's files: complete and small, and in Node they compute what Python does."""

import json
import re
import subprocess
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers as L
from test_tfjs import decode

import digitlab
from digitlab import render_strokes
from digitlab import site as site_module
from digitlab.recognizer import Recognizer

ROOT = Path(__file__).parents[1]
READ = ROOT / "tests" / "site" / "read.mjs"
VECTORS = json.loads((ROOT / "tests" / "fixtures" / "ink.json").read_text())


@pytest.fixture(scope="module")
def read(site, tmp_path_factory):
    """read(drawings or images (n, 28, 28)) -> what the page's code reads in Node."""
    folder = tmp_path_factory.mktemp("read")

    def run(inputs, where=site):
        (where.parent / "package.json").write_text('{"type": "module"}')  # so Node takes .js files
        if isinstance(inputs, np.ndarray):
            file = folder / "images.bin"
            inputs.astype("<f4").tofile(file)
        else:
            file = folder / "drawings.json"
            file.write_text(json.dumps(inputs))
        done = subprocess.run(
            ["node", READ, where, file], capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


@pytest.fixture(scope="module")
def same_weights(site):
    """Keras' network with the very weights that the page has: one byte each."""
    model = keras.models.load_model(ROOT / "models" / "digits.keras", compile=False)
    weights = decode(site / "model")
    for layer in model.layers:
        for weight in layer.weights:
            weight.assign(weights[f"{layer.name}/{weight.name}"])
    return Recognizer(model.predict_on_batch)  # compiled: ten times as fast as a call


# The files.


def files(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_the_files_are_small(site):
    sizes = {path.relative_to(site).as_posix(): path.stat().st_size for path in files(site)}
    assert sum(size for name, size in sizes.items() if name.endswith(".bin")) <= 150_000
    assert sum(sizes.values()) <= 800_000, sizes


def test_the_files_name_no_other_host(site):
    for path in files(site):
        if path.suffix == ".bin":
            continue
        text = path.read_text("utf-8")
        if path.name == "tensorflow.js":
            text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)  # licences
            text = text.replace("https://developer.mozilla.org/en-US/docs/Web/API/Fetch_API", "")
            text = text.replace("https://github.com/tensorflow/tfjs-node", "")  # said in messages
        hosts = set(re.findall(r"(?:https?|wss?):(?://|\\/\\/)[\w.-]+", text))
        assert hosts <= {"http://www.w3.org"}, path  # the name of SVG


def test_no_code_from_strings_and_none_in_the_page(site):
    for path in files(site):
        if path.suffix == ".js":
            assert not re.search(r"\beval\(|\bFunction\(|importScripts", path.read_text("utf-8")), (
                path
            )
    page = (site / "index.html").read_text("utf-8")
    assert "default-src 'self'" in page and "unsafe" not in page
    assert not re.search(r"<style|\bstyle=|\bon\w+=", page)
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", page))


def test_the_licence_of_tensorflow_js_is_kept(site):
    assert "Licensed under the Apache License, Version 2.0" in (site / "tensorflow.js").read_text()


def test_the_service_worker_keeps_every_file_and_its_version_follows_them(site, tmp_path):
    def worker(folder):
        text = (folder / "sw.js").read_text("utf-8")
        version, kept = re.search(r'VERSION = "(\w+)";\nconst FILES = (\[.*\]);', text).groups()
        return version, json.loads(kept)

    version, kept = worker(site)
    names = {path.relative_to(site).as_posix() for path in files(site)}
    assert set(kept) == names - {"sw.js"} | {"./"}
    digitlab.build_site(tmp_path / "again")
    assert worker(tmp_path / "again")[0] == version
    digitlab.build_site(tmp_path / "other", exported(tmp_path / "model"))
    assert worker(tmp_path / "other")[0] != version


# What is read.


def test_the_ink_is_that_of_python(read):
    readings = read([vector["strokes"] for vector in VECTORS])
    for vector, reading in zip(VECTORS, readings, strict=True):
        image = np.array(reading["image"])
        assert abs(image - np.ravel(vector["image"])).max() <= 1e-3, vector["name"]
        assert abs(image - render_strokes(vector["strokes"]).ravel()).max() <= 1e-6, vector["name"]


def test_the_reading_is_that_of_python(read, same_weights):
    readings = read([vector["strokes"] for vector in VECTORS])
    for vector, reading in zip(VECTORS, readings, strict=True):
        expected = same_weights.predict(vector["strokes"])
        difference = abs(np.array(reading["probabilities"]) - expected.probabilities).max()
        assert difference <= 1e-4, vector["name"]
        assert (reading["digit"], reading["reason"]) == (expected.digit, expected.reason)
        assert reading["sentence"] == str(expected), vector["name"]
    assert {reading["reason"] for reading in readings} >= {None, "empty"}


def test_what_is_no_digit_is_none(read, same_weights):
    rng = np.random.default_rng(0)
    kinds = ["A", "K", "heart", "triangle", "smile", "cross"]
    drawings = [digitlab.doodle(kind, rng) for kind in kinds]
    readings = read([[stroke.tolist() for stroke in drawing] for drawing in drawings])
    said = [reading["sentence"] for reading in readings]
    assert said == [str(same_weights.predict(drawing)) for drawing in drawings]
    assert "I see no digit in this" in said


def test_mnist_is_read_as_keras_reads_it(read, mnist):
    images = mnist.x_test[::10].astype("float32") / 255
    model = keras.models.load_model(ROOT / "models" / "digits.keras", compile=False)
    expected = model.predict(images[..., None], verbose=0).argmax(1)
    assert (np.array(read(images)).argmax(1) == expected).mean() >= 0.999


def test_percentages_are_rounded_as_in_python(site):
    (site.parent / "package.json").write_text('{"type": "module"}')
    shares = [0, 0.005, 0.015, 0.625, 0.995, 0.994999, 0.375, 0.125, 1, *np.linspace(0, 1, 801)]
    code = (
        f"import {{ percent }} from {json.dumps((site / 'recognizer.js').as_uri())};"
        f"console.log(JSON.stringify({json.dumps(list(map(float, shares)))}.map(percent)))"
    )
    run = subprocess.run(
        ["node", "--input-type=module", "-e", code], capture_output=True, text=True, check=True
    )
    assert json.loads(run.stdout) == [f"{share:.0%}".replace("%", " %") for share in shares]


# Other networks.


def exported(folder, *layers, quantize=None, shape=(28, 28, 1), outputs=10):
    """A folder with a network of random weights."""
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


@pytest.mark.parametrize("quantize", [None, "float16", "uint8"])
def test_other_networks_are_read_as_keras_reads_them(site, read, quantize, tmp_path):
    folder = exported(tmp_path / "model", quantize=quantize)
    digitlab.build_site(tmp_path / "site", folder)
    model = keras.models.load_model(folder / "model.keras", compile=False)
    weights = decode(folder)
    for layer in model.layers:
        for weight in layer.weights:
            weight.assign(weights[f"{layer.name}/{weight.name}"])
    images = np.random.default_rng(2).random((20, 28, 28), dtype="float32")
    found = np.array(read(images, tmp_path / "site"))
    np.testing.assert_allclose(found, model(images[..., None]), rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("layers", "shape", "message"),
    [
        ([L.GlobalAveragePooling2D(), L.Dense(10, "softmax")], (28, 28, 1), "GlobalAveragePooling"),
        ([L.Flatten(), L.Dense(10, "sigmoid")], (28, 28, 1), "activation sigmoid"),
        ([L.Conv2D(2, 3, dilation_rate=2)], (28, 28, 1), "dilation_rate"),
        ([L.Flatten(), L.Dense(7, activation="softmax")], (28, 28, 1), "one with 7"),
        ([L.Flatten(), L.Dense(10)], (28, 28, 1), "softmax"),
        ([L.Flatten(), L.Dense(10, "softmax")], (14, 14, 1), "28 x 28"),
    ],
)
def test_a_network_that_the_page_cannot_compute_is_refused(site, layers, shape, message, tmp_path):
    layers = [type(layer).from_config(layer.get_config()) for layer in layers]
    folder = exported(tmp_path / "model", *layers, shape=shape)
    with pytest.raises(ValueError, match=message):
        digitlab.build_site(tmp_path / "site", folder)
    assert not files(tmp_path / "site")


# What goes wrong, and what stays.


def test_damaged_files_are_refused_and_the_old_site_stays(site, tmp_path):
    target, folder = tmp_path / "site", exported(tmp_path / "model")
    digitlab.build_site(target, folder)
    (target / "CNAME").write_text("mine")
    before = {path: path.read_bytes() for path in files(target)}
    (weights,) = folder.glob("*.bin")
    whole = weights.read_bytes()
    for content in (whole[:-100], whole + b"more"):
        weights.write_bytes(content)
        with pytest.raises(ValueError, match=f"{weights.name} to be as.*cut off or changed"):
            digitlab.build_site(target, folder)
    weights.unlink()
    with pytest.raises(FileNotFoundError, match=weights.name):
        digitlab.build_site(target, folder)
    (folder / "model.json").write_text("{")
    with pytest.raises(ValueError, match="export_tfjs"):
        digitlab.build_site(target, folder)
    with pytest.raises(FileNotFoundError, match="export_tfjs"):
        digitlab.build_site(target, tmp_path / "nowhere")
    assert {path: path.read_bytes() for path in files(target)} == before


def test_a_new_network_takes_the_place_of_the_old_one(site, tmp_path, capfd):
    target = tmp_path / "site"
    assert digitlab.build_site(target, exported(tmp_path / "model")) == target / "index.html"
    (target / "CNAME").write_text("mine")
    capfd.readouterr()
    digitlab.build_site(target)
    assert capfd.readouterr() == ("", "")  # for TensorFlow.js is there
    names = {path.relative_to(target) for path in files(target)}
    assert names == {path.relative_to(site) for path in files(site)} | {Path("CNAME")}


def test_another_page_is_not_overwritten(tmp_path):
    (tmp_path / "index.html").write_text("<h1>My cats</h1>")
    with pytest.raises(FileExistsError, match="another page"):
        digitlab.build_site(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["index.html"]


def test_without_node_one_line_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(
        FileNotFoundError, match=r"^build_site needs Node.js.*install Node.js"
    ) as at:
        digitlab.build_site(tmp_path / "site")
    assert "\n" not in str(at.value)
    assert not (tmp_path / "site").exists()


def test_an_old_node_is_refused(monkeypatch, tmp_path):
    node = tmp_path / "node"
    node.write_text("#!/bin/sh\necho v16.20.2\n")
    node.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with pytest.raises(FileNotFoundError, match=r"v16.20.2, too old: install Node.js 18"):
        digitlab.build_site(tmp_path / "site")


def test_npm_without_a_network_says_so_and_leaves_nothing(site, monkeypatch, tmp_path, capfd):
    monkeypatch.setattr(site_module.pooch, "os_cache", lambda name: tmp_path / "cache" / name)
    monkeypatch.setenv("npm_config_offline", "true")
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "npm"))
    with pytest.raises(RuntimeError, match="npm ci failed"):
        digitlab.build_site(tmp_path / "site")
    said = capfd.readouterr().err  # what is being done, and in the end no more
    assert "Fetching TensorFlow.js with npm: 0 of 2 steps done" in said
    assert not said.split("\r")[-1].strip()
    assert not files(tmp_path / "site") and not files(tmp_path / "cache")


def test_the_lock_names_no_registry():
    lock = (ROOT / "digitlab" / "web" / "site" / "package-lock.json").read_text()
    assert "resolved" not in lock and "integrity" in lock
