"""The time and the memory that networks take, measured in the same way for each."""

import functools
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import numpy as np

import digitlab
from benchmarks.tables import Table

FRESH = """import sys, time
begun = time.perf_counter()
import digitlab
digitlab.load_recognizer(sys.argv[1]).predict(digitlab.stored_drawing(5))
seconds = time.perf_counter() - begun
with open("/proc/self/status") as status:
    print(seconds, status.read().partition("VmHWM:")[2].split()[0])
"""


def medians_ms(functions: Sequence[Callable[[], object]], runs: int = 200) -> list[float]:
    """Median time of each function in milliseconds, called in turn, after five warm-up rounds."""
    times: list[list[float]] = [[] for _ in functions]
    for run in range(runs + 5):
        for function, its_times in zip(functions, times, strict=True):
            begun = time.perf_counter()
            function()
            if run >= 5:
                its_times.append(1000 * (time.perf_counter() - begun))
    return [statistics.median(its_times) for its_times in times]


def fifty_points(stroke: np.ndarray) -> np.ndarray:
    """A stroke (n, 2) resampled to (50, 2)."""
    at = np.linspace(0, len(stroke) - 1, 50)
    return np.stack([np.interp(at, np.arange(len(stroke)), axis) for axis in stroke.T], axis=1)


def fresh_process(path: Path) -> tuple[float, float]:
    """Median seconds to the first prediction of five new processes, with imports, and peak MB."""
    seconds, kilobytes = [], []
    for _ in range(5):
        command: list[str | Path] = [sys.executable, "-c", FRESH, path]
        printed = subprocess.run(command, check=True, capture_output=True).stdout.split()
        seconds.append(float(printed[0]))
        kilobytes.append(float(printed[1]))
    return statistics.median(seconds), max(kilobytes) / 1024


def table(article: keras.Model, ours: keras.Model, images: np.ndarray) -> Table:
    """Compare the article's network with ours; images (n, 28, 28) to classify."""
    models = article, ours
    with tempfile.TemporaryDirectory() as folder:

        def exported(quantize: str | None) -> list[Path]:
            paths = [Path(folder, f"{model.name}-{quantize}.tflite") for model in models]
            for model, path in zip(models, paths, strict=True):
                digitlab.export_tflite(model, path, quantize)
            return paths

        files = exported("int8")
        sizes = [file.stat().st_size for file in files]
        fresh = [fresh_process(file) for file in files]
        in_litert = [digitlab.load_recognizer(file) for file in files]
        in_float32 = [digitlab.load_recognizer(file) for file in exported(None)]
    in_keras = [digitlab.Recognizer(model) for model in models]
    image = images[:1]
    drawing = [fifty_points(stroke) for stroke in digitlab.stored_drawing(5)]  # two strokes
    call = functools.partial
    predict = [call(model.predict, image[..., None] / 255, verbose=0) for model in models]
    ways = ((in_litert, False), (in_litert, True), (in_float32, False))
    reads = [call(reader.predict_images, images, tta) for way, tta in ways for reader in way]
    a_second = [f"{1000 * len(images) / each:,.0f}" for each in medians_ms(reads, 15)]

    def ms(functions: Sequence[Callable[[], object]], runs: int = 200) -> list[str]:
        return [f"{each:.2f}" for each in medians_ms(functions, runs)]

    rows = {
        "parameters, all counted": [f"{model.count_params():,}" for model in models],
        "bytes of the file for LiteRT": [f"{size:,}" for size in sizes],
        "one image, Keras' `predict`, ms": ms(predict, 30),
        "one image, `Recognizer(keras_model)`, ms": ms(
            [call(recognizer.predict_images, image) for recognizer in in_keras]
        ),
        "one image, `load_recognizer()`, ms": ms(
            [call(recognizer.predict_images, image) for recognizer in in_litert]
        ),
        f"strokes to 28 x 28 ({sum(map(len, drawing))} points), ms": 2
        * ms([call(digitlab.render_strokes, drawing)]),
        "strokes to probabilities, ms": ms(
            [call(recognizer.predict, drawing) for recognizer in in_litert]
        ),
        "images a second": a_second[:2],
        "images a second, `tta=True`": a_second[2:4],
        "images a second, float32": a_second[4:],
        "first prediction in a new process, s": [f"{seconds:.2f}" for seconds, _ in fresh],
        "memory of that process, MB": [f"{megabytes:.0f}" for _, megabytes in fresh],
    }
    return {
        "columns": ["median", "article_cnn", "digits_cnn"],
        "rows": [[name, *values] for name, values in rows.items()],
    }
