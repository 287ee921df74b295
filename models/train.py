"""Train the shipped network anew, with three seeds, and export the first: `make models`.

Writes digits.keras, digits.tflite and tfjs/ beside this file. What is trained is kept in seeds/
after each epoch, so a run that was stopped goes on there; `make models ARGS=--anew` begins from the
beginning.
"""

import dataclasses
import hashlib
import json
import shutil
import sys
import tempfile
import time
from pathlib import Path

import keras
import numpy as np

import digitlab
from digitlab._io import atomic_write
from digitlab.training.augmentation import AugmentedDigits

MODELS = Path(__file__).parent
KEPT = MODELS / "seeds"
SEEDS = (0, 1, 2)  # the first is shipped, whichever comes out best
RECIPE = digitlab.TrainConfig(
    epochs=30,
    peak_learning_rate=0.004,
    weight_decay=0.1,
    validation_share=0,  # the recipe was chosen with digits held out; this is the end
    augmentation=digitlab.Augmentation(),
)
AGAIN = dataclasses.replace(RECIPE, epochs=4, peak_learning_rate=0.001)  # lower cycles after it
CYCLES = 2  # of those


def network(seed: int) -> keras.Model:
    """The network of a seed, as it is shipped: the mean of the weights after each cycle.

    They lie about a better place than each of them (P. Izmailov and others, "Averaging weights
    leads to wider optima and better generalization", 2018).
    """
    ends = [trained(dataclasses.replace(RECIPE, seed=seed))]
    for cycle in range(1, CYCLES + 1):
        ends.append(trained(dataclasses.replace(AGAIN, seed=100 * cycle + seed), ends[-1]))
    keras.utils.clear_session()  # layers are named by number
    model = digitlab.digits_cnn()
    weights = zip(*(end.get_weights() for end in ends), strict=True)
    model.set_weights([np.mean(each, axis=0) for each in weights])
    model.set_weights(_as_in_the_page(model))
    return model


def trained(config: digitlab.TrainConfig, start: keras.Model | None = None) -> keras.Model:
    """A network trained anew, or on from another's weights: from seeds/, or now."""
    digits = digitlab.load_digits(sample=False)
    keras.utils.set_random_seed(config.seed)  # the first weights
    model = digitlab.digits_cnn()
    if start is not None:
        model.set_weights(start.get_weights())
    # A changed recipe, other weights to begin with, and other digits to learn from have another
    # name, and are trained.
    digest = hashlib.sha256(repr(config).encode())
    for array in (*model.get_weights(), *_some_of(digits, config)):
        digest.update(array.tobytes())
    path = KEPT / f"{config.seed}-{digest.hexdigest()[:8]}.keras"
    if not path.is_file():
        begun = time.monotonic()
        digitlab.train(
            model,
            digits,
            config,
            progress=False,
            checkpoint=path.with_suffix(".npz"),
        )
        print(f"{path.stem}: {(time.monotonic() - begun) / 60:.0f} minutes, {config}", flush=True)
        # Without the optimiser, whose state is twice as large as the network.
        plain = digitlab.digits_cnn()
        plain.set_weights(_as_in_the_page(model))
        with atomic_write(path) as part:
            plain.save(part)
    return keras.models.load_model(path)


def _some_of(digits: digitlab.Digits, config: digitlab.TrainConfig) -> tuple[np.ndarray, ...]:
    """Some of what is learned from: other bytes where the digits or their augmentation changed."""
    images, labels = digits.x_train[:512], digits.y_train[:512]
    if config.augmentation is None:
        return images, labels
    knobs = config.augmentation
    return AugmentedDigits(images, labels, knobs, len(images), config.seed, non_digits=True)[0]


def _as_in_the_page(model: keras.Model) -> list[np.ndarray]:
    """The weights of a model as a web page gets them, in a byte each.

    A kernel's values are moved to 256 evenly spaced ones. The other files hold the same, so that
    Keras, LiteRT and TensorFlow.js give the same probabilities.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = digitlab.export_tfjs(model, folder, quantize="uint8")
        (group,) = json.loads(path.read_text())["weightsManifest"]
        content = b"".join((path.parent / name).read_bytes() for name in group["paths"])
    values, at = [], 0
    for entry in group["weights"]:
        grid = entry.get("quantization")
        dtype = np.dtype(np.uint8 if grid else np.float32)
        size = int(np.prod(entry["shape"]))
        value = np.frombuffer(content, dtype, size, at).astype(np.float32)
        at += size * dtype.itemsize
        if grid:
            value = value * np.float32(grid["scale"]) + np.float32(grid["min"])
        values.append(value.reshape(entry["shape"]))
    return values


def for_litert(model: keras.Model, path: Path) -> None:
    """Write a network for LiteRT as it is shipped."""
    digitlab.export_tflite(model, path, quantize="int8")


def main() -> None:
    """Train all seeds and export the first."""
    if "--anew" in sys.argv:
        shutil.rmtree(KEPT, ignore_errors=True)
    shipped, *_ = [network(seed) for seed in SEEDS]
    with atomic_write(MODELS / "digits.keras") as part:
        shipped.save(part)
    for_litert(shipped, MODELS / "digits.tflite")
    digitlab.export_tfjs(shipped, MODELS / "tfjs", quantize="uint8")


if __name__ == "__main__":
    main()
