"""Images: the format that networks read, and the conversion of tables and tensors to it.

An *image* is 28 x 28 with ink light on dark, as in MNIST: integers from 0 (paper) to 255 (ink), or
floating point in [0, 1]. Several images are ``(n, 28, 28)``, ``(n, 28, 28, 1)`` as for Keras, or a
table ``(n, 784)`` with a row for each, as in CSV files of MNIST. They may be arrays, lists, pandas
objects, or tensors of PyTorch or TensorFlow. Networks get the result of `as_batch`:
``(n, 28, 28, 1)`` float32 in [0, 1], or the same in another shape of `INPUTS`.
"""

from numbers import Integral
from typing import Any

import numpy as np

SIZE = 28  # pixels: the side of an image
BOX = 20  # pixels: the longer side of the ink in it
PEN_WIDTH = 2.6  # pixels: median width of a line in MNIST's training digits
# The pixel that holds the centre of mass, counted from 0: the mean over MNIST's 60,000 training
# digits is 14.0 in both directions.
CENTRE = 14.0
CLASSES = 10  # digits
INPUTS = (SIZE, SIZE, 1), (SIZE, SIZE), (SIZE * SIZE,)  # shapes of an image for a network


def as_array(values: Any, expected: str) -> np.ndarray:
    """Convert anything array-like to an array: lists, pandas objects, tensors of other libraries.

    Rows are taken in their order, whatever index a table has.

    Args:
        values: What a person passed.
        expected: What it should have been, for the error: "images of shape (n, 28, 28)".

    Raises:
        ValueError: It has no regular shape, or does not hold numbers.
    """
    try:
        values = readable(values)
        if isinstance(values, list | tuple) and any(
            hasattr(value, "__array__") for value in values
        ):
            values = np.stack([as_array(value, expected) for value in values])
        array = np.asarray(values)
        # A column of arrays, or of nullable integers.
        if array.dtype == object and array.ndim and array.size:
            array = _from_objects(array)
        if array.dtype == object and array.ndim and array.size:
            parts = [np.asarray(value) for value in array.ravel()]
            array = np.stack(parts).reshape(*array.shape, *parts[0].shape)
    except Exception as error:  # each library has errors of its own
        raise ValueError(f"expected {expected}: {error}") from None
    if array.dtype.kind not in "biuf":
        hint = "; convert text with .astype(int)" if array.dtype.kind == "U" else ""
        raise ValueError(
            f"expected {expected}, got {type(values).__name__} of dtype {array.dtype}{hint}"
        )
    return array


def _from_objects(array: np.ndarray) -> np.ndarray:
    """Return numbers as numbers, which is fast; an array of anything else as it is."""
    if hasattr(array.flat[0], "__len__"):
        return array
    numbers = np.array(array.tolist())
    return numbers if numbers.dtype.kind in "biuf" and numbers.shape == array.shape else array


def check_whole(value: Any, name: str, least: int) -> None:
    """Raise ValueError if this is not a whole number, at least `least`."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
        raise ValueError(f"expected {name} to be a whole number, at least {least}, got {value!r}")


def as_digit(digit: Any) -> int:
    """Return a digit, such as 7 or a label 7.0, as an int from 0 to 9.

    Raises:
        ValueError: It is something else.
    """
    if np.ndim(digit) or isinstance(digit, bool | np.bool_) or digit not in range(CLASSES):
        raise ValueError(f"expected a digit from 0 to 9, got {digit!r}")
    return int(digit)


def readable(values: Any) -> Any:
    """Return values as NumPy can read them: PyTorch tensors on the CPU, anything else as it is.

    Raises:
        ValueError: Values of a masked array are masked. NumPy would use what is below the mask.
    """
    if isinstance(values, np.ma.MaskedArray) and np.ma.is_masked(values):
        raise ValueError(
            f"expected no masked values, got {np.ma.count_masked(values)} of {np.size(values)}; "
            "fill them first, as with values.filled(0)"
        )
    # Files have a `detach`, too.
    tensor = hasattr(values, "detach") and hasattr(values, "__array__")
    return values.detach().cpu() if tensor else values


def as_images(images: Any) -> np.ndarray:
    """Check images, and return them as an array (n, 28, 28) without changing their type.

    Nothing is copied where that can be avoided, so a file on disk can be passed
    (``numpy.load(path, mmap_mode="r")``); `as_batch` checks the values of each part that is read.

    Raises:
        ValueError: The shape or type is wrong.
    """
    expected = "images of shape (n, 28, 28) or (n, 784), integers (0 to 255) or float (0 to 1)"
    array = as_array(images, expected)
    if array.ndim == 2 and array.shape[1] == SIZE * SIZE:
        array = array.reshape(-1, SIZE, SIZE)
    elif array.ndim == 4 and array.shape[3] == 1:
        array = array[..., 0]
    elif array.shape == (0,):  # an empty list
        array = array.reshape(0, SIZE, SIZE)
    if array.ndim != 3 or array.shape[1:] != (SIZE, SIZE):
        hint = ""
        if array.ndim == 2 and array.shape[1] == SIZE * SIZE + 1:
            hint = "; is one column the label? Pass the 784 pixels alone"
        raise ValueError(f"expected {expected}, got {array.shape}{hint}")
    return array


def as_image(image: Any) -> np.ndarray:
    """Check one image, and return it as (28, 28) float32 in [0, 1].

    Raises:
        ValueError: The shape, type or range is wrong.
    """
    expected = "an image of shape (28, 28), integers (0 to 255) or float (0 to 1)"
    array = as_array(image, expected)
    if array.shape in ((SIZE * SIZE,), (1, SIZE * SIZE)):
        array = array.reshape(SIZE, SIZE)
    if array.shape != (SIZE, SIZE):
        raise ValueError(f"expected {expected}, got {array.shape}")
    return as_batch(array[None])[0, ..., 0]


def as_batch(images: np.ndarray) -> np.ndarray:
    """Convert images (n, 28, 28), as `as_images` returns them, to the input of networks.

    Returns:
        (n, 28, 28, 1) float32 in [0, 1].

    Raises:
        ValueError: Values are out of range.
    """
    check_range(images)
    batch = images.astype(np.float32)[..., None]  # (n, 28, 28, 1)
    return batch / np.float32(255) if images.dtype.kind in "iu" else batch


def as_bytes(values: np.ndarray) -> np.ndarray:
    """Convert floating point in [0, 1] to uint8 from 0 to 255, of the same shape."""
    return (255 * values).round().astype(np.uint8)


def check_range(images: np.ndarray) -> None:
    """Raise ValueError if images, as `as_images` returns them, have values out of range.

    So have integers that are only 0 and 1: they are meant to be floating point.
    """
    whole = images.dtype.kind in "iu"
    most = 255 if whole else 1
    if images.dtype != np.uint8 and len(images):
        low, high = images.min(), images.max()
        if not (low >= 0 and high <= most):  # False for NaN, too
            raise ValueError(
                f"expected {'integers from 0 to 255' if whole else 'float images in [0, 1]'}, "
                f"got values from {low:.9g} to {high:.9g}"
                + ("; divide by 255?" if high > 2 and not whole else "")
            )
    if whole and images.max(initial=0) == 1:
        raise ValueError("expected integers from 0 to 255, got only 0 and 1; pass them as float")


def as_labels(labels: Any, count: int | None = None, name: str = "labels") -> np.ndarray:
    """Check labels, and return them as an array (n,) int64 of digits from 0 to 9.

    Args:
        labels: (n,) or (n, 1), whole numbers from 0 to 9.
        count: How many labels there must be. Default: any number except 0.
        name: What to call them in an error.

    Raises:
        ValueError: The shape, number or a value is wrong.
    """
    expected = f"{name} of shape ({'n' if count is None else count},), whole numbers from 0 to 9"
    array = as_array(labels, expected)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1 or len(array) != (count if count is not None else len(array) or 1):
        one_hot = "; are they one-hot? Pass numpy.argmax(labels, axis=1)" if array.ndim == 2 else ""
        raise ValueError(f"expected {expected}, got {array.shape}{one_hot}")
    if not len(array):
        return np.zeros(0, np.int64)
    if array.dtype.kind == "b" or array.min() < 0 or array.max() > 9 or (array % 1 != 0).any():
        raise ValueError(
            f"expected {expected}, got {array.dtype} from {array.min()} to {array.max()}"
        )
    return array.astype(np.int64)


def centre_of_mass(image: np.ndarray) -> np.ndarray:
    """Return the centre of mass of an image (h, w) of ink: float64 (x, y) in pixels from 0."""
    columns, rows = image.sum(0, dtype=np.float64), image.sum(1, dtype=np.float64)
    x = columns @ np.arange(len(columns)) / columns.sum()
    y = rows @ np.arange(len(rows)) / rows.sum()
    return np.array([x, y])
