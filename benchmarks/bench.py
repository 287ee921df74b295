"""Measure, and write the tables into README.md: `make bench`, or a part: `make bench ARGS=ink`.

All that is compared is measured in one run, in turn, so that a busy machine slows both sides.
"""

import dataclasses
import functools
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import faults
import ink
import keras
import numpy as np
import page
import reading
import speed
import tensorflow as tf

import digitlab

HERE = Path(__file__).parent
MODELS = HERE.parent / "models"
PAGES = HERE / "README.md", MODELS / "README.md"  # a table goes where it has its marks
sys.path.append(str(MODELS))
import train as shipped  # noqa: E402  (models/train.py: the shipped network's recipe)

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
    "unipen-a, refused",
    "refused: all of these",
)

GOALS = {  # row of the tables -> what it must reach
    "MNIST test set": "",
    "MNIST test set, `tta=True`": "at least 99.65 %",
    "unipen-a, the article's way": "",
    "unipen-a, strokes": "at least 99.0 %",
    "unipen-a, right and not refused": "",
    "unipen-a, turned by -15 degrees": "at most 1 point lost",
    "unipen-a, turned by 15 degrees": "at most 1 point lost",
    "unipen-a, screenshot, pen 0.5": "at most 1 point lost",
    "unipen-a, screenshot, pen 2": "at most 1 point lost",
    "unipen-a, 15 % of the pad": "at most 1 point lost",
    "unipen-a, 100 % of the pad": "at most 1 point lost",
    "unipen-a, screenshot, 15 % of the pad": "at most 1 point lost",
    "unipen-a, calibration error (15 bins)": "at most 1 %",
    "unipen-a, refused": "at most 1 %",
    "refused: all of these": "at least 95 %",
    "parameters, all counted": "at most 150,000",
    "strokes to 28 x 28 (100 points), ms": "at most 1 ms",
    "strokes to probabilities, ms": "at most 1.5 ms",
    "images a second": "at least 20,000",
    "first prediction in a new Python, s": "at most 1 s",
    "memory of that Python, MB": "at most 150 MB",
}


def train_once(
    build: Callable[[], keras.Model],
    config: digitlab.TrainConfig,
    digits: digitlab.Digits,
    seed: int,
) -> tuple[keras.Model, float, float]:
    """Train one epoch; return the model, the seconds of it, and the test accuracy."""
    keras.utils.set_random_seed(seed)
    model = build()
    begun = time.perf_counter()
    digitlab.train(model, digits, config, progress=False)
    seconds = time.perf_counter() - begun
    images = digits.x_test[..., None].astype(np.float32) / 255
    read = model.predict(images, batch_size=1000, verbose=0).argmax(1)
    return model, seconds, float(np.mean(read == digits.y_test))


def networks() -> list[str]:
    """One epoch of training, and how fast a network answers, the article's beside ours."""
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
    return [
        f"Measured with {machine()}, TensorFlow {tf.__version__}, Keras {keras.__version__}; "
        f"data: {digits.name}, all {len(digits.x_train):,} training digits, "
        f"seeds {SEEDS[0]} to {SEEDS[-1]}.",
        "",
        "| after one epoch | article_cnn, 1 seed | pen_cnn, 5 seeds |",
        "|---|---|---|",
        f"| parameters | {article.count_params():,} | {ours.count_params():,} |",
        f"| seconds for the epoch, median | {article_seconds:.1f} | "
        f"{statistics.median(seconds):.1f} ({min(seconds):.1f} to {max(seconds):.1f}) |",
        f"| test accuracy, mean (standard deviation) | {100 * article_accuracy:.2f} % | "
        f"{statistics.mean(accuracies):.2f} % ({spread:.2f}) |",
        "",
        *speed.table(article, shipped_one, digits.x_test),
    ]


def in_litert(model: keras.Model) -> Callable[[np.ndarray], np.ndarray]:
    """A network as it is shipped: in LiteRT, which computes in whole numbers."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "digits.tflite")
        shipped.for_litert(model, path)
        return digitlab.load_recognizer(path).model


def how_people_are_read() -> list[str]:
    """The shipped network's seeds beside the article's network."""
    digits = digitlab.load_digits(sample=False)
    keras.utils.set_random_seed(0)
    article = digitlab.article_cnn()
    config = dataclasses.replace(ARTICLE, epochs=ARTICLE_EPOCHS)
    digitlab.train(article, digits, config, progress=False)
    ours = [shipped.network(seed) for seed in shipped.SEEDS]
    return [
        f"Measured with {machine()}, TensorFlow {tf.__version__}, Keras {keras.__version__}. "
        f"article_cnn: {ARTICLE_EPOCHS} epochs, {article.count_params():,} parameters, seed 0; "
        f"digits_cnn: {shipped.RECIPE.epochs} epochs and {shipped.CYCLES} times "
        f"{shipped.AGAIN.epochs}, {ours[0].count_params():,} parameters, "
        f"seeds {', '.join(map(str, shipped.SEEDS))}, the first is shipped: the mean of the "
        "weights after each cycle, in LiteRT with int8 kernels.",
        "",
        *reading.table(article, [in_litert(model) for model in ours], digits),
    ]


def ablation() -> list[str]:
    """What each part of the recipe buys: trained for fewer epochs without it."""
    digits = digitlab.load_digits(sample=False)
    recipe = dataclasses.replace(shipped.RECIPE, epochs=ABLATION_EPOCHS)
    whole = recipe.augmentation
    recipes = {"all of it": recipe}
    for seed in shipped.SEEDS[1:]:  # what chance does
        recipes[f"all of it, seed {seed}"] = dataclasses.replace(recipe, seed=seed)
    for part in dataclasses.fields(whole):
        without = dataclasses.replace(whole, **{part.name: 0.0})
        recipes[f"without `{part.name}`"] = dataclasses.replace(recipe, augmentation=without)
    recipes["without weight decay"] = dataclasses.replace(recipe, weight_decay=0.0)
    recipes["nothing: MNIST as it is"] = dataclasses.replace(recipe, augmentation=None)
    rows = []
    for name, config in recipes.items():
        result = reading.figures(in_litert(shipped.trained(config)), digits)
        names = [key for key in result if key in ABLATION_COLUMNS]
        rows.append(f"| {name} | " + " | ".join(f"{result[key]:.2f}" for key in names) + " |")
    return [
        f"Measured with {machine()}, TensorFlow {tf.__version__}, Keras {keras.__version__}: "
        f"{ABLATION_EPOCHS} epochs in place of {shipped.RECIPE.epochs} and more, in LiteRT "
        "with int8 kernels, seed 0 where none is named.",
        "",
        f"| % | {' | '.join(names)} |",
        "|---" * (len(names) + 1) + "|",
        *rows,
    ]


def saliency() -> list[str]:
    """Rows: the time to find out why it was read so, over the stored drawings."""
    litert = digitlab.load_recognizer()
    of_keras = digitlab.Recognizer(digitlab.digits_cnn())  # untrained: as slow as trained
    measure_saliency = digitlab.measure_saliency
    drawings = [digitlab.stored_drawing(digit) for digit in range(10)]
    images = [digitlab.render_strokes(drawing) for drawing in drawings]

    def row(name: str, functions: list[Callable[[], object]]) -> str:
        times = speed.medians_ms(functions, 30)
        return f"| {name} | {statistics.median(times):.1f} | {max(times):.1f} |"

    def on_the_pad(explain: bool) -> list[Callable[[], object]]:
        pads = [digitlab.DrawingPad(explain=explain) for _ in drawings]
        for pad, drawing in zip(pads, drawings, strict=True):
            pad.draw(drawing)
        return [pad.predict for pad in pads]

    def measured(function: Callable, *arguments: object) -> list[Callable[[], object]]:
        return [functools.partial(function, *arguments, image) for image in images]

    inked = [np.count_nonzero(image) for image in images]
    return [
        f"Measured with {machine()}. "
        f"The ten drawings have ink on {min(inked)} to {max(inked)} pixels.",
        "",
        "| ms, ten stored drawings | median | slowest |",
        "|---|---|---|",
        row("`measure_saliency`, `load_recognizer()`", measured(measure_saliency, litert)),
        row("`measure_saliency`, `Recognizer(keras_model)`", measured(measure_saliency, of_keras)),
        row("`get_activations`, `load_recognizer()`", measured(litert.get_activations)),
        row("`get_activations`, `Recognizer(keras_model)`", measured(of_keras.get_activations)),
        row("a finished stroke on the pad, `explain=True`", on_the_pad(True)),
        row("a finished stroke on the pad", on_the_pad(False)),
    ]


def ink_on_the_pad() -> list[str]:
    """From the pen to the screen."""
    versions = ", ".join(
        f"{name} {metadata.version(name)}"
        for name in ("jupyterlab", "ipykernel", "ipycanvas", "anywidget")
    )
    return [f"Measured with {machine()}, {versions}.", "", *ink.table()]


def web_page() -> list[str]:
    """From navigation to a page that can read, and from the pen to the bars."""
    return [f"Measured with {machine()}.", "", *page.table()]


def what_breaks() -> list[str]:
    """What comes in that should not, and what is killed while it writes."""
    return [f"Measured with {machine()}, Pillow {metadata.version('pillow')}.", "", *faults.table()]


def classroom() -> list[str]:
    """Forty kernels, with a pad each."""
    # In a Python of its own, for kernels share the pages of TensorFlow with one that has it, too.
    command = [sys.executable, HERE / "classroom.py"]
    rows = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    versions = ", ".join(f"{n} {metadata.version(n)}" for n in ("ipykernel", "tensorflow"))
    return [f"Measured with {machine()}, {versions}.", "", *rows.splitlines()]


def machine() -> str:
    """Where it was measured."""
    processor = platform.processor() or platform.machine()
    if os.path.exists("/proc/cpuinfo"):  # Linux; the others name it themselves
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            names = [line.partition(": ")[2] for line in file if line.startswith("model name")]
        processor = names[0].strip() if names else processor
    return (
        f"{os.cpu_count()} cores ({processor}), {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}, NumPy {np.__version__}"
    )


def summary() -> list[str]:
    """All that has a goal in one table, out of those that are written below it."""
    tables = PAGES[0].read_text(encoding="utf-8").partition("<!-- end of summary -->")[2]
    rows = []
    for name, goal in GOALS.items():
        cells = re.search(rf"^\| {re.escape(name)} \| (.*) \|$", tables, re.MULTILINE)
        if cells:  # those of people's digits need DIGITLAB_PEN
            article, *_, ours = cells[1].split(" | ")
            rows.append(f"| {name} | {goal} | {article} | {ours} |")
    return ["| | goal | article_cnn | digits_cnn |", "|---|---|---|---|", *rows]


PARTS = {
    "reading": how_people_are_read,
    "ablation": ablation,
    "networks": networks,
    "saliency": saliency,
    "ink": ink_on_the_pad,
    "page": web_page,
    "faults": what_breaks,
    "classroom": classroom,
    "summary": summary,
}


def main() -> None:
    """Measure the parts that are named, or all, and replace their tables where they stand."""
    unknown = set(sys.argv[1:]) - set(PARTS)
    if unknown:
        sys.exit(f"expected parts of the benchmark out of {sorted(PARTS)}, got {sorted(unknown)}")
    for name in dict.fromkeys([*(sys.argv[1:] or PARTS), "summary"]):
        table = "\n".join(PARTS[name]())
        print(table)
        begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
        for path in PAGES:
            text = path.read_text(encoding="utf-8")
            if begin in text:
                head, tail = text.partition(begin)[0], text.partition(end)[2]
                path.write_text(f"{head}{begin}\n{table}\n\n{end}{tail}", encoding="utf-8")


if __name__ == "__main__":
    main()
