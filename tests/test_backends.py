"""The package with Keras on JAX, in a process of its own."""

import contextlib
import io
import os
import sys
import warnings
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

pytestmark = pytest.mark.once  # both locks are tested with the same JAX and Keras


@pytest.fixture(scope="module")
def run_on_jax(optional):
    """A function that runs code in a folder, with Keras on JAX with two devices."""
    with ProcessPoolExecutor(1, get_context("spawn"), _use_jax, (str(optional),)) as pool:
        yield lambda code, folder: pool.submit(_output, code, folder).result(timeout=1200)


def _use_jax(folder):
    os.environ["KERAS_BACKEND"] = "jax"
    os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=2"
    sys.path.append(folder)


def _output(code, folder):
    """Run code as a new process would; return what it prints."""
    os.chdir(folder)
    warnings.simplefilter("ignore")
    with contextlib.redirect_stdout(io.StringIO()) as output:
        exec("import sys, numpy as np, keras, digitlab\n" + code, {})
    return output.getvalue()


STRIPES = """
from support.data import stripes
digits = stripes(300)
images, labels = digits.x_train, digits.y_train
keras.utils.set_random_seed(0)
fit = keras.Model.fit

def small(outputs=10):
    # With a normalisation, whose means are no weights to train. JAX compiles it in a second.
    kinds = keras.layers
    # No bias, for the normalisation takes it off again: chance would train it.
    hidden = kinds.Dense(16, use_bias=False)
    ends = [hidden, kinds.BatchNormalization(), kinds.Dense(outputs, activation="softmax")]
    return keras.Sequential([keras.Input((28, 28, 1)), kinds.Flatten(), *ends])

def watch(callback):
    # Add a callback to every training.
    keras.Model.fit = lambda model, *arguments, callbacks, **options: fit(
        model, *arguments, callbacks=[*callbacks, callback], **options
    )
"""


def test_networks_are_trained_looked_into_read_with_and_exported_for_tensorflow_js(
    run_on_jax, tmp_path
):
    code = """
assert keras.config.backend() == "jax"
model = digitlab.pen_cnn()

class Rates(keras.callbacks.Callback):
    seen = []
    def on_train_batch_end(self, batch, logs=None):
        self.model.jax_state_sync()
        self.seen.append(float(self.model.optimizer.learning_rate))

watch(Rates())
config = digitlab.TrainConfig(epochs=3, batch_size=50, validation_share=0)
history = digitlab.train(model, digits, config, progress=False, checkpoint="training.npz")
keras.Model.fit = fit

from digitlab.training.loop import one_cycle
np.testing.assert_allclose(Rates.seen, 0.02 * one_cycle(18, 0.25), rtol=1e-5)
read = digitlab.Recognizer(model).predict_images(images)
assert (read.argmax(1) == labels).mean() > 0.9
answers = digitlab.Recognizer(model).get_activations(images[0])
np.testing.assert_allclose(answers["Dense 1"], read[0], atol=1e-5)
assert digitlab.embed(model, images).shape == (300, 1600)
assert digitlab.get_filters(model).shape == (5, 5, 16)
digitlab.export_tfjs(model, "tfjs")
try:
    digitlab.export_tflite(model, "model.tflite")
except ValueError as error:
    print(len(str(error)) < 500, error)
"""
    said = run_on_jax(STRIPES + code, tmp_path)
    assert said.startswith("True Keras runs on jax here; expected the TensorFlow backend")
    assert "model.save" in said and "KERAS_BACKEND=tensorflow" in said
    assert not (tmp_path / "model.tflite").exists()


def test_a_stop_keeps_weights(run_on_jax, tmp_path):
    """In the first epoch, the weights of that moment; later, those of the best epoch."""
    code = """
class Stop(keras.callbacks.Callback):
    def __init__(self, stop_in):
        self.stop_in = stop_in
    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch
        self.model.jax_state_sync()
        self.before = self.model.get_weights()
    def on_train_batch_end(self, batch, logs=None):
        if self.epoch == self.stop_in and batch == 2:
            raise KeyboardInterrupt

config = digitlab.TrainConfig(epochs=3, batch_size=50)
for epoch in (0, 1):
    model, stop = small(), Stop(epoch)
    watch(stop)
    history = digitlab.train(model, digits, config, progress=False)
    same = [np.array_equal(*pair) for pair in zip(model.get_weights(), stop.before, strict=True)]
    print(all(same), np.isfinite(digitlab.Recognizer(model).predict_images(images)).all())
"""
    assert run_on_jax(STRIPES + code, tmp_path) == "False True\nTrue True\n"


def test_a_training_goes_on_where_it_was_stopped_on_one_device_or_two(run_on_jax, tmp_path):
    code = """
from contextlib import nullcontext
from pathlib import Path
both = keras.distribution.DataParallel()
assert both.device_mesh.shape == (2,)
config = digitlab.TrainConfig(epochs=4, batch_size=500, validation_share=0.1)

def trained(checkpoint=None):
    keras.utils.set_random_seed(1)
    model = small()
    digitlab.train(model, digits, config, progress=False, checkpoint=checkpoint)
    return model.get_weights()

class Stop(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 2:
            raise KeyboardInterrupt

whole = trained()
for devices in (nullcontext(), both.scope()):
    with devices:
        watch(Stop())
        trained("training.npz")
        assert Path("training.npz").exists()
        keras.Model.fit = fit
        for resumed, straight in zip(trained("training.npz"), whole, strict=True):
            np.testing.assert_allclose(resumed, straight, atol=1e-4)
    assert not Path("training.npz").exists()

# Batches of any size, of which each device gets as many.
more = {"epochs": 1, "augmentation": digitlab.Augmentation(), "validation_share": 0.11}
with both.scope():
    model = small(11)
    digitlab.train(model, digits, digitlab.TrainConfig(batch_size=134, **more), progress=False)
    assert {len(weight.value.devices()) for weight in model.weights} == {2}
    try:
        digitlab.train(model, digits, digitlab.TrainConfig(batch_size=133, **more))
    except ValueError as error:
        print(error)
"""
    said = run_on_jax(STRIPES + code, tmp_path)
    assert said == "expected a batch_size that 2 devices can share, got 133\n"


def test_augmented_digits_are_those_of_tensorflow(run_on_jax, mnist, tmp_path):
    import keras
    import numpy as np

    from digitlab import Augmentation
    from digitlab.training.augmentation import AugmentedDigits

    assert keras.config.backend() == "tensorflow"
    images, labels = mnist.x_train[:40], mnist.y_train[:40]
    expected, of = AugmentedDigits(images, labels, Augmentation(), 40, 0, True)[0]
    np.savez(tmp_path / "few.npz", images=images, labels=labels)
    code = """
from digitlab.training.augmentation import AugmentedDigits
few = np.load("few.npz")
found, of = AugmentedDigits(few["images"], few["labels"], digitlab.Augmentation(), 40, 0, True)[0]
np.savez("found.npz", found=found, of=of)
"""
    run_on_jax(code, tmp_path)
    with np.load(tmp_path / "found.npz") as file:
        np.testing.assert_allclose(file["found"], expected, atol=1e-4)
        np.testing.assert_array_equal(file["of"], of)
