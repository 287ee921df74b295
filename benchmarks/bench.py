"""Measure, and write the tables into README.md: `make bench`, or a part: `make bench ARGS=ink`.

All that is compared is measured in one run, in turn, so that a busy machine slows both sides.
"""

import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import ink
import keras
import numpy as np
import tensorflow as tf

import digitlab

README = Path(__file__).parent / "README.md"
SEEDS = range(5)
ARTICLE = digitlab.TrainConfig(
    batch_size=64, peak_learning_rate=0.001, one_cycle=False, validation_share=0
)
OURS = digitlab.TrainConfig(validation_share=0)


def median_ms(function: Callable[[], object], runs: int = 200) -> float:
    """Median time of a call in milliseconds, after five that do not count."""
    times = []
    for run in range(runs + 5):
        begun = time.perf_counter()
        function()
        if run >= 5:
            times.append(1000 * (time.perf_counter() - begun))
    return statistics.median(times)


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


def networks(digits: digitlab.Digits) -> tuple[list[str], keras.Model]:
    """Rows: parameters, seconds and test accuracy after one epoch."""
    ours, seconds, accuracies = None, [], []
    article, article_seconds, article_accuracy = train_once(
        digitlab.article_cnn, ARTICLE, digits, seed=0
    )
    for seed in SEEDS:
        ours, took, accuracy = train_once(digitlab.pen_cnn, OURS, digits, seed)
        seconds.append(took)
        accuracies.append(100 * accuracy)
    assert ours is not None
    spread = statistics.stdev(accuracies)
    return [
        "| after one epoch | article_cnn, 1 seed | pen_cnn, 5 seeds |",
        "|---|---|---|",
        f"| parameters | {article.count_params():,} | {ours.count_params():,} |",
        f"| seconds for the epoch, median | {article_seconds:.1f} | "
        f"{statistics.median(seconds):.1f} ({min(seconds):.1f} to {max(seconds):.1f}) |",
        f"| test accuracy, mean (standard deviation) | {100 * article_accuracy:.2f} % | "
        f"{statistics.mean(accuracies):.2f} % ({spread:.2f}) |",
    ], ours


def predictions(model: keras.Model, digits: digitlab.Digits) -> list[str]:
    """Rows: the time of one prediction."""
    drawing = digitlab.stored_drawing(5)
    image = digits.x_test[:1]  # (1, 28, 28)
    litert, keras_model = digitlab.load_recognizer(), digitlab.Recognizer(model)
    batch = 10_000 / (median_ms(lambda: litert.predict_images(digits.x_test[:10_000]), 5) / 1000)
    return [
        "| median | ms |",
        "|---|---|",
        f"| one image, Keras' `predict` | "
        f"{median_ms(lambda: model.predict(image[..., None] / 255, verbose=0), 30):.1f} |",
        f"| one image, `Recognizer(keras_model)` | "
        f"{median_ms(lambda: keras_model.predict_images(image)):.2f} |",
        f"| one image, `load_recognizer()` | "
        f"{median_ms(lambda: litert.predict_images(image)):.2f} |",
        f"| strokes to 28 x 28 ({sum(map(len, drawing))} points) | "
        f"{median_ms(lambda: digitlab.render_strokes(drawing)):.2f} |",
        f"| strokes to probabilities | {median_ms(lambda: litert.predict(drawing)):.2f} |",
        "",
        f"In batches `load_recognizer()` reads {batch:,.0f} images a second.",
    ]


def networks_and_predictions() -> list[str]:
    """The networks' training and reading."""
    digits = digitlab.load_digits(sample=False)
    rows, model = networks(digits)
    return [
        f"Measured with {machine()}, TensorFlow {tf.__version__}, Keras {keras.__version__}; "
        f"data: {digits.name}, all {len(digits.x_train):,} training digits, "
        f"seeds {SEEDS[0]} to {SEEDS[-1]}.",
        "",
        *rows,
        "",
        *predictions(model, digits),
    ]


def ink_on_the_pad() -> list[str]:
    """From the pen to the screen."""
    versions = ", ".join(
        f"{name} {metadata.version(name)}"
        for name in ("jupyterlab", "ipykernel", "ipycanvas", "anywidget")
    )
    return [f"Measured with {machine()}, {versions}.", "", *ink.table()]


def machine() -> str:
    """Where it was measured."""
    return (
        f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}, NumPy {np.__version__}"
    )


PARTS = {"networks": networks_and_predictions, "ink": ink_on_the_pad}


def main() -> None:
    """Measure the parts that are named, or all, and replace their tables in README.md."""
    unknown = set(sys.argv[1:]) - set(PARTS)
    if unknown:
        sys.exit(f"expected parts of the benchmark out of {sorted(PARTS)}, got {sorted(unknown)}")
    for name in sys.argv[1:] or PARTS:
        table = "\n".join(PARTS[name]())
        print(table)
        text = README.read_text(encoding="utf-8")
        begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
        head, tail = text.partition(begin)[0], text.partition(end)[2]
        README.write_text(f"{head}{begin}\n{table}\n\n{end}{tail}", encoding="utf-8")


if __name__ == "__main__":
    main()
