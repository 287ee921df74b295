"""Load recognizers: from files, from models and functions, and the one in the package."""

import os
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numpy.typing as npt
from PIL import Image

from digitlab._io import shipped_path
from digitlab.examples_file import read_examples
from digitlab.numbers.reading import NumberReading
from digitlab.recognizer import PersonalRecognizer, Recognizer
from digitlab.runtimes.litert import LiteRT
from digitlab.runtimes.runtime import ImageFunction

_Result = TypeVar("_Result")


def as_number_recognizer(reader: Any) -> Any:
    """Make a recognizer that also has ``read_number(drawing)``: see `as_recognizer`."""
    recognizer = as_recognizer(reader)
    if not callable(getattr(recognizer, "read_number", None)):
        raise TypeError(
            "expected a recognizer with read_number(drawing), a Keras model, or a function, "
            f"got {type(recognizer).__name__}"
        )
    return recognizer


def as_network_recognizer(reader: Any) -> Recognizer:
    """Make a `Recognizer`, which has a network: see `as_recognizer`.

    Raises:
        TypeError: Also for another object with ``predict(drawing)``.
    """
    recognizer = as_recognizer(reader)
    if not isinstance(recognizer, Recognizer):
        raise TypeError(f"expected a Recognizer, got {type(recognizer).__name__}")
    return recognizer


def as_recognizer(reader: Any) -> Any:
    """Make a recognizer, something with ``predict(drawing)``, out of a model or a function.

    Args:
        reader: A `Recognizer` or another object with ``predict(drawing) -> Prediction``, which is
            returned unchanged; a Keras model, or another callable with a ``predict`` method; a
            function from an image, (28, 28) float32 in [0, 1], to ten probabilities; or None for
            the network that comes with the package.

    Raises:
        TypeError: It is none of these.
        ValueError: It is a Keras model that takes something other than images.
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
    if hasattr(reader, "predict"):  # as a Keras model does
        return Recognizer(reader)
    return Recognizer(ImageFunction(reader))


def check_result(result: Any, kind: type[_Result], method: str) -> _Result:
    """Return the result of a recognizer's method, a `Prediction` or a `NumberReading`.

    Raises:
        TypeError: It is something else.
    """
    if not isinstance(result, kind):
        raise TypeError(
            f"expected the recognizer's {method}(drawing) to return a {kind.__name__}, "
            f"got {type(result).__name__}"
        )
    return result


def load_recognizer(path: str | os.PathLike[str] | None = None) -> Recognizer:
    """Load a network for LiteRT. Default: the one that comes with the package.

    The checksum in the file guards against damage, not against intent: anyone who can change the
    file can also change its checksum, and a malicious file can crash LiteRT. Load only files
    from people you trust.

    Args:
        path: A ``.tflite`` file that `digitlab.export_tflite` wrote.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The checksum does not match, or the network does not map 28 x 28 pixels to 10
            or 11 probabilities.

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


def load_personal(
    path: str | os.PathLike[str], recognizer: Any = None, relearn: bool = False
) -> PersonalRecognizer:
    """Load what `PersonalRecognizer.save` wrote, or what was exported from the web page.

    Args:
        path: The file.
        recognizer: The recognizer whose network to use, or a Keras model. Default: the one that
            comes with the package.
        relearn: Teach the examples to this network even if they were taught to another one.
            Examples from the web page can be taught to any network.

    Raises:
        TypeError: `recognizer` is neither.
        OSError: The file cannot be read.
        ValueError: It is not such a file, or belongs to another network; or the network has
            no dense layer or is a function.

    Example:
        >>> eight = digitlab.stored_drawing(8)
        >>> digitlab.load_recognizer().adapt([eight], [8]).save("mine.json")
        >>> digitlab.load_personal("mine.json").labels
        array([8])
    """
    images, labels, network = read_examples(path)
    personal = PersonalRecognizer(as_network_recognizer(recognizer))
    if not relearn and network not in (None, personal.network_checksum):
        raise ValueError(
            f"expected {path} to belong to this network, but it belongs to another one; load it "
            "with that network, or teach its examples to this one with relearn=True"
        )
    personal.replace_examples(images, labels)
    return personal


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
