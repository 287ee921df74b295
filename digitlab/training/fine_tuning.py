"""Train a network further on one person's digits, without forgetting other people's.

A network that is trained further on one person's digits alone forgets other people's (M. McCloskey
and N. Cohen, "Catastrophic interference", 1989). So MNIST digits are replayed among the new ones.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from digitlab.images import as_labels
from digitlab.mnist import Digits, check_digits, load_digits
from digitlab.recognizer import as_examples
from digitlab.training.loop import train
from digitlab.training.settings import Augmentation, TrainConfig, as_config

_REPLAYED = 2000  # other digits in each epoch
_OWN = 500  # at least this many of the person's, with repetitions that augmentation makes differ
_CONFIG = TrainConfig(
    epochs=3,
    peak_learning_rate=0.0003,  # far below that of the first training run
    validation_share=0,
    augmentation=Augmentation(),  # with non-digits, so that an eleventh class is not forgotten
)


def fine_tune(
    model: keras.Model,
    drawings: Sequence[Any],
    labels: npt.ArrayLike,
    digits: Digits | None = None,
    config: TrainConfig | None = None,
    progress: bool = True,
) -> keras.callbacks.History:
    """Train a network further on one person's digits, in under a minute for 20 to 200 of them.

    `Recognizer.adapt` learns in milliseconds, and without TensorFlow; this changes the network
    itself. A recognizer that was adapted from the model earlier would compare drawings with how the
    network saw its examples then, so adapt a new one.

    Args:
        model: A trained network, as for `digitlab.train`. Trained in place.
        drawings: n drawings, each as for `Recognizer.adapt`.
        labels: (n,), 0 to 9.
        digits: The digits that it learned from before, of which up to 2,000 training digits
            are replayed. Default: MNIST.
        config: The settings. Default: few epochs with a low learning rate.
            `validation_share` is ignored.
        progress: See `digitlab.train`.

    Returns:
        As `digitlab.train`.

    Raises:
        TypeError, ValueError: See `digitlab.train`; or there are no drawings, one has no ink, or
            the labels do not fit.

    Example:
        >>> drawings = [digitlab.stored_drawing(digit) for digit in range(10)]
        >>> config = digitlab.TrainConfig(epochs=1, validation_share=0)
        >>> model = digitlab.pen_cnn()
        >>> history = digitlab.fine_tune(model, drawings, range(10), config=config, progress=False)
        >>> len(history.history["loss"])
        1
    """
    own = as_examples(drawings)
    own_labels = as_labels(labels, len(own))
    if not len(own):
        raise ValueError("expected drawings to learn from, got none")
    config = as_config(config, _CONFIG)
    digits = load_digits() if digits is None else digits
    check_digits(digits)
    rng = np.random.default_rng(config.seed)
    replayed = rng.permutation(len(digits.x_train))[:_REPLAYED]
    times = -(-_OWN // len(own))
    mixed = Digits(
        np.concatenate([np.tile(own, (times, 1, 1)), digits.x_train[replayed]]),
        np.concatenate([np.tile(own_labels, times), digits.y_train[replayed]]),
        digits.x_train[:0],
        digits.y_train[:0],
        f"{len(own)} drawings among digits of {digits.name}",
    )
    # Nothing is held out: the person's digits would be in both parts.
    return train(model, mixed, dataclasses.replace(config, validation_share=0), progress)
