"""Callbacks that make it safe to stop: the best weights so far, and a file to resume from.

Keras' own callbacks do something else. `EarlyStopping(restore_best_weights=True)` also restores the
best weights after a complete run, although with one cycle the last weights are the better ones.
`BackupAndRestore` keeps neither the history nor the best weights, and it does not replace its two
files together: if it is killed in between, it resumes with the weights of one epoch and the number
of another.
"""

import hashlib
import json
import math
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from digitlab._io import atomic_write
from digitlab.keras_checks import flat_layers
from digitlab.training.settings import TrainConfig


class BestWeights(keras.callbacks.Callback):
    """Remembers the weights of the epoch with the lowest loss.

    Args:
        loss: Which loss: "loss" or "val_loss".
    """

    def __init__(self, loss: str) -> None:
        super().__init__()
        self.loss, self.lowest = loss, math.inf
        self.weights: list[np.ndarray] | None = None

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Keep the weights if this epoch's loss is the lowest."""
        if logs[self.loss] < self.lowest:
            self.lowest, self.weights = logs[self.loss], self.model.get_weights()

    def restore(self, model: keras.Model) -> None:
        """Give a model the best weights, if an epoch has ended."""
        if self.weights is not None:
            model.set_weights(self.weights)


class Checkpoint(keras.callbacks.Callback):
    """Saves the state of a training run at its start and after each epoch.

    The file is an npz file, with one array of JSON.

    Args:
        path: The file.
        config: The settings of the run, by which its state is recognised.
        learned_from: The checksum of the digits that it learns from, likewise.
        history: The history of the run, which is saved and restored.
        best: The best weights, which are saved and restored, too.
    """

    def __init__(
        self,
        path: Path,
        config: TrainConfig,
        learned_from: str,
        history: keras.callbacks.History,
        best: BestWeights,
    ) -> None:
        super().__init__()
        self.path, self.config, self.learned_from = path, config, learned_from
        self.history, self.best = history, best
        self.done = 0  # epochs that were restored

    def on_train_begin(self, logs: Any = None) -> None:
        """Save the state now: if it cannot be saved, no epoch is lost."""
        self._save(self.done)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Save the state."""
        self._save(epoch + 1)

    def _save(self, epochs: int) -> None:
        """Write weights, optimiser, history and best weights."""
        state = {
            "config": repr(self.config),
            "digits": self.learned_from,
            "network": _architecture_checksum(self.model),
            "epochs": epochs,
            "history": self.history.history,
            "lowest": self.best.lowest,
        }
        arrays: dict[str, Any] = {
            f"best-{i}": _storable(array) for i, array in enumerate(self.best.weights or [])
        }
        arrays |= {
            f"variable-{i}": _storable(keras.ops.convert_to_numpy(variable))
            for i, variable in enumerate(_variables(self.model))
        }
        with atomic_write(self.path) as part, part.open("wb") as file:
            np.savez(file, state=np.array(json.dumps(state)), **arrays)

    def resume(self, model: keras.Model) -> int:
        """Restore the saved state to a compiled model, and return the number of epochs done.

        Raises:
            OSError: It is a folder, or may not be read.
            ValueError: The file holds the state of another run, or something else.
        """
        model.optimizer.build(model.trainable_variables)
        variables = _variables(model)
        try:
            with self.path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
                state = json.loads(str(file["state"]))
                if state["config"] != repr(self.config):
                    raise ValueError(f"it belongs to {state['config']}, not to {self.config}")
                if state.get("digits") != self.learned_from:
                    raise ValueError("it belongs to other digits")
                values = [file[f"variable-{i}"] for i in range(len(variables))]
                best = [file[name] for name in file.files if name.startswith("best-")]
                network = state.get("network")
            shapes = [tuple(variable.shape) for variable in variables]
            same = network == _architecture_checksum(model)
            if not same or [value.shape for value in values] != shapes:
                raise ValueError("it belongs to another network")
        except FileNotFoundError:
            return 0
        except (IsADirectoryError, NotADirectoryError, PermissionError):
            raise
        except Exception as error:  # zipfile, zlib, json, numpy: each has errors of its own
            what = error if zipfile.is_zipfile(self.path) else "it is not an npz file"
            raise ValueError(
                f"expected {self.path} to belong to this run: {what}. If it is a checkpoint, "
                "remove it to start again; if not, name another file"
            ) from error
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
        self.history.history.update(state["history"])
        self.best.lowest, self.best.weights = state["lowest"], best or None
        self.done = int(state["epochs"])
        return self.done


def arrays_checksum(arrays: Iterable[np.ndarray]) -> str:
    """Compute a SHA-256 checksum of all values."""
    sha256 = hashlib.sha256()
    for array in arrays:
        sha256.update(np.ascontiguousarray(array).data)
    return sha256.hexdigest()


def _architecture_checksum(model: keras.Model) -> str:
    """Compute a checksum of the kinds of a model's layers, and of their options but the names."""
    layers = []
    for layer in flat_layers(model):
        try:
            config = layer.get_config()
        except NotImplementedError:  # a layer of the user's own
            config = {}
        plain = bool, int, float, str, tuple  # others may differ from process to process
        options = {name: value for name, value in config.items() if isinstance(value, plain)}
        layers.append([type(layer).__name__, options | {"name": ""}])
    return hashlib.sha256(json.dumps(layers, default=str).encode()).hexdigest()


def _storable(array: np.ndarray) -> np.ndarray:
    """Convert bfloat16, which npz files cannot hold, to float32."""
    return array.astype(np.float32) if array.dtype.name == "bfloat16" else array


def _variables(model: keras.Model) -> list[keras.Variable]:
    return [*model.variables, *model.optimizer.variables]
