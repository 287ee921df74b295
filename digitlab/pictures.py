"""Pictures: a photo, a scan or a screenshot of one digit, brought to MNIST's geometry."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter, ImageOps

from digitlab.images import BOX, CENTRE, PEN_WIDTH, SIZE, as_array, centre_of_mass, detached

_PIXELS = 64_000_000  # at most in a picture: more than a phone's camera has
_LARGE = 256  # pixels: pictures of at least twice that size are reduced first
_GRID = 64  # at least so many samples each way to estimate the paper's brightness
_CHANNELS = ((), (1,), (3,), (4,))  # of a picture: grey, grey, RGB, RGBA
_ALONG = 0.1  # share of the picture's edge: a digit does not cover more of it
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # brightness of RGB, as Pillow's (ITU-R 601)


def normalize_image(picture: npt.ArrayLike | Image.Image) -> np.ndarray:
    """Bring a picture of one digit to MNIST's geometry: threshold, crop, fit, centre.

    Whatever covers most of the picture is taken as paper, so ink may be light on dark or dark on
    light, and the lighting may change slowly across the paper. A frame along the edge, or the desk
    beside the sheet, is left out. Lines much thinner than MNIST's are thickened. MNIST's own digits
    come out almost unchanged.

    Args:
        picture: An array of any size and numeric type, (h, w) or (h, w, c) with c = 1 grey, 3 RGB
            or 4 RGBA; or a Pillow image of any mode, turned as its EXIF data says. Transparent
            places count as paper. 784 numbers are the rows of an image of 28 x 28.

    Returns:
        (28, 28) float32 in [0, 1], ink 1 on paper 0; all 0 for a picture of one value.

    Raises:
        ValueError: It has another shape or more than 64 million pixels, holds a value that is not
            a finite number, or cannot be read, because the file is truncated, say.

    Example:
        >>> photo = np.full((400, 300), 230, np.uint8)  # grey paper
        >>> photo[60:340, 140:155] = 20  # a 1, in black ink
        >>> digitlab.load_recognizer().predict_images([digitlab.normalize_image(photo)]).argmax()
        np.int64(1)
    """
    ink = _without_surroundings(_ink(_grey(picture)))
    rows, columns = np.nonzero(ink > 0.25)
    if len(rows) == 0:
        return np.zeros((SIZE, SIZE), np.float32)
    ink = ink[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    return fit_ink(ink)


def fit_ink(ink: np.ndarray) -> np.ndarray:
    """Bring the ink of one digit, cropped, to MNIST's geometry: thicken, fit, centre.

    Args:
        ink: (h, w) float32 in [0, 1], ink 1 on paper 0, not all 0.

    Returns:
        (28, 28) float32 in [0, 1].
    """
    ink = _thickened(ink)
    scale = BOX / max(ink.shape)
    height, width = (max(1, round(side * scale)) for side in ink.shape)
    fitted = Image.fromarray(ink).resize((width, height), Image.Resampling.BILINEAR)
    ink = np.asarray(fitted)  # (height, width), the longer one 20
    # Scaling down has made a thin pen on a large sheet pale.
    ink = ink / ink.max()

    # Moved by whole pixels, as MNIST's digits were, so that nothing is blurred a second time. Very
    # uneven ink stops at the edge.
    top, left = (
        int(np.clip(round(CENTRE - mass), 0, SIZE - side))
        for mass, side in zip(centre_of_mass(ink)[::-1], ink.shape, strict=True)
    )
    image = np.zeros((SIZE, SIZE), np.float32)
    image[top : top + height, left : left + width] = ink
    return image


def find_ink(picture: npt.ArrayLike | Image.Image) -> tuple[np.ndarray, float]:
    """Find what is written on a picture.

    Returns:
        The ink, (h, w) float32 in [0, 1], and how many pixels of the picture one of its pixels
        stands for.
    """
    grey = _grey(picture)
    times = max(np.shape(picture)[:2] if not isinstance(picture, Image.Image) else picture.size)
    return _without_surroundings(_ink(grey)), float(max(times // _LARGE, 1))


def is_picture(drawing: Any) -> bool:
    """Tell a picture from a drawing, which is a list, a column or an array of strokes."""
    if isinstance(drawing, Image.Image):
        return True
    if isinstance(drawing, Sequence) or not hasattr(drawing, "__array__"):
        return False
    array = np.asarray(detached(drawing))
    return array.dtype != object and not (array.ndim == 3 and array.shape[2] == 2)


def _grey(picture: npt.ArrayLike | Image.Image) -> np.ndarray:
    """Brightness (h, w) of a picture, float32 in [0, 1], no side twice `_LARGE` or more."""
    if isinstance(picture, Image.Image):
        values = _values(picture)
    else:
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
    # Brightness times alpha, and alpha where the picture has one: (h, w, 1) or (h, w, 2).
    full = _full(values)
    layers = _reduced(values, full)
    if not np.isfinite(layers).all():
        raise ValueError("expected finite values of 32 bits in the picture, got NaN or infinity")
    grey, *alphas = np.moveaxis(layers, 2, 0).astype(np.float64)
    for alpha in alphas:
        if alpha.max() > 0:
            # Paper from which the ink stands out.
            grey += (0.0 if grey.sum() > alpha.sum() * full / 2 else full) * (1 - alpha)
    grey -= grey.min()
    return (grey / (grey.max() or 1.0)).astype(np.float32)


def _values(picture: Image.Image) -> np.ndarray:
    """Return a Pillow image as an array (h, w) or (h, w, 4)."""
    _check_size(*picture.size)  # before reading: a small file can claim a huge size
    try:
        picture = ImageOps.exif_transpose(picture)
        if picture.has_transparency_data:
            picture = picture.convert("RGBA")
        elif picture.mode not in ("F", "I", "I;16", "I;16B", "I;16L", "I;16N"):
            picture = picture.convert("L")
        return np.asarray(picture)
    except Exception as error:  # Pillow reads it only now, and each format has its own errors
        raise ValueError(
            f"expected a picture that can be read, got one of mode {picture.mode}, "
            f"{picture.width} x {picture.height}, that cannot: {error}"
        ) from error


def _full(values: np.ndarray) -> float:
    """Return the value of full brightness, and of an opaque alpha."""
    if values.dtype in (np.uint8, np.uint16):
        return float(np.iinfo(values.dtype).max)
    # Other types usually come from computing with one of these.
    highest = float(values.max())
    return next((full for full in (1.0, 255.0, 65535.0) if highest <= full), highest)


def _check_size(width: int, height: int) -> None:
    if width * height > _PIXELS:
        raise ValueError(
            f"expected a picture of at most {_PIXELS:,} pixels, got {width} x {height}; "
            "make it smaller, 1000 x 1000 is plenty"
        )


def _reduced(values: np.ndarray, full: float) -> np.ndarray:
    """The layers of a picture (h, w) or (h, w, c), averaged to a smaller size if it is large."""
    times = max(values.shape[:2]) // _LARGE
    if times < 2:
        return _layers(values, full)
    # A few rows at a time, so that a large picture is not copied as a whole.
    tops = range(0, len(values), times)
    rows = np.stack([_layers(values[top : top + times], full).mean(0) for top in tops])
    lefts = np.arange(0, rows.shape[1], times)
    widths = np.diff([*lefts, rows.shape[1]]).astype(np.float32)
    return np.add.reduceat(rows, lefts, axis=1) / widths[:, None]


def _layers(values: np.ndarray, full: float) -> np.ndarray:
    """Brightness of a picture (h, w) or (h, w, c): (h, w, 1); with alpha, times that: (h, w, 2)."""
    with np.errstate(over="ignore"):  # what does not fit into 32 bits becomes infinity
        values = values.astype(np.float32)
    if values.ndim == 2 or values.shape[2] == 1:
        return values.reshape(*values.shape[:2], 1)
    with np.errstate(over="ignore", invalid="ignore"):
        grey = (values[:, :, :3] @ _LUMA)[:, :, None]
        if values.shape[2] == 3:
            return grey
        alpha = values[:, :, 3:] / np.float32(full)
        return np.concatenate([grey * alpha, alpha], axis=2)


def _ink(values: np.ndarray) -> np.ndarray:
    """Estimate the ink at each place of a grey picture (h, w): float32 in [0, 1]."""
    difference = values - _paper(values)
    if -difference.min() > difference.max():
        difference = -difference  # dark ink on light paper
    if difference.max() <= 0:
        return np.zeros(values.shape, np.float32)
    grain = 4 * _spread(difference)  # smaller differences are grain of the paper, not ink
    full = np.quantile(difference[difference > difference.max() / 2], 0.99)
    if full <= grain:
        return np.zeros(values.shape, np.float32)
    return np.clip((difference - grain) / (full - grain), 0.0, 1.0).astype(np.float32)


def _without_surroundings(ink: np.ndarray) -> np.ndarray:
    """Remove what runs along the edge of ink (h, w): a frame, or the desk beside the sheet.

    Both cover a corner of the picture, which a digit that touches the edge hardly does. Where there
    is hardly anything else, the ink along the edge is the digit itself, cropped closely.
    """
    solid = ink > 0.25
    if not solid[[0, 0, -1, -1], [0, -1, 0, -1]].any():
        return ink
    around = np.concatenate([solid[0], solid[1:, -1], solid[-1, -2::-1], solid[-2:0:-1, 0]])
    if _longest_run(around) < _ALONG * len(around):
        return ink
    outside = solid.copy()
    outside[1:-1, 1:-1] = False
    while (grown := _grown(outside) & solid).sum() > outside.sum():
        outside = grown
    rest = solid & ~outside
    rows, columns = np.nonzero(rest)
    if len(rows) == 0 or max(np.ptp(rows), np.ptp(columns)) < 0.05 * max(ink.shape):
        return ink
    inside = np.where(_grown(_grown(outside)) & ~rest, 0, ink)  # nor its soft edge
    return inside / inside.max()


def _longest_run(around: np.ndarray) -> int:
    """Length of the longest run of True in a ring."""
    gaps = np.flatnonzero(~around)
    return int(np.diff(gaps, append=gaps[0] + len(around)).max()) - 1 if len(gaps) else len(around)


def _grown(mask: np.ndarray) -> np.ndarray:
    """Return a mask (h, w) grown by a pixel on all four sides."""
    grown = mask.copy()
    grown[1:] |= mask[:-1]
    grown[:-1] |= mask[1:]
    grown[:, 1:] |= mask[:, :-1]
    grown[:, :-1] |= mask[:, 1:]
    return grown


def _paper(values: np.ndarray) -> np.ndarray:
    """Estimate the paper's brightness at each place of a picture (h, w), under ink too: float64."""
    y, x = (np.linspace(-1, 1, side) for side in values.shape)
    down, across = (max(1, side // _GRID) for side in values.shape)
    some = values[::down, ::across].astype(np.float64).ravel()
    v, u = (axis.ravel() for axis in np.meshgrid(y[::down], x[::across], indexing="ij"))
    terms = np.stack([u, v, u * u, u * v, v * v, np.ones_like(u)], axis=1)
    paper = np.array([0, 0, 0, 0, 0, np.median(values)])
    # Light falls off smoothly and ink does not: values far from the fitted surface are left out of
    # the next fit. Paper of one brightness, such as MNIST's, has no spread and needs no fit.
    for _ in range(5):
        away = np.abs(some - terms @ paper)
        spread = _spread(away)
        if spread == 0:
            break
        near = away <= 2.5 * spread
        paper = np.linalg.lstsq(terms[near], some[near], rcond=None)[0]
    a, b, c, d, e, f = paper
    y = y[:, None]
    return (a + c * x + d * y) * x + (b + e * y) * y + f


def _spread(difference: np.ndarray) -> float:
    """Standard deviation of the paper's grain, from the median, which ink hardly moves."""
    return 1.4826 * float(np.median(np.abs(difference)))


def _thickened(ink: np.ndarray) -> np.ndarray:
    """Thicken ink (h, w) of a pen at most half as wide as MNIST's to MNIST's width."""
    solid = ink > 0.5
    # A line has two edges: its width is twice its area by the length of its edge.
    edge = sum(np.count_nonzero(np.diff(np.pad(solid, 1), axis=axis)) for axis in (0, 1))
    width = 2 * np.count_nonzero(solid) / max(edge, 1) * 4 / np.pi  # 4 / pi: edges are staircases
    wanted = PEN_WIDTH * max(ink.shape) / BOX
    if width >= wanted / 2:
        return ink
    more = round((wanted - width) / 2)  # pixels on each side
    if more < 1:
        return ink
    return np.asarray(
        Image.fromarray(np.pad(ink, more)).filter(ImageFilter.MaxFilter(2 * more + 1))
    )
