"""Measure the networks and the recognizer, and write the table into README.md: `make bench`.

All that is compared is measured in one run, in turn, so that a busy machine slows both sides.
"""

import os
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path

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


def main() -> None:
    """Measure all, and replace README.md's table."""
    digits = digitlab.load_digits(sample=False)
    rows, model = networks(digits)
    machine = (
        f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}, TensorFlow {tf.__version__}, "
        f"Keras {keras.__version__}, NumPy {np.__version__}; data: {digits.name}, "
        f"all {len(digits.x_train):,} training digits, seeds {SEEDS[0]} to {SEEDS[-1]}"
    )
    table = "\n".join([f"Measured with {machine}.", "", *rows, "", *predictions(model, digits)])
    head = README.read_text(encoding="utf-8").partition("<!-- result -->")[0]
    README.write_text(f"{head}<!-- result -->\n\n{table}\n", encoding="utf-8")
    print(table)


if __name__ == "__main__":
    main()
