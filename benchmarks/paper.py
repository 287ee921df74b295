"""Pictures of writing on paper or a board, made from strokes: pen, lines, light, grain, blur."""

import numpy as np
import scipy
from PIL import Image, ImageDraw, ImageFilter

from benchmarks.compose import HEIGHT, Drawing

_FINER = 2  # drawn at this multiple of the size, then reduced


def on_paper(drawing: Drawing, rng: np.random.Generator) -> np.ndarray:
    """Render a drawing as a photo of a sheet.

    With these choices at random:

    - a blue or black pen, 5 to 12 % as wide as digits are high, that wavers and sometimes fades;
    - paper that is plain, ruled, or squared, the lines at 10 to 35 % of the ink's contrast;
    - light that falls off by up to 40 % across the sheet, in a quarter of cases with a soft shadow;
    - grain and a slight blur.

    Args:
        drawing: Strokes (n, 2), none of them below 0, in pixels of the picture; digits are about
            `HEIGHT` pixels high.
        rng: Makes the choices.

    Returns:
        (h, w, 3) uint8.
    """
    cover, _ = _written(drawing, rng)
    sheet = np.full((*cover.shape, 3), rng.uniform(0.85, 0.97), np.float32)
    sheet *= 1 - rng.uniform(0, 0.06, 3).astype(np.float32)
    lines = _lines(cover.shape, rng) * rng.uniform(0.1, 0.35)
    colour = np.array([[0.1, 0.1, 0.12], [0.1, 0.15, 0.5]], np.float32)[rng.integers(2)]
    sheet *= 1 - lines[..., None] * np.array([0.8, 0.5, 0.3], np.float32)
    sheet = sheet * (1 - cover[..., None]) + colour * cover[..., None]
    sheet *= _light(cover.shape, rng)[..., None]
    return _taken(sheet, rng)


def on_board(drawing: Drawing, rng: np.random.Generator) -> np.ndarray:
    """Render a drawing as a photo of a blackboard.

    With these choices at random:

    - chalk, 5 to 12 % as wide as digits are high, with gaps in 5 to 45 % of each stroke;
    - a grey or green board, with the streaks and clouds of dust that a sponge leaves;
    - light, grain and blur as on paper.

    Args:
        drawing: Strokes (n, 2), none of them below 0, in pixels of the picture; digits are about
            `HEIGHT` pixels high.
        rng: Makes the choices.

    Returns:
        (h, w, 3) uint8.
    """
    cover, pen = _written(drawing, rng)
    rough = _noise(cover.shape, rng, max(0.5, pen * rng.uniform(0.08, 0.2)))
    gaps = np.quantile(rough, rng.uniform(0.05, 0.45))
    cover *= np.clip(2 * (rough - gaps) + 0.5, 0.1, 1)
    streaks = _noise(cover.shape, rng, (0.02 * HEIGHT, 0.3 * HEIGHT))
    clouds = _noise(cover.shape, rng, 0.3 * HEIGHT)
    dust = rng.uniform(0.15, 1.3) * np.clip(0.04 + 0.025 * streaks + 0.03 * clouds, 0, 0.3)
    chalk = np.maximum(cover, dust)[..., None]
    board = rng.uniform(0.08, 0.3) * np.array([rng.uniform(0.7, 1), 1, rng.uniform(0.75, 1)])
    sheet = (board * (1 - chalk) + np.array([0.9, 0.9, 0.85]) * chalk).astype(np.float32)
    sheet *= _light(cover.shape, rng)[..., None]
    return _taken(sheet, rng)


def _written(drawing: Drawing, rng: np.random.Generator) -> tuple[np.ndarray, float]:
    """The ink's coverage (h, w) in [0, 1], with a margin, and the pen's width in pixels."""
    margin = rng.uniform(0.4, 1.2, 4) * HEIGHT  # left, top, right, bottom
    points = np.concatenate(drawing)
    low, high = points.min(0), points.max(0)
    width, tall = np.ceil(high - low + margin[:2] + margin[2:]).astype(int)
    placed = [(stroke - low + margin[:2]) * _FINER for stroke in drawing]
    pen = rng.uniform(0.05, 0.12) * HEIGHT * _FINER

    ink = Image.new("L", (int(width) * _FINER, int(tall) * _FINER))
    draw = ImageDraw.Draw(ink)
    pressure = rng.uniform(0.75, 1.0)
    for stroke in placed:
        dense = _dense(stroke, max(pen / 4, 1))
        wave = 1 + 0.12 * np.cumsum(rng.normal(0, 0.1, len(dense))).clip(-1, 1)
        for (x, y), radius in zip(dense, pen / 2 * wave, strict=True):
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    cover = np.asarray(ink.reduce(_FINER), np.float32) / 255 * pressure  # (h, w)
    return cover, pen / _FINER


def _taken(sheet: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A sheet's colours (h, w, 3) as a camera takes them, with grain and blur: uint8."""
    sheet += rng.normal(0, rng.uniform(0.005, 0.025), sheet.shape[:2])[..., None]
    picture = Image.fromarray((255 * sheet.clip(0, 1)).astype(np.uint8))
    return np.asarray(picture.filter(ImageFilter.GaussianBlur(rng.uniform(0, 0.015) * HEIGHT)))


def _noise(
    shape: tuple[int, ...], rng: np.random.Generator, sigma: float | tuple[float, float]
) -> np.ndarray:
    """Smooth noise (h, w) with a standard deviation of 1."""
    noise = scipy.ndimage.gaussian_filter(rng.normal(0, 1, shape).astype(np.float32), sigma)
    return noise / noise.std()


def _dense(stroke: np.ndarray, step: float) -> np.ndarray:
    """Points of a stroke (n, 2), at most `step` apart."""
    along = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(stroke, axis=0).T))])
    at = np.linspace(0, along[-1], int(along[-1] / step) + 1)
    return np.stack([np.interp(at, along, axis) for axis in stroke.T], axis=1)


def _lines(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Ruling (h, w) in [0, 1]: none, lines, or squares, slightly turned."""
    kind = rng.integers(3)
    lines = np.zeros(shape, np.float32)
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    turn = rng.normal(0, np.radians(1.5))
    apart = rng.uniform(1.2, 1.8) * HEIGHT if kind == 1 else rng.uniform(0.5, 0.9) * HEIGHT
    wide = rng.uniform(0.01, 0.025) * HEIGHT
    for axis in (y + turn * x, x - turn * y)[: int(kind)]:
        distance = np.abs((axis + rng.uniform(0, apart)) % apart - apart / 2)
        lines = np.maximum(lines, np.clip(wide - distance + 0.5, 0, 1))
    return lines


def _light(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Brightness (h, w) of light from one side, with or without a shadow."""
    y, x = np.meshgrid(*(np.linspace(-1, 1, side) for side in shape), indexing="ij")
    angle = rng.uniform(0, 2 * np.pi)
    across = x * np.cos(angle) + y * np.sin(angle)
    light = 1 - rng.uniform(0, 0.4) * (across + 1.5) / 3
    if rng.random() < 0.25:
        edge = rng.uniform(-0.5, 0.5)
        light *= 1 - rng.uniform(0.15, 0.35) / (1 + np.exp((across - edge) / 0.08))
    return light.astype(np.float32)
