"""Recognizers, predictions and digits survive copying, and callers cannot damage what they get."""

import copy
import multiprocessing
import pickle
from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np
import pytest

from digitlab import (
    Digits,
    DrawingPad,
    Prediction,
    Recognizer,
    load_recognizer,
    render_strokes,
    stored_drawing,
)
from digitlab.loading import as_recognizer

DRAWINGS = [stored_drawing(digit) for digit in range(10)]
COPIES = {
    "pickle": lambda original: pickle.loads(pickle.dumps(original)),
    "old pickle": lambda original: pickle.loads(pickle.dumps(original, protocol=2)),
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
}


def sure_of_three(image):
    return np.eye(10)[3]


def batch_of_threes(images):
    return np.tile(np.eye(10)[3], (len(images), 1))


def read(recognizer, drawing):
    return recognizer.predict(drawing)


RECOGNIZERS = {
    "shipped": load_recognizer(),
    "function of images": Recognizer(batch_of_threes),
    "function of an image": as_recognizer(sure_of_three),
}


@pytest.mark.parametrize("how", COPIES)
@pytest.mark.parametrize("kind", RECOGNIZERS)
def test_a_copy_of_a_recognizer_reads_alike(kind, how):
    recognizer = RECOGNIZERS[kind]
    recognizer.predict_images(np.zeros((40, 28, 28)))  # makes everything that is made on demand
    recognizer.get_activations(np.zeros((28, 28)))
    other = COPIES[how](recognizer)
    for drawing in DRAWINGS:
        ours, theirs = recognizer.predict(drawing), other.predict(drawing)
        np.testing.assert_array_equal(ours.probabilities, theirs.probabilities)
    image = render_strokes(DRAWINGS[5])
    assert list(other.get_activations(image)) == list(recognizer.get_activations(image))


def test_a_keras_model_goes_along():
    keras = pytest.importorskip("keras")
    model = keras.Sequential(
        [keras.Input((28, 28, 1)), keras.layers.Flatten(), keras.layers.Dense(10, "softmax")]
    )
    other = pickle.loads(pickle.dumps(Recognizer(model)))
    np.testing.assert_allclose(
        other.predict(DRAWINGS[5]).probabilities,
        Recognizer(model).predict(DRAWINGS[5]).probabilities,
        atol=1e-6,
    )


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_other_processes_read(method):
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"this system has no {method}")
    with multiprocessing.get_context(method).Pool(1) as pool:
        predictions = pool.starmap(read, [(load_recognizer(), drawing) for drawing in DRAWINGS])
    assert [prediction.digit for prediction in predictions] == list(range(10))
    assert not predictions[0].image.flags.writeable


def test_joblib_reads():
    jobs = (joblib.delayed(read)(RECOGNIZERS["shipped"], drawing) for drawing in DRAWINGS)
    assert [prediction.digit for prediction in joblib.Parallel(2)(jobs)] == list(range(10))


def test_joblib_remembers(tmp_path):
    memory = joblib.Memory(tmp_path, verbose=0)
    remembered = memory.cache(read)
    first = remembered(RECOGNIZERS["shipped"], DRAWINGS[4])
    assert remembered.check_call_in_cache(RECOGNIZERS["shipped"], DRAWINGS[4])
    assert remembered(RECOGNIZERS["shipped"], DRAWINGS[4]).digit == first.digit == 4


def test_one_recognizer_serves_many_threads():
    recognizer = load_recognizer()
    with ThreadPoolExecutor(8) as pool:
        read = list(pool.map(recognizer.predict, DRAWINGS * 20))
    assert [prediction.digit for prediction in read] == list(range(10)) * 20


@pytest.mark.parametrize("how", COPIES)
def test_a_copy_of_a_prediction_is_as_the_original(how):
    original = RECOGNIZERS["shipped"].predict(DRAWINGS[5])
    other = COPIES[how](original)
    assert (other.digit, other.confidence, str(other)) == (5, original.confidence, str(original))
    for name in ("probabilities", "image"):
        array = getattr(other, name)
        np.testing.assert_array_equal(array, getattr(original, name))
        with pytest.raises(ValueError, match="read-only"):
            array[:] = 0


def test_a_prediction_keeps_what_it_was_given():
    probabilities, image = np.eye(10)[3], np.ones((28, 28))
    prediction = Prediction(3, 1.0, probabilities, image)
    probabilities[:], image[:] = 0, 0
    assert prediction.probabilities[3] == 1 and prediction.image.all()


def test_a_function_may_change_its_image():
    def careless(image):
        image -= 5
        return np.eye(10)[3]

    prediction = as_recognizer(careless).predict(DRAWINGS[5])
    np.testing.assert_array_equal(prediction.image, render_strokes(DRAWINGS[5]))
    images = np.stack([render_strokes(drawing) for drawing in DRAWINGS])
    before = images.copy()
    as_recognizer(careless).predict_images(images)
    np.testing.assert_array_equal(images, before)


def test_a_pad_reads_with_a_function_that_goes_along():
    recognizer = pickle.loads(pickle.dumps(DrawingPad(sure_of_three).recognizer))
    assert recognizer.predict(DRAWINGS[8]).digit == 3


@pytest.mark.parametrize("how", COPIES)
def test_a_copy_of_digits_is_as_the_original(how):
    images = np.stack([render_strokes(drawing) for drawing in DRAWINGS])
    digits = Digits(images, range(10), images, range(10), "mine")
    other = COPIES[how](digits)
    assert other.name == "mine"
    for name in ("x_train", "y_train", "x_test", "y_test"):
        np.testing.assert_array_equal(getattr(other, name), getattr(digits, name))
