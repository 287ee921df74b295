"""Brightness: check a picture of any kind, make it grey and reduce it to a working size."""

import os
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, ImageFilter

from digitlab.images import SIZE, as_array, readable

_PIXELS = 64_000_000  # the most that a picture may have: more than a phone's camera has
_DOTS = 0.2  # a picture is dithered if more than this share of its black pixels are isolated
_DOTS_APART = 1.5  # pixels: about half of their distance on paper
_CHANNELS = ((), (1,), (3,), (4,))  # of a picture: grey, grey, RGB, RGBA
_TURNS = {  # what makes a picture upright, by its orientation in EXIF
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_DEEP = ("F", "I", "I;16", "I;16B", "I;16L", "I;16N")  # Pillow's modes of more than 8 bits


def is_picture(drawing: Any) -> bool:
    """Tell a picture from a drawing, which is a list, a column or an array of strokes."""
    if isinstance(drawing, Image.Image):
        return True
    if isinstance(drawing, Sequence) or not hasattr(drawing, "__array__"):
        return False
    array = np.asarray(readable(drawing))
    return array.dtype != object and not (array.ndim == 3 and array.shape[2] == 2)


def read_brightness(picture: npt.ArrayLike | Image.Image, side: int) -> tuple[np.ndarray, int]:
    """Make a picture grey, and reduce it until each side is less than twice `side`.

    Args:
        picture: See `digitlab.normalize_image`.
        side: Pixels.

    Returns:
        The brightness (h, w) float32, 0 for black and at most 1; and how many pixels of the
        picture, in each direction, one pixel of the brightness stands for.

    Raises:
        ValueError: It is not a picture, is too large, or cannot be read.
    """
    colour, times, _ = read_colour(picture, side)
    return _grey(colour), times


def read_colour(
    picture: npt.ArrayLike | Image.Image, side: int
) -> tuple[np.ndarray, int, tuple[int, int]]:
    """Reduce a picture until each side is less than twice `side`.

    Returns:
        The colour (h, w, 1 or 3) float32, at most 1, with paper where the picture is transparent;
        how many pixels of the picture, in each direction, one pixel of it stands for; and the
        picture's width and height.

    Raises:
        ValueError: See `read_brightness`.
    """
    values = _opened(picture) if isinstance(picture, Image.Image) else _checked(picture)
    full = _full(values)
    height, width = values.shape[:2]
    times = max(1, max(height, width) // side)
    channels = _reduced(values, full, times)
    if not np.isfinite(channels).all():
        raise ValueError("expected finite values of 32 bits in the picture, got NaN or infinity")
    channels /= np.float32(full)
    colour = channels[:, :, :3]
    if channels.shape[2] == 4:
        alpha = channels[:, :, 3:]
        if alpha.max() > 0:
            # Put it on black or white paper, whichever makes the ink stand out.
            paper = 0 if colour.mean(dtype=float) > alpha.mean(dtype=float) / 2 else 1
            colour = colour + paper * (1 - alpha)
    return colour, times, (width, height)


def _opened(picture: Image.Image) -> np.ndarray:
    """Return a Pillow image as an array (h, w), (h, w, 3) or (h, w, 4), turned upright."""
    _check_size(*picture.size)  # before reading: a small file can claim a huge size
    try:
        picture = _upright(picture)
        if picture.has_transparency_data and picture.mode not in _DEEP:
            picture = picture.convert("RGBA")
        elif picture.mode in ("1", "LA"):
            picture = picture.convert("L")
        elif picture.mode not in ("L", *_DEEP):
            picture = picture.convert("RGB")
        if picture.mode in ("L", "RGB") and picture.getcolors(2):
            picture = _undithered(picture.convert("L"))
        return np.asarray(picture)
    except Exception as error:  # Pillow reads it only now, and each format has its own errors
        raise ValueError(
            f"expected a picture that can be read, got one of mode {picture.mode}, "
            f"{picture.width} x {picture.height}: {error}"
        ) from error


def _upright(picture: Image.Image) -> Image.Image:
    """Turn a picture as its EXIF data say, if they can be read.

    `PIL.ImageOps.exif_transpose` refuses a picture if any other field is damaged.
    """
    picture.load()  # some formats turn it then
    orientation = None
    with suppress(Exception):
        orientation = picture.getexif().get(ExifTags.Base.Orientation)
    turn = _TURNS.get(orientation) if isinstance(orientation, int) else None
    return picture if turn is None else picture.transpose(turn)


def _undithered(picture: Image.Image) -> Image.Image:
    """Smooth a picture of at most two colours if scattered dots stand for grey."""
    grey = np.asarray(picture)
    black = grey < grey.max()
    padded = np.pad(black, 1)
    beside = padded[:-2, 1:-1] | padded[2:, 1:-1] | padded[1:-1, :-2] | padded[1:-1, 2:]
    dithered = np.count_nonzero(black & ~beside) > _DOTS * np.count_nonzero(black)
    return picture.filter(ImageFilter.GaussianBlur(_DOTS_APART)) if dithered else picture


def _checked(picture: npt.ArrayLike) -> np.ndarray:
    """Return a picture that is not a Pillow image as an array (h, w) or (h, w, c)."""
    if isinstance(picture, str | bytes | os.PathLike):
        name = type(picture).__name__
        raise ValueError(f"expected a picture, got {name}; open a file with PIL.Image.open")
    values = as_array(picture, "a picture, an array of numbers of shape (h, w) or (h, w, c)")
    if values.shape in ((SIZE * SIZE,), (1, SIZE * SIZE)):  # a row of a table of digits
        values = values.reshape(SIZE, SIZE)
    if hasattr(picture, "columns") and values.shape != (SIZE, SIZE):
        raise ValueError(
            f"expected a table of 28 x 28 pixels, or one row of 784, got {values.shape}; many "
            "images go to predict_images without their labels, a stroke into a list: [stroke]"
        )
    if values.ndim not in (2, 3) or 0 in values.shape or values.shape[2:] not in _CHANNELS:
        raise ValueError(
            "expected a picture of shape (h, w), (h, w, 1), (h, w, 3) or (h, w, 4), "
            f"with no side 0, got {values.shape}"
        )
    if values.ndim == 2 and values.shape[1] == 2:
        raise ValueError(
            f"expected a picture, got shape {values.shape}: is it a stroke? "
            "A drawing is a list of strokes: [stroke]"
        )
    _check_size(*values.shape[1::-1])
    return values


def _check_size(width: int, height: int) -> None:
    if not width or not height:
        raise ValueError(f"expected a picture with no side 0, got {width} x {height}")
    if width * height > _PIXELS:
        raise ValueError(
            f"expected a picture of at most {_PIXELS:,} pixels, got {width} x {height}; "
            "make it smaller: 1000 x 1000 is plenty"
        )


def _full(values: np.ndarray) -> float:
    """Return the value of full brightness, and of an opaque alpha."""
    if values.dtype in (np.uint8, np.uint16):
        return float(np.iinfo(values.dtype).max)
    # Values of another type were usually computed from one of these types.
    highest = float(values.max())
    return next((full for full in (1.0, 255.0, 65535.0) if highest <= full), highest)


def _reduced(values: np.ndarray, full: float, times: int) -> np.ndarray:
    """The channels of a picture (h, w) or (h, w, c), averaged over squares of `times` pixels."""
    if times == 1:
        return _channels(values, full)
    # A few rows at a time, so that a large picture is not copied as a whole.
    tops = range(0, len(values), times)
    rows = np.stack([_channels(values[top : top + times], full).mean(0) for top in tops])
    lefts = np.arange(0, rows.shape[1], times)
    widths = np.diff([*lefts, rows.shape[1]]).astype(np.float32)
    return np.add.reduceat(rows, lefts, axis=1) / widths[:, None]


def _channels(values: np.ndarray, full: float) -> np.ndarray:
    """Colours of a picture (h, w) or (h, w, c), times alpha, then alpha: float32 (h, w, 1 to 4)."""
    with np.errstate(over="ignore", invalid="ignore"):  # values that do not fit become infinity
        channels = values.reshape(*values.shape[:2], -1).astype(np.float32)
        if channels.shape[2] == 4:
            channels[:, :, :3] *= channels[:, :, 3:] / np.float32(full)
    return channels


def _grey(colour: np.ndarray) -> np.ndarray:
    """Weigh colours (h, w, c) so that edges, which ink has and light does not, stand out most."""
    colour = colour - min(colour.min(), 0)
    colour = colour / max(colour.max(), 1)  # above 1 only if some were negative
    if colour.shape[2] == 1:
        return colour[:, :, 0]
    edges = np.concatenate([np.diff(colour, axis=axis).reshape(-1, 3) for axis in (0, 1)])
    weights = np.linalg.eigh(edges.T @ edges)[1][:, -1].astype(np.float32)
    weights *= np.sign(weights.sum()) or 1
    weights /= np.abs(weights).sum()
    return colour @ weights - np.minimum(weights, 0).sum()
