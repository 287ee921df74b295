"""The training loop. With a checkpoint, a stop or a crash loses no finished epoch.

The learning rate follows one cycle (L. N. Smith, "Super-convergence", 2018): it climbs to its peak
and falls to 0 within the run, which makes one epoch as good as several with a constant rate.
"""

import math
import os
from pathlib import Path
from typing import Any

import keras
import numpy as np
from IPython import get_ipython

from digitlab._keras_defaults import keras_defaults
from digitlab.answers import checked_answers
from digitlab.images import SIZE, as_batch
from digitlab.keras_checks import check_type
from digitlab.mnist import Digits, check_digits
from digitlab.runtimes.keras_model import as_float32
from digitlab.training.augmentation import NON_DIGIT, AugmentedDigits
from digitlab.training.checkpoint import BestWeights, Checkpoint, arrays_checksum
from digitlab.training.people import People
from digitlab.training.progress import NotebookProgress
from digitlab.training.settings import TrainConfig, as_config


@keras_defaults()
def train(
    model: keras.Model,
    digits: Digits,
    config: TrainConfig | None = None,
    progress: bool = True,
    checkpoint: str | os.PathLike[str] | None = None,
    people: People | None = None,
) -> keras.callbacks.History:
    """Train a network on the training digits, with AdamW on the categorical cross-entropy.

    Ctrl-C, or the notebook's stop button, ends the training early without an error: the model
    keeps the weights of its best epoch so far or, within the first epoch, its current weights.

    On JAX, several devices can share each batch if this runs before the model is built::

        keras.distribution.set_distribution(keras.distribution.DataParallel())

    Images that are left over when a batch is divided among the devices are dropped.

    This sets the seeds of `random`, `numpy.random` and Keras, as `keras.utils.set_random_seed`
    does. What you draw from them afterwards depends on ``config.seed`` alone: for several
    experiments in a loop, use `numpy.random.default_rng` and another seed each time.

    Args:
        model: Takes images (n, 28, 28, 1) in [0, 1], and gives probabilities (n, 10); one that
            gives (n, 11) also learns to reject non-digits from the augmentation. Trained in place.
        digits: The training digits are used; a share of them is held out for validation, without
            augmentation. The test digits are not used.
        config: The settings. Default: `TrainConfig()`.
        progress: Show a bar with the time left, and the curves.
        checkpoint: An ``.npz`` file for the state of the training run at its start and after each
            epoch. If it holds the state of the same run, stopped or killed earlier, the training
            resumes from there. The file is removed after the last epoch.
        people: With an augmentation only: digits that take the place of a share of the training
            digits, each redrawn a little differently every time, see `digitlab.load_people`.

    Returns:
        ``history.history`` has a list with one value per epoch for ``accuracy`` and ``loss``, and,
        with validation digits, for ``val_accuracy`` and ``val_loss``.

    Raises:
        TypeError: The model is not a Keras model, the digits are not `Digits`, the settings are not
            a `TrainConfig`, or `people` is not `People`.
        ValueError: There are no training digits, or none beside those for validation; or `people`
            has no digits, or `config` no augmentation to draw them with; or the model does
            not map images (n, 28, 28, 1) to 10 or 11 probabilities; or the devices cannot share a
            batch; or `checkpoint` holds the state of another run, or something else.
        OSError: `checkpoint` cannot be read or written. The first attempt is before any epoch.

    Example:
        >>> drawings = [digitlab.stored_drawing(digit) for digit in range(10)]
        >>> images = [digitlab.render_strokes(drawing) for drawing in drawings]
        >>> digits = digitlab.Digits(images, range(10), None, None, "the stored drawings")
        >>> config = digitlab.TrainConfig(epochs=2, validation_share=0)
        >>> history = digitlab.train(digitlab.pen_cnn(), digits, config, progress=False)
        >>> sorted(history.history), len(history.history["loss"])
        (['accuracy', 'loss'], 2)
    """
    config = as_config(config, TrainConfig())
    check_type(model)
    check_digits(digits)
    if not len(digits.x_train):
        raise ValueError(f"expected training digits, got none: {digits!r}")
    if not isinstance(people, People | None):
        raise TypeError(f"expected people as load_people() gives them, got {type(people).__name__}")
    if people is not None and config.augmentation is None:
        raise ValueError("expected an augmentation in config, by which people's digits are drawn")
    if people is not None and not len(people):
        raise ValueError("expected people's digits, or None, got no digits")
    keras.utils.set_random_seed(config.seed)
    order = np.random.default_rng(config.seed).permutation(len(digits.x_train))
    held_out, kept = np.split(order, [round(len(order) * config.validation_share)])
    devices = _devices()
    if config.batch_size % devices:
        raise ValueError(
            f"expected a batch_size that {devices} devices can share, got {config.batch_size}"
        )
    held_out, kept = (part[: len(part) - len(part) % devices] for part in (held_out, kept))
    if not len(kept):
        raise ValueError(
            f"expected digits to train on beside {len(held_out)} for validation, got none; "
            "use a smaller validation_share"
        )
    outputs = _outputs(model)
    steps = config.epochs * math.ceil(len(kept) / config.batch_size)
    images, labels = digits.x_train[kept], digits.y_train[kept]
    model.compile(
        # Without a decay this is Adam.
        optimizer=keras.optimizers.AdamW(
            config.peak_learning_rate, weight_decay=config.weight_decay
        ),
        # The cross-entropy of one-hot labels, without making them one-hot.
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    history = keras.callbacks.History()
    best = BestWeights("val_loss" if len(held_out) else "loss")
    callbacks = [history, best]
    done = 0  # epochs
    if checkpoint is not None:
        learned = [digits.x_train, digits.y_train]
        if people is not None:
            learned += [
                people.labels,
                *(stroke for drawing in people.drawings for stroke in drawing),
            ]
        saver = Checkpoint(Path(checkpoint), config, arrays_checksum(learned), history, best)
        done = saver.resume(model)
        callbacks.append(saver)
    if config.one_cycle:
        rates = config.peak_learning_rate * one_cycle(steps, config.warmup_share)
        callbacks.append(_LearningRates(rates[done * steps // config.epochs :]))
    in_notebook = getattr(get_ipython(), "kernel", None) is not None
    if progress and in_notebook:
        callbacks.append(NotebookProgress(config.epochs, done))
    try:
        if config.augmentation is None:
            data = {"x": as_batch(images), "y": labels, "batch_size": config.batch_size}
        else:
            data = {
                "x": AugmentedDigits(
                    images,
                    labels,
                    config.augmentation,
                    config.batch_size,
                    config.seed,
                    non_digits=outputs == NON_DIGIT + 1,
                    epoch=done,
                    people=people,
                    multiple=devices,
                ),
                # They come in random order. Keras would shuffle them again, with random numbers
                # that no checkpoint holds.
                "shuffle": False,
            }
        model.fit(
            **data,
            initial_epoch=done,
            epochs=config.epochs,
            validation_data=(as_batch(digits.x_train[held_out]), digits.y_train[held_out])
            if len(held_out)
            else None,
            validation_batch_size=1000 - 1000 % devices,
            callbacks=callbacks,
            verbose="auto" if progress and not in_notebook else 0,
        )
    except KeyboardInterrupt:
        best.restore(model)
    else:
        if checkpoint is not None:
            Path(os.path.realpath(checkpoint)).unlink(missing_ok=True)  # a link stays
    history.epoch = [*range(len(next(iter(history.history.values()), [])))]  # those before, too
    return history


def _outputs(model: keras.Model) -> int:
    """Return how many probabilities a model gives for an image; one that is not built is built."""
    try:
        answer = model(np.zeros((1, SIZE, SIZE, 1), np.float32), training=False)
    except ValueError as error:
        takes = getattr(model, "input_shape", "something else")
        raise ValueError(
            f"expected a model that takes images (n, {SIZE}, {SIZE}, 1), got one for {takes}"
        ) from error
    answer = as_float32(answer) if keras.ops.is_tensor(answer) else answer
    return checked_answers(answer, 1).shape[1]


def _devices() -> int:
    """Return how many devices share each batch: one without a `keras.distribution`."""
    distribution = keras.distribution.distribution()
    if distribution is None:
        return 1
    mesh = distribution.device_mesh
    return mesh.shape[mesh.axis_names.index(distribution.batch_dim_name)]


def one_cycle(steps: int, warmup_share: float) -> np.ndarray:
    """Give each step's share of the peak learning rate: a linear climb, then a linear fall.

    Args:
        steps: The number of steps in the run.
        warmup_share: The share of them in the climb, at least 0 and below 1.

    Returns:
        (steps,) float64 in (0, 1].
    """
    at = np.arange(1, steps + 1) / (steps + 1)
    return np.minimum(at / max(warmup_share, at[0]), (1 - at) / (1 - warmup_share)).clip(0, 1)


class _LearningRates(keras.callbacks.Callback):
    """Sets the learning rate of each step.

    This is not a `LearningRateSchedule`, which would be saved with the model, so that
    `keras.models.load_model` would need this package.
    """

    def __init__(self, rates: np.ndarray) -> None:
        super().__init__()
        self.rates = iter(rates)

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        self.model.optimizer.learning_rate = next(self.rates)
