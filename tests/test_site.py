"""The web page's files: complete and small, and in Node they compute the same as Python."""

import gzip
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers as L
from PIL import Image

import digitlab
from digitlab import render_strokes
from digitlab.export import bundle
from digitlab.export.tfjs_layers import LAYERS
from digitlab.runtimes.wrapping import as_runtime
from support.exports import assign, export, shipped_recognizer
from support.networks import NETWORKS, make
from support.server import serving

ROOT = Path(__file__).parents[1]
READ = ROOT / "tests" / "site" / "read.mjs"
VECTORS = json.loads((ROOT / "tests" / "fixtures" / "ink.json").read_text())
HANDS = json.loads((ROOT / "tests" / "fixtures" / "hand.json").read_text())


@pytest.fixture(scope="module")
def read(site, tmp_path_factory):
    """read(drawings or images (n, 28, 28)) -> what the page's code reads in Node.

    With plain=True, it runs without the WebAssembly backend.
    """
    folder = tmp_path_factory.mktemp("read")

    def run(inputs, where=site, plain=False):
        (where.parent / "package.json").write_text('{"type": "module"}')  # so Node takes .js files
        if isinstance(inputs, np.ndarray):
            file = folder / "images.bin"
            inputs.astype("<f4").tofile(file)
        else:
            file = folder / "drawings.json"
            file.write_text(json.dumps(inputs))
        command = ["node", READ, where, file, *(["plain"] if plain else [])]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


@pytest.fixture(scope="module")
def same_weights(site):
    """The network in Keras, with exactly the page's weights: one byte each."""
    return shipped_recognizer(site / "model")


# The files.


def files(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file())


def first_files(site):
    """What a browser fetches before the first prediction."""
    page = (site / "index.html").read_text("utf-8")
    tags = re.findall(r"<script.*?>|<link rel=\"(?:modulepreload|preload|stylesheet)\".*?>", page)
    return ["index.html", *(re.search(r'(?:href|src)="(.*?)"', tag)[1] for tag in tags)]


def test_the_files_are_small(site):
    contents = {name: (site / name).read_bytes() for name in first_files(site)}
    sizes = {name: len(content) for name, content in contents.items()}
    assert sum(size for name, size in sizes.items() if name.endswith(".bin")) <= 150_000
    assert sum(sizes.values()) <= 1_200_000, sizes
    assert sum(len(gzip.compress(content)) for content in contents.values()) <= 450_000


def test_plain_javascript_is_not_for_everybody(site):
    assert "tensorflow.js" in first_files(site) and bundle.CPU not in first_files(site)
    assert b"WebAssembly" not in (site / bundle.CPU).read_bytes()


def test_the_page_has_every_layer_that_is_exported(site):
    named = re.findall(r'\.className="(\w+)"', (site / "tensorflow.js").read_text())
    assert set(LAYERS) <= set(named)


def test_the_icons_are_what_the_manifest_says(site):
    manifest = json.loads((site / "manifest.json").read_text())
    for icon in manifest["icons"]:
        with Image.open(site / icon["src"]) as image:
            width, height = image.size
            pixels = np.asarray(image.convert("L"))
        assert icon["sizes"] == f"{width}x{height}"
        # A white five on black, within the circle that a system may crop to.
        x, y = np.meshgrid(np.arange(width), np.arange(height))
        outside = np.hypot(x - width / 2, y - height / 2) > 0.4 * width
        assert pixels[outside].max() == 0
        assert digitlab.load_recognizer().predict(pixels).digit == 5


def test_the_files_name_no_other_host(site):
    for path in files(site):
        if path.suffix in (".bin", ".png"):
            continue
        text = path.read_text("latin-1")
        if path.name.startswith("tensorflow"):
            text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)  # licences
            for said in (  # addresses in messages
                "https://developer.mozilla.org/en-US/docs/Web/API/Fetch_API",
                "https://github.com/tensorflow/tfjs-node",
                "https://github.com/tensorflow/tfjs/blob/master/tfjs-backend-wasm/README.md",
            ):
                text = text.replace(said, "")
        assert not re.findall(r"(?:https?|wss?):(?://|\\/\\/)[\w.-]+", text), path


def test_no_code_from_strings_and_none_in_the_page(site):
    for path in files(site):
        if path.suffix == ".js":
            code = path.read_text("utf-8")
            assert not re.search(r"\beval\(|\bFunction\(|\bimportScripts\(", code), path
    page = (site / "index.html").read_text("utf-8")
    assert "default-src 'self'; script-src 'self' 'wasm-unsafe-eval';" in page
    assert "unsafe" not in page.replace("'wasm-unsafe-eval'", "")
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
    digitlab.build_site(tmp_path / "other", export(tmp_path / "model"))
    assert worker(tmp_path / "other")[0] != version


# Compressed copies.


@pytest.fixture(scope="module")
def compressed(site, tmp_path_factory):
    folder = tmp_path_factory.mktemp("compressed") / "site"
    digitlab.build_site(folder, compress=True)
    return folder


@pytest.mark.once
def test_compressed_copies_are_those_of_the_files(site, compressed):
    copies = {kind: sorted(compressed.rglob(f"*.{kind}")) for kind in ("gz", "br")}
    originals = {path: path.with_suffix("").read_bytes() for path in copies["br"]}
    for path in copies["gz"]:
        assert gzip.decompress(path.read_bytes()) == path.with_suffix("").read_bytes()
    decode = "fs.writeSync(1, zlib.brotliDecompressSync(fs.readFileSync(process.argv[1])))"
    for path in (copies["br"][0], compressed / "sw.js.br", *compressed.glob("model/*.bin.br")):
        done = subprocess.run(["node", "-e", decode, path], capture_output=True, check=True)
        assert done.stdout == originals[path], path
    with_copies = {path.with_suffix("") for paths in copies.values() for path in paths}
    plain = {path.relative_to(site): path.read_bytes() for path in files(site)}
    assert with_copies == {compressed / name for name in plain if name.suffix != ".png"}
    # The page and its list of files do not change: a browser asks for files without these suffixes.
    assert plain == {
        path.relative_to(compressed): path.read_bytes()
        for path in files(compressed)
        if path.suffix not in (".gz", ".br")
    }


@pytest.mark.once
def test_compressed_the_first_visit_is_small(compressed):
    sizes = {
        kind: sum((compressed / f"{name}{kind}").stat().st_size for name in first_files(compressed))
        for kind in ("", ".gz", ".br")
    }
    assert sizes[".br"] < 0.9 * sizes[".gz"] and sizes[".gz"] < 0.4 * sizes[""]
    assert sizes[".br"] <= 380_000


@pytest.mark.once
def test_copies_of_an_earlier_build_are_never_left(compressed, tmp_path):
    """A web server would send them in place of the new files."""
    target = tmp_path / "site"
    shutil.copytree(compressed, target)
    (target / "mine.gz").write_text("mine")
    digitlab.build_site(target, export(tmp_path / "model"))
    assert [path for path in files(target) if path.suffix in (".gz", ".br")] == [target / "mine.gz"]


@pytest.mark.once
def test_unchanged_files_keep_their_time(compressed, tmp_path):
    """Web servers use it to tell browsers that they already have a file."""
    target = tmp_path / "site"
    shutil.copytree(compressed, target)
    for path in files(target):
        os.utime(path, (1e9, 1e9))
    digitlab.build_site(target, export(tmp_path / "model"))
    changed = {path.name for path in files(target) if path.stat().st_mtime != 1e9}
    (weights,) = target.glob("model/*.bin")
    assert changed == {"index.html", "sw.js", "model.json", weights.name}


# What is read.


def test_the_ink_is_that_of_python(read):
    readings = read([vector["strokes"] for vector in VECTORS])
    for vector, reading in zip(VECTORS, readings, strict=True):
        image = np.array(reading["image"])
        assert abs(image - np.ravel(vector["image"])).max() <= 1e-3, vector["name"]
        assert abs(image - render_strokes(vector["strokes"]).ravel()).max() <= 1e-6, vector["name"]


@pytest.mark.parametrize("plain", [False, pytest.param(True, marks=pytest.mark.once)])
def test_the_reading_is_that_of_python(read, same_weights, plain):
    readings = read([vector["strokes"] for vector in VECTORS], plain=plain)
    for vector, reading in zip(VECTORS, readings, strict=True):
        expected = same_weights.predict(vector["strokes"])
        difference = abs(np.array(reading["probabilities"]) - expected.probabilities).max()
        assert difference <= 1e-4, vector["name"]
        assert (reading["digit"], reading["reason"]) == (expected.digit, expected.reason)
        assert reading["sentence"] == str(expected), vector["name"]
    assert {reading["reason"] for reading in readings} >= {None, "empty"}


def test_non_digits_are_rejected(read, same_weights):
    rng = np.random.default_rng(0)
    kinds = ["A", "K", "heart", "triangle", "smile", "cross"]
    drawings = [digitlab.doodle(kind, rng) for kind in kinds]
    readings = read([[stroke.tolist() for stroke in drawing] for drawing in drawings])
    said = [reading["sentence"] for reading in readings]
    assert said == [str(same_weights.predict(drawing)) for drawing in drawings]
    assert "I see no digit in this" in said


@pytest.mark.once
def test_mnist_is_read_as_keras_reads_it(read, mnist):
    images = mnist.x_test[::10].astype("float32") / 255
    model = keras.models.load_model(ROOT / "models" / "digits.keras", compile=False)
    expected = model.predict(images[..., None], verbose=0).argmax(1)
    assert (np.array(read(images)).argmax(1) == expected).mean() >= 0.999


@pytest.fixture
def javascript(site, tmp_path):
    """javascript(code, data) -> what the code returns in Node, with the site's modules and data.

    With plain=True, it runs without the WebAssembly backend.
    """

    def run(code, data, where=site, plain=False):
        (where.parent / "package.json").write_text('{"type": "module"}')  # so Node takes .js files
        (tmp_path / "data.json").write_text(json.dumps(data))
        node, file = bundle.SOURCES / "node.mjs", tmp_path / "data.json"
        program = f"""import {{ readFileSync }} from "node:fs";
            import {{ openSite }} from {json.dumps(node.as_uri())};
            if ({json.dumps(plain)}) WebAssembly.validate = () => false;
            const {{ recognizer, hand }} = await openSite({json.dumps(str(where))});
            const data = JSON.parse(readFileSync({json.dumps(str(file))}));
            console.log(JSON.stringify(await ({code})(data)));"""
        command = ["node", "--input-type=module", "-e", program]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


def test_examples_change_the_answers_as_in_python(javascript):
    found = javascript(
        """data => data.map(({ examples, labels, typical, features, answers }) => {
            const layer = new hand.PersonalLayer(examples, labels, typical);
            return answers.map((answer, i) => [...layer.adjust(answer, features[i])]); })""",
        HANDS,
    )
    for vector, adjusted in zip(HANDS, found, strict=True):
        np.testing.assert_allclose(
            adjusted, vector["adjusted"], rtol=0, atol=1e-6, err_msg=vector["name"]
        )


def test_what_digits_have_in_common_is_as_in_python(javascript, site):
    found = javascript(
        """async image => {
            const network = await recognizer.loadNetwork("model/model.json");
            const learner = new hand.Hand(network, "hand");
            learner.add(Float32Array.from(image), 3);
            return [...learner.layer.common]; }""",
        render_strokes(digitlab.stored_drawing(3)).ravel().tolist(),
    )
    model = keras.models.load_model(ROOT / "models" / "digits.keras", compile=False)
    personal = digitlab.Recognizer(assign(model, site / "model")).adapt()
    np.testing.assert_allclose(found, personal._layer._common, rtol=0, atol=1e-3)


def logits():
    return keras.Sequential(
        [keras.Input((28, 28)), L.Flatten(), L.Dense(8), L.Dense(11), L.Activation("softmax")]
    )


def nothing_before():
    return keras.Sequential([keras.Input((784,)), L.Dense(10, "softmax")])


def without_dense():
    layers = [L.Conv2D(10, 28), L.Flatten(), L.Softmax()]
    return keras.Sequential([keras.Input((28, 28, 1)), *layers])


@pytest.mark.once
def test_the_features_are_those_of_keras(site, javascript, tmp_path):
    where = shutil.copytree(site, tmp_path / "site")
    networks = {name: make(name) for name in ("branches", "recurrent", "the article's")}
    networks |= {model.__name__: model() for model in (logits, nothing_before, without_dense)}
    for name, network in networks.items():
        digitlab.export_tfjs(network, where / name)
    images = np.random.default_rng(2).random((2, 28, 28), dtype="float32")
    found = javascript(
        """async ([names, images]) => {
            const answers = {};
            for (const name of names) {
                const network = await recognizer.loadNetwork(`${name}/model.json`);
                const ask = recognizer.withFeatures(network);
                const both = (image) => ask(new Float32Array(image)).map((values) => [...values]);
                answers[name] = ask && images.map(both);
            }
            return answers; }""",
        [list(networks), images.reshape(2, 784).tolist()],
        where,
    )
    assert found.pop("without_dense") is None
    for name, pairs in found.items():
        network = networks[name]
        batch = images.reshape(2, *network.input_shape[1:])
        expected = as_runtime(network).with_features(batch)
        for values, wanted in zip(zip(*pairs, strict=True), expected, strict=True):
            np.testing.assert_allclose(values, wanted, rtol=1e-4, atol=1e-5, err_msg=name)


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


@pytest.fixture(scope="module")
def networks(tmp_path_factory):
    """The networks, by name; and a site with each in a folder of that name."""
    folder = tmp_path_factory.mktemp("networks")
    networks = {name: make(name) for name in NETWORKS}
    for name, network in networks.items():
        digitlab.export_tfjs(network, folder / name)
        digitlab.build_site(folder / "site", folder / name)  # tries the network
        shutil.copytree(folder / "site" / "model", folder / "site" / name)
    return networks, folder / "site"


@pytest.mark.once
@pytest.mark.parametrize("plain", [False, True])
def test_any_network_is_read_as_keras_reads_it(networks, javascript, plain):
    networks, where = networks
    images = np.random.default_rng(2).random((20, 28, 28), dtype="float32")
    found = javascript(
        """async ([names, images]) => {
            const answers = {};
            for (const name of names) {
                const network = await recognizer.loadNetwork(`${name}/model.json`);
                const answer = (image) => [...recognizer.answer(network, new Float32Array(image))];
                answers[name] = images.map(answer);
            }
            return answers; }""",
        [list(networks), images.reshape(20, 784).tolist()],
        where,
        plain,
    )
    for name, network in networks.items():
        expected = network.predict_on_batch(images.reshape(20, *network.input_shape[1:]))
        np.testing.assert_allclose(found[name], expected, rtol=0, atol=1e-5, err_msg=name)


@pytest.mark.once
@pytest.mark.parametrize("quantize", ["float16", "uint8"])
def test_rounded_weights_are_read_as_keras_reads_them(site, read, quantize, tmp_path):
    folder = export(tmp_path / "model", quantize=quantize)
    digitlab.build_site(tmp_path / "site", folder)
    model = assign(keras.models.load_model(folder / "model.keras", compile=False), folder)
    images = np.random.default_rng(2).random((20, 28, 28), dtype="float32")
    found = np.array(read(images, tmp_path / "site"))
    np.testing.assert_allclose(found, model(images[..., None]), rtol=0, atol=1e-5)


def two_inputs():
    inputs = [keras.Input((28, 28, 1)), keras.Input((3,))]
    x = L.Concatenate()([L.Flatten()(inputs[0]), inputs[1]])
    return keras.Model(inputs, L.Dense(10, "softmax")(x))


def two_outputs():
    inputs = keras.Input((784,))
    return keras.Model(inputs, [L.Dense(10, "softmax")(inputs), L.Dense(1)(inputs)])


def dense(shape, *arguments):
    return keras.Sequential([keras.Input(shape), L.Flatten(), L.Dense(*arguments)])


TAKES = (
    r"expected one that takes \(28, 28, 1\) or \(28, 28\) or \(784\) and gives \(10\) or \(11\), "
)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (lambda: dense((14, 14, 1), 10, "softmax"), r"takes \(14, 14, 1\) and gives \(10\)"),
        (lambda: dense((28, 28, 3), 10, "softmax"), r"takes \(28, 28, 3\) and gives \(10\)"),
        (lambda: dense((28, 28, 1), 7, "softmax"), r"takes \(28, 28, 1\) and gives \(7\)"),
        (two_inputs, r"takes \(28, 28, 1\) and \(3\) and gives \(10\)"),
        (two_outputs, r"takes \(784\) and gives \(10\) and \(1\)"),
        (lambda: dense((28, 28, 1), 10), "probabilities that sum to 1.*softmax"),
        (lambda: dense((28, 28, 1), 10, "sigmoid"), "probabilities that sum to 1.*softmax"),
    ],
)
def test_a_network_that_the_page_cannot_run_is_rejected(site, model, message, tmp_path):
    digitlab.export_tfjs(model(), tmp_path / "model")
    if message.startswith("takes"):
        message = TAKES + "got one that " + message
    with pytest.raises(ValueError, match=f"The page cannot run the network in .*{message}"):
        digitlab.build_site(tmp_path / "site", tmp_path / "model")
    assert not files(tmp_path / "site")


# What goes wrong, and what a failed build leaves in place.


def test_damaged_files_are_rejected_and_the_old_site_stays(site, tmp_path):
    target, folder = tmp_path / "site", export(tmp_path / "model")
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
    assert digitlab.build_site(target, export(tmp_path / "model")) == target / "index.html"
    (target / "CNAME").write_text("mine")
    capfd.readouterr()
    digitlab.build_site(target)
    assert capfd.readouterr() == ("", "")  # because TensorFlow.js is in the cache
    names = {path.relative_to(target) for path in files(target)}
    assert names == {path.relative_to(site) for path in files(site)} | {Path("CNAME")}


def test_another_page_is_not_overwritten(tmp_path):
    (tmp_path / "index.html").write_text("<h1>My cats</h1>")
    with pytest.raises(FileExistsError, match="another page"):
        digitlab.build_site(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["index.html"]
    with pytest.raises(FileExistsError, match=r"index\.html is a file"):
        digitlab.build_site(tmp_path / "index.html")


def test_other_files_are_not_overwritten_or_removed(site, tmp_path):
    export(tmp_path / "model")
    (tmp_path / "style.css").write_text("mine")
    before = {path: path.read_bytes() for path in files(tmp_path)}
    with pytest.raises(FileExistsError, match=r"other files: model/model\.json, style\.css$"):
        digitlab.build_site(tmp_path)
    assert {path: path.read_bytes() for path in files(tmp_path)} == before
    (tmp_path / "style.css").unlink()
    digitlab.build_site(tmp_path, tmp_path / "model")  # the network is in its place already
    shutil.copy(site / "style.css", tmp_path / "style.css")
    (tmp_path / "index.html").unlink()  # as if a build had been interrupted
    digitlab.build_site(tmp_path, tmp_path / "model")

    weights = tmp_path / "other" / "model" / "group1-shard1of1.bin"
    weights.parent.mkdir(parents=True)
    weights.write_bytes(b"mine")
    digitlab.build_site(tmp_path / "other")
    assert weights.read_bytes() == b"mine"


@pytest.mark.parametrize("folders", [(None,), ("site", digitlab.load_recognizer())])
def test_invalid_folders_are_rejected(folders, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TypeError, match="expected the path of a folder as (directory|model_dir)"):
        digitlab.build_site(*folders)
    assert not list(tmp_path.iterdir())


def test_without_node_one_line_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(
        FileNotFoundError, match=r"^build_site needs Node.js.*install Node.js"
    ) as at:
        digitlab.build_site(tmp_path / "site")
    assert "\n" not in str(at.value)
    assert not (tmp_path / "site").exists()


def test_an_old_node_is_rejected(monkeypatch, tmp_path):
    node = tmp_path / "node"
    node.write_text("#!/bin/sh\necho v16.20.2\n")
    node.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with pytest.raises(FileNotFoundError, match=r"v16.20.2, too old: install Node.js 18"):
        digitlab.build_site(tmp_path / "site")


@pytest.fixture
def first_time(monkeypatch, tmp_path):
    """Simulate a machine on which nothing was built yet; return the folder of its cache."""
    monkeypatch.setattr(bundle.pooch, "os_cache", lambda name: tmp_path / "cache" / name)
    return tmp_path / "cache"


class Registry(BaseHTTPRequestHandler):
    """A registry that answers everything with a portal's page, or with an error."""

    status = 200

    def answer(self):
        self.send_response(self.status)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<h1>Log in to the network</h1>")

    do_GET = do_PUT = answer

    def log_message(self, *_):
        pass


class BrokenRegistry(Registry):
    status = 503


@contextmanager
def registry(how):
    """The address of a registry that does not work."""
    with ExitStack() as stack:
        if how in ("portal", "broken"):
            handler = Registry if how == "portal" else BrokenRegistry
            yield stack.enter_context(serving(handler)) + "/"
        else:
            listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            port = listener.getsockname()[1]
            if how == "refused":
                listener.close()
            name = "registry.invalid" if how == "unknown" else "127.0.0.1"
            yield f"http://{name}:{port}/"


@pytest.mark.once
@pytest.mark.parametrize(
    ("how", "problem"),
    [
        ("refused", r"127.0.0.1: ECONNREFUSED$"),
        ("unknown", r"registry.invalid: (ENOTFOUND|EAI_AGAIN)$"),
        ("silent", r"127.0.0.1: it does not answer$"),
        ("broken", r"127.0.0.1: E503$"),
        ("portal", r"127.0.0.1: npm ci failed\n"),
    ],
)
def test_without_a_network_one_line_says_what_to_do(
    site, first_time, how, problem, monkeypatch, tmp_path, capfd
):
    with registry(how) as address:
        monkeypatch.setenv("npm_config_registry", address)
        monkeypatch.setenv("npm_config_replace_registry_host", "always")
        with pytest.raises(RuntimeError, match=problem) as error:
            digitlab.build_site(tmp_path / "site")
    assert re.match("npm cannot fetch TensorFlow.js.*Check the network", str(error.value))
    said = capfd.readouterr().err  # a progress bar, which is gone in the end
    assert "Fetching TensorFlow.js with npm: 0 of 2 steps done" in said
    assert not said.split("\r")[-1].strip()
    assert not files(tmp_path / "site") and not files(first_time)


@pytest.mark.once
def test_npm_set_to_be_offline_is_reported(site, first_time, monkeypatch, tmp_path):
    monkeypatch.setenv("npm_config_offline", "true")
    with pytest.raises(RuntimeError, match="npm cannot fetch .*: ENOTCACHED$"):
        digitlab.build_site(tmp_path / "site")


@pytest.mark.once
def test_nothing_is_written_to_the_home_and_npms_settings_do_not_matter(
    site, monkeypatch, tmp_path
):
    """Even if nobody, not even root, can write to the home, because it is a file."""
    monkeypatch.setenv("npm_config_userconfig", str(Path.home() / ".npmrc"))
    home = tmp_path / "home"
    home.write_text("")
    for name in ("HOME", "XDG_CACHE_HOME", "LOCALAPPDATA", "npm_config_cache"):
        monkeypatch.setenv(name, str(home))
    monkeypatch.setenv("NODE_ENV", "production")
    monkeypatch.setenv("npm_config_omit", "optional")
    monkeypatch.setenv("npm_config_global", "true")
    target = tmp_path / "Übung 1 #2%20"
    digitlab.build_site(target)
    for path in site.glob("tensorflow*.js"):
        assert (target / path.name).read_bytes() == path.read_bytes()
    assert home.read_text() == ""
    assert {path.name for path in tmp_path.iterdir()} == {"home", target.name}


@pytest.mark.once
def test_a_damaged_cache_is_made_again(site, monkeypatch, tmp_path):
    good = max(Path(bundle.pooch.os_cache("digitlab")).glob("*.bundle"), key=os.path.getmtime)
    monkeypatch.setattr(bundle.pooch, "os_cache", lambda name: tmp_path)
    whole, cached = good.read_bytes(), tmp_path / good.name
    cached.write_bytes(whole[:5000] + b"changed" + whole[5007:])
    digitlab.build_site(tmp_path / "site")
    for path in [*site.glob("tensorflow*.js"), site / bundle.WASM]:
        assert (tmp_path / "site" / path.name).read_bytes() == path.read_bytes()
    assert cached.read_bytes() == whole


@pytest.mark.once
def test_ctrl_c_ends_npm_and_leaves_nothing(site, tmp_path):
    code = """
import signal, sys, digitlab
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it
digitlab.build_site(sys.argv[1])"""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        process = subprocess.Popen(
            [sys.executable, "-c", code, tmp_path / "site"],
            env=os.environ | {"npm_config_registry": address, "XDG_CACHE_HOME": str(tmp_path)},
            stderr=subprocess.PIPE,
            text=True,
        )
        connection, _ = listener.accept()  # npm is running
        process.send_signal(signal.SIGINT)
        assert "KeyboardInterrupt" in process.communicate()[1]
        with connection:
            connection.settimeout(60)
            while connection.recv(1 << 16):  # until npm has ended
                pass
    assert not files(tmp_path)


@pytest.mark.once
def test_a_build_waits_for_another_that_moves_its_files(site, tmp_path):
    fcntl = pytest.importorskip("fcntl")
    target = tmp_path / "site"
    target.mkdir()
    other = os.open(target, os.O_RDONLY)
    fcntl.flock(other, fcntl.LOCK_EX)
    with ThreadPoolExecutor() as pool:
        build = pool.submit(digitlab.build_site, target)
        try:
            while not build.done() and not any(target.glob(".site-*/model/*.bin")):
                time.sleep(0.05)
            time.sleep(0.5)  # time for files to move by mistake
            assert {path.name for path in target.iterdir() if path.name[0] != "."} == set()
        finally:
            os.close(other)
        assert build.result().is_file()


@pytest.mark.once
def test_two_builds_at_once_leave_one_whole_site(site, tmp_path):
    models = [export(tmp_path / "one", outputs=10), export(tmp_path / "two", outputs=11)]
    target = tmp_path / "site"
    for _ in range(5):
        with ThreadPoolExecutor() as pool:
            list(pool.map(partial(digitlab.build_site, target), models * 2))
        (weights,) = (target / "model").glob("*.bin")
        assert weights.name in (target / "model" / "model.json").read_text()
        for name in ("index.html", "sw.js"):
            assert weights.name in (target / name).read_text("utf-8")
    assert {path.name for path in target.iterdir()} == {path.name for path in site.iterdir()}


def test_the_lock_names_no_registry():
    lock = (ROOT / "digitlab" / "web" / "site" / "package-lock.json").read_text()
    assert "resolved" not in lock and "integrity" in lock
