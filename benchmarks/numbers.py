"""Accuracy on numbers: composed of people's digits, as strokes and as pictures of paper.

People's digits are those of `digitlab.training.people`. `benchmarks.compose` says how numbers are
composed, `benchmarks.paper` how they become pictures. All settings were chosen on numbers of the
contributors aga, apa, apb and gmd. The numbers here are by imp, pri, tos and val, and are read by
the network that has not learned from them. `read_number` is compared with two naive ways to cut a
number apart.
"""

import statistics
import time
from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
import skimage as ski
from PIL import Image

import digitlab
from benchmarks.compose import Drawing, compose
from benchmarks.paper import on_board, on_paper
from benchmarks.tables import Table
from digitlab.pictures.digit import fit_ink
from digitlab.pictures.ink import find_ink
from models.train import HELD_OUT, without

SEED = 1_000_033
COUNT = 1000  # numbers of each kind
DIGITS = (2, 6)  # in a number: the least and the most
WIDTH = 0.75  # a digit's width, as a share of the height, for the naive cut by a fixed width


@cache
def drawings_by_writer() -> list[list[list[tuple[Drawing, int]]]]:
    """Drawings with their labels: for each held-out contributor, for each writer.

    A writer who wrote fewer than six digits, or only a few different ones, is left out. If this
    leaves no writer, the contributor counts as one writer.
    """
    people = digitlab.load_people()
    found = []
    for contributor in HELD_OUT:
        groups: dict[int, list[tuple[Drawing, int]]] = {}
        for index in np.flatnonzero(people.contributors == contributor):
            pair = people.drawings[index], int(people.labels[index])
            groups.setdefault(int(people.writers[index]), []).append(pair)
        all_of_them = [pair for group in groups.values() for pair in group]
        enough = [
            group
            for group in groups.values()
            if len(group) > 5 and len({label for _, label in group}) > 3
        ]
        found.append(enough or [all_of_them])
    return found


def numbers(
    count: int, touching: bool = False, marked: bool = False, seed: int = SEED
) -> list[tuple[Drawing, str]]:
    """Compose numbers; return each with its text.

    Marked ones have a point, a comma or a minus before one of their digits but the first, and four
    in ten have a minus before that.
    """
    rng = np.random.default_rng(seed)
    made = []
    for index in range(count):
        groups = drawings_by_writer()[index % len(HELD_OUT)]
        group = groups[rng.integers(len(groups))]
        size = int(rng.integers(DIGITS[0], DIGITS[1] + 1))
        chosen = [group[at] for at in rng.choice(len(group), size, replace=len(group) < size)]
        marks = {}
        if marked:
            marks = {int(rng.integers(1, size)): str(rng.choice([".", ",", "-"]))}
            marks |= {0: "-"} if rng.random() < 0.4 else {}
        number = compose([drawing for drawing, _ in chosen], rng, touching, marks=marks)
        text = "".join(marks.get(at, "") + str(label) for at, (_, label) in enumerate(chosen))
        made.append((number, text))
    return made


def by_gaps(recognizer: digitlab.Recognizer, drawing: Drawing) -> str:
    """Take strokes that overlap horizontally as one digit: cut at each gap."""
    groups: list[Drawing] = []
    right = -np.inf
    for stroke in sorted(drawing, key=lambda stroke: stroke[:, 0].min()):
        if stroke[:, 0].min() > right:
            groups.append([])
        groups[-1].append(stroke)
        right = max(right, stroke[:, 0].max())
    return _read(recognizer, [digitlab.render_strokes(group) for group in groups])


def by_width(recognizer: digitlab.Recognizer, drawing: Drawing) -> str:
    """Cut into equal widths; a stroke belongs to the part where its middle is."""
    low, high = np.concatenate(drawing).min(0), np.concatenate(drawing).max(0)
    width, height = high - low
    count = max(1, round(width / height / WIDTH))
    groups: list[Drawing] = [[] for _ in range(count)]
    for stroke in drawing:
        middle = (stroke[:, 0].min() + stroke[:, 0].max()) / 2
        groups[min(int((middle - low[0]) / width * count), count - 1)].append(stroke)
    return _read(recognizer, [digitlab.render_strokes(group) for group in groups if group])


def ink_by_gaps(recognizer: digitlab.Recognizer, picture: np.ndarray) -> str:
    """Take connected ink as a digit, from left to right, without specks."""
    ink, _ = find_ink(picture)
    labels = ski.measure.label(ink > 0.25, connectivity=2)
    regions = sorted(ski.measure.regionprops(labels), key=lambda region: region.bbox[1])
    most = max((len(region.image) for region in regions), default=0)
    parts = [
        fit_ink(ink[region.slice] * region.image)
        for region in regions
        if len(region.image) > 0.3 * most
    ]
    return _read(recognizer, parts)


def ink_by_width(recognizer: digitlab.Recognizer, picture: np.ndarray) -> str:
    """Cut the ink into equal widths."""
    ink, _ = find_ink(picture)
    rows, columns = np.nonzero(ink > 0.25)
    if not len(rows):
        return ""
    ink = ink[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    count = max(1, round(ink.shape[1] / ink.shape[0] / WIDTH))
    parts = [part for part in np.array_split(ink, count, axis=1) if part.max(initial=0) > 0.25]
    return _read(recognizer, [fit_ink(part) for part in parts])


def _read(recognizer: digitlab.Recognizer, images: list[np.ndarray]) -> str:
    return "".join(map(str, recognizer.predict_images(np.stack(images)).argmax(1)))


def accuracy() -> Table:
    """The share of numbers that are read without an error."""
    recognizer = without(HELD_OUT[0])
    rng = np.random.default_rng(SEED + 2)
    strokes = {
        "written with a pen": numbers(COUNT),
        "the same, each touching or overlapping the next": numbers(COUNT, touching=True),
        "with a point, a comma or a minus": numbers(COUNT, marked=True),
    }
    plain = numbers(COUNT, seed=SEED + 1)
    touching = numbers(COUNT, touching=True, seed=SEED + 1)
    marked = numbers(COUNT, marked=True, seed=SEED + 1)
    pictures = {
        "pictures of paper": (plain, on_paper),
        "pictures of digits that touch or overlap the next": (touching, on_paper),
        "pictures with a point, a comma or a minus": (marked, on_paper),
        "pictures of chalk on a board": (plain, on_board),
    }

    def exact(read: Callable, cases: Sequence[tuple]) -> str:
        return f"{100 * np.mean([read(case) == text for case, text in cases]):.1f}"

    def ours(case: Drawing | np.ndarray) -> str:
        return recognizer.read_number(case).text

    rows = []
    for name, cases in strokes.items():
        naive = [lambda case, way=way: way(recognizer, case) for way in (by_gaps, by_width)]
        rows.append([name, *(exact(read, cases) for read in (*naive, ours))])
    for name, (drawings, render) in pictures.items():
        photos = [(render(drawing, rng), text) for drawing, text in drawings]
        naive = [lambda case, way=way: way(recognizer, case) for way in (ink_by_gaps, ink_by_width)]
        rows.append([name, *(exact(read, photos) for read in (*naive, ours))])
    return {"columns": ["exact, %", "by gaps", "by width", "`read_number`"], "rows": rows}


def seconds() -> Table:
    """Measure how long reading a number takes."""
    recognizer = digitlab.load_recognizer()
    rng = np.random.default_rng(SEED + 3)
    fives = [drawing for drawing, text in numbers(200) if len(text) == 5]
    photos = [photo(on_paper(drawing, rng)) for drawing in fives[:5]]

    def median(cases: Sequence, runs: int) -> tuple[float, float]:
        recognizer.read_number(cases[0])  # the first call imports modules
        times = []
        for _ in range(runs):
            for case in cases:
                begun = time.perf_counter()
                recognizer.read_number(case)
                times.append(time.perf_counter() - begun)
        return statistics.median(times), max(times)

    rows = []
    for name, cases, factor, digits in (
        ("five digits from strokes, ms", fives, 1000, 1),
        ("five digits from a photo of 12 megapixels, s", photos, 1, 2),
    ):
        middle, most = median(cases, 3)
        rows.append([name, f"{middle * factor:.{digits}f}", f"{most * factor:.{digits}f}"])
    return {"columns": ["", "median", "slowest"], "rows": rows}


def photo(picture: np.ndarray) -> np.ndarray:
    """Enlarge a picture to 12 megapixels."""
    image = Image.fromarray(picture)
    scale = (12_000_000 / (image.width * image.height)) ** 0.5
    size = round(image.width * scale), round(image.height * scale)
    return np.asarray(image.resize(size, Image.Resampling.BICUBIC))
