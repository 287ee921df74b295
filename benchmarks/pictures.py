"""Accuracy on pictures of one digit: paper with lines, bad light, other ink, close and soft ones.

The pictures are made here, of MNIST's digits and of those that people wrote with a pen, on paper of
any size, in any light, with noise and JPEG artefacts. They are not photos, and show which faults
are repaired rather than how well photos are read.
"""

import io
import statistics
import time
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from benchmarks.data import SEED, draw_ink
from benchmarks.tables import Table
from digitlab import Digits, load_people
from models.train import HELD_OUT, without

EACH = 100  # pictures of each kind
PEN = (0.04, 0.16)  # width of a pen, as a share of a digit's size
BROAD = (0.17, 0.24)


class Sheet:
    """A picture in the making: ink, as coverage from 0 to 1, and the light on the paper."""

    def __init__(self, rng: np.random.Generator, sides: tuple[float, float] = (60, 1000)):
        self.rng = rng
        side = np.exp(rng.uniform(*np.log(sides)))
        shape = side * np.exp(rng.uniform(-0.25, 0.25, 2))
        self.height, self.width = (max(40, round(length)) for length in shape)
        self.side = min(self.height, self.width)
        self.ink = np.zeros((self.height, self.width), np.float32)
        self.light = np.ones((self.height, self.width), np.float32)
        self.tilt = np.radians(rng.normal(0, 1.5))
        self.soft = 0.4 + rng.uniform(0, 0.004) * self.side  # the blur, in pixels
        self.box = (0.0, 0.0, 0.0, 0.0)  # the digit's: left, top, right, bottom

    def put(self, mask: Image.Image, x: float, y: float, darkness: float = 1) -> None:
        """Put a mask's ink on the paper, with its middle at (x, y)."""
        corner = round(x - mask.width / 2), round(y - mask.height / 2)
        layer = Image.new("L", (self.width, self.height))
        layer.paste(mask, corner)
        self.ink = np.maximum(self.ink, np.asarray(layer, np.float32) / 255 * darkness)

    def line(self, ends: list[tuple[float, float]], thickness: float, darkness: float) -> None:
        """Draw a line, turned about the picture's middle as the camera was tilted."""
        turn = np.array(
            [[np.cos(self.tilt), np.sin(self.tilt)], [-np.sin(self.tilt), np.cos(self.tilt)]]
        )
        middle = np.array([self.width, self.height]) / 2
        points = (np.array(ends) - middle) @ turn + middle
        finer = 2 if self.side < 400 else 1
        layer = Image.new("L", (self.width * finer, self.height * finer))
        ImageDraw.Draw(layer).line(
            (points * finer).ravel().tolist(), 255, max(1, round(thickness * finer))
        )
        self.ink = np.maximum(
            self.ink, np.asarray(layer.reduce(finer), np.float32) / 255 * darkness
        )

    def photo(self, paper: np.ndarray, pen: np.ndarray, noise: float | None = None) -> Image.Image:
        """Return the sheet as a camera takes it. Colours (3,) in [0, 1]."""
        rng = self.rng
        ink = Image.fromarray((self.ink * 255).astype(np.uint8))
        blurred = ink.filter(ImageFilter.GaussianBlur(self.soft))
        covered = np.asarray(blurred, np.float32)[:, :, None] / 255
        colour: np.ndarray = (paper * (1 - covered) + pen * covered) * self.light[:, :, None]
        grain = rng.uniform(0, 0.03) if noise is None else noise
        colour = colour + rng.normal(0, grain, colour.shape)
        picture = Image.fromarray((np.clip(colour, 0, 1) * 255).astype(np.uint8))
        if rng.random() < 0.3:
            picture = picture.convert("L")
        file = io.BytesIO()
        picture.save(file, "JPEG", quality=int(rng.integers(40, 96)))
        return Image.open(file)


def written(strokes: list, size: float, pen: float) -> Image.Image:
    """A drawing as a mask with a longer side of `size` pixels, in a round pen."""
    points = np.concatenate(strokes)
    low, scale = points.min(0), max(1, size - pen) / max(np.ptp(points, axis=0).max(), 1e-9)
    finer = 2 if size < 300 else 1
    extent = np.ptp(points, axis=0) * scale + pen + 2
    width, height = (int(side * finer) + 1 for side in extent)
    mask = Image.new("L", (width, height))
    at = [((stroke - low) * scale + pen / 2 + 1) * finer for stroke in strokes]
    draw_ink(mask, at, pen * finer)
    return mask.reduce(finer)


def printed(image: np.ndarray, size: float) -> Image.Image:
    """One of MNIST's images as a mask with a longer side of `size` pixels."""
    mask = Image.fromarray(image)
    mask = mask.crop(mask.getbbox())
    scale = size / max(mask.size)
    width, height = (max(1, round(side * scale)) for side in mask.size)
    mask = mask.resize((width, height), Image.Resampling.BICUBIC)
    # As sharp as a pen's line at that size.
    return mask.point(
        [int(np.clip((value - 128) * min(scale, 4) + 128, 0, 255)) for value in range(256)]
    )


Picture = tuple[Image.Image, int]  # a picture and its label


class Source:
    """Digits to write, at random from MNIST or from people."""

    def __init__(self, images: np.ndarray, labels: np.ndarray, drawings: list, drawn: np.ndarray):
        self.images, self.labels, self.drawings, self.drawn = images, labels, drawings, drawn

    def some(self, rng: np.random.Generator, size: float, pen: tuple[float, float]) -> Picture:
        """A digit's mask and label; `pen` is the range of widths, as shares of the size."""
        if len(self.drawings) and rng.random() < 0.5 or pen != PEN:  # MNIST's pens cannot vary
            number = rng.integers(len(self.drawings))
            width = max(1.2, size * np.exp(rng.uniform(*np.log(pen))))
            return written(self.drawings[number], size, width), int(self.drawn[number])
        number = rng.integers(len(self.images))
        return printed(self.images[number], size), int(self.labels[number])


def digit(
    sheet: Sheet, source: Source, share: tuple = (0.4, 0.75), pen: tuple = PEN, away: float = 1
) -> int:
    """Write a digit on the sheet; return its label."""
    rng = sheet.rng
    size = sheet.side * rng.uniform(*share)
    mask, label = source.some(rng, size, pen)
    room = np.array([sheet.width - mask.width, sheet.height - mask.height]) / 2 * 0.6 * away
    x, y = np.array([sheet.width, sheet.height]) / 2 + rng.uniform(-1, 1, 2) * room
    sheet.put(mask, x, y, rng.uniform(0.8, 1))
    sheet.box = (x - mask.width / 2, y - mask.height / 2, x + mask.width / 2, y + mask.height / 2)
    return label


def colours(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """White paper in a warm or cold light, and a dark pen: black, grey or blue."""
    paper = rng.uniform(0.6, 1) * (1 - rng.uniform(0, 0.12, 3))
    pen = paper * rng.uniform(0.05, 0.45) * np.array([1, 1, 1 + rng.uniform(0, 1)])
    return paper, np.clip(pen, 0, 1)


def uneven(sheet: Sheet, most: float = 0.35) -> None:
    """Light from one side."""
    rng = sheet.rng
    y, x = np.mgrid[-1 : 1 : sheet.height * 1j, -1 : 1 : sheet.width * 1j]
    angle = rng.uniform(0, 2 * np.pi)
    fall = rng.uniform(0, most)
    sheet.light *= (1 - fall * (1 + x * np.cos(angle) + y * np.sin(angle)) / 2).clip(0.1, 1)


def plain(rng: np.random.Generator, source: Source) -> Picture:
    """Nothing but the digit and the light."""
    sheet = Sheet(rng, (40, 3000))
    label = digit(sheet, source, (0.3, 0.9))
    uneven(sheet)
    return sheet.photo(*colours(rng)), label


def line_beside(rng: np.random.Generator, source: Source) -> Picture:
    """A line on one side of the digit, across the whole picture."""
    sheet = Sheet(rng)
    label = digit(sheet, source, (0.4, 0.7))
    left, top, right, bottom = sheet.box
    dark, thick = rng.uniform(0.3, 1), sheet.side * rng.uniform(0.006, 0.03)
    inset = rng.uniform(-0.1, 0.06) * sheet.side
    side = rng.integers(4)
    if side < 2:
        x = (
            left * rng.uniform(0.2, 0.9)
            if side == 0
            else right + (sheet.width - right) * rng.uniform(0.1, 0.8)
        )
        ends = [(x, inset), (x, sheet.height - inset)]
    else:
        y = (
            top * rng.uniform(0.2, 0.9)
            if side == 2
            else bottom + (sheet.height - bottom) * rng.uniform(0.1, 0.8)
        )
        ends = [(inset, y), (sheet.width - inset, y)]
    sheet.line(ends, thick, dark)
    uneven(sheet)
    return sheet.photo(*colours(rng)), label


def frame(rng: np.random.Generator, source: Source) -> Picture:
    """Four lines some pixels inside the edge."""
    sheet = Sheet(rng)
    inset = rng.uniform(0.03, 0.12) * sheet.side
    label = digit(sheet, source, (0.4, 0.72), away=0.6)
    w, h = sheet.width, sheet.height
    over = rng.choice([0, -2 * inset])
    dark, thick = rng.uniform(0.3, 1), sheet.side * rng.uniform(0.006, 0.03)
    for ends in (
        [(inset, inset + over), (inset, h - inset - over)],
        [(w - inset, inset + over), (w - inset, h - inset - over)],
        [(inset + over, inset), (w - inset - over, inset)],
        [(inset + over, h - inset), (w - inset - over, h - inset)],
    ):
        sheet.line(ends, thick, dark)
    uneven(sheet)
    return sheet.photo(*colours(rng)), label


def ruled(rng: np.random.Generator, source: Source) -> Picture:
    """Lines above and below, or across the digit."""
    sheet = Sheet(rng, (100, 2000))
    label = digit(sheet, source, (0.35, 0.7))
    apart = sheet.side * rng.uniform(0.3, 0.9)
    dark, thick = rng.uniform(0.25, 0.8), sheet.side * rng.uniform(0.004, 0.015)
    start = rng.uniform(0, apart) - apart
    for y in np.arange(start, sheet.height + apart, apart):
        sheet.line([(-sheet.width, y), (2 * sheet.width, y)], thick, dark)
    if rng.random() < 0.3:  # a margin
        x = sheet.box[0] * rng.uniform(0.2, 0.9)
        sheet.line([(x, -sheet.height), (x, 2 * sheet.height)], thick, dark)
    uneven(sheet)
    return sheet.photo(*colours(rng)), label


def squared(rng: np.random.Generator, source: Source) -> Picture:
    """Squared paper, with lines paler than the pen or not."""
    sheet = Sheet(rng, (150, 2000))
    label = digit(sheet, source, (0.4, 0.75), pen=(0.06, 0.16))
    apart = sheet.side * rng.uniform(0.1, 0.35)
    dark, thick = rng.uniform(0.15, 0.6), max(1, apart * rng.uniform(0.02, 0.06))
    for y in np.arange(rng.uniform(-apart, 0), sheet.height + apart, apart):
        sheet.line([(-sheet.width, y), (2 * sheet.width, y)], thick, dark)
    for x in np.arange(rng.uniform(-apart, 0), sheet.width + apart, apart):
        sheet.line([(x, -sheet.height), (x, 2 * sheet.height)], thick, dark)
    uneven(sheet)
    return sheet.photo(*colours(rng)), label


def cell(rng: np.random.Generator, source: Source) -> Picture:
    """A cell of a table: its lines go on beyond its corners."""
    sheet = Sheet(rng)
    label = digit(sheet, source, (0.4, 0.65), away=0.4)
    left, top, right, bottom = sheet.box
    w, h = sheet.width, sheet.height
    xs = [left * rng.uniform(0.1, 0.75), right + (w - right) * rng.uniform(0.25, 0.9)]
    ys = [top * rng.uniform(0.1, 0.75), bottom + (h - bottom) * rng.uniform(0.25, 0.9)]
    dark, thick = rng.uniform(0.3, 1), sheet.side * rng.uniform(0.006, 0.035)
    for x in xs:
        sheet.line([(x, -h), (x, 2 * h)], thick, dark)
    for y in ys:
        sheet.line([(-w, y), (2 * w, y)], thick, dark)
    uneven(sheet)
    return sheet.photo(*colours(rng)), label


def box(rng: np.random.Generator, source: Source) -> Picture:
    """A box of a form around the digit, with paper around it."""
    sheet = Sheet(rng, (100, 1000))
    label = digit(sheet, source, (0.25, 0.5), away=0.3)
    left, top, right, bottom = sheet.box
    room = rng.uniform(0.1, 0.4) * max(right - left, bottom - top)
    x, y = (left + right) / 2, (top + bottom) / 2
    half = max(right - left, bottom - top) / 2 + room
    dark, thick = rng.uniform(0.5, 1), sheet.side * rng.uniform(0.006, 0.02)
    corners = [(x + i * half, y + j * half) for i, j in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
    for start, end in zip(corners, [*corners[1:], corners[0]], strict=True):
        sheet.line([start, end], thick, dark)
    uneven(sheet)
    return sheet.photo(*colours(rng)), label


def underline(rng: np.random.Generator, source: Source) -> Picture:
    """A line drawn by hand below the digit."""
    sheet = Sheet(rng, (100, 1000))
    label = digit(sheet, source, (0.3, 0.5), away=0.4)
    left, _, right, bottom = sheet.box
    height, width = rng.uniform(0.06, 0.3) * (bottom - sheet.box[1]), sheet.side * 0.02
    over = rng.uniform(0, 0.1, 2) * sheet.side + 0.2 * sheet.side * (
        right - left < 0.2 * sheet.side
    )
    bend = rng.uniform(-0.015, 0.015, 3) * sheet.side
    places = np.linspace(left - over[0], right + over[1], 3)
    points = [(x, bottom + height + width + y) for x, y in zip(places, bend, strict=True)]
    for start, end in zip(points, points[1:], strict=False):
        sheet.line([start, end], width, rng.uniform(0.8, 1))
    uneven(sheet)
    return sheet.photo(*colours(rng)), label


def fingers(rng: np.random.Generator, source: Source) -> Picture:
    """The shadows of two or three fingers, most of them much broader than the pen."""
    sheet = Sheet(rng, (100, 2000))
    label = digit(sheet, source)
    y, x = np.mgrid[-1 : 1 : sheet.height * 1j, -1 : 1 : sheet.width * 1j]
    angle, depth = rng.uniform(0, 2 * np.pi), rng.uniform(0.25, 0.6)
    across = -x * np.sin(angle) + y * np.cos(angle)
    soft = np.exp(rng.uniform(np.log(0.01), np.log(0.1)))
    shade = np.zeros_like(across)
    for place in np.cumsum(rng.uniform(0.5, 0.8, rng.integers(2, 4))) - 1:
        away = np.abs(across - place) - rng.uniform(0.12, 0.22)
        reach = x * np.cos(angle) + y * np.sin(angle) - rng.uniform(0, 0.6)
        shade += 1 / (1 + np.exp(np.clip(np.maximum(away, reach) / soft, -50, 50)))
    sheet.light *= 1 - depth * shade.clip(0, 1)
    uneven(sheet, 0.2)
    return sheet.photo(*colours(rng)), label


def desk(rng: np.random.Generator, source: Source) -> Picture:
    """A sheet that lies askew on a desk of dark or light wood."""
    picture, label = plain(rng, source)
    page = picture.convert("RGB").resize((400, round(400 * picture.height / picture.width)))
    angle = rng.uniform(-15, 15)
    mask = Image.new("L", page.size, 255).rotate(angle, Image.Resampling.BICUBIC, expand=True)
    page = page.rotate(angle, Image.Resampling.BICUBIC, expand=True)
    room = int(rng.uniform(20, 120))
    wood = rng.normal(0, 0.1, (page.height + 2 * room, 1, 1))
    wood = wood + rng.normal(0, 0.03, (len(wood), page.width + 2 * room, 1))
    colour = rng.uniform(0.05, 0.4) * np.array([1, 0.8, 0.6])
    photo = Image.fromarray((255 * (colour * (1 + wood)).clip(0, 1)).astype(np.uint8))
    photo.paste(page, (room, room), mask)
    return photo.filter(ImageFilter.GaussianBlur(1)), label


def close_and_soft(rng: np.random.Generator, source: Source) -> Picture:
    """A digit that fills the picture with broad strokes, out of focus."""
    sheet = Sheet(rng, (45, 90))
    label = digit(sheet, source, (0.8, 0.98), pen=BROAD, away=0.5)
    sheet.soft = sheet.side * rng.uniform(0.04, 0.07)
    uneven(sheet, 0.2)
    return sheet.photo(*colours(rng), noise=rng.uniform(0, 0.015)), label


def stray_marks(rng: np.random.Generator, source: Source) -> Picture:
    """Dots and dashes near the edge."""
    sheet = Sheet(rng)
    label = digit(sheet, source, (0.4, 0.65), away=0.4)
    for _ in range(rng.integers(1, 4)):
        at, side = rng.uniform(0, 1), rng.integers(4)
        depth = rng.uniform(0, 0.08)
        x, y = [(at, depth), (at, 1 - depth), (depth, at), (1 - depth, at)][side]
        length, angle = rng.uniform(0.01, 0.1) * sheet.side, rng.uniform(0, np.pi)
        ends = (
            np.array([x * sheet.width, y * sheet.height])
            + np.outer([-0.5, 0.5], [np.cos(angle), np.sin(angle)]) * length
        )
        sheet.line(
            [tuple(end) for end in ends], sheet.side * rng.uniform(0.01, 0.05), rng.uniform(0.5, 1)
        )
    uneven(sheet)
    return sheet.photo(*colours(rng)), label


def neighbour(rng: np.random.Generator, source: Source) -> Picture:
    """A part of the next digit, cut off by the picture's edge."""
    sheet = Sheet(rng)
    label = digit(sheet, source, (0.45, 0.65), away=0.3)
    left, top, right, bottom = sheet.box
    mask, _ = source.some(rng, sheet.side * rng.uniform(0.4, 0.6), PEN)
    seen = rng.uniform(0.1, 0.6)
    if rng.random() < 0.5:
        x = sheet.width - min(seen * mask.width, 0.6 * (sheet.width - right)) + mask.width / 2
    else:
        x = min(seen * mask.width, 0.6 * left) - mask.width / 2
    sheet.put(
        mask, x, (top + bottom) / 2 + rng.uniform(-0.1, 0.1) * sheet.side, rng.uniform(0.8, 1)
    )
    uneven(sheet)
    return sheet.photo(*colours(rng)), label


def shadow(rng: np.random.Generator, source: Source) -> Picture:
    """The edge of a shadow across the sheet."""
    sheet = Sheet(rng, (100, 2000))
    label = digit(sheet, source)
    y, x = np.mgrid[-1 : 1 : sheet.height * 1j, -1 : 1 : sheet.width * 1j]
    angle = rng.uniform(0, 2 * np.pi)
    away = x * np.cos(angle) + y * np.sin(angle) - rng.uniform(-0.6, 0.6)
    sharp = np.exp(rng.uniform(np.log(0.01), np.log(0.3)))
    sheet.light *= 1 - rng.uniform(0.25, 0.6) / (1 + np.exp(np.clip(-away / sharp, -50, 50)))
    uneven(sheet, 0.2)
    return sheet.photo(*colours(rng)), label


def glare(rng: np.random.Generator, source: Source) -> Picture:
    """A lamp's reflection beside the digit or over it."""
    sheet = Sheet(rng, (100, 2000))
    label = digit(sheet, source, pen=(0.06, 0.16))
    uneven(sheet)
    paper, pen = colours(rng)
    paper, pen = paper * 0.75, pen * 0.75
    y, x = np.mgrid[-1 : 1 : sheet.height * 1j, -1 : 1 : sheet.width * 1j]
    cx, cy = rng.uniform(-0.9, 0.9, 2)
    spot = np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / rng.uniform(0.1, 0.5) ** 2 / 2)
    sheet.light *= 1 + rng.uniform(0.3, 0.8) * spot
    return sheet.photo(paper, pen), label


def pencil(rng: np.random.Generator, source: Source) -> Picture:
    """Thin and pale strokes."""
    sheet = Sheet(rng, (200, 3000))
    label = digit(sheet, source, (0.35, 0.8), pen=(0.012, 0.04))
    uneven(sheet)
    paper, _ = colours(rng)
    sheet.soft = min(sheet.soft, 1)
    return sheet.photo(paper, paper * rng.uniform(0.45, 0.75), noise=rng.uniform(0, 0.015)), label


def coloured(rng: np.random.Generator, source: Source) -> Picture:
    """A pen of one colour on paper of another colour, equally bright or nearly so."""
    sheet = Sheet(rng, (60, 2000))
    label = digit(sheet, source)
    uneven(sheet)
    while True:
        paper, pen = rng.uniform(0, 1, 3), rng.uniform(0, 1, 3)
        if np.linalg.norm(paper - pen) > 0.5 and paper.mean() > 0.35:
            return sheet.photo(paper, pen, noise=rng.uniform(0, 0.015)), label


def dark_mode(rng: np.random.Generator, source: Source) -> Picture:
    """A screenshot: light ink on dark."""
    sheet = Sheet(rng)
    label = digit(sheet, source, (0.3, 0.9))
    sheet.soft = 0.4
    paper = rng.uniform(0, 0.3) * (1 - rng.uniform(0, 0.3, 3))
    pen = np.clip(paper + rng.uniform(0.35, 0.9) * (1 - rng.uniform(0, 0.5, 3)), 0, 1)
    return sheet.photo(paper, pen, noise=0), label


KINDS: dict[str, Callable[[np.random.Generator, Source], Picture]] = {
    "plain paper": plain,
    "a line beside the digit": line_beside,
    "a frame": frame,
    "ruled paper": ruled,
    "squared paper": squared,
    "a table's cell": cell,
    "a box": box,
    "an underline": underline,
    "a sheet on a desk": desk,
    "close and soft": close_and_soft,
    "stray marks near the edge": stray_marks,
    "a neighbour's tail": neighbour,
    "a shadow's edge": shadow,
    "shadows of fingers": fingers,
    "glare": glare,
    "thin pencil": pencil,
    "coloured pen and paper": coloured,
    "dark mode": dark_mode,
}


def source_of(digits: Digits) -> Source:
    """Digits to write: MNIST's test set and the held-out contributors'."""
    people = load_people()
    held_out = people[np.isin(people.contributors, HELD_OUT)]
    return Source(digits.x_test, digits.y_test, held_out.drawings, held_out.labels)


def table(digits: Digits) -> Table:
    """Test a network that has not learned from these people on pictures of each kind."""
    source, recognizer = source_of(digits), without(HELD_OUT[0])
    rows = []
    for name, make in KINDS.items():
        right, times = 0, []
        for number in range(EACH):
            picture, label = make(np.random.default_rng((SEED, number)), source)
            picture.load()
            begun = time.perf_counter()
            right += recognizer.predict(picture).digit == label
            times.append(time.perf_counter() - begun)
        rows.append([name, f"{100 * right / EACH:.0f}", f"{1000 * statistics.median(times):.0f}"])
    columns = [f"{EACH} pictures of each kind", "% read right", "median ms"]
    return {"columns": columns, "rows": rows}
