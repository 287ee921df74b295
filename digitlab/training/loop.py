"""Training: all knobs in one place, progress that a person can watch, a stop that loses nothing.

The learning rate follows one cycle (L. N. Smith, "Super-convergence", 2018): it climbs to its peak
and falls to nothing within the run, which makes a single epoch worth several ordinary ones.
"""

import base64
import json
import math
import os
import time
from dataclasses import dataclass
from html import escape
from numbers import Integral
from pathlib import Path
from typing import Any

import keras
import numpy as np
from IPython import get_ipython
from IPython.display import HTML, DisplayHandle

from digitlab._io import atomic_write
from digitlab._keras_defaults import keras_defaults
from digitlab.mnist import Digits
from digitlab.training.augmentation import NO_DIGIT, Augmentation, AugmentedDigits


@dataclass(frozen=True)
class TrainConfig:
    """Every knob of `train`.

    The defaults train `pen_cnn`; the article's network was trained with
    ``TrainConfig(batch_size=64, peak_learning_rate=0.001, one_cycle=False)``, and the shipped one
    with an augmentation, see ``models/README.md``.
    """

    epochs: int = 1  # how many times each training digit is seen
    batch_size: int = 128  # digits for one step of the optimiser
    peak_learning_rate: float = 0.02  # Adam's learning rate, at its highest
    weight_decay: float = 0.0  # a step takes this times the learning rate from each weight (AdamW)
    one_cycle: bool = True  # climb to the peak and fall to 0; False: stay at the peak
    warmup_share: float = 0.25  # of all steps: the climb
    validation_share: float = 1 / 12  # of the training digits, held out: 5,000 of MNIST's 60,000
    seed: int = 0  # for the order of the digits, dropout, and which ones are held out
    augmentation: Augmentation | None = None  # None: each digit as it is, every epoch

    def __post_init__(self) -> None:
        for name, least in (("epochs", 1), ("batch_size", 1), ("seed", 0)):
            value = getattr(self, name)
            whole = isinstance(value, Integral) and not isinstance(value, bool)
            if not (whole and value >= least):
                raise ValueError(
                    f"expected {name} to be a whole number from {least}, got {value!r}"
                )
        if not 0 < self.peak_learning_rate < math.inf:
            raise ValueError(
                f"expected a finite peak_learning_rate above 0, got {self.peak_learning_rate!r}"
            )
        if not 0 <= self.weight_decay < math.inf:
            raise ValueError(f"expected a weight_decay from 0, got {self.weight_decay!r}")
        for name in ("warmup_share", "validation_share"):
            if not 0 <= (value := getattr(self, name)) < 1:
                raise ValueError(f"expected {name} to be at least 0 and below 1, got {value!r}")
        if not isinstance(self.augmentation, Augmentation | None):
            raise ValueError(
                f"expected an augmentation of digitlab.Augmentation, got {self.augmentation!r}"
            )


@keras_defaults()
def train(
    model: keras.Model,
    digits: Digits,
    config: TrainConfig | None = None,
    progress: bool = True,
    checkpoint: str | os.PathLike[str] | None = None,
) -> keras.callbacks.History:
    """Train a network on the training digits, with AdamW on the categorical cross-entropy.

    Ctrl-C, or the notebook's stop button, ends the training early without an error: the model
    keeps the weights of its best epoch so far, or those of that moment within the first epoch.

    Args:
        model: Takes images (n, 28, 28, 1) in [0, 1], gives probabilities (n, 10); or (n, 11), and
            learns what is no digit from the augmentation. Trained in place.
        digits: Its training digits are used, and a share of them is held out for validation, as
            they are; its test digits are not looked at.
        config: The knobs; `TrainConfig()` when left out.
        progress: Show a bar with the time left, and the curves.
        checkpoint: A file to keep the training in after each epoch, named ``.npz``. Where there is
            one of the same training, which was stopped or killed, it goes on from there. It is
            removed when the last epoch is done.

    Returns:
        ``history.history`` has a list with a value an epoch for each of ``accuracy``, ``loss``, and
        with validation digits ``val_accuracy``, ``val_loss``.

    Raises:
        ValueError: There are no training digits; or `checkpoint` holds another training, or
            anything else.
        OSError: `checkpoint` cannot be written.
    """
    config = config or TrainConfig()
    if not len(digits.x_train):
        raise ValueError(f"expected training digits, got none: {digits!r}")
    keras.utils.set_random_seed(config.seed)
    order = np.random.default_rng(config.seed).permutation(len(digits.x_train))
    held_out, kept = np.split(order, [round(len(order) * config.validation_share)])
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
    best = _BestWeights("val_loss" if len(held_out) else "loss")
    callbacks = [history, best]
    done = 0  # epochs
    if checkpoint is not None:
        keeper = _Checkpoint(Path(checkpoint), config, history, best)
        done = keeper.resume(model)
        callbacks.append(keeper)
    if config.one_cycle:
        rates = config.peak_learning_rate * one_cycle(steps, config.warmup_share)
        callbacks.append(_LearningRates(rates[done * steps // config.epochs :]))
    in_notebook = getattr(get_ipython(), "kernel", None) is not None
    if progress and in_notebook:
        callbacks.append(_NotebookProgress(config.epochs, done))
    try:
        if config.augmentation is None:
            data = {"x": _as_input(images), "y": labels, "batch_size": config.batch_size}
        else:
            data = {
                "x": AugmentedDigits(
                    images,
                    labels,
                    config.augmentation,
                    config.batch_size,
                    config.seed,
                    no_digits=model.output_shape[-1] == NO_DIGIT + 1,
                    epoch=done,
                )
            }
        model.fit(
            **data,
            initial_epoch=done,
            epochs=config.epochs,
            validation_data=(_as_input(digits.x_train[held_out]), digits.y_train[held_out])
            if len(held_out)
            else None,
            validation_batch_size=1000,
            callbacks=callbacks,
            verbose="auto" if progress and not in_notebook else 0,
        )
    except KeyboardInterrupt:
        best.restore(model)
    else:
        if checkpoint is not None:
            Path(checkpoint).unlink()
    return history


def _as_input(images: np.ndarray) -> np.ndarray:
    """Images (n, 28, 28) uint8 as a network takes them: (n, 28, 28, 1) float32 in [0, 1]."""
    return images[..., None].astype(np.float32) / 255


def one_cycle(steps: int, warmup_share: float) -> np.ndarray:
    """Shares of the peak learning rate for each step: a straight climb, then a straight fall.

    Args:
        steps: How many steps the run has.
        warmup_share: The climb's share of them, at least 0 and below 1.

    Returns:
        (steps,) float64 in (0, 1].
    """
    at = np.arange(1, steps + 1) / (steps + 1)
    return np.minimum(at / max(warmup_share, at[0]), (1 - at) / (1 - warmup_share)).clip(0, 1)


class _LearningRates(keras.callbacks.Callback):
    """Sets the learning rate of each step.

    Not a `LearningRateSchedule`: it would be saved with the model, and `keras.models.load_model`
    would ask for this package.
    """

    def __init__(self, rates: np.ndarray) -> None:
        super().__init__()
        self.rates = iter(rates)

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        if hasattr(self.model, "jax_state_sync"):  # else JAX would go on with the earlier rate
            self.model.jax_state_sync()
        self.model.optimizer.learning_rate = next(self.rates)


class _BestWeights(keras.callbacks.Callback):
    """Remembers the weights of the epoch with the lowest loss."""

    def __init__(self, loss: str) -> None:
        super().__init__()
        self.loss, self.lowest = loss, math.inf
        self.weights: list[np.ndarray] | None = None

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if logs[self.loss] < self.lowest:
            self.lowest, self.weights = logs[self.loss], self.model.get_weights()

    def restore(self, model: keras.Model) -> None:
        if self.weights is not None:
            model.set_weights(self.weights)


class _Checkpoint(keras.callbacks.Callback):
    """Keeps the training in a file after each epoch: an npz of arrays, and of one text of JSON."""

    def __init__(
        self,
        path: Path,
        config: TrainConfig,
        history: keras.callbacks.History,
        best: _BestWeights,
    ) -> None:
        super().__init__()
        self.path, self.config, self.history, self.best = path, config, history, best

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        state = {
            "config": repr(self.config),
            "epochs": epoch + 1,
            "history": self.history.history,
            "lowest": self.best.lowest,
        }
        arrays = {f"best-{i}": array for i, array in enumerate(self.best.weights or [])}
        arrays |= {
            f"variable-{i}": keras.ops.convert_to_numpy(variable)
            for i, variable in enumerate(_variables(self.model))
        }
        with atomic_write(self.path) as part, part.open("wb") as file:
            np.savez(file, state=np.array(json.dumps(state)), **arrays)

    def resume(self, model: keras.Model) -> int:
        """Put a compiled model where the file has the training, and return the epochs done."""
        model.optimizer.build(model.trainable_variables)
        variables = _variables(model)
        try:
            with self.path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
                state = json.loads(str(file["state"]))
                if state["config"] != repr(self.config):
                    raise ValueError(f"it is of {state['config']}, not of {self.config}")
                values = [file[f"variable-{i}"] for i in range(len(variables))]
                best = [file[name] for name in file.files if name.startswith("best-")]
            if [value.shape for value in values] != [tuple(v.shape) for v in variables]:
                raise ValueError("it is of another network")
        except FileNotFoundError:
            return 0
        except Exception as error:  # zipfile, zlib, json, numpy: each has errors of its own
            raise ValueError(
                f"expected {self.path} to hold this training: {error}. To begin anew, remove it"
            ) from error
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
        self.history.history.update(state["history"])
        self.best.lowest, self.best.weights = state["lowest"], best
        return int(state["epochs"])


def _variables(model: keras.Model) -> list[keras.Variable]:
    return [*model.variables, *model.optimizer.variables]


class _NotebookProgress(keras.callbacks.Callback):
    """A bar, the time left and the accuracy's curves, in a notebook's output.

    Plain HTML in one output that is updated: it stays as a picture in the saved notebook, where a
    widget would leave "model not found".
    """

    _EVERY = 0.25  # seconds between updates

    def __init__(self, epochs: int, first: int) -> None:
        super().__init__()
        self.epochs, self.first, self.epoch = epochs, first, first
        self.curve: list[tuple[float, float]] = []  # (epochs done, accuracy so far)
        self.validation: list[tuple[float, float]] = []
        self.output = DisplayHandle()

    def on_train_begin(self, logs: Any = None) -> None:
        self.begun = self.shown = time.monotonic()
        self.output.display(self._html("starting"))

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        now = time.monotonic()
        if now - self.shown < self._EVERY:
            return
        self.shown = now
        done = self.epoch + (batch + 1) / self.params["steps"]
        self.curve.append((done, logs["accuracy"]))
        left = (now - self.begun) * (self.epochs - done) / (done - self.first)
        self._update(f"epoch {self.epoch + 1} of {self.epochs}, {left:.0f} s left", logs)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.curve.append((epoch + 1, logs["accuracy"]))
        if "val_accuracy" in logs:
            self.validation.append((epoch + 1, logs["val_accuracy"]))
        seconds = time.monotonic() - self.begun
        self._update(f"{epoch + 1} of {self.epochs} epochs in {seconds:.0f} s", logs)

    def _update(self, state: str, logs: Any) -> None:
        accuracy = f"accuracy {100 * logs['accuracy']:.1f} %"
        if "val_accuracy" in logs:
            accuracy += f", validation {100 * logs['val_accuracy']:.1f} %"
        self.output.update(self._html(f"{state}: {accuracy}"))

    def _html(self, text: str) -> HTML:
        done = self.curve[-1][0] if self.curve else 0.0
        return HTML(
            f'<div><progress value="{done:.3f}" max="{self.epochs}" style="width:20em">'
            f"</progress> {escape(text)}</div>{self._curves()}"
        )

    def _curves(self) -> str:
        """Accuracy from 80 to 100 % over the epochs, as a picture."""
        if not self.curve:
            return ""
        width, height = 320, 80

        def places(points: list[tuple[float, float]]) -> list[tuple[str, str]]:
            return [
                (f"{done / self.epochs * width:.1f}", f"{min(5 * (1 - share), 1) * height:.1f}")
                for done, share in points
            ]

        line = " ".join(f"{x},{y}" for x, y in places(self.curve))
        dots = "".join(f'<circle cx="{x}" cy="{y}" r="4"/>' for x, y in places(self.validation))
        svg = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-40 -8 {width + 140} {height + 16}"'
            ' font-family="sans-serif" font-size="11" fill="#888">'
            f'<path d="M0,0V{height}H{width}" fill="none" stroke="#888" opacity=".5"/>'
            f'<text x="-36" y="4">100 %</text><text x="-30" y="{height}">80 %</text>'
            f'<polyline points="{line}" fill="none" stroke="#888" stroke-width="2"/>{dots}'
            f'<text x="{width + 12}" y="10">● validation</text>'
            f'<text x="{width + 12}" y="26">— training</text></svg>'
        )
        # As an image: JupyterLab takes inline SVG out of notebooks that it does not trust yet.
        data = base64.b64encode(svg.encode()).decode()
        return (
            f'<img alt="accuracy while training" width="{width + 140}"'
            f' src="data:image/svg+xml;base64,{data}">'
        )
