"""The personal recognizer: what it learns, that it forgets nothing else, and its file."""

import base64
import copy
import json
import os
import pickle
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
from scipy.interpolate import RBFInterpolator

import digitlab
from digitlab import Recognizer, load_personal, load_recognizer, render_strokes, stored_drawing
from digitlab.answers import LOOK_AGAIN_BELOW, combine_looks, digit_probabilities
from digitlab.images import as_batch
from digitlab.personal import PersonalLayer
from digitlab.strokes import turn_strokes
from support import networks
from support.data import CROSS

VECTORS = json.loads((Path(__file__).parent / "fixtures" / "hand.json").read_text("utf-8"))
STORED = [stored_drawing(digit) for digit in range(10)]


@pytest.fixture(scope="module")
def recognizer():
    return load_recognizer()


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def directions(features, typical):
    """What features have beyond those of typical digits, as unit vectors."""
    return unit(unit(np.sqrt(features)) - unit(np.sqrt(typical)).mean(axis=0))


def moved(drawing, by):
    """The drawing with each point moved at random, as by a trembling hand."""
    rng = np.random.default_rng(0)
    return [stroke + rng.normal(0, by, stroke.shape) for stroke in drawing]


def test_litert_gives_the_features_beside_the_same_answers(recognizer, mnist):
    batch = as_batch(mnist.x_test[:40])
    runtime = recognizer._runtime
    answers, features = runtime.with_features(batch)
    for image, answer, feature in zip(batch, answers, features, strict=True):
        np.testing.assert_array_equal(answer, runtime(image[None])[0])
        # These are computed without XNNPACK, by an interpreter that keeps all tensors.
        layers = recognizer.get_activations(image[..., 0])
        # The network computes in whole numbers, and the last bit of a float may change one of them.
        np.testing.assert_allclose(feature, layers["Layer 7"].ravel(), atol=0.02)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["residual", "leaky"])
def test_litert_finds_the_features_of_any_network(name, tmp_path):
    model = networks.make(name)
    digitlab.export_tflite(model, tmp_path / "model.tflite")
    images = np.stack([render_strokes(drawing) for drawing in STORED])
    runtime = load_recognizer(tmp_path / "model.tflite")._runtime
    _, features = runtime.with_features(as_batch(images))
    np.testing.assert_allclose(features, digitlab.embed(model, images), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("name", ["leaky", "the article's", "sequential"])
def test_keras_gives_its_features(name):
    model = digitlab.pen_cnn() if name == "sequential" else networks.make(name)
    images = np.stack([render_strokes(drawing) for drawing in STORED])
    runtime = Recognizer(model)._runtime
    answers, features = runtime.with_features(as_batch(images))
    np.testing.assert_allclose(answers, runtime(as_batch(images)), atol=1e-6)
    np.testing.assert_allclose(features, digitlab.embed(model, images), rtol=1e-4, atol=1e-5)


def test_a_function_has_nothing_to_learn_with():
    reader = Recognizer(lambda images: np.full((len(images), 10), 0.1))
    with pytest.raises(ValueError, match="a network with layers"):
        reader.adapt()


def test_an_example_is_read_as_it_was_labelled(recognizer):
    wrong = [(digit + 3) % 10 for digit in range(10)]  # whatever the network says
    for drawing, label in zip(STORED, wrong, strict=True):
        assert recognizer.adapt([drawing], [label]).predict(drawing).digit == label
    together = recognizer.adapt(STORED, wrong)
    assert [together.predict(drawing).digit for drawing in STORED] == wrong
    assert [recognizer.predict(drawing).digit for drawing in STORED] == [*range(10)]


def test_what_is_like_an_example_is_accepted(recognizer):
    again = moved(CROSS, 4)
    assert recognizer.predict(CROSS).digit is recognizer.predict(again).digit is None
    personal = recognizer.adapt()
    personal.add(CROSS, 8)
    assert personal.predict(CROSS).digit == personal.predict(again).digit == 8
    assert not personal.rejects(render_strokes(again)[None])[0]


def test_it_looks_again_before_the_examples_count(recognizer):
    drawing = [stroke * (0.5, 1) for stroke in stored_drawing(7)]
    features = recognizer._runtime.with_features(as_batch(render_strokes(drawing)[None]))[1]
    looks = [drawing, *turn_strokes(drawing)]
    answers = [recognizer._answers(render_strokes(look)[None]) for look in looks]
    assert answers[0].max() < LOOK_AGAIN_BELOW
    personal = recognizer.adapt([STORED[7]], [7])
    together = combine_looks(np.stack(answers))
    expected = personal._layer.adjust(together, features)
    assert np.abs(expected - together).max() > 0.01  # the example counts
    np.testing.assert_allclose(
        personal.predict(drawing).probabilities, digit_probabilities(expected)[0], atol=1e-5
    )


def test_far_from_the_examples_nothing_changes(recognizer, mnist):
    images = mnist.x_test[:400]
    examples = mnist.x_test[2000:2020]
    personal = recognizer.adapt(list(examples), (mnist.y_test[2000:2020] + 1) % 10)  # all wrong
    coarse = [render_strokes([stroke[::8] for stroke in drawing]) for drawing in STORED]
    shown = np.concatenate([images / 255, examples / 255, coarse]).astype(np.float32)
    features = recognizer._runtime.with_features(as_batch(shown))[1]
    ours, theirs = (directions(part, features[420:]) for part in (features[400:420], features))
    cosines = theirs[:400] @ ours.T
    far = cosines.max(axis=1) <= 0.14 + 0.3 * 12 / (20 + 12)
    assert 10 < far.sum() < 390
    after = personal.predict_images(images)
    # Read the images one by one, because in a batch the last bit differs.
    before = np.concatenate([recognizer.predict_images(image[None]) for image in images])
    np.testing.assert_array_equal(before[far], after[far])
    assert (before[~far] != after[~far]).any(axis=1).mean() > 0.9  # the others were certain


def test_the_layer_is_a_kernel_ridge_regression():
    rng = np.random.default_rng(0)
    features, labels = rng.uniform(0, 1, (30, 12)), rng.integers(10, size=30)
    others, typical = rng.uniform(0, 1, (50, 12)), rng.uniform(0, 1, (10, 12))
    ours, theirs = directions(features, typical), directions(others, typical)
    # Without a polynomial, this is kernel ridge regression. For vectors of length 1, |a - b|² is
    # 2 (1 - cosine).
    ridge = RBFInterpolator(
        ours,
        np.eye(10)[labels] - 0.1,
        smoothing=0.1,
        kernel="gaussian",
        epsilon=np.sqrt(1.25),
        degree=-1,
    )
    far = 0.14 + 0.3 * 12 / (30 + 12)
    near = (((theirs @ ours.T).max(axis=1, keepdims=True) - far) / (1 - far)).clip(0)
    network = rng.dirichlet(np.ones(10), 50)
    weight = 1 - near * 30 / (30 + 12)
    scores = network**weight * np.exp(near * 22 * ridge(theirs))
    expected = scores / scores.sum(axis=1, keepdims=True)
    answers = PersonalLayer(features, labels, typical).adjust(network, others)
    np.testing.assert_allclose(answers, expected, rtol=1e-6)


def test_the_layer_computes_as_specified():
    for vector in VECTORS:
        examples, typical, features, answers, adjusted = (
            np.array(vector[name])
            for name in ("examples", "typical", "features", "answers", "adjusted")
        )
        layer = PersonalLayer(examples, np.array(vector["labels"]), typical)
        np.testing.assert_allclose(
            layer.adjust(answers, features), adjusted, atol=1e-8, err_msg=vector["name"]
        )
        # Alone and in a batch, an answer is the same.
        np.testing.assert_allclose(layer.adjust(answers[:1], features[:1]), adjusted[:1], atol=1e-8)


def test_one_example_can_be_taken_back(recognizer):
    personal = recognizer.adapt(STORED[:3], [7, 8, 9])
    before = personal.predict(STORED[4]).probabilities
    personal.add(STORED[4], 1)
    assert personal.predict(STORED[4]).digit == 1
    personal.remove()
    np.testing.assert_array_equal(personal.predict(STORED[4]).probabilities, before)
    personal.remove(0)
    assert personal.labels.tolist() == [8, 9]
    assert personal.predict(STORED[0]).digit == 0
    np.testing.assert_array_equal(
        personal.images[0], (255 * render_strokes(STORED[1])).round().astype(np.uint8)
    )
    personal.clear()
    with pytest.raises(IndexError, match="one of 0 examples"):
        personal.remove()
    with pytest.raises(TypeError, match="index of an example, a whole number, got 0.5"):
        personal.remove(0.5)
    with pytest.raises(TypeError, match="a list of drawings, got NoneType"):
        load_recognizer().adapt(None, [1])
    for drawing in STORED:
        np.testing.assert_array_equal(
            personal.predict(drawing).probabilities, recognizer.predict(drawing).probabilities
        )


def test_an_image_is_learned_as_it_is(recognizer, mnist):
    personal = recognizer.adapt(list(mnist.x_test[:5]), mnist.y_test[:5])
    np.testing.assert_array_equal(personal.images, mnist.x_test[:5])


def test_adapting_again_keeps_the_examples(recognizer):
    first = recognizer.adapt(STORED[:1], [5])
    second = first.adapt(STORED[1:2], [6])
    assert (first.labels.tolist(), second.labels.tolist()) == ([5], [5, 6])
    assert second.predict(STORED[0]).digit == 5


def test_tables_and_tensors_are_examples_like_arrays(recognizer):
    image = render_strokes(STORED[3])
    for same in (pd.DataFrame(image), keras.ops.convert_to_tensor(image)):
        personal = recognizer.adapt([image, same], [3, 3])
        np.testing.assert_array_equal(*personal.images)


def test_no_example_is_lost_when_several_threads_teach(recognizer):
    personal = recognizer.adapt()
    with ThreadPoolExecutor(4) as threads:
        for digit in [*range(10)] * 4:
            threads.submit(personal.add, STORED[digit], digit)
    assert sorted(personal.labels.tolist()) == sorted([*range(10)] * 4)


def test_bad_examples_change_nothing(recognizer):
    personal = recognizer.adapt(STORED[:1], [5])
    for drawing, label, message in (
        ([], 3, "without ink"),
        (STORED[3], 10, "whole numbers from 0 to 9"),
        (STORED[3], None, "labels of shape"),
        ("mine.json", 3, "expected a drawing"),
    ):
        with pytest.raises((TypeError, ValueError), match=message):
            personal.add(drawing, label)
    with pytest.raises(ValueError, match=r"labels of shape \(2,\)"):
        recognizer.adapt(STORED[:2], [1])
    assert personal.labels.tolist() == [5]


def test_other_examples_replace_the_present_ones(recognizer, tmp_path):
    personal = recognizer.adapt(STORED, range(10))
    image = render_strokes(CROSS)  # in [0, 1]; examples are kept as bytes
    personal.replace_examples([image], [8])
    personal.save(tmp_path / "mine.json")
    for learned in (personal, load_personal(tmp_path / "mine.json")):
        np.testing.assert_array_equal(learned.images, [np.round(255 * image)])
        assert learned.labels.tolist() == [8] and learned.predict(CROSS).digit == 8
    for images, labels in (
        ([image], [10]),
        ([image], [1, 2]),
        ([image[:27]], [1]),
        ([2 * image], [1]),
    ):
        with pytest.raises(ValueError, match="expected"):
            personal.replace_examples(images, labels)
        assert personal.labels.tolist() == [8]


def test_a_saved_hand_reads_the_same(recognizer, tmp_path):
    path = tmp_path / "new" / "mine.json"
    personal = recognizer.adapt([*STORED, CROSS], [*range(10), 8])
    personal.save(path)
    assert path.stat().st_size < 1200 * 11
    for again in (load_personal(path), pickle.loads(pickle.dumps(personal))):
        for drawing in (*STORED, CROSS):
            np.testing.assert_array_equal(
                again.predict(drawing).probabilities, personal.predict(drawing).probabilities
            )


def test_a_personal_recognizer_gives_its_network_and_not_its_examples(recognizer, tmp_path):
    personal = recognizer.adapt([stored_drawing(4)], [4])
    personal.save(tmp_path / "mine.json")
    assert load_personal(tmp_path / "mine.json", personal).labels.tolist() == [4]


def test_what_is_kept_in_a_file_is_saved_with_every_change(recognizer, tmp_path):
    file = tmp_path / "hands" / "mine.json"
    one, other = recognizer.adapt(STORED[:2], [0, 1]), recognizer.adapt()
    one.keep_in(file)  # writes it, because there are examples
    other.keep_in(file)
    assert other.labels.tolist() == [0, 1]
    other.add(STORED[2], 2)
    one.remove(0)  # of the three
    assert load_personal(file).labels.tolist() == [1, 2]
    other.catch_up()
    assert other.labels.tolist() == [1, 2]
    other.replace_examples(other.images[:1], [7])
    one.add(STORED[3], 3)
    assert load_personal(file).labels.tolist() == one.labels.tolist() == [7, 3]
    one.keep_in(file)  # as it is already
    with pytest.raises(ValueError, match=r"expected .*mine.json, where this .* got other.json"):
        one.keep_in("other.json")
    with pytest.raises(ValueError, match=r"those in .*mine.json, got one with others"):
        recognizer.adapt(STORED[:1], [4]).keep_in(file)
    one.clear()
    assert not len(load_personal(file).labels)


@contextmanager
def full_disk():
    """Nothing can be written, and what is taught raises OSError."""

    def full(path, *examples):
        raise OSError(28, "No space left on device")

    with (
        pytest.MonkeyPatch.context() as patch,
        pytest.raises(OSError, match="No space left"),
    ):
        patch.setattr("digitlab.examples_file.write_examples", full)
        yield


@pytest.mark.parametrize("save", ["catch_up", "save", "add"])
@pytest.mark.parametrize(
    ("change", "learned"),
    [
        (lambda one: one.add(STORED[5], 5), [1, 2, 2, 7, 8, 5]),
        (lambda one: one.remove(), [1, 2, 7, 8]),
        (lambda one: one.remove(0), [2, 2, 7, 8]),
        (lambda one: one.clear(), [7, 8]),
        (lambda one: one.replace_examples(one.images[:1], [6]), [7, 8, 6]),
    ],
    ids=["add", "remove", "remove the first", "clear", "replace"],
)
def test_a_change_that_could_not_be_saved_is_made_in_what_others_saved(
    recognizer, tmp_path, change, learned, save
):
    file = tmp_path / "mine.json"
    one, other = recognizer.adapt([STORED[1], STORED[2], STORED[2]], [1, 2, 2]), recognizer.adapt()
    one.keep_in(file)
    other.keep_in(file)
    with full_disk():
        change(one)
    other.add(STORED[7], 7)
    other.add(STORED[8], 8)
    learned = [*learned, 9] if save == "add" else learned
    action = {"catch_up": one.catch_up, "save": lambda: one.save(file)}
    action.get(save, lambda: one.add(STORED[9], 9))()
    for _ in range(2):
        assert load_personal(file).labels.tolist() == one.labels.tolist() == learned
        other.catch_up()
        one.catch_up()
        assert other.labels.tolist() == learned
    # An example that was saved again is not learned twice.
    one.add(STORED[3], 3)
    assert load_personal(file).labels.tolist() == [*learned, 3]


def test_saving_in_its_file_leaves_what_others_taught(recognizer, tmp_path):
    file = tmp_path / "mine.json"
    one, other = recognizer.adapt(), recognizer.adapt()
    one.keep_in(file)
    other.keep_in(file)
    other.add(STORED[2], 2)
    one.save(file)
    assert load_personal(file).labels.tolist() == one.labels.tolist() == [2]
    one.save(tmp_path / "copy.json")
    assert load_personal(tmp_path / "copy.json").labels.tolist() == [2]


def test_what_was_taught_while_the_file_was_out_of_reach_is_kept(recognizer, tmp_path):
    folder, away = tmp_path / "disk", tmp_path / "away"
    personal = recognizer.adapt()
    personal.keep_in(folder / "mine.json")
    personal.add(STORED[1], 1)
    folder.rename(away)  # a disk that is no longer mounted
    for label in (2, 3):
        with pytest.raises(OSError, match="disk"):
            personal.add(STORED[label], label)
    assert not folder.exists()
    away.rename(folder)
    personal.catch_up()
    assert load_personal(folder / "mine.json").labels.tolist() == [1, 2, 3]
    (folder / "mine.json").unlink()
    (folder / "mine.json").mkdir()
    with pytest.raises(OSError, match="mine.json"):
        personal.add(STORED[4], 4)
    (folder / "mine.json").rmdir()
    personal.add(STORED[5], 5)
    assert load_personal(folder / "mine.json").labels.tolist() == [1, 2, 3, 4, 5]


TEACHER = """import sys, digitlab
_, file, label, times, *own = sys.argv
drawing = digitlab.stored_drawing(int(label))
personal = digitlab.load_recognizer().adapt([drawing] * len(own), [int(label)] * len(own))
print("ready", flush=True)
sys.stdin.readline()
personal.keep_in(file)
for _ in range(int(times)):
    personal.add(drawing, int(label))
"""


def taught_at_once(*arguments):
    """Run teachers in processes that start at once; return their exit statuses."""
    teachers = [
        subprocess.Popen(
            [sys.executable, "-c", TEACHER, *map(str, each)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        for each in arguments
    ]
    for teacher in teachers:
        assert teacher.stdout.readline() == "ready\n"
    for teacher in teachers:
        teacher.stdin.write("\n")
        teacher.stdin.flush()
    for teacher in teachers:
        teacher.communicate(timeout=120)
    return [teacher.returncode for teacher in teachers]


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_one_file_behind_two_links_is_one_file(recognizer, tmp_path):
    file = tmp_path / "shared" / "hand.json"
    links = [tmp_path / name / "mine.json" for name in ("ann", "ben")]
    recognizer.adapt([STORED[0]], [0]).save(file)
    for link in links:
        link.parent.mkdir()
        link.symlink_to(file)
    assert taught_at_once((links[0], 3, 20), (links[1], 4, 20)) == [0, 0]
    assert Counter(load_personal(file).labels.tolist()) == {0: 1, 3: 20, 4: 20}
    personal = recognizer.adapt()
    personal.keep_in(links[0])
    personal.keep_in(tmp_path / "ann" / ".." / "ben" / "mine.json")  # is the same
    personal.add(STORED[5], 5)
    assert load_personal(file).labels.tolist()[-1] == 5 and links[0].is_symlink()


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows has no locks")
def test_only_one_can_begin_a_new_file_with_examples_of_its_own(tmp_path):
    for attempt in range(5):
        file = tmp_path / f"{attempt}" / "hand.json"
        statuses = taught_at_once((file, 3, 0, 3), (file, 4, 0, 4))
        assert sorted(statuses) == [0, 1]
        assert load_personal(file).labels.tolist() in ([3], [4])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows does not fork")
def test_a_forked_process_can_learn(tmp_path):
    code = f"""import os, sys, threading, time, digitlab
from digitlab import examples_file
saving, write = threading.Event(), examples_file.write_examples
def slow(*arguments):
    saving.set()
    time.sleep(1)
    write(*arguments)
examples_file.write_examples = slow
recognizer = digitlab.load_recognizer()
personal, drawing = recognizer.adapt(), digitlab.stored_drawing(1)
personal.keep_in({str(tmp_path / "mine.json")!r})
threading.Thread(target=personal.add, args=(drawing, 1)).start()
saving.wait()
child = os.fork()  # waits until the example is saved
if not child:
    personal.adapt().remove()
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
personal.add(drawing, 2)
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    assert load_personal(tmp_path / "mine.json").labels.tolist() == [1, 2]


def test_copies_are_not_kept_in_the_file(recognizer, tmp_path):
    personal = recognizer.adapt()
    personal.keep_in(tmp_path / "mine.json")
    personal.add(STORED[1], 1)
    for another in (personal.adapt(), copy.copy(personal), pickle.loads(pickle.dumps(personal))):
        another.add(STORED[2], 2)
        another.catch_up()  # does nothing
        assert another.labels.tolist() == [1, 2]
    assert load_personal(tmp_path / "mine.json").labels.tolist() == [1]


def test_a_file_that_cannot_be_kept_in_is_refused(recognizer, tmp_path):
    (tmp_path / "text.json").write_text("something else")
    personal = recognizer.adapt()
    with pytest.raises(ValueError, match="the examples of a hand"):
        personal.keep_in(tmp_path / "text.json")
    personal.add(STORED[1], 1)  # it is not kept there
    assert (tmp_path / "text.json").read_text() == "something else"
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        personal.keep_in(tmp_path / "file" / "mine.json")
    personal.keep_in(tmp_path / "mine.json")
    assert load_personal(tmp_path / "mine.json").labels.tolist() == [1]


def test_a_hand_belongs_to_its_network(recognizer, tmp_path):
    path = tmp_path / "mine.json"
    other = Recognizer(digitlab.pen_cnn())
    recognizer.adapt([CROSS], [8]).save(path)
    with pytest.raises(ValueError, match="belongs to another one.*relearn=True"):
        load_personal(path, other)
    assert load_personal(path, other, relearn=True).predict(CROSS).digit == 8
    other.adapt([CROSS], [8]).save(path)
    assert load_personal(path, other).predict(CROSS).digit == 8


def of_the_page(images, labels):
    """A file as the web page exports it."""
    encoded = [base64.b64encode(image.tobytes()).decode() for image in images]
    document = {"format": "digitlab hand", "version": 1, "labels": labels, "images": encoded}
    return json.dumps(document, separators=(",", ":"))  # as JavaScript writes it


def test_a_file_of_the_web_page_belongs_to_any_network(recognizer, mnist, tmp_path):
    path = tmp_path / "class" / "mine.json"
    path.parent.mkdir()
    path.write_text(of_the_page(mnist.x_test[:2], [3, 4]))
    for reader in (recognizer, Recognizer(digitlab.pen_cnn())):
        personal = load_personal(path, reader)
        np.testing.assert_array_equal(personal.images, mnist.x_test[:2])
        assert personal.predict_images(mnist.x_test[:2]).argmax(1).tolist() == [3, 4]
    assert digitlab.load_drawings(path.parent).labels.tolist() == [3, 4]
    personal.save(path)
    with pytest.raises(ValueError, match="belongs to another one"):
        load_personal(path, recognizer)


def test_a_changed_file_is_rejected(recognizer, mnist, tmp_path):
    path = tmp_path / "mine.json"
    recognizer.adapt([CROSS], [8]).save(path)
    content = path.read_text()
    document = json.loads(content)
    bad = [content[:-9], "[]", "{}", "[" * 100_000, content.replace("8", "7", 1)]
    changes = ({"labels": [9]}, {"version": 2}, {"network": 5}, {"network": None}, {"sha256": None})
    bad += [json.dumps(document | change) for change in changes]
    images = mnist.x_test[:2]
    exported = of_the_page(images, [3, 4])
    bad += [exported[:-9], exported.replace("A", "-"), exported.replace("A", "", 4)]
    pairs = ((images, [3]), (images, [3, 10]), (images[:, 1:], [3, 4]))
    bad += [of_the_page(*pair) for pair in pairs]
    for text in bad:
        path.write_text(text)
        with pytest.raises(ValueError, match="to hold the examples of a hand"):
            load_personal(path)


def test_a_hand_is_loaded_with_a_model_and_not_with_what_has_no_layers(tmp_path):
    model, path = digitlab.pen_cnn(), tmp_path / "mine.json"
    Recognizer(model).adapt([stored_drawing(4)], [4]).save(path)
    assert load_personal(path, model).labels.tolist() == [4]
    with pytest.raises(ValueError, match="expected a network with layers"):
        load_personal(path, lambda image: np.full(10, 0.1))
    for other in ("mine.keras", load_recognizer):
        with pytest.raises((TypeError, ValueError), match="expected a "):
            load_personal(path, other)
