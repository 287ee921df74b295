"""The ink in a picture: no shadows, printed lines and dots, underlines, rings, fingers or desk."""

import numpy as np
import numpy.typing as npt
import scipy  # ndimage, which takes 0.2 s to load, is loaded on first use
import skimage as ski
from PIL import Image

from digitlab.pictures.boxes import without_boxes
from digitlab.pictures.brightness import read_brightness
from digitlab.pictures.combs import without_combs
from digitlab.pictures.dots import without_dots
from digitlab.pictures.edges import without_edge_objects
from digitlab.pictures.pen import pen_width
from digitlab.pictures.rings import without_rings
from digitlab.pictures.ruling import without_ruling
from digitlab.pictures.sheet import without_desk
from digitlab.pictures.underlines import without_underlines

_PAGE_SIDE = 800  # pixels: a page's picture is reduced to less than twice that
_SMALL = 25  # pixels: or to less than four times that, if its digits would not be as high as this
# The side of a window that holds ink and more paper, as a share of the picture's shorter side. It
# is larger for one digit, which may fill its picture, than for a page, whose picture shows more
# than the sheet.
_DIGIT_AROUND = 0.5
_PAGE_AROUND = 0.33
_MARGIN = 0.25  # added around a picture that was cropped closely, as a share of its shorter side
_CLOSE = 0.03  # how close to the edge its ink comes, likewise
_MIN_CONTRAST = 0.15  # by how much such ink is darker than the paper; grain is not
_TINY = 8  # pixels: a smaller picture stays as it is
_BROAD = 0.5  # broadest stroke, as a share of the picture's shorter side
_ALONG = 0.2  # a desk covers at least this share of the picture's edge, a digit covers less
_DARKER = 3  # the desk beside the paper is at least this many times darker
_DARK = 0.8  # ink at least this dark is writing, not a shadow
_PENS = 3  # a shadow is at least this many pen widths broad
_EDGE_PENS = 1.5  # or this many if it reaches the picture's edge, as those of fingers do
_SHADOW = 0.15  # and there at least this dark
_SHADE = 0.3  # and no broader than this share of the picture's shorter side
_MIN_SIDE = 96  # pixels: in a smaller picture, a stroke out of focus may look like a shadow
_GAPS = 1.14  # strokes have gaps if closing those makes them seem this many times as broad
_FAINT = 0.06  # minimum contrast of ink, as a share of the paper's brightness


def find_ink(picture: npt.ArrayLike | Image.Image) -> tuple[np.ndarray, float]:
    """Find the writing in a picture.

    Shadows, printed lines and dots, underlines, rings, fingers at the edge and the desk beside the
    sheet are left out.

    Args:
        picture: See `digitlab.normalize_image`.

    Returns:
        The ink, (h, w) float32 in [0, 1], ink 1 on paper 0, each side below 1,600 pixels, or 3,200
        if the digits would be too small; all 0 if nothing is written; and how many pixels of the
        picture one pixel of the ink stands for.

    Raises:
        ValueError: See `digitlab.normalize_image`.

    Example:
        >>> photo = np.full((400, 3000), 230, np.uint8)
        >>> photo[60:340, 140:155] = 20  # a 1
        >>> photo[380:383] = 90  # on ruled paper
        >>> ink, scale = digitlab.find_ink(photo)
        >>> ink.shape, scale, int(ink.any(axis=1).sum() * scale)
        ((134, 1000), 3.0, 282)
    """
    brightness, times = read_brightness(picture, _PAGE_SIDE)
    ink = find_writing(brightness, page=True)
    if times > 1 and _height(ink) < _SMALL:
        brightness, times = read_brightness(picture, 2 * _PAGE_SIDE)
        ink = find_writing(brightness, page=True)
    return ink, float(times)


def _height(ink: np.ndarray) -> float:
    """Estimate the height of the digits in ink (h, w), in pixels; infinity if there are none."""
    parts = scipy.ndimage.find_objects(scipy.ndimage.label(ink > 0.5, np.ones((3, 3)))[0])
    heights = np.array([rows.stop - rows.start for rows, _ in parts])
    return float(np.median(heights[heights > heights.max() / 2])) if len(heights) else np.inf


def find_writing(brightness: np.ndarray, page: bool) -> np.ndarray:
    """Find the ink that is writing.

    Args:
        brightness: (h, w), see `read_brightness`.
        page: Whether the picture may show more than one digit.

    Returns:
        (h, w) float32 in [0, 1].
    """
    around = _PAGE_AROUND if page else _DIGIT_AROUND
    height, width = brightness.shape
    brightness, margin = _with_margin(brightness, around)
    ink = _without_shadows(_ink(without_desk(brightness), page, around))
    ink = ink[margin : margin + height, margin : margin + width]
    if page:  # the gaps in one digit alone do no harm
        ink = _without_gaps(ink)
    ink = without_combs(without_boxes(without_dots(ink)))
    # Once before: ruling would be removed only where a line drawn by hand is straight.
    ink = without_ruling(without_underlines(ink))
    return without_underlines(without_rings(ink))


def _with_margin(brightness: np.ndarray, around: float) -> tuple[np.ndarray, int]:
    """Continue the paper beyond the edges of a picture (h, w) that was cropped close to its ink.

    Returns:
        (h + 2 m, w + 2 m), inverted if its ink is light, and m. The picture itself and 0 if the
        ink is not close to all four edges.
    """
    side = min(brightness.shape)
    if side < _TINY:
        return brightness, 0
    margin = round(_MARGIN * side)
    # Where the picture was cropped so closely that there is less paper than ink, more is needed.
    padded = np.pad(brightness, margin, constant_values=np.median(brightness[::4, ::4]))
    dark = brightness.max() - brightness if _is_light_ink(padded, around) else brightness
    turned = [np.rot90(dark, turn) for turn in range(4)]  # to have each edge at the top

    def without_ink(edges: list[np.ndarray]) -> list[np.ndarray]:
        """Close dark places at the edges, unless they are as long as those of the desk."""
        once_around = np.concatenate(edges)
        along = 2 * round(_ALONG * len(once_around) / 2) + 1
        closed = scipy.ndimage.grey_closing(once_around, along, mode="wrap")
        return np.split(closed, np.cumsum([len(edge) for edge in edges])[:-1])

    near = [picture[: round(_CLOSE * side) + 1, :-1].min(axis=0) for picture in turned]
    contrast = max(_MIN_CONTRAST, 0.25 * np.ptp(brightness))
    if not all(
        (bare - edge).max() > contrast for bare, edge in zip(without_ink(near), near, strict=True)
    ):
        return brightness, 0  # what is close to some of the edges may be shadows
    frame = dark.copy()
    for turn, bare in enumerate(without_ink([picture[0, :-1] for picture in turned])):
        np.rot90(frame, turn)[0, :-1] = bare
    padded = np.pad(frame, margin, mode="edge")
    padded[margin:-margin, margin:-margin] = dark
    return padded, margin


def _ink(brightness: np.ndarray, page: bool, around: float) -> np.ndarray:
    """Estimate the ink at each place of a picture (h, w): float32 in [0, 1]."""
    if _is_light_ink(brightness, around):
        brightness = brightness.max() - brightness
    brightness = without_edge_objects(brightness)
    paper = np.maximum(_paper(brightness), 1e-3)
    ink = 1 - brightness / paper  # the share of the light that the ink absorbs
    if page:
        ink[_desk(paper)] = 0
    # Because of the paper's grain, the closing estimates its brightness a little too high.
    ink = np.maximum(ink - np.quantile(ink, 0.2), 0)
    fine = _fine_grain(brightness / paper)
    sure = ink[ink > max(ink.max() / 2, _FAINT)]
    if len(sure) == 0:
        return np.zeros_like(ink)
    full = np.quantile(sure, 0.99)
    grain = 4 * _spread(ink)
    if grain > full / 2:  # out of focus, with little bare paper; or only grain, which averages out
        few = np.asarray(Image.fromarray(ink).reduce(max(1, min(ink.shape) // 12)))
        if few.max() - np.quantile(few, 0.2) < full / 2:
            return np.zeros_like(ink)
    grain = min(grain, full / 4)
    local = np.maximum(grain, 4 * fine)
    return np.clip((ink - local) / np.maximum(full - local, full / 4), 0, 1) * (full > 2 * local)


def _without_shadows(ink: np.ndarray) -> np.ndarray:
    """Subtract shadows, such as those of fingers: paler than the writing, and broader.

    Larger shadows count as paper already, see `_paper`. Shadows that do not reach the picture's
    edge must be broader, because they may be the writing of another, paler pen.
    """
    if min(ink.shape) < _MIN_SIDE:
        return ink
    width = pen_width(ink > _DARK)
    # In strokes of about that darkness, grain makes only scattered pixels darker.
    smooth = scipy.ndimage.uniform_filter(ink, 3) > _DARK
    whole = scipy.ndimage.binary_closing(smooth, np.ones((7, 7)))
    without_grain = pen_width(scipy.ndimage.binary_opening(whole, np.ones((5, 5))))
    if without_grain > 1.5 * width:
        width = without_grain
    narrow, broad = (_broader(ink, 2 * round(pens * width / 2) + 3) for pens in (_EDGE_PENS, _PENS))
    parts = scipy.ndimage.label(narrow > _SHADOW)[0]
    edges = np.concatenate([parts[0], parts[-1], parts[:, 0], parts[:, -1]])
    shade = np.where(np.isin(parts, edges[edges > 0]), narrow, broad)
    shade = np.where(shade < _DARK, shade, 0)
    return np.clip((ink - shade) / np.maximum(1 - shade, 1 - _DARK), 0, 1)


def _broader(ink: np.ndarray, window: int) -> np.ndarray:
    """Keep what is at least as broad as a window; nothing, if the picture is small for that."""
    if window >= _SHADE * min(ink.shape):
        return np.zeros_like(ink)
    return scipy.ndimage.grey_opening(ink, (window, window))


def _without_gaps(ink: np.ndarray) -> np.ndarray:
    """Fill the many gaps that chalk leaves in strokes, which would take digits apart.

    Strokes of other pens, which have none, stay as they are.
    """
    if min(ink.shape) < _MIN_SIDE:
        return ink
    width = pen_width(ink > 0.5)
    window = 3 if width < 4 else 5
    # Gaps have edges too, so strokes seem thinner than they are until the gaps are closed.
    while window <= max(5, width):
        closed = scipy.ndimage.grey_closing(ink, (window, window))
        broader = pen_width(closed > 0.5)
        if broader < _GAPS * width:
            break
        ink, width, window = closed, broader, window + 2
    return ink


def _is_light_ink(brightness: np.ndarray, around: float) -> bool:
    """Tell whether the ink is lighter than the paper: there is less ink than paper around it.

    In the whole picture this need not be so, because a dark desk may be larger than the sheet.
    """
    small = np.asarray(Image.fromarray(brightness).reduce(max(1, max(brightness.shape) // 64)))
    window = 2 * int(around / 2 * min(small.shape)) + 1
    low, high = (
        scipy.ndimage.minimum_filter(small, window),
        scipy.ndimage.maximum_filter(small, window),
    )
    return bool(np.sum((high - low) * (small - (high + low) / 2)) < 0)


def _paper(brightness: np.ndarray) -> np.ndarray:
    """Estimate the paper's brightness at each place of a picture (h, w), under ink too.

    This is a morphological closing: dark places that are narrower than its window become as bright
    as their surroundings. Larger ones, such as shadows, stay, and so do those that continue beyond
    the picture's edge, such as the desk beside the sheet.
    """
    window = 2 * round(_BROAD * min(brightness.shape) / 2) + 1
    # Without padding, the closing's second filter would extend the first one's result beyond the
    # edge.
    room = window // 2
    padded = np.pad(brightness, room, mode="edge")
    closed = scipy.ndimage.grey_closing(padded, (window, window), mode="nearest")
    return closed[room:-room, room:-room] if room else closed


def _desk(paper: np.ndarray) -> np.ndarray:
    """Find the desk: places at the picture's edge that are too dark to be shadows on the paper."""
    logs = np.log(np.maximum(paper, 0.01))
    middle = ski.filters.threshold_otsu(logs) if np.ptp(logs) > np.log(_DARKER) else logs.min()
    dark = logs < middle
    if not dark.any() or np.median(logs[~dark]) - np.median(logs[dark]) < np.log(_DARKER):
        return np.zeros(paper.shape, bool)
    parts = ski.measure.label(dark)
    edges = np.concatenate([parts[0], parts[-1], parts[:, 0], parts[:, -1]])
    if np.mean(edges > 0) < _ALONG:
        return np.zeros(paper.shape, bool)
    desk = np.isin(parts, edges[edges > 0])
    margin = 2 * (max(paper.shape) // 200) + 3  # covers the sheet's soft edge
    return scipy.ndimage.maximum_filter(desk, margin)


def _fine_grain(brightness: np.ndarray) -> np.ndarray:
    """Standard deviation of the noise from pixel to pixel around each place of a picture (h, w)."""
    # The second difference: 0 where brightness changes evenly, as it does out of focus.
    second = np.zeros_like(brightness)
    second[:, 1:-1] = brightness[:, 1:-1] - (brightness[:, :-2] + brightness[:, 2:]) / 2
    down, across = (min(8, max(1, side // 24)) for side in brightness.shape)
    high, wide = brightness.shape[0] // down, brightness.shape[1] // across
    blocks = np.abs(second[: down * high, : across * wide]).reshape(down, high, across, wide)
    spread = 1.4826 * np.median(blocks, axis=(1, 3)) / np.sqrt(1.5)
    image = Image.fromarray(spread.astype(np.float32))
    return np.asarray(image.resize(brightness.shape[::-1], Image.Resampling.BILINEAR))


def _spread(difference: np.ndarray) -> float:
    """Standard deviation of the paper's grain, from the median, which ink hardly changes."""
    return 1.4826 * float(np.median(np.abs(difference)))
