"""Train the shipped network with three seeds, and export the first: `make models`.

Writes digits.keras, digits.tflite and tfjs/ beside this file. The training is saved in seeds/ after
each epoch, so a run that was stopped resumes there; `make models ARGS=--anew` starts from scratch.
`ARGS=--scheduler=tcp://...` has a Dask cluster train the seeds.
"""

import dataclasses
import hashlib
import runpy
import shutil
import sys
import time
from pathlib import Path

import keras
import numpy as np

import digitlab
from digitlab._io import atomic_write
from digitlab.export.quantization import as_exported
from digitlab.training.augmentation import AugmentedDigits

MODELS = Path(__file__).parent
KEPT = MODELS / "seeds"
SEEDS = (0, 1, 2)  # the first is shipped, even if another one is better
RECIPE = digitlab.TrainConfig(
    epochs=30,
    peak_learning_rate=0.004,
    weight_decay=0.1,
    validation_share=0,  # the recipe was chosen with digits held out; now all are used
    augmentation=digitlab.Augmentation(),
)
AGAIN = dataclasses.replace(
    RECIPE, epochs=4, peak_learning_rate=0.001
)  # more cycles, with a lower peak
CYCLES = 2  # of those


def network(seed: int) -> keras.Model:
    """Train the network of a seed: the mean of the weights after each cycle.

    The mean is better than any of them (P. Izmailov and others, "Averaging weights
    leads to wider optima and better generalization", 2018).
    """
    ends = [trained(dataclasses.replace(RECIPE, seed=seed))]
    for cycle in range(1, CYCLES + 1):
        ends.append(trained(dataclasses.replace(AGAIN, seed=100 * cycle + seed), ends[-1]))
    keras.utils.clear_session()  # layers are named by number
    model = digitlab.digits_cnn()
    weights = zip(*(end.get_weights() for end in ends), strict=True)
    _set_exported_weights(model, [np.mean(each, axis=0) for each in weights])
    return model


def trained(config: digitlab.TrainConfig, start: keras.Model | None = None) -> keras.Model:
    """Train a network, or load it from seeds/ where it is trained already.

    Args:
        config: The settings of the training.
        start: A network to take the first weights from.
    """
    digits = digitlab.load_digits(sample=False)
    keras.utils.set_random_seed(config.seed)  # the first weights
    model = digitlab.digits_cnn()
    if start is not None:
        model.set_weights(start.get_weights())
    # The name depends on the settings, the first weights and the digits to learn from: where one
    # of them has changed, the network is trained again.
    digest = hashlib.sha256(repr(config).encode())
    for array in (*model.get_weights(), *_sample_training_data(digits, config)):
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
        # Without the optimiser, whose state is twice the size of the network.
        plain = digitlab.digits_cnn()
        _set_exported_weights(plain, model.get_weights())
        with atomic_write(path) as part:
            plain.save(part)
    return keras.models.load_model(path)


def _sample_training_data(
    digits: digitlab.Digits, config: digitlab.TrainConfig
) -> tuple[np.ndarray, ...]:
    """Return a sample of the training data, which changes with the digits or their augmentation."""
    images, labels = digits.x_train[:512], digits.y_train[:512]
    if config.augmentation is None:
        return images, labels
    data = AugmentedDigits(
        images, labels, config.augmentation, len(images), config.seed, non_digits=True
    )
    return data[0]


def _set_exported_weights(model: keras.Model, weights: list[np.ndarray]) -> None:
    """Give a model the weights that a web page gets of them, in a byte each.

    All exported files hold the same values then, so that Keras, LiteRT and TensorFlow.js give the
    same probabilities.
    """
    named = {str(number): value for number, value in enumerate(weights)}
    model.set_weights(list(as_exported(named, "uint8").values()))


def for_litert(model: keras.Model, path: Path) -> None:
    """Write a network for LiteRT, as the shipped one."""
    digitlab.export_tflite(model, path, quantize="int8")


def train_on_cluster(scheduler: str) -> None:
    """Train the seeds on a Dask cluster whose workers have this folder, too.

    Each worker trains one. If it is killed, another one resumes after the last epoch.
    """
    from distributed import Client  # here, for it comes with the extra "scale"

    try:
        client = Client(scheduler, timeout=10)
    except OSError as error:
        sys.exit(f"expected a Dask scheduler at {scheduler}: {error}")
    with client:
        if any(threads > 1 for threads in client.nthreads().values()):
            sys.exit("expected workers with one thread (dask worker --nthreads 1)")  # one seed each
        client.gather(client.map(_train_on_worker, SEEDS, pure=False))


def _train_on_worker(seed: int) -> None:
    """Train a seed; it is in seeds/ then.

    Dask's scheduler loads functions, too, and this one does not make it import Keras.
    """
    runpy.run_path(__file__)["network"](seed)


def main() -> None:
    """Train all seeds and export the first."""
    if "--anew" in sys.argv:
        shutil.rmtree(KEPT, ignore_errors=True)
    for argument in sys.argv:
        if argument.startswith("--scheduler="):
            train_on_cluster(argument.partition("=")[2])
    shipped, *_ = [network(seed) for seed in SEEDS]
    with atomic_write(MODELS / "digits.keras") as part:
        shipped.save(part)
    for_litert(shipped, MODELS / "digits.tflite")
    digitlab.export_tfjs(shipped, MODELS / "tfjs", quantize="uint8")


if __name__ == "__main__":
    main()
