"""The networks and their training, on small data."""

import copy
import json
import os
import pickle
import queue
from contextlib import suppress
from pathlib import Path

import keras
import numpy as np
import pytest
from jupyter_client.manager import start_new_kernel

import digitlab
from digitlab import (
    Augmentation,
    Digits,
    People,
    Recognizer,
    TrainConfig,
    article_cnn,
    fine_tune,
    pen_cnn,
    stored_drawing,
    train,
)
from digitlab.training.checkpoint import Checkpoint
from digitlab.training.loop import one_cycle
from support import data
from support.full_disk import largest_file


@pytest.fixture(scope="module")
def stripes():
    return data.stripes(500, 100)


def small():
    """A network with the same kinds of layers as ours, which trains in a third of the time."""
    kinds = keras.layers
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            kinds.Conv2D(8, 5, strides=3, use_bias=False),
            kinds.BatchNormalization(),
            kinds.ReLU(),
            kinds.Flatten(),
            kinds.Dense(10, activation="softmax"),
        ]
    )


def test_the_article_s_network_is_the_article_s():
    model = article_cnn()
    assert model.count_params() == 3_274_634
    assert model.output_shape == (None, 10)
    kinds = " ".join(type(layer).__name__ for layer in model.layers)
    assert kinds == "Conv2D MaxPooling2D Conv2D MaxPooling2D Flatten Dense Dropout Dense"
    convolutions = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    assert [layer.activation for layer in convolutions] == [keras.activations.linear] * 2
    assert [layer.kernel.shape for layer in convolutions] == [(5, 5, 1, 32), (5, 5, 32, 64)]


def test_ours_is_small():
    model = pen_cnn()
    assert model.count_params() <= 60_000
    assert f"{model.count_params():,} parameters" in pen_cnn.__doc__
    assert model.output_shape == (None, 10)


def test_training_learns_and_leaves_the_test_digits_alone(stripes):
    model = pen_cnn()
    blind = Digits(stripes.x_train, stripes.y_train, None, None, "no test digits")
    history = train(model, blind, TrainConfig(epochs=4, batch_size=32, validation_share=0.1))
    assert [len(values) for values in history.history.values()] == [4] * 4
    assert set(history.history) == {"accuracy", "loss", "val_accuracy", "val_loss"}
    read = model.predict(stripes.x_test[..., None] / 255, verbose=0).argmax(1)
    assert np.mean(read == stripes.y_test) > 0.9


class Column:
    """Like a column of a table with shuffled rows: labels are found by row name, not by place."""

    def __init__(self, values):
        order = np.random.default_rng(1).permutation(len(values))
        self.values, self.places = values, {row: place for place, row in enumerate(order)}

    def __array__(self, dtype=None, copy=None):
        return np.array(self.values, dtype)

    def __len__(self):
        return len(self.values)

    def __getitem__(self, rows):
        return np.array([self.values[self.places[row]] for row in np.atleast_1d(rows)])


def table(kind, images, labels):
    """Images and labels in the forms in which a person may have them."""
    if kind == "column":
        return images, Column(labels)
    if kind == "lists":
        return images.tolist(), labels.tolist()
    if kind == "tensorflow":
        tensorflow = pytest.importorskip("tensorflow")
        return tensorflow.constant(images), tensorflow.constant(labels)
    if kind == "torch":
        torch = pytest.importorskip("torch")
        return torch.tensor(images), torch.tensor(labels.astype(np.int64))
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(images.reshape(-1, 784))
    frame["label"] = labels
    if kind == "shuffled frame":
        frame.index = np.random.default_rng(0).permutation(len(frame))
    elif kind == "frame with gaps":  # as from train_test_split
        frame.index = np.arange(len(frame)) * 3 + 100
    else:
        frame.index = [f"row {i}" for i in range(len(frame))]
    return frame.drop(columns="label"), frame["label"]


TABLES = ["column", "lists", "tensorflow", "torch"]
TABLES += ["shuffled frame", "frame with gaps", "frame with names"]


@pytest.mark.parametrize("kind", TABLES)
def test_tables_become_the_same_arrays(stripes, kind):
    images, labels = table(kind, stripes.x_train, stripes.y_train)
    digits = Digits(images, labels, images, labels, "stripes")
    for part in ("train", "test"):
        for name, expected in (("x", stripes.x_train), ("y", stripes.y_train)):
            found = getattr(digits, f"{name}_{part}")
            assert type(found) is np.ndarray and found.dtype == np.uint8
            np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.eye(10)[np.arange(50) % 10], "expected y_train of shape .* one-hot"),
        (np.arange(49) % 10, r"expected y_train of shape \(50,\), .* got .*\(49,\)"),
        (np.arange(50) % 10 + 1, "expected y_train .* 0 to 9, got int64 from 1 to 10"),
        (np.array([str(i % 10) for i in range(50)]), "expected y_train .*got ndarray of dtype <U1"),
        (["seven"] * 50, "expected y_train"),
        (np.arange(50) % 10 + 0.5, "expected y_train .*whole numbers"),
        (None, "expected y_train"),
    ],
)
def test_invalid_labels_are_rejected(stripes, labels, message):
    with pytest.raises(ValueError, match=message):
        train(small(), Digits(stripes.x_train[:50], labels, None, None, ""), progress=False)


def test_there_are_digits_to_learn_from():
    none = Digits(np.zeros((0, 28, 28)), [], None, None, "nothing")
    with pytest.raises(ValueError, match="expected training digits, got none"):
        train(small(), none, progress=False)


def test_some_digits_are_left_to_train_on(stripes):
    few = Digits(stripes.x_train[:10], stripes.y_train[:10], None, None, "few")
    with pytest.raises(ValueError, match="to train on beside 10 for validation, got none"):
        train(small(), few, TrainConfig(validation_share=0.99), progress=False)


@pytest.mark.parametrize("augmentation", [None, Augmentation()])
def test_models_that_are_not_built_yet_learn_too(stripes, tmp_path, augmentation):
    kinds = keras.layers
    model = keras.Sequential([kinds.Flatten(), kinds.Dense(11, activation="softmax")])
    config = TrainConfig(batch_size=500, augmentation=augmentation)
    train(model, stripes, config, progress=False, checkpoint=tmp_path / "training.npz")
    assert model.built


def test_a_model_without_softmax_is_rejected(stripes):
    layers = [keras.Input((28, 28, 1)), keras.layers.Flatten()]
    for activation in (None, "sigmoid"):
        model = keras.Sequential([*layers, keras.layers.Dense(10, activation)])
        with pytest.raises(ValueError, match="that sum to 1.*does it end in a softmax"):
            train(model, stripes, progress=False)


def test_a_model_that_takes_something_else_is_rejected(stripes):
    layers = [keras.Input((784,)), keras.layers.Dense(10, activation="softmax")]
    with pytest.raises(ValueError, match=r"takes images \(n, 28, 28, 1\), got .*\(None, 784\)"):
        train(keras.Sequential(layers), stripes, progress=False)


def test_models_that_give_something_else_are_rejected(stripes):
    kinds = keras.layers
    for model, given in (
        (
            keras.Sequential([keras.Input((28, 28, 1)), kinds.Flatten(), kinds.Dense(5)]),
            r"\(1, 5\)",
        ),
        (keras.Sequential([keras.Input((28, 28, 1)), kinds.Dense(10)]), r"\(1, 28, 28, 10\)"),
    ):
        with pytest.raises(ValueError, match=rf"\(1, 10\) or \(1, 11\), got {given}"):
            train(model, stripes, progress=False)


@pytest.mark.once
def test_settings_and_results_are_copied(stripes):
    config = TrainConfig(batch_size=250, augmentation=Augmentation(pen=0.2))
    model = pen_cnn()
    history = train(model, stripes, config, progress=False)
    recognizer = Recognizer(model)
    read = recognizer.predict_images(stripes.x_test)
    for copied in (lambda value: pickle.loads(pickle.dumps(value)), copy.deepcopy):
        assert copied(config) == config and copied(config.augmentation) == config.augmentation
        assert copied(history).history == history.history
        np.testing.assert_array_equal(copied(recognizer).predict_images(stripes.x_test), read)
        again = copied(model).predict(stripes.x_test[..., None] / 255, verbose=0)
        np.testing.assert_allclose(again, read, atol=1e-5)
        digits = copied(stripes)
        assert digits.name == stripes.name and (digits.x_train == stripes.x_train).all()


def test_without_validation_all_digits_are_used(stripes):
    config = TrainConfig(batch_size=500, validation_share=0)
    history = train(small(), stripes, config, progress=False)
    assert set(history.history) == {"accuracy", "loss"}
    assert history.params["steps"] == 1


def test_a_seed_repeats_a_training_run(stripes):
    def losses(seed):
        keras.utils.set_random_seed(1)
        model = small()
        return train(model, stripes, TrainConfig(seed=seed), progress=False).history["loss"]

    assert losses(3) == pytest.approx(losses(3), rel=1e-4)
    assert losses(3) != pytest.approx(losses(4), rel=1e-4)


@pytest.mark.once
def test_weight_decay_keeps_weights_small(stripes):
    def size(weight_decay):
        model = small()
        config = TrainConfig(epochs=4, weight_decay=weight_decay)
        train(model, stripes, config, progress=False)
        return np.abs(model.layers[0].get_weights()[0]).mean()

    assert size(10.0) < 0.7 * size(0.0)


class _Stop(keras.callbacks.Callback):
    """Presses the stop button in an epoch, after spoiling the weights."""

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 1:
            self.before = self.model.get_weights()

    def on_train_batch_end(self, batch, logs=None):
        if hasattr(self, "before"):
            self.model.set_weights([weights * 0 for weights in self.before])
            raise KeyboardInterrupt


@pytest.mark.parametrize("augmentation", [None, Augmentation()])
def test_a_stop_keeps_the_best_weights(stripes, monkeypatch, augmentation):
    stop = _Stop()
    fit = keras.Model.fit

    def fit_until_stopped(model, *arguments, callbacks, **options):
        return fit(model, *arguments, callbacks=[*callbacks, stop], **options)

    monkeypatch.setattr(keras.Model, "fit", fit_until_stopped)
    model = small()
    config = TrainConfig(epochs=3, batch_size=100, augmentation=augmentation)
    history = train(model, stripes, config, progress=False)
    assert len(history.history["loss"]) == 1
    for kept, best in zip(model.get_weights(), stop.before, strict=True):
        np.testing.assert_array_equal(kept, best)


# Without an augmentation, Keras would shuffle several batches differently after the stop.
@pytest.mark.parametrize(("augmentation", "batch_size"), [(None, 500), (Augmentation(), 100)])
def test_a_training_goes_on_where_it_was_stopped(
    stripes, tmp_path, monkeypatch, augmentation, batch_size
):
    path = tmp_path / "folder" / "training.npz"
    config = TrainConfig(epochs=4, batch_size=batch_size, augmentation=augmentation)

    def trained(checkpoint=None):
        keras.utils.set_random_seed(1)
        model = small()
        return model, train(model, stripes, config, progress=False, checkpoint=checkpoint)

    straight, whole = trained()
    fit, stop = keras.Model.fit, _Stop()
    with monkeypatch.context() as stopped:
        stopped.setattr(
            keras.Model,
            "fit",
            lambda model, *arguments, callbacks, **options: fit(
                model, *arguments, callbacks=[*callbacks, stop], **options
            ),
        )
        _, part = trained(path)
    assert len(part.history["loss"]) == 1 and path.is_file()

    keras.utils.set_random_seed(2)
    model = small()  # with other initial weights
    history = train(model, stripes, config, progress=False, checkpoint=path)
    assert list(tmp_path.rglob("*")) == [path.parent], "nothing is left of it when it is done"
    assert history.epoch == [0, 1, 2, 3]
    for name, values in whole.history.items():
        assert history.history[name] == pytest.approx(values, rel=1e-3)
    for resumed, expected in zip(model.get_weights(), straight.get_weights(), strict=True):
        np.testing.assert_allclose(resumed, expected, atol=1e-4)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:-100]), "training.npz to belong to this"),
        (lambda path: path.write_bytes(b"nonsense"), "remove it to start again"),
        (lambda path: np.savez(path, state=np.array({}, object)), "allow_pickle"),
        (
            lambda path: np.savez(path, state=np.array('{"config": "TrainConfig()"}')),
            "it belongs to",
        ),
    ],
)
def test_a_checkpoint_of_something_else_is_rejected(stripes, tmp_path, spoil, message):
    path = tmp_path / "training.npz"
    model = small()
    config = TrainConfig(epochs=2, batch_size=500)

    class Killed(BaseException):
        pass

    def kill(*arguments, **options):
        raise Killed

    with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
        patch.setattr(Path, "unlink", kill)  # the very last step
        train(model, stripes, config, progress=False, checkpoint=path)
    spoil(path)
    content, weights = path.read_bytes(), model.get_weights()
    with pytest.raises(ValueError, match=message):
        train(model, stripes, config, progress=False, checkpoint=path)
    assert path.read_bytes() == content
    for now, before in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(now, before)


def test_a_checkpoint_that_somebody_removed_costs_nothing(stripes, tmp_path, monkeypatch):
    path = tmp_path / "training.npz"
    save = Checkpoint.on_epoch_end

    def save_and_lose(*arguments):
        save(*arguments)
        path.unlink()

    monkeypatch.setattr(Checkpoint, "on_epoch_end", save_and_lose)
    config = TrainConfig(epochs=1, batch_size=500)
    history = train(small(), stripes, config, progress=False, checkpoint=path)
    assert len(history.history["loss"]) == 1


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_a_checkpoint_that_cannot_be_written_costs_no_epoch(stripes, tmp_path):
    model, config = small(), TrainConfig(epochs=1, batch_size=100)
    before = model.get_weights()
    with largest_file(1000), pytest.raises(OSError, match="too large"):
        train(model, stripes, config, progress=False, checkpoint=tmp_path / "training.npz")
    for weights, old in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weights, old)


def test_a_checkpoint_behind_a_link_is_removed_and_the_link_stays(stripes, tmp_path):
    (tmp_path / "large disk").mkdir()
    link, file = tmp_path / "training.npz", tmp_path / "large disk" / "training.npz"
    link.symlink_to(file)
    config = TrainConfig(epochs=1, batch_size=500)
    train(small(), stripes, config, progress=False, checkpoint=link)
    assert link.is_symlink() and not file.exists()


def train_and_keep(model, digits, config, path, **options):
    """Train; keep the checkpoint, as if the process had been killed after the last epoch."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "unlink", lambda path, **options: None)
        return train(model, digits, config, progress=False, checkpoint=path, **options)


@pytest.mark.once
def test_a_checkpoint_of_another_network_is_rejected(stripes, tmp_path):
    path, config = tmp_path / "training.npz", TrainConfig(epochs=2, batch_size=500)
    train_and_keep(pen_cnn(), stripes, config, path)
    with pytest.raises(ValueError, match="it belongs to another network|variable-"):
        train(article_cnn(), stripes, config, progress=False, checkpoint=path)


def test_a_checkpoint_of_a_network_with_other_options_is_rejected(stripes, tmp_path):
    def network(activation, rate):
        layers = [keras.layers.Flatten(), keras.layers.Dense(8, activation)]
        last = [keras.layers.Dropout(rate), keras.layers.Dense(10, "softmax")]
        return keras.Sequential([keras.Input((28, 28, 1)), *layers, *last])

    path, config = tmp_path / "training.npz", TrainConfig(batch_size=500, weight_decay=0)
    train_and_keep(network("relu", 0.2), stripes, config, path)
    for other in (network("tanh", 0.2), network("relu", 0.9)):
        with pytest.raises(ValueError, match="it belongs to another network"):
            train(other, stripes, config, progress=False, checkpoint=path)
    same = TrainConfig(batch_size=500, weight_decay=0.0, one_cycle=1)  # as equal as numbers are
    history = train(network("relu", 0.2), stripes, same, progress=False, checkpoint=path)
    assert len(history.history["loss"]) == 1 and not path.exists()


@pytest.mark.once
def test_a_checkpoint_of_other_digits_is_rejected(stripes, tmp_path):
    path, config = tmp_path / "training.npz", TrainConfig(augmentation=Augmentation())
    train_and_keep(small(), stripes, config, path)
    others = Digits(stripes.x_train, stripes.y_train[::-1], None, None, "others")
    names = np.array(["ada"])
    ada = People([stored_drawing(4)], np.array([4]), names, np.array([0]))
    for digits, people in ((others, None), (stripes, ada)):
        with pytest.raises(
            ValueError, match="it belongs to other digits.*remove it to start again"
        ):
            train(small(), digits, config, progress=False, checkpoint=path, people=people)


def test_any_precision_can_be_resumed(stripes, tmp_path):
    path, config = tmp_path / "training.npz", TrainConfig(batch_size=500)
    layers = [keras.Input((28, 28, 1)), keras.layers.Flatten(dtype="bfloat16")]
    layers += [keras.layers.Dense(10, "softmax", dtype="bfloat16")]
    model = keras.Sequential(layers)
    history = train_and_keep(model, stripes, config, path)
    again = keras.models.clone_model(model)
    assert train(again, stripes, config, progress=False, checkpoint=path).history == history.history
    for resumed, trained in zip(again.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(resumed.astype(float), trained.astype(float))


@pytest.mark.once
def test_the_stop_button_of_a_notebook_loses_nothing(tmp_path):
    """A real kernel is interrupted, resumes, and is killed; then another kernel resumes."""
    checkpoint, seen = tmp_path / "training.npz", [0]
    code = (
        "import keras, numpy as np, digitlab\n"
        "images, labels = np.zeros((60, 28, 28), np.uint8), np.arange(60) % 10\n"
        "digits = digitlab.Digits(images, labels, None, None, 'nothing')\n"
        "flat, dense = keras.layers.Flatten(), keras.layers.Dense(10, 'softmax')\n"
        "model = keras.Sequential([keras.Input((28, 28, 1)), flat, dense])\n"
        "config = digitlab.TrainConfig(epochs=10_000, batch_size=20)\n"
        "history = digitlab.train(model, digits, config, checkpoint='training.npz')\n"
        "print(len(history.history['loss']))"
    )

    def epochs_kept():
        if not checkpoint.exists():
            return 0
        with np.load(checkpoint, allow_pickle=False) as file:
            return json.loads(str(file["state"]))["epochs"]

    def train_for_an_epoch(client):
        client.execute(code)
        while epochs_kept() == seen[-1]:
            assert manager.is_alive()
            with suppress(queue.Empty):  # no answer yet, or the one to the cell before
                answer = client.get_shell_msg(timeout=0.1)["content"]
                assert answer["status"] == "ok", answer

    def printed(client):
        text = ""
        while True:
            message = client.get_iopub_msg(timeout=600)
            assert message["msg_type"] != "error", message["content"]["traceback"]
            if message["msg_type"] == "stream" and message["content"]["name"] == "stdout":
                text += message["content"]["text"]
            if message["content"].get("execution_state") == "idle" and text:
                return int(text)

    for stops in ("interrupted", "killed"), ("killed",):
        manager, client = start_new_kernel(cwd=str(tmp_path))
        try:
            for stop in stops:
                train_for_an_epoch(client)
                if stop == "interrupted":
                    manager.interrupt_kernel()
                    done = printed(client)
                    seen.append(epochs_kept())
                    assert done - seen[-1] in (0, 1)  # the last may be stopped while it is saved
                else:
                    manager.shutdown_kernel(now=True)
                    seen.append(epochs_kept())
        finally:
            client.stop_channels()
            manager.shutdown_kernel(now=True)
    assert len(seen) == 4 and seen == sorted(set(seen))


def test_one_cycle_climbs_and_falls():
    rates = one_cycle(steps=99, warmup_share=0.25)
    assert rates.shape == (99,)
    assert rates.argmax() == 24 and rates.max() == 1
    assert rates[0] == pytest.approx(0.04) and 0 < rates[-1] < 0.02
    assert (np.diff(rates[:25]) > 0).all() and (np.diff(rates[24:]) < 0).all()


@pytest.mark.once
def test_the_learning_rate_ends_low_and_is_one_of_keras(stripes):
    model = pen_cnn()
    train(model, stripes, TrainConfig(batch_size=100, validation_share=0), progress=False)
    assert float(model.optimizer.learning_rate) == pytest.approx(0.02 * one_cycle(5, 0.25)[-1])
    # So that keras.models.load_model does not need this package.
    assert "digitlab" not in str(keras.saving.serialize_keras_object(model.optimizer))


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        ("epochs", 0, "epochs to be a whole number, at least 1, got 0"),
        ("batch_size", 2.5, "batch_size to be a whole number, at least 1, got 2.5"),
        ("epochs", True, "epochs to be a whole number, at least 1, got True"),
        ("seed", -1, "seed to be a whole number, at least 0, got -1"),
        ("seed", 2**32, "a seed below 2 .. 32, got 4294967296"),
        ("one_cycle", "no", "one_cycle to be True or False, got 'no'"),
        ("one_cycle", np.array([1, 0]), "one_cycle to be True or False, got array"),
        ("warmup_share", "x", "warmup_share to be a number, got 'x'"),
        ("weight_decay", None, "weight_decay to be a number, got None"),
        ("augmentation", True, "digitlab.Augmentation or None, got True"),
        ("peak_learning_rate", 0, "peak_learning_rate above 0, got 0"),
        ("peak_learning_rate", float("inf"), "peak_learning_rate above 0, got inf"),
        ("weight_decay", -0.1, "weight_decay of at least 0, got -0.1"),
        ("weight_decay", float("nan"), "weight_decay of at least 0, got nan"),
        ("validation_share", 1, "validation_share to be at least 0 and below 1, got 1"),
    ],
)
def test_bad_settings(setting, value, message):
    with pytest.raises(ValueError, match=message):
        TrainConfig(**{setting: value})


def test_numpy_s_whole_numbers_are_valid_settings():
    config = TrainConfig(epochs=np.int64(3), augmentation=Augmentation(shift=np.float64(2)))
    assert repr(config) == repr(TrainConfig(epochs=3, augmentation=Augmentation(shift=2.0)))


def test_fine_tuning_learns_a_hand_and_keeps_the_rest(stripes):
    keras.utils.set_random_seed(0)
    model = pen_cnn()
    train(model, stripes, TrainConfig(epochs=4, batch_size=32, validation_share=0))
    hand = [np.eye(28), np.eye(28)[::-1]]  # shapes that are not stripes
    config = TrainConfig(epochs=8, peak_learning_rate=0.002)
    fine_tune(model, hand, [7, 3], stripes, config, progress=False)
    recognizer = Recognizer(model)
    assert [recognizer.predict(drawing).digit for drawing in hand] == [7, 3]
    read = recognizer.predict_images(stripes.x_test).argmax(1)
    assert np.mean(read == stripes.y_test) > 0.9


def test_fine_tuning_needs_ink_and_labels(stripes):
    for drawings, labels, message in (
        ([], [], "drawings to learn from"),
        ([np.zeros((28, 28))], [1], "without ink"),
        ([np.eye(28)], [1, 2], "labels of shape"),
    ):
        with pytest.raises(ValueError, match=message):
            fine_tune(pen_cnn(), drawings, labels, stripes)


def test_what_cannot_be_trained_is_said(stripes):
    recognizer = digitlab.load_recognizer()
    drawings = [stored_drawing(7)]
    hand = digitlab.WrittenDigits(stripes.x_test, stripes.y_test, stripes.y_test.astype(str))
    for arguments, message in (
        ((recognizer, drawings, [7], stripes), "expected a Keras 3 model, .* got .*Recognizer"),
        ((pen_cnn(), hand, [7], stripes), "expected a list of drawings, got WrittenDigits"),
        ((pen_cnn(), drawings, [7], hand), "as load_digits.* got WrittenDigits"),
    ):
        with pytest.raises(TypeError, match=message):
            fine_tune(*arguments)
    with pytest.raises(TypeError, match="as load_digits.* got WrittenDigits"):
        train(pen_cnn(), hand)
    with pytest.raises(TypeError, match="expected a TrainConfig, got dict"):
        fine_tune(pen_cnn(), drawings, [7], stripes, {"epochs": 1})
    with pytest.raises(TypeError, match="expected a TrainConfig, got ndarray"):
        train(pen_cnn(), stripes.x_train, stripes.y_train)  # as Keras' fit takes them
