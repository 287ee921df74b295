"""The recognizer: from a drawing, or images of 28 x 28, to probabilities of the ten digits."""

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from tqdm import tqdm

from digitlab.answers import (
    LOOK_AGAIN_BELOW,
    checked_answers,
    combine_looks,
    digit_probabilities,
    is_non_digit,
)
from digitlab.examples_file import HandFile, write_examples
from digitlab.images import (
    CLASSES,
    SIZE,
    as_batch,
    as_bytes,
    as_image,
    as_images,
    as_labels,
)
from digitlab.numbers.ink_pieces import InkPieces
from digitlab.numbers.pieces import Writing
from digitlab.numbers.reading import NumberReading, read_pieces
from digitlab.numbers.stroke_pieces import StrokePieces
from digitlab.personal import PersonalLayer, typical_images
from digitlab.pictures.brightness import is_picture
from digitlab.pictures.digit import normalize_image
from digitlab.pictures.ink import find_ink
from digitlab.prediction import Prediction
from digitlab.runtimes.wrapping import as_runtime
from digitlab.strokes import as_strokes, render_strokes, turn_strokes

BATCH = 32  # images: the fastest size; at 128 or more, their arrays exceed the processor's cache
_NUMBER_BATCH = 16  # the same for the parts of a number: there are about this many

# One for all, because a recognizer that had a lock of its own could not be pickled. A handler of
# signals and a forked process may need it while it is held.
_LEARNING = threading.RLock()
if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(
        before=_LEARNING.acquire,
        after_in_parent=_LEARNING.release,
        after_in_child=_LEARNING.release,
    )


class Recognizer:
    """Reads drawings and images with a network.

    Args:
        model: A Keras model, or any callable, that maps float32 images (n, 28, 28, 1) in [0, 1],
            ink 1 on paper 0, to probabilities (n, 10); or (n, 11), the last that of a non-digit.

    Raises:
        TypeError: The model cannot be called.
        ValueError: It is a Keras model that takes something other than images.

    Example:
        >>> def guess(images):
        ...     return np.full((len(images), 10), 0.1)  # all digits are equally likely
        >>> recognizer = digitlab.Recognizer(guess)
        >>> recognizer.predict(digitlab.stored_drawing(5)).confidence
        0.10000000149011612
    """

    def __init__(self, model: Callable[[np.ndarray], np.ndarray]):
        self._model = model
        self._runtime = as_runtime(model)

    @property
    def model(self) -> Callable:
        """The network."""
        return self._model

    @property
    def network_checksum(self) -> str:
        """What tells this network from others: a checksum of its LiteRT file or its Keras weights.

        The same network has another one in each of these formats. It is "" for a function.
        """
        return self._runtime.checksum()

    def predict(self, drawing: npt.ArrayLike | Image.Image, tta: bool = True) -> Prediction:
        """Read one digit.

        The prediction has no digit if the probability of the network's eleventh class, non-digits,
        is above one half. A network without that class sees a digit in any ink.

        Args:
            drawing: A list of strokes, each of shape (n, 2): x, y in pad pixels, y down; or a
                picture, an array or a Pillow image (see `digitlab.normalize_image`). A tensor is
                taken as the array that it holds, and so is a table of 28 x 28 pixels or of one row
                of 784.
            tta: Test-time augmentation: if the network is unsure, so that none of its outputs
                reaches a probability of 0.9, look at the strokes again, turned by 20 degrees either
                way, and take each digit's largest probability, the mean for the non-digit, scaled
                so that they sum to 1. Pictures are looked at only once.

        Raises:
            TypeError, ValueError: See `digitlab.render_strokes` and `digitlab.normalize_image`; or
                the network does not answer with probabilities.
        """
        image = _image_of(drawing)
        if not image.any():
            return Prediction(None, 0.0, np.full(CLASSES, 1 / CLASSES, np.float32), image)
        again = tta and not is_picture(drawing)
        answers = self._answers(image[None], drawing if again else None)
        (probabilities,), (rejected,) = digit_probabilities(answers), is_non_digit(answers)
        if rejected:
            return Prediction(None, 0.0, probabilities, image)
        digit = int(probabilities.argmax())
        return Prediction(digit, float(probabilities[digit]), probabilities, image)

    def read_number(self, drawing: npt.ArrayLike | Image.Image) -> NumberReading:
        """Read any number of digits, even if they touch, or are in several rows or on tilted lines.

        The writing is cut in many ways, and the network reads all parts; the best way wins.
        Non-digits are kept: a point, a comma and a minus as ".", "," and "-", anything else as "?".
        But a slash is read as a 1, and the points of a colon are taken for specks. A row of which a
        picture shows only the upper or lower ends is left out.

        Args:
            drawing: As for `predict`. The strokes may be in any order.

        Raises:
            TypeError, ValueError: See `predict`.

        Example:
            >>> minus = np.array([(0, 140), (60, 140)])
            >>> five = [stroke + (20, 0) for stroke in digitlab.stored_drawing(5)]
            >>> digitlab.load_recognizer().read_number([minus, *five]).text
            '-5'
        """
        return read_pieces(_pieces_of(drawing), self._answers_in_batches)

    def predict_images(self, images: npt.ArrayLike, tta: bool = False) -> np.ndarray:
        """Read images that are already in MNIST's geometry, each as one digit.

        Only a few images are in memory at a time besides `images` and the result, so a million on
        disk can be read: ``numpy.load(path, mmap_mode="r")``. After two seconds, a progress bar
        shows the time left.

        Args:
            images: (n, 28, 28) or (n, 784), ink light on dark: integers from 0 to 255, or floating
                point in [0, 1]; an array, a table or a tensor.
            tta: Test-time augmentation: if no digit reaches a probability of 0.9, read the image
                again, moved diagonally by half a pixel either way, and take the mean. Fewer of
                MNIST's scanned digits are then misread; drawn digits, which are sharper, gain
                nothing.

        Returns:
            (n, 10) float32, each row sums to 1.

        Raises:
            ValueError: The images have the wrong shape, type or range, or the network does not
                answer with probabilities (n, 10) or (n, 11).
        """
        images = as_images(images)
        probabilities = np.empty((len(images), CLASSES), np.float32)
        unsure: list[int] = []
        for batch in _batches(len(images)):
            probabilities[batch] = digit_probabilities(self._answers(images[batch]))
            if tta:
                some = np.flatnonzero(probabilities[batch].max(axis=1) < LOOK_AGAIN_BELOW)
                unsure.extend((some + batch.start).tolist())
                # In full batches, which are fastest, and the rest at the end.
                while len(unsure) >= BATCH or unsure and batch.stop >= len(images):
                    again, unsure = unsure[:BATCH], unsure[BATCH:]
                    for moved in _moved(images[again]):
                        probabilities[again] += digit_probabilities(self._answers(moved))
                    probabilities[again] /= 3
        return probabilities

    def rejects(self, images: npt.ArrayLike) -> np.ndarray:
        """Tell which of many images the network takes for non-digits.

        Unlike `predict`, this takes the images as they are: it does not crop or centre them, and
        it asks the network about empty ones, too. A network with ten outputs rejects nothing.

        Args:
            images: (n, 28, 28), as for `predict_images`.

        Returns:
            (n,) bool.

        Raises:
            ValueError: See `predict_images`.
        """
        images = as_images(images)
        rejected = np.empty(len(images), bool)
        for batch in _batches(len(images)):
            rejected[batch] = is_non_digit(self._answers(images[batch]))
        return rejected

    def get_activations(self, image: npt.ArrayLike) -> dict[str, np.ndarray]:
        """Read an image, and return the output of each of the network's layers.

        This works for Keras models and, without TensorFlow, for LiteRT::

            digitlab.plot_activations(recognizer.get_activations(pad.image))

        Args:
            image: (28, 28), ink light on dark: integers from 0 to 255, or floating point in [0, 1],
                such as a prediction's ``image``.

        Returns:
            Each layer's output by the layer's name: float32, (h, w, channels), or (n,) for a dense
            layer. The last is the network's own answer. LiteRT has no names for layers, so they
            are "Layer 1" and so on; those of Keras have their kind and number, such as "ReLU 1".
            Layers whose output the next one only normalises or activates, layers that do nothing
            at inference, and those whose output has any other shape are left out. The result is
            empty for a function, which has no layers.

        Raises:
            ValueError: The shape or range is wrong.
        """
        return self._runtime.activations(as_image(image)[None, ..., None])

    def adapt(
        self, drawings: Sequence[npt.ArrayLike | Image.Image] = (), labels: npt.ArrayLike = ()
    ) -> "PersonalRecognizer":
        """Return a recognizer that learns one person's hand, from these examples and later ones.

        Learning takes milliseconds, on any processor. This recognizer stays as it is.

        Args:
            drawings: n drawings, each as for `predict`; or images (28, 28) in MNIST's geometry,
                such as a prediction's ``image``.
            labels: (n,), 0 to 9: which digit each of them is.

        Raises:
            TypeError, ValueError: See `predict`; or a drawing has no ink, the labels have another
                number or value, or the network has no dense layer or is a function.
        """
        return PersonalRecognizer(self, drawings, labels)

    def _answers_in_batches(self, images: np.ndarray) -> np.ndarray:
        """Do what `_answers` does, in batches of one size: LiteRT takes long to change sizes."""
        count, size = len(images), _NUMBER_BATCH
        whole = np.zeros((-(-count // size) * size, *images.shape[1:]), np.float32)
        whole[:count] = images
        answers = [self._answers(whole[at : at + size]) for at in range(0, len(whole), size)]
        return np.concatenate(answers)[:count]

    def _answers(self, images: np.ndarray, drawing: Any = None) -> np.ndarray:
        """Return the network's checked answers, (n, 10) or (n, 11), to images (n, 28, 28).

        Args:
            images: The images.
            drawing: The strokes of the only image, to look at again if necessary.
        """
        answers = checked_answers(self._runtime(as_batch(images)), len(images))
        return answers if drawing is None else self._look_again(answers, drawing)

    def _look_again(self, answers: np.ndarray, drawing: Any) -> np.ndarray:
        """Return the answers (1, 10) or (1, 11) to a drawing, from three looks if unsure."""
        if answers.max() >= LOOK_AGAIN_BELOW:
            return answers
        turned = turn_strokes(as_strokes(drawing))
        # One by one: LiteRT takes long to change to another batch size.
        again = [self._runtime(as_batch(render_strokes(strokes)[None])) for strokes in turned]
        return combine_looks(np.stack([answers, *(checked_answers(each, 1) for each in again)]))


class PersonalRecognizer(Recognizer):
    """Reads with another recognizer's network, and learns how one person writes.

    `Recognizer.adapt` makes one. The network does not change: an additional last layer learns from
    the examples, and counts more the closer a drawing is to one of them. Far from all examples, the
    network's own answer stands, see `digitlab.personal`. A drawing that looks like an example is
    read as a digit, even if the network sees none.

    Args:
        recognizer: The recognizer whose network to use, and whose examples, if it has any.
        drawings, labels: See `Recognizer.adapt`.

    Example:
        >>> personal = digitlab.load_recognizer().adapt()
        >>> gamma = [[[90, 60], [190, 220]], [[190, 60], [110, 220]]]  # my 8 begins like this
        >>> personal.predict(gamma).digit
        >>> personal.add(gamma, 8)
        >>> personal.predict(gamma).digit
        8
        >>> personal.save("mine.json")  # or keep_in, which saves every change
        >>> personal = digitlab.load_personal("mine.json")
        >>> axes = digitlab.plot_digits(personal.images, personal.labels, "learned from you")
        >>> personal.remove()  # takes the last one back
        >>> personal.labels
        array([], dtype=int64)
    """

    def __init__(
        self,
        recognizer: Recognizer,
        drawings: Sequence[npt.ArrayLike | Image.Image] = (),
        labels: npt.ArrayLike = (),
    ):
        super().__init__(recognizer.model)
        self._file: HandFile | None = None
        self._images = np.zeros((0, SIZE, SIZE), np.uint8)
        self._labels = np.zeros(0, np.int64)
        if isinstance(recognizer, PersonalRecognizer):
            self._typical: np.ndarray = recognizer._typical
            with _LEARNING:
                self._images, self._labels = recognizer._images, recognizer._labels
                self._features: np.ndarray = recognizer._features
        else:
            self._typical = self._features_of(typical_images())
            self._features = self._typical[:0]
        self._learn_more(as_examples(drawings), labels)

    @property
    def images(self) -> np.ndarray:
        """The examples that it has learned, (n, 28, 28) uint8."""
        return self._images.copy()

    @property
    def labels(self) -> np.ndarray:
        """Which digits the examples are, (n,) int64."""
        return self._labels.copy()

    def add(self, drawing: npt.ArrayLike | Image.Image, label: int) -> None:
        """Learn one more example.

        Args:
            drawing: As for `Recognizer.adapt`.
            label: Which digit it is, 0 to 9.

        Raises:
            TypeError, ValueError: See `Recognizer.adapt`. In that case nothing is learned.
            OSError: See `keep_in`.
        """
        self._learn_more(as_examples([drawing]), [label])

    def remove(self, index: int = -1) -> None:
        """Forget an example. Default: the last one.

        Raises:
            IndexError: There is no such example.
            TypeError: The index is not a whole number.
            OSError: See `keep_in`.
        """
        if not isinstance(index, Integral) or isinstance(index, bool):
            raise TypeError(f"expected the index of an example, a whole number, got {index!r}")

        def remove() -> None:
            if not -len(self._labels) <= index < len(self._labels):
                raise IndexError(f"expected one of {len(self._labels)} examples, got {index}")
            kept = np.delete(np.arange(len(self._labels)), index)
            self._learn(self._images[kept], self._labels[kept], self._features[kept])

        self._change(remove)

    def clear(self) -> None:
        """Forget all examples.

        Raises:
            OSError: See `keep_in`.
        """
        self._change(lambda: self._learn(self._images[:0], self._labels[:0], self._features[:0]))

    def replace_examples(self, images: npt.ArrayLike, labels: npt.ArrayLike) -> None:
        """Learn other examples in place of all present ones.

        Args:
            images: (n, 28, 28), as for `predict_images`, such as another recognizer's ``images``.
            labels: (n,), 0 to 9: which digit each of them is.

        Raises:
            ValueError: They have another form. In that case the present examples stay.
            OSError: See `keep_in`.
        """
        examples = as_bytes(as_batch(as_images(images))[..., 0])
        digits = as_labels(labels, len(examples))
        features = self._features_of(examples)
        self._change(lambda: self._learn(examples, digits, features))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the examples to a JSON file, for `digitlab.load_personal`.

        Args:
            path: The file. It is replaced only when the new one is complete. In a file that this
                recognizer is kept in, what others have learned stays, see `keep_in`.

        Raises:
            OSError: The file cannot be written.
            ValueError: This recognizer is kept in the file, and something else is there now.
        """
        with _LEARNING:
            if self._file is not None and self._file.path == Path(os.path.realpath(path)):
                self._file.save()
            else:
                write_examples(path, *self._examples(), self.network_checksum)

    def keep_in(self, path: str | os.PathLike[str]) -> None:
        """Keep the examples in a file from now on: learn those in it, and save every change.

        Several recognizers, in one process or in many, can be kept in one file. Each learns what
        the others have learned before it changes anything, and with `catch_up`. (Windows has no
        locks for this: two processes should not teach at the same moment there.) When a change
        cannot be saved, OSError is raised; it is learned all the same, and saved with the next one.
        Copies of this recognizer are not kept.

        Args:
            path: A file that `save` wrote, for any network; or a new one, which is written as soon
                as there are examples.

        Raises:
            OSError: The file cannot be read or written.
            ValueError: It is not such a file; or this recognizer has examples, but not those in the
                file; or it is kept in another file.
        """
        # Folders and links may change.
        file = HandFile(
            Path(os.path.realpath(path)),
            self._examples,
            self._relearn,
            lambda: self.network_checksum,
        )
        with _LEARNING:
            if self._file is None:
                file.start()
                self._file = file
            elif self._file.path == file.path:
                self._file.catch_up()
            else:
                raise ValueError(
                    f"expected {self._file.path}, where this recognizer is kept, got {path}; "
                    "keep a copy there: recognizer.adapt()"
                )

    def catch_up(self) -> None:
        """Learn what others have written to the file, if this recognizer is kept in one.

        What could not be saved in it is saved, too.

        Raises:
            OSError, ValueError: See `keep_in`; nothing is lost.
        """
        with _LEARNING:
            if self._file is not None:
                self._file.catch_up()

    def __getstate__(self) -> dict[str, Any]:
        """Return what a copy gets, in this process or in another: everything but the file."""
        return self.__dict__ | {"_file": None}

    def _change(self, change: Callable[[], None]) -> None:
        """Change what was learned, with `_learn`, and keep it."""
        with _LEARNING:
            if self._file is None:
                change()
            else:
                self._file.change(change)

    def _learn_more(self, images: np.ndarray, labels: npt.ArrayLike) -> None:
        digits = as_labels(labels, len(images))
        features = self._features_of(images)
        self._change(
            lambda: self._learn(
                np.concatenate([self._images, images]),
                np.concatenate([self._labels, digits]),
                np.concatenate([self._features, features]),
            )
        )

    def _examples(self) -> tuple[np.ndarray, np.ndarray]:
        return self._images, self._labels

    def _relearn(self, images: np.ndarray, labels: np.ndarray) -> None:
        self._learn(images, labels, self._features_of(images))

    def _learn(self, images: np.ndarray, labels: np.ndarray, features: np.ndarray) -> None:
        # First, so that nothing has changed if it fails.
        layer = PersonalLayer(features, labels, self._typical)
        self._images, self._labels, self._features, self._layer = images, labels, features, layer

    def _features_of(self, images: np.ndarray) -> np.ndarray:
        """Return the features (n, f) of images (n, 28, 28)."""
        # An empty image is added, to find out at once whether there are features.
        _, features = self._runtime.with_features(
            as_batch(np.pad(images, ((0, 1), (0, 0), (0, 0))))
        )
        return features[:-1]

    def _answers(self, images: np.ndarray, drawing: Any = None) -> np.ndarray:
        answers, features = self._runtime.with_features(as_batch(images))
        answers = checked_answers(answers, len(images))
        if drawing is not None:
            answers = self._look_again(answers, drawing)
        return self._layer.adjust(answers, features)


def predict_batch(recognizer: Recognizer, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Read a few images, (n, 28, 28) as `as_images` gives them.

    Returns:
        What `Recognizer.predict_images` and `Recognizer.rejects` return, in one pass: the
        probabilities (n, 10) float32, and which images are non-digits, (n,) bool.
    """
    kind = type(recognizer)
    if (kind.predict_images, kind.rejects) != (Recognizer.predict_images, Recognizer.rejects):
        return recognizer.predict_images(images), recognizer.rejects(images)  # somebody's own
    answers = recognizer._answers(images)
    return digit_probabilities(answers), is_non_digit(answers)


def _image_of(drawing: Any) -> np.ndarray:
    """Return the image (28, 28) of a drawing or of a picture."""
    return normalize_image(drawing) if is_picture(drawing) else render_strokes(drawing)


def _pieces_of(drawing: Any) -> Writing:
    """Return the pieces of a drawing or of a picture."""
    if is_picture(drawing):
        return InkPieces(*find_ink(drawing))
    return StrokePieces(as_strokes(drawing))


def as_examples(drawings: Iterable[Any]) -> np.ndarray:
    """Return the images of examples as they will be saved: (n, 28, 28) uint8.

    Raises:
        TypeError, ValueError: See `Recognizer.adapt`.
    """
    if not isinstance(drawings, Iterable):
        raise TypeError(f"expected a list of drawings, got {type(drawings).__name__}")
    return np.array(list(map(_as_example, drawings)), np.uint8).reshape(-1, SIZE, SIZE)


def _as_example(drawing: Any) -> np.ndarray:
    ready = getattr(drawing, "shape", None) == (SIZE, SIZE)  # an array, a table or a tensor
    image = as_image(drawing) if ready else _image_of(drawing)
    image = as_bytes(image)
    if not image.any():
        raise ValueError("expected a drawing of a digit as an example, got one without ink")
    return image


def _batches(n: int) -> Iterator[slice]:
    """Yield slices of batches of `n` images, with a progress bar after two seconds."""
    firsts = range(0, n, BATCH)
    # One batch needs no bar: making one takes longer than reading an image.
    for first in tqdm(firsts, "Reading", delay=2, leave=False, disable=len(firsts) < 2):
        yield slice(first, first + BATCH)


def _moved(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Move images (n, 28, 28) by half a pixel right and down, and by half a pixel left and up."""
    images = as_batch(images)[..., 0]
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1)))
    rows = (padded[:, :-1] + padded[:, 1:]) / 2  # (n, 29, 30)
    between = (rows[:, :, :-1] + rows[:, :, 1:]) / 2  # (n, 29, 29): where four pixels meet
    return between[:, :-1, :-1], between[:, 1:, 1:]
