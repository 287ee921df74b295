"""Measure into results.json, and write the tables: `make bench`, or a part: `make bench ARGS=ink`.

Whatever is compared is measured in one run, in turn, so that a busy machine slows both sides.
"""

import argparse
import dataclasses
import functools
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import keras
import numpy as np

import digitlab
from benchmarks import (
    faults,
    hand,
    hub,
    ink,
    numbers,
    page,
    pictures,
    reading,
    speed,
    visitors,
    writers,
)
from benchmarks.tables import Part, Table, read_results, write_results, write_tables
from models import train as shipped
from support import browser
from support.nginx import INSTALL as INSTALL_NGINX

ROOT = Path(__file__).parents[1]
MODELS = ROOT / "models"
SEEDS = range(5)
ARTICLE = digitlab.TrainConfig(
    batch_size=64, peak_learning_rate=0.001, one_cycle=False, validation_share=0
)
ARTICLE_EPOCHS = 5
OURS = digitlab.TrainConfig(validation_share=0)
ABLATION_EPOCHS = 3
ABLATION_COLUMNS = (
    "MNIST test set",
    "unipen-a, strokes",
    "unipen-a, turned by 15 degrees",
    "unipen-a, screenshot, pen 2",
    "unipen-a, rejected",
    "rejected: all of these",
)


class NotMeasured(Exception):
    """A part of the benchmark cannot be measured here. The message says what it needs."""


def need(found: object, name: str) -> None:
    """Stop measuring a part unless what it needs was found.

    Raises:
        NotMeasured: It was not.
    """
    if not found:
        raise NotMeasured(f"needs {name}")


def need_people() -> None:
    """Stop measuring a part unless there are people's digits."""
    need("DIGITLAB_PEN" in os.environ, "DIGITLAB_PEN")


def need_chromium() -> None:
    """Stop measuring a part unless there is a browser."""
    need(browser.find_chromium(), f"Chromium: {browser.INSTALL_CHROMIUM}")


def train_once(
    build: Callable[[], keras.Model],
    config: digitlab.TrainConfig,
    digits: digitlab.Digits,
    seed: int,
) -> tuple[keras.Model, float, float]:
    """Train one epoch; return the model, the seconds that it took, and the test accuracy."""
    keras.utils.set_random_seed(seed)
    model = build()
    begun = time.perf_counter()
    digitlab.train(model, digits, config, progress=False)
    seconds = time.perf_counter() - begun
    images = digits.x_test[..., None].astype(np.float32) / 255
    read = model.predict(images, batch_size=1000, verbose=0).argmax(1)
    return model, seconds, float(np.mean(read == digits.y_test))


def networks() -> Part:
    """One epoch of training, and the speed of a trained network: the article's and ours."""
    digits = digitlab.load_digits(sample=False)
    seconds, accuracies = [], []
    article, article_seconds, article_accuracy = train_once(
        digitlab.article_cnn, ARTICLE, digits, seed=0
    )
    for seed in SEEDS:
        ours, took, accuracy = train_once(digitlab.pen_cnn, OURS, digits, seed)
        seconds.append(took)
        accuracies.append(100 * accuracy)
    spread = statistics.stdev(accuracies)
    shipped_one = keras.models.load_model(MODELS / "digits.keras")
    epoch: Table = {
        "columns": ["after one epoch", "article_cnn, 1 seed", "pen_cnn, 5 seeds"],
        "rows": [
            ["parameters", f"{article.count_params():,}", f"{ours.count_params():,}"],
            [
                "seconds for the epoch, median",
                f"{article_seconds:.1f}",
                f"{statistics.median(seconds):.1f} ({min(seconds):.1f} to {max(seconds):.1f})",
            ],
            [
                "test accuracy, mean (standard deviation)",
                f"{100 * article_accuracy:.2f} %",
                f"{statistics.mean(accuracies):.2f} % ({spread:.2f})",
            ],
        ],
    }
    return {
        "conditions": f"{machine()}, {versions()}; data: {digits.name}, all "
        f"{len(digits.x_train):,} training digits, seeds {SEEDS[0]} to {SEEDS[-1]}",
        "content": [epoch, speed.table(article, shipped_one, digits.x_test)],
    }


def in_litert(
    model: keras.Model, quantize: str | None = "int8"
) -> Callable[[np.ndarray], np.ndarray]:
    """A network in LiteRT, by default with int8 kernels, as the shipped network has."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "digits.tflite")
        digitlab.export_tflite(model, path, quantize=quantize)
        return digitlab.load_recognizer(path).model


def accuracy_on_people() -> Part:
    """The shipped network, compared with the article's."""
    digits = digitlab.load_digits(sample=False)
    keras.utils.set_random_seed(ARTICLE.seed)
    article = digitlab.article_cnn()
    config = dataclasses.replace(ARTICLE, epochs=ARTICLE_EPOCHS)
    digitlab.train(article, digits, config, progress=False)
    folds = "; ".join(", ".join(fold) for fold in shipped.FOLDS)
    return {
        "conditions": f"{machine()}, {versions()}. In LiteRT. article_cnn: {ARTICLE_EPOCHS} "
        f"epochs, {article.count_params():,} parameters, seed {ARTICLE.seed}; digits_cnn: the "
        f"shipped network, seed {shipped.SEED}, int8 kernels; for unipen-a four networks, each "
        f"trained without the contributors whose digits it reads ({folds})",
        "content": [reading.table(in_litert(article, None))],
    }


def pictures_of_a_digit() -> Part:
    """The shipped network on photos and screenshots that are made here."""
    need_people()
    digits = digitlab.load_digits(sample=False)
    held_out = ", ".join(shipped.HELD_OUT)
    return {
        "conditions": f"{machine()}, {versions('scikit-image', 'Pillow')}. Digits: MNIST's test "
        f"set, and digits of the contributors {held_out}; the ink finder was tuned on other "
        "contributors",
        "content": [pictures.table(digits)],
    }


def several_digits() -> Part:
    """Numbers of several digits, from strokes and from pictures."""
    need_people()
    return {
        "conditions": f"{machine()}. {numbers.COUNT:,} numbers of {numbers.DIGITS[0]} to "
        f"{numbers.DIGITS[1]} digits of each kind, seed {numbers.SEED}; contributors "
        f"{', '.join(shipped.HELD_OUT)}",
        "content": [numbers.accuracy(), numbers.seconds()],
    }


def learning_from_people() -> Part:
    """What digits of more writers gain, compared with more augmentation."""
    need_people()
    return {
        "conditions": f"{machine()}, {versions()}. pen_cnn; learning rate and augmentation as for "
        f"the shipped network; test digits: contributors {', '.join(shipped.HELD_OUT)}; writers: "
        "from all others",
        "content": [writers.table()],
    }


def ablation() -> Part:
    """What each part of the recipe adds: a shorter training run, without it."""
    recipe = dataclasses.replace(shipped.RECIPE, epochs=ABLATION_EPOCHS)
    whole = recipe.augmentation or digitlab.Augmentation()
    recipes = {"all of it": recipe}
    for seed in (1, 2):  # to show the differences that are chance
        recipes[f"all of it, seed {seed}"] = dataclasses.replace(recipe, seed=seed)
    for part in dataclasses.fields(whole):
        without = dataclasses.replace(whole, **{part.name: 0.0})
        recipes[f"without `{part.name}`"] = dataclasses.replace(recipe, augmentation=without)
    recipes["without weight decay"] = dataclasses.replace(recipe, weight_decay=0.0)
    recipes["nothing: MNIST as it is"] = dataclasses.replace(recipe, augmentation=None)
    with shipped.named_cluster() as client:
        if client is not None:  # the cluster trains, and the loop below loads the networks
            shipped.train_on_cluster(client, "trained", list(recipes.values()))
    rows = []
    for name, config in recipes.items():
        result = reading.figures(in_litert(shipped.trained(config)), None)
        names = [key for key in result if key in ABLATION_COLUMNS]
        rows.append([name, *(f"{result[key]:.2f}" for key in names)])
    return {
        "conditions": f"{machine()}, {versions()}: {ABLATION_EPOCHS} epochs instead of "
        f"{shipped.RECIPE.epochs} or more, in LiteRT with int8 kernels, seed {recipe.seed} where "
        "none is named",
        "content": [{"columns": ["%", *names], "rows": rows}],
    }


def learning_a_hand() -> Part:
    """Errors before and after a recognizer has learned a hand; the last ones without the hands."""
    need_people()
    content = hand.content(shipped.without)
    conditions = f"{machine()}. Each hand is read by the network trained without its contributor"
    return {"conditions": conditions, "content": content}


def saliency() -> Part:
    """The time to explain a prediction, over the stored drawings."""
    litert = digitlab.load_recognizer()
    of_keras = digitlab.Recognizer(digitlab.digits_cnn())  # untrained, which is as slow as trained
    measure_saliency = digitlab.measure_saliency
    drawings = [digitlab.stored_drawing(digit) for digit in range(10)]
    images = [digitlab.render_strokes(drawing) for drawing in drawings]

    def row(name: str, functions: list[Callable[[], object]]) -> list[str]:
        times = speed.medians_ms(functions, 30)
        return [name, f"{statistics.median(times):.1f}", f"{max(times):.1f}"]

    def on_the_pad(explain: bool) -> list[Callable[[], object]]:
        pads = [digitlab.DrawingPad(explain=explain) for _ in drawings]
        for pad, drawing in zip(pads, drawings, strict=True):
            pad.draw(drawing)
        return [pad.predict for pad in pads]

    def measured(function: Callable, *arguments: object) -> list[Callable[[], object]]:
        return [functools.partial(function, *arguments, image) for image in images]

    inked = [np.count_nonzero(image) for image in images]
    table: Table = {
        "columns": ["ms, ten stored drawings", "median", "slowest"],
        "rows": [
            row("`measure_saliency`, `load_recognizer()`", measured(measure_saliency, litert)),
            row(
                "`measure_saliency`, `Recognizer(keras_model)`",
                measured(measure_saliency, of_keras),
            ),
            row("`get_activations`, `load_recognizer()`", measured(litert.get_activations)),
            row("`get_activations`, `Recognizer(keras_model)`", measured(of_keras.get_activations)),
            row("a finished stroke on the pad, `explain=True`", on_the_pad(True)),
            row("a finished stroke on the pad", on_the_pad(False)),
        ],
    }
    return {
        "conditions": f"{machine()}. "
        f"The ten drawings have ink on {min(inked)} to {max(inked)} pixels",
        "content": [table],
    }


def ink_on_the_pad() -> Part:
    """The time from the pen to the screen."""
    need_chromium()
    names = "jupyterlab", "ipykernel", "ipycanvas", "anywidget"
    return {"conditions": f"{machine()}, {versions(*names)}", "content": [ink.table()]}


def web_page() -> Part:
    """The time from navigation to a page that can read, and from the pen to the bars."""
    need_chromium()
    need(shutil.which("node") and shutil.which("npm"), "Node and npm")
    return {"conditions": machine(), "content": page.content()}


def robustness() -> Part:
    """Bad input, and processes that are killed while they write."""
    return {"conditions": f"{machine()}, {versions('Pillow')}", "content": faults.content()}


def classroom() -> Part:
    """Forty kernels with a pad each."""
    # In a process of its own, because kernels share memory with a process that has TensorFlow.
    conditions = f"{machine()}, {versions('ipykernel', 'tensorflow')}"
    return {"conditions": conditions, "content": in_new_python("benchmarks.classroom")}


def reading_at_scale() -> Part:
    """Many scans, on processes and workers of this machine."""
    return {
        "conditions": f"{machine()}, {versions('distributed')}. Images: MNIST's test digits, again "
        "and again; pictures: the same as scans of 144 x 144 pixels, in PNG. Fastest of 3 runs",
        # In a process of its own, because workers import what the process that starts them has.
        "content": in_new_python("benchmarks.scale"),
    }


def in_new_python(module: str) -> list[Table | str]:
    """Run a module, and return the JSON of its last line."""
    command = [sys.executable, "-m", module]
    run = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(run.stdout.splitlines()[-1])


def class_on_jupyterhub() -> Part:
    """Ten students on the hub of deploy/."""
    need(hub.can_measure(), "root on Linux, and `make .venv-hub/.ready`")
    return {"conditions": f"{machine()}, {hub.versions()}", "content": hub.content()}


def page_behind_nginx() -> Part:
    """Visitors of the web page."""
    need_chromium()
    need(visitors.can_measure(), f"nginx with Brotli, and wrk: {INSTALL_NGINX} wrk")
    conditions = f"{machine()}, {visitors.versions()}. nginx and wrk share the cores"
    return {"conditions": conditions, "content": visitors.content()}


def versions(*names: str) -> str:
    """Return the versions of these packages, by default of those for training."""
    return ", ".join(
        f"{name} {metadata.version(name)}" for name in names or ("TensorFlow", "Keras")
    )


def machine() -> str:
    """Describe the machine on which this runs."""
    processor = platform.processor() or platform.machine()
    if os.path.exists("/proc/cpuinfo"):  # Linux; on other systems, `platform` knows it
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            names = [line.partition(": ")[2] for line in file if line.startswith("model name")]
        processor = names[0].strip() if names else processor
    return (
        f"{os.cpu_count()} cores ({processor}), {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}, NumPy {np.__version__}"
    )


PARTS = {
    "reading": accuracy_on_people,
    "pictures": pictures_of_a_digit,
    "numbers": several_digits,
    "ablation": ablation,
    "writers": learning_from_people,
    "networks": networks,
    "hand": learning_a_hand,
    "saliency": saliency,
    "ink": ink_on_the_pad,
    "page": web_page,
    "faults": robustness,
    "classroom": classroom,
    "hub": class_on_jupyterhub,
    "visitors": page_behind_nginx,
    "scale": reading_at_scale,
}


def main() -> None:
    """Measure the parts that are named, or all of them, and write the tables."""
    parser = argparse.ArgumentParser(
        prog="make bench", description="Measure, and write the tables.", parents=[shipped.CLUSTER]
    )
    parser.add_argument("parts", nargs="*", help=f"what to measure: {', '.join(PARTS)}; else all")
    parts = parser.parse_args().parts
    if unknown := set(parts) - set(PARTS):
        parser.error(f"expected parts out of {sorted(PARTS)}, got {sorted(unknown)}")
    for name in dict.fromkeys(parts or PARTS):
        try:
            part = PARTS[name]()
        except NotMeasured as reason:  # results.json keeps what was measured before
            print(f"{name}: not measured: {reason}", flush=True)
            continue
        write_results(read_results() | {name: part})  # read again: another run may have written
        write_tables()
        print(json.dumps(part, ensure_ascii=False, indent=1), flush=True)


if __name__ == "__main__":
    main()
