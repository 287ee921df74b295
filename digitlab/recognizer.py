"""The recognizer: a drawing, or images of 28 x 28, to the probabilities of the ten digits."""

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from tqdm import tqdm

from digitlab._io import shipped_path
from digitlab.brightness import is_picture
from digitlab.images import CLASSES, as_array, as_batch, as_image, as_images
from digitlab.numbers.ink_pieces import InkPieces
from digitlab.numbers.pieces import Writing
from digitlab.numbers.reading import NumberReading, read_pieces
from digitlab.numbers.stroke_pieces import StrokePieces
from digitlab.pictures import find_ink, normalize_image
from digitlab.prediction import Prediction, digit_probabilities
from digitlab.runtimes import ImageFunction, LiteRT, as_runtime
from digitlab.strokes import as_strokes, render_strokes

_BATCH = 32  # images: the fastest size; from 128 on, their arrays leave the processor's cache
_FEW = 16  # the same for the parts of a number, of which there are about as many

# Below this probability `predict_images` looks again. On held-out digits of MNIST, thresholds from
# 0.8 to 1 gave the same accuracy, and 1 or 2 of 100 digits are below 0.9.
_SURE = 0.9


class Recognizer:
    """Reads drawings and images with a network.

    Args:
        model: A Keras model, or any callable, from float32 images (n, 28, 28, 1) in [0, 1], ink 1
            on paper 0, to probabilities (n, 10); or (n, 11), the last one of a non-digit.

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

    def predict(self, drawing: npt.ArrayLike | Image.Image) -> Prediction:
        """Read one digit.

        There is none if the network's eleventh output, the probability of a non-digit, is above one
        half. A network without that output sees a digit in any ink.

        Args:
            drawing: A list of strokes, each of shape (n, 2): x, y in pad pixels, y down; or a
                picture, an array or a Pillow image (see `digitlab.normalize_image`). Tables and
                tensors are taken as the arrays that they hold.

        Raises:
            TypeError, ValueError: See `digitlab.render_strokes` and `digitlab.normalize_image`.
        """
        normalize: Callable = normalize_image if is_picture(drawing) else render_strokes
        image = normalize(drawing)
        if not image.any():
            return Prediction(None, 0.0, np.full(CLASSES, 1 / CLASSES, np.float32), image)
        (answer,) = self._answers(image[None])
        probabilities = digit_probabilities(answer[None])[0]
        if _is_non_digit(answer[None])[0]:
            return Prediction(None, 0.0, probabilities, image)
        digit = int(probabilities.argmax())
        return Prediction(digit, float(probabilities[digit]), probabilities, image)

    def read_number(self, drawing: npt.ArrayLike | Image.Image) -> NumberReading:
        """Read any number of digits, also in several rows, touching, or on tilted lines.

        The writing is cut in many ways, and the network reads all parts; the best way wins. What is
        no digit stays: a point, a comma and a minus as ".", "," and "-", anything else as "?".

        Args:
            drawing: As for `predict`. The strokes may be in any order.

        Raises:
            TypeError, ValueError: As `predict`.

        Example:
            >>> minus = np.array([(0, 140), (60, 140)])
            >>> five = [stroke + (20, 0) for stroke in digitlab.stored_drawing(5)]
            >>> digitlab.load_recognizer().read_number([minus, *five]).text
            '-5'
        """
        pieces: Callable = _pieces_of_picture if is_picture(drawing) else _pieces_of_drawing
        writing: Writing = pieces(drawing)
        return read_pieces(writing, self._answers_in_batches)

    def predict_images(self, images: npt.ArrayLike, tta: bool = False) -> np.ndarray:
        """Read images that are already in MNIST's geometry, each of them as a digit.

        Only a few images are in memory at a time besides `images` and the result, so a million on
        disk can be read: ``numpy.load(path, mmap_mode="r")``. After two seconds, a bar shows the
        time left.

        Args:
            images: (n, 28, 28) or (n, 784), ink light on dark: integers from 0 to 255, or floating
                point in [0, 1]; an array, a table or a tensor.
            tta: Test-time augmentation: where no digit has a probability of 0.9, read the image
                again, moved by half a pixel to either side, and take the mean. Fewer of MNIST's
                scanned digits are misread; drawn ones, which are sharper, gain nothing.

        Returns:
            (n, 10) float32, each row sums to 1.

        Raises:
            ValueError: Images of another shape, type or range, or the network does not answer with
                probabilities (n, 10) or (n, 11).
        """
        images = as_images(images)
        probabilities = np.empty((len(images), CLASSES), np.float32)
        unsure: list[int] = []
        for batch in _batches(len(images)):
            probabilities[batch] = digit_probabilities(self._answers(images[batch]))
            if tta:
                some = np.flatnonzero(probabilities[batch].max(axis=1) < _SURE) + batch.start
                unsure.extend(some.tolist())
                # In full batches, which are fastest, and the rest at the end.
                while len(unsure) >= _BATCH or unsure and batch.stop >= len(images):
                    again, unsure = unsure[:_BATCH], unsure[_BATCH:]
                    for moved in _moved(images[again]):
                        probabilities[again] += digit_probabilities(self._answers(moved))
                    probabilities[again] /= 3
        return probabilities

    def rejects(self, images: npt.ArrayLike) -> np.ndarray:
        """Tell in which of many images the network sees no digit, as `predict` does for one.

        A network with ten outputs rejects nothing.

        Args:
            images: (n, 28, 28), as for `predict_images`.

        Returns:
            (n,) bool.

        Raises:
            ValueError: As `predict_images`.
        """
        images = as_images(images)
        rejected = np.empty(len(images), bool)
        for batch in _batches(len(images)):
            rejected[batch] = _is_non_digit(self._answers(images[batch]))
        return rejected

    def get_activations(self, image: npt.ArrayLike) -> dict[str, np.ndarray]:
        """Read an image, and return what each of the network's layers answered.

        For a Keras model, or without TensorFlow for LiteRT::

            digitlab.plot_activations(recognizer.get_activations(pad.image))

        Args:
            image: (28, 28), ink light on dark: integers from 0 to 255, or floating point in [0, 1],
                such as a prediction's ``image``.

        Returns:
            Each layer's answer by its name: float32, (h, w, channels), or (n,) for a dense
            layer. The last is the network's own answer. LiteRT has no names for layers, so they
            are "Layer 1" and so on; Keras' are called by kind and number, such as "ReLU 1". Layers
            that the next one only normalises or activates, and layers that do nothing at
            inference, are left out. Empty for a function, which has no layers.

        Raises:
            ValueError: For another shape or range.
        """
        return self._runtime.activations(as_image(image)[None, ..., None])

    def _answers_in_batches(self, images: np.ndarray) -> np.ndarray:
        """Do the same in batches, each of a full size: LiteRT takes long to change to another."""
        count, size = len(images), _FEW
        whole = np.zeros((-(-count // size) * size, *images.shape[1:]), np.float32)
        whole[:count] = images
        answers = [self._answers(whole[at : at + size]) for at in range(0, len(whole), size)]
        return np.concatenate(answers)[:count]

    def _answers(self, images: np.ndarray) -> np.ndarray:
        """Return the network's checked answers, (n, 10) or (n, 11), to images (n, 28, 28)."""
        batch = as_batch(images)
        answers = as_array(self._runtime(batch), "the network to answer with probabilities")
        if answers.shape not in ((len(batch), CLASSES), (len(batch), CLASSES + 1)):
            raise ValueError(
                f"expected the network to answer with shape ({len(batch)}, {CLASSES}) or "
                f"({len(batch)}, {CLASSES + 1}), got {answers.shape}"
            )
        if not (answers.min() >= 0 and np.abs(answers.sum(axis=1) - 1).max() < 0.01):
            raise ValueError(
                "expected the network to answer with probabilities that sum to 1; got "
                f"{np.array2string(answers[0], precision=3)}; does it end in a softmax?"
            )
        return answers


def _pieces_of_picture(picture: npt.ArrayLike | Image.Image) -> InkPieces:
    return InkPieces(*find_ink(picture))


def _pieces_of_drawing(drawing: npt.ArrayLike) -> StrokePieces:
    return StrokePieces(as_strokes(drawing))


def _batches(n: int) -> Iterator[slice]:
    """Yield slices of batches of `n` images, with a bar after two seconds."""
    firsts = range(0, n, _BATCH)
    # One batch needs no bar: making one takes longer than reading an image.
    for first in tqdm(firsts, "Reading", delay=2, leave=False, disable=len(firsts) < 2):
        yield slice(first, first + _BATCH)


def _moved(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Move images (n, 28, 28) by half a pixel right and down, and by half a pixel left and up."""
    images = as_batch(images)[..., 0]
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1)))
    rows = (padded[:, :-1] + padded[:, 1:]) / 2  # (n, 29, 30)
    between = (rows[:, :, :-1] + rows[:, :, 1:]) / 2  # (n, 29, 29): where four pixels meet
    return between[:, :-1, :-1], between[:, 1:, 1:]


def _is_non_digit(answers: np.ndarray) -> np.ndarray:
    """Tell which answers (n, 10) or (n, 11) are those of non-digits: (n,) bool."""
    return answers[:, CLASSES:].sum(axis=1) > 0.5


def as_recognizer(reader: Any) -> Any:
    """Make a recognizer, something with ``predict(drawing)``, out of a model or a function.

    Args:
        reader: A `Recognizer` or another object with ``predict(drawing) -> Prediction``, which is
            returned unchanged; a Keras model; a function from an image, (28, 28) float32 in [0, 1],
            to ten probabilities; or None for the network that comes with the package.

    Raises:
        TypeError: It is none of these.
    """
    if reader is None:
        return load_recognizer()
    if not callable(reader):
        if not callable(getattr(reader, "predict", None)):
            raise TypeError(
                "expected a recognizer with predict(drawing), a Keras model, or a function from an "
                f"image (28, 28) to ten probabilities, got {type(reader).__name__}"
            )
        return reader
    if hasattr(reader, "predict"):  # so has a Keras model
        return Recognizer(reader)
    return Recognizer(ImageFunction(reader))


def load_recognizer(path: str | Path | None = None) -> Recognizer:
    """Load a network for LiteRT. Default: the one that comes with the package.

    The checksum in the file guards against damage, not against intent: anyone who can change the
    file can also change its checksum, and a malicious file can crash LiteRT. Load only files of
    people whom you trust.

    Args:
        path: A ``.tflite`` file that `digitlab.export_tflite` wrote.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The checksum does not match, or the network does not map 28 x 28 to 10 or 11.

    Example:
        >>> recognizer = digitlab.load_recognizer()
        >>> [recognizer.predict(digitlab.stored_drawing(digit)).digit for digit in range(10)]
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    """
    path = shipped_path("digits.tflite") if path is None else Path(path)
    if path.suffix == ".keras":
        raise ValueError(
            f"expected a .tflite file, got {path.name}: "
            "use Recognizer(keras.models.load_model(path)) for a Keras model"
        )
    if not path.is_file():
        raise FileNotFoundError(f"no network at {path}: export one with digitlab.export_tflite")
    return Recognizer(LiteRT.from_file(path))


def read_number(drawing: npt.ArrayLike | Image.Image) -> NumberReading:
    """Read a number with the network that comes with the package: see `Recognizer.read_number`.

    Args:
        drawing: A list of strokes, each of shape (n, 2): x, y in pad pixels, y down; or a picture,
            an array or a Pillow image.

    Raises:
        TypeError, ValueError: See `digitlab.render_strokes` and `digitlab.normalize_image`.

    Example:
        >>> one, zero = digitlab.stored_drawing(1), digitlab.stored_drawing(0)
        >>> reading = digitlab.read_number(one + [stroke + (100, 0) for stroke in zero])
        >>> reading.text, [round(digit.box[0]) for digit in reading.digits]  # left ends
        ('10', [137, 183])
    """
    return _shipped().read_number(drawing)


@cache
def _shipped() -> Recognizer:
    return load_recognizer()
