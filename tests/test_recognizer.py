"""The recognizer: the shipped network, wrapped models, and what it rejects."""

import os
import signal
import subprocess
import sys
import time
import tracemalloc

import numpy as np
import pytest
from PIL import Image

import digitlab
from digitlab import Recognizer, doodle, load_recognizer, render_strokes, stored_drawing
from digitlab._io import shipped_path
from digitlab.answers import combine_looks
from digitlab.images import centre_of_mass
from digitlab.runtimes import litert
from digitlab.runtimes.litert import LiteRT
from digitlab.strokes import turn_strokes
from digitlab.training.non_digits import KINDS


@pytest.fixture(scope="module")
def recognizer():
    return load_recognizer()


def test_a_prediction_holds_together(recognizer):
    prediction = recognizer.predict(stored_drawing(5))
    assert prediction.digit == 5 == prediction.probabilities.argmax()
    assert prediction.probabilities.shape == (10,)
    assert prediction.probabilities.sum() == pytest.approx(1, abs=1e-5)
    assert prediction in [prediction]
    assert prediction != recognizer.predict(stored_drawing(5))  # equality is identity, as usual
    assert prediction.confidence == prediction.probabilities[5]
    np.testing.assert_array_equal(prediction.image, render_strokes(stored_drawing(5)))
    assert str(prediction).startswith("I read a 5 (")
    assert repr(prediction) == f"Prediction(digit=5, confidence={prediction.confidence!r})"


def test_strokes_and_their_picture_are_read_alike(recognizer):
    image = render_strokes(stored_drawing(7))
    large = Image.fromarray((255 - 255 * image).astype(np.uint8)).resize((200, 200))
    for picture in (image, np.asarray(large), large):
        assert recognizer.predict(picture).digit == 7


@pytest.mark.parametrize("empty", [[], [[]], np.zeros((28, 28)), np.ones((5, 9))])
def test_an_empty_drawing_is_a_non_digit(recognizer, empty):
    prediction = recognizer.predict(empty)
    assert prediction.digit is None and prediction.confidence == 0
    assert prediction.probabilities.sum() == pytest.approx(1)
    assert not prediction.image.any()
    assert prediction.reason == "empty" and str(prediction) == "Draw a digit"


def test_it_reads_mnist(recognizer, mnist):
    probabilities = recognizer.predict_images(mnist.x_test)
    assert probabilities.shape == (10000, 10) and probabilities.dtype == np.float32
    assert np.mean(probabilities.argmax(1) == mnist.y_test) >= 0.99
    some = mnist.x_test[:300]  # a whole batch and part of another
    np.testing.assert_allclose(recognizer.predict_images(some), probabilities[:300], atol=1e-6)
    # The network computes in whole numbers, and a tiny change of the image may change one of them.
    np.testing.assert_allclose(
        recognizer.predict_images(some / 255), probabilities[:300], atol=0.02
    )


@pytest.mark.slow
def test_tta_misreads_fewer_of_mnist(recognizer, mnist):
    once = recognizer.predict_images(mnist.x_test)
    with_tta = recognizer.predict_images(mnist.x_test, tta=True)
    sure = once.max(1) >= 0.9
    assert sure.mean() > 0.95
    np.testing.assert_array_equal(with_tta[sure], once[sure])
    misread = [np.sum(read.argmax(1) != mnist.y_test) for read in (once, with_tta)]
    assert misread[1] < misread[0]


def test_tta_gives_the_mean_of_three_readings(mnist):
    seen = []

    def reader(images):
        seen.append(images[..., 0])
        answers = np.full((len(images), 11), 0.02, np.float32)
        answers[:, len(seen)] = 0.8
        return answers

    images = mnist.x_test[:3]
    (*_, last) = Recognizer(reader).predict_images(images, tta=True)
    np.testing.assert_allclose(last[1:4], (0.8 + 0.02 + 0.02) / 0.98 / 3, rtol=1e-4)
    as_it_is, *moved = seen
    for image, *others in zip(as_it_is, *moved, strict=True):
        away = [centre_of_mass(other) - centre_of_mass(image) for other in others]
        np.testing.assert_allclose(away, [[0.5, 0.5], [-0.5, -0.5]], atol=1e-5)
        assert [other.sum() for other in others] == pytest.approx([image.sum()] * 2)


@pytest.mark.parametrize(("confidence", "looks"), [(0.91, 1), (0.89, 3)])
def test_an_unsure_drawing_is_looked_at_again(confidence, looks):
    seen = []

    def reader(images):
        seen.extend(images[..., 0])
        answers = np.full((1, 11), (1 - confidence) / 10, np.float32)
        answers[0, len(seen)] = confidence
        return answers

    five = stored_drawing(5)
    prediction = Recognizer(reader).predict(five)
    np.testing.assert_array_equal(prediction.image, render_strokes(five))
    for image, look in zip(seen, [five, *turn_strokes(five)], strict=False):
        np.testing.assert_array_equal(image, render_strokes(look))
    assert len(seen) == looks
    rest = (1 - confidence) / 10
    expected = np.where(np.isin(np.arange(10), range(1, looks + 1)), confidence, rest)
    np.testing.assert_allclose(prediction.probabilities, expected / expected.sum(), rtol=1e-4)


@pytest.mark.parametrize("wrong", [np.nan, -0.1, 0.5])
def test_answers_that_are_not_probabilities_are_rejected(wrong):
    answers = np.full((1, 10), 0.1)
    answers[0, 3] = wrong
    with pytest.raises(ValueError, match="expected the network to answer with probabilities"):
        Recognizer(lambda images: answers).predict(stored_drawing(5))


def test_a_look_that_is_sure_of_a_digit_outweighs_several_that_are_not():
    sure, unsure = np.full(11, 0.005), np.full(11, 0.06)
    sure[7], unsure[1] = 0.95, 0.4
    looks = np.stack([unsure, unsure, sure, unsure, unsure])[:, None]
    (combined,) = combine_looks(looks)
    assert looks.mean(axis=0).argmax() == 1 and combined.argmax() == 7
    assert combined.sum() == pytest.approx(1)
    # The non-digit's probability is the mean over the looks, before all are scaled to sum to 1.
    digits = 0.95 + 0.4 + 8 * 0.06  # of each, the largest
    non_digit = (4 * 0.06 + 0.005) / 5
    assert combined[10] == pytest.approx(non_digit / (digits + non_digit))
    assert combine_looks(looks[..., :10]).sum() == pytest.approx(1)


def test_without_tta_an_unsure_drawing_gets_one_look():
    looks = []
    reader = Recognizer(lambda images: looks.append(len(images)) or np.full((1, 10), 0.1))
    reader.predict(stored_drawing(5), tta=False)
    assert looks == [1]


def test_a_sure_non_digit_gets_one_look():
    looks = []
    answers = np.array([[*[0.009] * 10, 0.91]], np.float32)
    reader = Recognizer(lambda images: looks.append(len(images)) or answers)
    assert reader.predict(stored_drawing(5)).digit is None
    assert looks == [1]


def test_a_picture_gets_one_look():
    looks = []
    guess = Recognizer(lambda images: looks.append(len(images)) or np.full((1, 10), 0.1))
    guess.predict(render_strokes(stored_drawing(5)))
    assert looks == [1]


def test_no_images(recognizer):
    none = np.empty((0, 28, 28), np.uint8)
    assert recognizer.predict_images(none).shape == (0, 10)
    assert recognizer.predict_images(none, tta=True).shape == (0, 10)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((28, 28)), r"\(n, 28, 28\) or .*, got \(28, 28\)"),
        (np.zeros((3, 28, 29)), r"got \(3, 28, 29\)"),
        (np.full((1, 28, 28), 256), "integers from 0 to 255, got values from 256 to 256"),
        (np.full((1, 28, 28), 255.0), "255.*divide by 255"),
        (np.full((1, 28, 28), -0.5), "got values from -0.5"),
        (np.full((1, 28, 28), np.nan), r"in \[0, 1\]"),
    ],
)
def test_bad_images(recognizer, images, message):
    with pytest.raises(ValueError, match=message):
        recognizer.predict_images(images)


def test_nothing_is_printed(capfd):
    reader = load_recognizer()
    reader.get_activations(reader.predict(stored_drawing(5)).image)
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
def test_what_takes_longer_than_two_seconds_has_a_bar(capfd):
    def slow(images):
        time.sleep(0.3)
        return np.full((len(images), 10), 0.1, np.float32)

    Recognizer(slow).predict_images(np.zeros((32 * 5, 28, 28), np.uint8))
    assert capfd.readouterr().err == ""
    Recognizer(slow).predict_images(np.zeros((32 * 9, 28, 28), np.uint8))
    shown = capfd.readouterr().err
    assert "Reading:" in shown and "/9 [00:02<00:00" in shown  # batches done, and time left
    assert not shown.split("\r")[-1].strip()  # the bar is gone in the end


def test_any_callable_is_a_model():
    seen = []

    def always_three(images):
        seen.append((images.shape, images.dtype, images.max()))
        return np.tile(np.eye(10)[3], (len(images), 1))

    assert Recognizer(always_three).predict(stored_drawing(8)).digit == 3
    assert seen == [((1, 28, 28, 1), np.float32, 1.0)]


def test_whole_numbers_to_255_and_fractions_are_the_same_images():
    seen = []

    def model(images):
        seen.append(images)
        return np.full((len(images), 10), 0.1, np.float32)

    images = np.random.default_rng(0).integers(0, 256, (20, 28, 28), np.uint8)
    for each in (images, images / 255, (images / 255).astype(np.float32)):
        Recognizer(model).predict_images(each)
    for batch in seen[1:]:
        np.testing.assert_allclose(batch, seen[0], rtol=0, atol=1e-7)


@pytest.mark.slow
def test_a_keras_model_is_a_model(recognizer):
    keras = pytest.importorskip("keras", reason="needs TensorFlow: pip install 'digitlab[train]'")
    model = keras.models.load_model(shipped_path("digits.tflite").with_suffix(".keras"))
    wrapped = Recognizer(model)
    for digit in range(10):
        np.testing.assert_allclose(
            wrapped.predict(stored_drawing(digit)).probabilities,
            recognizer.predict(stored_drawing(digit)).probabilities,
            atol=0.03,  # the shipped network computes in whole numbers
        )


@pytest.mark.slow
def test_activations_are_those_of_keras(recognizer, tmp_path):
    keras = pytest.importorskip("keras", reason="needs TensorFlow: pip install 'digitlab[train]'")
    image = render_strokes(stored_drawing(5))
    keras.utils.set_random_seed(0)
    shipped = keras.models.load_model(shipped_path("digits.tflite").with_suffix(".keras"))
    # The shipped network computes in whole numbers, in steps of 1/127 of the largest value.
    trios = [(shipped, recognizer, 0.05)]
    for model in (digitlab.article_cnn(), digitlab.pen_cnn()):
        path = tmp_path / f"{model.name}.tflite"
        digitlab.export_tflite(model, path)
        trios.append((model, load_recognizer(path), 1e-5))
    for model, by_file, share in trios:
        by_keras = Recognizer(model).get_activations(image)
        by_litert = by_file.get_activations(image)
        assert list(by_litert) == [f"Layer {number + 1}" for number in range(len(by_keras))]
        for one, other in zip(by_keras.values(), by_litert.values(), strict=True):
            assert one.shape == other.shape and other.any()
            np.testing.assert_allclose(one, other, atol=share * max(abs(one).max(), 1))
        assert list(by_keras)[0] in ("Conv2D 1", "ReLU 1")  # so Keras was asked, not LiteRT
    assert Recognizer(lambda images: litert.model(images)).get_activations(image) == {}


def test_activations_are_those_of_the_file_that_was_loaded(recognizer, tmp_path):
    path = tmp_path / "mine.tflite"
    path.write_bytes(shipped_path("digits.tflite").read_bytes())
    image = render_strokes(stored_drawing(5))
    mine = load_recognizer(path)
    path.write_bytes(b"another network")
    for answer, other in zip(
        mine.get_activations(image).values(),
        recognizer.get_activations(image).values(),
        strict=True,
    ):
        np.testing.assert_array_equal(answer, other)
    # A second call, with another image, is answered for that image.
    last = list(mine.get_activations(render_strokes(stored_drawing(7))).values())[-1]
    assert last[:10].argmax() == 7


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((1, 28, 28)), r"\(28, 28\), .*float.*got \(1, 28, 28\)"),
        (np.full((28, 28), 255.0), "divide by 255"),
        (np.full((28, 28), -1), "integers from 0 to 255"),
    ],
)
def test_activations_of_bad_images(recognizer, image, message):
    with pytest.raises(ValueError, match=message):
        recognizer.get_activations(image)


def test_invalid_models_are_rejected():
    with pytest.raises(TypeError, match="expected a Keras model or a callable.*got str"):
        Recognizer("digits.tflite")
    with pytest.raises(ValueError, match=r"shape \(1, 10\) or \(1, 11\), got \(1, 3\)"):
        Recognizer(lambda images: np.zeros((len(images), 3))).predict(stored_drawing(1))


@pytest.mark.slow
def test_a_keras_model_that_takes_no_images_is_rejected_at_once():
    keras = pytest.importorskip("keras", reason="needs TensorFlow: pip install 'digitlab[train]'")

    def model(*shapes):
        inputs = [keras.Input(shape) for shape in shapes]
        flat = [keras.layers.Flatten()(each) for each in inputs]
        joined = keras.layers.Concatenate()(flat) if len(flat) > 1 else flat[0]
        answer = keras.layers.Dense(10, activation="softmax")(joined)
        return keras.Model(inputs if len(inputs) > 1 else inputs[0], answer)

    for shapes, got in (
        ([(32, 32, 1)], r"\(None, 32, 32, 1\)"),
        ([(28, 28, 3)], r"\(None, 28, 28, 3\)"),
        ([(28, 28, 1), (5,)], r"\(None, 28, 28, 1\), \(None, 5\)"),
    ):
        for use in (Recognizer, digitlab.DrawingPad):
            with pytest.raises(ValueError, match=f"images .n, 28, 28, 1., got one for {got}$"):
                use(model(*shapes))
    for shape in ((28, 28, 1), (28, 28), (784,)):
        assert Recognizer(model(shape)).predict(stored_drawing(5)).digit is not None
    any_size = keras.Sequential(
        [
            keras.Input((None, None, 1)),
            keras.layers.Conv2D(10, 5),
            keras.layers.GlobalMaxPooling2D(),
            keras.layers.Softmax(),
        ]
    )
    assert Recognizer(any_size).predict(stored_drawing(5)).digit is not None


def test_files_that_hold_no_network(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere\.tflite.*export_tflite"):
        load_recognizer(tmp_path / "nowhere.tflite")
    with pytest.raises(ValueError, match="Recognizer\\(keras.models.load_model"):
        load_recognizer(tmp_path / "mine.keras")
    (tmp_path / "garbage.tflite").write_bytes(b"no network" * 100)
    with pytest.raises(ValueError, match=r"garbage\.tflite to be a network that digitlab"):
        load_recognizer(tmp_path / "garbage.tflite")


@pytest.mark.parametrize(
    ("answer", "digit", "reason", "sentence"),
    [
        ([0.0] * 7 + [0.45, 0, 0, 0.55], None, "not a digit", "I see no digit in this"),
        ([0.0] * 7 + [0.55, 0, 0, 0.45], 7, None, "I read a 7 (100 %)"),
        ([0.05] * 8 + [0.15, 0, 0.45], 8, None, "I read an 8 (27 %)"),
        ([0.0] * 10 + [1], None, "not a digit", "I see no digit in this"),
    ],
)
def test_an_eleventh_output_is_that_of_non_digits(answer, digit, reason, sentence):
    recognizer = Recognizer(lambda images: np.tile(np.float32(answer), (len(images), 1)))
    prediction = recognizer.predict(stored_drawing(7))
    assert (prediction.digit, prediction.reason, str(prediction)) == (digit, reason, sentence)
    assert prediction.probabilities.shape == (10,)
    assert prediction.probabilities.sum() == pytest.approx(1)
    assert (prediction.confidence > 0) == (digit is not None)
    # Images are always taken to be digits.
    images = recognizer.predict_images(prediction.image[None])
    np.testing.assert_allclose(images, prediction.probabilities[None], rtol=1e-6)


def test_non_digits_are_rejected(recognizer):
    rng = np.random.default_rng(7)
    kinds = [kind for kind in KINDS for _ in range(5)]
    rejected = [recognizer.predict(doodle(kind, rng)).reason == "not a digit" for kind in kinds]
    assert np.mean(rejected) >= 0.95


def test_digits_are_not_rejected(recognizer, mnist):
    for digit in range(10):
        assert recognizer.predict(stored_drawing(digit)).digit == digit
    assert recognizer.rejects(mnist.x_test).mean() <= 0.005


def test_many_are_rejected_as_one_is(recognizer):
    rng = np.random.default_rng(3)
    drawings = [*(doodle(kind, rng) for kind in KINDS), *map(stored_drawing, range(10))]
    images = np.array([render_strokes(drawing) for drawing in drawings])
    one_by_one = [recognizer.predict(each, tta=False).digit is None for each in drawings]
    np.testing.assert_array_equal(recognizer.rejects(images), one_by_one)
    assert recognizer.rejects(images[:0]).shape == (0,)
    ten = Recognizer(lambda batch: np.full((len(batch), 10), 0.1))
    assert not ten.rejects(images).any()
    with pytest.raises(ValueError, match=r"\(n, 28, 28\) or .*, got \(28, 28\)"):
        recognizer.rejects(images[0])


@pytest.mark.slow
@pytest.mark.parametrize(("count", "tta"), [(200_000, False), (60_000, True)])
def test_large_arrays_are_read_a_few_images_at_a_time(tmp_path, count, tta):
    images = np.lib.format.open_memmap(
        tmp_path / "images.npy", "w+", np.uint8, shape=(count, 28, 28)
    )
    sizes = set()

    def model(batch):
        sizes.add(len(batch))
        return np.full((len(batch), 10), 0.1, np.float32)

    tracemalloc.start()
    probabilities = Recognizer(model).predict_images(images, tta=tta)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert probabilities.shape == (count, 10)
    assert max(sizes) <= 64
    assert most < probabilities.nbytes + 1_000_000


def in_a_new_python(code):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=300
    )


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc, which only Linux has")
def test_the_first_prediction_needs_little_memory():
    code = (
        "import digitlab; digitlab.load_recognizer().predict(digitlab.stored_drawing(5))\n"
        "print(open('/proc/self/status').read())"
    )
    status = in_a_new_python(code).stdout
    kilobytes = int(status.partition("VmHWM:")[2].split()[0])  # the peak of its memory
    assert kilobytes / 1024 <= 150


@pytest.mark.slow
class Interrupted(Exception):
    """Stands for KeyboardInterrupt."""


@pytest.mark.parametrize(
    ("method", "owner", "step"),
    [
        ("predict_images", LiteRT, "_allocate"),
        ("get_activations", litert.Interpreter, "allocate_tensors"),
        ("adapt", LiteRT, "_allocate"),
    ],
)
def test_an_interrupt_in_between_leaves_it_usable(method, owner, step, monkeypatch):
    recognizer = load_recognizer()
    image = render_strokes(stored_drawing(5))
    call = {
        "predict_images": lambda count: recognizer.predict_images([image] * count),
        "get_activations": lambda _: recognizer.get_activations(image),
        "adapt": lambda _: recognizer.adapt([image], [5]),
    }[method]
    carry_out = getattr(owner, step)
    if method == "predict_images":
        call(2)

    def interrupted(*arguments):
        if method == "predict_images":  # after the step; otherwise before it
            carry_out(*arguments)
        raise Interrupted

    with monkeypatch.context() as patch, pytest.raises(Interrupted):
        patch.setattr(owner, step, interrupted)
        call(5)
    call(2)
    assert recognizer.predict_images([image] * 2).argmax(1).tolist() == [5, 5]


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="Windows has no such timer")
def test_an_interrupt_at_any_time_leaves_it_unlocked():
    code = """import random, signal, digitlab, numpy as np
def interrupt(*_):
    raise KeyboardInterrupt
signal.signal(signal.SIGALRM, interrupt)
random.seed(1)
recognizer, image = digitlab.load_recognizer(), np.zeros((28, 28))
recognizer.get_activations(image)
for _ in range(300):
    try:
        signal.setitimer(signal.ITIMER_REAL, random.uniform(0.00001, 0.003))
        while True:
            recognizer.get_activations(image)
    except KeyboardInterrupt:
        pass
import threading
thread = threading.Thread(target=recognizer.get_activations, args=(image,), daemon=True)
thread.start()
thread.join(30)
assert not thread.is_alive(), "the lock is still held"
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows does not fork")
def test_a_process_forked_during_a_reading_reads():
    code = """import os, threading, numpy as np, digitlab
recognizer, images = digitlab.load_recognizer(), np.zeros((200, 28, 28), np.uint8)
recognizer.predict_images(images)
stopped = threading.Event()
def read():
    while not stopped.is_set():
        recognizer.predict_images(images)
thread = threading.Thread(target=read)
thread.start()
for _ in range(5):
    child = os.fork()
    if not child:
        recognizer.predict(digitlab.stored_drawing(5))
        recognizer.predict_images(images[:40])
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
stopped.set()
thread.join()
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120, stderr=subprocess.DEVNULL)


def test_without_litert_tensorflow_s_own_runs_and_says_so_once(recognizer):
    pytest.importorskip("tensorflow", reason="needs TensorFlow: pip install 'digitlab[train]'")
    code = (
        "import sys; sys.modules['ai_edge_litert'] = None\n"  # as if it were not installed
        "import digitlab\n"
        "for _ in range(2):\n"
        "    reader = digitlab.load_recognizer()\n"
        "    prediction = reader.predict(digitlab.stored_drawing(5))\n"
        "    print(*prediction.probabilities)\n"
        "print(*reader.get_activations(prediction.image)['Layer 7'].ravel())"
    )
    run = in_a_new_python(code)
    first, second, inside = (np.array(line.split(), float) for line in run.stdout.splitlines())
    prediction = recognizer.predict(stored_drawing(5))
    np.testing.assert_allclose(first, prediction.probabilities, atol=1e-6)
    np.testing.assert_array_equal(first, second)
    expected = recognizer.get_activations(prediction.image)["Layer 7"].ravel()
    np.testing.assert_allclose(inside, expected, atol=1e-4)
    assert run.stderr.count("TensorFlow's own LiteRT") == 1


def test_without_any_litert_it_says_what_to_install():
    code = (
        "import sys; sys.modules['ai_edge_litert'] = sys.modules['tensorflow'] = None\n"
        "import digitlab\n"
        "try: digitlab.load_recognizer\n"
        "except ImportError as error: print(error)"
    )
    assert "pip install ai-edge-litert" in in_a_new_python(code).stdout
