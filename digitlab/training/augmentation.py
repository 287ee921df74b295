"""Augmentation: MNIST's digits as other people would have written them, new ones every epoch.

MNIST holds American hands of about 1990, as pixels. Here a share of its digits is thinned to the
line that the pen followed and drawn again as `digitlab.strokes` draws strokes: turned, stretched,
slanted, bent, with another pen, and in ways of writing that MNIST hardly has (a slash through the
zero, a flag and a foot on the one, a bar through the seven). The others stay pixels: most of them
are turned and stretched, and some are left alone. A network with an eleventh output also gets
doodles, noise, and several digits at once, to learn what is no digit.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, fields, replace

import keras
import numpy as np
from PIL import Image
from skimage.morphology import skeletonize
from tqdm import tqdm

from digitlab.images import BOX, CENTRE, PEN_WIDTH, SIZE
from digitlab.training.non_digits import LETTERS, SCRIBBLES, SHAPES, doodle

NO_DIGIT = 10  # the label, and the place among a network's outputs, of what is no digit

_GROUPS = tuple(tuple(kinds) for kinds in (LETTERS, SHAPES, SCRIBBLES))
_FINE = 3  # times: digits are enlarged before they are thinned
_SPACING = 0.35  # pixels between the points that stand for a line


# The most that a knob can be; all others are shares.
_MOST = {"rotation": 180, "stretch": 4, "shear": 4, "shift": SIZE, "bend": BOX, "pen": 2}


@dataclass(frozen=True)
class Augmentation:
    """Every knob of the augmentation; 0 leaves its part out.

    Raises:
        ValueError: A knob is below 0, or above what makes sense; the message says both.
    """

    redrawn: float = 0.5  # share of the digits: thinned to a line, and drawn again with a pen
    rotation: float = 20.0  # degrees, either way
    stretch: float = 0.2  # share by which one side grows against the other
    scale: float = 0.1  # of the digits that are not redrawn: larger or smaller, e to that power
    shear: float = 0.25  # slant: pixels sideways for each pixel up, either way
    shift: float = 1.0  # pixels, either way
    bend: float = 0.8  # pixels: how far waves move the line
    styles: float = 0.4  # share of the redrawn 0, 1, 5, 7, 9: as MNIST hardly has them
    gaps: float = 0.15  # share of the redrawn digits: a piece of the line is missing
    pen: float = 0.7  # how much wider or narrower the pen is than MNIST's: e to that power
    untouched: float = 0.3  # share of the digits that are not redrawn: left as MNIST has them
    no_digits: float = 0.1  # what is no digit, for each digit; for networks with 11 outputs

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            most = _MOST.get(field.name, 1)
            if not 0 <= value <= most:
                raise ValueError(f"expected {field.name} from 0 to {most}, got {value!r}")


_PLAIN = Augmentation(**{field.name: 0.0 for field in fields(Augmentation)})


class AugmentedDigits(keras.utils.PyDataset):
    """Batches of augmented digits for `keras.Model.fit`.

    What a batch holds depends on the seed, the epoch and its place in it, and on nothing else.

    Args:
        images: (n, 28, 28) uint8, ink light on dark.
        labels: (n,) 0 to 9.
        augmentation: The knobs.
        batch_size: Digits a batch; what is no digit comes on top.
        seed: Of everything random here.
        no_digits: Whether to add what is no digit, as label 10.
        epoch: To begin with, counted from 0.
    """

    def __init__(
        self,
        images: np.ndarray,
        labels: np.ndarray,
        augmentation: Augmentation,
        batch_size: int,
        seed: int,
        no_digits: bool,
        epoch: int = 0,
    ) -> None:
        super().__init__()  # one thread, which draws the next batches while one is learned
        self.images, self.labels = images, labels
        self.knobs, self.batch_size, self.seed = augmentation, batch_size, seed
        self.others = no_digits
        self.points, self.starts = thin(images)
        self.with_line = np.diff(self.starts) > 0  # others are blank, or too faint for a line
        self.epoch = epoch
        self._shuffle()

    def __len__(self) -> int:
        """How many batches an epoch has."""
        return math.ceil(len(self.images) / self.batch_size)

    def on_epoch_end(self) -> None:
        """Shuffle, and draw everything anew."""
        self.epoch += 1
        self._shuffle()

    def _shuffle(self) -> None:
        self.order = np.random.default_rng([self.seed, self.epoch]).permutation(len(self.images))

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Images (b, 28, 28, 1) float32 in [0, 1], and their labels (b,)."""
        rng = np.random.default_rng([self.seed, self.epoch, index])
        chosen = self.order[index * self.batch_size : (index + 1) * self.batch_size]
        redrawn = (rng.random(len(chosen)) < self.knobs.redrawn) & self.with_line[chosen]
        pixels, lines = chosen[~redrawn], chosen[redrawn]
        drawn = [styled(self._line(i), int(self.labels[i]), self.knobs, rng) for i in lines]
        moved = transformed(self.images[pixels], self.knobs, rng)
        others = noisy = 0
        if self.others and self.knobs.no_digits:
            others = rng.binomial(len(chosen), self.knobs.no_digits)
            noisy = rng.binomial(others, 0.1)
            drawn += [self._no_digit(rng) for _ in range(others - noisy)]
        specks = noise(noisy, rng)
        images = np.concatenate([moved, draw(drawn, self.knobs, rng), specks])[..., None]
        labels = [self.labels[pixels], self.labels[lines], np.full(others, NO_DIGIT)]
        return images, np.concatenate(labels).astype(np.int64)

    def _line(self, index: int) -> np.ndarray:
        return self.points[self.starts[index] : self.starts[index + 1]]

    def _no_digit(self, rng: np.random.Generator) -> np.ndarray:
        """Points (p, 2) of a doodle, or of two or three digits beside each other."""
        if rng.random() < 0.75 or not self.with_line.any():
            kinds = _GROUPS[rng.choice(3, p=[0.3, 0.3, 0.4])]
            drawing = doodle(kinds[rng.integers(len(kinds))], rng)
            # A scribble thinned is lines with room between them. Half of them stay full.
            full = kinds == _GROUPS[2] and rng.random() < 0.5
            return dense(drawing) if full else traced(dense(drawing))
        lines, right = [], 0.0
        for index in rng.choice(np.flatnonzero(self.with_line), rng.choice([2, 2, 3])):
            line = self._line(index)
            low, high = line.min(0), line.max(0)
            lines.append(line - [low[0] - right, low[1] - rng.uniform(-4, 4)])
            right += high[0] - low[0] + rng.uniform(1, 7)
        return np.concatenate(lines)


def thin(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Thin digits (n, 28, 28) uint8 to the line that the pen followed.

    Returns:
        Points (p, 2) float32, x and y in pixels, close together on the lines of all digits, and
        where each digit's points start: (n + 1,) int. A digit without dark ink has none.
    """
    points, starts = [], [0]
    for image in tqdm(images, "Finding the pen's lines", delay=2, leave=False):
        points.append(_skeleton(image))
        starts.append(starts[-1] + len(points[-1]))
    return np.concatenate(points), np.array(starts)


def _skeleton(image: np.ndarray) -> np.ndarray:
    """Points (p, 2) float32 in the middle of the ink of an image (28, 28) uint8."""
    large = Image.fromarray(image).resize((SIZE * _FINE,) * 2, Image.Resampling.BICUBIC)
    rows, columns = np.nonzero(skeletonize(np.asarray(large) > 110))
    return ((np.stack([columns, rows], 1) + 0.5) / _FINE - 0.5).astype(np.float32)


def traced(line: np.ndarray) -> np.ndarray:
    """Draw a line of points (p, 2) plainly, and thin it: points (q, 2).

    Lines that were thinned tremble, and bend where they meet. Were only those of MNIST's digits
    like that, a network would tell by it what is no digit; and people's clean lines would mislead
    it.
    """
    (image,) = draw([line], _PLAIN, np.random.default_rng(0))
    points = _skeleton((255 * image).astype(np.uint8))
    return points if len(points) else line


def dense(drawing: list[np.ndarray]) -> np.ndarray:
    """Points (p, 2) close together along a drawing's strokes, which are scaled to 20 pixels."""
    size = np.ptp(np.concatenate(drawing), axis=0).max()
    scale = BOX / size if size > 0 else 1.0
    return _on_grid(np.concatenate([_dense(stroke * scale) for stroke in drawing]))


def styled(
    line: np.ndarray, digit: int, knobs: Augmentation, rng: np.random.Generator
) -> np.ndarray:
    """A digit's points (p, 2), some with a way of writing that MNIST hardly has."""
    if rng.random() < knobs.gaps:
        # Zeros lose their left side, fives the corner under their bar and eights their top more
        # often than others lose anything, and they lose more of it.
        habit = {0: line[:, 0], 5: line.sum(1), 8: line[:, 1]}.get(digit)
        at = rng.integers(len(line)) if habit is None or rng.random() < 0.4 else habit.argmin()
        radius = rng.uniform(0.8, 2.0 if habit is None else 3.5)
        kept = line[np.hypot(*(line - line[at]).T) > radius]
        line = kept if len(kept) > 8 else line
    if digit not in _STYLES or rng.random() >= knobs.styles:
        return line
    return _STYLES[digit](line, line.min(0), line.max(0), rng)


def _dense(stroke: np.ndarray) -> np.ndarray:
    """Points (p, 2) close together along a stroke (n, 2), in pixels."""
    lengths = np.hypot(*np.diff(stroke, axis=0).T)
    at = np.concatenate([[0.0], np.cumsum(lengths)])
    along = np.linspace(0, at[-1], int(at[-1] / _SPACING) + 1)
    return np.stack([np.interp(along, at, axis) for axis in stroke.T], 1)


def _on_grid(points: np.ndarray) -> np.ndarray:
    """Points (p, 2) moved to the grid of those that are thinned, each place once."""
    return np.unique(np.round(points * _FINE), axis=0) / _FINE


def _with(line: np.ndarray, strokes: list[tuple]) -> np.ndarray:
    """A digit's points (p, 2), and those of strokes that are added to it."""
    # Not traced: the pen fills the sharp angle of a flag and its stem, and the flag would be short.
    return _on_grid(np.concatenate([line, *(_dense(np.array(stroke)) for stroke in strokes)]))


def _slash(
    line: np.ndarray, low: np.ndarray, high: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """A zero crossed from the lower left to the upper right, or the other way, or with a dot."""
    middle, half = (low + high) / 2, (high - low) / 2
    if rng.random() < 0.1:
        return _with(line, [(middle, middle + rng.uniform(0, 2, 2))])
    reach = half * rng.uniform(0.35, 2.1, 2)
    reach[0] = max(reach[0], rng.uniform(1, 4))
    if rng.random() < 0.2:
        reach[0] = -reach[0]
    middle = middle + rng.normal(0, 0.7, 2)
    return _with(line, [(middle + [-reach[0], reach[1]], middle + [reach[0], -reach[1]])])


def _flag(
    line: np.ndarray, low: np.ndarray, high: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """A one with a flag, a foot, or both."""
    top, foot = line[line[:, 1].argmin()], line[line[:, 1].argmax()]
    stem = foot - top
    height = max(np.hypot(*stem), 4.0)
    strokes: list[tuple] = []
    if rng.random() < 0.85:
        # From the stem's own direction: a slanted one has a flag that is slanted, too.
        length = rng.triangular(0.15, 0.4, 0.9)
        # A long one hangs closer to the stem, and none lies nearly flat: else it is a seven.
        lean = np.degrees(np.arctan2(-stem[0], stem[1]))
        angle = np.radians(rng.uniform(18, max(24, min(68 - 20 * length, 70 - lean))))
        bow = angle + rng.normal(0, 0.2)
        middle, end = (
            top + np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]]) @ stem * part
            for a, part in ((bow, length / 2), (angle, length))
        )
        strokes.append((top, middle, end))
    if rng.random() < 0.45:
        left, right = height * rng.uniform(0.08, 0.45, 2)
        tilt = rng.normal(0, 0.08) * height
        strokes.append((foot - [left, tilt], foot + [right, tilt]))
    return _with(line, strokes)


def _apart(
    line: np.ndarray, low: np.ndarray, high: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """A five whose bar was drawn last, shorter and away from the rest."""
    if low[1] == high[1]:
        return line
    of_bar = line[:, 1] < low[1] + (high[1] - low[1]) * rng.uniform(0.1, 0.25)
    bar, rest = line[of_bar], line[~of_bar]
    middle = bar.mean(0)
    move = rng.uniform([-1.5, -3.0], [3.0, 0.5])
    return np.concatenate([middle + (bar - middle) * rng.uniform(0.5, 1.0) + move, rest])


def _bar(
    line: np.ndarray, low: np.ndarray, high: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """A seven with a bar through its stem, a serif at its beginning, or both."""
    width, height = high - low
    strokes = []
    if rng.random() < 0.85:
        row = low[1] + height * rng.uniform(0.4, 0.65)
        stem = line[np.abs(line[:, 1] - row) < 1.0]
        middle = stem.mean(0) if len(stem) else np.array([low[0] + width / 2, row])
        left, right = np.maximum(width, 6) * rng.uniform(0.15, 0.5, 2)
        tilt = rng.normal(0, 0.08) * width
        strokes.append((middle - [left, -tilt], middle + [right, -tilt]))
    if rng.random() < 0.3 and height > 0:
        upper = line[line[:, 1] < low[1] + height * 0.35]
        start = upper[upper[:, 0].argmin()]
        strokes.append((start, start + [rng.uniform(-1.5, 0.5), height * rng.uniform(0.1, 0.3)]))
    return _with(line, strokes)


def _hook(
    line: np.ndarray, low: np.ndarray, high: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """A nine whose stem ends in a hook to the left."""
    foot, height = line[line[:, 1].argmax()], high[1] - low[1]
    across, up = height * rng.uniform(0.15, 0.5), height * rng.uniform(-0.05, 0.2)
    bottom = foot + [-across / 2, rng.uniform(0, 1.5)]
    return _with(line, [(foot, bottom), (bottom, foot - [across, up])])


# Each takes a digit's points (p, 2) and the corners of the box around them, and gives its points
# in that style.
_STYLES: dict[int, Callable] = {0: _slash, 1: _flag, 5: _apart, 7: _bar, 9: _hook}


def draw(lines: list[np.ndarray], knobs: Augmentation, rng: np.random.Generator) -> np.ndarray:
    """Draw lines, each of points (p, 2), turned, slanted, bent, and with all kinds of pens.

    The geometry is that of `digitlab.render_strokes`: the longer side of the ink is 20 pixels, its
    centre lies in the middle.

    Returns:
        (n, 28, 28) float32 in [0, 1].
    """
    n = len(lines)
    if n == 0:
        return np.zeros((0, SIZE, SIZE), np.float32)
    counts = np.array([len(line) for line in lines])
    starts = np.cumsum(counts) - counts
    of = np.repeat(np.arange(n), counts)  # which drawing a point belongs to
    points = np.concatenate(lines).astype(np.float32)  # (p, 2)

    def middle(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        low, high = np.minimum.reduceat(points, starts), np.maximum.reduceat(points, starts)
        return (low + high) / 2, (high - low).max(1)

    centre, size = middle(points)
    # Unit: half of the longer side.
    points = (points - centre[of]) * (2 / np.maximum(size, 1e-3))[of, None]
    points = np.einsum("pij,pj->pi", matrices(n, knobs, rng)[of], points)
    waves = rng.uniform(0.8, 3.0, (n, 2, 2)) * rng.choice([-1, 1], (n, 2, 2))
    phases = rng.uniform(0, 2 * np.pi, (n, 2))
    amplitude = rng.uniform(0, knobs.bend / (BOX / 2), (n, 2))
    points = points + amplitude[of] * np.sin(
        np.einsum("pij,pj->pi", waves[of], points) + phases[of]
    )

    pen = PEN_WIDTH * np.exp(rng.triangular(-1, 0, 1, n) * knobs.pen)
    centre, size = middle(points)
    # A single place stays one: nothing to scale.
    scale = np.where(size > 1e-2, (BOX - pen) / np.maximum(size, 1e-2), 0.0)
    points = (points - centre[of]) * scale[of, None]
    mass = np.add.reduceat(points, starts) / counts[:, None]
    points += (CENTRE - mass + rng.uniform(-0.5, 0.5, (n, 2)) * knobs.shift)[of]

    # Squared distance of each pixel to the nearest point.
    reach = pen / 2 + 0.5
    margin, width = 6, int(2 * reach.max()) + 1
    side = SIZE + 2 * margin
    canvas = np.full((n, side, side), 100, np.float32)
    corner = np.ceil(points - reach[of, None]).astype(int)  # (p, 2)
    window = corner[:, :, None] + np.arange(width)  # (p, 2, w)
    square = ((window - points[:, :, None]) ** 2).astype(np.float32)
    window = np.clip(window + margin, 0, side - 1)
    columns, rows = window[:, 0], window[:, 1]
    flat = of[:, None, None] * side**2 + rows[:, :, None] * side + columns[:, None, :]
    np.minimum.at(
        canvas.reshape(-1), flat.ravel(), (square[:, 1, :, None] + square[:, 0, None, :]).ravel()
    )
    distance = np.sqrt(canvas[:, margin:-margin, margin:-margin])
    return np.clip(reach[:, None, None] - distance, 0, 1).astype(np.float32)


def matrices(n: int, knobs: Augmentation, rng: np.random.Generator) -> np.ndarray:
    """Random turns, stretches and slants: (n, 2, 2)."""
    angle = np.radians(rng.uniform(-knobs.rotation, knobs.rotation, n))
    stretch = np.exp(rng.uniform(-1, 1, n) * np.log1p(knobs.stretch))
    shear = rng.uniform(-knobs.shear, knobs.shear, n)
    zero, one = np.zeros(n), np.ones(n)
    turn = np.stack([np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)], 1)
    slant = np.stack([stretch, -shear, zero, one], 1)
    return turn.reshape(n, 2, 2) @ slant.reshape(n, 2, 2)


def transformed(images: np.ndarray, knobs: Augmentation, rng: np.random.Generator) -> np.ndarray:
    """Images (n, 28, 28) uint8, most turned, stretched, slanted, shifted: float32 in [0, 1]."""
    n = len(images)
    pixels = images.astype(np.float32) / 255
    if n == 0:
        return pixels
    # Half as much as for lines: these keep the size and the place that they have.
    half = replace(
        knobs, rotation=knobs.rotation / 2, stretch=knobs.stretch / 2, shear=knobs.shear / 2
    )
    inverse = np.linalg.inv(
        matrices(n, half, rng) * np.exp(rng.uniform(-knobs.scale, knobs.scale, (n, 1, 1)))
    )
    shift = rng.uniform(-1.5, 1.5, (n, 2)) * knobs.shift
    # What is moved is blurred a little. Were all of them, digits as they are would look unlike any.
    untouched = rng.random(n) < knobs.untouched
    inverse[untouched], shift[untouched] = np.eye(2), 0
    offset = CENTRE - np.einsum("nij,nj->ni", inverse, CENTRE + shift)
    # One row for each image: x, then y, of the place that a pixel is taken from.
    rows = np.concatenate([inverse, offset[:, :, None]], 2).reshape(n, 6)
    rows = np.concatenate([rows, np.zeros((n, 2))], 1).astype(np.float32)
    moved = keras.ops.image.affine_transform(
        pixels[..., None], rows, interpolation="bilinear", data_format="channels_last"
    )
    return keras.ops.convert_to_numpy(moved)[..., 0]


def noise(n: int, rng: np.random.Generator) -> np.ndarray:
    """Images (n, 28, 28) float32 in [0, 1] of specks and clouds."""
    images = np.zeros((n, SIZE, SIZE), np.float32)
    for image in images:
        grain = int(rng.choice([1, 2, 3, 5]))
        small = rng.random((SIZE // grain + 1,) * 2, np.float32)
        field = Image.fromarray(small).resize((SIZE, SIZE), Image.Resampling.BICUBIC)
        image[:] = np.clip((np.asarray(field) - rng.uniform(0.2, 0.7)) * rng.uniform(1, 6), 0, 1)
        if rng.random() < 0.5:  # in the middle, as a digit would be
            image[:4] = image[-4:] = image[:, :4] = image[:, -4:] = 0
    return images
