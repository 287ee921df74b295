"""Train the shipped network, and export it: `make models`.

The network learns from MNIST, and then also from people's digits (`digitlab.load_people` says where
they come from). To measure how well it reads people whom it has never met, the second part is
repeated for each of `FOLDS`, without its contributors.

This writes digits.keras, digits.tflite, tfjs/ and folds/ beside this file. The training is saved in
seeds/ after each epoch, so a stopped run resumes from there; `make models ARGS=--anew` starts from
scratch. `ARGS=--scheduler=tcp://...` has a Dask cluster train the network and those of the folds.
"""

import argparse
import dataclasses
import functools
import hashlib
import runpy
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras
import numpy as np

import digitlab
from digitlab._io import atomic_write
from digitlab.export.quantization import as_exported
from digitlab.training.augmentation import AugmentedDigits

MODELS = Path(__file__).parent
KEPT = MODELS / "seeds"
CLUSTER = argparse.ArgumentParser(add_help=False)  # the argument that benchmarks share
CLUSTER.add_argument(
    "--scheduler", metavar="tcp://...", help="train on the Dask cluster of this scheduler"
)
SEED = 0
RECIPE = digitlab.TrainConfig(
    epochs=30,
    peak_learning_rate=0.004,
    weight_decay=0.1,
    validation_share=0,  # the recipe was chosen with digits held out; now all are used
    augmentation=digitlab.Augmentation(),
)
AGAIN = dataclasses.replace(
    RECIPE, epochs=4, peak_learning_rate=0.001
)  # further cycles, with a lower peak
CYCLES = 2  # how many further cycles
PEOPLE = dataclasses.replace(AGAIN, epochs=3)  # then as many cycles with people's digits
# Contributors of people's digits: each network in folds/ has not learned from those of one fold.
HELD_OUT = ("imp", "pri", "tos", "val")  # also held out for measuring numbers and pictures
FOLDS = (("apb",), HELD_OUT, ("gmd",), ("aga", "apa"))


def network(left_out: Sequence[str] = (), seed: int = SEED) -> keras.Model:
    """Train the network, or load it if it has been trained already.

    Args:
        left_out: Contributors from whose digits the network does not learn.
        seed: The seed for the initial weights and for the order of the digits.
    """
    people = digitlab.load_people()
    people = people[~np.isin(people.contributors, left_out)]
    ends = [from_mnist(seed)]
    for cycle in range(1, CYCLES + 1):
        config = dataclasses.replace(PEOPLE, seed=1000 * cycle + seed)
        ends.append(trained(config, ends[-1], people))
    return _mean(ends)


@functools.cache
def without(contributor: str) -> digitlab.Recognizer:
    """Load the network that has not learned from a contributor's digits."""
    (number,) = (number for number, fold in enumerate(FOLDS) if contributor in fold)
    return digitlab.load_recognizer(MODELS / "folds" / f"{number}.tflite")


def from_mnist(seed: int = SEED) -> keras.Model:
    """Train a network on MNIST alone: the mean of the weights after each cycle.

    The mean is better than the weights of any single cycle (P. Izmailov and others, "Averaging
    weights leads to wider optima and better generalization", 2018).
    """
    ends = [trained(dataclasses.replace(RECIPE, seed=seed))]
    for cycle in range(1, CYCLES + 1):
        ends.append(trained(dataclasses.replace(AGAIN, seed=100 * cycle + seed), ends[-1]))
    return _mean(ends)


def _mean(networks: list[keras.Model]) -> keras.Model:
    """Make a network with the mean of several networks' weights, quantised as when exported."""
    keras.utils.clear_session()  # layer names are numbered from here
    model = digitlab.digits_cnn()
    weights = zip(*(network.get_weights() for network in networks), strict=True)
    _set_exported_weights(model, [np.mean(each, axis=0) for each in weights])
    return model


def trained(
    config: digitlab.TrainConfig,
    start: keras.Model | None = None,
    people: digitlab.People | None = None,
) -> keras.Model:
    """Train a network, or load it from seeds/ if it has been trained already.

    Args:
        config: The settings of the training.
        start: A network that gives the initial weights.
        people: People's digits to learn from in addition.
    """
    digits = digitlab.load_digits(sample=False)
    keras.utils.set_random_seed(config.seed)  # for the initial weights
    model = digitlab.digits_cnn()
    if start is not None:
        model.set_weights(start.get_weights())
    # The name depends on the settings, the initial weights and the training data, so if one of them
    # changes, the network is trained again.
    digest = hashlib.sha256(repr(config).encode())
    for array in (*model.get_weights(), *_sample_training_data(digits, config, people)):
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
            people=people,
        )
        print(f"{path.stem}: {(time.monotonic() - begun) / 60:.0f} minutes, {config}", flush=True)
        # Save it without the optimiser, whose state is twice the size of the network.
        plain = digitlab.digits_cnn()
        _set_exported_weights(plain, model.get_weights())
        with atomic_write(path) as part:
            plain.save(part)
    return keras.models.load_model(path)


def _sample_training_data(
    digits: digitlab.Digits, config: digitlab.TrainConfig, people: digitlab.People | None
) -> tuple[np.ndarray, ...]:
    """Return a sample of the training data that changes with the digits or the augmentation."""
    images, labels = digits.x_train[:512], digits.y_train[:512]
    if config.augmentation is None:
        return images, labels
    data = AugmentedDigits(
        images,
        labels,
        config.augmentation,
        len(images),
        config.seed,
        non_digits=True,
        people=people,
    )
    # A sample of the digits does not show which contributors there are.
    return (*data[0], np.zeros(0) if people is None else people.labels)


def _set_exported_weights(model: keras.Model, weights: list[np.ndarray]) -> None:
    """Give a model these weights after quantising them to a byte each, as for the web page.

    Then all exported files hold the same values, so that Keras, LiteRT and TensorFlow.js give the
    same probabilities.
    """
    named = {str(number): value for number, value in enumerate(weights)}
    model.set_weights(list(as_exported(named, "uint8").values()))


def for_litert(model: keras.Model, path: Path) -> None:
    """Write a network for LiteRT in the same form as the shipped one."""
    digitlab.export_tflite(model, path, quantize="int8")


@contextmanager
def named_cluster() -> Iterator[Any]:
    """Yield a client of the Dask cluster that `--scheduler` names, or None without that argument.

    The workers must have access to this folder, and train one network each. If one is killed,
    another one resumes after the last epoch.
    """
    scheduler = CLUSTER.parse_known_args()[0].scheduler
    if scheduler is None:
        yield None
        return
    from distributed import Client  # here, because it needs the extra "scale"

    try:
        client = Client(scheduler, timeout=10)
    except OSError as error:
        sys.exit(f"expected a Dask scheduler at {scheduler}: {error}")
    with client:
        if any(threads > 1 for threads in client.nthreads().values()):  # for one training each
            sys.exit("expected workers with one thread (dask worker --nthreads 1)")
        yield client


def train_on_cluster(client: Any, name: str, arguments: Sequence[Any]) -> None:
    """Have the workers call a function of this file that trains, with one argument each."""
    client.gather(
        [client.submit(_train_on_worker, name, argument, pure=False) for argument in arguments]
    )


def _train_on_worker(name: str, argument: Any) -> None:
    """Call a function of this file that trains; the network is then in seeds/.

    Dask's scheduler loads submitted functions, too, and this one does not make it import Keras.
    """
    runpy.run_path(__file__)[name](argument)


def main() -> None:
    """Train the network and those of the folds, and export all."""
    parser = argparse.ArgumentParser(
        prog="make models", description="Train and export the shipped network.", parents=[CLUSTER]
    )
    parser.add_argument("--anew", action="store_true", help="start from scratch")
    if parser.parse_args().anew:
        shutil.rmtree(KEPT, ignore_errors=True)
    with named_cluster() as client:
        if client is not None:
            train_on_cluster(client, "from_mnist", [SEED])  # all others start from it
            train_on_cluster(client, "network", [(), *FOLDS])
    shipped = network()
    with atomic_write(MODELS / "digits.keras") as part:
        shipped.save(part)
    for_litert(shipped, MODELS / "digits.tflite")
    digitlab.export_tfjs(shipped, MODELS / "tfjs", quantize="uint8")
    for number, left_out in enumerate(FOLDS):
        for_litert(network(left_out), MODELS / "folds" / f"{number}.tflite")


if __name__ == "__main__":
    main()
