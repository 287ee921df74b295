"""A picture of one digit, brought to MNIST's geometry."""

import numpy as np
import numpy.typing as npt
import scipy  # ndimage, which takes 0.2 s to load, is loaded on first use
import skimage as ski
from PIL import Image, ImageFilter

from digitlab.images import BOX, CENTRE, PEN_WIDTH, SIZE, centre_of_mass
from digitlab.pictures.brightness import read_brightness
from digitlab.pictures.ink import find_writing
from digitlab.pictures.pen import pen_width

_DIGIT_SIDE = 256  # pixels: a picture of one digit is reduced to less than twice that
_SMALL = 0.2  # minimum size of a digit, as a share of the picture's shorter side
_CLOSE = 0.3  # maximum gap between the parts of a digit, as a share of its size
_SOFT = 0.5  # a digit is out of focus if more than this share of it is neither ink nor paper


def normalize_image(picture: npt.ArrayLike | Image.Image) -> np.ndarray:
    """Bring a picture of one digit to MNIST's geometry: threshold, crop, fit, centre.

    Ink may be light on dark or dark on light, and of any colour that the paper does not have.
    Shadows, lines and frames that run along the picture, printed fields, a line below the digit,
    marks and fingers at the picture's edge, and the desk beside the sheet are left out. A pen much
    thinner than MNIST's is thickened. MNIST's own digits come out almost unchanged.

    Args:
        picture: An array of any size and numeric type, (h, w) or (h, w, c) with c = 1 grey, 3 RGB
            or 4 RGBA; or a Pillow image of any mode, turned as its EXIF data says. Transparent
            places count as paper. 784 numbers are read row by row as an image of 28 x 28.

    Returns:
        (28, 28) float32 in [0, 1], ink 1 on paper 0; all 0 for a picture without ink.

    Raises:
        ValueError: It has the wrong shape or more than 64 million pixels, holds a value that is not
            a finite number, or cannot be read, because the file is truncated, say.

    Example:
        >>> photo = np.full((400, 300), 230, np.uint8)  # grey paper
        >>> photo[60:340, 140:155] = 20  # a 1, in black ink
        >>> digitlab.load_recognizer().predict_images([digitlab.normalize_image(photo)]).argmax()
        np.int64(1)
    """
    brightness, _ = read_brightness(picture, _DIGIT_SIDE)
    return fit_ink(_without_marks(find_writing(brightness, page=False)))


def fit_ink(ink: np.ndarray) -> np.ndarray:
    """Bring the ink of one digit to MNIST's geometry: crop, thicken, fit, centre.

    Args:
        ink: (h, w) float32 in [0, 1], ink 1 on paper 0.

    Returns:
        (28, 28) float32 in [0, 1], all 0 without ink.
    """
    rows, columns = np.nonzero(ink > 0.25)
    if len(rows) == 0:
        return np.zeros((SIZE, SIZE), np.float32)
    ink = _thickened(ink[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1])
    scale = BOX / max(ink.shape)
    height, width = (max(1, round(side * scale)) for side in ink.shape)
    fitted = Image.fromarray(ink).resize((width, height), Image.Resampling.BILINEAR)
    ink = np.asarray(fitted)  # (height, width), the longer of which is 20
    # Scaling down has made the lines of a thin pen on a large sheet pale.
    ink = ink / ink.max()
    if np.mean(ink[ink > 0.25] < 0.75) > _SOFT:
        ink = np.clip(1.5 * ink - 0.25, 0, 1)

    # The ink is moved by whole pixels, as MNIST's digits were, so that nothing is blurred a second
    # time. Very uneven ink stops at the edge.
    top, left = (
        int(np.clip(round(CENTRE - mass), 0, SIZE - side))
        for mass, side in zip(centre_of_mass(ink)[::-1], ink.shape, strict=True)
    )
    image = np.zeros((SIZE, SIZE), np.float32)
    image[top : top + height, left : left + width] = ink
    return image


def _without_marks(ink: np.ndarray) -> np.ndarray:
    """Keep only the digit in ink (h, w): drop marks at the edge, cut-off neighbours and specks."""
    solid = ski.filters.apply_hysteresis_threshold(ink, 0.25, 0.5)
    labels, count = scipy.ndimage.label(solid, np.ones((3, 3)))
    if not count:
        return np.zeros_like(ink)
    parts = scipy.ndimage.find_objects(labels)
    # top, left, bottom, right
    boxes = np.array([(y.start, x.start, y.stop, x.stop) for y, x in parts])
    weights = scipy.ndimage.sum_labels(ink, labels, range(1, count + 1))
    sizes = np.maximum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1])
    cut = ((boxes[:, :2] == 0) | (boxes[:, 2:] == ink.shape)).any(axis=1)  # by the picture's edge
    whole = ~cut & (sizes >= _SMALL * min(ink.shape))
    largest = int(np.argmax(np.where(whole, weights, 0) if whole.any() else weights))
    kept = np.arange(count) == largest
    kept |= ~cut & (weights >= weights[largest] / 3)  # enough ink for another digit
    while True:  # parts of the digit are close to it, and to each other
        (top, left), (bottom, right) = boxes[kept, :2].min(0), boxes[kept, 2:].max(0)
        gaps = np.maximum(
            np.maximum(boxes[:, 0] - bottom, top - boxes[:, 2]),
            np.maximum(boxes[:, 1] - right, left - boxes[:, 3]),
        )
        close = gaps <= np.where(cut, _CLOSE / 2, _CLOSE) * sizes[largest]
        if not (close & ~kept).any():
            break
        kept |= close
    digit = np.isin(labels, 1 + np.flatnonzero(kept))
    return np.where(scipy.ndimage.maximum_filter(digit, 3), ink, 0)


def _thickened(ink: np.ndarray) -> np.ndarray:
    """Thicken ink (h, w) to the width of MNIST's pen if its own pen is at most half as wide."""
    width = pen_width(ink > 0.5)
    wanted = PEN_WIDTH * max(ink.shape) / BOX
    if width >= wanted / 2:
        return ink
    more = round((wanted - width) / 2)  # pixels on each side
    if more < 1:
        return ink
    return np.asarray(
        Image.fromarray(np.pad(ink, more)).filter(ImageFilter.MaxFilter(2 * more + 1))
    )
