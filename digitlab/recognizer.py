"""The recognizer: a drawing, or images of 28 x 28, to the probabilities of the ten digits.

The shipped network runs in LiteRT, which starts in a fraction of a second where TensorFlow takes
many; a Keras model, or anything else that maps images to probabilities, can be wrapped as well.
"""

import os
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from tqdm import tqdm

import digitlab
from digitlab.files import unsealed
from digitlab.ink import SIZE, normalize_image, render_strokes
from digitlab.silence import silent_stderr

try:
    from ai_edge_litert.interpreter import Interpreter, OpResolverType
except ImportError:  # no wheel for this platform: TensorFlow carries the same interpreter
    try:
        from tensorflow.lite.python.interpreter import Interpreter, OpResolverType
    except ImportError:
        raise ImportError(
            "digitlab needs LiteRT to run a network: pip install ai-edge-litert, or tensorflow "
            "where that has no wheel"
        ) from None
    warnings.warn(
        "ai-edge-litert is not installed, so TensorFlow's own LiteRT runs the networks. It reads "
        "the same, and takes longer to start.",
        stacklevel=2,
    )

CLASSES = 10
_BATCH = 32  # images at once: the most a second; of 128 and more they leave the cache
# Of a batch; more wait for each other, for it takes a millisecond. One image is read by one thread:
# two are no faster, and compute twice as long.
_THREADS = min(4, os.cpu_count() or 1)

# A probability below which `predict_images` looks again. On held-out digits of MNIST 0.8 to 1 came
# to the same, and 1 or 2 of 100 are below 0.9.
_SURE = 0.9


@dataclass(frozen=True, eq=False)  # arrays do not compare as a whole
class Prediction:
    """What a recognizer read.

    Attributes:
        digit: The digit, 0 to 9, or None when there is none (see `reason`).
        confidence: The probability of that digit, 0 to 1; 0.0 when there is none.
        probabilities: (10,) float32, sums to 1: one for each digit, if it is one; all equal when
            there is no ink.
        image: (28, 28) float32 in [0, 1]: what the network saw, ink 1 on paper 0.
    """

    digit: int | None
    confidence: float
    probabilities: np.ndarray
    image: np.ndarray

    @property
    def reason(self) -> str | None:
        """Why there is no digit: "empty" without ink, else "not a digit"; None when there is."""
        if self.digit is not None:
            return None
        return "not a digit" if self.image.any() else "empty"

    def __str__(self) -> str:
        """Say it as a sentence: "I read a 5 (99 %)"."""
        if self.digit is None:
            return "Draw a digit" if self.reason == "empty" else "I see no digit in this"
        article = "an" if self.digit == 8 else "a"
        return f"I read {article} {self.digit} ({self.confidence:.0%})".replace("%", " %")


class Recognizer:
    """Reads drawings and images with a network.

    Args:
        model: A Keras model, or any callable, from float32 images (n, 28, 28, 1) in [0, 1], ink 1
            on paper 0, to probabilities (n, 10); or (n, 11), the last that of no digit.
    """

    def __init__(self, model: Callable[[np.ndarray], np.ndarray]):
        if not callable(model):
            raise TypeError(
                "expected a Keras model or a callable from images (n, 28, 28, 1) to "
                f"probabilities (n, 10) or (n, 11), got {type(model).__name__}"
            )
        self.model = model

    def predict(self, drawing: Sequence | np.ndarray | Image.Image) -> Prediction:
        """Read one digit.

        There is none where the network gives all ten together less than the eleventh: less than a
        half. A network without an eleventh answer sees a digit in all ink.

        Args:
            drawing: A list of strokes, each of shape (n, 2): x, y in canvas pixels, y down; or a
                picture, an array or a Pillow image (see `digitlab.normalize_image`).

        Raises:
            TypeError, ValueError: See `digitlab.render_strokes` and `digitlab.normalize_image`.
        """
        if isinstance(drawing, (np.ndarray, Image.Image)):
            image = normalize_image(drawing)
        else:
            image = render_strokes(drawing)
        if not image.any():
            return Prediction(None, 0.0, np.full(CLASSES, 1 / CLASSES, np.float32), image)
        (answer,) = self._answers(image[None])
        probabilities = _given_a_digit(answer[None])[0]
        if _rejected(answer[None])[0]:
            return Prediction(None, 0.0, probabilities, image)
        digit = int(probabilities.argmax())
        return Prediction(digit, float(probabilities[digit]), probabilities, image)

    def predict_images(self, images: np.ndarray, tta: bool = False) -> np.ndarray:
        """Give the probabilities for images that are in MNIST's geometry already.

        Each is taken for a digit. Beside `images` and the result no more than a few of them are
        in memory at once, so a million on disk can be read: ``numpy.load(path, mmap_mode="r")``.
        After two seconds, a bar shows how long is left.

        Args:
            images: (n, 28, 28), ink light on dark: uint8 in 0 to 255, or floating point in [0, 1].
            tta: Test-time augmentation: read an image again, moved by half a pixel to either side,
                where no digit has a probability of 0.9, and give the mean. Of MNIST's scanned
                digits fewer are misread so; drawn ones, which are sharper, do not gain by it.

        Returns:
            (n, 10) float32, each row sums to 1.

        Raises:
            ValueError: For another shape, type or range, or when the network does not answer with
                probabilities (n, 10) or (n, 11).
        """
        images = _checked(images)
        probabilities = np.empty((len(images), CLASSES), np.float32)
        unsure: list[int] = []
        for batch in _batches(len(images)):
            probabilities[batch] = _given_a_digit(self._answers(images[batch]))
            if tta:
                some = np.flatnonzero(probabilities[batch].max(axis=1) < _SURE) + batch.start
                unsure.extend(some.tolist())
                # As many at once as are fast to read, and what is left at the end.
                while len(unsure) >= _BATCH or unsure and batch.stop >= len(images):
                    again, unsure = unsure[:_BATCH], unsure[_BATCH:]
                    for moved in _moved(images[again]):
                        probabilities[again] += _given_a_digit(self._answers(moved))
                    probabilities[again] /= 3
        return probabilities

    def rejects(self, images: np.ndarray) -> np.ndarray:
        """Tell for many images at once in which of them the network sees no digit.

        In those `predict` gives None for the digit. A network with ten answers rejects nothing.

        Args:
            images: (n, 28, 28), as for `predict_images`.

        Returns:
            (n,) bool.

        Raises:
            ValueError: As `predict_images`.
        """
        images = _checked(images)
        rejected = np.empty(len(images), bool)
        for batch in _batches(len(images)):
            rejected[batch] = _rejected(self._answers(images[batch]))
        return rejected

    def get_activations(self, image: np.ndarray) -> dict[str, np.ndarray]:
        """Read an image, and keep what the network's layers answered on the way.

        As `digitlab.get_activations` does for a Keras model, and without TensorFlow for LiteRT::

            digitlab.plot_activations(recognizer.get_activations(pad.image))

        Args:
            image: (28, 28) floating point in [0, 1], ink 1 on paper 0: a prediction's ``image``.

        Returns:
            A name for each layer, and what it answered: float32, (h, w, channels), or (n,) for a
            dense layer; the last is the network's answer. LiteRT has no names for layers, so they
            are "Layer 1" and so on. Empty where there are none to look into: in a function.

        Raises:
            ValueError: For another shape or range.
        """
        image = np.asarray(image)
        if image.shape != (SIZE, SIZE) or image.dtype.kind != "f":
            raise ValueError(
                f"expected an image of shape (28, 28), float in [0, 1], got {image.shape}, "
                f"{image.dtype}"
            )
        batch = _as_batch(image[None])
        if isinstance(self.model, _LiteRT):
            return self.model.get_activations(batch)
        if type(self.model).__module__.startswith("keras."):  # one built of Keras' layers
            return digitlab.get_activations(self.model, image)  # not imported for all the others
        return {}

    def _answers(self, images: np.ndarray) -> np.ndarray:
        """The network's answers, (n, 10) or (n, 11), to images (n, 28, 28), checked."""
        batch = _as_batch(images)
        answers = np.asarray(self.model(batch))
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


def _checked(images: np.ndarray) -> np.ndarray:
    """Images (n, 28, 28) as an array, their shape and type checked."""
    try:
        images = np.asarray(images)
    except ValueError as error:  # lists of different lengths
        raise ValueError(f"expected images of shape (n, 28, 28): {error}") from None
    if images.ndim != 3 or images.shape[1:] != (SIZE, SIZE):
        raise ValueError(f"expected images of shape (n, 28, 28), got {images.shape}")
    if images.dtype != np.uint8 and images.dtype.kind != "f":
        raise ValueError(
            f"expected images of uint8 (0 to 255) or float (0 to 1), got {images.dtype}"
        )
    return images


def _batches(n: int) -> Iterator[slice]:
    """Slices of so many images, with a bar after two seconds."""
    firsts = range(0, n, _BATCH)
    # One batch needs no bar, and making one takes longer than reading an image.
    for first in tqdm(firsts, "Reading", delay=2, leave=False, disable=len(firsts) < 2):
        yield slice(first, first + _BATCH)


def _moved(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Images (n, 28, 28), half a pixel right and down, and half a pixel left and up."""
    images = _as_batch(images)[..., 0]
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1)))
    rows = (padded[:, :-1] + padded[:, 1:]) / 2  # (n, 29, 30)
    between = (rows[:, :, :-1] + rows[:, :, 1:]) / 2  # (n, 29, 29): where four pixels meet
    return between[:, :-1, :-1], between[:, 1:, 1:]


def _as_batch(images: np.ndarray) -> np.ndarray:
    """Images (n, 28, 28) as a network takes them, (n, 28, 28, 1) float32 in [0, 1], checked."""
    with np.errstate(over="ignore"):  # what becomes infinity is refused below
        batch = images.astype(np.float32)[..., None]  # (n, 28, 28, 1)
    if images.dtype == np.uint8:
        batch /= 255
    elif not (batch.min() >= 0 and batch.max() <= 1):  # False for NaN, too
        raise ValueError(
            "expected float images in [0, 1], "
            f"got values from {batch.min():g} to {batch.max():g}; divide by 255?"
        )
    return batch


def _rejected(answers: np.ndarray) -> np.ndarray:
    """Of answers (n, 10) or (n, 11), which say that it is no digit: (n,) bool."""
    return answers[:, CLASSES:].sum(axis=1) > 0.5


def _given_a_digit(answers: np.ndarray) -> np.ndarray:
    """Probabilities (n, 10) float32 if it is a digit, from answers (n, 10) or (n, 11)."""
    # A hair more than nothing, so that a network that is sure of no digit leaves ten that sum to 1.
    digits = answers[:, :CLASSES].astype(np.float64) + 1e-12
    return (digits / digits.sum(axis=1, keepdims=True)).astype(np.float32)


def as_recognizer(reader: Any) -> Any:
    """Make a recognizer of what a person may have: something with ``predict(drawing)``.

    Args:
        reader: A `Recognizer` or another object with ``predict(drawing) -> Prediction``, which
            comes back as it is; a Keras model; a function from an image, (28, 28) float32 in [0,
            1], to ten probabilities; or None, for the network that comes with the package.

    Raises:
        TypeError: For anything else.
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
    return Recognizer(lambda images: np.array([reader(image) for image in images[..., 0]]))


def load_recognizer(path: str | Path | None = None) -> Recognizer:
    """Load a network for LiteRT; without a path the one that comes with the package.

    The checksum in the file tells damage, not intent: who changes a network can make another, and
    LiteRT does not survive all that can be written. Load those of people whom you trust.

    Args:
        path: A ``.tflite`` file that `digitlab.export_tflite` wrote.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is not as `digitlab.export_tflite` wrote it (its checksum tells), or holds no
            network from 28 x 28 to 10 or 11.
    """
    path = shipped_model() if path is None else Path(path)
    if path.suffix == ".keras":
        raise ValueError(
            f"expected a .tflite file, got {path.name}: "
            "use Recognizer(keras.models.load_model(path)) for a Keras model"
        )
    if not path.is_file():
        raise FileNotFoundError(f"no network at {path}: export one with digitlab.export_tflite")
    return Recognizer(_LiteRT(path))


def shipped_model() -> Path:
    """Where the network is that comes with the package: in the wheel, or in a checkout."""
    package = Path(__file__).parent
    in_wheel = package / "models" / "digits.tflite"
    return in_wheel if in_wheel.is_file() else package.parent / "models" / "digits.tflite"


class _LiteRT:
    """A LiteRT network as a callable from float32 images (n, 28, 28, 1) to (n, 10 or 11)."""

    def __init__(self, path: Path):
        # An interpreter is one set of buffers: two threads must take turns.
        self._lock = threading.Lock()
        self._many: Any = None  # an interpreter for batches, made when there is one
        self._images = 0  # how many its buffers are made for
        self._inside: Any = None  # another, made when it is asked what its layers answer
        try:
            # Kept, for these are made of it: by then the file may hold another network.
            self._content = unsealed(path.read_bytes())
            self._one = self._interpreter(threads=1)
            (inputs,), (outputs,) = self._one.get_input_details(), self._one.get_output_details()
            self._input, self._output = inputs["index"], outputs["index"]
            shapes = tuple(inputs["shape"][1:]), tuple(outputs["shape"][1:])
            if shapes[0] != (SIZE, SIZE, 1) or shapes[1] not in ((CLASSES,), (CLASSES + 1,)):
                raise ValueError(
                    f"it maps {shapes[0]} to {shapes[1]}, and not (28, 28, 1) to (10,) or (11,)"
                )
            self._allocate(self._one, 1)
            # LiteRT finds only now what is wrong within a file of the right form.
            self(np.zeros((1, SIZE, SIZE, 1), np.float32))
        except (ValueError, RuntimeError) as error:
            raise ValueError(
                f"expected {path.name} to be a network that digitlab.export_tflite wrote, but "
                f"{error}. Export it again; or wrap what reads it: Recognizer(function)"
            ) from error

    def __call__(self, images: np.ndarray) -> np.ndarray:
        with self._lock:
            interpreter = self._one
            if len(images) != 1:
                interpreter = self._many = self._many or self._interpreter(_THREADS)
                if len(images) != self._images:
                    self._allocate(interpreter, len(images))
                    self._images = len(images)
            interpreter.set_tensor(self._input, images)
            interpreter.invoke()
            return interpreter.get_tensor(self._output)

    def get_activations(self, image: np.ndarray) -> dict[str, np.ndarray]:
        """What its layers answer to one image (1, 28, 28, 1); see `Recognizer.get_activations`."""
        with self._lock:
            if self._inside is None:
                # XNNPACK, the default delegate, may compute several layers in one step, and
                # does not promise to leave what lies between them to be read.
                self._inside = Interpreter(
                    model_content=self._content,
                    experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
                    experimental_preserve_all_tensors=True,
                )
                self._inside.allocate_tensors()
            self._inside.set_tensor(self._input, image)
            self._inside.invoke()
            # What depends on the images has their number, -1, for its first dimension.
            answers = [
                self._inside.get_tensor(tensor["index"])[0]
                for tensor in self._inside.get_tensor_details()
                if tensor["index"] != self._input
                and tensor["dtype"] == np.float32
                and len(tensor["shape_signature"]) in (2, 4)
                and tensor["shape_signature"][0] == -1
            ]
        kept = answers[:1]
        for answer in answers[1:]:
            if answer.ndim == kept[-1].ndim or answer.size != kept[-1].size:  # else only flattened
                kept.append(answer)
        if len(kept) > 1 and kept[-2].shape == kept[-1].shape:
            del kept[-2]  # the last layer's answer before its softmax
        return {f"Layer {number}": answer for number, answer in enumerate(kept, 1)}

    def _interpreter(self, threads: int) -> Any:
        return Interpreter(model_content=self._content, num_threads=threads)

    def _allocate(self, interpreter: Any, images: int) -> None:
        interpreter.resize_tensor_input(self._input, (images, SIZE, SIZE, 1))
        with silent_stderr():  # "INFO: Created TensorFlow Lite XNNPACK delegate"
            interpreter.allocate_tensors()
