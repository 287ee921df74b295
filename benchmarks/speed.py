"""How long networks take to answer, and how much memory, each of them in the same ways."""

import functools
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np

import digitlab

FRESH = """import sys, time
begun = time.perf_counter()
import digitlab
digitlab.load_recognizer(sys.argv[1]).predict(digitlab.stored_drawing(5))
seconds = time.perf_counter() - begun
with open("/proc/self/status") as status:
    print(seconds, status.read().partition("VmHWM:")[2].split()[0])
"""


def median_ms(function: Callable[[], object], runs: int = 200) -> float:
    """Median time of a call in milliseconds, after five that do not count."""
    times = []
    for run in range(runs + 5):
        begun = time.perf_counter()
        function()
        if run >= 5:
            times.append(1000 * (time.perf_counter() - begun))
    return statistics.median(times)


def fifty_points(stroke: np.ndarray) -> np.ndarray:
    """A stroke (n, 2) as (50, 2)."""
    at = np.linspace(0, len(stroke) - 1, 50)
    return np.stack([np.interp(at, np.arange(len(stroke)), axis) for axis in stroke.T], axis=1)


def fresh_process(path: Path, runs: int = 5) -> tuple[float, float]:
    """The first prediction in a new Python: its seconds, imports included, and the most MB."""
    seconds, kilobytes = [], []
    for _ in range(runs):
        command = [sys.executable, "-c", FRESH, path]
        printed = subprocess.run(command, check=True, capture_output=True).stdout.split()
        seconds.append(float(printed[0]))
        kilobytes.append(float(printed[1]))
    return statistics.median(seconds), max(kilobytes) / 1024


def figures(model: keras.Model, images: np.ndarray, folder: Path) -> dict[str, str]:
    """All figures of one network, which is exported to the folder; images (n, 28, 28)."""
    int8, float32 = folder / f"{model.name}-int8.tflite", folder / f"{model.name}.tflite"
    digitlab.export_tflite(model, int8, quantize="int8")
    digitlab.export_tflite(model, float32)
    in_keras, in_litert = digitlab.Recognizer(model), digitlab.load_recognizer(int8)
    image = images[:1]
    drawing = [fifty_points(stroke) for stroke in digitlab.stored_drawing(5)]  # two strokes

    def a_second(recognizer: digitlab.Recognizer, tta: bool = False) -> str:
        read = functools.partial(recognizer.predict_images, images, tta=tta)
        return f"{1000 * len(images) / median_ms(read, 9):,.0f}"

    seconds, megabytes = fresh_process(int8)
    keras_predict = median_ms(lambda: model.predict(image[..., None] / 255, verbose=0), 30)
    return {
        "parameters": f"{model.count_params():,}",
        "bytes of the file for LiteRT": f"{int8.stat().st_size:,}",
        "one image, Keras' `predict`, ms": f"{keras_predict:.1f}",
        "one image, `Recognizer(keras_model)`, ms": (
            f"{median_ms(lambda: in_keras.predict_images(image)):.2f}"
        ),
        "one image, `load_recognizer()`, ms": (
            f"{median_ms(lambda: in_litert.predict_images(image)):.2f}"
        ),
        f"strokes to 28 x 28 ({sum(map(len, drawing))} points), ms": (
            f"{median_ms(lambda: digitlab.render_strokes(drawing)):.2f}"
        ),
        "strokes to probabilities, ms": f"{median_ms(lambda: in_litert.predict(drawing)):.2f}",
        "images a second": a_second(in_litert),
        "images a second, `tta=True`": a_second(in_litert, tta=True),
        "images a second, float32": a_second(digitlab.load_recognizer(float32)),
        "first prediction in a new Python, s": f"{seconds:.2f}",
        "memory of that Python, MB": f"{megabytes:.0f}",
    }


def table(article: keras.Model, ours: keras.Model, images: np.ndarray) -> list[str]:
    """Rows: the article's network beside ours."""
    with tempfile.TemporaryDirectory() as folder:
        columns = [figures(model, images, Path(folder)) for model in (article, ours)]
    rows = [f"| {name} | {' | '.join(column[name] for column in columns)} |" for name in columns[0]]
    return ["| median | article_cnn | digits_cnn |", "|---|---|---|", *rows]
